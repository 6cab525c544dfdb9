package network

import (
	"cmp"
	"net/netip"
	"slices"
	"strings"

	"github.com/trifecta-scanner/trifecta/aws"
	"github.com/trifecta-scanner/trifecta/inventory"
	"github.com/trifecta-scanner/trifecta/kube"
)

// Graph is the declared network: what stands where, what leads to what, and what guards the way.
type Graph struct {
	model   *aws.Model
	cluster *kube.Model
	why     *reasons

	vpcs    map[*aws.VPC]*vpc
	subnets map[*aws.Subnet]*subnet
	tables  map[*aws.RouteTable]*table
	acls    map[*aws.NetworkACL]*acl
	groups  map[*aws.SecurityGroup]*group
	gates   map[aws.Node]*gateway
	sets    map[string]*groupSet
	lists   map[*aws.PrefixList]*prefixes

	nodes    []*node // sorted by unit and address
	byObject map[any]*node
	byName   map[inventory.ID][]*node
	aliases  map[inventory.ID][]*node // other addresses that stand for a node: stages of an API

	forwarded map[*aws.TargetGroup]bool // groups that a listener forwards to
	filters   map[filterKey]Set
	dials     map[string]cond
	links     map[[2]*subnet][]link
	inner     map[string]Set
	direct1   map[string][]*way // direct ways by class of interface
	outside   map[*node][]*way  // all ways from the internet
	pods      *kubernetes
	answers   map[*node]*answer
	byGuard   map[guardPlace][]inventory.ID
	results   []Result
}

// vpc is a VPC.
type vpc struct {
	id       int
	address  inventory.ID
	object   *aws.VPC
	prefixes []netip.Prefix
	v4, v6   IPSet
	unknown  Bits // some range is not known, and why
	igws     []*gateway
	subnets  []*subnet
	bpa      cond // block public access cuts its internet gateways
	external bool
}

func (v *vpc) cidrs(f Family) IPSet {
	if v == nil {
		return IPSet{}
	}
	if f == V6 {
		return v.v6
	}
	return v.v4
}

// subnet is a subnet, or where an interface stands that is not known.
type subnet struct {
	id      int
	address inventory.ID
	object  *aws.Subnet
	vpc     *vpc // nil where it is not known
	cidr    IPSet
	unknown Bits // nothing is known of it
	noCIDR  Bits // its range is not known
	doubt   Bits // why the interface may not stand here
	zone    string
	tables  []option[*table]
	acls    []option[*acl]
	auto4   cond
	auto6   cond
	hasV6   bool
	bpa     cond
	exists  cond
}

// option is one of several things that something may be.
type option[T any] struct {
	of  T
	why Bits // empty: it certainly is
}

// route returns the addresses that the subnet reaches through gateways of a kind, or one gateway.
func (n *subnet) route(f Family, kind gatewayKind, to *gateway) region {
	if n.unknown != "" {
		return region{unsure: f.all(), why: n.unknown}
	}
	return overTables(n.tables, func(t *table) region { return t.via(f, kind, to) })
}

func overTables(tables []option[*table], ask func(*table) region) region {
	if len(tables) == 1 && tables[0].why == "" {
		return ask(tables[0].of)
	}
	var all region
	for i, o := range tables {
		r := ask(o.of)
		if i == 0 {
			all = r
		} else {
			sure := all.sure.Intersect(r.sure)
			all = region{sure, all.sure.Union(all.unsure).Union(r.sure).Union(r.unsure).Subtract(sure), all.why.Union(r.why), all.stray.Union(r.stray)}
		}
		if !all.unsure.IsEmpty() {
			all.why = all.why.Union(o.why)
		}
	}
	return all
}

// allowsIn and allowsOut are what the network ACL of the subnet lets through.
func (n *subnet) allowsIn(why *reasons) Set {
	return n.aclSet(func(a *acl) Set { return a.allowsIn(why) })
}
func (n *subnet) allowsOut(why *reasons) Set {
	return n.aclSet(func(a *acl) Set { return a.allowsOut(why) })
}

func (n *subnet) aclSet(ask func(*acl) Set) Set {
	if len(n.acls) == 0 {
		return openSet()
	}
	if len(n.acls) == 1 && n.acls[0].why == "" {
		return ask(n.acls[0].of)
	}
	// What all of them let through is certain; what one lets through may pass.
	all := openSet()
	any := Set{}
	for _, o := range n.acls {
		s := ask(o.of)
		all = all.Intersect(s)
		any = any.Union(s.Maybe(o.why))
	}
	return all.Must().Union(any)
}

// iface is one interface, or several alike of which each stands in one of the subnets.
type iface struct {
	subnets []*subnet
	groups  *groupSet // nil: nothing filters
	public4 cond
	public6 cond
	// closed are blocks that stand for a public address that the thing cannot have: NOT_PUBLICLY_ACCESSIBLE, LB_INTERNAL.
	closed []Block
	// addresses are the private addresses, where they are known.
	addresses IPSet
	// placement: the interface stands in one of the subnets, and which is not known. It counts where they differ.
	placement Bits
	// branches: the subnets are those that a condition chooses from. Their doubt is the placement.
	branches bool
	// doubt: the interface may not be there.
	doubt Bits
	// ports narrows what arrives, where only some ports are passed on; empty: all. portBlock says what blocks the rest.
	ports     Set
	portBlock Block
	name      string // equal for interfaces that are equal in all of the above
}

// unit is the root and environment that a node belongs to.
type unit = aws.Unit

// node is a workload, a managed front or a proxy.
type node struct {
	address   inventory.ID
	kind      Kind
	unit      unit
	object    any
	location  inventory.Location
	exists    cond
	created   bool // false: NOT_CREATED
	ifaces    []*iface
	fronts    []*front // doors to the internet of its own
	edges     []*edge  // what it passes connections on to
	in        []*edge
	proxy     bool
	initiates bool // opens connections of its own: what hop distance is counted from
	// inbound: connections to its interfaces arrive. Those of a Lambda function are for its own connections only.
	inbound bool
	// idle is what blocks a node that nothing leads to.
	idle        []Block
	assumptions []string
	shields     []string
	pod         *kube.Workload // of a Kubernetes workload
	doorProof   []proof        // guards of its own door, shown with direct ways
	hidden      bool           // not among the results: an interface that an instance has
	groupNode   bool           // several subnets stand in its path
	runs        []Run
}

// front is a door to the internet that AWS or a cluster keeps open, outside of any VPC of the code.
type front struct {
	via         []inventory.ID // nodes between the internet and the node
	open        Set            // what a client may dial: Peer who, Local the port
	proof       []proof
	shields     []string
	assumptions []string
	closed      []Block // why it is closed; open is empty then
	exists      cond
}

// edge is a way on from a proxy.
type edge struct {
	from, to *node
	via      []inventory.ID // target group, route, service: between from and to
	proto    uint8
	port     Ports // what the proxy is dialled on
	toPort   Ports // what it dials; empty: the same port
	keeps    bool  // the target sees the client's address
	how      passage
	shields  []string
	exists   cond
	place    place // the rule that forwards, where it is a guard: a network policy
	rule     string
	sources  *IPSet    // the clients that are passed on; nil: all
	origins  *IPSet    // likewise, by where requests come from in the end, whatever they came through
	sender   *sender   // who dials, for guards of the target; nil: the proxy's own interface
	senderAt []*subnet // where it dials from, where that is not an interface of the proxy
	toward   *iface    // the interface of the target that is dialled; nil: any of them
	// only lets ways pass that come through one of these nodes: a secret header says so.
	only      []*node
	zoneBound bool // nodes of a load balancer reach targets of their own zone only
	classic   bool // network ACLs apply within a subnet, too
	// blocks says why nothing passes, where that is certain.
	blocks []Block
	// policies filter what arrives: network policies.
	policies    []policyGate
	assumptions []string
	pod         *kube.Workload // whose pods dial, where that is known
	quiet       bool           // a way that nobody means: by the port of a node
}

// policyGate is what network policies let through to a workload.
type policyGate struct {
	set    Set
	blocks []Block
	proof  proof
}

// passage is how the packets of an edge travel.
type passage uint8

// The passages.
const (
	inVPC     passage = iota // from an interface of the proxy to one of the target, inside of VPCs
	acrossNet                // over the internet, to a public address of the target
	insideAWS                // into the VPC without a route: Global Accelerator, VPC origins
	byService                // AWS, or the cluster, hands it over
)

// prefixes is a prefix list.
type prefixes struct {
	set  IPSet
	why  Bits
	name string // of a list that AWS keeps
}

// less orders nodes for results.
func (n *node) compare(m *node) int {
	return cmp.Or(strings.Compare(string(n.address), string(m.address)), strings.Compare(n.unit.Root, m.unit.Root),
		strings.Compare(n.unit.Environment, m.unit.Environment))
}

// Build makes the graph of two models; either may be nil. It keeps them and does not change them.
func Build(model *aws.Model, cluster *kube.Model) *Graph {
	g := &Graph{
		model: model, cluster: cluster, why: newReasons(),
		vpcs: map[*aws.VPC]*vpc{}, subnets: map[*aws.Subnet]*subnet{}, tables: map[*aws.RouteTable]*table{},
		acls: map[*aws.NetworkACL]*acl{}, groups: map[*aws.SecurityGroup]*group{}, gates: map[aws.Node]*gateway{},
		sets: map[string]*groupSet{}, lists: map[*aws.PrefixList]*prefixes{}, byObject: map[any]*node{},
		byName: map[inventory.ID][]*node{}, aliases: map[inventory.ID][]*node{}, answers: map[*node]*answer{}, filters: map[filterKey]Set{}, dials: map[string]cond{}, links: map[[2]*subnet][]link{}, inner: map[string]Set{}, direct1: map[string][]*way{}, forwarded: map[*aws.TargetGroup]bool{},
	}
	if model == nil {
		g.model = &aws.Model{}
	}
	g.buildVPCs()
	g.buildGroups()
	g.buildWorkloads()
	g.addNotCreated()
	g.buildProxies()
	if cluster != nil {
		g.buildKubernetes()
	}
	slices.SortStableFunc(g.nodes, (*node).compare)
	for _, n := range g.nodes {
		g.byName[n.address] = append(g.byName[n.address], n)
	}
	return g
}

func (g *Graph) add(n *node) *node {
	g.nodes = append(g.nodes, n)
	if n.object != nil {
		g.byObject[n.object] = n
	}
	return n
}

func (g *Graph) connect(e *edge) {
	e.from.edges = append(e.from.edges, e)
	if e.to != nil {
		e.to.in = append(e.to.in, e)
	}
}
