package cloudformation

import (
	"archive/tar"
	"compress/gzip"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"github.com/trifecta-scanner/trifecta/internal/shared"
	"github.com/trifecta-scanner/trifecta/inventory"
)

// recorded is what cfn-lint says about a template: the type of each resource and whether it is created.
type recorded map[string][2]string

// constant are resources whose condition compares two constants, which cfn-lint takes for a question.
var constant = []string{"NullResource", "Unused"}

// TestCFNLint compares the resources of templates with those that cfn-lint finds; testdata/record_cfnlint.py made the
// list.
func TestCFNLint(t *testing.T) {
	data, err := os.ReadFile("testdata/cfnlint.json")
	if err != nil {
		t.Fatal(err)
	}
	var all map[string]recorded
	if err := json.Unmarshal(data, &all); err != nil {
		t.Fatal(err)
	}
	byTree := map[string]map[string]recorded{}
	for name, want := range all {
		folder, rest, _ := strings.Cut(name, "/")
		if byTree[folder] == nil {
			byTree[folder] = map[string]recorded{}
		}
		byTree[folder][rest] = want
	}
	for folder, templates := range byTree {
		t.Run(folder, func(t *testing.T) {
			tree := archived(t, folder)
			for name, want := range templates {
				got := recorded{}
				for _, r := range alone(t, tree, name) {
					created := [...]string{"yes", "maybe", "no"}[r.Exists]
					if said := want[string(r.ID)][1]; said == "undecided" || said == "maybe" && slices.Contains(constant, r.Name) {
						created = said
					}
					got[string(r.ID)] = [2]string{r.Type, created}
				}
				if diff := cmp.Diff(want, got); diff != "" {
					t.Errorf("%s (-cfn-lint +this):\n%s", name, diff)
				}
			}
		})
	}
}

// archived opens a folder of testdata, or else an archive of the shared corpus.
func archived(t *testing.T, name string) *inventory.Tree {
	t.Helper()
	if dir := filepath.Join("testdata", name); !strings.Contains(name, "+") {
		return open(t, dir)
	}
	f, err := os.Open(filepath.Join(shared.Dir(t), "corpus", name+".tar.gz"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	zipped, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	fsys := fstest.MapFS{}
	for archive := tar.NewReader(zipped); ; {
		header, err := archive.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		if header.Typeflag != tar.TypeReg {
			continue
		}
		content, err := io.ReadAll(archive)
		if err != nil {
			t.Fatal(err)
		}
		_, rest, _ := strings.Cut(path.Clean(header.Name), "/")
		fsys[rest] = &fstest.MapFile{Data: content}
	}
	tree, err := inventory.NewTree(t.Context(), fsys, inventory.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	return tree
}

// alone evaluates one template as if nothing called it and nothing was said about its parameters.
func alone(t *testing.T, tree *inventory.Tree, name string) []*inventory.Resource {
	t.Helper()
	r := newReading(Source{}, tree)
	template := r.load(name)
	if template == nil {
		t.Fatalf("%s is no template", name)
	}
	r.roots = []string{name}
	resources, err := r.evaluate(t.Context(), "")
	if err != nil {
		t.Fatal(err)
	}
	return slices.DeleteFunc(resources, func(r *inventory.Resource) bool { return len(r.Via) > 0 || r.Type == "output" })
}

// TestCorpus evaluates real templates and prints which references are resolved; those that are not have a reason.
func TestCorpus(t *testing.T) {
	for _, name := range []string{"widdix+aws-cf-templates", "aws-quickstart+quickstart-linux-bastion"} {
		t.Run(name, func(t *testing.T) {
			inv, r, err := Source{}.read(t.Context(), archived(t, name))
			if err != nil {
				t.Fatal(err)
			}
			if len(inv.Resources) == 0 || r.counted.all == 0 {
				t.Fatal("nothing was evaluated")
			}
			for reason, n := range r.counted.unresolved {
				if reason.Code == "" {
					t.Errorf("%d references are not resolved and have no reason", n)
				}
			}
			for _, res := range inv.Resources {
				eachUnknown(res.Values, func(v inventory.Value) {
					if len(v.Reasons()) == 0 {
						t.Errorf("%s %s: an unknown value without a reason at %v", res.Root, res.ID, v.Location())
					}
				})
			}
			for _, n := range inv.Notices {
				if !slices.Contains(Assumptions, n.Code) && n.Code != "nested-template-missing" {
					t.Errorf("%s: %s", n.Code, n.Message)
				}
			}
			t.Logf("%d templates, %d resources, %d of %d references resolved (%.1f %%)", len(r.templates), len(inv.Resources), r.counted.resolved, r.counted.all, 100*float64(r.counted.resolved)/float64(r.counted.all))
			codes := map[string]int{}
			for reason, n := range r.counted.unresolved {
				code := reason.Code
				if strings.HasPrefix(reason.Ref, "AWS::") {
					code += " of a pseudo parameter"
				}
				codes[code] += n
			}
			t.Log(codes)
		})
	}
}

func eachUnknown(v inventory.Value, visit func(inventory.Value)) {
	switch v.Kind() {
	case inventory.Unknown:
		visit(v)
	case inventory.List, inventory.Map:
		for _, e := range v.Elements() {
			eachUnknown(e, visit)
		}
	}
}

// TestReachCases evaluates the labelled cases of network reachability: everything in them is resolved.
func TestReachCases(t *testing.T) {
	dir := filepath.Join(shared.Dir(t), "design", "reach-cases")
	cases, err := filepath.Glob(filepath.Join(dir, "*", "template.yaml"))
	if err != nil || len(cases) == 0 {
		t.Fatalf("no cases of CloudFormation: %v", err)
	}
	for _, name := range cases {
		inv, r, err := Source{}.read(t.Context(), open(t, filepath.Dir(name)))
		if err != nil {
			t.Fatal(err)
		}
		if len(inv.Resources) == 0 || len(inv.Notices) > 0 || r.counted.resolved != r.counted.all {
			t.Errorf("%s: %d resources, %d of %d references, %v", name, len(inv.Resources), r.counted.resolved, r.counted.all, inv.Notices)
		}
	}
}
