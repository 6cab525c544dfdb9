// Package diagram draws the declared network as people draw AWS: regions around VPCs, tiers of subnets as rows, zones as
// columns, what stands in them, and the ways from the internet. Build makes a Drawing of the typed models and the network's
// answers; Mermaid, DOT and SVG write one down. A Drawing is plain data and part of a scan's result, so that reports need
// nothing else.
//
// Equal things fold into one: instances of one block, and where there is still too much to see, everything of one kind that
// stands in one place and is exposed alike.
package diagram

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/trifecta-scanner/trifecta/aws"
	"github.com/trifecta-scanner/trifecta/inventory"
	"github.com/trifecta-scanner/trifecta/kube"
	"github.com/trifecta-scanner/trifecta/network"
)

// Drawing is the declared network. Groups come before what they hold; all lists have a fixed order.
type Drawing struct {
	Groups []Group `json:"groups"`
	Nodes  []Node  `json:"nodes"`
	Edges  []Edge  `json:"edges"`
}

// GroupKind is what a group stands for.
type GroupKind string

// The kinds of groups.
const (
	Region    GroupKind = "region"
	VPC       GroupKind = "vpc"
	Subnet    GroupKind = "subnet"
	Cluster   GroupKind = "cluster" // of Kubernetes
	Namespace GroupKind = "namespace"
)

// Tier is how a subnet is connected.
type Tier string

// The tiers, from the outside to the inside.
const (
	Public    Tier = "public"   // a route to an internet gateway
	Private   Tier = "private"  // a way out, none in
	Isolated  Tier = "isolated" // the VPC alone
	UnknownAs Tier = "unknown"  // its routes are not known
)

var tiers = []Tier{Public, Private, Isolated, UnknownAs}

// Group holds other groups and nodes.
type Group struct {
	ID     string    `json:"id"`
	Kind   GroupKind `json:"kind"`
	Label  string    `json:"label"`
	Parent string    `json:"parent,omitempty"`
	Tier   Tier      `json:"tier,omitempty"` // of a subnet
	Zone   string    `json:"zone,omitempty"` // likewise; empty where it is not known
	CIDR   string    `json:"cidr,omitempty"`
}

// Node is one thing in the drawing, or several that are equal.
type Node struct {
	ID    inventory.ID `json:"id"` // the address; of folded ones that of the first
	Kind  string       `json:"kind"`
	Label string       `json:"label"`
	// Groups are where it stands: one group, or the subnets of one VPC that it spans.
	Groups   []string            `json:"groups"`
	Exposure Exposure            `json:"exposure,omitempty"`
	Members  []inventory.ID      `json:"members,omitempty"` // what is folded into it, with its own address
	Location *inventory.Location `json:"location,omitempty"`
}

// Exposure says in a word whether strangers reach a node.
type Exposure string

// The exposures, as colours show them.
const (
	Open     Exposure = "open"     // reached, nothing in front
	Shielded Exposure = "shielded" // reached behind a shield, or by few
	Possible Exposure = "possible" // not known
	Closed   Exposure = "closed"
)

// EdgeKind says what an edge stands for.
type EdgeKind string

// The kinds of edges.
const (
	Exposes EdgeKind = "exposes" // part of a way from the internet
	Routes  EdgeKind = "routes"  // between networks
)

// Edge leads from one node to another.
type Edge struct {
	From  inventory.ID `json:"from"`
	To    inventory.ID `json:"to"`
	Kind  EdgeKind     `json:"kind"`
	Label string       `json:"label,omitempty"` // ports
}

// internetLabel is what the node of the internet is called.
const internetLabel = "Internet"

// Build draws what the models declare. results are the network's answers; without any the drawing shows what there is and
// no ways.
func Build(cloud *aws.Model, cluster *kube.Model, results []network.Result) *Drawing {
	b := &builder{drawing: &Drawing{Groups: []Group{}, Nodes: []Node{}, Edges: []Edge{}}, groups: map[string]bool{}, nodes: map[inventory.ID]int{}, passed: map[inventory.ID]bool{}}
	b.networks(cloud)
	b.gateways(cloud)
	b.placed(cloud)
	b.pods(cluster)
	b.answers(results)
	b.connections(cloud)
	b.sort()
	return b.drawing
}

type builder struct {
	drawing *Drawing
	groups  map[string]bool
	nodes   map[inventory.ID]int
	// passed are what paths name and the drawing shows in another way: subnets are boxes, target groups part of an edge.
	passed map[inventory.ID]bool
}

func (b *builder) group(g Group) string {
	if !b.groups[g.ID] {
		b.groups[g.ID] = true
		b.drawing.Groups = append(b.drawing.Groups, g)
	}
	return g.ID
}

func (b *builder) region(o *aws.Object) string {
	name := cmp.Or(o.Region(), "region not known")
	return b.group(Group{ID: "region:" + name, Kind: Region, Label: name})
}

// key names an object in the drawing. Addresses repeat between roots, so that the root stands before it where there is
// one.
func key(o *aws.Object) string {
	address := string(o.Address())
	if address == "" {
		address = "default VPC"
	}
	if o.Unit.Root != "" && o.Unit.Root != "." {
		return o.Unit.Root + ":" + address
	}
	return address
}

func (b *builder) vpc(v *aws.VPC) string {
	label := string(v.Address())
	if v.Default || label == "" {
		label = "default VPC"
	}
	return b.group(Group{ID: "vpc:" + key(&v.Object), Kind: VPC, Label: label, Parent: b.region(&v.Object), CIDR: prefix(v.CIDR)})
}

func prefix(p aws.Prefix) string {
	if cidr, ok := p.Known(); ok {
		return cidr.String()
	}
	return ""
}

func (b *builder) subnet(s *aws.Subnet) string {
	var parent string
	if targets := s.VPC.Targets(); len(targets) > 0 {
		parent = b.vpc(targets[0])
	} else {
		parent = b.region(&s.Object)
	}
	zone := s.Zone.Or(s.ZoneID.Or(""))
	label := string(s.Address())
	if label == "" {
		label = "default subnet"
	}
	b.passed[s.Address()] = true
	return b.group(Group{ID: "subnet:" + key(&s.Object) + "@" + zone, Kind: Subnet, Label: label, Parent: parent, Tier: TierOf(s), Zone: zone, CIDR: prefix(s.CIDR)})
}

// TierOf returns how a subnet is connected, by its routes.
func TierOf(s *aws.Subnet) Tier {
	tables := s.RouteTable.Targets()
	if len(tables) == 0 {
		return UnknownAs
	}
	tier := tierOf(tables[0])
	for _, t := range tables[1:] {
		if tierOf(t) != tier {
			return UnknownAs
		}
	}
	return tier
}

func tierOf(t *aws.RouteTable) Tier {
	tier := Isolated
	for _, r := range t.Routes {
		vpn := slices.ContainsFunc(r.Target.Targets(), func(n aws.Node) bool { _, is := n.(*aws.VPNGateway); return is })
		switch {
		case r.Kind == aws.ToGateway && !vpn:
			return Public
		case r.Kind == aws.ToUnknownTarget:
			tier = UnknownAs
		case r.Kind != aws.ToNothing && r.Kind != aws.ToLocal && tier != UnknownAs:
			tier = Private
		}
	}
	return tier
}

func (b *builder) networks(m *aws.Model) {
	for _, v := range m.VPCs {
		if v.Origin != aws.Declared && len(v.Subnets) == 0 {
			continue
		}
		b.vpc(v)
	}
	for _, s := range m.Subnets {
		if s.Origin == aws.Declared {
			b.subnet(s)
		}
	}
}

// node adds a node, or returns the one that is there.
func (b *builder) node(id inventory.ID, kind string, at inventory.Location, groups ...string) *Node {
	i, ok := b.nodes[id]
	if !ok {
		i = len(b.drawing.Nodes)
		b.nodes[id] = i
		n := Node{ID: id, Kind: kind, Label: string(id), Groups: slices.Compact(slices.Sorted(slices.Values(groups)))}
		if !at.IsZero() {
			n.Location = &at
		}
		if n.Groups == nil {
			n.Groups = []string{}
		}
		b.drawing.Nodes = append(b.drawing.Nodes, n)
	}
	return &b.drawing.Nodes[i]
}

// put adds a node for an object of the model that is declared.
func (b *builder) put(o *aws.Object, kind string, groups ...string) {
	if o.Origin == aws.Declared && o.Exists() != inventory.NotExists {
		b.node(o.Address(), kind, o.Location(), groups...)
	}
}

func (b *builder) gateways(m *aws.Model) {
	vpc := func(refs ...aws.Ref[*aws.VPC]) []string {
		for _, r := range refs {
			if targets := r.Targets(); len(targets) > 0 {
				return []string{b.vpc(targets[0])}
			}
		}
		return nil
	}
	attached := func(list []*aws.GatewayAttachment) []string {
		for _, a := range list {
			if targets := a.VPC.Targets(); len(targets) > 0 {
				return []string{b.vpc(targets[0])}
			}
		}
		return nil
	}
	for _, g := range m.InternetGateways {
		b.put(&g.Object, "internet gateway", append(attached(g.Attachments), vpc(g.VPC)...)...)
	}
	for _, g := range m.EgressOnlyGateways {
		b.put(&g.Object, "egress-only gateway", vpc(g.VPC)...)
	}
	for _, g := range m.VPNGateways {
		b.put(&g.Object, "VPN gateway", vpc(g.VPC)...)
	}
	for _, n := range m.NATGateways {
		b.put(&n.Object, "NAT gateway", b.spans([]aws.Ref[*aws.Subnet]{n.Subnet})...)
	}
	for _, e := range m.VPCEndpoints {
		groups := b.spans(e.Subnets)
		if len(groups) == 0 {
			groups = vpc(e.VPC)
		}
		b.put(&e.Object, "VPC endpoint", groups...)
	}
	for _, f := range m.NetworkFirewalls {
		b.put(&f.Object, "network firewall", b.spans(f.Subnets)...)
	}
	for _, p := range m.Peerings {
		b.put(&p.Object, "peering connection", b.region(&p.Object))
	}
	for _, t := range m.TransitGateways {
		b.put(&t.Object, "transit gateway", b.region(&t.Object))
	}
	for _, c := range m.ClientVPNEndpoints {
		groups := b.spans(c.Subnets)
		b.put(&c.Object, "client VPN", groups...)
	}
}

// spans returns the groups of subnets.
func (b *builder) spans(subnets []aws.Ref[*aws.Subnet]) []string {
	var groups []string
	for _, ref := range subnets {
		for _, s := range ref.Targets() {
			groups = append(groups, b.subnet(s))
		}
	}
	return groups
}

// placed adds what stands in subnets.
func (b *builder) placed(m *aws.Model) {
	place := func(o *aws.Object, kind string, subnets ...aws.Ref[*aws.Subnet]) {
		groups := b.spans(subnets)
		if len(groups) == 0 {
			groups = []string{b.region(o)}
		}
		b.put(o, kind, groups...)
	}
	for _, l := range m.LoadBalancers {
		place(&l.Object, l.Type.Or("load")+" load balancer", l.Subnets...)
	}
	for _, g := range m.TargetGroups {
		b.passed[g.Address()] = true
	}
	for _, i := range m.Instances {
		place(&i.Object, "instance", i.Subnet)
	}
	for _, g := range m.AutoScalingGroups {
		place(&g.Object, "auto scaling group", g.Subnets...)
	}
	for _, s := range m.Services {
		place(&s.Object, "ECS service", s.Subnets...)
	}
	for _, f := range m.Functions {
		place(&f.Object, "function", f.Subnets...)
	}
	for _, s := range m.Stores {
		place(&s.Object, strings.ReplaceAll(string(s.Kind), "-", " "), s.Subnets...)
	}
	for _, c := range m.EKSClusters {
		place(&c.Object, "EKS cluster", c.Subnets...)
	}
	for _, g := range m.NodeGroups {
		place(&g.Object, "node group", g.Subnets...)
	}
	for _, a := range m.APIs {
		place(&a.Object, "API")
	}
	for _, d := range m.Distributions {
		b.put(&d.Object, "distribution")
	}
	for _, o := range m.Buckets {
		if o.Website.May(true) {
			b.put(&o.Object, "website")
		}
	}
	for _, f := range m.ManagedFronts {
		place(&f.Object, f.Kind, f.Subnets...)
	}
}

// pods adds the objects of clusters that carry traffic.
func (b *builder) pods(m *kube.Model) {
	if m == nil {
		return
	}
	add := func(o *kube.Object) {
		if o.Resource.Language != inventory.Kubernetes {
			return
		}
		set := cmp.Or(o.Set, ".")
		cluster := b.group(Group{ID: "cluster:" + set, Kind: Cluster, Label: "Kubernetes: " + set})
		namespace := cmp.Or(o.Namespace, "cluster")
		at := b.group(Group{ID: "namespace:" + set + "/" + namespace, Kind: Namespace, Label: namespace, Parent: cluster})
		b.node(o.ID(), o.Kind, o.Resource.Location, at)
	}
	for _, w := range m.Workloads {
		add(&w.Object)
	}
	for _, s := range m.Services {
		add(&s.Object)
	}
	for _, i := range m.Ingresses {
		add(&i.Object)
	}
	for _, g := range m.Gateways {
		add(&g.Object)
	}
}

// answers colours what the network knows about, and draws the ways from the internet.
func (b *builder) answers(results []network.Result) {
	label := map[Edge]string{}
	var order []Edge
	for i := range results {
		r := &results[i]
		b.node(r.Address, string(r.Kind), r.Location).Exposure = exposure(r)
		for _, p := range r.Paths {
			from := inventory.ID("")
			for k, node := range p.Nodes {
				if b.passed[node] && k > 0 && k < len(p.Nodes)-1 {
					continue
				}
				if node == network.Internet {
					b.node(node, "internet", inventory.Location{}).Label = internetLabel
				} else {
					b.node(node, "", inventory.Location{})
				}
				if from != "" {
					e := Edge{From: from, To: node, Kind: Exposes}
					if _, ok := label[e]; !ok {
						label[e] = ""
						order = append(order, e)
					}
					if k == len(p.Nodes)-1 {
						label[e] = strings.Join(r.Ports[:min(len(r.Ports), 3)], ", ")
					}
				}
				from = node
			}
		}
	}
	for _, e := range order {
		e.Label = label[e]
		b.drawing.Edges = append(b.drawing.Edges, e)
	}
}

func exposure(r *network.Result) Exposure {
	switch {
	case r.Reachable == network.Unknown:
		return Possible
	case r.Reachable == network.No:
		return Closed
	case len(r.Shields) > 0 || r.Breadth == network.BreadthRestricted:
		return Shielded
	}
	return Open
}

// connections draws what joins networks.
func (b *builder) connections(m *aws.Model) {
	edge := func(from, to inventory.ID) {
		if from != "" && to != "" {
			b.drawing.Edges = append(b.drawing.Edges, Edge{From: from, To: to, Kind: Routes})
		}
	}
	for _, p := range m.Peerings {
		for _, side := range []aws.Ref[*aws.VPC]{p.Requester, p.Accepter} {
			for _, v := range side.Targets() {
				edge(p.Address(), inventory.ID(b.vpc(v)))
			}
		}
	}
	for _, a := range m.TransitAttachments {
		for _, t := range a.Gateway.Targets() {
			for _, v := range a.VPC.Targets() {
				edge(t.Address(), inventory.ID(b.vpc(v)))
			}
		}
	}
}

func (b *builder) sort() {
	d := b.drawing
	for i := range d.Nodes {
		if d.Nodes[i].Kind == "" {
			d.Nodes[i].Kind = kindOf(d.Nodes[i].ID)
		}
	}
	depth := map[GroupKind]int{Region: 0, Cluster: 0, VPC: 1, Namespace: 1, Subnet: 2}
	slices.SortStableFunc(d.Groups, func(a, b Group) int {
		return cmp.Or(cmp.Compare(depth[a.Kind], depth[b.Kind]), cmp.Compare(slices.Index(tiers, a.Tier), slices.Index(tiers, b.Tier)),
			strings.Compare(a.Zone, b.Zone), strings.Compare(a.ID, b.ID))
	})
	slices.SortStableFunc(d.Nodes, func(a, b Node) int { return strings.Compare(string(a.ID), string(b.ID)) })
	slices.SortStableFunc(d.Edges, func(a, b Edge) int {
		return cmp.Or(strings.Compare(string(a.From), string(b.From)), strings.Compare(string(a.To), string(b.To)), strings.Compare(string(a.Kind), string(b.Kind)))
	})
	d.Edges = slices.CompactFunc(d.Edges, func(a, b Edge) bool { return a.From == b.From && a.To == b.To && a.Kind == b.Kind })
}

// kindOf reads the kind of a node that only a path names from its address.
func kindOf(id inventory.ID) string {
	s := string(id)
	if i := strings.LastIndex(s, "aws_"); i >= 0 {
		name, _, _ := strings.Cut(s[i+len("aws_"):], ".")
		return strings.ReplaceAll(name, "_", " ")
	}
	if kind, _, ok := strings.Cut(s, "/"); ok {
		return kind
	}
	return ""
}

// Exposed returns the part of the drawing that lies on ways from the internet; with addresses, on the ways to these only.
func (d *Drawing) Exposed(to ...inventory.ID) *Drawing {
	keep := map[inventory.ID]bool{}
	into := map[inventory.ID][]inventory.ID{}
	for _, e := range d.Edges {
		if e.Kind == Exposes {
			into[e.To] = append(into[e.To], e.From)
		}
	}
	var walk func(id inventory.ID)
	walk = func(id inventory.ID) {
		if keep[id] {
			return
		}
		keep[id] = true
		for _, from := range into[id] {
			walk(from)
		}
	}
	if len(to) == 0 {
		for _, e := range d.Edges {
			if e.Kind == Exposes {
				keep[e.From], keep[e.To] = true, true
			}
		}
	}
	for _, id := range to {
		walk(id)
	}
	return d.only(keep)
}

// only returns the drawing of some nodes, with the groups around them.
func (d *Drawing) only(keep map[inventory.ID]bool) *Drawing {
	part := &Drawing{Groups: []Group{}, Nodes: []Node{}, Edges: []Edge{}}
	groups := map[string]bool{}
	parents := map[string]string{}
	for _, g := range d.Groups {
		parents[g.ID] = g.Parent
	}
	for _, n := range d.Nodes {
		if !keep[n.ID] {
			continue
		}
		part.Nodes = append(part.Nodes, n)
		for _, g := range n.Groups {
			for ; g != "" && !groups[g]; g = parents[g] {
				groups[g] = true
			}
		}
	}
	for _, g := range d.Groups {
		if groups[g.ID] {
			part.Groups = append(part.Groups, g)
		}
	}
	for _, e := range d.Edges {
		if keep[e.From] && keep[e.To] {
			part.Edges = append(part.Edges, e)
		}
	}
	return part
}

// readable is how many nodes a drawing may have before things fold that are alike but not of one block.
const readable = 150

// Fold returns a drawing with equal nodes as one: the instances of one block that stand in the same place and are exposed
// alike, and beyond what can be read everything of one kind that does.
func (d *Drawing) Fold() *Drawing {
	folded := d.fold(func(n Node) string { return block(n.ID) })
	if len(folded.Nodes) > readable {
		folded = folded.fold(func(n Node) string { return n.Kind })
	}
	return folded
}

// block is an address without the indices of count and for_each.
func block(id inventory.ID) string {
	var b strings.Builder
	depth := 0
	for _, r := range string(id) {
		switch r {
		case '[':
			depth++
		case ']':
			depth--
			continue
		}
		if depth <= 0 {
			b.WriteRune(r)
		}
	}
	return b.String()
}

func (d *Drawing) fold(like func(Node) string) *Drawing {
	edges := map[inventory.ID][]string{}
	for _, e := range d.Edges {
		edges[e.From] = append(edges[e.From], ">"+block(e.To)+string(e.Kind))
		edges[e.To] = append(edges[e.To], "<"+block(e.From)+string(e.Kind))
	}
	tier := map[string]string{}
	for _, g := range d.Groups {
		tier[g.ID] = g.ID
		if g.Kind == Subnet {
			tier[g.ID] = g.Parent + string(g.Tier)
		}
	}
	out := &Drawing{Groups: d.Groups, Nodes: []Node{}, Edges: []Edge{}}
	at := map[string]int{}
	changed := map[int]bool{} // nodes that others fold into
	to := map[inventory.ID]inventory.ID{}
	for _, n := range d.Nodes {
		var places []string
		for _, g := range n.Groups {
			places = append(places, tier[g])
		}
		slices.Sort(places)
		links := slices.Compact(slices.Sorted(slices.Values(edges[n.ID])))
		k := strings.Join([]string{like(n), n.Kind, strings.Join(slices.Compact(places), ","), string(n.Exposure), strings.Join(links, ",")}, "\x00")
		i, ok := at[k]
		if !ok || n.Kind == "internet" {
			at[k] = len(out.Nodes)
			out.Nodes = append(out.Nodes, n)
			to[n.ID] = n.ID
			continue
		}
		first := &out.Nodes[i]
		if !changed[i] {
			changed[i] = true
			first.Members, first.Groups = slices.Clone(first.Members), slices.Clone(first.Groups)
			if len(first.Members) == 0 {
				first.Members = []inventory.ID{first.ID}
			}
		}
		first.Members = append(first.Members, members(&n)...)
		for _, g := range n.Groups {
			if !slices.Contains(first.Groups, g) {
				first.Groups = append(first.Groups, g)
			}
		}
		to[n.ID] = first.ID
	}
	for i := range changed {
		slices.Sort(out.Nodes[i].Groups)
		out.Nodes[i].Label = foldedLabel(&out.Nodes[i])
	}
	seen := map[Edge]bool{}
	for _, e := range d.Edges {
		e.From, e.To = cmp.Or(to[e.From], e.From), cmp.Or(to[e.To], e.To)
		if !seen[e] {
			seen[e] = true
			out.Edges = append(out.Edges, e)
		}
	}
	return out
}

// members are the addresses that a node stands for.
func members(n *Node) []inventory.ID {
	if len(n.Members) > 0 {
		return n.Members
	}
	return []inventory.ID{n.ID}
}

// foldedLabel names several nodes as one: by their block where they have one, else by their kind.
func foldedLabel(n *Node) string {
	name := block(n.Members[0])
	for _, m := range n.Members[1:] {
		if block(m) != name {
			return fmt.Sprintf("%d × %s", len(n.Members), n.Kind)
		}
	}
	return fmt.Sprintf("%s ×%d", name, len(n.Members))
}
