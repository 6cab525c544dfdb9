package network

import (
	"cmp"
	"slices"
)

// clause is one rule of a guard: what it lets through, or denies.
type clause struct {
	keys  []FamProto
	local Ports // ports that the rule speaks of
	peer  IPSet
	why   Bits // what decides whether the rule holds
}

// maxCompileWork bounds the address ranges that compiling one set looks at, maxTotalWork those of all guards of a graph.
const (
	maxCompileWork = 500_000
	maxTotalWork   = 10_000_000
)

// compile returns the union of clauses as disjoint boxes. The peers of clauses with equal ports are merged first, then
// the ports are swept from low to high, so that a group of n rules over few ports costs n log n.
func compile(clauses []clause, tooMany Bits) Set {
	work := maxCompileWork
	return compileWithin(clauses, tooMany, &work)
}

// compileWithin is compile with a budget of work that several sets share.
func compileWithin(clauses []clause, tooMany Bits, work *int) Set {
	type slot struct {
		lo, hi uint16
		why    Bits
	}
	byKey := map[FamProto]map[slot][]IPSet{}
	for _, c := range clauses {
		if c.peer.IsEmpty() {
			continue
		}
		for _, key := range c.keys {
			peer := c.peer.Family(key.Family)
			if peer.IsEmpty() {
				continue
			}
			if byKey[key] == nil {
				byKey[key] = map[slot][]IPSet{}
			}
			for _, r := range c.local.ranges {
				s := slot{r.Lo, r.Hi, c.why}
				byKey[key][s] = append(byKey[key][s], peer)
			}
		}
	}
	var set Set
	for _, key := range sortedKeys(byKey) {
		spans := make([]span, 0, len(byKey[key]))
		for s, peers := range byKey[key] {
			spans = append(spans, span{int(s.lo), int(s.hi), s.why, UnionIPSets(peers...)})
		}
		slices.SortFunc(spans, func(a, b span) int {
			return cmp.Or(cmp.Compare(a.lo, b.lo), cmp.Compare(a.hi, b.hi), cmp.Compare(a.why, b.why))
		})
		boxes, ok := sweep(spans, work)
		if !ok {
			boxes = roughly(spans, tooMany)
		}
		if len(boxes) > maxBoxes {
			boxes = widen(boxes, tooMany)
		}
		set.add(key, boxes)
	}
	return set
}

func sortedKeys[V any](m map[FamProto]V) []FamProto {
	keys := make([]FamProto, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.SortFunc(keys, FamProto.compare)
	return keys
}

// span is some peers over a range of ports.
type span struct {
	lo, hi int
	why    Bits
	peer   IPSet
}

// sweep returns disjoint boxes for spans in order of their first port; ok is false when that takes too long.
func sweep(spans []span, budget *int) (boxes []Box, ok bool) {
	allowed := min(maxCompileWork, *budget)
	bounds := make([]int, 0, 2*len(spans))
	for _, s := range spans {
		bounds = append(bounds, s.lo, s.hi+1)
	}
	slices.Sort(bounds)
	bounds = slices.Compact(bounds)
	work, next := 0, 0
	var active []span
	gathered := gatherer{}
	for i := 0; i+1 < len(bounds); i++ {
		lo, hi := bounds[i], bounds[i+1]-1
		active = slices.DeleteFunc(active, func(s span) bool { return s.hi < lo })
		for next < len(spans) && spans[next].lo <= lo {
			active = append(active, spans[next])
			next++
		}
		if len(active) == 0 {
			continue
		}
		for _, s := range active {
			work += len(s.peer.ranges)
		}
		if work > allowed {
			*budget -= work
			return nil, false
		}
		gathered.add(active, PortRange{uint16(lo), uint16(hi)}) //nolint:gosec // ports
	}
	*budget -= work
	return gathered.boxes(), true
}

// gatherer makes one box of all ports that have the same peers.
type gatherer struct {
	list  []Box
	ports [][]PortRange
	index map[string]int
}

func (g *gatherer) add(active []span, ports PortRange) {
	var sure, unsure []IPSet
	for _, s := range active {
		if s.why == "" {
			sure = append(sure, s.peer)
		} else {
			unsure = append(unsure, s.peer)
		}
	}
	certain := union(sure)
	g.put(Box{Peer: certain}, ports)
	if len(unsure) == 0 {
		return
	}
	left := union(unsure).Subtract(certain)
	if left.IsEmpty() {
		return
	}
	// One box with the reasons of all that overlap: finer boxes would tell more, and could be as many as there are rules.
	why := Bits("")
	for _, s := range active {
		if s.why != "" && s.peer.Overlaps(left) {
			why = why.Union(s.why)
		}
	}
	g.put(Box{Peer: left, Why: why}, ports)
}

func union(sets []IPSet) IPSet {
	if len(sets) == 1 {
		return sets[0]
	}
	return UnionIPSets(sets...)
}

func (g *gatherer) put(b Box, ports PortRange) {
	if b.Peer.IsEmpty() {
		return
	}
	name := string(b.Why) + "|" + b.Peer.fingerprint()
	if g.index == nil {
		g.index = map[string]int{}
	}
	i, ok := g.index[name]
	if !ok {
		i = len(g.list)
		g.index[name] = i
		g.list = append(g.list, b)
		g.ports = append(g.ports, nil)
	}
	g.ports[i] = append(g.ports[i], ports)
}

func (g *gatherer) boxes() []Box {
	for i := range g.list {
		g.list[i].Local, g.list[i].PeerPorts = NewPorts(g.ports[i]...), allPorts
	}
	return g.list
}

// fingerprint returns a text that equal sets share and others do not.
func (s IPSet) fingerprint() string {
	b := make([]byte, 0, 9*len(s.ranges))
	for _, r := range s.ranges {
		b = append(b, byte(r.Lo.BitLen()))
		b = append(b, r.Lo.AsSlice()...)
		b = append(b, r.Hi.AsSlice()...)
	}
	return string(b)
}

// roughly returns two boxes where sweep would take too long: what one span has for certain, and what all may have.
func roughly(spans []span, why Bits) []Box {
	var kept []Box
	peers := make([]IPSet, len(spans))
	ports := make([]PortRange, len(spans))
	for i, s := range spans {
		peers[i] = s.peer
		ports[i] = PortRange{uint16(s.lo), uint16(s.hi)} //nolint:gosec // ports
		if s.why == "" && kept == nil {
			kept = []Box{{Peer: s.peer, Local: NewPorts(ports[i]), PeerPorts: allPorts}}
		}
	}
	return append(kept, Box{UnionIPSets(peers...), NewPorts(ports...), allPorts, why})
}
