package network

import (
	"slices"
	"strconv"
	"strings"
)

// PortRange is the ports from Lo to Hi, both included.
type PortRange struct{ Lo, Hi uint16 }

// Ports is a set of ports 0 to 65535: disjoint ranges in order, none of which touches the next. The zero value is the
// empty set. Sets are values; no operation changes its operands, and each takes time linear in its operands.
type Ports struct{ ranges []PortRange }

// The sets that questions begin with. A client's own port is an ephemeral one.
var (
	allPorts       = NewPorts(PortRange{0, 65535})
	ephemeralPorts = NewPorts(PortRange{1024, 65535})
)

// NewPorts returns the set of the ports of ranges, which may overlap and stand in any order. A range whose Hi is before
// its Lo is left out.
func NewPorts(ranges ...PortRange) Ports {
	kept := make([]PortRange, 0, len(ranges))
	for _, r := range ranges {
		if r.Lo <= r.Hi {
			kept = append(kept, r)
		}
	}
	slices.SortFunc(kept, func(a, b PortRange) int { return int(a.Lo) - int(b.Lo) })
	var list []PortRange
	for _, r := range kept {
		if last := len(list) - 1; last >= 0 && int(r.Lo) <= int(list[last].Hi)+1 {
			list[last].Hi = max(list[last].Hi, r.Hi)
			continue
		}
		list = append(list, r)
	}
	return Ports{list}
}

// Port returns the set of one port.
func Port(p uint16) Ports { return Ports{[]PortRange{{p, p}}} }

// IsEmpty reports whether no port is in p.
func (p Ports) IsEmpty() bool { return len(p.ranges) == 0 }

// IsAll reports whether every port is in p.
func (p Ports) IsAll() bool { return len(p.ranges) == 1 && p.ranges[0] == PortRange{0, 65535} }

// Ranges returns the ranges of p in order. They must not be changed.
func (p Ports) Ranges() []PortRange { return p.ranges }

// Equal reports whether p and q have the same ports.
func (p Ports) Equal(q Ports) bool { return slices.Equal(p.ranges, q.ranges) }

// Contains reports whether port is in p.
func (p Ports) Contains(port uint16) bool {
	for _, r := range p.ranges {
		if r.Lo <= port && port <= r.Hi {
			return true
		}
	}
	return false
}

// Union returns the ports that are in p or in q.
func (p Ports) Union(q Ports) Ports {
	switch {
	case len(p.ranges) == 0:
		return q
	case len(q.ranges) == 0 || p.IsAll():
		return p
	}
	return NewPorts(append(slices.Clone(p.ranges), q.ranges...)...)
}

// Intersect returns the ports that are in both p and q.
func (p Ports) Intersect(q Ports) Ports {
	switch {
	case p.IsAll():
		return q
	case q.IsAll():
		return p
	}
	var list []PortRange
	for i, j := 0, 0; i < len(p.ranges) && j < len(q.ranges); {
		a, b := p.ranges[i], q.ranges[j]
		if lo, hi := max(a.Lo, b.Lo), min(a.Hi, b.Hi); lo <= hi {
			list = append(list, PortRange{lo, hi})
		}
		if a.Hi < b.Hi {
			i++
		} else {
			j++
		}
	}
	return Ports{list}
}

// Subtract returns the ports of p that are not in q.
func (p Ports) Subtract(q Ports) Ports {
	var list []PortRange
	for _, r := range p.ranges {
		lo := int(r.Lo)
		for _, cut := range q.ranges {
			if int(cut.Hi) < lo || cut.Lo > r.Hi {
				continue
			}
			if lo < int(cut.Lo) {
				list = append(list, PortRange{uint16(lo), cut.Lo - 1}) //nolint:gosec // a port
			}
			lo = int(cut.Hi) + 1
		}
		if lo <= int(r.Hi) {
			list = append(list, PortRange{uint16(lo), r.Hi}) //nolint:gosec // a port
		}
	}
	return Ports{list}
}

// SubsetOf reports whether each port of p is in q.
func (p Ports) SubsetOf(q Ports) bool { return p.Subtract(q).IsEmpty() }

// Strings returns the ranges as texts: 443, 1-399.
func (p Ports) Strings() []string {
	texts := make([]string, len(p.ranges))
	for i, r := range p.ranges {
		texts[i] = strconv.Itoa(int(r.Lo))
		if r.Hi != r.Lo {
			texts[i] += "-" + strconv.Itoa(int(r.Hi))
		}
	}
	return texts
}

// String returns the ranges with commas between.
func (p Ports) String() string { return strings.Join(p.Strings(), ",") }
