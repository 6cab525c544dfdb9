package aws_test

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/trifecta-scanner/trifecta/aws"
	"github.com/trifecta-scanner/trifecta/internal/golden"
	"github.com/trifecta-scanner/trifecta/internal/shared"
	"github.com/trifecta-scanner/trifecta/inventory"
	"github.com/trifecta-scanner/trifecta/inventory/cloudformation"
	"github.com/trifecta-scanner/trifecta/inventory/terraform"
)

// read evaluates what is below a folder.
func read(tb testing.TB, dir string) []*inventory.Resource {
	tb.Helper()
	tree, err := inventory.OpenTree(tb.Context(), dir, inventory.Limits{})
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { tree.Close() })
	var resources []*inventory.Resource
	for _, source := range []inventory.Source{cloudformation.Source{}, terraform.Source{}} {
		inv, err := source.Read(tb.Context(), tree)
		if err != nil {
			tb.Fatal(err)
		}
		resources = append(resources, inv.Resources...)
	}
	return resources
}

// write prints a model, one object a line.
func write(tb testing.TB, m *aws.Model) []byte {
	tb.Helper()
	var b bytes.Buffer
	for _, f := range m.Facts() {
		fields, err := json.Marshal(f.Fields)
		if err != nil {
			tb.Fatal(err)
		}
		word := f.Origin
		if f.Exists != "" {
			word += ", exists " + f.Exists
		}
		if f.Exported {
			word += ", exported"
		}
		b.WriteString(f.Kind + " " + string(f.Address) + " (" + word + ")\n  " + string(fields) + "\n")
	}
	return b.Bytes()
}

// TestReachCases compares the models of the labelled cases with those that were read and found right.
func TestReachCases(t *testing.T) {
	dir := filepath.Join(shared.Dir(t), "design", "reach-cases")
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if !e.IsDir() || strings.Contains(e.Name(), "-k8s-") {
			continue
		}
		t.Run(e.Name(), func(t *testing.T) {
			resources := read(t, filepath.Join(dir, e.Name()))
			if len(resources) == 0 {
				t.Skip("no evaluator reads this case")
			}
			golden.Check(t, filepath.Join("testdata", "cases", e.Name()+".golden"), write(t, aws.Build(resources)))
		})
	}
}
