package terraform_test

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/rogpeppe/go-internal/txtar"

	"github.com/trifecta-scanner/trifecta/internal/golden"
	"github.com/trifecta-scanner/trifecta/inventory"
	"github.com/trifecta-scanner/trifecta/inventory/terraform"
)

// TestTrees compares what the trees of testdata/trees declare with golden files.
func TestTrees(t *testing.T) {
	archives, err := filepath.Glob("testdata/trees/*.txtar")
	if err != nil || len(archives) == 0 {
		t.Fatalf("no trees: %v", err)
	}
	for _, name := range archives {
		t.Run(strings.TrimSuffix(filepath.Base(name), ".txtar"), func(t *testing.T) {
			archive, err := txtar.ParseFile(name)
			if err != nil {
				t.Fatal(err)
			}
			inv := readArchive(t, archive, terraform.Source{Repositories: []string{"git@github.com:example/own.git"}})
			for _, place := range unexplained(inv) {
				t.Errorf("%s is unknown without a reason", place)
			}
			golden.Check(t, strings.TrimSuffix(name, ".txtar")+".golden", []byte(written(t, inv)))
		})
	}
}

func readArchive(tb testing.TB, archive *txtar.Archive, source terraform.Source) *inventory.Inventory {
	tb.Helper()
	fsys := fstest.MapFS{}
	for _, f := range archive.Files {
		fsys[f.Name] = &fstest.MapFile{Data: f.Data}
	}
	return readFS(tb, fsys, source)
}

func readFS(tb testing.TB, fsys fstest.MapFS, source terraform.Source) *inventory.Inventory {
	tb.Helper()
	tree, err := inventory.NewTree(tb.Context(), fsys, inventory.Limits{})
	if err != nil {
		tb.Fatal(err)
	}
	inv, err := source.Read(tb.Context(), tree)
	if err != nil {
		tb.Fatal(err)
	}
	return inv
}

// written shows an inventory as a text that people can judge: a line for each value that is no map.
func written(t *testing.T, inv *inventory.Inventory) string {
	t.Helper()
	var b strings.Builder
	for _, r := range inv.Resources {
		if r.Assumed != "" {
			continue // what a built-in model says is tested beside the models
		}
		fmt.Fprintf(&b, "%s %s", r.Root, r.ID)
		for _, s := range []struct{ name, value string }{
			{"environment", r.Environment}, {"region", r.Region}, {"account", r.Account},
		} {
			if s.value != "" {
				fmt.Fprintf(&b, " %s=%s", s.name, s.value)
			}
		}
		switch r.Exists {
		case inventory.MayExist:
			fmt.Fprintf(&b, " may exist %s", reasons(r.Reasons))
		case inventory.NotExists:
			b.WriteString(" does not exist")
		}
		fmt.Fprintf(&b, " at %s", place(r.Location))
		for _, c := range r.Via {
			fmt.Fprintf(&b, " via %s %s", c.Address, place(c.Location))
		}
		b.WriteString("\n")
		for _, f := range r.Values.Fields() {
			show(t, &b, "  "+f.Name, f.Value)
		}
	}
	for _, n := range inv.Notices {
		fmt.Fprintf(&b, "notice %s %s: %s\n", n.Code, place(*n.Location), n.Message)
	}
	return b.String()
}

func show(t *testing.T, b *strings.Builder, name string, v inventory.Value) {
	if v.IsMaybe() && !v.IsRest() {
		name += " (maybe " + reasons(v.Reasons()) + ")"
	}
	switch {
	case v.IsSensitive():
		fmt.Fprintf(b, "%s = sensitive at %s\n", name, place(v.Location()))
		return
	case v.Kind() == inventory.List && len(v.Elements()) > 0:
		for i, e := range v.Elements() {
			show(t, b, fmt.Sprintf("%s[%d]", name, i), e)
		}
		return
	case v.Kind() == inventory.Map && len(v.Fields()) > 0:
		for _, f := range v.Fields() {
			show(t, b, name+"."+f.Name, f.Value)
		}
		return
	case !v.IsUnknown():
		data, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(b, "%s = %s at %s\n", name, data, place(v.Location()))
	default:
		fmt.Fprintf(b, "%s = %s", name, "unknown")
		if v.IsRest() {
			b.WriteString("...")
		}
		if ref, ok := v.Ref(); ok {
			fmt.Fprintf(b, " %s.%s", ref.Resource, ref.Attribute)
			if ref.Root != "" {
				fmt.Fprintf(b, " in %s", ref.Root)
			}
		}
		fmt.Fprintf(b, " %s at %s\n", reasons(v.Reasons()), place(v.Location()))
	}
	for _, c := range v.Candidates() {
		show(t, b, "    "+name+" ?", c)
	}
	for _, p := range v.Parts() {
		show(t, b, "    "+name+" +", p)
	}
	if inner, ok := v.Encoded(); ok {
		show(t, b, "    "+name+" json", inner)
	}
}

func reasons(list []inventory.Reason) string {
	words := make([]string, len(list))
	for i, r := range list {
		words[i] = r.Code + " " + r.Ref
	}
	return "(" + strings.Join(words, ", ") + ")"
}

func place(l inventory.Location) string { return fmt.Sprintf("%s:%d:%d", l.Path, l.Line, l.Column) }
