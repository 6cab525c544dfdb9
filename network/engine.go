package network

import (
	"slices"
	"strconv"
	"strings"

	"github.com/trifecta-scanner/trifecta/inventory"
)

// maxRounds bounds how many proxies stand one behind the other; maxWays how many ways to one node are kept.
const (
	maxRounds = 10
	maxWays   = 64
)

// fromOutside computes every way from the internet to every node, once.
func (g *Graph) fromOutside() map[*node][]*way {
	if g.outside == nil {
		g.outside = g.propagate(g.seeds())
	}
	return g.outside
}

// seeds returns the ways that lead from the internet to a node by no proxy of the code.
func (g *Graph) seeds() map[*node][]*way {
	seeds := map[*node][]*way{}
	for _, n := range g.nodes {
		if !n.created || n.exists.no {
			continue
		}
		for _, i := range n.ifaces {
			if !n.inbound {
				continue
			}
			for _, w := range g.directOf(n, i) {
				w.assumptions = addTo(w.assumptions, n.assumptions...)
				w.proof = append(w.proof, n.doorProof...)
				seeds[n] = mergeWays(seeds[n], w.gated(n.exists))
			}
		}
		for _, f := range n.fronts {
			if w := g.enter(n, f); w != nil {
				seeds[n] = mergeWays(seeds[n], w.gated(n.exists))
			}
		}
	}
	return seeds
}

// directOf returns copies of the direct ways to an interface, computed once for each class of interfaces.
func (g *Graph) directOf(n *node, i *iface) []*way {
	listed := !n.proxy
	key := i.name + "|" + strconv.FormatBool(n.groupNode || n.proxy) + strconv.FormatBool(listed)
	ways, ok := g.direct1[key]
	if !ok {
		ways = g.direct(n, i, fromInternet, listed)
		g.direct1[key] = ways
	}
	copies := make([]*way, len(ways))
	for k, w := range ways {
		copied := *w
		copied.streams = slices.Clone(w.streams)
		copied.proof = slices.Clip(w.proof)
		copied.subnets = slices.Clip(w.subnets)
		copies[k] = &copied
	}
	return copies
}

// gated returns the way where all of it depends on c.
func (w *way) gated(c cond) *way {
	if c.why == "" {
		return w
	}
	for k := range w.streams {
		w.streams[k] = w.streams[k].maybe(c.why)
	}
	return w
}

// enter returns the way through a door.
func (g *Graph) enter(n *node, f *front) *way {
	if f.exists.no || len(f.closed) > 0 {
		return nil
	}
	loose := f.open.Maybe(f.exists.why)
	exact := loose.cut(internetV4.Union(internetV6))
	if exact.IsEmpty() {
		return nil
	}
	w := &way{
		nodes: append([]inventory.ID{Internet}, f.via...), streams: []stream{{flow{exact, exact}, flow{loose, loose}, true}},
		shields: f.shields, assumptions: addTo(slices.Clone(n.assumptions), f.assumptions...), proof: f.proof,
	}
	if len(f.via) > 0 {
		w.front = f.via[0]
	}
	return w
}

// propagate carries ways on through proxies, in rounds: those of one round have passed one more proxy than those before.
func (g *Graph) propagate(seeds map[*node][]*way) map[*node][]*way {
	all := map[*node][]*way{}
	for n, list := range seeds {
		all[n] = list
	}
	now := seeds
	for range maxRounds {
		next := map[*node][]*way{}
		for _, n := range g.nodes {
			for _, e := range n.edges {
				if e.to == nil || !e.to.created || e.exists.no || e.to.exists.no || len(e.blocks) > 0 {
					continue
				}
				for _, w := range now[n] {
					if slices.Contains(w.through, e.to) || e.to == n {
						continue
					}
					for _, passed := range g.pass(e, w) {
						if len(next[e.to]) < maxWays {
							next[e.to] = mergeWays(next[e.to], passed)
						}
					}
				}
			}
		}
		if len(next) == 0 {
			break
		}
		for n, list := range next {
			if room := maxWays - len(all[n]); room < len(list) {
				list = list[:max(room, 0)]
			}
			all[n] = append(slices.Clip(all[n]), list...)
		}
		now = next
	}
	return all
}

// pass returns what of a way to a proxy goes on along an edge.
func (g *Graph) pass(e *edge, w *way) []*way {
	if len(e.only) > 0 && !slices.ContainsFunc(e.only, func(n *node) bool { return slices.Contains(w.through, n) }) {
		return nil
	}
	gate := e.exists.and(e.to.exists)
	var parts []stream
	for _, s := range w.streams {
		part := stream{same: s.same}
		part.exact = s.exact.through(e, s.same)
		part.loose = s.loose.through(e, s.same)
		if part.exact.at.IsEmpty() {
			continue
		}
		parts = append(parts, part.maybe(gate.why))
	}
	if len(parts) == 0 {
		return nil
	}
	onward := &way{
		nodes: appendIDs(w.nodes, e.from.address), assumptions: addTo(slices.Clone(w.assumptions), e.assumptions...), front: w.front, proof: slices.Clip(w.proof),
		through: append(slices.Clip(w.through), e.from), shields: addTo(addTo(slices.Clone(w.shields), e.from.shields...), e.shields...),
	}
	onward.nodes = appendIDs(onward.nodes, e.via...)
	onward.assumptions = addTo(onward.assumptions, e.to.assumptions...)
	if onward.front == "" {
		onward.front = e.from.address
	}
	if e.rule != "" {
		onward.proof = append(onward.proof, func(list []Guard) []Guard { return addGuard(list, e.place.at, e.place.loc, e.rule) })
	}
	var ways []*way
	switch e.how {
	case byService:
		for _, p := range parts {
			onward.add(p.arrive(e, func(s Set) Set { return s }))
		}
		ways = []*way{onward}
	case acrossNet:
		ways = g.overInternet(e, onward, parts)
	case insideAWS:
		ways = g.intoVPC(e, onward, parts)
	default:
		ways = g.withinVPC(e, w, onward, parts)
	}
	ways = slices.DeleteFunc(ways, func(w *way) bool { _, may := w.open(); return !may })
	for _, w := range ways {
		for _, p := range e.policies {
			for k := range w.streams {
				w.streams[k] = w.streams[k].filter(p.set, e.keeps)
			}
			if p.proof != nil {
				w.proof = append(w.proof, p.proof)
			}
		}
	}
	return ways
}

// filter returns a stream of which only what a set lets through arrives. Where the target sees its clients, who gets in is
// who arrives.
func (s stream) filter(set Set, keeps bool) stream {
	exact, loose := s.exact.at.Intersect(set), s.loose.at.Intersect(set)
	s.exact.origin = cut(s.exact.origin, exact)
	s.loose.origin = cut(s.loose.origin, loose)
	if keeps {
		s.exact.origin, s.loose.origin = s.exact.origin.cut(exact.peers()), s.loose.origin.cut(loose.peers())
	}
	s.exact.at, s.loose.at = exact, loose
	s.same = false
	return s
}

// through returns the part of a flow that a proxy takes by the listener of an edge.
func (f flow) through(e *edge, same bool) flow {
	part := f.at.only(e.proto, e.port)
	if e.sources != nil && same {
		part = part.cut(*e.sources)
	}
	origin := f.origin
	if e.origins != nil {
		if same {
			part = part.cut(*e.origins)
		} else if origin = origin.cut(*e.origins); origin.IsEmpty() {
			return flow{}
		}
	}
	if part.IsEmpty() {
		return flow{}
	}
	if same {
		return flow{part, part}
	}
	return flow{cut(origin, part), part}
}

// cut returns origin as far as what of it arrived allows: nothing where nothing did, and maybe where that is not certain.
func cut(origin, arrived Set) Set {
	switch certain, may := arrived.hasPorts(); {
	case certain:
		return origin
	case may:
		return origin.Maybe(arrived.Why())
	}
	return Set{}
}

// arrive returns the stream after an edge that dials toPort, with what arrives filtered.
func (s stream) arrive(e *edge, filter func(Set) Set) stream {
	move := func(f flow) flow {
		at := filter(f.at.toPort(e.toPort))
		if s.same && e.keeps {
			// Who gets in is who arrives.
			back := at
			if !e.toPort.IsEmpty() {
				back = at.toPort(e.port)
			}
			return flow{back, at}
		}
		return flow{cut(f.origin, at), at}
	}
	return stream{exact: move(s.exact), loose: move(s.loose)}
}

// toPort returns the connections of s to other local ports; the same ones where ports is empty. All ports: any of them.
func (s Set) toPort(ports Ports) Set {
	if ports.IsEmpty() {
		return s
	}
	var clauses []clause
	var moved Set
	for _, e := range s.entries {
		if len(e.boxes) == 1 {
			b := e.boxes[0]
			b.Local = ports
			moved.add(e.key, []Box{b})
			continue
		}
		for _, b := range e.boxes {
			clauses = append(clauses, clause{[]FamProto{e.key}, ports, b.Peer, b.Why})
		}
	}
	if len(clauses) > 0 {
		// Which port of the client an answer goes to is known no more: all of them can be answered.
		moved = moved.Union(compile(clauses, tooComplex).each(func(k FamProto, b Box) (FamProto, Box) {
			b.PeerPorts = ephemeralPorts
			return k, b
		}))
	}
	return moved
}

// overInternet carries a way over the internet to public addresses of the target.
func (g *Graph) overInternet(e *edge, onward *way, parts []stream) []*way {
	var ways []*way
	for _, i := range e.to.ifaces {
		for _, d := range g.direct(e.to, i, e.sender, !e.to.proxy) {
			w := *onward
			w.streams = nil
			w.nodes = appendIDs(onward.nodes, d.nodes[1:]...)
			w.proof = append(slices.Clip(onward.proof), d.proof...)
			w.subnets = d.subnets
			w.shields = addTo(slices.Clone(onward.shields), d.shields...)
			arrived := Set{}
			for _, s := range d.streams {
				at := s.exact.at
				if !e.toPort.IsEmpty() {
					at = at.only(e.proto, e.toPort)
				} else {
					at = at.only(e.proto, allPorts)
				}
				arrived = arrived.Union(at)
			}
			if arrived.IsEmpty() {
				continue
			}
			for _, p := range parts {
				w.add(stream{exact: flow{cut(p.exact.origin, arrived), arrived}, loose: flow{cut(p.loose.origin, arrived), arrived}})
			}
			ways = mergeWays(ways, &w)
		}
	}
	return ways
}

// intoVPC carries a way into a VPC without a route: by Global Accelerator and VPC origins, which need an internet gateway
// at the VPC and are cut by block public access, and by endpoint services, which need neither.
func (g *Graph) intoVPC(e *edge, onward *way, parts []stream) []*way {
	var ways []*way
	for _, i := range e.to.ifaces {
		for _, s := range i.subnets {
			gate := g.privateDoor(e, s).and(s.exists)
			gate.why = gate.why.Union(s.doubt)
			if gate.no {
				continue
			}
			w := *onward
			w.streams, w.subnets = nil, []*subnet{s}
			w.proof = slices.Clip(onward.proof)
			for _, p := range parts {
				if e.keeps && p.same {
					w.add(p.maybe(gate.why).arrive(e, func(set Set) Set {
						return set.Intersect(g.filtered(i, s, e.sender, V4).Union(g.filtered(i, s, e.sender, V6)))
					}))
					continue
				}
				toPort := e.toPort
				if toPort.IsEmpty() {
					toPort = e.port
				}
				arrived := gate.gate(g.filtered(i, s, e.sender, V4).only(e.proto, toPort))
				w.add(stream{exact: flow{cut(p.exact.origin, arrived), arrived}, loose: flow{cut(p.loose.origin, arrived), arrived}})
			}
			if i.groups != nil {
				w.proof = append(w.proof, g.proveGroups(i.groups, e.sender, false, arrivedBy(&w)))
			}
			ways = mergeWays(ways, &w)
		}
	}
	return ways
}

func arrivedBy(w *way) Set {
	all := Set{}
	for _, s := range w.streams {
		all = all.Union(s.exact.at)
	}
	return all
}

// privateDoor returns whether a service of AWS gets into the VPC of a subnet.
func (g *Graph) privateDoor(e *edge, s *subnet) cond {
	if e.sender != nil && e.sender.key == "endpoint" {
		return certainly
	}
	if s.vpc == nil {
		return perhaps(s.unknown)
	}
	attached := never
	for _, igw := range s.vpc.igws {
		attached = attached.or(igw.attached(s.vpc))
	}
	if attached.no && s.vpc.external {
		attached = perhaps(g.why.bits(s.vpc.object.Unknowable()...))
	}
	return attached.and(s.bpa.not())
}

// dial is one connection that a proxy, or another workload, opens inside of VPCs.
type dial struct {
	from     *iface // groups that must let it out; nil: nothing filters
	at       *subnet
	to       *iface
	toSubnet *subnet
	sender   *sender
	proto    uint8
	ports    Ports
	classic  bool
	address  Bits // why the sender's own address within its subnet is not known
}

// guardsOf returns whether each guard of a dialled connection lets it pass, in the order of the way.
func (g *Graph) guardsOf(d dial) []gateOf {
	f := V4
	if d.toSubnet.object != nil && d.toSubnet.object.IPv6Native.Is(true) {
		f = V6
	}
	here, whyHere := addressesOf(d.at, f)
	there, whyThere := addressesOf(d.toSubnet, f)
	if !d.to.addresses.Family(f).IsEmpty() {
		there, whyThere = d.to.addresses.Family(f), ""
	}
	whyHere = whyHere.Union(d.address)
	if whyThere == "" {
		whyThere = d.address
	}
	key := FamProto{f, d.proto}
	var list []gateOf
	if d.from != nil && d.from.groups != nil {
		target := g.senderOf(&iface{subnets: []*subnet{d.toSubnet}, groups: d.to.groups, name: d.to.name}, "to")
		out := d.from.groups.allows(target, true, g.why).toward(there, whyThere)
		list = append(list, gateOf{out.lets(key, d.ports), groupPlaces(d.from.groups, SGNoMatch)})
	}
	if d.at.id != d.toSubnet.id || d.at.id == 0 || d.classic {
		if !d.at.unfiltered() {
			list = append(list,
				gateOf{d.at.allowsOut(g.why).toward(there, whyThere).lets(key, d.ports), aclPlaces(d.at, NACLDenyOut)},
				gateOf{d.at.allowsIn(g.why).toward(there, whyThere).lets(key, ephemeralPorts), aclPlaces(d.at, NACLDenyIn)})
		}
		if !d.toSubnet.unfiltered() {
			list = append(list,
				gateOf{d.toSubnet.allowsIn(g.why).toward(here, whyHere).lets(key, d.ports), aclPlaces(d.toSubnet, NACLDenyIn)},
				gateOf{d.toSubnet.allowsOut(g.why).toward(here, whyHere).lets(key, ephemeralPorts), aclPlaces(d.toSubnet, NACLDenyOut)})
		}
	}
	if d.to.groups != nil {
		in := d.to.groups.allows(d.sender, false, g.why).toward(here, whyHere)
		list = append(list, gateOf{in.lets(key, d.ports), groupPlaces(d.to.groups, SGNoMatch)})
	}
	return list
}

// gateOf is a guard of a dialled connection with its answer.
type gateOf struct {
	cond
	blocks []Block
}

func groupPlaces(gs *groupSet, code string) []Block {
	var list []Block
	for _, s := range gs.groups {
		list = append(list, Block{code, s.at})
	}
	return list
}

func aclPlaces(s *subnet, code string) []Block {
	var list []Block
	for _, o := range s.acls {
		list = append(list, Block{code, o.of.at})
	}
	return list
}

// addressesOf returns where an interface in a subnet may be, and why that is not known.
func addressesOf(s *subnet, f Family) (IPSet, Bits) {
	set := s.cidr.Family(f)
	if set.IsEmpty() {
		why := s.noCIDR.Union(s.unknown)
		return f.all(), why
	}
	return set, s.noCIDR
}

// lets returns whether connections of a protocol to some ports are in s.
func (s Set) lets(key FamProto, ports Ports) cond {
	answer := never
	for _, b := range s.facing(key) {
		if b.Local.Intersect(ports).IsEmpty() {
			continue
		}
		answer = answer.or(perhaps(b.Why))
	}
	return answer
}

// passes joins the guards of a dialled connection; the answer is computed once for each class of both ends.
func (g *Graph) passes(d dial) cond {
	key := d.key()
	if c, ok := g.dials[key]; ok {
		return c
	}
	c := certainly
	for _, gate := range g.guardsOf(d) {
		c = c.and(gate.cond)
		if c.no {
			break
		}
	}
	g.dials[key] = c
	return c
}

func (d dial) key() string {
	var b strings.Builder
	if d.from != nil && d.from.groups != nil {
		b.WriteString(d.from.groups.key)
	} else {
		b.WriteByte('-')
	}
	b.WriteByte('|')
	b.WriteString(strconv.Itoa(d.at.id))
	b.WriteString(string(d.at.unknown))
	b.WriteByte('|')
	if d.to.groups != nil {
		b.WriteString(d.to.groups.key)
	} else {
		b.WriteByte('-')
	}
	b.WriteByte('|')
	b.WriteString(strconv.Itoa(d.toSubnet.id))
	b.WriteString(string(d.toSubnet.unknown))
	b.WriteByte('|')
	b.WriteString(d.sender.key)
	b.WriteByte('|')
	b.WriteByte(d.proto)
	b.WriteString(d.ports.String())
	b.WriteString(d.to.addresses.String())
	if d.classic {
		b.WriteString("classic")
	}
	return b.String()
}

// withinVPC carries a way on from an interface of a proxy to one of the target.
func (g *Graph) withinVPC(e *edge, w, onward *way, parts []stream) []*way {
	own := &iface{}
	at := w.subnets
	if len(e.from.ifaces) > 0 {
		own = e.from.ifaces[0]
		if len(at) == 0 {
			at = own.subnets
		}
	}
	if e.senderAt != nil {
		at, own = e.senderAt, &iface{}
	}
	targets := e.to.ifaces
	if e.toward != nil {
		targets = []*iface{e.toward}
	}
	toPort := e.toPort
	if toPort.IsEmpty() {
		toPort = e.port
	}
	var ways []*way
	for _, i := range targets {
		for _, sT := range i.subnets {
			for _, sA := range at {
				if sT.exists.no || e.zoneBound && sA.zone != "" && sT.zone != "" && sA.zone != sT.zone {
					continue
				}
				links := []link{{open: certainly}} // targets of unknown subnets are where the load balancer reaches them
				if sA.vpc != nil && sT.vpc != nil {
					links = g.linksBetween(sA, sT)
				}
				for _, l := range links {
					sender := e.sender
					if sender == nil {
						sender = g.senderOf(&iface{subnets: []*subnet{sA}, groups: own.groups, name: own.name}, "proxy")
					}
					sender = l.seen(sender)
					next := *onward
					next.streams, next.subnets, next.proof = nil, []*subnet{sT}, slices.Clip(onward.proof)
					if len(l.nodes) > 0 {
						next.nodes = appendIDs(appendIDs(appendIDs(w.nodes, e.from.address), l.nodes...), e.via...)
					}
					g.dialTarget(e, &next, parts, dialled{own, sA, i, sT, sender, l.open, toPort})
					next.proof = append(next.proof, l.proof...)
					if len(next.streams) > 0 {
						ways = mergeWays(ways, &next)
					}
				}
			}
		}
	}
	return ways
}

type dialled struct {
	own    *iface
	at     *subnet
	to     *iface
	sub    *subnet
	sender *sender
	open   cond
	ports  Ports
}

// dialTarget adds to a way what gets from one subnet of a proxy to one of the target.
func (g *Graph) dialTarget(e *edge, next *way, parts []stream, x dialled) {
	d := dial{from: x.own, at: x.at, to: x.to, toSubnet: x.sub, sender: x.sender, proto: e.proto, ports: x.ports, classic: e.classic,
		address: g.why.bits(inventory.Reason{Code: inventory.Computed, Ref: string(e.from.address)})}
	gate := x.open.and(x.sub.exists)
	gate.why = gate.why.Union(x.sub.doubt).Union(x.to.doubt)
	peers, _ := addressesOf(x.at, V4)
	seen := Set{}
	for _, p := range parts {
		kept, changed := stream{}, p
		if e.keeps {
			// Clients that speak IPv6 reach targets that speak IPv4 from the load balancer's address.
			kept = p.families(V4)
			changed = p.families(V6)
			changed.same = p.same
		}
		if !kept.exact.at.IsEmpty() {
			byClient := *x.sender
			byClient.key = "clients of " + x.sender.key
			byClient.unknownAddress = ""
			byClient.vpc, byClient.subnets = nil, nil
			if !p.same {
				byClient.unknownAddress = serviceAddress
			}
			filter := g.filtered(x.to, x.sub, &byClient, V4)
			if x.at.id == x.sub.id && x.at.id != 0 && x.to.groups != nil {
				filter = everything(V4, everyV4).Intersect(x.to.groups.allows(&byClient, false, g.why))
			} else if x.at.id == x.sub.id && x.at.id != 0 {
				filter = everything(V4, everyV4)
			}
			out := certainly
			for _, gate := range g.guardsOf(dial{from: x.own, at: x.at, to: &iface{name: x.to.name, subnets: x.to.subnets, addresses: x.to.addresses}, toSubnet: x.sub, sender: x.sender, proto: e.proto, ports: x.ports, address: d.address}) {
				if len(gate.blocks) > 0 && gate.blocks[0].Code == NACLDenyIn || len(gate.blocks) > 0 && gate.blocks[0].Code == NACLDenyOut && !slices.ContainsFunc(x.at.acls, func(o option[*acl]) bool { return o.of.at == gate.blocks[0].At }) {
					continue // those of the target see the client
				}
				out = out.and(gate.cond)
			}
			c := gate.and(out)
			if !c.no {
				s := kept.maybe(c.why)
				s.same = p.same
				arrived := s.arrive(e, func(set Set) Set { return set.Intersect(filter) })
				if !arrived.exact.at.IsEmpty() {
					next.add(arrived)
					seen = seen.Union(arrived.exact.at)
					next.proof = append(next.proof, g.proveGroups(x.to.groups, &byClient, false, arrived.exact.at))
				}
			}
		}
		if changed.exact.at.IsEmpty() {
			continue
		}
		c := gate.and(g.passes(d))
		if c.no {
			continue
		}
		at := oneBox(FamProto{V4, e.proto}, Box{Peer: peers, Local: x.ports, PeerPorts: ephemeralPorts})
		s := changed.maybe(c.why)
		next.add(stream{
			exact: flow{s.exact.origin, at.Maybe(c.why).Maybe(s.exact.at.doubt())},
			loose: flow{s.loose.origin, at.Maybe(c.why).Maybe(s.loose.at.doubt())},
		})
		seen = seen.Union(at)
	}
	if seen.IsEmpty() {
		return
	}
	next.proof = append(next.proof, g.proveGroups(x.to.groups, x.sender, false, seen))
	if x.at.id != x.sub.id {
		next.proof = append(next.proof, g.proveACL(x.sub, false, seen), g.proveACL(x.sub, true, seen))
	}
	if x.own.groups != nil {
		target := g.senderOf(&iface{subnets: []*subnet{x.sub}, groups: x.to.groups, name: x.to.name}, "to")
		there, _ := addressesOf(x.sub, V4)
		next.proof = append(next.proof, g.proveGroups(x.own.groups, target, true, oneBox(FamProto{V4, e.proto}, Box{Peer: there, Local: x.ports, PeerPorts: ephemeralPorts})))
	}
}

// doubt returns why nothing of s is certain; empty where something is.
func (s Set) doubt() Bits {
	if certain, _ := s.hasPorts(); certain {
		return ""
	}
	return s.Why()
}

// families returns the part of a stream whose packets are of one family when they arrive.
func (s stream) families(f Family) stream {
	only := func(set Set) Set {
		var part Set
		for _, e := range set.entries {
			if e.key.Family == f {
				part.entries = append(part.entries, e)
			}
		}
		return part
	}
	if s.same {
		s.exact = flow{only(s.exact.origin), only(s.exact.at)}
		s.loose = flow{only(s.loose.origin), only(s.loose.at)}
		return s
	}
	s.exact.at, s.loose.at = only(s.exact.at), only(s.loose.at)
	if s.exact.at.IsEmpty() {
		return stream{}
	}
	return s
}
