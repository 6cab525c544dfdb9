package network

import (
	"net/netip"
	"strings"

	"github.com/trifecta-scanner/trifecta/aws"
	"github.com/trifecta-scanner/trifecta/inventory"
)

// existence returns whether an object is there.
func (g *Graph) existence(o *aws.Object) cond {
	switch o.Exists() {
	case inventory.NotExists:
		return never
	case inventory.MayExist:
		return perhaps(g.why.bits(o.Reasons()...))
	}
	return certainly
}

// flag returns whether a value is true; fallback stands for one that is not written.
func flag(g *Graph, v aws.Bool, fallback bool) cond {
	switch b, ok := v.Known(); {
	case ok && b, v.Absent() && fallback:
		return certainly
	case ok, v.Absent():
		return never
	}
	switch {
	case !v.May(true):
		return never
	case !v.May(false):
		return certainly
	}
	return perhaps(g.why.bits(v.Reasons()...))
}

// is returns whether a text is one of some words, whatever their case; fallback stands for one that is not written.
func is(g *Graph, v aws.Text, fallback bool, words ...string) cond {
	fits := func(text string) bool {
		for _, w := range words {
			if strings.EqualFold(text, w) {
				return true
			}
		}
		return false
	}
	if v.Absent() {
		return condOf(fallback)
	}
	if text, ok := v.Known(); ok {
		return condOf(fits(text))
	}
	if candidates := v.Candidates(); len(candidates) > 0 {
		all, none := true, true
		for _, c := range candidates {
			text, ok := c.Known()
			all = all && ok && fits(text)
			none = none && ok && !fits(text)
		}
		if all || none {
			return condOf(all)
		}
	}
	return perhaps(g.why.bits(v.Reasons()...))
}

func condOf(b bool) cond {
	if b {
		return certainly
	}
	return never
}

// written returns the place of a part, and why it is not certain to be there.
func (g *Graph) written(w *aws.Written) (place, Bits) {
	p := place{at: w.Address(), loc: w.Location}
	if w.At != nil && p.loc.IsZero() {
		p.loc = w.At.Location
	}
	if w.Maybe {
		return p, g.why.bits(w.Reasons...)
	}
	return p, ""
}

func placeOf(o *aws.Object) place { return place{o.Address(), o.Location()} }

// resolve returns what a reference may lead to, each with why it is not certain, and why it may lead elsewhere.
func resolve[T aws.Node](g *Graph, r aws.Ref[T]) (list []option[T], elsewhere Bits) {
	why := Bits("")
	if r.Maybe() || r.Unknown() {
		why = g.why.bits(r.Reasons()...)
	}
	for _, t := range r.Targets() {
		list = append(list, option[T]{t, why})
	}
	if r.Unknown() && len(list) == 0 {
		return nil, why
	}
	return list, ""
}

// vpcOf returns the VPC of an object, made on first sight.
func (g *Graph) vpcOf(object *aws.VPC) *vpc {
	if object == nil {
		return nil
	}
	if v := g.vpcs[object]; v != nil {
		return v
	}
	v := &vpc{id: len(g.vpcs), address: object.Address(), object: object, external: object.Origin == aws.External, bpa: never}
	var v4, v6 []netip.Prefix
	for _, c := range object.CIDRs {
		p, ok := c.Known()
		switch {
		case !ok:
			v.unknown = v.unknown.Union(g.why.bits(c.Reasons()...))
		case p.Addr().Is4():
			v4 = append(v4, p)
		default:
			v6 = append(v6, p)
		}
	}
	if why := object.Unknowable(); why != nil && len(v4) == 0 {
		v.unknown = v.unknown.Union(g.why.bits(why...))
	}
	v.prefixes = append(append(v.prefixes, v4...), v6...)
	v.v4, v.v6 = NewIPSet(v4...), NewIPSet(v6...)
	g.vpcs[object] = v
	return v
}

// tableOf returns the route table of an object, made on first sight.
func (g *Graph) tableOf(object *aws.RouteTable) *table {
	t := g.tables[object]
	if t == nil {
		t = g.newTable(object)
		g.tables[object] = t
	}
	return t
}

// aclOf returns the network ACL of an object, made on first sight.
func (g *Graph) aclOf(object *aws.NetworkACL) *acl {
	a := g.acls[object]
	if a == nil {
		a = g.newACL(object)
		g.acls[object] = a
	}
	return a
}

// subnetOf returns the subnet of an object, made on first sight.
func (g *Graph) subnetOf(object *aws.Subnet) *subnet {
	n := g.subnets[object]
	if n == nil {
		n = g.newSubnet(len(g.subnets)+1, object)
		g.subnets[object] = n
	}
	return n
}

func (g *Graph) buildVPCs() {
	for _, object := range g.model.VPCs {
		g.vpcOf(object)
	}
	for _, object := range g.model.InternetGateways {
		g.gates[object] = &gateway{kind: viaIGW, address: object.Address(), object: object, exists: g.existence(&object.Object)}
	}
	for _, object := range g.model.VPCs {
		for _, a := range object.InternetGateways {
			g.attach(a, g.vpcOf(object))
		}
	}
	g.buildFirewalls()
	for _, object := range g.model.Subnets {
		g.subnetOf(object)
	}
	g.buildBPA()
}

// attach notes that an internet gateway is attached to a VPC.
func (g *Graph) attach(a *aws.GatewayAttachment, v *vpc) {
	gateways, _ := resolve(g, a.Gateway)
	_, maybe := g.written(&a.Written)
	vpcs, _ := resolve(g, a.VPC)
	for _, w := range vpcs {
		if g.vpcOf(w.of) == v {
			maybe = maybe.Union(w.why)
		}
	}
	for _, o := range gateways {
		gate := g.gates[o.of]
		if gate == nil {
			continue
		}
		gate.join(v, gate.exists.and(perhaps(maybe.Union(o.why))))
	}
}

func (gate *gateway) join(v *vpc, c cond) {
	for i, w := range gate.vpcs {
		if w == v {
			gate.why[i] = gate.why[i].or(c)
			return
		}
	}
	gate.vpcs = append(gate.vpcs, v)
	gate.why = append(gate.why, c)
	v.igws = append(v.igws, gate)
}

// attached returns whether the gateway is attached to a VPC.
func (gate *gateway) attached(v *vpc) cond {
	for i, w := range gate.vpcs {
		if w == v {
			return gate.why[i]
		}
	}
	return never
}

// gateOf returns the gateway of an object, making it on first sight.
func (g *Graph) gateOf(object aws.Node) *gateway {
	if gate := g.gates[object]; gate != nil {
		return gate
	}
	self := object.Self()
	gate := &gateway{address: self.Address(), object: object, exists: g.existence(self)}
	switch o := object.(type) {
	case *aws.InternetGateway:
		gate.kind = viaIGW
	case *aws.EgressOnlyInternetGateway:
		gate.kind = viaEgress
	case *aws.NATGateway:
		gate.kind = viaNAT
	case *aws.VPNGateway:
		gate.kind = viaVGW
	case *aws.TransitGateway:
		gate.kind = viaTGW
	case *aws.VPCPeeringConnection:
		gate.kind = viaPeering
	case *aws.CarrierGateway:
		gate.kind = viaCarrier
	case *aws.NetworkInterface, *aws.Instance:
		gate.kind = viaInterface
	case *aws.VPCEndpoint:
		gate.kind = viaService
		if o.Type.May("GatewayLoadBalancer") {
			gate.kind = viaEndpoint
		}
	case *aws.NetworkFirewall:
		gate.kind = viaEndpoint
	default:
		gate.kind = viaOther
	}
	g.gates[object] = gate
	return gate
}

// buildFirewalls makes the gateways of firewalls and of endpoints of gateway load balancers: routes lead through them.
func (g *Graph) buildFirewalls() {
	for _, f := range g.model.NetworkFirewalls {
		gate := g.gateOf(f)
		gate.shield = "firewall:" + string(f.Address())
		gate.rules = g.why.bits(inventory.Reason{Code: FirewallRules, Ref: string(f.Address())})
	}
	for _, e := range g.model.VPCEndpoints {
		if gate := g.gateOf(e); gate.kind == viaEndpoint {
			gate.shield = "firewall:" + string(e.Address())
			gate.rules = g.why.bits(inventory.Reason{Code: FirewallRules, Ref: string(e.Address())})
		}
	}
}

// endpointSubnets returns where the endpoints of a firewall stand.
func (g *Graph) endpointSubnets(gate *gateway) []*subnet {
	var refs []aws.Ref[*aws.Subnet]
	switch o := gate.object.(type) {
	case *aws.NetworkFirewall:
		refs = o.Subnets
	case *aws.VPCEndpoint:
		refs = o.Subnets
	}
	return g.subnetsOf(refs)
}

func (g *Graph) newTable(object *aws.RouteTable) *table {
	t := &table{place: placeOf(&object.Object), implied: object.Origin == aws.Implied, object: object}
	if list, _ := resolve(g, object.VPC); len(list) > 0 {
		t.vpc = g.vpcOf(list[0].of)
	}
	if why := object.Unknowable(); why != nil {
		t.unknown = g.why.bits(why...)
	}
	if t.implied && t.vpc != nil && t.vpc.external {
		t.unknown = g.why.bits(t.vpc.object.Unknowable()...)
	}
	for _, r := range object.Routes {
		t.routes = append(t.routes, g.newRoutes(t, r)...)
	}
	for _, p := range object.Propagating {
		t.routes = append(t.routes, g.propagated(&p)...)
	}
	return t
}

// newRoutes returns one route for each destination that a declared route has.
func (g *Graph) newRoutes(t *table, r *aws.Route) []route {
	at, why := g.written(&r.Written)
	x := route{place: at, why: why, priority: static}
	x.target, x.anyOf, why = g.routeTarget(t, r)
	x.why = x.why.Union(why)
	if x.target != nil && !x.target.exists.certain() {
		if x.target.exists.no {
			x.target = &gateway{kind: viaNowhere, address: x.target.address}
		} else {
			x.why = x.why.Union(x.target.exists.doubt())
		}
	}
	var list []route
	put := func(p netip.Prefix, prio priority, why Bits) {
		y := x
		y.dest, y.bits, y.priority, y.why = NewIPSet(p), p.Bits(), prio, y.why.Union(why)
		if !p.Addr().Is4() {
			y.family = V6
		}
		list = append(list, y)
	}
	unknown := func(why Bits) {
		for _, f := range []Family{V4, V6} {
			y := x
			y.family, y.unknown = f, why
			list = append(list, y)
		}
	}
	switch p, ok := r.Destination.Known(); {
	case ok:
		put(p, static, "")
	case r.Destination.Unknown():
		why := g.why.bits(r.Destination.Reasons()...)
		candidates := r.Destination.Candidates()
		known := len(candidates) > 0
		for _, c := range candidates {
			_, ok := c.Known()
			known = known && ok
		}
		if !known {
			unknown(why)
			break
		}
		for _, c := range candidates {
			p, _ := c.Known()
			put(p, static, why)
		}
	default:
		lists, elsewhere := resolve(g, r.DestinationList)
		for _, l := range lists {
			p := g.prefixList(l.of)
			if p.name != "" && p.set.IsEmpty() {
				continue // addresses of a service of AWS, which a gateway endpoint takes
			}
			for _, prefix := range p.set.Prefixes() {
				put(prefix, prefixList, l.why)
			}
			if p.why != "" {
				unknown(p.why)
			}
		}
		if elsewhere != "" {
			unknown(elsewhere)
		}
	}
	return list
}

// routeTarget returns what a route leads to; nil with a reason where that is not known.
func (g *Graph) routeTarget(t *table, r *aws.Route) (target *gateway, anyOf []*gateway, why Bits) {
	kinds := map[aws.RouteKind]gatewayKind{
		aws.ToNAT: viaNAT, aws.ToEgressOnly: viaEgress, aws.ToTransitGateway: viaTGW, aws.ToPeering: viaPeering, aws.ToInterface: viaInterface,
		aws.ToInstance: viaInterface, aws.ToCarrier: viaCarrier, aws.ToCoreNetwork: viaOther, aws.ToLocalGateway: viaOther, aws.ToVPNGateway: viaVGW,
		aws.ToEndpoint: viaEndpoint,
	}
	switch r.Kind {
	case aws.ToLocal:
		return localGateway, nil, ""
	case aws.ToNothing:
		return &gateway{kind: viaNowhere}, nil, ""
	}
	list, elsewhere := resolve(g, r.Target)
	if len(list) == 1 {
		gate := g.gateOf(list[0].of)
		if list[0].of.Self().Origin == aws.External && list[0].of.Self().Resource == nil && gate.kind == viaIGW && t.vpc != nil {
			gate.join(t.vpc, certainly)
		}
		if gate.kind == viaIGW && t.vpc != nil && list[0].of.Self().Origin == aws.External {
			gate.join(t.vpc, certainly) // AWS refuses a route to a gateway that is not attached
		}
		return gate, nil, list[0].why
	}
	for _, o := range list {
		anyOf = append(anyOf, g.gateOf(o.of))
		why = why.Union(o.why)
	}
	if len(anyOf) > 0 {
		return nil, anyOf, why
	}
	if kind, ok := kinds[r.Kind]; ok {
		return &gateway{kind: kind}, nil, "" // which one does not matter: none of this kind lets strangers in
	}
	if elsewhere == "" {
		elsewhere = g.why.bits()
	}
	return nil, nil, elsewhere
}

// propagated returns the routes that a table learns from a VPN gateway, as far as they are written.
func (g *Graph) propagated(p *aws.Propagation) []route {
	at, maybe := g.written(&p.Written)
	gateways, _ := resolve(g, p.Gateway)
	var list []route
	for _, o := range gateways {
		gate := g.gateOf(o.of)
		for _, c := range g.model.VPNConnections {
			ends, _ := resolve(g, c.Gateway)
			for _, end := range ends {
				if end.of != o.of {
					continue
				}
				for _, r := range c.Routes {
					_, why := g.written(&r.Written)
					x := route{place: at, target: gate, why: maybe.Union(o.why).Union(end.why).Union(why), priority: propagated}
					prefix, ok := r.Destination.Known()
					switch {
					case ok:
						if !prefix.Addr().Is4() {
							x.family = V6
						}
						x.dest, x.bits = NewIPSet(prefix), prefix.Bits()
						list = append(list, x)
					case r.Destination.Unknown():
						x.unknown = g.why.bits(r.Destination.Reasons()...)
						list = append(list, x)
						x.family = V6
						list = append(list, x)
					}
				}
			}
		}
	}
	return list
}

func (g *Graph) newSubnet(id int, object *aws.Subnet) *subnet {
	n := &subnet{id: id, address: object.Address(), object: object, exists: g.existence(&object.Object)}
	vpcs, elsewhere := resolve(g, object.VPC)
	outside := object.Origin == aws.External
	if outside && len(vpcs) == 1 && vpcs[0].why == "" && vpcs[0].of.Default && vpcs[0].of.Origin != aws.Declared {
		outside = false // one of the default subnets, which are alike
	}
	if outside {
		n.unknown = g.why.bits(object.Unknowable()...)
	}
	if len(vpcs) == 1 {
		n.vpc = g.vpcOf(vpcs[0].of)
		n.vpc.subnets = append(n.vpc.subnets, n)
	} else if n.unknown == "" {
		n.unknown = elsewhere
		for _, v := range vpcs {
			n.unknown = n.unknown.Union(v.why)
		}
		if n.unknown == "" {
			n.unknown = g.why.bits()
		}
	}
	v4, ok4 := object.CIDR.Known()
	if ok4 {
		n.cidr = NewIPSet(v4)
	} else if object.CIDR.Unknown() {
		n.noCIDR = g.why.bits(object.CIDR.Reasons()...)
	} else if !object.IPv6Native.Is(true) && object.IPv6CIDR.Absent() {
		n.noCIDR = g.why.bits(inventory.Reason{Code: inventory.Computed, Ref: string(n.address)})
	}
	if n.noCIDR != "" && n.vpc != nil && n.vpc.unknown == "" && !n.vpc.v4.IsEmpty() {
		n.cidr = n.vpc.v4 // somewhere in the VPC; rules that cover all of it hold
	}
	if v6, ok := object.IPv6CIDR.Known(); ok {
		n.cidr = n.cidr.Union(NewIPSet(v6))
	}
	n.hasV6 = !object.IPv6CIDR.Absent() || object.IPv6Native.May(true)
	n.zone = object.Zone.Or(object.ZoneID.Or(""))
	n.auto4 = flag(g, object.AutoIPv4, false)
	n.auto6 = flag(g, object.AutoIPv6, false).or(flag(g, object.IPv6Native, false))
	switch {
	case outside:
		n.auto4, n.auto6 = perhaps(n.unknown), perhaps(n.unknown)
	case object.Origin == aws.External:
		n.auto4 = certainly
	}
	n.bpa = never
	routes, filter := object.RouteTable, object.NetworkACL
	if n.vpc != nil && routes.Absent() {
		routes = n.vpc.object.MainRouteTable
	}
	if n.vpc != nil && filter.Absent() && n.vpc.object.DefaultNetworkACL != nil {
		filter = aws.To(n.vpc.object.DefaultNetworkACL)
	}
	tables, elsewhere := resolve(g, routes)
	for _, o := range tables {
		n.tables = append(n.tables, option[*table]{g.tableOf(o.of), o.why})
	}
	if elsewhere != "" || len(n.tables) == 0 && n.unknown == "" {
		why := elsewhere
		if why == "" {
			why = g.why.bits(inventory.Reason{Code: inventory.Computed, Ref: string(n.address)})
		}
		n.tables = append(n.tables, option[*table]{&table{place: place{at: n.address}, vpc: n.vpc, unknown: why}, why})
	}
	acls, elsewhere := resolve(g, filter)
	for _, o := range acls {
		n.acls = append(n.acls, option[*acl]{g.aclOf(o.of), o.why})
	}
	if elsewhere != "" {
		n.acls = append(n.acls, option[*acl]{&acl{place: place{at: n.address}, unknown: elsewhere}, elsewhere})
	}
	return n
}

// unknownSubnet stands for subnets that the code does not name.
func (g *Graph) unknownSubnet(why Bits) *subnet {
	return &subnet{unknown: why, noCIDR: why, auto4: perhaps(why), auto6: perhaps(why), bpa: never, exists: certainly}
}

// subnetsOf returns the subnets of references. One that may not be meant is a copy with its doubt; what is not named at
// all is an unknown one.
func (g *Graph) subnetsOf(refs []aws.Ref[*aws.Subnet]) []*subnet {
	var list []*subnet
	has := func(n *subnet) bool {
		for _, m := range list {
			if m.id == n.id {
				return true
			}
		}
		return false
	}
	for _, r := range refs {
		if r.Absent() {
			continue
		}
		options, elsewhere := resolve(g, r)
		for _, o := range options {
			n := g.subnetOf(o.of)
			if n == nil || has(n) {
				continue
			}
			if o.why != "" {
				copied := *n
				copied.doubt = o.why
				n = &copied
			}
			list = append(list, n)
		}
		if elsewhere != "" {
			list = append(list, g.unknownSubnet(elsewhere))
		}
	}
	return list
}

func contains[T comparable](list []T, x T) bool {
	for _, y := range list {
		if x == y {
			return true
		}
	}
	return false
}

// buildBPA finds which VPCs and subnets VPC Block Public Access cuts off.
func (g *Graph) buildBPA() {
	for _, b := range g.model.BlockPublicAccess {
		on := g.existence(&b.Object).and(is(g, b.Mode, false, "block-ingress", "block-bidirectional"))
		if on.no {
			continue
		}
		for _, object := range g.model.VPCs {
			if b.Region() != "" && object.Region() != "" && b.Region() != object.Region() || b.Account() != object.Account() && b.Account() != "" && object.Account() != "" {
				continue
			}
			v := g.vpcOf(object)
			lifted := never
			for _, e := range g.model.Exclusions {
				if is(g, e.Mode, false, "allow-bidirectional").no {
					continue
				}
				for _, o := range e.VPC.Targets() {
					if o == object {
						lifted = lifted.or(g.existence(&e.Object).and(is(g, e.Mode, false, "allow-bidirectional")))
					}
				}
			}
			v.bpa = v.bpa.or(on.and(lifted.not()))
		}
	}
	for _, object := range g.model.Subnets {
		n := g.subnetOf(object)
		if n.vpc == nil {
			continue
		}
		n.bpa = n.vpc.bpa
		for _, e := range g.model.Exclusions {
			for _, o := range e.Subnet.Targets() {
				if o == object {
					lifted := g.existence(&e.Object).and(is(g, e.Mode, false, "allow-bidirectional"))
					n.bpa = n.bpa.and(lifted.not())
				}
			}
		}
	}
}

// bpaAt is the address of the options that cut.
func (g *Graph) bpaAt(v *vpc) inventory.ID {
	for _, b := range g.model.BlockPublicAccess {
		if v == nil || b.Region() == "" || v.object.Region() == "" || b.Region() == v.object.Region() {
			return b.Address()
		}
	}
	return ""
}

func (g *Graph) newACL(object *aws.NetworkACL) *acl {
	a := &acl{place: placeOf(&object.Object), implied: object.Origin == aws.Implied, object: object}
	if why := object.Unknowable(); why != nil {
		a.unknown = g.why.bits(why...)
	}
	for _, r := range object.Ingress {
		a.rules = append(a.rules, g.aclRules(r, false)...)
	}
	for _, r := range object.Egress {
		a.rules = append(a.rules, g.aclRules(r, true)...)
	}
	return a
}

func (g *Graph) aclRules(r *aws.NetworkACLRule, egress bool) []rule {
	at, why := g.written(&r.Written)
	x := rule{place: at, egress: egress, why: why}
	x.peer, why = g.peerOf(r.CIDR)
	x.why = x.why.Union(why)
	x.source = prefixText(r.CIDR)
	x.ports, why = g.portsOf(r.FromPort, r.ToPort)
	proto, doubt := g.protocols(r.Protocol)
	x.why = x.why.Union(doubt)
	x.keys = proto
	if needsPorts(x.keys) {
		x.why = x.why.Union(why)
	} else {
		x.ports = allPorts
	}
	if n, ok := r.Number.Known(); ok {
		x.number = n
	} else {
		x.unordered = true
		x.why = x.why.Union(g.why.bits(r.Number.Reasons()...))
	}
	action := is(g, r.Action, false, "deny")
	if action.certain() || action.no {
		x.deny = !action.no
		return []rule{x}
	}
	x.why = x.why.Union(action.doubt())
	deny := x
	deny.deny = true
	return []rule{deny, x}
}

// peerOf returns the addresses of a range that may be unknown.
func (g *Graph) peerOf(c aws.Prefix) (IPSet, Bits) {
	if p, ok := c.Known(); ok {
		return NewIPSet(p), ""
	}
	if c.Absent() {
		return IPSet{}, ""
	}
	var candidates []netip.Prefix
	for _, k := range c.Candidates() {
		p, ok := k.Known()
		if !ok {
			candidates = nil
			break
		}
		candidates = append(candidates, p)
	}
	why := g.why.bits(c.Reasons()...)
	if len(candidates) > 0 {
		return NewIPSet(candidates...), why
	}
	if c.Maybe() && !c.Unknown() {
		return NewIPSet(c.Or(netip.Prefix{})), why
	}
	return everyV4.Union(everyV6), why
}

func prefixText(c aws.Prefix) string {
	if p, ok := c.Known(); ok {
		return p.String()
	}
	if c.Sensitive() {
		return "a sensitive value"
	}
	for _, r := range c.Reasons() {
		if r.Ref != "" {
			return r.Ref
		}
	}
	return ""
}

// portsOf returns the ports of a rule, all where they are not known or not written.
func (g *Graph) portsOf(from, to aws.Int) (Ports, Bits) {
	lo, ok1 := from.Known()
	hi, ok2 := to.Known()
	switch {
	case from.Absent() && to.Absent():
		return allPorts, ""
	case ok1 && to.Absent():
		hi = lo
	case ok2 && from.Absent():
		lo = hi
	case !ok1 || !ok2:
		why := Bits("")
		for _, v := range []aws.Int{from, to} {
			if v.Unknown() {
				why = why.Union(g.why.bits(v.Reasons()...))
			}
		}
		if why == "" {
			why = g.why.bits()
		}
		if ports, ok := candidatePorts(from, to); ok {
			return ports, why
		}
		return allPorts, why
	}
	if lo == -1 && hi == -1 {
		return allPorts, ""
	}
	return portRange(lo, hi), ""
}

func portRange(lo, hi int) Ports {
	if lo < 0 {
		lo = 0
	}
	hi = min(hi, 65535)
	if lo > hi {
		return Ports{}
	}
	return NewPorts(PortRange{uint16(lo), uint16(hi)}) //nolint:gosec // in range
}

// candidatePorts returns the ports that two values of which each is one of a few may give.
func candidatePorts(from, to aws.Int) (Ports, bool) {
	values := func(v aws.Int) ([]int, bool) {
		if n, ok := v.Known(); ok {
			return []int{n}, true
		}
		var list []int
		for _, c := range v.Candidates() {
			n, ok := c.Known()
			if !ok {
				return nil, false
			}
			list = append(list, n)
		}
		return list, len(list) > 0
	}
	lows, ok1 := values(from)
	highs, ok2 := values(to)
	if !ok1 || !ok2 {
		return Ports{}, false
	}
	ports := Ports{}
	if len(lows) == len(highs) {
		for i := range lows {
			ports = ports.Union(portRange(lows[i], highs[i]))
		}
		return ports, true
	}
	for _, lo := range lows {
		for _, hi := range highs {
			ports = ports.Union(portRange(lo, hi))
		}
	}
	return ports, true
}

// protocols returns the keys of a protocol number in both families; -1 is every protocol.
func (g *Graph) protocols(v aws.Int) ([]FamProto, Bits) {
	n, ok := v.Known()
	if !ok {
		if v.Absent() {
			return append(everyProto(V4), everyProto(V6)...), ""
		}
		return append(everyProto(V4), everyProto(V6)...), g.why.bits(v.Reasons()...)
	}
	if n < 0 || n >= protoOther {
		return append(everyProto(V4), everyProto(V6)...), ""
	}
	return []FamProto{{V4, uint8(n)}, {V6, uint8(n)}}, ""
}

func needsPorts(keys []FamProto) bool {
	for _, k := range keys {
		if !k.hasPorts() {
			return false
		}
	}
	return true
}

// prefixList returns the ranges of a prefix list.
func (g *Graph) prefixList(l *aws.PrefixList) *prefixes {
	if p := g.lists[l]; p != nil {
		return p
	}
	p := &prefixes{}
	g.lists[l] = p
	if name, ok := l.Name.Known(); l.AWS && ok {
		p.name = name
		return p
	}
	if why := l.Unknowable(); why != nil {
		p.why = g.why.bits(why...)
		return p
	}
	exists := g.existence(&l.Object)
	var sets []IPSet
	for _, e := range l.Entries {
		_, why := g.written(&e.Written)
		set, unknown := g.peerOf(e.CIDR)
		if doubt := why.Union(unknown).Union(exists.doubt()); doubt != "" {
			p.why = p.why.Union(doubt)
			continue
		}
		sets = append(sets, set)
	}
	p.set = UnionIPSets(sets...)
	return p
}
