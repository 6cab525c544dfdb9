package network

import (
	"cmp"
	"net/netip"
	"slices"

	"github.com/trifecta-scanner/trifecta/inventory"
)

// gatewayKind is what a route leads to.
type gatewayKind string

// The kinds of gateways.
const (
	viaLocal     gatewayKind = "local"
	viaIGW       gatewayKind = "internet-gateway"
	viaEgress    gatewayKind = "egress-only-internet-gateway"
	viaNAT       gatewayKind = "nat-gateway"
	viaVGW       gatewayKind = "vpn-gateway"
	viaTGW       gatewayKind = "transit-gateway"
	viaPeering   gatewayKind = "vpc-peering-connection"
	viaEndpoint  gatewayKind = "vpc-endpoint" // gateway load balancer or firewall endpoint
	viaService   gatewayKind = "gateway-endpoint"
	viaInterface gatewayKind = "network-interface"
	viaCarrier   gatewayKind = "carrier-gateway"
	viaOther     gatewayKind = "other"
	viaNowhere   gatewayKind = "blackhole"
)

// gateway is the target of a route. Gateways are compared by identity.
type gateway struct {
	kind    gatewayKind
	address inventory.ID // empty where it is implied
	object  any
	exists  cond
	vpcs    []*vpc // of an internet gateway: those it is attached to
	why     []cond // for each of vpcs, whether it is attached
	shield  string // of an endpoint: firewall:<address>
	rules   Bits   // of an endpoint: FIREWALL_RULES
}

// priority tells routes of one length apart; the highest wins.
type priority uint8

const (
	propagated priority = iota
	prefixList
	static
)

// route is one entry of a route table.
type route struct {
	place
	family   Family
	dest     IPSet
	bits     int      // length of the prefix
	unknown  Bits     // dest is not known, and why
	target   *gateway // nil where it is not known
	anyOf    []*gateway
	why      Bits // why it is not certain that the route is there, or what its target is
	priority priority
}

// table is a route table.
type table struct {
	place   // implied ones: the VPC
	vpc     *vpc
	routes  []route
	implied bool
	unknown Bits // of a table outside of the code: its routes are not known
	cache   map[viaKey]region
	object  any
}

type viaKey struct {
	family Family
	kind   gatewayKind
	to     *gateway
}

// region is a set of addresses under three-valued logic.
type region struct {
	sure, unsure IPSet
	why          Bits // of unsure
	stray        Bits // why some of sure may be led elsewhere after all: as much as one block that is not the default route
}

func (r region) isEmpty() bool { return r.sure.IsEmpty() && r.unsure.IsEmpty() }

// gate returns the connections of s whose peers are in r.
func (r region) gate(s Set) Set {
	sure := s.cut(r.sure)
	if r.stray != "" {
		// Of what comes from everywhere something still passes; what comes from one block may be just what is led elsewhere.
		sure = sure.each(func(key FamProto, b Box) (FamProto, Box) {
			if b.Peer.fitsOneBlock() {
				b.Why = b.Why.Union(r.stray)
			}
			return key, b
		})
	}
	if r.unsure.IsEmpty() {
		return sure
	}
	return sure.Union(s.cut(r.unsure).Maybe(r.why))
}

// fitsOneBlock reports whether one route other than to the whole internet can lead to all of s.
func (s IPSet) fitsOneBlock() bool {
	if s.IsEmpty() {
		return false
	}
	first, last := s.ranges[0].Lo, s.ranges[len(s.ranges)-1].Hi
	whole := 0
	if first.Is6() {
		whole = 3 // 2000::/3 is all that is handed out
	}
	block, err := first.Prefix(whole + 1)
	return err == nil && block.Contains(last)
}

func (r region) union(q region) region {
	return region{r.sure.Union(q.sure), r.unsure.Union(q.unsure).Subtract(r.sure.Union(q.sure)), r.why.Union(q.why), r.stray.Union(q.stray)}
}

// via returns the addresses whose best route leads to a gateway of a kind (to is nil), or to one gateway. It paints the
// routes over each other, from the least specific to the one that wins.
func (t *table) via(f Family, kind gatewayKind, to *gateway) region {
	key := viaKey{f, kind, to}
	if r, ok := t.cache[key]; ok {
		return r
	}
	r := t.paint(f, func(g *gateway) bool { return to != nil && g == to || to == nil && g.kind == kind })
	if t.cache == nil {
		t.cache = map[viaKey]region{}
	}
	t.cache[key] = r
	return r
}

func (t *table) paint(f Family, wanted func(*gateway) bool) region {
	if t.unknown != "" {
		return region{unsure: f.all(), why: t.unknown}
	}
	var r region
	local := t.vpc.cidrs(f)
	for _, group := range t.layers(f) {
		var onto, offto, mayOnto, mayOff []IPSet
		why := Bits("")
		for _, x := range group {
			dest := x.dest
			if x.unknown != "" {
				// One block that is not the default route can take at most a half of the internet away: what is left still
				// passes, so a route that leads elsewhere counts for narrow sources alone.
				if x.target != nil && wanted(x.target) || x.target == nil {
					mayOnto = append(mayOnto, f.all())
					why = why.Union(x.unknown).Union(x.why)
				} else {
					r.stray = r.stray.Union(x.unknown)
				}
				continue
			}
			if x.priority == propagated {
				dest = dest.Subtract(local)
			}
			switch hit, may := x.leadsTo(wanted); {
			case hit && x.why == "":
				onto = append(onto, dest)
			case !may && x.why == "":
				offto = append(offto, dest)
			case hit || may:
				mayOnto = append(mayOnto, dest)
				if !hit || x.target == nil {
					mayOff = append(mayOff, dest)
				}
				why = why.Union(x.why)
			default:
				mayOff = append(mayOff, dest)
				why = why.Union(x.why)
			}
		}
		r = r.layer(UnionIPSets(onto...), UnionIPSets(offto...), UnionIPSets(mayOnto...), UnionIPSets(mayOff...), why)
	}
	if r.unsure.IsEmpty() {
		r.why = ""
	}
	return r
}

// layer returns r with routes of one length painted over it.
func (r region) layer(on, off, mayOn, mayOff IPSet, why Bits) region {
	r.sure = r.sure.Subtract(off).Union(on)
	r.unsure = r.unsure.Subtract(off).Subtract(on)
	doubted := r.sure.Intersect(mayOff.Subtract(on))
	r.sure = r.sure.Subtract(doubted)
	r.unsure = r.unsure.Union(doubted).Union(mayOn).Subtract(r.sure)
	if !mayOn.IsEmpty() || !mayOff.IsEmpty() {
		r.why = r.why.Union(why)
	}
	return r
}

// leadsTo reports whether the route leads to a wanted gateway, and whether it may.
func (x *route) leadsTo(wanted func(*gateway) bool) (hit, may bool) {
	if x.target != nil {
		hit = wanted(x.target)
		return hit, hit
	}
	if len(x.anyOf) == 0 {
		return false, true // anything
	}
	hit = true
	for _, g := range x.anyOf {
		if wanted(g) {
			may = true
		} else {
			hit = false
		}
	}
	return hit, may
}

// layers returns the routes of a family in groups of equal precedence, the weakest first, the local ones included.
func (t *table) layers(f Family) [][]route {
	var list []route
	var own []netip.Prefix
	if t.vpc != nil {
		own = t.vpc.prefixes
	}
	for _, p := range own {
		if (p.Addr().Is4()) == (f == V4) {
			list = append(list, route{family: f, dest: NewIPSet(p), bits: p.Bits(), target: localGateway, priority: static})
		}
	}
	for _, x := range t.routes {
		if x.family != f && x.unknown == "" {
			continue
		}
		if x.unknown != "" {
			x.bits = 129 // it may be more specific than any other
			if x.family != f {
				continue
			}
		}
		list = append(list, x)
	}
	slices.SortStableFunc(list, func(a, b route) int {
		return cmp.Or(cmp.Compare(a.bits, b.bits), cmp.Compare(a.priority, b.priority))
	})
	var groups [][]route
	for i := 0; i < len(list); {
		j := i
		for j < len(list) && list[j].bits == list[i].bits && list[j].priority == list[i].priority {
			j++
		}
		groups = append(groups, list[i:j])
		i = j
	}
	return groups
}

// localGateway is the target of local routes.
var localGateway = &gateway{kind: viaLocal}

// covers returns the addresses that routes to a wanted gateway name, whatever more specific routes take away.
func (t *table) covers(f Family, wanted func(*gateway) bool) IPSet {
	if t.unknown != "" {
		return f.all()
	}
	var sets []IPSet
	for _, x := range t.routes {
		if x.family != f {
			continue
		}
		if _, may := x.leadsTo(wanted); !may {
			continue
		}
		if x.unknown != "" {
			return f.all()
		}
		sets = append(sets, x.dest)
	}
	return UnionIPSets(sets...)
}
