package network

import (
	"slices"

	"github.com/trifecta-scanner/trifecta/aws"
	"github.com/trifecta-scanner/trifecta/inventory"
)

// neverPublic are the stores that have no public form.
var neverPublic = map[aws.StoreKind]bool{
	aws.DocDB: true, aws.Neptune: true, aws.ElastiCache: true, aws.MemoryDB: true, aws.EFS: true,
}

func (g *Graph) addStore(o *aws.Store) {
	n := g.newNode(o, KindStore)
	n.groupNode = true
	subnets := o.Subnets
	groups := o.SecurityGroups
	public := o.Public
	if list, _ := resolve(g, o.Cluster); len(list) == 1 && list[0].of != o {
		// An instance of a cluster stands where the cluster does and has its groups.
		if len(subnets) == 0 {
			subnets = list[0].of.Subnets
		}
		if len(groups) == 0 {
			groups = list[0].of.SecurityGroups
		}
	}
	if o.Kind == aws.OpenSearch && len(subnets) == 0 {
		g.openSearch(n, o)
		return
	}
	if o.Kind == aws.MSK {
		g.msk(n, o, public)
		return
	}
	var fallback *vpc
	if vpcs, _ := resolve(g, o.VPC); len(vpcs) == 1 {
		fallback = g.vpcOf(vpcs[0].of)
	} else {
		fallback = g.defaultVPC(&o.Object)
	}
	i := g.placeIn(subnets, groups, fallback, &o.Object)
	if zone, ok := o.Zone.Known(); ok {
		if in := inZone(i.subnets, zone); len(in) > 0 {
			i.subnets = in
		}
	}
	i.public4, i.public6 = g.storePublic(o, i, public), never
	if !o.IPAddressType.Absent() && !is(g, o.IPAddressType, false, "dual", "dualstack", "ipv6").no && !neverPublic[o.Kind] {
		i.public6 = i.public4.and(g.anySubnet(i, func(s *subnet) cond { return condOf(s.hasV6) })).and(is(g, o.IPAddressType, false, "dual", "dualstack", "ipv6"))
	}
	if i.public4.no {
		i.closed = []Block{{NotPubliclyAccessible, n.address}}
	}
	if o.Kind == aws.OpenSearch {
		i.closed = []Block{{EndpointPrivate, n.address}}
	}
	g.storeVPC(o, i)
	if len(i.subnets) > 1 {
		i.placement = g.placementOf(o)
	}
	n.addIface(i)
}

// placementOf names what decides where a store stands.
func (g *Graph) placementOf(o *aws.Store) Bits {
	at := o.Address()
	if list, _ := resolve(g, o.SubnetGroup); len(list) == 1 && list[0].of.Address() != "" {
		at = list[0].of.Address()
	}
	return g.why.bits(inventory.Reason{Code: Placement, Ref: string(at)})
}

// storePublic returns whether a store has a public address by its own settings.
func (g *Graph) storePublic(o *aws.Store, i *iface, public aws.Bool) cond {
	if neverPublic[o.Kind] {
		return never
	}
	if o.Kind == aws.EMR {
		return g.anySubnet(i, func(s *subnet) cond { return s.auto4 })
	}
	if o.Kind == aws.RDSCluster {
		// Its instances have the addresses. One with storage of its own (Multi-AZ) has the setting itself.
		if len(o.Members) == 0 {
			return flag(g, public, false)
		}
		any := never
		for _, m := range o.Members {
			any = any.or(g.existence(&m.Object).and(g.storePublic(m, i, m.Public)))
		}
		return any
	}
	if !public.Absent() || o.Resource == nil || o.Resource.Language != inventory.CloudFormation {
		return flag(g, public, false)
	}
	if o.Kind != aws.RDSInstance {
		return never
	}
	// AWS has two texts for an absent PubliclyAccessible: by the VPC's internet gateway, and by the subnet group. They agree
	// where no subnet has a route to an internet gateway.
	for _, s := range i.subnets {
		if r := s.route(V4, viaIGW, nil); !r.isEmpty() {
			return perhaps(g.why.bits(inventory.Reason{Code: inventory.Computed, Ref: string(o.Address())}))
		}
	}
	return never
}

// storeVPC applies what RDS asks of the VPC of a public instance: DNS hostnames and resolution.
func (g *Graph) storeVPC(o *aws.Store, i *iface) {
	if o.Kind != aws.RDSInstance && o.Kind != aws.RDSCluster || i.public4.no {
		return
	}
	for _, s := range i.subnets {
		if s.vpc == nil || s.vpc.external || s.vpc.object.Default {
			continue
		}
		dns := flag(g, s.vpc.object.DNSHostnames, false).and(flag(g, s.vpc.object.DNSSupport, true))
		if dns.no {
			i.closed = []Block{{NotPubliclyAccessible, s.vpc.address}}
		}
		i.public4 = i.public4.and(dns)
		i.public6 = i.public6.and(dns)
	}
}

// openSearch is a domain outside of any VPC: it answers on the internet.
func (g *Graph) openSearch(n *node, o *aws.Store) {
	ports := Port(443)
	if flag(g, o.EnforceHTTPS, false).no {
		ports = ports.Union(Port(80))
	}
	f := &front{open: clientsOf(V4, protoTCP, ports), exists: certainly}
	if is(g, o.IPAddressType, false, "dualstack").certain() {
		f.open = f.open.Union(clientsOf(V6, protoTCP, ports))
	}
	switch peers, unsure, why := g.openPolicy(&o.Policy); {
	case peers.IsEmpty() && unsure.IsEmpty():
		f.shields = []string{"auth:iam"}
	default:
		f.open = f.open.cut(peers).Union(f.open.cut(unsure).Maybe(why))
		if !f.open.cut(internetV4.Union(internetV6)).some() {
			f.closed = []Block{{SourceRanges, n.address}}
		}
	}
	n.fronts = append(n.fronts, f)
}

// openPolicy returns from where a resource policy lets anyone call, signed or not: certainly, and maybe with the reason.
func (g *Graph) openPolicy(p *aws.Policy) (peers, unsure IPSet, why Bits) {
	all := everyV4.Union(everyV6)
	if p.Unknown {
		return all, IPSet{}, "" // a shield is what is certain
	}
	for _, s := range p.Statements {
		if !s.Effect.Is("Allow") || s.Unknown {
			continue
		}
		anyone := s.NotPrincipal || slices.ContainsFunc(s.Principals, func(who aws.Principal) bool {
			id, _ := who.ID.Known()
			return (who.Type == "*" || who.Type == "AWS") && (id == "*" || id == "" && who.Type == "*")
		})
		switch {
		case !anyone:
		case s.NotPrincipal || len(s.Conditions) == 0:
			return all, IPSet{}, ""
		case len(s.Sources) > 0 && !slices.ContainsFunc(s.Conditions, func(key string) bool { return key != "aws:sourceip" }):
			for _, c := range s.Sources {
				set, doubt := g.peerOf(c)
				if doubt != "" {
					unsure, why = unsure.Union(set), why.Union(doubt)
					continue
				}
				peers = peers.Union(set)
			}
		}
	}
	return peers, unsure, why
}

// msk is a cluster of brokers: private ones in subnets, and public addresses where that is switched on. Public access
// never admits clients without authentication.
func (g *Graph) msk(n *node, o *aws.Store, public aws.Bool) {
	i := g.placeIn(o.Subnets, o.SecurityGroups, nil, &o.Object)
	i.public4, i.public6 = flag(g, public, false), never
	if i.public4.no {
		i.closed = []Block{{NotPubliclyAccessible, n.address}}
	}
	n.addIface(i)
}

// clientsOf is what clients of the whole internet may dial: some ports of one protocol.
func clientsOf(f Family, proto uint8, ports Ports) Set {
	return oneBox(FamProto{f, proto}, Box{Peer: f.all(), Local: ports, PeerPorts: ephemeralPorts})
}
