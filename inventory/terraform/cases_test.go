package terraform_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/trifecta-scanner/trifecta/internal/shared"
	"github.com/trifecta-scanner/trifecta/inventory"
	"github.com/trifecta-scanner/trifecta/inventory/terraform"
)

// read evaluates the tree of a folder.
func read(tb testing.TB, dir string, source terraform.Source) *inventory.Inventory {
	tb.Helper()
	tree, err := inventory.OpenTree(tb.Context(), dir, inventory.Limits{})
	if err != nil {
		tb.Fatal(err)
	}
	defer tree.Close()
	inv, err := source.Read(tb.Context(), tree)
	if err != nil {
		tb.Fatal(err)
	}
	return inv
}

// unexplained returns the places of unknown values without a reason.
func unexplained(inv *inventory.Inventory) []string {
	var places []string
	for _, r := range inv.Resources {
		var walk func(path string, v inventory.Value)
		walk = func(path string, v inventory.Value) {
			if (v.IsUnknown() || v.IsMaybe()) && len(v.Reasons()) == 0 {
				places = append(places, string(r.ID)+path)
			}
			for _, f := range v.Fields() {
				walk(path+"."+f.Name, f.Value)
			}
			if v.Kind() == inventory.List {
				for _, e := range v.Elements() {
					walk(path+"[]", e)
				}
			}
			for _, c := range v.Candidates() {
				walk(path+"?", c)
			}
		}
		walk("", r.Values)
		if r.Exists == inventory.MayExist && len(r.Reasons) == 0 {
			places = append(places, string(r.ID)+" may exist")
		}
	}
	return places
}

// TestReachCases evaluates the Terraform of all labelled cases: nothing in them is beyond the evaluator.
func TestReachCases(t *testing.T) {
	cases, err := filepath.Glob(filepath.Join(shared.Dir(t), "design", "reach-cases", "S*"))
	if err != nil || len(cases) == 0 {
		t.Fatalf("no cases: %v", err)
	}
	evaluated := 0
	for _, dir := range cases {
		if labels, err := os.ReadFile(filepath.Join(dir, "expect.yaml")); err != nil || strings.Contains(string(labels), "kind: cloudformation") || strings.Contains(string(labels), "kind: kubernetes") {
			continue
		}
		t.Run(filepath.Base(dir), func(t *testing.T) {
			inv := read(t, dir, terraform.Source{})
			if len(inv.Resources) == 0 {
				t.Error("no resources")
			}
			for _, n := range inv.Notices {
				t.Errorf("%s:%d: %s", n.Location.Path, n.Location.Line, n.Message)
			}
			for _, place := range unexplained(inv) {
				t.Errorf("%s is unknown without a reason", place)
			}
		})
		evaluated++
	}
	if evaluated < 20 {
		t.Errorf("%d cases were evaluated", evaluated)
	}
}
