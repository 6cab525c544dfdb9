package terraform_test

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/trifecta-scanner/trifecta/inventory"
	"github.com/trifecta-scanner/trifecta/inventory/terraform"
)

// references counts what the values of one root refer to.
type references struct {
	resolved   int            // they lead to a resource of the tree
	unresolved map[string]int // by the code of the reason
}

func (r references) share() float64 {
	total := r.resolved
	for _, n := range r.unresolved {
		total += n
	}
	if total == 0 {
		return 1
	}
	return float64(r.resolved) / float64(total)
}

// count returns the references of each root: values that only the deployment knows, and whether it is known whose they
// are. A value that is not known at all counts as unresolved.
func count(inv *inventory.Inventory) map[string]references {
	known := map[string]bool{}
	for _, r := range inv.Resources {
		known[r.Root+" "+string(r.ID)] = true
		if i := strings.LastIndexByte(string(r.ID), '['); i > 0 && strings.HasSuffix(string(r.ID), "]") {
			known[r.Root+" "+string(r.ID[:i])] = true // the name of all instances
		}
	}
	roots := map[string]references{}
	for _, r := range inv.Resources {
		counted := roots[r.Root]
		if counted.unresolved == nil {
			counted.unresolved = map[string]int{}
		}
		var walk func(v inventory.Value)
		walk = func(v inventory.Value) {
			for _, e := range v.Fields() {
				walk(e.Value)
			}
			if v.Kind() == inventory.List {
				for _, e := range v.Elements() {
					walk(e)
				}
			}
			if !v.IsUnknown() {
				return
			}
			inside := slices.Concat(v.Parts(), v.Candidates())
			if e, ok := v.Encoded(); ok {
				inside = append(inside, e)
			}
			ref, ok := v.Ref()
			root := r.Root
			if ref.Root != "" {
				root = ref.Root
			}
			switch {
			case ok && known[root+" "+string(ref.Resource)]:
				counted.resolved++
			case len(inside) > 0:
				for _, p := range inside {
					walk(p)
				}
			case len(v.Reasons()) > 0:
				counted.unresolved[v.Reasons()[0].Code]++
			default:
				counted.unresolved["none"]++
			}
		}
		walk(r.Values)
		roots[r.Root] = counted
	}
	return roots
}

// TestCorpus evaluates checkouts of real repositories: each folder of the one that TRIFECTA_TERRAFORM names. It prints
// the share of resolved references of each root.
func TestCorpus(t *testing.T) {
	dir := os.Getenv("TRIFECTA_TERRAFORM")
	if dir == "" {
		t.Skip("TRIFECTA_TERRAFORM names no folder of checkouts")
	}
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) == 0 {
		t.Fatalf("no checkouts: %v", err)
	}
	for _, e := range entries {
		t.Run(e.Name(), func(t *testing.T) {
			inv := read(t, filepath.Join(dir, e.Name()), terraform.Source{})
			for _, place := range unexplained(inv) {
				t.Errorf("%s is unknown without a reason", place)
			}
			roots := count(inv)
			for _, root := range slices.Sorted(maps.Keys(roots)) {
				r := roots[root]
				var codes []string
				for _, code := range slices.Sorted(maps.Keys(r.unresolved)) {
					codes = append(codes, fmt.Sprintf("%s %d", code, r.unresolved[code]))
				}
				t.Logf("%5.1f %% of %s resolved: %d; %s", 100*r.share(), root, r.resolved, strings.Join(codes, ", "))
			}
		})
	}
}

// TestReferences counts the references of the labelled trees, of which the shares are known.
func TestReferences(t *testing.T) {
	inv := read(t, "testdata/share", terraform.Source{})
	got := count(inv)["."]
	if got.resolved != 2 || got.unresolved[inventory.VarNoDefault] != 1 || got.unresolved[inventory.ModuleNotAvailable] != 0 || len(got.unresolved) != 1 {
		t.Errorf("got %+v", got)
	}
}
