package network

import (
	"math"
	"net/netip"
	"slices"
	"strings"
)

// IPRange is the addresses from Lo to Hi, both included and of one family.
type IPRange struct{ Lo, Hi netip.Addr }

// IPSet is a set of IPv4 and IPv6 addresses: disjoint ranges in order, none of which touches the next. The zero value is
// the empty set. Sets are values; no operation changes its operands, and each takes time linear in its operands.
type IPSet struct{ ranges []IPRange }

// NewIPSet returns the set of the addresses of prefixes. Bits of a prefix beyond its length do not matter; IPv4 addresses
// in IPv6 form are IPv4 addresses; a prefix that is not valid is left out.
func NewIPSet(prefixes ...netip.Prefix) IPSet {
	ranges := make([]IPRange, 0, len(prefixes))
	for _, p := range prefixes {
		if r, ok := prefixRange(p); ok {
			ranges = append(ranges, r)
		}
	}
	return IPSetOfRanges(ranges...)
}

// IPSetOfRanges returns the set of the addresses of ranges, which may overlap and stand in any order. A range that is not
// one (other families, Hi before Lo) is left out.
func IPSetOfRanges(ranges ...IPRange) IPSet {
	kept := make([]IPRange, 0, len(ranges))
	for _, r := range ranges {
		if r.Lo.IsValid() && r.Lo.BitLen() == r.Hi.BitLen() && !r.Hi.Less(r.Lo) {
			kept = append(kept, r)
		}
	}
	slices.SortFunc(kept, func(a, b IPRange) int { return a.Lo.Compare(b.Lo) })
	return IPSet{merged(kept)}
}

// ParseIPSet returns the set of some addresses and CIDR blocks, and those of them that are neither.
func ParseIPSet(texts ...string) (set IPSet, bad []string) {
	prefixes := make([]netip.Prefix, 0, len(texts))
	for _, text := range texts {
		p, ok := parsePrefix(text)
		if !ok {
			bad = append(bad, text)
			continue
		}
		prefixes = append(prefixes, p)
	}
	return NewIPSet(prefixes...), bad
}

func parsePrefix(text string) (netip.Prefix, bool) {
	text = strings.TrimSpace(text)
	if p, err := netip.ParsePrefix(text); err == nil {
		return p.Masked(), true
	}
	if a, err := netip.ParseAddr(text); err == nil {
		a = a.Unmap().WithZone("")
		return netip.PrefixFrom(a, a.BitLen()), true
	}
	return netip.Prefix{}, false
}

func prefixRange(p netip.Prefix) (IPRange, bool) {
	if !p.IsValid() {
		return IPRange{}, false
	}
	if p.Addr().Is4In6() && p.Bits() >= 96 {
		p = netip.PrefixFrom(p.Addr().Unmap(), p.Bits()-96)
	}
	p = p.Masked()
	return IPRange{p.Addr(), lastAddr(p.Addr(), p.Bits())}, true
}

// lastAddr returns the address whose first bits are those of a and whose others are set.
func lastAddr(a netip.Addr, bits int) netip.Addr {
	if a.Is4() {
		b := a.As4()
		setFrom(b[:], bits)
		return netip.AddrFrom4(b)
	}
	b := a.As16()
	setFrom(b[:], bits)
	return netip.AddrFrom16(b)
}

func setFrom(b []byte, bits int) {
	for i := bits / 8; i < len(b); i++ {
		mask := byte(0xff)
		if i == bits/8 {
			mask >>= bits % 8
		}
		b[i] |= mask
	}
}

// merged joins ranges in order that overlap or touch.
func merged(ranges []IPRange) []IPRange {
	var list []IPRange
	for _, r := range ranges {
		if last := len(list) - 1; last >= 0 && list[last].Hi.BitLen() == r.Lo.BitLen() {
			next := list[last].Hi.Next()
			if !next.IsValid() || !next.Less(r.Lo) {
				if list[last].Hi.Less(r.Hi) {
					list[last].Hi = r.Hi
				}
				continue
			}
		}
		list = append(list, r)
	}
	return list
}

// IsEmpty reports whether no address is in s.
func (s IPSet) IsEmpty() bool { return len(s.ranges) == 0 }

// Ranges returns the ranges of s in order, IPv4 first. They must not be changed.
func (s IPSet) Ranges() []IPRange { return s.ranges }

// Equal reports whether s and t have the same addresses.
func (s IPSet) Equal(t IPSet) bool { return slices.Equal(s.ranges, t.ranges) }

// Contains reports whether a is in s.
func (s IPSet) Contains(a netip.Addr) bool {
	a = a.Unmap()
	i, found := slices.BinarySearchFunc(s.ranges, a, func(r IPRange, a netip.Addr) int { return r.Lo.Compare(a) })
	if found {
		return true
	}
	return i > 0 && s.ranges[i-1].Hi.BitLen() == a.BitLen() && !s.ranges[i-1].Hi.Less(a)
}

// Family returns the addresses of s that are of family f.
func (s IPSet) Family(f Family) IPSet {
	i := 0
	for i < len(s.ranges) && s.ranges[i].Lo.Is4() {
		i++
	}
	if f == V4 {
		return IPSet{s.ranges[:i:i]}
	}
	return IPSet{s.ranges[i:]}
}

// Union returns the addresses that are in s or in t.
func (s IPSet) Union(t IPSet) IPSet {
	switch {
	case len(s.ranges) == 0:
		return t
	case len(t.ranges) == 0:
		return s
	}
	both := make([]IPRange, 0, len(s.ranges)+len(t.ranges))
	i, j := 0, 0
	for i < len(s.ranges) || j < len(t.ranges) {
		if j == len(t.ranges) || i < len(s.ranges) && s.ranges[i].Lo.Compare(t.ranges[j].Lo) <= 0 {
			both = append(both, s.ranges[i])
			i++
		} else {
			both = append(both, t.ranges[j])
			j++
		}
	}
	return IPSet{merged(both)}
}

// UnionIPSets returns the addresses that are in any of the sets, in time n log n of all their ranges.
func UnionIPSets(sets ...IPSet) IPSet {
	n := 0
	for _, s := range sets {
		n += len(s.ranges)
	}
	all := make([]IPRange, 0, n)
	for _, s := range sets {
		all = append(all, s.ranges...)
	}
	return IPSetOfRanges(all...)
}

// Intersect returns the addresses that are in both s and t.
func (s IPSet) Intersect(t IPSet) IPSet {
	if len(s.ranges) == 1 && len(t.ranges) == 1 && s.ranges[0] == t.ranges[0] {
		return s
	}
	var list []IPRange
	for i, j := 0, 0; i < len(s.ranges) && j < len(t.ranges); {
		a, b := s.ranges[i], t.ranges[j]
		if a.Lo.BitLen() == b.Lo.BitLen() {
			lo, hi := a.Lo, a.Hi
			if lo.Less(b.Lo) {
				lo = b.Lo
			}
			if b.Hi.Less(hi) {
				hi = b.Hi
			}
			if !hi.Less(lo) {
				list = append(list, IPRange{lo, hi})
			}
		}
		if a.Hi.Less(b.Hi) {
			i++
		} else {
			j++
		}
	}
	return IPSet{list}
}

// Overlaps reports whether an address is in both s and t.
func (s IPSet) Overlaps(t IPSet) bool {
	for i, j := 0, 0; i < len(s.ranges) && j < len(t.ranges); {
		a, b := s.ranges[i], t.ranges[j]
		switch {
		case a.Hi.Less(b.Lo):
			i++
		case b.Hi.Less(a.Lo):
			j++
		default:
			return true
		}
	}
	return false
}

// Subtract returns the addresses of s that are not in t.
func (s IPSet) Subtract(t IPSet) IPSet {
	if len(s.ranges) == 0 || len(t.ranges) == 0 {
		return s
	}
	var list []IPRange
	j := 0
	for _, r := range s.ranges {
		lo, gone := r.Lo, false
		for j < len(t.ranges) && t.ranges[j].Hi.Less(lo) {
			j++
		}
		for k := j; k < len(t.ranges) && !r.Hi.Less(t.ranges[k].Lo); k++ {
			cut := t.ranges[k]
			if lo.Less(cut.Lo) {
				list = append(list, IPRange{lo, cut.Lo.Prev()})
			}
			if !cut.Hi.Less(r.Hi) {
				gone = true
				break
			}
			lo = cut.Hi.Next()
		}
		if !gone {
			list = append(list, IPRange{lo, r.Hi})
		}
	}
	return IPSet{list}
}

// SubsetOf reports whether each address of s is in t.
func (s IPSet) SubsetOf(t IPSet) bool {
	j := 0
	for _, r := range s.ranges {
		for j < len(t.ranges) && t.ranges[j].Hi.Less(r.Lo) {
			j++
		}
		if j == len(t.ranges) || r.Lo.Less(t.ranges[j].Lo) || t.ranges[j].Hi.Less(r.Hi) {
			return false
		}
	}
	return true
}

// Prefixes returns the smallest list of CIDR blocks that have exactly the addresses of s, in order.
func (s IPSet) Prefixes() []netip.Prefix {
	list := make([]netip.Prefix, 0, len(s.ranges))
	for _, r := range s.ranges {
		list = appendRange(list, r)
	}
	return list
}

func appendRange(list []netip.Prefix, r IPRange) []netip.Prefix {
	for lo := r.Lo; ; {
		bits := lo.BitLen()
		for bits > 0 {
			wider := netip.PrefixFrom(lo, bits-1)
			if wider.Masked().Addr() != lo || r.Hi.Less(lastAddr(lo, bits-1)) {
				break
			}
			bits--
		}
		list = append(list, netip.PrefixFrom(lo, bits))
		last := lastAddr(lo, bits)
		if !last.Less(r.Hi) {
			return list
		}
		lo = last.Next()
	}
}

// String returns the smallest list of CIDR blocks, with commas between.
func (s IPSet) String() string { return strings.Join(s.Strings(), ",") }

// Strings returns the smallest list of CIDR blocks as texts.
func (s IPSet) Strings() []string {
	prefixes := s.Prefixes()
	texts := make([]string, len(prefixes))
	for i, p := range prefixes {
		texts[i] = p.String()
	}
	return texts
}

// Size returns how many addresses s has, rounded to what a float64 holds.
func (s IPSet) Size() float64 {
	n := 0.0
	for _, r := range s.ranges {
		n += 1 + float(r.Hi) - float(r.Lo)
	}
	return n
}

func float(a netip.Addr) float64 {
	b := a.AsSlice()
	n := 0.0
	for _, x := range b {
		n = n*256 + float64(x)
	}
	return n
}

// Family is IPv4 or IPv6.
type Family uint8

// The families.
const (
	V4 Family = iota
	V6
)

// String returns ipv4 or ipv6.
func (f Family) String() string {
	if f == V6 {
		return "ipv6"
	}
	return "ipv4"
}

// all returns every address of the family.
func (f Family) all() IPSet {
	if f == V6 {
		return everyV6
	}
	return everyV4
}

// internet returns the addresses of the family that a host on the internet can have.
func (f Family) internet() IPSet {
	if f == V6 {
		return internetV6
	}
	return internetV4
}

func mustIPSet(texts ...string) IPSet {
	set, _ := ParseIPSet(texts...)
	return set
}

// The address spaces that questions begin with. The documentation ranges stay in: examples use them as public ones.
var (
	everyV4    = mustIPSet("0.0.0.0/0")
	everyV6    = mustIPSet("::/0")
	internetV4 = everyV4.Subtract(mustIPSet("0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16",
		"172.16.0.0/12", "192.168.0.0/16", "224.0.0.0/4", "240.0.0.0/4"))
	internetV6 = mustIPSet("2000::/3")
)

// Breadth is how much of the internet a set lets in.
type Breadth string

// The breadths.
const (
	BreadthAny        Breadth = "any"        // at least half of the public space of a family
	BreadthWide       Breadth = "wide"       // at least as much as an IPv4 /8 or an IPv6 /20
	BreadthRestricted Breadth = "restricted" // less
)

// Breadth returns how much of the internet s lets in.
func (s IPSet) Breadth() Breadth {
	v4 := s.Family(V4).Intersect(internetV4).Size()
	v6 := s.Family(V6).Intersect(internetV6).Size()
	switch {
	case v4 >= internetV4.Size()/2, v6 >= internetV6.Size()/2:
		return BreadthAny
	case v4 >= math.Ldexp(1, 24), v6 >= math.Ldexp(1, 108):
		return BreadthWide
	}
	return BreadthRestricted
}
