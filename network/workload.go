package network

import (
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"github.com/trifecta-scanner/trifecta/aws"
	"github.com/trifecta-scanner/trifecta/inventory"
)

// newNode returns the node of an object, without anything that leads to it.
func (g *Graph) newNode(object aws.Node, kind Kind) *node {
	self := object.Self()
	n := &node{
		address: self.Address(), kind: kind, unit: self.Unit, object: object, location: self.Location(),
		exists: g.existence(self), created: self.Exists() != inventory.NotExists, inbound: true,
	}
	if !n.created {
		n.idle = []Block{{NotCreated, n.address}}
	}
	return g.add(n)
}

// addIface adds an interface, noting what is assumed where it stands in the default VPC.
func (n *node) addIface(i *iface) {
	if i == nil {
		return
	}
	for _, s := range i.subnets {
		if s.vpc != nil && s.vpc.object.Default && s.vpc.object.Origin != aws.Declared {
			n.assumptions = addTo(n.assumptions, AssumedDefaultVPC)
		}
	}
	i.name = i.fingerprint()
	n.ifaces = append(n.ifaces, i)
}

// fingerprint names what of an interface decides about connections: the class it belongs to.
func (i *iface) fingerprint() string {
	var b strings.Builder
	for _, s := range i.subnets {
		fmt.Fprintf(&b, "%d%q%q,", s.id, string(s.unknown), string(s.doubt))
	}
	b.WriteByte('|')
	if i.groups != nil {
		b.WriteString(i.groups.key)
	} else {
		b.WriteString("-")
	}
	fmt.Fprintf(&b, "|%v%q|%v%q|%q|%q|%v", i.public4.no, string(i.public4.why), i.public6.no, string(i.public6.why), string(i.placement), string(i.doubt), i.ports)
	if len(i.closed) > 0 || !i.addresses.IsEmpty() {
		fmt.Fprintf(&b, "|%v|%s", i.closed, i.addresses)
	}
	return b.String()
}

// placeIn returns an interface in the subnets of references. Without any it stands in the default subnets of the region,
// where fallback is set; where nothing is known of its subnets it stands in an unknown one.
func (g *Graph) placeIn(refs []aws.Ref[*aws.Subnet], groups []aws.Ref[*aws.SecurityGroup], fallback *vpc, self *aws.Object) *iface {
	subnets := g.subnetsOf(refs)
	if len(subnets) == 0 && fallback != nil {
		subnets = fallback.subnets
	}
	if len(subnets) == 0 {
		subnets = []*subnet{g.unknownSubnet(g.why.bits(inventory.Reason{Code: inventory.Computed, Ref: string(self.Address())}))}
	}
	i := &iface{subnets: subnets}
	if len(refs) == 1 && refs[0].Unknown() && !refs[0].Maybe() && len(subnets) > 1 {
		i.placement, i.branches = subnets[0].doubt, subnets[0].doubt != ""
	}
	i.groups = g.groupsOf(groups, g.defaultGroup(i))
	return i
}

// defaultGroup returns the group that interfaces of the VPC use where they name none.
func (g *Graph) defaultGroup(i *iface) *aws.SecurityGroup {
	for _, s := range i.subnets {
		if s.vpc != nil {
			return s.vpc.object.DefaultSecurityGroup
		}
	}
	return nil
}

// defaultVPC returns the default VPC of the region that an object is in; nil where the model has none.
func (g *Graph) defaultVPC(self *aws.Object) *vpc {
	var found *vpc
	for _, object := range g.model.VPCs {
		if !object.Default || object.Unit != self.Unit {
			continue
		}
		if object.Region() == self.Region() && object.Account() == self.Account() {
			return g.vpcOf(object)
		}
		if found == nil && (object.Region() == "" || self.Region() == "") {
			found = g.vpcOf(object)
		}
	}
	return found
}

// autoAddresses sets the public addresses that the subnets of an interface give to new ones.
func (g *Graph) autoAddresses(i *iface, setting aws.Bool) {
	i.public4 = g.anySubnet(i, func(s *subnet) cond { return s.auto4 })
	if !setting.Absent() {
		i.public4 = flag(g, setting, false)
	}
	i.public6 = g.anySubnet(i, func(s *subnet) cond { return s.auto6 })
}

// anySubnet joins what subnets say. Where they differ the interface stands in all of them, one each, but for those that a
// condition chooses from.
func (g *Graph) anySubnet(i *iface, ask func(*subnet) cond) cond {
	all, every := never, certainly
	for _, s := range i.subnets {
		all, every = all.or(ask(s)), every.and(ask(s))
	}
	if i.branches && every.no {
		return all.and(perhaps(i.placement))
	}
	return all
}

func (g *Graph) count(n aws.Int) cond {
	switch x, ok := n.Known(); {
	case ok && x > 0:
		return certainly
	case ok, n.Absent():
		return never
	}
	return perhaps(g.why.bits(n.Reasons()...))
}

func (g *Graph) listed(texts []aws.Text) cond {
	found := never
	for _, t := range texts {
		if _, ok := t.Known(); ok || t.Unknown() && !t.Rest() {
			return certainly
		}
		found = found.or(perhaps(g.why.bits(t.Reasons()...)))
	}
	return found
}

// addressed returns whether elastic addresses are associated.
func (g *Graph) addressed(list []*aws.AddressAssociation) cond {
	found := never
	for _, a := range list {
		_, why := g.written(&a.Written)
		found = found.or(perhaps(why))
		if why == "" {
			return certainly
		}
	}
	return found
}

// addNotCreated adds, for people who ask about them, what a count of 0 or a condition leaves out.
func (g *Graph) addNotCreated() {
	for _, object := range g.model.NotCreated {
		kind := KindWorkload
		switch object.(type) {
		case *aws.Instance, *aws.AutoScalingGroup, *aws.NodeGroup, *aws.Service, *aws.Function:
		case *aws.Store:
			kind = KindStore
		case *aws.LoadBalancer, *aws.API, *aws.Distribution, *aws.Accelerator:
			kind = KindProxy
		case *aws.EKSCluster, *aws.FunctionURL, *aws.ManagedFront:
			kind = KindFront
		case *aws.NetworkInterface:
			kind = KindInterface
		default:
			continue
		}
		n := g.newNode(object, kind)
		n.hidden, n.created, n.idle = true, false, []Block{{NotCreated, n.address}}
	}
}

func (g *Graph) buildWorkloads() {
	for _, o := range g.model.Instances {
		g.addInstance(o)
	}
	for _, o := range g.model.AutoScalingGroups {
		g.addGroup(o)
	}
	for _, o := range g.model.NodeGroups {
		g.addNodeGroup(o)
	}
	for _, o := range g.model.Services {
		g.addService(o)
	}
	for _, o := range g.model.Functions {
		n := g.newNode(o, KindWorkload)
		n.inbound = false
		if len(o.Subnets) > 0 {
			n.addIface(g.placeIn(o.Subnets, o.SecurityGroups, nil, &o.Object))
			n.initiates = true
		}
		for _, i := range n.ifaces {
			i.public4, i.public6 = never, never
		}
	}
	for _, o := range g.model.Stores {
		g.addStore(o)
	}
	for _, o := range g.model.ClientVPNEndpoints {
		// Users come out of interfaces in its subnets; it is where questions come from, and nothing is reached in it.
		n := g.newNode(o, KindInterface)
		n.hidden, n.inbound, n.initiates = true, false, true
		n.addIface(g.placeIn(o.Subnets, o.SecurityGroups, nil, &o.Object))
	}
	for _, o := range g.model.NetworkInterfaces {
		if o.Origin == aws.External {
			continue
		}
		n := g.newNode(o, KindInterface)
		n.addIface(g.ownInterface(o))
		n.hidden = len(o.Instances) > 0
	}
}

// ownInterface returns the interface of a declared one. Addresses of the subnet are given at launch only, not to it.
func (g *Graph) ownInterface(o *aws.NetworkInterface) *iface {
	i := g.placeIn([]aws.Ref[*aws.Subnet]{o.Subnet}, o.SecurityGroups, nil, &o.Object)
	i.public4 = g.addressed(o.Addresses)
	i.public6 = g.anySubnet(i, func(s *subnet) cond { return s.auto6 }).or(g.count(o.IPv6Count)).or(g.listed(o.IPv6Addresses))
	i.addresses = privateAddresses(o.PrivateIPs)
	return i
}

func privateAddresses(texts []aws.Text) IPSet {
	var list []netip.Prefix
	for _, t := range texts {
		if text, ok := t.Known(); ok {
			if p, ok := parsePrefix(text); ok {
				list = append(list, p)
			}
		}
	}
	return NewIPSet(list...)
}

func (g *Graph) addInstance(o *aws.Instance) {
	if o.Origin == aws.External {
		return
	}
	n := g.newNode(o, KindWorkload)
	n.initiates = true
	launch, template := o.Launch, aws.Launch{}
	if list, _ := resolve(g, o.LaunchTemplate); len(list) > 0 {
		template = list[0].of.Launch
	}
	interfaces := launch.Interfaces
	if len(interfaces) == 0 {
		interfaces = template.Interfaces
	}
	groups := launch.SecurityGroups
	if len(groups) == 0 {
		groups = template.SecurityGroups
	}
	added := o.AddedGroups // of the first interface
	own := false
	for k, x := range interfaces {
		if !x.Interface.Absent() {
			own = true
			g.premade(n, x.Interface)
			continue
		}
		if x.Index.Absent() && k > 0 || x.Index.Or(0) != 0 {
			n.addIface(g.launched(o, x, o.Subnet, groups, aws.Bool{}))
			continue
		}
		own = true
		public := launch.PublicIP
		if public.Absent() {
			public = template.PublicIP
		}
		n.addIface(g.launched(o, x, o.Subnet, groups, public))
	}
	if !own {
		public := launch.PublicIP
		if public.Absent() {
			public = template.PublicIP
		}
		n.addIface(g.launched(o, aws.LaunchInterface{IPv6Count: o.IPv6Count, IPv6Addresses: o.IPv6Addresses}, o.Subnet, groups, public))
	}
	if len(n.ifaces) > 0 {
		// An address that is tied to the instance is that of its first interface.
		first := n.ifaces[0]
		if len(added) > 0 {
			first.groups = g.joined(first.groups, g.groupsOf(added, nil))
		}
		first.public4 = first.public4.or(g.addressed(o.Addresses))
		first.addresses = first.addresses.Union(privateAddresses([]aws.Text{o.PrivateIP}))
		first.name = first.fingerprint()
	}
	for _, ref := range o.Attached {
		g.premade(n, ref)
	}
}

// joined returns the set of the groups of two sets.
func (g *Graph) joined(a, b *groupSet) *groupSet {
	all := &groupSet{groups: slices.Clone(a.groups), unknown: a.unknown.Union(b.unknown), key: a.key + "+" + b.key}
	if same := g.sets[all.key]; same != nil {
		return same
	}
	for _, s := range b.groups {
		if !slices.Contains(all.groups, s) {
			all.groups = append(all.groups, s)
		}
	}
	g.sets[all.key] = all
	return all
}

// premade adds the interface that an instance gets by a reference.
func (g *Graph) premade(n *node, ref aws.Ref[*aws.NetworkInterface]) {
	list, elsewhere := resolve(g, ref)
	for _, x := range list {
		i := g.ownInterface(x.of)
		if x.why != "" {
			i.public4, i.public6 = i.public4.and(perhaps(x.why)), i.public6.and(perhaps(x.why))
			i.doubt = x.why
		}
		n.addIface(i)
	}
	if elsewhere != "" {
		n.addIface(&iface{subnets: []*subnet{g.unknownSubnet(elsewhere)}, groups: &groupSet{unknown: elsewhere, key: "?" + string(elsewhere)}, public4: perhaps(elsewhere), public6: perhaps(elsewhere)})
	}
}

// launched returns an interface that is made with an instance.
func (g *Graph) launched(o *aws.Instance, x aws.LaunchInterface, subnet aws.Ref[*aws.Subnet], groups []aws.Ref[*aws.SecurityGroup], public aws.Bool) *iface {
	where := x.Subnet
	if where.Absent() {
		where = subnet
	}
	if len(x.SecurityGroups) > 0 {
		groups = x.SecurityGroups
	}
	if !x.PublicIP.Absent() {
		public = x.PublicIP
	}
	var refs []aws.Ref[*aws.Subnet]
	if !where.Absent() {
		refs = append(refs, where)
	}
	fallback := g.defaultVPC(&o.Object)
	i := g.placeIn(refs, groups, fallback, &o.Object)
	if zone, ok := o.Zone.Known(); ok && len(refs) == 0 {
		if in := inZone(i.subnets, zone); len(in) > 0 {
			i.subnets = in
		}
	}
	g.autoAddresses(i, public)
	i.public6 = i.public6.or(g.count(x.IPv6Count)).or(g.listed(x.IPv6Addresses))
	return i
}

func inZone(subnets []*subnet, zone string) []*subnet {
	var in []*subnet
	for _, s := range subnets {
		if s.zone == zone {
			in = append(in, s)
		}
	}
	return in
}

func (g *Graph) addGroup(o *aws.AutoScalingGroup) {
	n := g.newNode(o, KindWorkload)
	n.initiates, n.groupNode = true, true
	templates := slices.Concat(o.Templates, o.Overrides)
	if len(templates) == 0 {
		templates = []aws.Ref[*aws.LaunchTemplate]{{}}
	}
	for _, t := range templates {
		list, elsewhere := resolve(g, t)
		if len(list) == 0 {
			i := g.placeIn(o.Subnets, nil, g.defaultVPC(&o.Object), &o.Object)
			if elsewhere == "" {
				elsewhere = g.why.bits(inventory.Reason{Code: inventory.Computed, Ref: string(o.Address())})
			}
			i.groups = &groupSet{unknown: elsewhere, key: "?" + string(elsewhere)}
			i.public4, i.public6 = perhaps(elsewhere), g.anySubnet(i, func(s *subnet) cond { return s.auto6 })
			n.addIface(i)
			continue
		}
		for _, x := range list {
			n.addIface(g.fromTemplate(o.Subnets, x.of, &o.Object))
		}
	}
}

// fromTemplate returns the interface of machines that start from a template.
func (g *Graph) fromTemplate(subnets []aws.Ref[*aws.Subnet], t *aws.LaunchTemplate, self *aws.Object) *iface {
	groups, public := t.SecurityGroups, t.PublicIP
	six := never
	if why := t.Unknowable(); why != nil {
		i := g.placeIn(subnets, nil, g.defaultVPC(self), self)
		unknown := g.why.bits(why...)
		i.groups = &groupSet{unknown: unknown, key: "?" + string(unknown)}
		i.public4, i.public6 = perhaps(unknown), perhaps(unknown)
		return i
	}
	for k, x := range t.Interfaces {
		if x.Index.Absent() && k > 0 || x.Index.Or(0) != 0 {
			continue
		}
		if len(x.SecurityGroups) > 0 {
			groups = x.SecurityGroups
		}
		if !x.PublicIP.Absent() {
			public = x.PublicIP
		}
		if len(subnets) == 0 && !x.Subnet.Absent() {
			subnets = []aws.Ref[*aws.Subnet]{x.Subnet}
		}
		six = g.count(x.IPv6Count).or(g.listed(x.IPv6Addresses))
	}
	i := g.placeIn(subnets, groups, g.defaultVPC(self), self)
	g.autoAddresses(i, public)
	i.public6 = i.public6.or(six)
	return i
}

func (g *Graph) addNodeGroup(o *aws.NodeGroup) {
	n := g.newNode(o, KindWorkload)
	n.initiates, n.groupNode = true, true
	i := g.placeIn(o.Subnets, nil, nil, &o.Object)
	var own []aws.Ref[*aws.SecurityGroup]
	clusters, elsewhere := resolve(g, o.Cluster)
	if len(clusters) == 1 && clusters[0].of.SecurityGroup != nil {
		own = append(own, aws.To(clusters[0].of.SecurityGroup))
	}
	groups := own
	var public aws.Bool
	if list, _ := resolve(g, o.LaunchTemplate); len(list) > 0 {
		t := list[0].of
		public = t.PublicIP
		if len(t.SecurityGroups) > 0 {
			groups = t.SecurityGroups // EKS then adds none of its own
		}
		for _, x := range t.Interfaces {
			if len(x.SecurityGroups) > 0 {
				groups = x.SecurityGroups
			}
			if !x.PublicIP.Absent() {
				public = x.PublicIP
			}
		}
	}
	gs := g.groupsOf(groups, nil)
	if len(groups) == 0 {
		_ = elsewhere // a cluster elsewhere has a group of its own that admits only itself
	}
	if !o.SSHKey.Absent() {
		gs = g.withSSH(gs, o)
	}
	i.groups = gs
	g.autoAddresses(i, public)
	n.addIface(i)
}

// withSSH adds the group that EKS makes for remote access: SSH from the named groups, else from everywhere
// (https://docs.aws.amazon.com/eks/latest/APIReference/API_RemoteAccessConfig.html).
func (g *Graph) withSSH(gs *groupSet, o *aws.NodeGroup) *groupSet {
	s := &group{id: 1 << 20, place: placeOf(&o.Object), exists: certainly, implied: true}
	r := rule{place: s.place, keys: []FamProto{{V4, protoTCP}, {V6, protoTCP}}, ports: Port(22), resource: o.Resource}
	if !o.SSHKey.Written() && !o.SSHKey.Default() {
		r.why = g.why.bits(o.SSHKey.Reasons()...)
	}
	if len(o.SSHSources) == 0 {
		r.peer = everyV4.Union(everyV6)
		s.rules = []rule{r}
	}
	for _, ref := range o.SSHSources {
		list, elsewhere := resolve(g, ref)
		for _, x := range list {
			y := r
			y.groups, y.why, y.source = []*group{g.groupOf(x.of)}, y.why.Union(x.why), string(x.of.Address())
			s.rules = append(s.rules, y)
		}
		if elsewhere != "" {
			y := r
			y.anyGroup, y.why = true, y.why.Union(elsewhere)
			s.rules = append(s.rules, y)
		}
	}
	s.id += len(g.nodes)
	return &groupSet{groups: append(slices.Clone(gs.groups), s), unknown: gs.unknown, key: gs.key + "ssh" + strconv.Itoa(s.id)}
}

func (g *Graph) addService(o *aws.Service) {
	n := g.newNode(o, KindWorkload)
	n.initiates, n.groupNode = true, true
	tasks, _ := resolve(g, o.TaskDefinition)
	own := len(o.Subnets) > 0 || len(tasks) == 1 && tasks[0].of.NetworkMode.Is("awsvpc")
	if own {
		i := g.placeIn(o.Subnets, o.SecurityGroups, nil, &o.Object)
		i.public4 = flag(g, o.PublicIP, false)
		if is(g, o.LaunchType, false, "EC2").certain() {
			i.public4 = never // https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task-networking-awsvpc.html
		}
		i.public6 = g.anySubnet(i, func(s *subnet) cond { return s.auto6 })
		n.addIface(i)
		return
	}
	// Without a network of its own a task uses that of the container instance.
	ports := hostPorts(tasks)
	var hosts []*node
	for _, a := range g.model.AutoScalingGroups {
		if a.Unit == o.Unit {
			hosts = append(hosts, g.byObject[a])
		}
	}
	if len(hosts) == 1 {
		for _, h := range hosts[0].ifaces {
			copied := *h
			copied.ports, copied.portBlock = ports, Block{NoFront, n.address}
			n.addIface(&copied)
		}
		n.assumptions = addTo(n.assumptions, hosts[0].assumptions...)
		return
	}
	why := g.why.bits(inventory.Reason{Code: inventory.Computed, Ref: string(o.Address())})
	n.addIface(&iface{subnets: []*subnet{g.unknownSubnet(why)}, groups: &groupSet{unknown: why, key: "?" + string(why)}, public4: perhaps(why), public6: never, ports: ports, portBlock: Block{NoFront, n.address}})
}

// hostPorts returns the ports that containers of a task open on their host for all to see.
func hostPorts(tasks []option[*aws.TaskDefinition]) Set {
	var clauses []clause
	for _, t := range tasks {
		for _, c := range t.of.Containers {
			for _, p := range c.Ports {
				port := p.HostPort
				if t.of.NetworkMode.Is("host") || t.of.NetworkMode.Is("awsvpc") {
					port = p.ContainerPort
				}
				if number, ok := port.Known(); ok && number > 0 {
					proto := uint8(protoTCP)
					if p.Protocol.Is("udp") {
						proto = protoUDP
					}
					clauses = append(clauses, clause{[]FamProto{{V4, proto}, {V6, proto}}, portRange(number, number), everyV4.Union(everyV6), ""})
				}
			}
		}
	}
	if len(clauses) == 0 {
		// Ports that the host chooses: nothing that can be dialled by number, but a load balancer knows them.
		clauses = append(clauses, clause{[]FamProto{{V4, protoOther}}, allPorts, everyV4, ""})
	}
	return compile(clauses, tooComplex)
}
