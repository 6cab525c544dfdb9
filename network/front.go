package network

import (
	"slices"
	"strings"

	"github.com/trifecta-scanner/trifecta/aws"
	"github.com/trifecta-scanner/trifecta/inventory"
)

// clients is what clients of some families may dial.
func clients(proto uint8, ports Ports, v4, v6 cond) Set {
	return v4.gate(clientsOf(V4, proto, ports)).Union(v6.gate(clientsOf(V6, proto, ports)))
}

// addFunctionURL opens the door of a function. The URL is a front of its own and stands in the path to the function.
func (g *Graph) addFunctionURL(o *aws.FunctionURL) {
	n := g.newNode(o, KindFront)
	n.inbound, n.proxy = false, true
	f := &front{open: clients(protoTCP, Port(443), certainly, certainly), exists: certainly}
	iam := is(g, o.Authorization, false, "AWS_IAM")
	switch {
	case iam.certain():
		f.shields = []string{"auth:iam"}
	default:
		callable := flag(g, o.Callable, true).or(iam)
		f.exists = callable
		if callable.no {
			f.closed = []Block{{NoFront, n.address}}
		}
	}
	n.fronts = []*front{f}
	functions, _ := resolve(g, o.Function)
	for _, x := range functions {
		if to := g.byObject[x.of]; to != nil {
			g.connect(&edge{from: n, to: to, proto: protoTCP, port: Port(443), how: byService, exists: perhaps(x.why)})
		}
	}
}

// addClusterEndpoint is the API of an EKS cluster: AWS runs it, so the routes of the VPC do not matter.
func (g *Graph) addClusterEndpoint(o *aws.EKSCluster) {
	n := g.newNode(o, KindFront)
	n.inbound = false
	peers, why := IPSet{}, Bits("")
	var unsure IPSet
	for _, c := range o.PublicCIDRs {
		set, doubt := g.peerOf(c)
		if doubt != "" {
			unsure, why = unsure.Union(set), why.Union(doubt)
			continue
		}
		peers = peers.Union(set)
	}
	if len(o.PublicCIDRs) == 0 {
		peers = everyV4.Union(everyV6)
	}
	f := &front{exists: flag(g, o.PublicEndpoint, true), shields: []string{"auth:iam"}}
	families := []Family{V4}
	if o.IPFamily.Is("ipv6") {
		families = append(families, V6)
		if !slices.ContainsFunc(o.PublicCIDRs, aws.Prefix.Written) {
			peers = peers.Union(everyV6)
		}
	}
	for _, family := range families {
		whole := clientsOf(family, protoTCP, Port(443))
		f.open = f.open.Union(whole.cut(peers)).Union(whole.cut(unsure).Maybe(why))
	}
	switch {
	case f.exists.no:
		f.closed = []Block{{EndpointPrivate, n.address}}
	case !f.open.cut(internetV4.Union(internetV6)).some():
		f.closed = []Block{{SourceRanges, n.address}}
	}
	loc := o.Location()
	f.proof = []proof{func(list []Guard) []Guard {
		return addGuard(list, n.address, loc, "public access from "+peers.Union(unsure).Family(V4).String())
	}}
	n.fronts = []*front{f}
}

// some reports whether anything with ports is in s, maybe at least.
func (s Set) some() bool {
	_, may := s.hasPorts()
	return may
}

func (g *Graph) addManagedFront(o *aws.ManagedFront) {
	n := g.newNode(o, KindFront)
	if o.Kind == "beanstalk" {
		n.kind = KindWorkload
	}
	n.inbound = false
	f := &front{exists: flag(g, o.Public, false)}
	for _, p := range o.Ports {
		_, why := g.written(&p.Written)
		proto := uint8(protoTCP)
		if p.Protocol.Is(protoUDP) {
			proto = protoUDP
		}
		peers, unsure, doubt := IPSet{}, IPSet{}, Bits("")
		for _, c := range p.Sources {
			set, d := g.peerOf(c)
			if d != "" {
				unsure, doubt = unsure.Union(set), doubt.Union(d)
				continue
			}
			peers = peers.Union(set)
		}
		if len(p.Sources) == 0 {
			peers = everyV4
		}
		ports, unclear := g.portsOf(p.From, p.To)
		why = why.Union(unclear)
		whole := clientsOf(V4, proto, ports)
		f.open = f.open.Union(whole.cut(peers).Maybe(why)).Union(whole.cut(unsure).Maybe(doubt.Union(why)))
	}
	if len(o.Ports) == 0 {
		f.open = clientsOf(V4, protoTCP, Port(443))
	}
	switch {
	case f.exists.no:
		f.closed = []Block{{EndpointPrivate, n.address}}
	case !f.open.cut(internetV4).some():
		f.closed = []Block{{SourceRanges, n.address}}
	}
	n.fronts = []*front{f}
}

func (g *Graph) addAPI(o *aws.API) {
	n := g.newProxy(o)
	n.inbound = false
	f := &front{exists: certainly}
	dual := is(g, o.IPAddressType, false, "dualstack")
	f.open = clients(protoTCP, Port(443), certainly, dual)
	stages := never
	for i, s := range o.Stages {
		stages = stages.or(g.existence(&s.Object))
		if s.Address() != "" {
			g.aliases[s.Address()] = append(g.aliases[s.Address()], n)
		}
		waf := g.shieldsOf(s.WebACLs)
		if i == 0 {
			n.shields = waf
		} else {
			n.shields = common(n.shields, waf)
		}
	}
	if !o.Target.Absent() {
		stages = certainly // quick create makes a stage, too
	}
	private := certainly
	if len(o.EndpointTypes) == 0 {
		private = never
	}
	for _, t := range o.EndpointTypes {
		private = private.and(is(g, t, false, "PRIVATE"))
	}
	disabled := flag(g, o.DisableEndpoint, false)
	domains := never
	mutual := len(o.Domains) > 0 && disabled.certain()
	for _, d := range o.Domains {
		domains = domains.or(g.existence(&d.Object))
		mutual = mutual && d.MutualTLS.Is(true)
	}
	if mutual {
		n.shields = addTo(n.shields, "auth:mtls")
	}
	f.exists = stages.and(private.not()).and(disabled.not().or(domains))
	switch {
	case private.certain():
		f.closed = []Block{{EndpointPrivate, n.address}}
	case f.exists.no:
		f.closed = []Block{{NoFront, n.address}}
	}
	if auth := g.sharedAuth(o); auth != "" {
		n.shields = addTo(n.shields, auth)
	}
	n.fronts = []*front{f}
}

// authOf returns the shield that a route's authorisation is, empty where there is none for certain.
func authOf(r *aws.APIRoute) string {
	kind, ok := r.Authorization.Known()
	if !ok {
		return ""
	}
	switch strings.ToUpper(kind) {
	case "AWS_IAM":
		return "auth:iam"
	case "JWT":
		return "auth:jwt"
	case "COGNITO_USER_POOLS":
		return "auth:cognito"
	case "CUSTOM":
		return "auth:custom"
	}
	return ""
}

// sharedAuth returns the authorisation that every route of an API asks for.
func (g *Graph) sharedAuth(o *aws.API) string {
	shared := ""
	for i, r := range o.Routes {
		auth := authOf(r)
		if i > 0 && auth != shared {
			return ""
		}
		shared = auth
	}
	return shared
}

func (g *Graph) connectRoutes(o *aws.API) {
	n := g.byObject[o]
	link := func(r *aws.APIRoute, in *aws.APIIntegration) {
		base := edge{from: n, proto: protoTCP, port: Port(443), exists: certainly}
		if r != nil {
			base.exists = g.existence(&r.Object)
			if auth := authOf(r); auth != "" {
				base.shields = []string{auth}
			}
		}
		base.exists = base.exists.and(g.existence(&in.Object))
		targets, _ := resolve(g, in.Target)
		links, _ := resolve(g, in.VPCLink)
		if len(links) == 0 {
			for _, x := range targets {
				g.integrate(base, x)
			}
			return
		}
		for _, l := range links {
			g.throughLink(base, l, targets)
		}
	}
	if len(o.Routes) == 0 && !o.Target.Absent() {
		targets, _ := resolve(g, o.Target)
		for _, x := range targets {
			g.integrate(edge{from: n, proto: protoTCP, port: Port(443), exists: certainly}, x)
		}
	}
	for _, r := range o.Routes {
		if r.Integration != nil {
			link(r, r.Integration)
		}
	}
	if o.Body.IsNull() {
		return
	}
	// An OpenAPI description: what it names is what it calls.
	base := edge{from: n, proto: protoTCP, port: Port(443), exists: certainly}
	called := map[aws.Node]bool{}
	for _, node := range g.namedIn(o.Body, o.Unit, 0) {
		switch node.(type) {
		case *aws.Function, *aws.LoadBalancer, *aws.Listener:
			if !called[node] {
				called[node] = true
				g.integrate(base, option[aws.Node]{of: node})
			}
		}
	}
	for _, a := range o.Permissions {
		functions, _ := resolve(g, a.Function)
		for _, x := range functions {
			if len(o.Routes) == 0 && !called[x.of] {
				called[x.of] = true
				e := base
				e.exists = g.existence(&a.Object)
				g.integrate(e, option[aws.Node]{aws.Node(x.of), x.why})
			}
		}
	}
}

// namedIn returns the objects that a value refers to, in order of their first place.
func (g *Graph) namedIn(v inventory.Value, u aws.Unit, depth int) []aws.Node {
	if depth > 64 {
		return nil
	}
	var list []aws.Node
	if ref, ok := v.Ref(); ok {
		unit := u
		if ref.Root != "" {
			unit.Root = ref.Root
		}
		if node := g.model.Object(unit, ref.Resource); node != nil {
			list = append(list, node)
		}
	}
	if inner, ok := v.Encoded(); ok {
		list = append(list, g.namedIn(inner, u, depth+1)...)
	}
	for _, p := range v.Parts() {
		list = append(list, g.namedIn(p, u, depth+1)...)
	}
	if k := v.Kind(); k == inventory.List || k == inventory.Map {
		for _, e := range v.Elements() {
			list = append(list, g.namedIn(e, u, depth+1)...)
		}
	}
	return list
}

// integrate connects an API with what it calls without a VPC link.
func (g *Graph) integrate(e edge, x option[aws.Node]) {
	e.exists = e.exists.and(perhaps(x.why))
	switch o := x.of.(type) {
	case *aws.Function:
		e.how = byService
		e.to = g.byObject[o]
	case *aws.LoadBalancer:
		e.how, e.sender = acrossNet, calling("api gateway")
		e.to = g.byObject[o]
		e.toPort = NewPorts(PortRange{80, 80}, PortRange{443, 443})
	case *aws.Listener:
		if lbs, _ := resolve(g, o.LoadBalancer); len(lbs) == 1 {
			e.how, e.sender = acrossNet, calling("api gateway")
			e.to = g.byObject[lbs[0].of]
			e.toPort, _ = g.portsOf(o.Port, o.Port)
		}
	case *aws.Instance, *aws.FunctionURL:
		e.how = byService
		if _, instance := o.(*aws.Instance); instance {
			e.how, e.sender = acrossNet, calling("api gateway")
			e.toPort = NewPorts(PortRange{80, 80}, PortRange{443, 443})
		}
		e.to = g.byObject[x.of]
	}
	if e.to != nil {
		g.connect(&e)
	}
}

// calling is a service of AWS that calls from public addresses of its own.
func calling(name string, lists ...string) *sender {
	return &sender{key: "service " + name, lists: lists, unknownAddress: serviceAddress}
}

// serviceAddress stands for the addresses of a service of AWS, which are not known as numbers.
var serviceAddress = bit(1)

// throughLink connects an API with load balancers by a VPC link: an interface in subnets (version 2), or an endpoint of a
// network load balancer (version 1).
func (g *Graph) throughLink(e edge, l option[*aws.VPCLink], targets []option[aws.Node]) {
	e.exists = e.exists.and(perhaps(l.why)).and(g.existence(&l.of.Object))
	e.via = appendIDs(nil, l.of.Address())
	if len(l.of.Subnets) > 0 {
		i := g.placeIn(l.of.Subnets, l.of.SecurityGroups, nil, &l.of.Object)
		e.sender = g.senderOf(i, "link "+string(l.of.Address()))
		e.senderAt = i.subnets
	} else {
		e.how = insideAWS
		e.sender = &sender{key: "endpoint", unknownAddress: serviceAddress}
	}
	if len(targets) == 0 {
		for _, ref := range l.of.Targets {
			lbs, _ := resolve(g, ref)
			for _, lb := range lbs {
				targets = append(targets, option[aws.Node]{aws.Node(lb.of), lb.why})
			}
		}
	}
	done := map[*node]bool{}
	for _, x := range targets {
		copied := e
		copied.exists = e.exists.and(perhaps(x.why))
		switch o := x.of.(type) {
		case *aws.Listener:
			if lbs, _ := resolve(g, o.LoadBalancer); len(lbs) == 1 {
				copied.to = g.byObject[lbs[0].of]
				copied.toPort, _ = g.portsOf(o.Port, o.Port)
			}
		case *aws.LoadBalancer:
			copied.to = g.byObject[o]
			copied.toPort = allPorts
		}
		if copied.to != nil {
			done[copied.to] = true
			g.connect(&copied)
		}
	}
	if len(done) > 0 || len(l.of.Subnets) > 0 {
		return
	}
	// A URI that names the load balancer by a name of its own: the link says which one it is.
	for _, ref := range l.of.Targets {
		lbs, _ := resolve(g, ref)
		for _, lb := range lbs {
			copied := e
			copied.to, copied.toPort = g.byObject[lb.of], allPorts
			copied.exists = e.exists.and(perhaps(lb.why))
			if copied.to != nil {
				g.connect(&copied)
			}
		}
	}
}

// senderOf returns an interface as the sender of connections.
func (g *Graph) senderOf(i *iface, key string) *sender {
	s := &sender{key: key + " " + i.name, subnets: i.subnets}
	if i.groups != nil {
		s.groups = i.groups.groups
		s.key += i.groups.key
	}
	for _, n := range i.subnets {
		s.key += "," + string(n.address)
		if n.vpc != nil {
			s.vpc = n.vpc
		}
		if n.noCIDR != "" || n.unknown != "" {
			s.unknownAddress = s.unknownAddress.Union(n.noCIDR).Union(n.unknown)
		}
	}
	return s
}

func (g *Graph) openDistribution(o *aws.Distribution) {
	n := g.byObject[o]
	if !n.created {
		n.idle = []Block{{NotCreated, n.address}}
	}
	if o.Enabled.Is(false) {
		n.fronts = []*front{{exists: never, closed: []Block{{NoFront, n.address}}}}
		return
	}
	n.shields = g.webACL(o.WebACL)
	if geo, ok := o.GeoRestriction.Known(); ok && geo != "" && geo != "none" {
		n.shields = addTo(n.shields, "geo")
	}
	ports := Port(443)
	for _, b := range o.Behaviors {
		if !b.ProtocolPolicy.Is("https-only") {
			ports = ports.Union(Port(80))
		}
	}
	six := flag(g, o.IPv6, false)
	n.fronts = []*front{{open: clients(protoTCP, ports, certainly, six), exists: flag(g, o.Enabled, true)}}
	for _, b := range o.Behaviors {
		g.connectEdgeFunctions(n, b)
		for k := range o.Origins {
			origin := &o.Origins[k]
			if id, ok := b.Origin.Known(); ok {
				if name, known := origin.ID.Known(); known && name != id {
					continue
				}
			}
			g.connectOrigin(n, b, origin)
		}
	}
}

// connectEdgeFunctions makes the edges of one behaviour of a distribution to the functions that it calls for each request
// (https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/lambda-cloudfront-trigger-events.html).
func (g *Graph) connectEdgeFunctions(n *node, b aws.CDNBehavior) {
	for _, r := range b.Functions {
		functions, _ := resolve(g, r)
		for _, f := range functions {
			e := edge{from: n, to: g.byObject[f.of], proto: protoTCP, how: byService, exists: perhaps(f.why)}
			if b.Signed.Is(true) {
				e.shields = []string{"auth:custom"}
			}
			for _, port := range viewerPorts(b) {
				copied := e
				copied.port = Port(port)
				if copied.to != nil {
					g.connect(&copied)
				}
			}
		}
	}
}

// viewerPorts are the ports on which a behaviour passes requests on; a redirect passes none.
func viewerPorts(b aws.CDNBehavior) []uint16 {
	if b.ProtocolPolicy.May("allow-all") || b.ProtocolPolicy.Absent() {
		return []uint16{443, 80}
	}
	return []uint16{443}
}

// connectOrigin makes the edges of one behaviour of a distribution to one origin: for each port that viewers dial.
func (g *Graph) connectOrigin(n *node, b aws.CDNBehavior, origin *aws.CDNOrigin) {
	base := edge{from: n, proto: protoTCP, exists: certainly, sender: calling("cloudfront", originFacing)}
	if b.Signed.Is(true) {
		base.shields = []string{"auth:custom"}
	}
	target := origin.Target
	httpPort, httpsPort, policy := origin.HTTPPort, origin.HTTPSPort, origin.ProtocolPolicy
	if vpcs, _ := resolve(g, origin.VPCOrigin); len(vpcs) == 1 {
		x := vpcs[0]
		base.how = insideAWS
		base.exists = perhaps(x.why).and(g.existence(&x.of.Object))
		base.shields = addTo(base.shields, "cloudfront-only")
		httpPort, httpsPort, policy = x.of.HTTPPort, x.of.HTTPSPort, x.of.ProtocolPolicy
		if !x.of.Target.Absent() {
			target = x.of.Target
		}
	} else {
		base.how = acrossNet
	}
	viewer := viewerPorts(b)
	targets, _ := resolve(g, target)
	for _, x := range targets {
		to := x.of
		if url, ok := to.(*aws.FunctionURL); ok {
			to = url
		}
		if fn, ok := to.(*aws.Function); ok {
			for _, u := range fn.URLs {
				g.originURL(base, u, viewer, origin, x.why)
			}
			continue
		}
		if u, ok := to.(*aws.FunctionURL); ok {
			g.originURL(base, u, viewer, origin, x.why)
			continue
		}
		if l, ok := to.(*aws.Listener); ok {
			if lbs, _ := resolve(g, l.LoadBalancer); len(lbs) == 1 {
				to = lbs[0].of
			}
		}
		for _, port := range viewer {
			e := base
			e.exists = e.exists.and(perhaps(x.why))
			e.port = Port(port)
			e.to = g.byObject[to]
			if e.to == nil {
				continue
			}
			if _, api := to.(*aws.API); api {
				e.how, e.toPort = byService, Port(443)
				g.connect(&e)
				continue
			}
			https := policy.Is("https-only") || policy.Is("match-viewer") && port == 443
			http := policy.Is("http-only") || policy.Absent() || policy.Is("match-viewer") && port == 80
			if !https && !http {
				https, http = true, true
			}
			if https {
				g.connectPort(e, httpsPort, 443)
			}
			if http {
				g.connectPort(e, httpPort, 80)
			}
		}
	}
}

func (g *Graph) connectPort(e edge, port aws.Int, usual int) {
	e.toPort = portRange(usual, usual)
	if !port.Absent() {
		var why Bits
		e.toPort, why = g.portsOf(port, port)
		e.exists = e.exists.and(perhaps(why))
	}
	g.connect(&e)
}

// originURL connects a distribution with a function by its URL. One that asks for signatures gets them where the
// distribution has an origin access control.
func (g *Graph) originURL(base edge, u *aws.FunctionURL, viewer []uint16, origin *aws.CDNOrigin, why Bits) {
	functions, _ := resolve(g, u.Function)
	for _, f := range functions {
		for _, port := range viewer {
			e := base
			e.port, e.how, e.toPort = Port(port), byService, Port(443)
			e.via = appendIDs(nil, u.Address())
			e.exists = e.exists.and(perhaps(why)).and(perhaps(f.why))
			if u.Authorization.Is("AWS_IAM") && !origin.AccessControl.May(true) {
				e.shields = addTo(e.shields, "auth:iam")
			}
			if e.to = g.byObject[f.of]; e.to != nil {
				g.connect(&e)
			}
		}
	}
}

// addAccelerator opens the doors of Global Accelerator. It reaches load balancers inside of VPCs as well.
func (g *Graph) addAccelerator(o *aws.Accelerator) {
	n := g.newProxy(o)
	n.inbound = false
	six := is(g, o.IPAddressType, false, "DUAL_STACK")
	open := Set{}
	for _, l := range o.Listeners {
		proto := uint8(protoTCP)
		if l.Protocol.Is("UDP") {
			proto = protoUDP
		}
		exists := g.existence(&l.Object)
		if exists.no {
			continue
		}
		ports := Ports{}
		for _, r := range l.Ports {
			p, why := g.portsOf(r.From, r.To)
			ports = ports.Union(p)
			exists = exists.and(perhaps(why))
		}
		open = open.Union(exists.gate(clients(proto, ports, certainly, six)))
		for _, group := range l.Groups {
			for _, end := range group.Endpoints {
				targets, _ := resolve(g, end.Target)
				for _, x := range targets {
					base := edge{from: n, proto: proto, port: ports, how: insideAWS, exists: exists.and(perhaps(x.why)).and(g.existence(&group.Object)),
						sender: &sender{key: "accelerator"}, keeps: true}
					if lb, ok := x.of.(*aws.LoadBalancer); ok && lb.Type.Is("network") && len(lb.SecurityGroups) == 0 || end.PreserveClientIP.Is(false) {
						base.keeps = false
						base.sender = &sender{key: "accelerator inside", unknownAddress: serviceAddress}
					}
					to := x.of
					if eip, ok := to.(*aws.ElasticIP); ok {
						base.how = acrossNet
						base.keeps = false
						base.sender = calling("global accelerator")
						for _, i := range eip.Instance.Targets() {
							to = i
						}
					}
					if base.to = g.byObject[to]; base.to == nil {
						continue
					}
					g.accelerate(base, group, ports)
				}
			}
		}
	}
	f := &front{open: open, exists: flag(g, o.Enabled, true)}
	if f.exists.no || !open.some() {
		f.closed = []Block{{NoFront, n.address}}
	}
	n.fronts = []*front{f}
}

// accelerate connects by the ports that are passed on as they are, and by each that is changed.
func (g *Graph) accelerate(base edge, group *aws.AcceleratorGroup, ports Ports) {
	left := ports
	for _, over := range group.PortOverrides {
		from, ok1 := over.Listener.Known()
		to, ok2 := over.Endpoint.Known()
		if !ok1 || !ok2 || !ports.Contains(uint16(from)) { //nolint:gosec // a port; others are not contained
			continue
		}
		e := base
		e.port, e.toPort = portRange(from, from), portRange(to, to)
		left = left.Subtract(e.port)
		g.connect(&e)
	}
	if !left.IsEmpty() {
		base.port = left
		g.connect(&base)
	}
}

// connectEndpointServices joins interface endpoints of the code with the load balancers of the services behind them.
// Only their own VPC reaches them.
func (g *Graph) connectEndpointServices() {
	for _, o := range g.model.VPCEndpoints {
		if !o.Type.Is("Interface") {
			continue
		}
		services, _ := resolve(g, o.Service)
		if len(services) == 0 {
			continue
		}
		n := g.newProxy(o)
		i := g.placeIn(o.Subnets, o.SecurityGroups, nil, &o.Object)
		i.public4, i.public6 = never, never
		n.addIface(i)
		for _, s := range services {
			for _, ref := range s.of.NetworkLoadBalancers {
				lbs, _ := resolve(g, ref)
				for _, lb := range lbs {
					if to := g.byObject[lb.of]; to != nil {
						for _, proto := range []uint8{protoTCP, protoUDP} {
							g.connect(&edge{from: n, to: to, via: appendIDs(nil, s.of.Address()), proto: proto, port: allPorts, how: insideAWS,
								sender: &sender{key: "endpoint", unknownAddress: serviceAddress}, exists: perhaps(s.why.Union(lb.why))})
						}
					}
				}
			}
		}
	}
}
