package network

import (
	"slices"
	"strings"

	"github.com/trifecta-scanner/trifecta/aws"
	"github.com/trifecta-scanner/trifecta/inventory"
)

// link is how packets get from one subnet to another without leaving the private network.
type link struct {
	nodes []inventory.ID // peering connection, or attachment, gateway, attachment
	open  cond
	// noGroups: rules of the target cannot refer to groups of the sender.
	noGroups bool
	blocks   []Block // why it is closed, where it is
	proof    []proof // the routes there and back
}

// seen returns the sender as the target's rules see it over the link.
func (l link) seen(s *sender) *sender {
	if !l.noGroups || len(s.groups) == 0 {
		return s
	}
	copied := *s
	copied.groups = nil
	copied.key += " without groups"
	return &copied
}

// linksBetween returns the ways between two subnets, closed ones with what closes them.
func (g *Graph) linksBetween(a, b *subnet) []link {
	key := [2]*subnet{a, b}
	if links, ok := g.links[key]; ok {
		return links
	}
	links := g.findLinks(a, b)
	g.links[key] = links
	return links
}

func (g *Graph) findLinks(a, b *subnet) []link {
	switch {
	case a.vpc == nil || b.vpc == nil:
		return []link{{open: perhaps(a.unknown.Union(b.unknown))}}
	case a.vpc == b.vpc:
		return []link{g.localLink(a, b)}
	}
	var list []link
	for _, p := range g.model.Peerings {
		if l, ok := g.peeringLink(p, a, b); ok {
			list = append(list, l)
		}
	}
	list = append(list, g.transitLinks(a, b)...)
	if !slices.ContainsFunc(list, func(l link) bool { return !l.open.no }) {
		if blocks := g.notTransitive(a, b); len(blocks) > 0 {
			list = append([]link{{open: never, blocks: blocks}}, list...)
		}
	}
	if len(list) == 0 {
		list = []link{{open: never, blocks: noRouteAt(a)}}
	}
	return list
}

// localLink is the route within one VPC, unless a more specific one leads elsewhere.
func (g *Graph) localLink(a, b *subnet) link {
	f := familyOf(a, b)
	there := b.cidr.Family(f)
	if a == b || there.IsEmpty() || b.noCIDR != "" || a.vpc.cidrs(f).IsEmpty() || a.vpc.unknown != "" || a.unknown != "" || b.unknown != "" {
		return link{open: certainly}
	}
	open := covered(a.route(f, viaLocal, nil), there)
	if here := a.cidr.Family(f); !here.IsEmpty() && a.noCIDR == "" {
		open = open.and(covered(b.route(f, viaLocal, nil), here))
	}
	if !open.no {
		return link{open: open}
	}
	for _, o := range a.tables {
		for _, x := range o.of.routes {
			if x.target != nil && x.target.kind == viaEndpoint && x.dest.Overlaps(there) {
				return link{open: perhaps(x.target.rules), nodes: appendIDs(nil, x.target.address)}
			}
		}
	}
	return link{open: never, blocks: noRouteAt(a)}
}

func familyOf(a, b *subnet) Family {
	if a.cidr.Family(V4).IsEmpty() && a.noCIDR == "" || b.cidr.Family(V4).IsEmpty() && b.noCIDR == "" {
		if !a.cidr.Family(V6).IsEmpty() && !b.cidr.Family(V6).IsEmpty() {
			return V6
		}
	}
	return V4
}

// covered returns whether a region has all of some addresses.
func covered(r region, dest IPSet) cond {
	switch {
	case dest.SubsetOf(r.sure):
		return certainly
	case dest.Overlaps(r.sure.Union(r.unsure)):
		why := r.why
		if why == "" {
			why = bit(1)
		}
		return perhaps(why)
	}
	return never
}

func noRouteAt(s *subnet) []Block {
	var list []Block
	for _, o := range s.tables {
		list = append(list, Block{NoRoute, o.of.at})
	}
	return list
}

// routed returns whether the routes of a subnet lead to all addresses of another one through a gateway.
func (g *Graph) routed(from, to *subnet, kind gatewayKind, gate *gateway) cond {
	f := familyOf(from, to)
	r := from.route(f, kind, gate)
	dest := to.cidr.Family(f)
	if dest.IsEmpty() || to.noCIDR != "" {
		if r.isEmpty() {
			return never
		}
		if dest.IsEmpty() {
			dest = f.all()
		}
		c := covered(r, dest)
		if c.no || c.certain() {
			if c.no {
				return perhaps(to.noCIDR.Union(to.unknown))
			}
			return c
		}
		return perhaps(to.noCIDR.Union(r.why).Union(to.unknown))
	}
	return covered(r, dest)
}

// peeringLink returns the link over a peering connection of the two VPCs; ok is false where it joins others.
func (g *Graph) peeringLink(p *aws.VPCPeeringConnection, a, b *subnet) (link, bool) {
	if !hasEnd(p, a.vpc) || !hasEnd(p, b.vpc) {
		return link{}, false
	}
	gate := g.gateOf(p)
	l := link{nodes: appendIDs(nil, p.Address())}
	active := g.existence(&p.Object).and(flag(g, p.Accepted, false))
	out, back := g.routed(a, b, viaPeering, gate), g.routed(b, a, viaPeering, gate)
	l.open = active.and(out).and(back)
	l.noGroups = p.PeerRegion.Written() && !p.PeerRegion.Is(a.vpc.object.Region()) || a.vpc.object.Region() != b.vpc.object.Region()
	l.proof = []proof{g.proveLink(a, b, gate), g.proveLink(b, a, gate)}
	if active.no {
		l.blocks = append(l.blocks, Block{NoRoute, p.Address()})
	}
	if out.no {
		l.blocks = append(l.blocks, noRouteAt(a)...)
	}
	if back.no {
		l.blocks = append(l.blocks, noRouteAt(b)...)
	}
	return l, true
}

// proveLink returns the routes of a subnet that lead to another one through a gateway.
func (g *Graph) proveLink(from, to *subnet, gate *gateway) proof {
	f := familyOf(from, to)
	dest, _ := addressesOf(to, f)
	return g.proveRoute(from.tables, f, func(x *gateway) bool { return x == gate }, dest)
}

// notTransitive returns the peering connections that routes lead into although the other VPC is not at their end.
func (g *Graph) notTransitive(a, b *subnet) []Block {
	var list []Block
	for _, p := range g.model.Peerings {
		gate := g.gates[p]
		if gate == nil {
			continue
		}
		ends := func(v *vpc) bool {
			return slices.Contains(p.Requester.Targets(), v.object) || slices.Contains(p.Accepter.Targets(), v.object)
		}
		if ends(a.vpc) && !ends(b.vpc) && !g.routed(a, b, viaPeering, gate).no || ends(b.vpc) && !ends(a.vpc) && !g.routed(b, a, viaPeering, gate).no {
			list = append(list, Block{PeeringNotTransitive, p.Address()})
		}
	}
	if len(list) > 0 {
		return list
	}
	// Without a route: two connections that meet in a third VPC are no way either.
	for _, p := range g.model.Peerings {
		for _, q := range g.model.Peerings {
			if p == q {
				continue
			}
			third := func(x *aws.VPCPeeringConnection, v *vpc) *aws.VPC {
				for _, o := range slices.Concat(x.Requester.Targets(), x.Accepter.Targets()) {
					if o != v.object {
						return o
					}
				}
				return nil
			}
			if hasEnd(p, a.vpc) && hasEnd(q, b.vpc) && third(p, a.vpc) != nil && third(p, a.vpc) == third(q, b.vpc) {
				list = append(list, Block{PeeringNotTransitive, p.Address()}, Block{PeeringNotTransitive, q.Address()})
			}
		}
	}
	return list
}

func hasEnd(p *aws.VPCPeeringConnection, v *vpc) bool {
	return slices.Contains(p.Requester.Targets(), v.object) || slices.Contains(p.Accepter.Targets(), v.object)
}

// transitLinks returns the links over transit gateways that both VPCs are attached to, or may be.
func (g *Graph) transitLinks(a, b *subnet) []link {
	var list []link
	for _, in := range a.vpc.object.TransitAttachments {
		for _, hub := range in.Gateway.Targets() {
			for _, out := range b.vpc.object.TransitAttachments {
				for _, other := range out.Gateway.Targets() {
					list = append(list, g.transitLink(a, b, in, out, hub, other))
				}
			}
			if len(b.vpc.object.TransitAttachments) == 0 && !g.routed(a, b, viaTGW, g.gateOf(hub)).no {
				list = append(list, link{open: never, blocks: append([]Block{{TGWNoRoute, tableAt(in, hub)}}, noRouteAt(b)...)})
			}
		}
	}
	return list
}

// tableAt is where the routes of an attachment's packets are decided: its table, or the gateway where that is implied.
func tableAt(in *aws.TransitGatewayAttachment, hub *aws.TransitGateway) inventory.ID {
	for _, t := range in.Association.Targets() {
		if t.Origin != aws.Implied {
			return t.Address()
		}
	}
	return hub.Address()
}

func (g *Graph) transitLink(a, b *subnet, in, out *aws.TransitGatewayAttachment, hub, other *aws.TransitGateway) link {
	l := link{nodes: appendIDs(nil, in.Address(), hub.Address())}
	open := g.existence(&in.Object).and(g.existence(&out.Object)).and(g.existence(&hub.Object))
	need := func(c cond, blocks ...Block) {
		if c.no {
			l.blocks = append(l.blocks, blocks...)
		}
		open = open.and(c)
	}
	need(g.routed(a, b, viaTGW, g.gateOf(hub)), noRouteAt(a)...)
	need(g.routed(b, a, viaTGW, g.gateOf(other)), noRouteAt(b)...)
	need(g.attachedIn(in, a), Block{TGWNoRoute, tableAt(in, hub)})
	need(g.attachedIn(out, b), Block{TGWNoRoute, tableAt(out, other)})
	if hub == other {
		c, at := g.forwardsTo(in, hub, b, out)
		need(c, Block{TGWNoRoute, at})
		c, at = g.forwardsTo(out, hub, a, in)
		need(c, Block{TGWNoRoute, at})
	} else {
		peering := g.peeringOf(hub, other)
		if peering == nil {
			need(never, Block{TGWNoRoute, tableAt(in, hub)})
		} else {
			l.nodes = appendIDs(l.nodes, peering.Address(), other.Address())
			c, at := g.forwardsTo(in, hub, b, peering)
			need(c, Block{TGWNoRoute, at})
			c, at = g.onward(other, b, out)
			need(c, Block{TGWNoRoute, at})
			c, at = g.forwardsTo(out, other, a, peering)
			need(c, Block{TGWNoRoute, at})
			c, at = g.onward(hub, a, in)
			need(c, Block{TGWNoRoute, at})
		}
	}
	l.nodes = appendIDs(l.nodes, out.Address())
	l.proof = []proof{g.proveLink(a, b, g.gateOf(hub)), g.proveLink(b, a, g.gateOf(other))}
	l.open = open
	refs := is(g, hub.SecurityGroupRefs, false, "enable").certain() && is(g, in.SecurityGroupRefs, true, "enable").certain() &&
		is(g, out.SecurityGroupRefs, true, "enable").certain() && hub == other
	l.noGroups = !refs
	return l
}

// attachedIn returns whether an attachment has an interface in the zone of a subnet.
func (g *Graph) attachedIn(in *aws.TransitGatewayAttachment, s *subnet) cond {
	if s.zone == "" || len(in.Subnets) == 0 {
		return certainly
	}
	zones := never
	for _, n := range g.subnetsOf(in.Subnets) {
		switch {
		case n.zone == s.zone || n.id == s.id:
			return certainly
		case n.zone == "":
			zones = perhaps(g.why.bits(inventory.Reason{Code: inventory.Computed, Ref: string(n.address)}))
		}
	}
	return zones
}

func (g *Graph) peeringOf(a, b *aws.TransitGateway) *aws.TransitGatewayAttachment {
	for _, x := range g.model.TransitAttachments {
		if x.Kind != "peering" {
			continue
		}
		if slices.Contains(x.Gateway.Targets(), a) && slices.Contains(x.PeerGateway.Targets(), b) || slices.Contains(x.Gateway.Targets(), b) && slices.Contains(x.PeerGateway.Targets(), a) {
			return x
		}
	}
	return nil
}

// forwardsTo returns whether the table that an attachment is associated with sends packets for a subnet to another
// attachment, and which table or route decides.
func (g *Graph) forwardsTo(in *aws.TransitGatewayAttachment, hub *aws.TransitGateway, to *subnet, out *aws.TransitGatewayAttachment) (cond, inventory.ID) {
	tables, elsewhere := resolve(g, in.Association)
	if in.Association.Absent() {
		return never, hub.Address()
	}
	if len(tables) == 0 {
		return perhaps(elsewhere), hub.Address()
	}
	all, at := certainly, hub.Address()
	for i, t := range tables {
		c, where := g.tableSends(t.of, hub, to, out)
		if i == 0 {
			all, at = c.and(perhaps(t.why)), where
			continue
		}
		all = all.or(c.and(perhaps(t.why)))
	}
	return all, at
}

// onward returns whether packets that come in by a peering of two gateways go on to an attachment: by any table of the
// gateway, because which one a peering is associated with on its far side is said by the far side's code.
func (g *Graph) onward(hub *aws.TransitGateway, to *subnet, out *aws.TransitGatewayAttachment) (cond, inventory.ID) {
	any := never
	for _, t := range hub.RouteTables {
		c, _ := g.tableSends(t, hub, to, out)
		any = any.or(c)
	}
	return any, hub.Address()
}

// tableSends finds the route of a transit gateway's table that wins for the addresses of a subnet: longest prefix first, a
// static route before a learned one.
func (g *Graph) tableSends(t *aws.TransitGatewayRouteTable, hub *aws.TransitGateway, to *subnet, out *aws.TransitGatewayAttachment) (cond, inventory.ID) {
	f := familyOf(to, to)
	dest := to.cidr.Family(f)
	at := t.Address()
	if t.Origin == aws.Implied {
		at = hub.Address()
	}
	type candidate struct {
		bits   int
		static bool
		hit    bool
		why    Bits
		at     inventory.ID
	}
	var best []candidate
	doubt := Bits("")
	for _, r := range t.Routes {
		place, why := g.written(&r.Written)
		sends := false
		for _, x := range r.Attachment.Targets() {
			sends = sends || x == out
		}
		black := flag(g, r.Blackhole, false)
		c := candidate{static: true, hit: sends && !black.certain(), why: why.Union(black.doubt()), at: place.at}
		if p, ok := r.Destination.Known(); ok {
			if !dest.IsEmpty() && !dest.Overlaps(NewIPSet(p)) {
				continue
			}
			c.bits = p.Bits()
			best = append(best, c)
		} else if r.Destination.Unknown() {
			doubt = doubt.Union(g.why.bits(r.Destination.Reasons()...))
		}
		for _, l := range r.List.Targets() {
			for _, p := range g.prefixList(l).set.Prefixes() {
				if dest.Overlaps(NewIPSet(p)) {
					c.bits = p.Bits()
					best = append(best, c)
				}
			}
		}
	}
	for _, p := range t.Propagations {
		_, why := g.written(&p.Written)
		for _, x := range p.Attachment.Targets() {
			for _, object := range x.VPC.Targets() {
				v := g.vpcOf(object)
				known := false
				for _, prefix := range v.prefixes {
					known = true
					if dest.IsEmpty() && v == to.vpc || dest.Overlaps(NewIPSet(prefix)) {
						best = append(best, candidate{prefix.Bits(), false, x == out, why, at})
					}
				}
				if !known && v == to.vpc {
					best = append(best, candidate{16, false, x == out, why, at})
				}
			}
		}
	}
	slices.SortStableFunc(best, func(x, y candidate) int {
		if x.bits != y.bits {
			return y.bits - x.bits
		}
		return order(y.static) - order(x.static)
	})
	result := never
	for _, c := range best {
		if c.hit {
			result = result.or(perhaps(c.why.Union(doubt)))
		}
		if c.why == "" {
			if !c.hit && result.no {
				return never, c.at
			}
			return result, c.at
		}
	}
	if result.no && doubt != "" {
		return perhaps(doubt), at
	}
	return result, at
}

// insideWays returns the ways from an interface of one node to an interface of another within the private network.
func (g *Graph) insideWays(from *node, a, b *iface) []*way {
	var ways []*way
	for _, s := range a.subnets {
		sender := g.senderOf(&iface{subnets: []*subnet{s}, groups: a.groups, name: a.name}, "from")
		for _, t := range b.subnets {
			for _, l := range g.linksBetween(s, t) {
				if l.open.no {
					continue
				}
				set := l.open.gate(g.admitted(a, s, b, t, l.seen(sender)))
				set = set.Maybe(t.doubt.Union(b.doubt).Union(s.doubt).Union(a.doubt))
				if set.IsEmpty() {
					continue
				}
				f := familyOf(s, t)
				peers, _ := addressesOf(s, f)
				at := set.cut(peers)
				w := &way{nodes: appendIDs([]inventory.ID{from.address}, l.nodes...), streams: []stream{{flow{at, at}, flow{at, at}, true}}, subnets: []*subnet{t}}
				there, _ := addressesOf(t, f)
				target := g.senderOf(&iface{subnets: []*subnet{t}, groups: b.groups, name: b.name}, "to")
				w.proof = append(slices.Clone(l.proof), g.proveGroups(a.groups, target, true, at.facedBy(there)), g.proveGroups(b.groups, l.seen(sender), false, at))
				if s.id != t.id {
					sent := at.facedBy(there).turned()
					w.proof = append(w.proof, g.proveACL(s, true, sent), g.proveACL(s, false, sent), g.proveACL(t, false, at), g.proveACL(t, true, at))
				}
				ways = mergeWays(ways, w)
			}
		}
	}
	return ways
}

// admitted is what an interface in one subnet may open to an interface in another, by every guard between them, as
// connections from any address.
func (g *Graph) admitted(a *iface, s *subnet, b *iface, t *subnet, who *sender) Set {
	key := "in " + groupKey(a) + "|" + subnetKey(s) + "|" + b.name + "|" + subnetKey(t) + "|" + who.key
	if set, ok := g.inner[key]; ok {
		return set
	}
	f := familyOf(s, t)
	set := everything(f, f.all())
	if b.groups != nil && !b.groups.mayAdmit(who, s, f, g.why) {
		g.inner[key] = Set{}
		return Set{}
	}
	for _, c := range g.innerChecks(a, s, b, t, who, set) {
		set = set.Intersect(c.set)
	}
	g.inner[key] = set
	return set
}

// mayAdmit reports whether groups let anything in from the addresses of a subnet. It is a quick look before all guards are
// asked.
func (gs *groupSet) mayAdmit(who *sender, s *subnet, f Family, why *reasons) bool {
	here, _ := addressesOf(s, f)
	set := gs.allows(who, false, why)
	for _, e := range set.entries {
		if e.key.Family != f || !e.key.hasPorts() {
			continue
		}
		for _, b := range e.boxes {
			if b.Peer.Overlaps(here) {
				return true
			}
		}
	}
	return false
}

func groupKey(i *iface) string {
	if i.groups == nil {
		return "-"
	}
	return i.groups.key
}

func subnetKey(s *subnet) string {
	return string(bit(uint32(s.id))) + string(s.unknown) //nolint:gosec // an index
}

// innerChecks lists the guards between two interfaces of the private network.
func (g *Graph) innerChecks(a *iface, s *subnet, b *iface, t *subnet, who *sender, whole Set) []check {
	f := familyOf(s, t)
	here, whyHere := addressesOf(s, f)
	there, whyThere := addressesOf(t, f)
	if !a.addresses.Family(f).IsEmpty() {
		here, whyHere = a.addresses.Family(f), ""
	}
	if !b.addresses.Family(f).IsEmpty() {
		there, whyThere = b.addresses.Family(f), ""
	}
	var list []check
	if a.groups != nil {
		target := g.senderOf(&iface{subnets: []*subnet{t}, groups: b.groups, name: b.name}, "to")
		list = append(list, check{"groups out", whole.Intersect(a.groups.allows(target, true, g.why).toward(there, whyThere.or(g, t.address))), groupPlaces(a.groups, SGNoMatch)})
	}
	if s.id != t.id || s.id == 0 {
		if !s.unfiltered() {
			list = append(list,
				check{"acl out", whole.Intersect(s.allowsOut(g.why).toward(there, whyThere.or(g, t.address))), aclPlaces(s, NACLDenyOut)},
				check{"acl in", whole.Intersect(s.allowsIn(g.why).toward(there, whyThere.or(g, t.address)).asPeerPorts()), aclPlaces(s, NACLDenyIn)})
		}
		if !t.unfiltered() {
			list = append(list,
				check{"acl in", whole.Intersect(t.allowsIn(g.why).toward(here, whyHere.or(g, s.address))), aclPlaces(t, NACLDenyIn)},
				check{"acl out", whole.Intersect(t.allowsOut(g.why).toward(here, whyHere.or(g, s.address)).asPeerPorts()), aclPlaces(t, NACLDenyOut)})
		}
	}
	if b.groups != nil {
		set := whole.Intersect(b.groups.allows(who, false, g.why).toward(here, whyHere.or(g, s.address)))
		code := SGNoMatch
		if onlyICMP(set) {
			code = ICMPOnly
		}
		list = append(list, check{"groups", set, groupPlaces(b.groups, code)})
	}
	if !b.ports.IsEmpty() {
		list = append(list, check{"ports", whole.Intersect(b.ports), []Block{b.portBlock}})
	}
	return list
}

// or returns b, or a reason that says that the address within a subnet is not known.
func (b Bits) or(g *Graph, at inventory.ID) Bits {
	if b != "" {
		return b
	}
	return g.why.bits(inventory.Reason{Code: inventory.Computed, Ref: string(at)})
}

// seedsFrom returns the ways from one node to those that it reaches without a proxy.
func (g *Graph) seedsFrom(from *node, wanted func(*node) bool) map[*node][]*way {
	seeds := map[*node][]*way{}
	for _, n := range g.nodes {
		if n == from || !n.created || n.exists.no || !wanted(n) {
			continue
		}
		if n.inbound {
			for _, a := range from.ifaces {
				for _, b := range n.ifaces {
					for _, w := range g.insideWays(from, a, b) {
						w.assumptions = addTo(w.assumptions, n.assumptions...)
						seeds[n] = mergeWays(seeds[n], w.gated(n.exists.and(from.exists)))
					}
				}
			}
		}
		for _, w := range g.clusterWays(from, n) {
			seeds[n] = mergeWays(seeds[n], w)
		}
	}
	return seeds
}

// explainInside returns what blocks between two nodes of the private network.
func (g *Graph) explainInside(from, to *node) []Block {
	var list []Block
	for _, a := range from.ifaces {
		for _, b := range to.ifaces {
			if !to.inbound {
				continue
			}
			for _, s := range a.subnets {
				for _, t := range b.subnets {
					list = append(list, g.blocksBetween(to, a, s, b, t)...)
				}
			}
		}
	}
	list = uniqueBlocks(list)
	if len(list) == 0 {
		list = []Block{{NoFront, to.address}}
	}
	return list
}

func (g *Graph) blocksBetween(to *node, a *iface, s *subnet, b *iface, t *subnet) []Block {
	f := familyOf(s, t)
	whole := everything(f, f.all())
	var list []Block
	links := g.linksBetween(s, t)
	open := links[0]
	for _, l := range links {
		if !l.open.no {
			open = l
			break
		}
	}
	if open.open.no {
		for _, l := range links {
			list = append(list, l.blocks...)
		}
	}
	sender := open.seen(g.senderOf(&iface{subnets: []*subnet{s}, groups: a.groups, name: a.name}, "from"))
	checks := g.innerChecks(a, s, b, t, sender, whole)
	alone := false
	for _, c := range checks {
		if c.closed() {
			alone = true
			list = append(list, c.blocks...)
		}
	}
	if !alone && !open.open.no {
		left := whole
		for _, c := range checks {
			left = left.Intersect(c.set)
			if c.closed() || left.IsEmpty() || !left.some() {
				list = append(list, c.blocks...)
				break
			}
		}
	}
	for i := range list {
		if list[i].At == "" {
			list[i].At = to.address
		}
	}
	return list
}

// hops returns, for every node, the least number of connections between workloads from an exposed one.
func (g *Graph) hops(exposed []*node) map[*node]int {
	distance := map[*node]int{}
	for _, n := range exposed {
		distance[n] = 0
	}
	frontier := exposed
	for step := 1; len(frontier) > 0; step++ {
		var next []*node
		for _, n := range g.reachedFrom(frontier, distance) {
			if _, ok := distance[n]; !ok {
				distance[n] = step
				next = append(next, n)
			}
		}
		frontier = next
	}
	return distance
}

// vpcsOf returns the VPCs that a node has interfaces in; nil stands for unknown ones.
func vpcsOf(n *node) map[*vpc]bool {
	set := map[*vpc]bool{}
	for _, i := range n.ifaces {
		for _, s := range i.subnets {
			set[s.vpc] = true
		}
	}
	return set
}

// neighbours returns, for each VPC, those that a peering connection or a transit gateway may join it with.
func (g *Graph) neighbours() map[*vpc]map[*vpc]bool {
	near := map[*vpc]map[*vpc]bool{}
	join := func(a, b *vpc) {
		if near[a] == nil {
			near[a] = map[*vpc]bool{}
		}
		near[a][b] = true
	}
	for _, p := range g.model.Peerings {
		for _, a := range p.Requester.Targets() {
			for _, b := range p.Accepter.Targets() {
				join(g.vpcOf(a), g.vpcOf(b))
				join(g.vpcOf(b), g.vpcOf(a))
			}
		}
	}
	var attached []*vpc
	for _, x := range g.model.TransitAttachments {
		for _, v := range x.VPC.Targets() {
			attached = append(attached, g.vpcOf(v))
		}
	}
	for _, a := range attached {
		for _, b := range attached {
			if a != b {
				join(a, b)
			}
		}
	}
	return near
}

// reachedFrom returns the nodes that some of a frontier certainly reach, by themselves or through proxies, among those
// that are not reached yet.
func (g *Graph) reachedFrom(frontier []*node, known map[*node]int) []*node {
	seeds := map[*node][]*way{}
	classes := map[string]*node{}
	for _, n := range frontier {
		if !n.initiates {
			continue
		}
		var b strings.Builder
		for _, i := range n.ifaces {
			b.WriteString(i.name)
		}
		b.WriteString(n.podKey())
		if classes[b.String()] == nil {
			classes[b.String()] = n
		}
	}
	names := make([]string, 0, len(classes))
	for name := range classes {
		names = append(names, name)
	}
	slices.Sort(names)
	near := g.neighbours()
	standsIn := map[string]map[*vpc]bool{}
	for _, name := range names {
		standsIn[name] = vpcsOf(classes[name])
	}
	byVPC := map[*vpc][]string{}
	for _, name := range names {
		for v := range standsIn[name] {
			byVPC[v] = append(byVPC[v], name)
		}
	}
	type pair struct{ from, to string }
	tried := map[pair][]*way{}
	for _, n := range g.nodes {
		if _, ok := known[n]; ok && !n.proxy || !n.created || n.exists.no {
			continue
		}
		candidates := names
		if n.pod == nil && len(n.ifaces) > 0 {
			candidates = nil
			for v := range vpcsOf(n) {
				for w := range near[v] {
					candidates = append(candidates, byVPC[w]...)
				}
				candidates = append(candidates, byVPC[v]...)
			}
			slices.Sort(candidates)
			candidates = slices.Compact(candidates)
		} else if n.pod == nil {
			continue
		}
		for _, name := range candidates {
			from := classes[name]
			if from == n && len(from.ifaces) == 0 || len(seeds[n]) > 0 {
				continue
			}
			var ways []*way
			for _, b := range n.ifaces {
				if !n.inbound {
					continue
				}
				key := pair{name, b.name}
				list, ok := tried[key]
				if !ok {
					for _, a := range from.ifaces {
						list = append(list, g.insideWays(from, a, b)...)
					}
					tried[key] = list
				}
				ways = append(ways, list...)
			}
			ways = append(ways, g.clusterWays(from, n)...)
			for _, w := range ways {
				if certain, _ := w.open(); certain {
					seeds[n] = []*way{w}
					break
				}
			}
		}
	}
	var reached []*node
	all := g.propagate(seeds)
	for _, n := range g.nodes {
		for _, w := range all[n] {
			if certain, _ := w.open(); certain {
				reached = append(reached, n)
				break
			}
		}
	}
	return reached
}
