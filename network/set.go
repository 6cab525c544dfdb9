package network

import (
	"cmp"
	"slices"
	"strconv"
)

// The protocols that are told apart. Every other one is protoOther, unless a rule names it by its number.
const (
	protoICMP   = 1
	protoTCP    = 6
	protoUDP    = 17
	protoICMPv6 = 58
	protoOther  = 255 // reserved by IANA; stands for each protocol that no rule names
)

// FamProto is an address family with one IP protocol number.
type FamProto struct {
	Family Family
	Proto  uint8
}

func (k FamProto) compare(l FamProto) int {
	return cmp.Or(cmp.Compare(k.Family, l.Family), cmp.Compare(k.Proto, l.Proto))
}

// hasPorts reports whether the protocol has ports, and a connection of it makes a workload reachable.
func (k FamProto) hasPorts() bool { return k.Proto == protoTCP || k.Proto == protoUDP }

// String returns the protocol as results show it.
func (k FamProto) String() string {
	switch k.Proto {
	case protoTCP:
		return "tcp"
	case protoUDP:
		return "udp"
	case protoICMP:
		return "icmp"
	case protoICMPv6:
		return "icmpv6"
	case protoOther:
		return "other"
	}
	return "proto-" + strconv.Itoa(int(k.Proto))
}

// everyProto returns the keys that together stand for every protocol of a family.
func everyProto(f Family) []FamProto {
	icmp := uint8(protoICMP)
	if f == V6 {
		icmp = protoICMPv6
	}
	keys := []FamProto{{f, icmp}, {f, protoTCP}, {f, protoUDP}, {f, protoOther}}
	slices.SortFunc(keys, FamProto.compare)
	return keys
}

// Box is a product of sets: connections of one protocol from any address of Peer and any port of PeerPorts to any port
// of Local.
type Box struct {
	Peer      IPSet
	Local     Ports
	PeerPorts Ports
	// Why names the unknown values that decide whether these connections are let through. Empty: they certainly are.
	Why Bits
}

func (b Box) empty() bool { return b.Peer.IsEmpty() || b.Local.IsEmpty() || b.PeerPorts.IsEmpty() }

func (b Box) intersect(c Box) Box {
	both := Box{Peer: b.Peer.Intersect(c.Peer)}
	if both.Peer.IsEmpty() {
		return Box{}
	}
	both.Local = b.Local.Intersect(c.Local)
	both.PeerPorts = b.PeerPorts.Intersect(c.PeerPorts)
	both.Why = b.Why.Union(c.Why)
	return both
}

func (b Box) overlaps(c Box) bool {
	return b.Peer.Overlaps(c.Peer) && !b.Local.Intersect(c.Local).IsEmpty() && !b.PeerPorts.Intersect(c.PeerPorts).IsEmpty()
}

// subtract appends to list the at most three boxes that are b without c.
func (b Box) subtract(c Box, list []Box) []Box {
	if !b.overlaps(c) {
		return append(list, b)
	}
	if rest := b.Peer.Subtract(c.Peer); !rest.IsEmpty() {
		list = append(list, Box{rest, b.Local, b.PeerPorts, b.Why})
	}
	peer := b.Peer.Intersect(c.Peer)
	if rest := b.Local.Subtract(c.Local); !rest.IsEmpty() {
		list = append(list, Box{peer, rest, b.PeerPorts, b.Why})
	}
	if rest := b.PeerPorts.Subtract(c.PeerPorts); !rest.IsEmpty() {
		list = append(list, Box{peer, b.Local.Intersect(c.Local), rest, b.Why})
	}
	return list
}

// maxBoxes bounds the boxes of one protocol in a set. A set that would have more is widened; see widen.
const maxBoxes = 4096

// Set is a set of connections under three-valued logic: each connection is in it for certain (a box without Why), maybe
// (a box with Why), or certainly not. With Must for the first and May for the first two, Must ⊆ truth ⊆ May holds for
// every operation. Boxes of one protocol are disjoint. The zero value is the empty set, and sets are values: no operation
// changes its operands.
type Set struct{ entries []entry }

type entry struct {
	key   FamProto
	boxes []Box
}

// everything is every connection that a client can open from the addresses of a family.
func everything(f Family, peers IPSet) Set {
	var s Set
	if peers.IsEmpty() {
		return s
	}
	for _, key := range everyProto(f) {
		s.entries = append(s.entries, entry{key, []Box{{Peer: peers, Local: allPorts, PeerPorts: ephemeralPorts}}})
	}
	return s
}

// oneBox is the set of one box.
func oneBox(key FamProto, b Box) Set {
	if b.empty() {
		return Set{}
	}
	return Set{[]entry{{key, []Box{b}}}}
}

// IsEmpty reports whether no connection is in s, not even maybe.
func (s Set) IsEmpty() bool { return len(s.entries) == 0 }

// Keys returns the families and protocols that s has connections of, in order.
func (s Set) Keys() []FamProto {
	keys := make([]FamProto, len(s.entries))
	for i, e := range s.entries {
		keys[i] = e.key
	}
	return keys
}

// Boxes returns the boxes of one family and protocol. They must not be changed.
func (s Set) Boxes(key FamProto) []Box {
	i, ok := s.find(key)
	if !ok {
		return nil
	}
	return s.entries[i].boxes
}

func (s Set) find(key FamProto) (int, bool) {
	return slices.BinarySearchFunc(s.entries, key, func(e entry, k FamProto) int { return e.key.compare(k) })
}

// facing returns the boxes of s that connections of key meet: those of the protocol itself, else those of protoOther.
func (s Set) facing(key FamProto) []Box {
	if boxes := s.Boxes(key); boxes != nil || len(s.entries) == 0 {
		return boxes
	}
	switch key.Proto {
	case protoTCP, protoUDP, protoICMP, protoICMPv6, protoOther:
		return nil
	}
	return s.Boxes(FamProto{key.Family, protoOther})
}

// keysWith returns the keys of s and t, each once, in order.
func (s Set) keysWith(t Set) []FamProto {
	keys := append(s.Keys(), t.Keys()...)
	slices.SortFunc(keys, FamProto.compare)
	return slices.Compact(keys)
}

func (s *Set) add(key FamProto, boxes []Box) {
	if len(boxes) > maxBoxes {
		boxes = widen(boxes, tooComplex)
	}
	if len(boxes) > 0 {
		s.entries = append(s.entries, entry{key, boxes})
	}
}

// widen bounds the number of boxes: what is certain stays as far as it fits, and one box around all of them says that
// the rest may be.
func widen(boxes []Box, why Bits) []Box {
	var kept []Box
	around := Box{Why: why}
	peers := make([]IPSet, 0, len(boxes))
	var local, peerPorts []PortRange
	for _, b := range boxes {
		if b.Why == "" && len(kept) < maxBoxes/2 {
			kept = append(kept, b)
		}
		peers = append(peers, b.Peer)
		local = append(local, b.Local.ranges...)
		peerPorts = append(peerPorts, b.PeerPorts.ranges...)
	}
	around.Peer, around.Local, around.PeerPorts = UnionIPSets(peers...), NewPorts(local...), NewPorts(peerPorts...)
	// A box may stand inside the one around it here: cutting them out would bring the number back that is to go down.
	return append(kept, around)
}

// Intersect returns the connections that both sets let through.
func (s Set) Intersect(t Set) Set {
	var both Set
	for _, key := range s.keysWith(t) {
		a, b := s.facing(key), t.facing(key)
		if len(a)*len(b) > maxBoxes*maxBoxes/16 {
			a, b = narrowed(a, b)
		}
		var boxes []Box
		for _, x := range a {
			for _, y := range b {
				if z := x.intersect(y); !z.empty() {
					boxes = append(boxes, z)
				}
			}
		}
		both.add(key, boxes)
	}
	return both
}

// narrowed makes two long lists short enough that the product of their lengths can be computed.
func narrowed(a, b []Box) (x, y []Box) {
	if len(a) > 1024 {
		a = append(slices.Clip(a[:0:0]), widenTo(a, 512)...)
	}
	if len(b) > 1024 {
		b = append(slices.Clip(b[:0:0]), widenTo(b, 512)...)
	}
	return a, b
}

func widenTo(boxes []Box, n int) []Box {
	wide := widen(boxes, tooComplex)
	around := wide[len(wide)-1]
	return append(wide[:min(n, len(wide)-1):min(n, len(wide)-1)], around)
}

// Union returns the connections that either set lets through. What one of them has for certain is certain; what both may
// have is tagged with the reasons of both.
func (s Set) Union(t Set) Set {
	switch {
	case s.IsEmpty():
		return t
	case t.IsEmpty():
		return s
	}
	var either Set
	for _, key := range s.keysWith(t) {
		a, b := s.Boxes(key), t.Boxes(key)
		if len(a) == 0 || len(b) == 0 {
			either.add(key, append(slices.Clip(a), b...))
			continue
		}
		if len(a)*len(b) > maxBoxes*maxBoxes/16 {
			a, b = narrowed(a, b)
		}
		var boxes []Box
		certain := append(certainOf(a), without(certainOf(b), certainOf(a))...)
		maybeA, maybeB := without(maybeOf(a), certain), without(maybeOf(b), certain)
		boxes = append(boxes, certain...)
		boxes = append(boxes, without(maybeA, maybeB)...)
		boxes = append(boxes, without(maybeB, maybeA)...)
		for _, x := range maybeA {
			for _, y := range maybeB {
				if z := x.intersect(y); !z.empty() {
					boxes = append(boxes, z)
				}
			}
		}
		either.add(key, boxes)
	}
	return either
}

// Minus returns the connections of s that t does not take away. What t may take away may be left.
func (s Set) Minus(t Set) Set {
	var rest Set
	for _, e := range s.entries {
		cut := t.facing(e.key)
		boxes := without(e.boxes, cut)
		for _, x := range e.boxes {
			for _, y := range maybeOf(cut) {
				if z := x.intersect(y); !z.empty() {
					boxes = append(boxes, z)
				}
			}
		}
		rest.add(e.key, boxes)
	}
	return rest
}

// Maybe returns s where all of it depends on why as well.
func (s Set) Maybe(why Bits) Set {
	if why == "" {
		return s
	}
	var tagged Set
	for _, e := range s.entries {
		boxes := slices.Clone(e.boxes)
		for i := range boxes {
			boxes[i].Why = boxes[i].Why.Union(why)
		}
		tagged.add(e.key, boxes)
	}
	return tagged
}

// Must returns the connections that are let through whatever is unknown.
func (s Set) Must() Set {
	var must Set
	for _, e := range s.entries {
		must.add(e.key, certainOf(e.boxes))
	}
	return must
}

// Why returns the unknown values that decide about connections of s with ports.
func (s Set) Why() Bits {
	var why Bits
	for _, e := range s.entries {
		if e.key.hasPorts() {
			for _, b := range e.boxes {
				why = why.Union(b.Why)
			}
		}
	}
	return why
}

// cut returns the connections of s whose peers are in peers.
func (s Set) cut(peers IPSet) Set {
	return s.each(func(key FamProto, b Box) (FamProto, Box) {
		b.Peer = b.Peer.Intersect(peers)
		return key, b
	})
}

// only returns the connections of s of one protocol to some local ports.
func (s Set) only(proto uint8, local Ports) Set {
	return s.each(func(key FamProto, b Box) (FamProto, Box) {
		if key.Proto != proto {
			return key, Box{}
		}
		b.Local = b.Local.Intersect(local)
		return key, b
	})
}

// each returns s with each box changed. The change must keep boxes of one protocol disjoint; two protocols may become one.
func (s Set) each(change func(FamProto, Box) (FamProto, Box)) Set {
	var changed Set
	for _, e := range s.entries {
		var boxes []Box
		key := e.key
		for _, b := range e.boxes {
			k, c := change(e.key, b)
			key = k
			if !c.empty() {
				boxes = append(boxes, c)
			}
		}
		changed.add(key, boxes)
	}
	return changed
}

// hasPorts reports whether s has a connection with ports (TCP or UDP): for certain, and maybe.
func (s Set) hasPorts() (certain, maybe bool) {
	for _, e := range s.entries {
		if e.key.hasPorts() {
			maybe = maybe || len(e.boxes) > 0
			certain = certain || slices.ContainsFunc(e.boxes, func(b Box) bool { return b.Why == "" })
		}
	}
	return certain, maybe
}

// peers returns the addresses that connections of s with ports come from.
func (s Set) peers() IPSet {
	var sets []IPSet
	for _, e := range s.entries {
		if e.key.hasPorts() {
			for _, b := range e.boxes {
				sets = append(sets, b.Peer)
			}
		}
	}
	if len(sets) == 1 {
		return sets[0]
	}
	return UnionIPSets(sets...)
}

func certainOf(boxes []Box) []Box {
	return slices.DeleteFunc(slices.Clone(boxes), func(b Box) bool { return b.Why != "" })
}

func maybeOf(boxes []Box) []Box {
	return slices.DeleteFunc(slices.Clone(boxes), func(b Box) bool { return b.Why == "" })
}

// without returns the boxes less those of cut, whatever their reasons.
func without(boxes, cut []Box) []Box {
	rest := slices.Clone(boxes)
	for _, c := range cut {
		var next []Box
		for _, b := range rest {
			next = b.subtract(c, next)
		}
		if rest = next; len(rest) > 2*maxBoxes {
			for i := range rest { // not all of cut is gone, so nothing that is left is certain
				rest[i].Why = rest[i].Why.Union(tooComplex)
			}
			break
		}
	}
	return rest
}
