package fix

import (
	"cmp"
	"errors"
	"maps"
	"slices"
	"strings"

	"github.com/trifecta-scanner/trifecta/ecosystem"
	"github.com/trifecta-scanner/trifecta/inventory"
)

// bunTree is one folder of packages as bun arranges them.
// Source: https://github.com/oven-sh/bun/blob/main/src/install/lockfile/Tree.zig
type bunTree struct {
	parent *bunTree
	names  []string // of the packages whose folder it is in
	has    map[string]bunPlaced
}

// bunPlaced is one package in a folder.
type bunPlaced struct {
	node *jsNode // the one that stands for all of its release
	own  bool    // the project asks for it
	dev  bool
}

// arrangement is where each package stands: by key, the node whose release it is.
type arrangement map[string]*jsNode

var errArrange = errors.New("bun would arrange the packages anew, in a way that only bun itself can tell")

// arrange puts every package where bun does: breadth first, each as near to the top as no other release of its name is in the
// way, else right below who asks for it.
func (l *bunLock) arrange() arrangement {
	one := map[string]*jsNode{} // of each release
	for _, n := range l.graph.nodes {
		if id := n.name + "@" + n.version; !n.gone && one[id] == nil {
			one[id] = n
		}
	}
	top := &bunTree{has: map[string]bunPlaced{}}
	placed := arrangement{}
	type item struct {
		in   *bunTree
		name string
		node *jsNode
	}
	var queue []item
	fill := func(in *bunTree, needs []*jsNeed, own bool) {
		needs = slices.Clone(needs)
		slices.SortStableFunc(needs, func(a, b *jsNeed) int {
			return cmp.Or(cmp.Compare(bunRank(a), bunRank(b)), strings.Compare(a.name, b.name))
		})
		for _, need := range needs {
			if need.to == nil || need.to.gone {
				continue
			}
			node := one[need.to.name+"@"+need.to.version]
			at := in.hoist(need, node)
			if at == nil {
				continue
			}
			at.has[need.name] = bunPlaced{node, own, need.list == "devDependencies"}
			placed[strings.Join(append(slices.Clone(at.names), need.name), "/")] = node
			if len(node.needs) > 0 {
				queue = append(queue, item{at, need.name, node})
			}
		}
	}
	// Members of the workspace come first, by their names.
	members := slices.Clone(l.graph.roots[1:])
	slices.SortFunc(members, func(a, b *jsNode) int { return strings.Compare(a.name, b.name) })
	for _, n := range l.graph.nodes {
		if n.origin == inventory.OriginPath {
			top.has[n.name] = bunPlaced{node: n, own: true}
			placed[n.name] = n
		}
	}
	fill(top, l.graph.roots[0].needs, true)
	var later []item
	later, queue = queue, nil
	for _, m := range members {
		fill(&bunTree{parent: top, names: []string{m.name}, has: map[string]bunPlaced{}}, m.needs, true)
	}
	queue = append(queue, later...)
	for len(queue) > 0 && len(placed) < maxGraph {
		next := queue[0]
		queue = queue[1:]
		fill(&bunTree{parent: next.in, names: append(slices.Clone(next.in.names), next.name), has: map[string]bunPlaced{}}, next.node.needs, false)
	}
	return placed
}

// hoist returns the folder for a package; nil where it is found already.
func (b *bunTree) hoist(need *jsNeed, node *jsNode) *bunTree {
	for at := b; at != nil; at = at.parent {
		have, ok := at.has[need.name]
		if !ok {
			continue
		}
		dev := need.list == "devDependencies"
		switch {
		case have.node == node, at == b && have.dev != dev:
			return nil
		case need.peer:
			if ok, err := npmAdmits(need.asks(), have.node.version); err == nil && ok || have.own {
				return nil
			}
		}
		if at == b {
			return nil // nobody asks for two releases by one name
		}
		return b
	}
	for b.parent != nil {
		b = b.parent
	}
	return b
}

// bunRank is the order in which bun looks at what one package asks for.
func bunRank(n *jsNeed) int {
	switch {
	case n.list == "devDependencies":
		return 0
	case n.peer:
		return 3
	case n.optional:
		return 1
	}
	return 2
}

// rearrange gives the packages of a changed graph their places. before is the same file without the change: where our way of
// arranging does not make the file as it is, it says nothing of what will be.
func (l *bunLock) rearrange(before *bunLock) error {
	was := arrangement{}
	maps.Copy(was, before.at)
	if !sameArrangement(was, before.arrange()) {
		if l.relabelled() {
			return nil
		}
		return errArrange
	}
	placed := l.arrange()
	texts := map[*jsNode]bool{}
	var nodes []*jsNode
	for _, key := range sortedKeys(placed) {
		n := placed[key]
		var e bunEntry
		if known, ok := n.entry.(*bunEntry); ok {
			e = *known
		}
		e.names = ecosystem.BunPath(key)
		copied := n
		if texts[n] {
			again := *n
			copied = &again
		}
		texts[n] = true
		copied.entry = &e
		nodes = append(nodes, copied)
	}
	l.placed, l.at = nodes, map[string]*jsNode{}
	for _, n := range nodes {
		l.at[strings.Join(bunFolder(n), "/")] = n
	}
	return nil
}

// relabelled reports whether a change gave packages other versions and left everything else as it was.
func (l *bunLock) relabelled() bool {
	was, is := map[string]bool{}, map[string]bool{}
	for _, n := range l.graph.nodes {
		if n.gone || n.was == "" {
			return false
		}
		was[n.name+"@"+n.was], is[n.name+"@"+n.version] = true, true
	}
	return len(was) == len(is)
}

func sameArrangement(a, b arrangement) bool {
	return maps.EqualFunc(a, b, func(x, y *jsNode) bool { return x.name == y.name && x.version == y.version })
}
