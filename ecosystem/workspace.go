package ecosystem

import (
	"cmp"
	"slices"
	"strings"

	"github.com/trifecta-scanner/trifecta/inventory"
)

// ask is how one of the repository's own packages asks for another package.
type ask struct {
	where inventory.Location // the line of the manifest; zero where it is not known
	scope inventory.Scope
}

// workspace connects a lock file that lists the repository's own packages among the others. own holds their entries;
// root is the one whose manifest stands beside the lock file, or -1. What an own package needs is direct. The lock
// file does not say what is for development only; about tells it for each edge that leaves an own package, and what
// is reached without such an edge ships.
func (d *Document) workspace(own []int, root int, about func(own, need int) ask) {
	isRoot := make([]bool, len(d.Entries))
	addRoot := func(i int) {
		if !isRoot[i] {
			isRoot[i] = true
			d.Roots = append(d.Roots, i)
		}
	}
	isOwn := make([]bool, len(d.Entries))
	asked := make(map[[2]int]inventory.Scope)
	direct := func(from int) {
		for _, need := range d.Entries[from].Needs {
			e := &d.Entries[need]
			a := about(from, need)
			asked[[2]int{from, need}] = a.scope
			e.Direct = true
			if e.Manifest.IsZero() {
				e.Manifest = a.where
			}
			if from == root {
				addRoot(need)
			}
		}
	}
	if root >= 0 {
		direct(root)
		d.Entries[root].Chain = []string{d.Entries[root].Name}
	}
	for _, i := range own {
		isOwn[i] = true
		if i != root {
			direct(i)
			addRoot(i)
		}
	}
	// Each pass reaches more: what ships, what may ship, and the rest.
	for _, pass := range []struct {
		scope  inventory.Scope
		follow func(inventory.Scope) bool
	}{
		{inventory.ScopeRuntime, func(s inventory.Scope) bool { return s == inventory.ScopeRuntime }},
		{inventory.ScopeUnknown, func(s inventory.Scope) bool { return s != inventory.ScopeDevelopment }},
		{inventory.ScopeDevelopment, func(inventory.Scope) bool { return true }},
	} {
		seen := make([]bool, len(d.Entries))
		var queue []int
		for _, i := range own {
			d.Entries[i].Scope = inventory.ScopeRuntime
			seen[i] = true
			queue = append(queue, i)
		}
		for len(queue) > 0 {
			at := queue[len(queue)-1]
			queue = queue[:len(queue)-1]
			for _, need := range d.Entries[at].Needs {
				if seen[need] || isOwn[at] && !pass.follow(asked[[2]int{at, need}]) {
					continue
				}
				seen[need] = true
				if e := &d.Entries[need]; e.Scope == "" {
					e.Scope = pass.scope
				}
				queue = append(queue, need)
			}
		}
	}
}

// scopes gives entries without a scope that of the roots which bring them in. What ships for one root ships; what a
// root of unknown scope brings in is unknown; the rest is for development.
func (d *Document) scopes() {
	for _, scope := range []inventory.Scope{inventory.ScopeRuntime, inventory.ScopeUnknown, inventory.ScopeDevelopment} {
		reached := d.walk(func(root int) bool { return d.Entries[root].Scope == scope }, nil)
		for i := range d.Entries {
			if e := &d.Entries[i]; e.Scope == "" && reached[i] {
				e.Scope = scope
			}
		}
	}
}

// markPrivate calls packages private that come from another registry than the public one. address returns the registry
// that the file names for an entry, "" for the default one. A file that names only one registry draws everything
// through it, public packages too: it is a mirror. Of several, the public one is that which isPublic knows, else that
// of most packages. "" says nothing unless isPublic takes it for the default.
func (d *Document) markPrivate(address func(i int) string, isPublic func(address string) bool) {
	count := map[string]int{}
	taken := func(i int) (from string, ok bool) {
		from = address(i)
		e := &d.Entries[i]
		return from, (e.Origin == "" || e.Origin == inventory.OriginRegistry) && (from != "" || isPublic(""))
	}
	for i := range d.Entries {
		if from, ok := taken(i); ok {
			count[from]++
		}
	}
	if len(count) < 2 {
		return
	}
	public := slices.MaxFunc(sortedKeys(count), func(a, b string) int {
		return cmp.Or(cmp.Compare(count[a], count[b]), strings.Compare(b, a))
	})
	for name := range count {
		if isPublic(name) {
			public = name
		}
	}
	for i := range d.Entries {
		if from, ok := taken(i); ok && from != public && !isPublic(from) {
			d.Entries[i].Origin = inventory.OriginPrivate
		}
	}
}

// entryIndex finds entries by name.
type entryIndex map[string][]int

// maxVersions bounds how many entries of one name an edge may mean. Real files have a handful; without a bound a file
// that repeats one name would make as many edges as the square of its entries.
const maxVersions = 64

func (x entryIndex) add(name string, i int) {
	if len(x[name]) < maxVersions {
		x[name] = append(x[name], i)
	}
}

// edges adds to Entry.Needs without repeating an edge, as long as the edges of an entry are added in one go.
type edges struct {
	doc   *Document
	from  []int // of each entry, one more than the entry that last got an edge to it
	count int
}

// maxEdges bounds the edges of one file. The largest real ones have some ten thousand.
const maxEdges = 1_000_000

func (e *edges) add(from, to int) {
	if e.from == nil {
		e.from = make([]int, len(e.doc.Entries))
	}
	if from != to && e.from[to] != from+1 && e.count < maxEdges {
		e.count++
		e.from[to] = from + 1
		e.doc.Entries[from].Needs = append(e.doc.Entries[from].Needs, to)
	}
}
