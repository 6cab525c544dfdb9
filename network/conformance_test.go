package network_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"gopkg.in/yaml.v3"

	"github.com/trifecta-scanner/trifecta/aws"
	"github.com/trifecta-scanner/trifecta/internal/shared"
	"github.com/trifecta-scanner/trifecta/inventory"
	"github.com/trifecta-scanner/trifecta/inventory/cloudformation"
	"github.com/trifecta-scanner/trifecta/inventory/kubernetes"
	"github.com/trifecta-scanner/trifecta/inventory/terraform"
	"github.com/trifecta-scanner/trifecta/kube"
	"github.com/trifecta-scanner/trifecta/network"
)

// expectation is expect.yaml of a labelled case; the README beside the cases says how a result is compared with it.
type expectation struct {
	ID        string            `yaml:"id"`
	Inputs    map[string]string `yaml:"inputs"`
	Resources []label           `yaml:"resources"`
}

type label struct {
	Address     inventory.ID       `yaml:"address"`
	Reachable   network.Verdict    `yaml:"reachable"`
	From        inventory.ID       `yaml:"from"`
	Ports       *[]string          `yaml:"ports"`
	TargetPorts *[]string          `yaml:"target_ports"`
	Family      *[]string          `yaml:"family"`
	Sources     *[]string          `yaml:"sources"`
	Path        []inventory.ID     `yaml:"path"`
	Guards      []inventory.ID     `yaml:"guards"`
	Shields     *[]string          `yaml:"shields"`
	Assumptions []string           `yaml:"assumptions"`
	Blocked     []network.Block    `yaml:"blocked"`
	Unknown     []inventory.Reason `yaml:"unknown"`
}

// graphOf reads a folder the way a scan does and builds its network.
func graphOf(tb testing.TB, dir string, inputs map[string]string) *network.Graph {
	tb.Helper()
	resources := resourcesOf(tb, dir, inputs)
	return network.Build(aws.Build(resources), kube.Read(resources))
}

func resourcesOf(tb testing.TB, dir string, inputs map[string]string) []*inventory.Resource {
	tb.Helper()
	tree, err := inventory.OpenTree(tb.Context(), dir, inventory.Limits{})
	if err != nil {
		tb.Fatal(err)
	}
	defer tree.Close()
	inv, err := inventory.Read(tb.Context(), tree, terraform.Source{Vars: inputs}, cloudformation.Source{Params: inputs}, kubernetes.Source{})
	if err != nil {
		tb.Fatal(err)
	}
	for _, n := range inv.Notices {
		tb.Logf("notice %s: %s", n.Code, n.Message)
	}
	return inv.Resources
}

// TestCases runs the labelled cases.
func TestCases(t *testing.T) {
	cases, err := filepath.Glob(filepath.Join(shared.Dir(t), "design", "reach-cases", "S*"))
	if err != nil || len(cases) == 0 {
		t.Fatalf("no cases: %v", err)
	}
	for _, dir := range cases {
		t.Run(filepath.Base(dir), func(t *testing.T) { runCase(t, dir) })
	}
}

// TestOwnCases runs the cases of this package, which are labelled in the same way.
func TestOwnCases(t *testing.T) {
	cases, err := filepath.Glob(filepath.Join("testdata", "cases", "*"))
	if err != nil || len(cases) == 0 {
		t.Fatalf("no cases: %v", err)
	}
	for _, dir := range cases {
		t.Run(filepath.Base(dir), func(t *testing.T) { runCase(t, dir) })
	}
}

func runCase(t *testing.T, dir string) {
	data, err := os.ReadFile(filepath.Join(dir, "expect.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	var want expectation
	if err := yaml.Unmarshal(data, &want); err != nil {
		t.Fatal(err)
	}
	g := graphOf(t, dir, want.Inputs)
	for _, l := range want.Resources {
		answers := g.Explain(l.Address, l.From)
		if len(answers) != 1 {
			t.Errorf("%s (from %q) has %d answers", l.Address, l.From, len(answers))
			continue
		}
		r := answers[0]
		for _, trouble := range l.compare(r) {
			t.Errorf("%s from %q: %s", l.Address, l.From, trouble)
		}
	}
}

// compare returns where a result differs from its label.
func (l label) compare(r network.Result) []string {
	var troubles []string
	trouble := func(format string, args ...any) { troubles = append(troubles, fmt.Sprintf(format, args...)) }
	if r.Reachable != l.Reachable {
		trouble("reachable %s, want %s (ports %v, blocked %v, unknown %v, paths %v)", r.Reachable, l.Reachable, r.Ports, r.Blocked, r.Unknown, r.Paths)
		return troubles
	}
	switch l.Reachable {
	case network.Yes:
		sets := []struct {
			name string
			want *[]string
			got  []string
		}{{"ports", l.Ports, r.Ports}, {"target_ports", l.TargetPorts, r.TargetPorts}, {"family", l.Family, r.Family}, {"sources", l.Sources, r.Sources}, {"shields", l.Shields, r.Shields}}
		for _, s := range sets {
			if s.want != nil && !sameSet(*s.want, s.got) {
				trouble("%s %v, want %v", s.name, s.got, *s.want)
			}
		}
		if len(l.Path) > 0 && !slices.ContainsFunc(r.Paths, func(p network.Path) bool { return subsequence(l.Path, p.Nodes) }) {
			trouble("no path passes %v: %v", l.Path, nodesOf(r.Paths))
		}
		for _, at := range l.Guards {
			if !slices.ContainsFunc(r.Paths, func(p network.Path) bool {
				return slices.ContainsFunc(p.Guards, func(g network.Guard) bool { return g.At == at })
			}) {
				trouble("guard %s is not reported: %v", at, r.Paths)
			}
		}
		for _, a := range l.Assumptions {
			if !slices.Contains(r.Assumptions, a) {
				trouble("assumption %s is not reported: %v", a, r.Assumptions)
			}
		}
	case network.No:
		if len(l.Blocked) > 0 && !slices.ContainsFunc(l.Blocked, func(b network.Block) bool { return slices.Contains(r.Blocked, b) }) {
			trouble("blocked %v, want one of %v", r.Blocked, l.Blocked)
		}
		if r.Layers == 0 {
			trouble("no layers although it is blocked by %v", r.Blocked)
		}
	case network.Unknown:
		if len(l.Unknown) > 0 && !slices.ContainsFunc(l.Unknown, func(u inventory.Reason) bool { return slices.Contains(r.Unknown, u) }) {
			trouble("unknown %v, want one of %v", r.Unknown, l.Unknown)
		}
		if l.Ports != nil {
			for _, p := range *l.Ports {
				if !slices.Contains(r.PossiblePorts, p) {
					trouble("port %s is not possible: %v", p, r.PossiblePorts)
				}
			}
		}
	}
	return troubles
}

func sameSet(a, b []string) bool {
	a, b = slices.Sorted(slices.Values(a)), slices.Sorted(slices.Values(b))
	return slices.Equal(slices.Compact(a), slices.Compact(b))
}

func subsequence(want, path []inventory.ID) bool {
	for _, id := range path {
		if len(want) > 0 && want[0] == id {
			want = want[1:]
		}
	}
	return len(want) == 0
}

func nodesOf(paths []network.Path) string {
	var b strings.Builder
	for _, p := range paths {
		fmt.Fprintf(&b, "%v ", p.Nodes)
	}
	return b.String()
}
