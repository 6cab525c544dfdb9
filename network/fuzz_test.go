package network_test

import (
	"os"
	"path/filepath"
	"testing"
	"testing/fstest"

	"github.com/trifecta-scanner/trifecta/aws"
	"github.com/trifecta-scanner/trifecta/inventory"
	"github.com/trifecta-scanner/trifecta/inventory/cloudformation"
	"github.com/trifecta-scanner/trifecta/inventory/kubernetes"
	"github.com/trifecta-scanner/trifecta/inventory/terraform"
	"github.com/trifecta-scanner/trifecta/kube"
	"github.com/trifecta-scanner/trifecta/network"
)

// FuzzGraph builds the network of whatever the sources make of a file in each language: it answers, and says why.
func FuzzGraph(f *testing.F) {
	for _, pattern := range []string{"*/main.tf", "*/template.yaml", "*/manifests.yaml"} {
		files, err := filepath.Glob(filepath.Join("testdata", "cases", pattern))
		if err != nil || len(files) == 0 {
			f.Fatalf("no cases: %v", err)
		}
		for _, name := range files {
			data, err := os.ReadFile(name)
			if err != nil {
				f.Fatal(err)
			}
			f.Add(data)
		}
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		fsys := fstest.MapFS{"main.tf": &fstest.MapFile{Data: data}, "template.yaml": &fstest.MapFile{Data: data}}
		tree, err := inventory.NewTree(t.Context(), fsys, inventory.Limits{})
		if err != nil {
			t.Skip()
		}
		inv, err := inventory.Read(t.Context(), tree, terraform.Source{}, cloudformation.Source{}, kubernetes.Source{})
		if err != nil {
			t.Skip()
		}
		g := network.Build(aws.Build(inv.Resources), kube.Read(inv.Resources))
		results := g.Results()
		for i, r := range results {
			switch {
			case r.Reachable == network.No && (len(r.Blocked) == 0 || r.Layers == 0):
				t.Errorf("%s is not reachable, and nothing blocks: %+v", r.Address, r)
			case r.Reachable == network.Yes && (len(r.Paths) == 0 || len(r.Ports) == 0):
				t.Errorf("%s is reachable by no path: %+v", r.Address, r)
			case r.Reachable == network.Unknown && len(r.Unknown) == 0:
				t.Errorf("%s is not known, and nothing is missing: %+v", r.Address, r)
			}
			if i < 4 {
				g.Explain(results[len(results)-1-i].Address, r.Address)
				g.Closing(r.Address)
			}
		}
	})
}
