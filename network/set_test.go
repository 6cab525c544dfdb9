package network

import (
	"math/rand/v2"
	"net/netip"
	"slices"
	"testing"
)

// The brute-force domain: eight addresses (10.0.0.0/29) and sixteen ports, with every subset as a bit mask.

func addr(i int) netip.Addr { return netip.AddrFrom4([4]byte{10, 0, 0, byte(i)}) }

func ipset(mask uint8) IPSet {
	var ranges []IPRange
	for i := range 8 {
		if mask>>i&1 == 1 {
			ranges = append(ranges, IPRange{addr(i), addr(i)})
		}
	}
	return IPSetOfRanges(ranges...)
}

func mask(t *testing.T, s IPSet) uint8 {
	t.Helper()
	var m uint8
	for i := range 8 {
		if s.Contains(addr(i)) {
			m |= 1 << i
		}
	}
	if !ipset(m).Equal(s) {
		t.Fatalf("%v is not in canonical form, or leaves the domain", s.ranges)
	}
	return m
}

func TestIPSetAgainstBruteForce(t *testing.T) {
	for a := range 256 {
		for b := range 256 {
			x, y := ipset(uint8(a)), ipset(uint8(b))
			if got := mask(t, x.Union(y)); got != uint8(a|b) {
				t.Fatalf("union of %08b and %08b is %08b", a, b, got)
			}
			if got := mask(t, x.Intersect(y)); got != uint8(a&b) {
				t.Fatalf("intersection of %08b and %08b is %08b", a, b, got)
			}
			if got := mask(t, x.Subtract(y)); got != uint8(a&^b) {
				t.Fatalf("%08b without %08b is %08b", a, b, got)
			}
			if got := x.SubsetOf(y); got != (a&^b == 0) {
				t.Fatalf("%08b subset of %08b: %v", a, b, got)
			}
			if got := x.Overlaps(y); got != (a&b != 0) {
				t.Fatalf("%08b overlaps %08b: %v", a, b, got)
			}
		}
	}
}

// TestPrefixesAreFewest compares with the fewest blocks that a search over all aligned blocks finds.
func TestPrefixesAreFewest(t *testing.T) {
	var fewest func(m uint8, lo, size int) int
	fewest = func(m uint8, lo, size int) int {
		part := m >> lo & uint8(1<<size-1)
		switch {
		case part == 0:
			return 0
		case part == uint8(1<<size-1):
			return 1
		}
		return fewest(m, lo, size/2) + fewest(m, lo+size/2, size/2)
	}
	for m := range 256 {
		s := ipset(uint8(m))
		prefixes := s.Prefixes()
		if !NewIPSet(prefixes...).Equal(s) {
			t.Errorf("the blocks %v of %08b have other addresses", prefixes, m)
		}
		if want := fewest(uint8(m), 0, 8); len(prefixes) != want {
			t.Errorf("%08b takes %d blocks, want %d: %v", m, len(prefixes), want, prefixes)
		}
	}
}

func TestIPSetAtTheEnds(t *testing.T) {
	tests := []struct {
		name string
		got  IPSet
		want string
	}{
		{"halves", mustIPSet("0.0.0.0/1", "128.0.0.0/1"), "0.0.0.0/0"},
		{"halves of v6", mustIPSet("::/1", "8000::/1"), "::/0"},
		{"families stay apart", mustIPSet("255.255.255.255", "::"), "255.255.255.255/32,::/128"},
		{"nothing of everything", everyV4.Subtract(everyV4), ""},
		{"everything but the last", everyV4.Subtract(mustIPSet("255.255.255.255/32")).Subtract(mustIPSet("0.0.0.0/1")).Subtract(mustIPSet("128.0.0.0/2", "192.0.0.0/3", "224.0.0.0/4", "240.0.0.0/5", "248.0.0.0/6", "252.0.0.0/7", "254.0.0.0/8")), "255.0.0.0/9,255.128.0.0/10,255.192.0.0/11,255.224.0.0/12,255.240.0.0/13,255.248.0.0/14,255.252.0.0/15,255.254.0.0/16,255.255.0.0/17,255.255.128.0/18,255.255.192.0/19,255.255.224.0/20,255.255.240.0/21,255.255.248.0/22,255.255.252.0/23,255.255.254.0/24,255.255.255.0/25,255.255.255.128/26,255.255.255.192/27,255.255.255.224/28,255.255.255.240/29,255.255.255.248/30,255.255.255.252/31,255.255.255.254/32"},
		{"host bits do not matter", mustIPSet("10.1.2.3/8"), "10.0.0.0/8"},
		{"v4 in v6 form", mustIPSet("::ffff:192.0.2.1"), "192.0.2.1/32"},
		{"both families", mustIPSet("::/0", "0.0.0.0/0").Family(V6), "::/0"},
	}
	for _, test := range tests {
		if got := test.got.String(); got != test.want {
			t.Errorf("%s: %q, want %q", test.name, got, test.want)
		}
	}
	if _, bad := ParseIPSet("10.0.0.0/33", "all", "10.0.0.1"); !slices.Equal(bad, []string{"10.0.0.0/33", "all"}) {
		t.Errorf("bad texts are %q", bad)
	}
}

func TestBreadth(t *testing.T) {
	tests := []struct {
		cidrs []string
		want  Breadth
	}{
		{[]string{"0.0.0.0/0"}, BreadthAny},
		{[]string{"::/0"}, BreadthAny},
		{[]string{"0.0.0.0/1", "128.0.0.0/1"}, BreadthAny},
		{[]string{"1.0.0.0/8"}, BreadthWide},
		{[]string{"128.0.0.0/2"}, BreadthWide},
		{[]string{"2a00::/12"}, BreadthWide},
		{[]string{"2600::/20"}, BreadthWide},
		{[]string{"2600::/21"}, BreadthRestricted},
		{[]string{"10.0.0.0/8"}, BreadthRestricted},
		{[]string{"198.51.100.0/24"}, BreadthRestricted},
		{nil, BreadthRestricted},
	}
	for _, test := range tests {
		if got := mustIPSet(test.cidrs...).Breadth(); got != test.want {
			t.Errorf("%v is %s, want %s", test.cidrs, got, test.want)
		}
	}
}

func TestPortsAgainstBruteForce(t *testing.T) {
	ports := func(m uint8) Ports {
		var ranges []PortRange
		for i := range 8 {
			if m>>i&1 == 1 {
				p := uint16(65528 + i)
				ranges = append(ranges, PortRange{p, p})
			}
		}
		return NewPorts(ranges...)
	}
	for a := range 256 {
		for b := range 256 {
			x, y := ports(uint8(a)), ports(uint8(b))
			if got := x.Union(y); !got.Equal(ports(uint8(a | b))) {
				t.Fatalf("union of %v and %v is %v", x, y, got)
			}
			if got := x.Intersect(y); !got.Equal(ports(uint8(a & b))) {
				t.Fatalf("intersection of %v and %v is %v", x, y, got)
			}
			if got := x.Subtract(y); !got.Equal(ports(uint8(a &^ b))) {
				t.Fatalf("%v without %v is %v", x, y, got)
			}
			if got := x.SubsetOf(y); got != (a&^b == 0) {
				t.Fatalf("%v subset of %v: %v", x, y, got)
			}
		}
	}
	if got := NewPorts(PortRange{80, 80}, PortRange{81, 90}, PortRange{443, 443}).String(); got != "80-90,443" {
		t.Errorf("ports print as %q", got)
	}
}

// point is one connection of the brute-force domain of sets.
type point struct {
	key                   FamProto
	peer, local, peerPort int
}

// says is what a set says about a point.
type says uint8

const (
	no says = iota
	maybe
	yes
)

func ask(s Set, p point) says {
	said := no
	for _, b := range s.facing(p.key) {
		if b.Peer.Contains(addr(p.peer)) && b.Local.Contains(uint16(p.local)) && b.PeerPorts.Contains(uint16(p.peerPort)) {
			if b.Why == "" {
				said = yes
			} else {
				said = max(said, maybe)
			}
		}
	}
	return said
}

func disjoint(t *testing.T, s Set) {
	t.Helper()
	for _, key := range s.Keys() {
		boxes := s.Boxes(key)
		for i := range boxes {
			if boxes[i].empty() {
				t.Fatalf("an empty box among %v", boxes)
			}
			for j := range i {
				if boxes[i].overlaps(boxes[j]) {
					t.Fatalf("%v overlaps %v", boxes[i], boxes[j])
				}
			}
		}
	}
}

var testKeys = []FamProto{{V4, protoTCP}, {V4, protoUDP}, {V4, 47}, {V4, protoOther}}

func randomClauses(r *rand.Rand) []clause {
	ports := func() Ports {
		lo := r.IntN(8)
		return NewPorts(PortRange{uint16(lo), uint16(lo + r.IntN(8-lo))})
	}
	clauses := make([]clause, r.IntN(5))
	for i := range clauses {
		var why Bits
		if r.IntN(3) == 0 {
			why = bit(uint32(1 + r.IntN(3)))
		}
		keys := testKeys[:1+r.IntN(2)]
		if r.IntN(4) == 0 {
			keys = everyProto(V4)
		}
		clauses[i] = clause{keys: keys, local: ports(), peer: ipset(uint8(r.Uint32())), why: why}
	}
	return clauses
}

func askClauses(clauses []clause, p point) says {
	said := no
	for _, c := range clauses {
		if slices.Contains(c.keys, p.key) && c.peer.Contains(addr(p.peer)) && c.local.Contains(uint16(p.local)) {
			if c.why == "" {
				said = yes
			} else {
				said = max(said, maybe)
			}
		}
	}
	return said
}

func eachPoint(visit func(point)) {
	for _, key := range testKeys[:2] {
		for peer := range 8 {
			for local := range 8 {
				for _, peerPort := range []int{0, 1024} {
					visit(point{key, peer, local, peerPort})
				}
			}
		}
	}
}

func TestSetAgainstBruteForce(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for range 600 {
		ca, cb := randomClauses(r), randomClauses(r)
		a, b := compile(ca, tooComplex), compile(cb, tooComplex)
		a = a.Intersect(Set{[]entry{{testKeys[0], []Box{{Peer: everyV4, Local: allPorts, PeerPorts: ephemeralPorts}}}, {testKeys[1], []Box{{Peer: everyV4, Local: allPorts, PeerPorts: allPorts}}}}})
		seen := map[string]Set{"and": a.Intersect(b), "or": a.Union(b), "minus": a.Minus(b), "must": a.Must(), "maybe": b.Maybe(bit(9))}
		for _, s := range seen {
			disjoint(t, s)
		}
		eachPoint(func(p point) {
			x, y := askClauses(ca, p), askClauses(cb, p)
			if p.key == testKeys[0] && p.peerPort == 0 {
				x = no
			}
			want := map[string]says{"and": min(x, y), "or": max(x, y), "minus": min(x, yes-y), "must": x, "maybe": min(y, maybe)}
			if x == maybe {
				want["must"] = no
			}
			for name, s := range seen {
				if got := ask(s, p); got != want[name] {
					t.Fatalf("%s at %v is %d, want %d\na: %v\nb: %v", name, p, got, want[name], ca, cb)
				}
			}
		})
	}
}

func TestSetLaws(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	same := func(name string, a, b Set) {
		t.Helper()
		eachPoint(func(p point) {
			if x, y := ask(a, p), ask(b, p); x != y {
				t.Fatalf("%s: at %v one side is %d, the other %d", name, p, x, y)
			}
		})
	}
	for range 200 {
		a, b, c := compile(randomClauses(r), tooComplex), compile(randomClauses(r), tooComplex), compile(randomClauses(r), tooComplex)
		same("and commutes", a.Intersect(b), b.Intersect(a))
		same("or commutes", a.Union(b), b.Union(a))
		same("and distributes", a.Intersect(b.Union(c)), a.Intersect(b).Union(a.Intersect(c)))
		same("minus of both", a.Minus(b.Union(c)), a.Minus(b).Minus(c))
		same("must of and", a.Intersect(b).Must(), a.Must().Intersect(b.Must()))
	}
}

// TestTooManyBoxes widens: what is certain never grows, what may be never shrinks.
func TestTooManyBoxes(t *testing.T) {
	var clauses []clause
	for i := range 20_000 {
		clauses = append(clauses, clause{
			keys:  []FamProto{{V4, protoTCP}},
			local: NewPorts(PortRange{uint16(i), uint16(i + 20_000)}),
			peer:  NewIPSet(netip.PrefixFrom(netip.AddrFrom4([4]byte{byte(1 + i%200), byte(i >> 8), byte(i), 0}), 24)),
		})
	}
	why := bit(7)
	set := compile(clauses, why)
	boxes := set.Boxes(FamProto{V4, protoTCP})
	if len(boxes) > maxBoxes {
		t.Errorf("%d boxes, more than the bound", len(boxes))
	}
	if last := boxes[len(boxes)-1]; last.Why != why {
		t.Errorf("the box around all has the reason %q", last.Why)
	}
	for _, i := range []int{0, 777, 19_999} {
		c := clauses[i]
		covered := slices.ContainsFunc(boxes, func(b Box) bool { return c.peer.SubsetOf(b.Peer) && c.local.SubsetOf(b.Local) })
		if !covered {
			t.Errorf("rule %d is in no box", i)
		}
	}
}

func FuzzIPSet(f *testing.F) {
	f.Add([]byte{10, 0, 0, 0, 8, 192, 168, 1, 0, 24})
	f.Add([]byte{0, 0, 0, 0, 0, 255, 255, 255, 255, 32})
	f.Fuzz(func(t *testing.T, data []byte) {
		var halves [2][]netip.Prefix
		for i := 0; len(data) >= 5; i, data = i+1, data[5:] {
			halves[i%2] = append(halves[i%2], netip.PrefixFrom(netip.AddrFrom4([4]byte(data[:4])), int(data[4]%33)))
		}
		a, b := NewIPSet(halves[0]...), NewIPSet(halves[1]...)
		if !a.Subtract(b).Union(a.Intersect(b)).Equal(a) {
			t.Errorf("%v is not what it shares with %v and the rest", a, b)
		}
		if a.Subtract(b).Overlaps(b) {
			t.Errorf("%v without %v overlaps it", a, b)
		}
		if !NewIPSet(a.Prefixes()...).Equal(a) {
			t.Errorf("the blocks of %v have other addresses", a)
		}
	})
}

func BenchmarkCompileManyRanges(b *testing.B) {
	var clauses []clause
	for i := range 20_000 {
		clauses = append(clauses, clause{
			keys:  []FamProto{{V4, protoTCP}},
			local: Port(uint16(443 + i%10)),
			peer:  NewIPSet(netip.PrefixFrom(netip.AddrFrom4([4]byte{byte(1 + i%200), byte(i >> 8), byte(i), 0}), 24)),
		})
	}
	for b.Loop() {
		compile(clauses, tooComplex)
	}
}

func BenchmarkIntersect(b *testing.B) {
	r := rand.New(rand.NewPCG(1, 1))
	random := func() IPSet {
		prefixes := make([]netip.Prefix, 10_000)
		for i := range prefixes {
			prefixes[i] = netip.PrefixFrom(netip.AddrFrom4([4]byte{byte(r.Uint32()), byte(r.Uint32()), byte(r.Uint32()), 0}), 24)
		}
		return NewIPSet(prefixes...)
	}
	x, y := random(), random()
	for b.Loop() {
		x.Intersect(y)
	}
}
