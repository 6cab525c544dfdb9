package network

import (
	"slices"

	"github.com/trifecta-scanner/trifecta/inventory"
)

// door is one way from an internet gateway to a subnet and back: by itself, or through the endpoint of a firewall.
type door struct {
	igw      *gateway
	endpoint *gateway // nil: none
	open     cond     // attached, and the way in leads here
	back     region   // addresses whose replies come out of the same gateways
	covers   IPSet    // what routes to them name
}

// doors returns the ways between the internet and a subnet for a family.
func (g *Graph) doors(s *subnet, f Family) []door {
	if s.unknown != "" && s.vpc == nil {
		return []door{{igw: &gateway{kind: viaIGW}, open: perhaps(s.unknown), back: region{unsure: f.all(), why: s.unknown}, covers: f.all()}}
	}
	if s.vpc == nil {
		return nil
	}
	var list []door
	gates := s.vpc.igws
	if len(gates) == 0 && (s.vpc.external || s.unknown != "") {
		why := s.unknown
		if why == "" {
			why = g.why.bits(s.vpc.object.Unknowable()...)
		}
		gates = []*gateway{{kind: viaIGW, vpcs: []*vpc{s.vpc}, why: []cond{perhaps(why)}}}
		return []door{{igw: gates[0], open: perhaps(why), back: region{unsure: f.all(), why: why}, covers: f.all()}}
	}
	for _, igw := range gates {
		attached := igw.attached(s.vpc)
		inbound := g.inboundEndpoints(s, f, igw)
		wanted := func(x *gateway) bool { return x == igw }
		for _, in := range inbound {
			d := door{igw: igw, endpoint: in.of, open: attached.and(perhaps(in.why))}
			if in.of == nil {
				d.back = s.route(f, viaIGW, igw)
				d.covers = coversOf(s.tables, f, wanted)
				list = append(list, d)
				continue
			}
			toEndpoint := s.route(f, viaEndpoint, in.of)
			d.covers = coversOf(s.tables, f, func(x *gateway) bool { return x == in.of })
			d.back = toEndpoint
			for _, e := range g.endpointSubnets(in.of) {
				onward := e.route(f, viaIGW, igw)
				d.back = d.back.intersect(onward)
				d.covers = d.covers.Intersect(coversOf(e.tables, f, wanted))
			}
			list = append(list, d)
		}
	}
	return list
}

func coversOf(tables []option[*table], f Family, wanted func(*gateway) bool) IPSet {
	var all IPSet
	for _, o := range tables {
		all = all.Union(o.of.covers(f, wanted))
	}
	return all
}

func (r region) intersect(q region) region {
	sure := r.sure.Intersect(q.sure)
	may := r.sure.Union(r.unsure).Intersect(q.sure.Union(q.unsure))
	return region{sure, may.Subtract(sure), r.why.Union(q.why), r.stray.Union(q.stray)}
}

// inboundEndpoints returns the firewall endpoints that the edge route table of a gateway sends packets for the subnet
// through; nil stands for none.
func (g *Graph) inboundEndpoints(s *subnet, f Family, igw *gateway) []option[*gateway] {
	none := []option[*gateway]{{}}
	tables := g.edgeTables(igw, s.vpc)
	if len(tables) == 0 {
		return none
	}
	own := s.cidr.Family(f)
	var list []option[*gateway]
	left := certainly
	for _, o := range tables {
		seen := map[*gateway]bool{}
		for _, x := range o.of.routes {
			if x.target == nil || x.target.kind != viaEndpoint || seen[x.target] {
				continue
			}
			seen[x.target] = true
			r := o.of.via(f, viaEndpoint, x.target)
			switch {
			case !own.IsEmpty() && own.SubsetOf(r.sure) && s.noCIDR == "":
				list = append(list, option[*gateway]{x.target, o.why})
				left = left.and(perhaps(o.why)).not()
			case s.noCIDR != "" || own.Overlaps(r.sure.Union(r.unsure)):
				why := o.why.Union(r.why).Union(s.noCIDR)
				if why == "" {
					why = g.why.bits(inventory.Reason{Code: inventory.Computed, Ref: string(s.address)})
				}
				list = append(list, option[*gateway]{x.target, why})
				left = perhaps(why)
			}
		}
	}
	if !left.no {
		list = append(list, option[*gateway]{nil, left.doubt()})
	}
	return list
}

// edgeTables returns the route tables that are associated with an internet gateway.
func (g *Graph) edgeTables(igw *gateway, v *vpc) []option[*table] {
	var list []option[*table]
	for _, object := range v.object.RouteTables {
		for _, a := range object.Associations {
			gates, _ := resolve(g, a.Gateway)
			for _, o := range gates {
				if g.gates[o.of] == igw && igw.object != nil {
					_, why := g.written(&a.Written)
					list = append(list, option[*table]{g.tableOf(object), why.Union(o.why)})
				}
			}
		}
	}
	return list
}

// filtered returns what the ACLs of a subnet, both ways, and the groups of an interface let through from a sender.
func (g *Graph) filtered(i *iface, s *subnet, who *sender, f Family) Set {
	key := filterKey{i.groups, s, who.key, f, i.ports.IsEmpty()}
	if set, ok := g.filters[key]; ok && i.ports.IsEmpty() {
		return set
	}
	set := everything(f, f.all()).Intersect(s.allowsIn(g.why)).Intersect(s.allowsOut(g.why).asPeerPorts())
	if i.groups != nil {
		set = set.Intersect(i.groups.allows(who, false, g.why))
	}
	if !i.ports.IsEmpty() {
		set = set.Intersect(i.ports)
	}
	g.filters[key] = set
	return set
}

type filterKey struct {
	groups *groupSet
	subnet *subnet
	who    string
	family Family
	whole  bool
}

func (i *iface) public(f Family) cond {
	if f == V6 {
		return i.public6
	}
	return i.public4
}

// direct returns the ways from the internet to an interface through internet gateways. listed says that the subnets stand
// in the path.
func (g *Graph) direct(n *node, i *iface, who *sender, listed bool) []*way {
	var ways []*way
	reached := 0
	for _, s := range i.subnets {
		hit := false
		for _, f := range []Family{V4, V6} {
			public := i.public(f)
			if public.no || s.bpa.certain() || s.exists.no {
				continue
			}
			var set Set
			for _, d := range g.doors(s, f) {
				if d.open.no || d.back.isEmpty() {
					continue
				}
				if set.IsEmpty() {
					set = g.filtered(i, s, who, f)
				}
				gate := d.open.and(public).and(s.bpa.not()).and(s.exists)
				gate.why = gate.why.Union(i.doubt)
				if !i.branches {
					gate.why = gate.why.Union(s.doubt)
				}
				if d.endpoint != nil {
					gate.why = gate.why.Union(d.endpoint.rules)
				}
				exact := gate.gate(d.back.gate(set.cut(f.internet())))
				if certain, may := exact.hasPorts(); !certain && !may {
					if exact.IsEmpty() {
						continue
					}
				} else {
					hit = hit || certain
				}
				loose := gate.gate(set.cut(d.covers))
				w := &way{streams: []stream{{flow{exact, exact}, flow{loose, loose}, true}}, subnets: []*subnet{s}}
				w.nodes = appendIDs([]inventory.ID{Internet}, d.igw.address)
				if d.endpoint != nil {
					w.nodes = appendIDs(w.nodes, d.endpoint.address)
					w.shields = []string{d.endpoint.shield}
				}
				w.proof = []proof{
					g.proveGroups(i.groups, who, false, exact), g.proveACL(s, false, exact), g.proveACL(s, true, exact),
				}
				wanted := func(x *gateway) bool { return x == d.igw || d.endpoint != nil && x == d.endpoint }
				w.proof = append(w.proof, g.proveRoute(s.tables, f, wanted, exact.peers()))
				ways = append(ways, w)
			}
		}
		if hit {
			reached++
		}
	}
	if i.placement != "" && reached > 0 && reached < len(i.subnets) {
		for _, w := range ways {
			for k := range w.streams {
				w.streams[k] = w.streams[k].maybe(i.placement)
			}
		}
	}
	return g.joinSubnets(ways, n, listed)
}

// joinSubnets makes one way of those that pass the same gateways, with their subnets in the path where they belong there.
func (g *Graph) joinSubnets(ways []*way, n *node, listed bool) []*way {
	var joined []*way
	if n.groupNode || !listed {
		joined = mergeWays(nil, ways...)
		if listed {
			for _, w := range joined {
				for _, s := range w.subnets {
					w.nodes = appendIDs(w.nodes, s.address)
				}
			}
		}
		return joined
	}
	for _, w := range ways {
		w.nodes = appendIDs(w.nodes, w.subnets[0].address)
	}
	return mergeWays(nil, ways...)
}

// appendIDs appends the addresses that are there: implied gateways of the default VPC have none.
func appendIDs(list []inventory.ID, ids ...inventory.ID) []inventory.ID {
	list = slices.Clip(list)
	for _, id := range ids {
		if id != "" {
			list = append(list, id)
		}
	}
	return list
}

// check is one guard of a direct way, evaluated by itself on everything that may come.
type check struct {
	name   string
	set    Set // what it lets through
	blocks []Block
}

// blocks reports whether the guard alone keeps out every connection with ports.
func (c check) closed() bool {
	_, may := c.set.hasPorts()
	return !may
}

// explainDirect evaluates each guard between the internet and an interface by itself, for one family, and returns those
// that block. Where none does alone but together they do, it is the one at which nothing is left.
func (g *Graph) explainDirect(n *node, i *iface, who *sender, f Family) []Block {
	whole := everything(f, f.internet())
	var checks [][]check
	for _, s := range i.subnets {
		checks = append(checks, g.checksOf(n, i, s, who, f, whole))
	}
	return weigh(checks, whole)
}

// weigh returns the guards that block in all of several subnets; where no guard does, what stops each.
func weigh(checks [][]check, whole Set) []Block {
	var alone []Block
	if len(checks) > 0 {
		for k, c := range checks[0] {
			every := true
			for _, others := range checks {
				every = every && others[k].closed()
			}
			if !every {
				continue
			}
			alone = append(alone, c.blocks...)
			for _, others := range checks[1:] {
				alone = append(alone, others[k].blocks...)
			}
		}
	}
	if len(alone) > 0 {
		return uniqueBlocks(alone)
	}
	for _, list := range checks {
		left, stopped := whole, false
		for _, c := range list {
			if c.closed() && !stopped {
				alone = append(alone, c.blocks...)
				stopped = true
			}
		}
		if stopped {
			continue
		}
		for _, c := range list {
			left = left.Intersect(c.set)
			if _, may := left.hasPorts(); !may {
				alone = append(alone, c.blocks...)
				break
			}
		}
	}
	return uniqueBlocks(alone)
}

// uniqueBlocks returns blocks in their order, each once.
func uniqueBlocks(blocks []Block) []Block {
	var list []Block
	for _, b := range blocks {
		if !contains(list, b) {
			list = append(list, b)
		}
	}
	return list
}

// checksOf lists the guards between the internet and an interface in one subnet, always the same ones in the same order.
func (g *Graph) checksOf(n *node, i *iface, s *subnet, who *sender, f Family, whole Set) []check {
	at := func(id inventory.ID) inventory.ID {
		if id == "" {
			return n.address
		}
		return id
	}
	var vpcAt inventory.ID
	if s.vpc != nil {
		vpcAt = s.vpc.address
	}
	doors := g.doors(s, f)
	attached := never
	var back region
	for _, d := range doors {
		attached = attached.or(d.open)
		if !d.open.no {
			back = back.union(d.back)
		}
	}
	public := i.public(f)
	absent := i.closed
	if len(absent) == 0 {
		absent = []Block{{NoPublicAddress, n.address}}
	}
	list := []check{
		{"gateway", attached.gate(whole), []Block{{NoInternetGateway, at(vpcAt)}}},
		{"bpa", s.bpa.not().gate(whole), []Block{{BPABlock, at(g.bpaAt(s.vpc))}}},
		{"address", public.gate(whole), absent},
		{"acl in", whole.Intersect(s.allowsIn(g.why)), g.aclBlocks(s, NACLDenyIn, at)},
		{"groups", g.groupCheck(i, who, whole), g.groupBlocks(i, who, whole, at)},
		{"ports", g.portCheck(i, who, whole), []Block{i.portBlock}},
		{"route", back.gate(whole), g.routeBlocks(s, f, at)},
		{"acl out", whole.Intersect(s.allowsOut(g.why).asPeerPorts()), g.aclBlocks(s, NACLDenyOut, at)},
	}
	return list
}

func (g *Graph) groupCheck(i *iface, who *sender, whole Set) Set {
	if i.groups == nil {
		return whole
	}
	return whole.Intersect(i.groups.allows(who, false, g.why))
}

// portCheck is what of the ports that are passed on the groups admit. Where they admit nothing at all, the groups are to
// blame and this check is open.
func (g *Graph) portCheck(i *iface, who *sender, whole Set) Set {
	if i.ports.IsEmpty() {
		return whole
	}
	admitted := g.groupCheck(i, who, whole)
	if _, may := admitted.hasPorts(); !may {
		return whole
	}
	return admitted.Intersect(i.ports)
}

func (g *Graph) aclBlocks(s *subnet, code string, at func(inventory.ID) inventory.ID) []Block {
	var list []Block
	for _, o := range s.acls {
		list = append(list, Block{code, at(o.of.at)})
	}
	return list
}

func (g *Graph) groupBlocks(i *iface, who *sender, whole Set, at func(inventory.ID) inventory.ID) []Block {
	code := SGNoMatch
	if i.groups == nil {
		return nil
	}
	if set := whole.Intersect(i.groups.allows(who, false, g.why)); !set.IsEmpty() && onlyICMP(set) {
		code = ICMPOnly
	}
	var list []Block
	for _, group := range i.groups.groups {
		list = append(list, Block{code, at(group.at)})
	}
	if len(list) == 0 {
		list = []Block{{code, at("")}}
	}
	return list
}

func onlyICMP(s Set) bool {
	for _, k := range s.Keys() {
		if k.Proto != protoICMP && k.Proto != protoICMPv6 {
			return false
		}
	}
	return !s.IsEmpty()
}

// routeBlocks says why the replies of a subnet do not come back to the internet by the gateway that they came in by.
func (g *Graph) routeBlocks(s *subnet, f Family, at func(inventory.ID) inventory.ID) []Block {
	var list []Block
	internet := f.internet()
	for _, o := range s.tables {
		t := o.of
		if r := t.via(f, viaEgress, nil); r.sure.Union(r.unsure).Overlaps(internet) {
			gateway := t.at
			for _, x := range t.routes {
				if x.family == f && x.target != nil && x.target.kind == viaEgress && x.target.address != "" {
					gateway = x.target.address
				}
			}
			list = append(list, Block{EgressOnly, at(gateway)})
			continue
		}
		elsewhere := false
		for _, kind := range []gatewayKind{viaNAT, viaPeering, viaTGW, viaVGW, viaEndpoint, viaInterface, viaOther, viaCarrier, viaIGW} {
			r := t.via(f, kind, nil)
			if !r.sure.Union(r.unsure).Overlaps(internet) {
				continue
			}
			if kind == viaIGW && !g.usableIGW(t, s, f) {
				continue
			}
			elsewhere = true
		}
		code := NoRoute
		if elsewhere {
			code = ReturnNotViaIGW
		}
		list = append(list, Block{code, at(t.at)})
	}
	if len(list) == 0 {
		list = append(list, Block{NoRoute, at("")})
	}
	return list
}

// usableIGW reports whether a route to an internet gateway leads to one that is attached. If not it is a blackhole.
func (g *Graph) usableIGW(t *table, s *subnet, f Family) bool {
	for _, x := range t.routes {
		if x.family == f && x.target != nil && x.target.kind == viaIGW && s.vpc != nil && !x.target.attached(s.vpc).no {
			return true
		}
	}
	return false
}
