package scanner

import (
	"cmp"
	"slices"
	"strings"

	"github.com/trifecta-scanner/trifecta/inventory"
	"github.com/trifecta-scanner/trifecta/network"
)

// SurfaceChange is what a change does to the attack surface of its base.
type SurfaceChange struct {
	// Opened are the workloads, fronts and proxies that strangers reach now and did not, or reach more widely.
	Opened []Opening `json:"opened"`
	// Closed are those that they reached before and do not reach any more.
	Closed []inventory.ID `json:"closed"`
	// EntryPoints and ExposedWorkloads are by how many there are more, or fewer where negative.
	EntryPoints      int `json:"entry_points"`
	ExposedWorkloads int `json:"exposed_workloads"`
}

// Opening is one thing that a change opens.
type Opening struct {
	Address inventory.ID `json:"address"`
	// Was says what the base answers: no, unknown, yes where more is open now, or absent.
	Was   string   `json:"was"`
	Ports []string `json:"ports"` // that are new; all of them where nothing was open
	// Breadth is that of now: any, wide or restricted; empty where it is only possible.
	Breadth string `json:"breadth,omitempty"`
	// Removed are shields that stood in front of it and do not any more.
	Removed  []string           `json:"removed"`
	Path     *network.Path      `json:"path,omitempty"`
	Location inventory.Location `json:"location"`
}

// absent is what a base says of what it does not have.
const absent = "absent"

// surfaceKey names a workload in both results.
type surfaceKey struct {
	root, environment string
	address           inventory.ID
}

// compareSurface says what of the network's answers changed since the bases. What one of the bases had open already is
// not opened by the change.
func (r *Result) compareSurface(bases []*Result) {
	if !r.AttackSurface.Evaluated || len(bases) == 0 || !bases[0].AttackSurface.Evaluated {
		return
	}
	change := &SurfaceChange{Opened: []Opening{}, Closed: []inventory.ID{}}
	before := make([]map[surfaceKey]*network.Result, len(bases))
	for i, base := range bases {
		before[i] = make(map[surfaceKey]*network.Result, len(base.Workloads))
		for k := range base.Workloads {
			w := &base.Workloads[k]
			before[i][surfaceKey{w.Root, w.Environment, w.Address}] = w
		}
	}
	now := map[surfaceKey]bool{}
	for k := range r.Workloads {
		w := &r.Workloads[k]
		key := surfaceKey{w.Root, w.Environment, w.Address}
		now[key] = w.Reachable == network.Yes
		if w.Reachable != network.Yes {
			continue
		}
		var opened *Opening
		for i := range bases {
			o := opening(before[i][key], w)
			if o == nil {
				opened = nil
				break
			}
			opened = cmp.Or(opened, o)
		}
		if opened != nil {
			change.Opened = append(change.Opened, *opened)
		}
	}
	for key, w := range before[0] {
		if w.Reachable == network.Yes && !now[key] {
			change.Closed = append(change.Closed, w.Address)
		}
	}
	slices.Sort(change.Closed)
	slices.SortStableFunc(change.Opened, func(a, b Opening) int { return strings.Compare(string(a.Address), string(b.Address)) })
	change.EntryPoints = len(r.AttackSurface.EntryPoints) - len(bases[0].AttackSurface.EntryPoints)
	change.ExposedWorkloads = len(r.AttackSurface.ExposedWorkloads) - len(bases[0].AttackSurface.ExposedWorkloads)
	if len(change.Opened)+len(change.Closed) > 0 || change.EntryPoints != 0 || change.ExposedWorkloads != 0 {
		r.AttackSurface.Change = change
	}
}

// breadthOrder are in order of how much of the internet gets through.
var breadthOrder = []network.Breadth{"", network.BreadthRestricted, network.BreadthWide, network.BreadthAny}

// opening returns what is more open now than it was; nil where nothing is. was is nil where the base lacks it.
func opening(was, now *network.Result) *Opening {
	o := &Opening{Address: now.Address, Was: absent, Ports: now.Ports, Breadth: string(now.Breadth), Removed: []string{}, Location: now.Location}
	if len(now.Paths) > 0 {
		o.Path = &now.Paths[0]
	}
	if was == nil {
		return o
	}
	o.Was = string(was.Reachable)
	if was.Reachable != network.Yes {
		return o
	}
	o.Ports = []string{}
	for _, p := range now.Ports {
		if !slices.Contains(was.Ports, p) && !slices.Contains(was.Ports, "all") {
			o.Ports = append(o.Ports, p)
		}
	}
	for _, s := range was.Shields {
		if !slices.Contains(now.Shields, s) {
			o.Removed = append(o.Removed, s)
		}
	}
	wider := slices.Index(breadthOrder, now.Breadth) > slices.Index(breadthOrder, was.Breadth)
	if len(o.Ports) == 0 && len(o.Removed) == 0 && !wider {
		return nil
	}
	if len(o.Ports) == 0 {
		o.Ports = now.Ports
	}
	return o
}
