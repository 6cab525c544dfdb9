package network

import (
	"cmp"
	"slices"
	"strconv"
	"strings"

	"github.com/trifecta-scanner/trifecta/aws"
	"github.com/trifecta-scanner/trifecta/inventory"
)

// This file is what rules read of a graph beyond its results. Lists are in order of address; addresses are those of results.

// Exit is where packets of a subnet to the internet go.
type Exit string

// The exits, the most open first.
const (
	ExitInternetGateway Exit = "internet-gateway" // in and out: a public subnet
	ExitFirewall        Exit = "firewall"
	ExitNAT             Exit = "nat-gateway"
	ExitEgressOnly      Exit = "egress-only"
	ExitPrivate         Exit = "private" // to other networks: transit gateway, VPN, peering
	ExitNone            Exit = "none"
	ExitUnknown         Exit = "unknown"
)

// ExitOf returns where packets of a subnet to the internet go.
func (g *Graph) ExitOf(object *aws.Subnet, f Family) Exit {
	s := g.subnets[object]
	if s == nil || s.unknown != "" {
		return ExitUnknown
	}
	for _, kind := range []struct {
		via  gatewayKind
		exit Exit
	}{
		{viaIGW, ExitInternetGateway}, {viaEndpoint, ExitFirewall}, {viaNAT, ExitNAT}, {viaEgress, ExitEgressOnly}, {viaTGW, ExitPrivate},
		{viaVGW, ExitPrivate}, {viaPeering, ExitPrivate}, {viaInterface, ExitNAT},
	} {
		r := s.route(f, kind.via, nil)
		switch {
		case r.sure.Overlaps(f.internet()):
			return kind.exit
		case r.unsure.Overlaps(f.internet()):
			return ExitUnknown
		}
	}
	return ExitNone
}

// Tenants returns what has an interface in a subnet.
func (g *Graph) Tenants(object *aws.Subnet) []inventory.ID {
	s := g.subnets[object]
	return g.having(func(i *iface) bool {
		return s != nil && slices.ContainsFunc(i.subnets, func(t *subnet) bool { return t.id == s.id })
	})
}

// Carriers returns what has an interface that carries a security group.
func (g *Graph) Carriers(object *aws.SecurityGroup) []inventory.ID {
	s := g.groups[object]
	return g.having(func(i *iface) bool {
		return s != nil && i.groups != nil && slices.ContainsFunc(i.groups.groups, func(t *group) bool { return t == s || t.of == s })
	})
}

func (g *Graph) having(fits func(*iface) bool) []inventory.ID {
	list := []inventory.ID{}
	for _, n := range g.nodes {
		if n.created && slices.ContainsFunc(n.ifaces, fits) {
			list = append(list, n.address)
		}
	}
	return slices.Compact(list)
}

// NeedsPublicSubnet reports whether something in a subnet needs its route to the internet gateway: a public address, a
// proxy, a NAT gateway or a firewall.
func (g *Graph) NeedsPublicSubnet(object *aws.Subnet) bool {
	s := g.subnets[object]
	if s == nil {
		return true
	}
	in := func(refs []aws.Ref[*aws.Subnet]) bool {
		return slices.ContainsFunc(g.subnetsOf(refs), func(t *subnet) bool { return t.id == s.id || t.unknown != "" })
	}
	for _, n := range g.model.NATGateways {
		if in([]aws.Ref[*aws.Subnet]{n.Subnet}) {
			return true
		}
	}
	for _, f := range g.model.NetworkFirewalls {
		if in(f.Subnets) {
			return true
		}
	}
	for _, n := range g.nodes {
		for _, i := range n.ifaces {
			if (n.proxy || !i.public4.no || !i.public6.no) && slices.ContainsFunc(i.subnets, func(t *subnet) bool { return t.id == s.id }) {
				return true
			}
		}
	}
	return false
}

// Ways returns the ways that could lead from the internet to something that is not reachable, the canonical one first,
// with what blocks each. It is empty for what is reachable, or may be.
func (g *Graph) Ways(address inventory.ID) []Way {
	g.Results()
	var list []Way
	for _, n := range g.find(address) {
		list = append(list, g.answers[n].routes...)
	}
	return list
}

// Proxies returns the proxies that pass connections on to something, whether or not any get through.
func (g *Graph) Proxies(address inventory.ID) []inventory.ID {
	list := []inventory.ID{}
	for _, n := range g.find(address) {
		for _, e := range n.in {
			if !e.exists.no && !e.quiet && !slices.Contains(list, e.from.address) {
				list = append(list, e.from.address)
			}
		}
	}
	slices.Sort(list)
	return list
}

// Direct returns what is certainly open from the internet past every proxy of the code, as ports and sources; both are
// empty where nothing is.
func (g *Graph) Direct(address inventory.ID) (ports, sources []string) {
	var origin, loose Set
	for _, n := range g.find(address) {
		for _, w := range g.fromOutside()[n] {
			if w.front != "" || len(n.ifaces) == 0 {
				continue
			}
			for _, s := range w.streams {
				origin, loose = origin.Union(s.exact.origin.Must()), loose.Union(s.loose.origin.Must())
			}
		}
	}
	return portNames(origin), printed(loose.peers(), origin.peers())
}

// Exposed returns what the internet certainly reaches by a rule that is written at a place: a security group's, a network
// ACL's or a route. It is how a rule that opens something is told from one that only could.
func (g *Graph) Exposed(at inventory.ID, loc inventory.Location) []inventory.ID {
	if g.byGuard == nil {
		g.byGuard = map[guardPlace][]inventory.ID{}
		for _, r := range g.Results() {
			if r.Reachable != Yes {
				continue
			}
			for _, p := range r.Paths {
				for _, guard := range p.Guards {
					key := guardPlace{guard.At, guard.File, guard.Line}
					if !slices.Contains(g.byGuard[key], r.Address) {
						g.byGuard[key] = append(g.byGuard[key], r.Address)
					}
				}
			}
		}
	}
	return g.byGuard[guardPlace{at, loc.Path, loc.Line}]
}

type guardPlace struct {
	at   inventory.ID
	file string
	line int
}

// Closing returns the smallest change that closes every path from the internet to something reachable: the rules that
// would have to go. Rules of security groups are preferred to those of network ACLs, and both to routes.
func (g *Graph) Closing(address inventory.ID) []Guard {
	g.Results()
	var ways [][][]Guard // the layers of each
	for _, n := range g.find(address) {
		for _, w := range g.answers[n].ways {
			if certain, _ := w.open(); certain {
				if layers := w.layers(); len(layers) > 0 {
					ways = append(ways, layers)
				}
			}
		}
	}
	var gone []Guard
	for len(ways) > 0 {
		// The layer whose rules close the most ways for their number; of equal ones that nearest to the target.
		var best []Guard
		closes := 0
		for _, layers := range ways {
			for _, layer := range layers {
				n := 0
				for _, others := range ways {
					if closedBy(others, gone, layer) {
						n++
					}
				}
				if best == nil || n*weight(best) >= closes*weight(layer) {
					best, closes = layer, n
				}
			}
		}
		for _, guard := range best {
			if !slices.Contains(gone, guard) {
				gone = append(gone, guard)
			}
		}
		ways = slices.DeleteFunc(ways, func(layers [][]Guard) bool { return closedBy(layers, gone, nil) })
	}
	return gone
}

// closedBy reports whether a way has a layer all of whose rules are gone.
func closedBy(layers [][]Guard, gone, more []Guard) bool {
	return slices.ContainsFunc(layers, func(layer []Guard) bool {
		return !slices.ContainsFunc(layer, func(guard Guard) bool { return !slices.Contains(gone, guard) && !slices.Contains(more, guard) })
	})
}

// layers returns the rules of each guard that holds a way open.
func (w *way) layers() [][]Guard {
	var list [][]Guard
	for _, p := range w.proof {
		if layer := p(nil); len(layer) > 0 {
			slices.SortStableFunc(layer, Guard.compare)
			list = append(list, layer)
		}
	}
	return list
}

// weight is how much it takes to remove rules: those of groups are the least.
func weight(layer []Guard) int {
	total := 0
	for _, guard := range layer {
		switch {
		case strings.HasPrefix(guard.Rule, "route "):
			total += 10_000
		case strings.Contains(guard.Rule, "(rule "): // of a network ACL
			total += 100
		default:
			total++
		}
	}
	return total
}

// Shadow is a rule of a network ACL that can never match, or that says the opposite of one before it.
type Shadow struct {
	Rule, By *aws.NetworkACLRule
	// Opposite says that By decides otherwise about the same traffic.
	Opposite bool
}

// Shadowed returns the rules of a network ACL that rules with lower numbers leave nothing to decide about.
func (g *Graph) Shadowed(object *aws.NetworkACL) []Shadow {
	var list []Shadow
	for _, direction := range [][]*aws.NetworkACLRule{object.Ingress, object.Egress} {
		ordered := slices.Clone(direction)
		slices.SortStableFunc(ordered, func(a, b *aws.NetworkACLRule) int { return cmp.Compare(a.Number.Or(1<<20), b.Number.Or(1<<20)) })
		if len(ordered) > 512 {
			ordered = ordered[:512] // AWS takes 40; each is compared with all before it
		}
		for i, r := range ordered {
			if s, ok := g.shadow(r, ordered[:i]); ok {
				list = append(list, s)
			}
		}
	}
	return list
}

// shadow looks for the rule that takes all of another one's traffic.
func (g *Graph) shadow(r *aws.NetworkACLRule, before []*aws.NetworkACLRule) (Shadow, bool) {
	own, ok := g.traffic(r)
	if !ok {
		return Shadow{}, false
	}
	for _, b := range before {
		set, ok := g.traffic(b)
		if !ok || !own.Minus(set).IsEmpty() {
			continue
		}
		x, _ := r.Action.Known()
		y, _ := b.Action.Known()
		return Shadow{r, b, !strings.EqualFold(x, y)}, true
	}
	return Shadow{}, false
}

// traffic is what a rule of a network ACL speaks of; ok is false where that is not known.
func (g *Graph) traffic(r *aws.NetworkACLRule) (Set, bool) {
	list := g.aclRules(r, false)
	if len(list) != 1 || list[0].why != "" {
		return Set{}, false
	}
	x := list[0]
	set := compile([]clause{{x.keys, x.ports, x.peer, ""}}, tooComplex)
	return set, !set.IsEmpty()
}

// Cut is a network ACL that takes away what the security groups of something let in from the internet.
type Cut struct {
	Address inventory.ID // what is not reached as its groups say
	ACL     inventory.ID
	Code    string   // NACLDenyIn or NACLDenyOut
	Ports   []string // that the groups let in and the ACL does not
}

// Cuts returns where network ACLs that are written in the code take away what security groups let in.
func (g *Graph) Cuts() []Cut {
	list := []Cut{}
	for _, n := range g.nodes {
		for _, i := range n.ifaces {
			if i.groups == nil || !n.inbound {
				continue
			}
			for _, s := range i.subnets {
				if s.unfiltered() || len(s.acls) != 1 || s.acls[0].of.unknown != "" {
					continue
				}
				open := everything(V4, internetV4).Intersect(i.groups.allows(fromInternet, false, g.why)).Must()
				if !i.ports.IsEmpty() {
					open = open.Intersect(i.ports)
				}
				for _, way := range []struct {
					code string
					set  Set
				}{{NACLDenyIn, s.allowsIn(g.why)}, {NACLDenyOut, s.allowsOut(g.why).asPeerPorts()}} {
					left := portNames(open.Intersect(way.set))
					var gone []string
					for _, p := range portNames(open) {
						if !slices.Contains(left, p) {
							gone = append(gone, p)
						}
					}
					if len(gone) > 0 {
						list = append(list, Cut{n.address, s.acls[0].of.at, way.code, gone})
					}
				}
			}
		}
	}
	slices.SortStableFunc(list, func(a, b Cut) int {
		return cmp.Or(strings.Compare(string(a.Address), string(b.Address)), strings.Compare(string(a.ACL), string(b.ACL)), strings.Compare(a.Code, b.Code))
	})
	return list
}

// ParsePort reads a port of a result: tcp/443, udp/1-399. all is every protocol and port: proto is "all".
func ParsePort(text string) (proto string, lo, hi int, ok bool) {
	if text == "all" {
		return text, 0, 65535, true
	}
	proto, ports, ok := strings.Cut(text, "/")
	first, last, isRange := strings.Cut(ports, "-")
	if !isRange {
		last = first
	}
	lo, err1 := strconv.Atoi(first)
	hi, err2 := strconv.Atoi(last)
	return proto, lo, hi, ok && err1 == nil && err2 == nil
}
