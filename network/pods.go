package network

import (
	"slices"
	"strings"

	"github.com/trifecta-scanner/trifecta/aws"
	"github.com/trifecta-scanner/trifecta/inventory"
	"github.com/trifecta-scanner/trifecta/kube"
)

// kubernetes is what the graph knows of the clusters that Kubernetes objects run in.
type kubernetes struct {
	g *Graph
	m *kube.Model
	// controller says whether the tree installs the AWS Load Balancer Controller.
	controller bool
	// enforced says whether something in the tree enforces network policies.
	enforced bool
	nodesOf  map[*aws.EKSCluster][]*node // node groups, or a stand-in for nodes that the code does not name
	pods     map[*kube.Workload]*node
	services map[*kube.Service]*node
}

func (g *Graph) buildKubernetes() {
	k := &kubernetes{g: g, m: g.cluster, nodesOf: map[*aws.EKSCluster][]*node{}, pods: map[*kube.Workload]*node{}, services: map[*kube.Service]*node{}}
	g.pods = k
	k.controller = k.installs("aws-load-balancer-controller") || k.addon("aws-load-balancer-controller")
	k.enforced = k.enforces()
	for _, w := range k.m.Workloads {
		k.addPods(w)
	}
	for _, s := range k.m.Services {
		k.addServiceFront(s)
	}
	k.addIngresses()
	k.addGateways()
	k.addIstio()
	k.addBindings()
	for _, w := range k.m.Workloads {
		k.hostPorts(w)
		if w.Knative {
			k.addKnative(w)
		}
	}
	k.idlePods()
}

// newNode returns the node of a Kubernetes object.
func (k *kubernetes) newNode(o *kube.Object, object any, kind Kind) *node {
	exists := certainly
	if o.Resource.Exists == inventory.MayExist {
		exists = perhaps(k.g.why.bits(o.Resource.Reasons...))
	}
	return k.g.add(&node{
		address: o.ID(), kind: kind, unit: aws.Unit{Root: o.Resource.Root, Environment: o.Resource.Environment}, object: object,
		location: o.Resource.Location, exists: exists, created: o.Resource.Exists != inventory.NotExists, proxy: kind == KindProxy,
	})
}

// installs reports whether the tree installs something by a chart or a workload whose image has one of the names.
func (k *kubernetes) installs(names ...string) bool {
	for _, r := range k.m.Releases {
		if r.Resource.Exists == inventory.NotExists {
			continue
		}
		if slices.ContainsFunc(names, func(n string) bool { return strings.Contains(r.ChartName(), n) }) {
			return true
		}
	}
	for _, w := range k.m.Workloads {
		for _, image := range w.Pod.Images() {
			if text := imageName(image); slices.ContainsFunc(names, func(n string) bool { return strings.Contains(text, n) }) {
				return true
			}
		}
	}
	return false
}

// addon reports whether the tree adds something to a cluster by a name that EKS has for it.
func (k *kubernetes) addon(name string) bool {
	return slices.ContainsFunc(k.g.model.Addons, func(a *aws.Addon) bool { return a.Name.Is(name) && a.Exists() == inventory.Exists })
}

// imageName returns what is known of an image's name.
func imageName(v inventory.Value) string {
	if text, ok := v.Text(); ok {
		return text
	}
	var b strings.Builder
	for _, p := range v.Parts() {
		if text, ok := p.Text(); ok {
			b.WriteString(text)
		}
	}
	return b.String()
}

// enforces reports whether the tree has evidence of something that enforces network policies.
func (k *kubernetes) enforces() bool {
	if len(k.m.CiliumPolicies) > 0 || k.installs("calico", "tigera-operator", "cilium", "antrea") {
		return true
	}
	for _, a := range k.g.model.Addons {
		if !a.Name.Is("vpc-cni") || a.Exists() != inventory.Exists {
			continue
		}
		text, _ := a.Configuration.Known()
		if inner, ok := a.ConfigurationValue.Encoded(); ok {
			if on, ok := inner.Get("enableNetworkPolicy").Bool(); ok && on {
				return true
			}
		}
		compact := strings.NewReplacer(" ", "", "\n", "", "'", `"`, "\\", "").Replace(text)
		if strings.Contains(compact, `"enableNetworkPolicy":"true"`) || strings.Contains(compact, `"enableNetworkPolicy":true`) || strings.Contains(compact, `enableNetworkPolicy:"true"`) || strings.Contains(compact, `enableNetworkPolicy:true`) {
			return true
		}
	}
	return false
}

// clusters returns the EKS clusters that the tree makes.
func (k *kubernetes) clusters() []*aws.EKSCluster {
	var list []*aws.EKSCluster
	for _, c := range k.g.model.EKSClusters {
		if c.Exists() != inventory.NotExists && c.Resource != nil && c.Origin != aws.External {
			list = append(list, c)
		}
	}
	return list
}

// cluster returns the EKS cluster that an object runs in: the one of the tree, or that of its own Terraform root. several
// says that there are more and nothing tells which.
func (k *kubernetes) cluster(o *kube.Object) (c *aws.EKSCluster, several bool) {
	var own, near []*aws.EKSCluster
	all := k.clusters()
	for _, c := range all {
		if c.Unit == (aws.Unit{Root: o.Resource.Root, Environment: o.Resource.Environment}) {
			own = append(own, c)
		}
		if c.Unit.Environment == o.Resource.Environment && o.Resource.Environment != "" {
			near = append(near, c)
		}
		if name, ok := c.Name.Known(); ok && name != "" && slices.Contains(strings.FieldsFunc(o.Resource.Location.Path, func(r rune) bool { return r == '/' }), name) {
			return c, false
		}
	}
	for _, list := range [][]*aws.EKSCluster{own, near, all} {
		if len(list) == 1 {
			return list[0], false
		}
	}
	return nil, len(all) > 1
}

// nodes returns the node groups of a cluster; where the code has none, a stand-in in the cluster's subnets.
func (k *kubernetes) nodes(c *aws.EKSCluster) []*node {
	if c == nil {
		return nil
	}
	if list, ok := k.nodesOf[c]; ok {
		return list
	}
	var list []*node
	for _, ng := range c.NodeGroups {
		if n := k.g.byObject[ng]; n != nil && n.created {
			list = append(list, n)
		}
	}
	if len(list) == 0 {
		n := &node{address: c.Address(), kind: KindWorkload, unit: c.Unit, location: c.Location(), exists: certainly, created: true, inbound: true, initiates: true, groupNode: true, hidden: true}
		var groups []aws.Ref[*aws.SecurityGroup]
		if c.SecurityGroup != nil {
			groups = append(groups, aws.To(c.SecurityGroup))
		}
		i := k.g.placeIn(c.Subnets, groups, nil, &c.Object)
		k.g.autoAddresses(i, aws.Bool{})
		n.addIface(i)
		k.g.nodes = append(k.g.nodes, n)
		list = []*node{n}
	}
	k.nodesOf[c] = list
	return list
}

// addPods adds the node of a workload. Its pods open connections from the interfaces of nodes.
func (k *kubernetes) addPods(w *kube.Workload) {
	n := k.newNode(&w.Object, w, KindWorkload)
	n.initiates = true
	n.pod = w
	k.pods[w] = n
	c, _ := k.cluster(&w.Object)
	for _, from := range k.nodes(c) {
		for _, i := range from.ifaces {
			copied := *i
			n.ifaces = append(n.ifaces, &copied)
		}
	}
}

// text returns a known text of an annotation, and whether it is written but not known.
func (k *kubernetes) text(v inventory.Value) (text string, unknown Bits) {
	if v.IsUnknown() {
		return "", k.g.why.bits(v.Reasons()...)
	}
	text, _ = v.Text()
	return strings.TrimSpace(text), ""
}

func truthCond(k *kubernetes, t kube.Truth, o *kube.Object) cond {
	switch t {
	case kube.Yes:
		return certainly
	case kube.No:
		return never
	}
	var reasons []inventory.Reason
	for _, v := range []inventory.Value{o.Labels, o.Get("spec", "selector"), o.Get("metadata", "name"), o.Get("metadata", "namespace"), o.Get("spec", "template", "metadata", "labels")} {
		reasons = append(reasons, v.AllReasons()...)
	}
	return perhaps(k.g.why.bits(reasons...))
}

const annotation = "service.beta.kubernetes.io/"

// scheme returns whether the load balancer of a Service faces the internet.
func (k *kubernetes) scheme(s *kube.Service) cond {
	internal, unknown := k.text(s.Annotation(annotation + "aws-load-balancer-internal"))
	scheme, unknown2 := k.text(s.Annotation(annotation + "aws-load-balancer-scheme"))
	kind, unknown3 := k.text(s.Annotation(annotation + "aws-load-balancer-type"))
	class, unknown4 := k.text(s.LoadBalancerClass)
	switch {
	case strings.EqualFold(internal, "true"), internal == "0.0.0.0/0", scheme == "internal":
		return never
	case scheme == "internet-facing":
		return certainly
	case unknown != "" || unknown2 != "":
		return perhaps(unknown.Union(unknown2))
	case class == "service.k8s.aws/nlb", class == "eks.amazonaws.com/nlb", kind == "external", kind == "nlb-ip":
		return never // their default
	case unknown3 != "" || unknown4 != "":
		return perhaps(unknown3.Union(unknown4))
	case k.controller && class == "":
		return never
	case class == "" && k.ownCluster(s):
		return certainly // the root makes the cluster and puts no controller into it: that of Kubernetes itself
	}
	return perhaps(k.g.why.bits(inventory.Reason{Code: K8sLBController, Ref: string(s.ID())}))
}

// ownCluster reports whether one Terraform root makes both the cluster and the Service, and installs no charts.
func (k *kubernetes) ownCluster(s *kube.Service) bool {
	if s.Resource.Language != inventory.Terraform {
		return false
	}
	unit := aws.Unit{Root: s.Resource.Root, Environment: s.Resource.Environment}
	for _, r := range k.m.Releases {
		if r.Resource.Root == unit.Root {
			return false
		}
	}
	return slices.ContainsFunc(k.g.model.EKSClusters, func(c *aws.EKSCluster) bool {
		return c.Unit == unit && c.Origin == aws.Declared && !c.AutoMode.May(true)
	})
}

// ranges is a list of sources that may be not known.
type ranges struct {
	set     IPSet
	unsure  IPSet
	why     Bits
	written bool
}

func (k *kubernetes) rangesOf(values ...inventory.Value) ranges {
	var r ranges
	for _, v := range values {
		for _, e := range v.Elements() {
			text, ok := e.Text()
			if !ok {
				r.written = true
				r.unsure = everyV4.Union(everyV6)
				r.why = r.why.Union(k.g.why.bits(e.Reasons()...))
				continue
			}
			for _, part := range strings.FieldsFunc(text, func(c rune) bool { return c == ',' || c == ' ' }) {
				r.written = true
				if p, ok := parsePrefix(part); ok {
					r.set = r.set.Union(NewIPSet(p))
				}
			}
		}
	}
	if !r.written {
		r.set = everyV4.Union(everyV6)
	}
	return r
}

// gate returns the connections of s from the ranges.
func (r ranges) gate(s Set) Set {
	set := s.cut(r.set)
	if r.unsure.IsEmpty() {
		return set
	}
	return set.Union(s.cut(r.unsure).Maybe(r.why))
}

// open gives a proxy its door to the internet: through the subnets of the cluster's VPC where the code has the cluster,
// else one that is assumed. ports is what it listens on, for clients of the ranges.
func (k *kubernetes) open(n *node, o *kube.Object, ports Set, who ranges, public cond, groups *groupSet, subnets inventory.Value) {
	open := who.gate(ports)
	if public.no {
		n.fronts = append(n.fronts, &front{exists: never, closed: []Block{{LBInternal, n.address}}})
		k.insideDoor(n, o, open)
		return
	}
	if !open.cut(internetV4.Union(internetV6)).some() {
		n.fronts = append(n.fronts, &front{exists: never, closed: []Block{{SourceRanges, n.address}}})
		return
	}
	loc := n.location
	prove := func(list []Guard) []Guard {
		if !who.written {
			return list
		}
		return addGuard(list, n.address, loc, "sources "+who.set.Union(who.unsure).String())
	}
	c, several := k.cluster(o)
	if c == nil {
		f := &front{open: open, exists: public, proof: []proof{prove}, assumptions: []string{AssumedClusterNetwork}}
		if groups != nil {
			f.open = open.Intersect(groups.allows(fromInternet, false, k.g.why))
			f.proof = append(f.proof, k.g.proveGroups(groups, fromInternet, false, f.open))
		}
		if several {
			f.exists = f.exists.and(k.anyPublic(o))
			f.assumptions = append(f.assumptions, "cluster-not-told-apart")
		}
		if !f.open.cut(internetV4.Union(internetV6)).some() {
			f = &front{exists: never, closed: groupPlaces(groups, SGNoMatch)}
		}
		n.fronts = append(n.fronts, f)
		return
	}
	i := &iface{subnets: k.chosenSubnets(o, c, subnets), groups: groups, public4: public, public6: public, ports: open, portBlock: Block{SourceRanges, n.address}}
	six := slices.ContainsFunc(i.subnets, func(s *subnet) bool { return s.hasV6 })
	if !six {
		i.public6 = never
	}
	n.inbound = true
	n.addIface(i)
	n.doorProof = append(n.doorProof, prove)
}

// anyPublic returns whether a load balancer stands in a subnet with a route to the internet, where nothing tells in which
// cluster of the tree it is: it does if it would in each.
func (k *kubernetes) anyPublic(o *kube.Object) cond {
	for _, c := range k.clusters() {
		if !slices.ContainsFunc(k.publicSubnets(c), func(s *subnet) bool { return !s.route(V4, viaIGW, nil).sure.IsEmpty() }) {
			return perhaps(k.g.why.bits(inventory.Reason{Code: Placement, Ref: string(o.ID())}))
		}
	}
	return certainly
}

// insideDoor gives an internal load balancer its interface, for questions from inside of the VPC.
func (k *kubernetes) insideDoor(n *node, o *kube.Object, open Set) {
	c, _ := k.cluster(o)
	if c == nil {
		return
	}
	i := k.g.placeIn(c.Subnets, nil, nil, &c.Object)
	i.groups = nil
	i.public4, i.public6, i.ports, i.portBlock = never, never, open, Block{SourceRanges, n.address}
	i.closed = []Block{{LBInternal, n.address}}
	n.inbound = true
	n.addIface(i)
}

// chosenSubnets returns the subnets that an object names for its load balancer, by id or by their tag Name, else those that
// the controller chooses.
func (k *kubernetes) chosenSubnets(o *kube.Object, c *aws.EKSCluster, named inventory.Value) []*subnet {
	var list []*subnet
	for _, v := range listed(named) {
		ref, isRef := v.Ref()
		text, isText := v.Text()
		found := false
		for _, s := range k.g.model.Subnets {
			if s.Resource == nil || s.Origin != aws.Declared {
				continue
			}
			if isRef && s.Resource.ID == ref.Resource && s.Resource.Root == o.Resource.Root && s.Resource.Environment == o.Resource.Environment || isText && s.Tag("Name").Is(text) {
				list, found = append(list, k.g.subnetOf(s)), true
			}
		}
		if !found {
			why := v.Reasons()
			if len(why) == 0 {
				why = []inventory.Reason{{Code: inventory.DataSource, Ref: text}}
			}
			list = append(list, k.g.unknownSubnet(k.g.why.bits(why...)))
		}
	}
	if len(list) > 0 {
		return list
	}
	return k.publicSubnets(c)
}

// publicRole is the tag of subnets for public load balancers.
const publicRole = "kubernetes.io/role/elb"

// publicSubnets returns the subnets in which the controller puts a public load balancer: of the cluster's VPC those that
// are tagged for it, else those with a route to an internet gateway; without any, those of the cluster
// (https://kubernetes-sigs.github.io/aws-load-balancer-controller/latest/deploy/subnet_discovery/).
func (k *kubernetes) publicSubnets(c *aws.EKSCluster) []*subnet {
	own := k.g.subnetsOf(c.Subnets)
	var tagged, list []*subnet
	for _, s := range own {
		if s.vpc == nil {
			continue
		}
		for _, candidate := range s.vpc.subnets {
			if slices.ContainsFunc(list, func(x *subnet) bool { return x.id == candidate.id }) || slices.ContainsFunc(tagged, func(x *subnet) bool { return x.id == candidate.id }) {
				continue
			}
			if candidate.object != nil && (candidate.object.Tag(publicRole).Is("1") || candidate.object.Tag(publicRole).Is("")) {
				tagged = append(tagged, candidate)
			} else if r := candidate.route(V4, viaIGW, nil); !r.isEmpty() {
				list = append(list, candidate)
			}
		}
	}
	if len(tagged) > 0 {
		return tagged
	}
	if len(list) > 0 {
		return list
	}
	if len(own) == 0 {
		own = []*subnet{k.g.unknownSubnet(k.g.why.bits(inventory.Reason{Code: inventory.Computed, Ref: string(c.Address())}))}
	}
	return own
}

// protocolOf returns the protocol of a Kubernetes port.
func protocolOf(name string) uint8 {
	switch strings.ToUpper(name) {
	case "UDP":
		return protoUDP
	case "SCTP":
		return 132
	}
	return protoTCP
}

// port returns the ports that a value says; all, with why, where it is not known.
func (k *kubernetes) port(v inventory.Value) (Ports, Bits) {
	if n, ok := v.Int(); ok {
		return portRange(n, n), ""
	}
	if v.IsUnknown() {
		return allPorts, k.g.why.bits(v.Reasons()...)
	}
	return Ports{}, ""
}

// listens is what a proxy listens on: one port of one protocol in both families, or in IPv4 only.
func listens(proto uint8, ports Ports, why Bits, six bool) Set {
	s := clientsOf(V4, proto, ports)
	if six {
		s = s.Union(clientsOf(V6, proto, ports))
	}
	return s.Maybe(why)
}

// typeCond returns whether a Service is of a type, which its own field alone decides.
func (k *kubernetes) typeCond(s *kube.Service, is kube.Truth) cond {
	if is == kube.Maybe {
		return perhaps(k.g.why.bits(s.Type.Reasons()...))
	}
	return truthCond(k, is, &s.Object)
}

func (k *kubernetes) addServiceFront(s *kube.Service) {
	if len(s.ExternalIPs) > 0 {
		n := k.serviceNode(s)
		why := k.g.why.bits(inventory.Reason{Code: Placement, Ref: string(s.ID())})
		f := &front{exists: perhaps(why), assumptions: []string{AssumedClusterNetwork}}
		for _, p := range s.Ports {
			ports, doubt := k.port(p.Port)
			f.open = f.open.Union(listens(protocolOf(p.Protocol), ports, doubt, false))
		}
		n.fronts = append(n.fronts, f)
		k.forward(s, n, nil, certainly, nil)
	}
	balanced := s.IsType(kube.LoadBalancer)
	if balanced == kube.No {
		if s.IsType(kube.NodePort) != kube.No {
			k.nodePorts(s, k.typeCond(s, s.IsType(kube.NodePort)))
		}
		return
	}
	n := k.serviceNode(s)
	dual, _ := k.text(s.Annotation(annotation + "aws-load-balancer-ip-address-type"))
	var ports Set
	for _, p := range s.Ports {
		number, why := k.port(p.Port)
		ports = ports.Union(listens(protocolOf(p.Protocol), number, why, dual == "dualstack"))
	}
	sources := s.SourceRanges
	if len(sources) == 0 {
		if v := s.Annotation(annotation + "load-balancer-source-ranges"); !v.IsNull() {
			sources = []inventory.Value{v}
		}
	}
	public := k.scheme(s)
	gate := k.typeCond(s, balanced)
	n.exists = n.exists.and(gate)
	k.open(n, &s.Object, ports, k.rangesOf(sources...), public, k.namedGroups(&s.Object, s.Annotation(annotation+"aws-load-balancer-security-groups")), s.Annotation(annotation+"aws-load-balancer-subnets"))
	keeps := k.keepsClient(s)
	if k.forward(s, n, nil, certainly, func(e *edge) { e.keeps = keeps }) == 0 {
		k.noTarget(s)
	}
	k.nodePorts(s, gate)
}

// keepsClient reports whether the pods of a Service see the clients of its load balancer: by way of nodes that hand
// connections to pods of their own only, or where the target group says so.
func (k *kubernetes) keepsClient(s *kube.Service) bool {
	kind, _ := k.text(s.Annotation(annotation + "aws-load-balancer-nlb-target-type"))
	attributes, _ := k.text(s.Annotation(annotation + "aws-load-balancer-target-group-attributes"))
	if strings.Contains(attributes, "preserve_client_ip.enabled=true") {
		return true
	}
	typ, _ := k.text(s.Annotation(annotation + "aws-load-balancer-type"))
	policy, _ := s.ExternalTrafficPolicy.Text()
	return policy == "Local" && kind != "ip" && typ != "nlb-ip" && typ != ""
}

// namedGroups returns the security groups that an annotation of an object names, by id or by their tag Name; nil where it
// names none.
func (k *kubernetes) namedGroups(o *kube.Object, v inventory.Value) *groupSet {
	if v.IsNull() {
		return nil
	}
	gs := &groupSet{}
	for _, e := range listed(v) {
		if found := k.groupNamed(o, e); found != nil {
			gs.groups = append(gs.groups, k.g.groupOf(found))
			continue
		}
		text, _ := e.Text()
		why := e.Reasons()
		if len(why) == 0 {
			why = []inventory.Reason{{Code: inventory.DataSource, Ref: text}}
		}
		gs.unknown = gs.unknown.Union(k.g.why.bits(why...))
	}
	var key strings.Builder
	for _, s := range gs.groups {
		key.WriteString(string(bit(uint32(s.id)))) //nolint:gosec // an index
	}
	gs.key = "k8s " + key.String() + string(gs.unknown)
	return gs
}

// listed returns the members of a list that is written as one: as a list, or as a text with commas, of which some members
// may be references.
func listed(v inventory.Value) []inventory.Value {
	var list []inventory.Value
	for _, e := range v.Elements() {
		parts := e.Parts()
		if len(parts) == 0 {
			parts = []inventory.Value{e}
		}
		for _, p := range parts {
			text, ok := p.Text()
			if !ok {
				list = append(list, p)
				continue
			}
			for _, member := range strings.FieldsFunc(text, func(r rune) bool { return r == ',' || r == ' ' }) {
				list = append(list, inventory.StringValue(member, p.Location()))
			}
		}
	}
	return list
}

// groupNamed returns the security group of the code that a value refers to or that has its text as tag Name.
func (k *kubernetes) groupNamed(o *kube.Object, v inventory.Value) *aws.SecurityGroup {
	ref, isRef := v.Ref()
	text, isText := v.Text()
	for _, s := range k.g.model.SecurityGroups {
		switch {
		case s.Resource == nil || s.Origin != aws.Declared:
		case isRef && s.Resource.ID == ref.Resource && s.Resource.Root == o.Resource.Root && s.Resource.Environment == o.Resource.Environment:
			return s
		case isText:
			if s.Tag("Name").Is(text) {
				return s
			}
		}
	}
	return nil
}

func (k *kubernetes) serviceNode(s *kube.Service) *node {
	if n := k.services[s]; n != nil {
		return n
	}
	n := k.newNode(&s.Object, s, KindProxy)
	k.services[s] = n
	return n
}

// forward makes the edges from a proxy through a Service to its pods. ref narrows it to one port of the Service; from says
// on which ports the proxy is dialled, nil on those of the Service.
func (k *kubernetes) forward(s *kube.Service, n *node, ref *inventory.Value, exists cond, set func(e *edge)) int {
	made := 0
	for _, p := range s.Ports {
		here := exists
		if ref != nil {
			found, match := s.Find(*ref)
			if match == kube.No || found.Location != p.Location || found.Name != p.Name {
				continue
			}
			here = here.and(truthCond(k, match, &s.Object))
		}
		for _, b := range k.m.Backends(s) {
			to := k.pods[b.Workload]
			target, ok := p.Target(&b.Workload.Pod)
			if to == nil || !ok {
				continue
			}
			ports, why := k.port(p.Port)
			toPort, why2 := k.port(target)
			e := &edge{from: n, to: to, proto: protocolOf(p.Protocol), port: ports, toPort: toPort, how: byService, exists: here.and(perhaps(why.Union(why2))).and(truthCond(k, b.Match, &b.Workload.Object))}
			if n != k.services[s] {
				e.via = appendIDs(nil, s.ID())
			}
			if set != nil {
				set(e)
			}
			if e.port.IsEmpty() {
				continue
			}
			e.policies = k.policies(b.Workload, e.pod, e.keeps)
			k.g.connect(e)
			made++
		}
	}
	return made
}

// noTarget says of the pods of a Service that what stands in front of it has no way on to them: no port of it fits.
func (k *kubernetes) noTarget(s *kube.Service) {
	for _, b := range k.m.Backends(s) {
		if n := k.pods[b.Workload]; n != nil {
			n.idle = append(n.idle, Block{LBNoTarget, s.ID()})
		}
	}
}

// nodePorts makes the edges from nodes, on the node ports of a Service, to its pods.
func (k *kubernetes) nodePorts(s *kube.Service, exists cond) {
	c, _ := k.cluster(&s.Object)
	if c == nil {
		if s.IsType(kube.NodePort) == kube.No {
			return // the load balancer is the way that is meant
		}
		n := k.serviceNode(s)
		why := k.g.why.bits(inventory.Reason{Code: Placement, Ref: string(s.ID())})
		f := &front{exists: exists.and(perhaps(why)), assumptions: []string{AssumedClusterNetwork}}
		for _, p := range s.Ports {
			ports, doubt := k.nodePort(p)
			f.open = f.open.Union(listens(protocolOf(p.Protocol), ports, doubt, false))
		}
		n.fronts = append(n.fronts, f)
		k.forward(s, n, nil, certainly, func(e *edge) {
			if i := slices.IndexFunc(s.Ports, func(p kube.ServicePort) bool { q, _ := k.port(p.Port); return q.Equal(e.port) }); i >= 0 {
				e.port, _ = k.nodePort(s.Ports[i])
			}
		})
		return
	}
	for _, p := range s.Ports {
		ports, why := k.nodePort(p)
		for _, b := range k.m.Backends(s) {
			to := k.pods[b.Workload]
			target, ok := p.Target(&b.Workload.Pod)
			if to == nil || !ok {
				continue
			}
			toPort, why2 := k.port(target)
			for _, from := range k.nodes(c) {
				k.g.connect(&edge{from: from, to: to, via: appendIDs(nil, s.ID()), proto: protocolOf(p.Protocol), port: ports, toPort: toPort, how: byService, quiet: s.IsType(kube.NodePort) == kube.No,
					exists: exists.and(perhaps(why.Union(why2))).and(truthCond(k, b.Match, &b.Workload.Object)), policies: k.policies(b.Workload, nil, true)})
			}
		}
	}
}

// nodePort returns the port that nodes open for a port of a Service: one that the cluster chooses where none is written.
func (k *kubernetes) nodePort(p kube.ServicePort) (Ports, Bits) {
	if p.NodePort.IsNull() {
		return portRange(30000, 32767), ""
	}
	return k.port(p.NodePort)
}

// loopback is where only the node itself reaches.
var loopback = mustIPSet("127.0.0.0/8", "::1/128")

// hostPorts makes the edges from nodes to pods that take ports of their host.
func (k *kubernetes) hostPorts(w *kube.Workload) {
	host, _ := w.Pod.HostNetwork.Bool()
	c, _ := k.cluster(&w.Object)
	to := k.pods[w]
	for _, p := range w.Pod.Ports() {
		v := p.HostPort
		if v.IsNull() && host {
			v = p.Port
		}
		if n, ok := v.Int(); v.IsNull() || ok && n == 0 {
			continue
		}
		if own, ok := p.HostIP.Text(); ok && mustIPSet(own).SubsetOf(loopback) && !mustIPSet(own).IsEmpty() {
			continue
		}
		ports, why := k.port(v)
		inner, why2 := k.port(p.Port)
		if c == nil {
			doubt := k.g.why.bits(inventory.Reason{Code: Placement, Ref: string(w.ID())})
			to.fronts = append(to.fronts, &front{open: listens(protocolOf(p.Protocol), ports, why, false), exists: perhaps(doubt), assumptions: []string{AssumedClusterNetwork}})
			continue
		}
		for _, from := range k.nodes(c) {
			k.g.connect(&edge{from: from, to: to, proto: protocolOf(p.Protocol), port: ports, toPort: inner, how: byService, quiet: true, exists: perhaps(why.Union(why2)), policies: k.policies(w, nil, true)})
		}
	}
}

// addKnative is the way in of a Knative Service: an ingress of Knative's own, unless it is for the cluster only.
func (k *kubernetes) addKnative(w *kube.Workload) {
	to := k.pods[w]
	visibility, _ := k.text(w.Labels.Get("networking.knative.dev/visibility"))
	if visibility == "cluster-local" {
		return
	}
	why := k.g.why.bits(inventory.Reason{Code: IngressController, Ref: string(w.ID())})
	to.fronts = append(to.fronts, &front{open: listens(protoTCP, NewPorts(PortRange{80, 80}, PortRange{443, 443}), "", false), exists: perhaps(why), assumptions: []string{AssumedClusterNetwork}})
}

// idlePods says of pods that nothing leads to whether a Service at least leads nowhere, and of a load balancer that it
// misses them by a label.
func (k *kubernetes) idlePods() {
	for _, s := range k.m.Services {
		front, used := k.services[s], false
		backends := k.m.Backends(s)
		for _, b := range backends {
			n := k.pods[b.Workload]
			if n == nil || front != nil {
				continue
			}
			if slices.ContainsFunc(n.in, func(e *edge) bool { return slices.Contains(e.via, s.ID()) && !e.quiet }) {
				used = true
				continue
			}
			n.idle = append(n.idle, Block{NoFront, s.ID()}, Block{NoFront, n.address})
		}
		switch {
		case front == nil && !used:
			// People may ask about it; it is no way in, and no part of the results.
			n := k.newNode(&s.Object, s, KindProxy)
			n.hidden, n.idle = true, []Block{{NoFront, n.address}}
		case front != nil && len(backends) == 0 && s.Selector.Written():
			for _, w := range k.m.Workloads {
				if n := k.pods[w]; missed(s, w) && len(n.in) == 0 {
					n.idle = append(n.idle, Block{NoFront, n.address}, Block{LBNoTarget, s.ID()})
				}
			}
		}
	}
}

// missed reports whether a Service that selects nothing looks as if it was meant for a workload: by its name, or by a
// label of several.
func missed(s *kube.Service, w *kube.Workload) bool {
	if s.SameNamespace(&w.Object) != kube.Yes || !together(&s.Object, &w.Object) {
		return false
	}
	return s.Name == w.Name || slices.ContainsFunc(s.Selector.Values.Fields(), func(f inventory.Field) bool {
		want, ok := f.Value.Text()
		has, found := w.Pod.Labels.Get(f.Name).Text()
		return ok && found && want == has
	})
}

// podKey names the class of a node as a pod: what decides which other pods it reaches.
func (n *node) podKey() string {
	if n.pod == nil {
		return ""
	}
	return "pod " + string(n.address)
}

// clusterWays returns the ways from one pod to another within a cluster: by a Service that selects it, else to the ports
// that it declares, else to all.
func (g *Graph) clusterWays(from, to *node) []*way {
	if from.pod == nil || to.pod == nil || from == to || g.pods == nil {
		return nil
	}
	k := g.pods
	if from.pod.Set != to.pod.Set && from.unit.Environment != to.unit.Environment {
		return nil
	}
	gate := from.exists.and(to.exists)
	policies := k.policies(to.pod, from.pod, true)
	arrive := func(s Set) Set {
		for _, p := range policies {
			s = s.Intersect(p.set)
		}
		return s
	}
	var ways []*way
	put := func(via inventory.ID, proto uint8, ports, toPort Ports, why Bits) {
		dialled := listens(proto, ports, why.Union(gate.why), false)
		at := arrive(dialled.toPort(toPort))
		if !at.some() {
			return
		}
		w := &way{nodes: appendIDs([]inventory.ID{from.address}, via), streams: []stream{{exact: flow{cut(dialled, at), at}, loose: flow{cut(dialled, at), at}}}}
		for _, p := range policies {
			if p.proof != nil {
				w.proof = append(w.proof, p.proof)
			}
		}
		ways = mergeWays(ways, w)
	}
	for _, s := range k.m.Services {
		for _, b := range k.m.Backends(s) {
			if b.Workload != to.pod {
				continue
			}
			for _, p := range s.Ports {
				target, ok := p.Target(&to.pod.Pod)
				if !ok {
					continue
				}
				ports, why := k.port(p.Port)
				toPort, why2 := k.port(target)
				put(s.ID(), protocolOf(p.Protocol), ports, toPort, why.Union(why2).Union(truthCond(k, b.Match, &b.Workload.Object).why))
			}
		}
	}
	if len(ways) > 0 {
		return ways
	}
	for _, p := range to.pod.Pod.Ports() {
		ports, why := k.port(p.Port)
		put("", protocolOf(p.Protocol), ports, ports, why)
	}
	if len(ways) == 0 && len(to.pod.Pod.Ports()) == 0 {
		put("", protoTCP, allPorts, allPorts, "")
	}
	return ways
}

// explainCluster returns what blocks between two pods.
func (g *Graph) explainCluster(from, to *node) []Block {
	if from.pod == nil || to.pod == nil || g.pods == nil {
		return nil
	}
	var blocks []Block
	for _, p := range g.pods.policies(to.pod, from.pod, true) {
		if _, may := p.set.hasPorts(); !may {
			blocks = append(blocks, p.blocks...)
		}
	}
	return blocks
}
