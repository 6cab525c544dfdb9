package network

import (
	"slices"
	"strings"

	"github.com/trifecta-scanner/trifecta/aws"
	"github.com/trifecta-scanner/trifecta/inventory"
)

func (g *Graph) buildProxies() {
	for _, o := range g.model.LoadBalancers {
		if o.Origin != aws.External {
			g.addLoadBalancer(o)
		}
	}
	for _, o := range g.model.FunctionURLs {
		g.addFunctionURL(o)
	}
	for _, o := range g.model.EKSClusters {
		if o.Origin != aws.External {
			g.addClusterEndpoint(o)
		}
	}
	for _, o := range g.model.Buckets {
		g.addWebsite(o)
	}
	for _, o := range g.model.ManagedFronts {
		g.addManagedFront(o)
	}
	for _, o := range g.model.APIs {
		if o.Origin != aws.External {
			g.addAPI(o)
		}
	}
	for _, o := range g.model.Distributions {
		g.add(&node{address: o.Address(), kind: KindProxy, unit: o.Unit, object: o, location: o.Location(), exists: g.existence(&o.Object), created: o.Exists() != inventory.NotExists, proxy: true})
	}
	for _, o := range g.model.LoadBalancers {
		if o.Origin != aws.External {
			g.connectListeners(o)
		}
	}
	for _, o := range g.model.APIs {
		if o.Origin != aws.External {
			g.connectRoutes(o)
		}
	}
	for _, o := range g.model.Distributions {
		g.openDistribution(o)
	}
	for _, o := range g.model.Accelerators {
		g.addAccelerator(o)
	}
	g.connectEndpointServices()
	g.idleTargets()
}

// newProxy returns the node of a proxy.
func (g *Graph) newProxy(object aws.Node) *node {
	n := g.newNode(object, KindProxy)
	n.proxy = true
	return n
}

// shieldsOf names the web ACLs that stand in front of something for certain.
func (g *Graph) shieldsOf(uses []aws.WebACLUse) []string {
	var list []string
	for _, u := range uses {
		if _, why := g.written(&u.Written); why != "" {
			continue
		}
		list = addTo(list, g.webACL(u.ACL)...)
	}
	return list
}

// webACL returns the shield that a web ACL is: none where nothing of it blocks.
func (g *Graph) webACL(ref aws.Ref[*aws.WebACL]) []string {
	switch {
	case ref.Absent():
		return nil
	case ref.Resolved() && ref.To.Origin != aws.External:
		if ref.To.Exists() != inventory.Exists || !blocks(ref.To) {
			return nil
		}
		return []string{"waf:" + string(ref.To.Address())}
	case ref.Resolved():
		return []string{"waf:" + string(ref.To.Address())}
	case ref.Literal() != "":
		return []string{"waf:" + ref.Literal()}
	}
	return nil // it may be none
}

// blocks reports whether a web ACL keeps anything out.
func blocks(acl *aws.WebACL) bool {
	if acl.DefaultAction.Is("block") {
		return true
	}
	if acl.Classic {
		return len(acl.Rules) > 0
	}
	for _, r := range acl.Rules {
		if !r.Action.Is("count") && !r.Override.Is("count") && !r.Action.Is("allow") {
			return true
		}
	}
	return false
}

func (g *Graph) addLoadBalancer(o *aws.LoadBalancer) {
	n := g.newProxy(o)
	n.shields = g.shieldsOf(o.WebACLs)
	network := o.Type.Is("network") || o.Type.Is("gateway")
	var fallback *vpc
	if vpcs, _ := resolve(g, o.VPC); len(vpcs) == 1 {
		fallback = g.vpcOf(vpcs[0].of)
	} else if o.VPC.Absent() {
		fallback = g.defaultVPC(&o.Object)
	}
	i := g.placeIn(o.Subnets, o.SecurityGroups, fallback, &o.Object)
	if network && len(o.SecurityGroups) == 0 {
		i.groups = nil // nothing filters
	}
	internal := flag(g, o.Internal, false)
	public := internal.not()
	if o.Type.Is("gateway") {
		public, internal = never, certainly
	}
	dual := is(g, o.IPAddressType, false, "dualstack", "dualstack-without-public-ipv4")
	i.public4 = public.and(is(g, o.IPAddressType, false, "dualstack-without-public-ipv4").not())
	i.public6 = public.and(dual)
	if internal.certain() {
		i.closed = []Block{{LBInternal, n.address}}
	}
	i.ports, i.portBlock = g.listenerPorts(o), Block{LBNoListener, n.address}
	n.addIface(i)
}

// nothingListens is a set of no port: an empty set would be all of them.
func nothingListens() Set {
	return oneBox(FamProto{V4, protoOther}, Box{Peer: everyV4, Local: allPorts, PeerPorts: allPorts})
}

// listenerProtocols returns the protocols that a listener takes.
func listenerProtocols(l *aws.Listener) []uint8 {
	proto, ok := l.Protocol.Known()
	switch strings.ToUpper(proto) {
	case "UDP", "QUIC":
		return []uint8{protoUDP}
	case "TCP_UDP", "TCP_QUIC":
		return []uint8{protoTCP, protoUDP}
	case "GENEVE":
		return nil
	}
	if !ok && l.Protocol.Unknown() {
		return []uint8{protoTCP}
	}
	return []uint8{protoTCP}
}

// listenerPorts returns what the listeners of a load balancer take.
func (g *Graph) listenerPorts(o *aws.LoadBalancer) Set {
	var clauses []clause
	for _, l := range o.Listeners {
		c := g.existence(&l.Object)
		if c.no {
			continue
		}
		ports, why := g.portsOf(l.Port, l.Port)
		for _, p := range listenerProtocols(l) {
			clauses = append(clauses, clause{[]FamProto{{V4, p}, {V6, p}}, ports, everyV4.Union(everyV6), c.doubt().Union(why)})
		}
	}
	if len(clauses) == 0 {
		return nothingListens()
	}
	return compile(clauses, tooComplex)
}

// forward is one way that a listener sends requests.
type forward struct {
	groups  []aws.Ref[*aws.TargetGroup]
	shields []string
	exists  cond
	sources *IPSet
	doubt   Bits // the sources are not known
	headers []aws.RuleCondition
	always  bool // the default action
}

// forwards returns the ways that a listener sends requests, the default first.
func (g *Graph) forwards(l *aws.Listener) []forward {
	var list []forward
	var shields []string
	if l.MutualTLS.Is("verify") {
		shields = []string{"auth:mtls"}
	}
	list = append(list, forwardOf(l.Actions, shields, certainly))
	list[0].always = true
	for _, r := range l.Rules {
		c := g.existence(&r.Object)
		if c.no {
			continue
		}
		f := forwardOf(r.Actions, shields, c)
		for _, cond := range r.Conditions {
			if len(cond.SourceRanges) > 0 {
				set := IPSet{}
				for _, p := range cond.SourceRanges {
					peer, why := g.peerOf(p)
					set = set.Union(peer)
					f.doubt = f.doubt.Union(why)
				}
				if f.sources != nil {
					set = set.Intersect(*f.sources)
				}
				f.sources = &set
			}
			if !cond.HeaderName.Absent() {
				f.headers = append(f.headers, cond)
			}
		}
		list = append(list, f)
	}
	return list
}

func forwardOf(actions []aws.Action, shields []string, exists cond) forward {
	f := forward{exists: exists, shields: slices.Clone(shields)}
	for _, a := range actions {
		kind, _ := a.Type.Known()
		switch kind {
		case "authenticate-oidc":
			f.shields = addTo(f.shields, "auth:oidc")
		case "authenticate-cognito":
			f.shields = addTo(f.shields, "auth:cognito")
		case "jwt-validation":
			f.shields = addTo(f.shields, "auth:jwt")
		case "redirect", "fixed-response":
		default:
			f.groups = append(f.groups, a.TargetGroups...)
		}
	}
	return f
}

func (g *Graph) connectListeners(o *aws.LoadBalancer) {
	n := g.byObject[o]
	for _, l := range o.Listeners {
		exists := g.existence(&l.Object)
		if exists.no {
			continue
		}
		ports, why := g.portsOf(l.Port, l.Port)
		exists = exists.and(perhaps(why))
		if !l.InstancePort.Absent() || o.Type.Is("classic") {
			to, why := g.portsOf(l.InstancePort, l.InstancePort)
			for _, t := range o.Targets {
				g.target(&edge{from: n, proto: protoTCP, port: ports, toPort: to, exists: exists.and(perhaps(why)), classic: true, zoneBound: flag(g, o.CrossZone, true).no}, t)
			}
			continue
		}
		for _, f := range g.forwards(l) {
			for _, ref := range f.groups {
				groups, elsewhere := resolve(g, ref)
				_ = elsewhere // targets that the code does not name are not in its results
				for _, tg := range groups {
					g.connectGroup(n, o, l, f, tg, ports, exists)
				}
			}
		}
	}
}

// connectGroup makes the edges of one listener to the targets of one group.
func (g *Graph) connectGroup(n *node, o *aws.LoadBalancer, l *aws.Listener, f forward, tg option[*aws.TargetGroup], ports Ports, exists cond) {
	exists = exists.and(f.exists).and(perhaps(tg.why)).and(g.existence(&tg.of.Object))
	if exists.no {
		return
	}
	g.forwarded[tg.of] = true
	for _, t := range tg.of.Targets {
		port := t.Port
		if port.Absent() {
			port = tg.of.Port
		}
		to, why := g.portsOf(port, port)
		for _, proto := range listenerProtocols(l) {
			e := &edge{
				from: n, via: appendIDs(nil, tg.of.Address()), proto: proto, port: ports, toPort: to, exists: exists.and(perhaps(why)),
				shields: f.shields, sources: f.sources, only: g.secretHeader(o, f.headers), zoneBound: o.Type.Is("network") && !flag(g, o.CrossZone, false).certain(),
			}
			if f.sources != nil {
				e.exists = e.exists.and(perhaps(f.doubt))
			}
			if len(e.only) > 0 {
				e.shields = addTo(slices.Clone(e.shields), "cloudfront-only")
			}
			e.keeps = keepsClient(o, tg.of, proto)
			g.target(e, t)
		}
	}
}

// keepsClient reports whether targets of a group see the client's address
// (https://docs.aws.amazon.com/elasticloadbalancing/latest/network/edit-target-group-attributes.html#client-ip-preservation).
func keepsClient(o *aws.LoadBalancer, tg *aws.TargetGroup, proto uint8) bool {
	if !o.Type.Is("network") {
		return false
	}
	protocol, _ := tg.Protocol.Known()
	switch strings.ToUpper(protocol) {
	case "UDP", "TCP_UDP", "QUIC", "TCP_QUIC":
		return true
	}
	if proto == protoUDP || tg.TargetType.Is("alb") {
		return true
	}
	if keep, ok := tg.PreserveClientIP.Known(); ok && keep != "" {
		return strings.EqualFold(keep, "true")
	}
	return !tg.TargetType.Is("ip")
}

// target completes an edge to what an attachment registers.
func (g *Graph) target(e *edge, t *aws.TargetAttachment) {
	_, why := g.written(&t.Written)
	e.exists = e.exists.and(perhaps(why))
	if text, ok := t.IP.Known(); ok && len(t.Target.Targets()) == 0 {
		g.byAddress(e, text)
		return
	}
	targets, _ := resolve(g, t.Target)
	for _, x := range targets {
		copied := *e
		copied.exists = e.exists.and(perhaps(x.why))
		switch o := x.of.(type) {
		case *aws.NetworkInterface:
			g.interfaceTarget(&copied, o)
			continue
		case *aws.Function:
			copied.how, copied.toPort = byService, copied.port
		case *aws.Service:
			copied.toPort = g.containerPort(o, t, copied.toPort)
		}
		if copied.to = g.byObject[x.of]; copied.to != nil && copied.to.created {
			g.connect(&copied)
		}
	}
}

// containerPort returns the port of a task that a load balancer dials: on a network of its own that of the container, else
// that of the host, which may be any.
func (g *Graph) containerPort(o *aws.Service, t *aws.TargetAttachment, fallback Ports) Ports {
	tasks, _ := resolve(g, o.TaskDefinition)
	if len(o.Subnets) > 0 || len(tasks) == 0 || tasks[0].of.NetworkMode.Is("host") || tasks[0].of.NetworkMode.Is("awsvpc") {
		return fallback
	}
	number, ok := t.Port.Known()
	for _, c := range tasks[0].of.Containers {
		for _, p := range c.Ports {
			if port, known := p.ContainerPort.Known(); ok && known && port == number {
				if host, known := p.HostPort.Known(); known && host > 0 {
					return portRange(host, host)
				}
				return portRange(32768, 65535) // chosen at run time
			}
		}
	}
	return fallback
}

// byAddress connects an edge to the interface that has a private address.
func (g *Graph) byAddress(e *edge, text string) {
	p, ok := parsePrefix(text)
	if !ok {
		return
	}
	for _, n := range g.nodes {
		for _, i := range n.ifaces {
			if i.addresses.Contains(p.Addr()) && !n.hidden && n.unit == e.from.unit {
				copied := *e
				copied.to, copied.toward = n, i
				g.connect(&copied)
			}
		}
	}
}

// interfaceTarget connects an edge to an interface: to the instance that has it, else to itself.
func (g *Graph) interfaceTarget(e *edge, o *aws.NetworkInterface) {
	for _, ref := range o.Instances {
		list, _ := resolve(g, ref)
		for _, x := range list {
			if n := g.byObject[x.of]; n != nil {
				copied := *e
				copied.to, copied.toward = n, g.ownInterface(o)
				copied.exists = e.exists.and(perhaps(x.why))
				g.connect(&copied)
			}
		}
	}
	if n := g.byObject[o]; n != nil && len(o.Instances) == 0 {
		e.to = n
		g.connect(e)
	}
}

// secretHeader returns the distributions that add the header which a rule asks for; nil where no rule asks.
func (g *Graph) secretHeader(o *aws.LoadBalancer, headers []aws.RuleCondition) []*node {
	var list []*node
	for _, h := range headers {
		for _, d := range g.model.Distributions {
			for _, origin := range d.Origins {
				if !leadsTo(origin.Target, o) {
					continue
				}
				for _, added := range origin.Headers {
					if sameText(added.Name, h.HeaderName, true) && slices.ContainsFunc(h.HeaderValues, func(v aws.Text) bool { return sameText(v, added.Value, false) }) {
						if n := g.byObject[d]; n != nil && !contains(list, n) {
							list = append(list, n)
						}
					}
				}
			}
		}
	}
	return list
}

func leadsTo(ref aws.Ref[aws.Node], o aws.Node) bool {
	return slices.ContainsFunc(ref.Targets(), func(t aws.Node) bool { return t == o })
}

// sameText reports whether two texts are the same: known and equal, or one and the same unknown.
func sameText(a, b aws.Text, fold bool) bool {
	x, ok1 := a.Known()
	y, ok2 := b.Known()
	if ok1 && ok2 {
		return x == y || fold && strings.EqualFold(x, y)
	}
	r, ok1 := a.Source()
	s, ok2 := b.Source()
	if ok1 && ok2 {
		return r == s
	}
	return a.Unknown() && b.Unknown() && len(a.Reasons()) > 0 && slices.Equal(a.Reasons(), b.Reasons())
}

// idleTargets looks at target groups that no listener of the code forwards to. Where something that is not known may
// forward to them, their targets may be reached; else this is what blocks.
func (g *Graph) idleTargets() {
	hidden := g.unknownForwarders()
	for _, tg := range g.model.TargetGroups {
		if g.forwarded[tg] {
			continue
		}
		doors := hidden[tg]
		for _, t := range tg.Targets {
			for _, x := range t.Target.Targets() {
				n := g.byObject[x]
				if n == nil {
					continue
				}
				for _, d := range doors {
					d.via = appendIDs(nil, tg.Address())
					n.fronts = append(n.fronts, &d)
				}
				if len(doors) == 0 {
					n.idle = append(n.idle, Block{LBNoListener, tg.Address()})
				}
			}
		}
	}
	for _, o := range g.model.Services {
		for _, lb := range o.LoadBalancers {
			g.maybeBalanced(o, lb.TargetGroup)
		}
	}
	for _, o := range g.model.AutoScalingGroups {
		for _, ref := range o.TargetGroups {
			g.maybeBalanced(o, ref)
		}
	}
}

// maybeBalanced opens a door that may be there: the target group is not known, and so is what forwards to it.
func (g *Graph) maybeBalanced(o aws.Node, ref aws.Ref[*aws.TargetGroup]) {
	var why []inventory.Reason
	for _, tg := range ref.Targets() {
		if tg.Origin == aws.External {
			why = append(why, tg.Unknowable()...)
		}
	}
	if ref.Unknown() && len(ref.Targets()) == 0 {
		why = append(why, ref.Reasons()...)
	}
	if n := g.byObject[o]; n != nil && len(why) > 0 {
		n.fronts = append(n.fronts, g.hiddenDoor(allPorts, why...))
	}
}

// hiddenDoor is a door of which only its reasons are known.
func (g *Graph) hiddenDoor(ports Ports, why ...inventory.Reason) *front {
	return &front{open: clientsOf(V4, protoTCP, ports), exists: perhaps(g.why.bits(why...))}
}

// unknownForwarders returns, by target group, the doors that listeners and rules of load balancers outside of the code may
// open.
func (g *Graph) unknownForwarders() map[*aws.TargetGroup][]front {
	doors := map[*aws.TargetGroup][]front{}
	put := func(l *aws.Listener, f forward, why []inventory.Reason) {
		ports := allPorts
		if l != nil {
			ports, _ = g.portsOf(l.Port, l.Port)
		}
		for _, ref := range f.groups {
			for _, tg := range ref.Targets() {
				d := g.hiddenDoor(ports, why...)
				d.shields = f.shields
				doors[tg] = append(doors[tg], *d)
			}
		}
	}
	for _, l := range g.model.Listeners {
		if why, ok := outside(l.LoadBalancer); ok && l.Origin != aws.External {
			for _, f := range g.forwards(l) {
				put(l, f, why)
			}
		}
	}
	for _, r := range g.model.ListenerRules {
		why, ok := outside(r.Listener)
		if !ok {
			for _, l := range r.Listener.Targets() {
				if reasons, yes := outside(l.LoadBalancer); yes {
					why, ok = append(why, reasons...), true
				}
			}
		}
		if ok {
			put(nil, forwardOf(r.Actions, nil, g.existence(&r.Object)), why)
		}
	}
	return doors
}

// outside returns why what a reference leads to is not known, and whether that is so.
func outside[T aws.Node](ref aws.Ref[T]) ([]inventory.Reason, bool) {
	if ref.Unknown() && len(ref.Targets()) == 0 {
		return ref.Reasons(), true
	}
	for _, t := range ref.Targets() {
		if why := t.Self().Unknowable(); t.Self().Origin == aws.External {
			return why, true
		}
	}
	return nil, false
}
