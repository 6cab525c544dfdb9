package scanner

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/trifecta-scanner/trifecta/inventory"
	"github.com/trifecta-scanner/trifecta/network"
)

func reached(id inventory.ID, breadth network.Breadth, shields []string, ports ...string) network.Result {
	return network.Result{Address: id, Reachable: network.Yes, Breadth: breadth, Ports: ports, Shields: shields, Paths: []network.Path{{Nodes: []inventory.ID{network.Internet, id}}}}
}

func surfaceOf(workloads ...network.Result) *Result {
	r := &Result{Workloads: workloads, AttackSurface: AttackSurface{Evaluated: true}}
	for _, w := range workloads {
		if w.Reachable == network.Yes {
			r.AttackSurface.ExposedWorkloads = append(r.AttackSurface.ExposedWorkloads, w.Address)
		}
	}
	return r
}

func TestCompareSurface(t *testing.T) {
	closed := network.Result{Address: "app", Reachable: network.No}
	open := reached("app", network.BreadthAny, nil, "tcp/443")
	for _, tt := range []struct {
		name   string
		before []*Result
		now    *Result
		want   string // was, ports and removed of what is opened
		closed int
	}{
		{"becomes reachable", []*Result{surfaceOf(closed)}, surfaceOf(open), "no tcp/443", 0},
		{"is new", []*Result{surfaceOf()}, surfaceOf(open), "absent tcp/443", 0},
		{"stays", []*Result{surfaceOf(open)}, surfaceOf(open), "", 0},
		{"closes", []*Result{surfaceOf(open)}, surfaceOf(closed), "", 1},
		{"goes away", []*Result{surfaceOf(open)}, surfaceOf(), "", 1},
		{"one more port", []*Result{surfaceOf(open)}, surfaceOf(reached("app", network.BreadthAny, nil, "tcp/22", "tcp/443")), "yes tcp/22", 0},
		{"fewer ports", []*Result{surfaceOf(reached("app", network.BreadthAny, nil, "tcp/22", "tcp/443"))}, surfaceOf(open), "", 0},
		{"to more people", []*Result{surfaceOf(reached("app", network.BreadthRestricted, nil, "tcp/443"))}, surfaceOf(open), "yes tcp/443", 0},
		{"loses its shield", []*Result{surfaceOf(reached("app", network.BreadthAny, []string{"waf:acl"}, "tcp/443"))}, surfaceOf(open), "yes tcp/443 -waf:acl", 0},
		{"one of two bases has it open", []*Result{surfaceOf(closed), surfaceOf(open)}, surfaceOf(open), "", 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			tt.now.Compare(tt.before...)
			var got string
			var shut int
			if c := tt.now.AttackSurface.Change; c != nil {
				shut = len(c.Closed)
				for _, o := range c.Opened {
					got = o.Was
					for _, p := range o.Ports {
						got += " " + p
					}
					for _, s := range o.Removed {
						got += " -" + s
					}
				}
			}
			if diff := cmp.Diff(tt.want, got); diff != "" || shut != tt.closed {
				t.Errorf("opened (-want +got):\n%s%d are closed, want %d", diff, shut, tt.closed)
			}
		})
	}
}
