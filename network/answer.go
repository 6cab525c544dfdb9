package network

import (
	"cmp"
	"slices"
	"strings"

	"github.com/trifecta-scanner/trifecta/aws"
	"github.com/trifecta-scanner/trifecta/inventory"
)

// maxPaths bounds the paths that one result shows.
const maxPaths = 5

// answer is what is known of one node with respect to the internet.
type answer struct {
	ways   []*way
	result Result
	routes []Way
}

// Way is one candidate way from the internet to a node that is not reachable, with what blocks it. The first is the
// canonical one.
type Way struct {
	Front  inventory.ID // the proxy that it leads through; empty for the direct way
	Blocks []Block      // each blocks by itself
}

// Results returns the answer for each workload, managed front and proxy with respect to the internet, in order of address.
func (g *Graph) Results() []Result {
	if g.results != nil {
		return g.results
	}
	g.results = []Result{}
	var exposed []*node
	for _, n := range g.nodes {
		a := g.answerFor(n)
		if a.result.Reachable == Yes {
			exposed = append(exposed, n)
		}
	}
	distance := g.hops(exposed)
	for _, n := range g.nodes {
		a := g.answers[n]
		a.result.Hops = NoHops
		if d, ok := distance[n]; ok {
			a.result.Hops = d
		}
		if !n.hidden {
			g.results = append(g.results, a.result)
		}
	}
	return g.results
}

// answerFor returns the answer for a node, computed once.
func (g *Graph) answerFor(n *node) *answer {
	if a := g.answers[n]; a != nil {
		return a
	}
	a := &answer{ways: g.fromOutside()[n]}
	g.answers[n] = a
	a.result = g.summarize(n, Internet, a.ways)
	if a.result.Reachable == No {
		a.routes = g.explain(n, map[*node]bool{})
		var blocks []Block
		for i, w := range a.routes {
			blocks = append(blocks, w.Blocks...)
			if i == 0 || len(w.Blocks) < a.result.Layers {
				a.result.Layers = len(w.Blocks)
			}
		}
		a.result.Blocked = uniqueBlocks(blocks)
		if a.result.Blocked == nil {
			a.result.Blocked = []Block{}
		}
	}
	return a
}

// summarize makes the result of a node from the ways that lead to it.
func (g *Graph) summarize(n *node, from inventory.ID, ways []*way) Result {
	r := Result{
		Address: n.address, Reachable: No, Ports: []string{}, Family: []string{}, Sources: []string{}, Shields: []string{}, Assumptions: []string{},
		Paths: []Path{}, Blocked: []Block{}, Unknown: []inventory.Reason{}, Kind: n.kind, Location: n.location, Runs: []Run{}, Hops: NoHops, Environment: n.unit.Environment,
	}
	if n.unit.Root != "." {
		r.Root = n.unit.Root
	}
	if n.runs != nil {
		r.Runs = n.runs
	}
	r.Assumptions = addTo(r.Assumptions, n.assumptions...)
	var open []*way
	var origin, loose, arrived Set
	why := Bits("")
	for _, w := range ways {
		certain, may := w.open()
		if !may {
			continue
		}
		open = append(open, w)
		if certain {
			r.Reachable = Yes
		} else if r.Reachable == No {
			r.Reachable = Unknown
		}
		for _, s := range w.streams {
			origin = origin.Union(s.exact.origin)
			loose = loose.Union(s.loose.origin)
			arrived = arrived.Union(s.exact.at)
		}
	}
	if r.Reachable == No {
		return r
	}
	for _, w := range open {
		for _, s := range w.streams {
			why = why.Union(s.exact.origin.Why())
		}
	}
	may := portNames(origin)
	if r.Reachable == Yes {
		must := origin.Must()
		r.Ports = portNames(must)
		arrived, loose = arrived.Must(), loose.Must()
		r.Family = families(must)
		if from == Internet {
			r.Breadth = must.peers().Breadth()
		}
		if !slices.Equal(may, r.Ports) {
			for _, p := range may {
				if !slices.Contains(r.Ports, p) {
					r.PossiblePorts = append(r.PossiblePorts, p)
				}
			}
		}
		r.Sources = printed(loose.peers(), must.peers())
	} else {
		r.Ports, r.PossiblePorts = may, may
		r.Family = families(origin)
		r.Sources = printed(loose.peers(), origin.peers())
		r.Unknown = g.why.names(why)
	}
	if target := portNames(arrived); !slices.Equal(target, r.Ports) && len(target) > 0 {
		r.TargetPorts = target
	}
	r.Shields = sharedShields(n, open)
	r.Paths = g.paths(n, open)
	for _, w := range open {
		r.Assumptions = addTo(r.Assumptions, w.assumptions...)
	}
	return r
}

func families(s Set) []string {
	list := []string{}
	for _, f := range []Family{V4, V6} {
		for _, e := range s.entries {
			if e.key.Family == f && e.key.hasPorts() {
				list = addTo(list, f.String())
			}
		}
	}
	return list
}

// printed returns the CIDR blocks of who gets in, before the cut to the internet, without those that lie wholly outside.
func printed(loose, exact IPSet) []string {
	list := []string{}
	for _, p := range loose.Prefixes() {
		if NewIPSet(p).Overlaps(exact) {
			list = append(list, p.String())
		}
	}
	return list
}

// sharedShields returns what every way passes, with what stands in front of the node itself.
func sharedShields(n *node, ways []*way) []string {
	shared := []string{}
	for i, w := range ways {
		if i == 0 {
			shared = append(shared, w.shields...)
			continue
		}
		shared = common(shared, w.shields)
	}
	list := []string{}
	if n.proxy {
		list = addTo(list, n.shields...)
	}
	return addTo(list, shared...)
}

// paths returns the shortest path and the shortest by each other front, certain ones first.
func (g *Graph) paths(n *node, ways []*way) []Path {
	sorted := slices.Clone(ways)
	slices.SortStableFunc(sorted, func(a, b *way) int {
		ca, _ := a.open()
		cb, _ := b.open()
		return cmp.Or(order(cb)-order(ca), cmp.Compare(len(a.nodes), len(b.nodes)), slices.CompareFunc(a.nodes, b.nodes, func(x, y inventory.ID) int { return strings.Compare(string(x), string(y)) }))
	})
	list := []Path{}
	seen := map[string]bool{}
	for _, w := range sorted {
		front := string(w.front)
		if front == "" {
			front = "direct " + string(n.address)
		}
		if seen[front] || len(list) == maxPaths {
			continue
		}
		seen[front] = true
		list = append(list, Path{Nodes: appendIDs(w.nodes, n.address), Guards: w.guards()})
	}
	return list
}

// explain returns the ways that could lead to a node, nearest front first, with what blocks each.
func (g *Graph) explain(n *node, seen map[*node]bool) []Way {
	if !n.created || n.exists.no {
		return []Way{{Blocks: []Block{{NotCreated, n.address}}}}
	}
	if seen[n] {
		return nil
	}
	seen[n] = true
	defer delete(seen, n)
	var list []Way
	loud := slices.ContainsFunc(n.in, func(e *edge) bool { return !e.quiet })
	for _, e := range n.in {
		if e.exists.no || e.quiet && (loud || len(n.idle) > 0) {
			continue
		}
		if _, endpoint := e.from.object.(*aws.VPCEndpoint); endpoint {
			continue // only its own VPC reaches it
		}
		list = append(list, Way{Front: e.from.address, Blocks: g.explainEdge(e, seen)})
	}
	for _, f := range n.fronts {
		if len(f.closed) > 0 {
			list = append(list, Way{Blocks: f.closed})
		}
	}
	if n.inbound {
		for _, i := range n.ifaces {
			for _, f := range []Family{V4, V6} {
				if f == V6 && i.public6.no {
					continue // no address of the family: the other one is the way to think of
				}
				if blocks := g.explainDirect(n, i, fromInternet, f); len(blocks) > 0 {
					list = append(list, Way{Blocks: blocks})
				}
			}
		}
	}
	if len(n.idle) > 0 {
		list = append(list, Way{Blocks: uniqueBlocks(n.idle)})
	}
	list = slices.DeleteFunc(list, func(w Way) bool { return len(w.Blocks) == 0 })
	if len(list) == 0 {
		list = []Way{{Blocks: []Block{{NoFront, n.address}}}}
	}
	return list
}

// explainEdge returns what blocks the way through a proxy: before it, and between it and the target.
func (g *Graph) explainEdge(e *edge, seen map[*node]bool) []Block {
	var blocks []Block
	ways := g.fromOutside()[e.from]
	if !slices.ContainsFunc(ways, func(w *way) bool { _, may := w.open(); return may }) {
		if before := g.explain(e.from, seen); len(before) > 0 {
			blocks = append(blocks, before[0].Blocks...)
		}
	} else if len(e.from.ifaces) > 0 && !slices.ContainsFunc(ways, func(w *way) bool { return w.dials(e) }) {
		blocks = append(blocks, Block{LBNoListener, e.from.address}) // others of its listeners are open
	}
	blocks = append(blocks, e.blocks...)
	if e.how != inVPC || len(e.blocks) > 0 {
		if e.how == acrossNet {
			for _, i := range e.to.ifaces {
				blocks = append(blocks, g.explainDirect(e.to, i, e.sender, V4)...)
			}
		}
		arrives := e.toPort
		if arrives.IsEmpty() {
			arrives = e.port
		}
		for _, p := range e.policies {
			if !p.set.only(e.proto, arrives).some() {
				blocks = append(blocks, p.blocks...)
			}
		}
		return uniqueBlocks(blocks)
	}
	return uniqueBlocks(append(blocks, g.explainDial(e)...))
}

// explainDial returns what blocks the connection that a proxy opens to a target.
func (g *Graph) explainDial(e *edge) []Block {
	own := &iface{}
	if len(e.from.ifaces) > 0 {
		own = e.from.ifaces[0]
	}
	at := own.subnets
	if e.senderAt != nil {
		at, own = e.senderAt, &iface{}
	}
	targets := e.to.ifaces
	if e.toward != nil {
		targets = []*iface{e.toward}
	}
	ports := e.toPort
	if ports.IsEmpty() {
		ports = e.port
	}
	var best []Block
	zones := false
	for _, i := range targets {
		for _, sT := range i.subnets {
			for _, sA := range at {
				if e.zoneBound && sA.zone != "" && sT.zone != "" && sA.zone != sT.zone {
					zones = true
					continue
				}
				var blocks []Block
				if sA.vpc != nil && sT.vpc != nil {
					links := g.linksBetween(sA, sT)
					if !slices.ContainsFunc(links, func(l link) bool { return !l.open.no }) {
						for _, l := range links {
							blocks = append(blocks, l.blocks...)
						}
					}
				}
				sender := e.sender
				if sender == nil {
					sender = g.senderOf(&iface{subnets: []*subnet{sA}, groups: own.groups, name: own.name}, "proxy")
				}
				if e.keeps {
					clients := *sender
					clients.key, clients.vpc, clients.subnets = "clients of "+sender.key, nil, nil
					set := g.filtered(i, sT, &clients, V4).only(e.proto, ports).cut(internetV4)
					if !set.some() && i.groups != nil {
						if !i.groups.allows(&clients, false, g.why).only(e.proto, ports).cut(internetV4).some() {
							blocks = append(blocks, groupPlaces(i.groups, SGNoMatch)...)
						} else if !sT.allowsIn(g.why).only(e.proto, ports).cut(internetV4).some() {
							blocks = append(blocks, aclPlaces(sT, NACLDenyIn)...)
						} else {
							blocks = append(blocks, aclPlaces(sT, NACLDenyOut)...)
						}
					}
				} else {
					for _, gate := range g.guardsOf(dial{from: own, at: sA, to: i, toSubnet: sT, sender: sender, proto: e.proto, ports: ports, classic: e.classic,
						address: g.why.bits(inventory.Reason{Code: inventory.Computed, Ref: string(e.from.address)})}) {
						if gate.no {
							blocks = append(blocks, gate.blocks...)
						}
					}
				}
				if best == nil || len(blocks) < len(best) {
					best = blocks
				}
				if len(blocks) == 0 {
					return nil
				}
			}
		}
	}
	if best == nil && zones {
		best = []Block{{LBNoTarget, e.target()}}
	}
	for k := range best {
		if best[k].At == "" {
			best[k].At = e.to.address
		}
	}
	return best
}

// target is the target group that an edge leads through, else the proxy.
func (e *edge) target() inventory.ID {
	if len(e.via) > 0 {
		return e.via[len(e.via)-1]
	}
	return e.from.address
}

// find returns the nodes of an address: a result's own, or another resource that stands for it. ROOT:ADDRESS asks in one
// root only.
func (g *Graph) find(address inventory.ID) []*node {
	if list := g.byName[address]; len(list) > 0 {
		return list
	}
	if list := g.aliases[address]; len(list) > 0 {
		return list
	}
	if list := g.instances(address); len(list) > 0 {
		return list
	}
	root, name, ok := strings.Cut(string(address), ":")
	if !ok {
		return nil
	}
	var list []*node
	for _, n := range g.find(inventory.ID(name)) {
		if n.unit.Root == root {
			list = append(list, n)
		}
	}
	return list
}

// instances returns the first instance of a resource with count or for_each in each root, for its address without index.
func (g *Graph) instances(address inventory.ID) []*node {
	var list []*node
	for _, n := range g.nodes {
		rest, ok := strings.CutPrefix(string(n.address), string(address)+"[")
		if ok && strings.HasSuffix(rest, "]") && !strings.Contains(rest, ".") && !slices.ContainsFunc(list, func(m *node) bool { return m.unit == n.unit }) {
			list = append(list, n)
		}
	}
	return list
}

// Explain answers whether a workload, managed front or proxy can be reached from another one or, with from empty or
// Internet, from the internet: once for each root and environment that has the address, none where nothing has it. from is
// looked for in the same root first.
func (g *Graph) Explain(address, from inventory.ID) []Result {
	var answers []Result
	for _, n := range g.find(address) {
		if from == "" || from == Internet {
			g.Results()
			r := g.answers[n].result
			r.Address = address
			if i := slices.Index(r.Blocked, Block{NotCreated, n.address}); i >= 0 && address != n.address {
				r.Blocked = slices.Clone(r.Blocked) // a resource with count = 0 is asked for without index
				r.Blocked[i].At = address
			}
			answers = append(answers, r)
			continue
		}
		senders := g.find(from)
		if len(senders) == 0 {
			continue
		}
		s := senders[0]
		if i := slices.IndexFunc(senders, func(m *node) bool { return m.unit == n.unit }); i >= 0 {
			s = senders[i]
		}
		r := g.between(s, n)
		r.Address, r.From = address, from
		answers = append(answers, r)
	}
	return answers
}

// between answers a question inside of the private network.
func (g *Graph) between(from, to *node) Result {
	if !to.created || !from.created {
		at := to.address
		if to.created {
			at = from.address
		}
		r := g.summarize(to, from.address, nil)
		r.Blocked, r.Layers = []Block{{NotCreated, at}}, 1
		return r
	}
	ways := g.propagate(g.seedsFrom(from, func(n *node) bool { return n == to || n.proxy }))[to]
	r := g.summarize(to, from.address, ways)
	if r.Reachable == No {
		r.Blocked = g.explainCluster(from, to)
		if len(r.Blocked) == 0 {
			r.Blocked = g.explainInside(from, to)
		}
		r.Layers = len(r.Blocked)
		return r
	}
	r.Sources = sourcesOf(from)
	return r
}

// sourcesOf prints the ranges of the subnets that a sender is in.
func sourcesOf(n *node) []string {
	var four, six []string
	for _, i := range n.ifaces {
		for _, s := range i.subnets {
			if s.noCIDR == "" {
				four = addTo(four, s.cidr.Family(V4).Strings()...)
				six = addTo(six, s.cidr.Family(V6).Strings()...)
			}
		}
	}
	if len(four) > 0 {
		return four
	}
	return append([]string{}, six...)
}

// OnPort narrows a result to one port, as tcp/443 or 443: its verdict is about that port alone.
func (r Result) OnPort(port int) Result {
	has := func(list []string) bool {
		return slices.ContainsFunc(list, func(p string) bool {
			_, lo, hi, ok := ParsePort(p)
			return ok && lo <= port && port <= hi
		})
	}
	if r.Reachable == Yes && !has(r.Ports) {
		r.Reachable = No
		if has(r.PossiblePorts) {
			r.Reachable = Unknown
		}
	} else if r.Reachable == Unknown && !has(r.Ports) {
		r.Reachable = No
	}
	return r
}
