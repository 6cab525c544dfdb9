package aws

import (
	"cmp"
	"reflect"
	"slices"
	"strings"

	"github.com/trifecta-scanner/trifecta/inventory"
)

// Build makes the model of evaluated resources. Resources of other clouds and of Kubernetes are left out. It keeps
// resources, does not change them, and never fails: what it cannot join is unknown in the model, with a reason.
func Build(resources []*inventory.Resource) *Model {
	b := &builder{
		m:        &Model{units: map[Unit]*unit{}},
		plans:    map[reflect.Type]*plan{},
		defaults: defaultsByField(),
		kinds:    kindsByType(),
		parts:    partsByType(),
		lists:    map[reflect.Type]func(*Model, Node){},
	}
	for _, k := range kinds() {
		if b.lists[k.node] == nil {
			b.lists[k.node] = k.list
		}
	}
	for _, r := range resources {
		b.add(r)
	}
	b.find(true)
	for _, e := range b.entries { // first, because references lead to what is adopted
		b.adopt(e)
	}
	b.find(false)
	for _, e := range b.entries {
		d := b.decoderOf(e.resource)
		d.object(e.node)
		if e.kind.after != nil {
			e.kind.after(d, e.node)
		}
	}
	for _, p := range b.pending {
		p.join(b.decoderOf(p.resource))
	}
	b.link()
	b.sort()
	return b.m
}

// builder is one run of Build.
type builder struct {
	m        *Model
	plans    map[reflect.Type]*plan
	defaults map[string]*Default
	kinds    map[string]*kind
	parts    map[string]part
	steps    int // of the reference that is being followed
	entries  []entry
	pending  []pendingPart
	lists    map[reflect.Type]func(*Model, Node)
	// associations of subnets, to be weighed together
	tables  []*RouteTableAssociation
	acls    []*NetworkACLAssociation
	aclUses []aclUse
	late    []*inventory.Resource // data sources
	outputs []*inventory.Resource
}

// entry is an object that a resource declares.
type entry struct {
	resource *inventory.Resource
	node     Node
	kind     *kind
}

// pendingPart is a resource that only adds to objects.
type pendingPart struct {
	resource *inventory.Resource
	join     part
}

// part joins a resource that only adds to objects, such as a rule or an attachment.
type part func(d *decoder)

// unit is what references of one root and environment can lead to.
type unit struct {
	Unit
	objects   map[inventory.ID]Node
	resources map[inventory.ID]*inventory.Resource
	// counted are the instances of resources with count or for_each by the address without the index.
	counted map[inventory.ID][]*inventory.Resource
	names   map[nameKey]Node
	// external are objects outside of the code by type and reference.
	external map[nameKey]Node
	vpcs     map[area]*VPC // default VPCs
}

type nameKey struct {
	kind reflect.Type
	name string
}

// area is a region of an account.
type area struct{ region, account string }

func (b *builder) unit(u Unit) *unit {
	if found := b.m.units[u]; found != nil {
		return found
	}
	made := &unit{
		Unit: u, objects: map[inventory.ID]Node{}, resources: map[inventory.ID]*inventory.Resource{}, counted: map[inventory.ID][]*inventory.Resource{},
		names: map[nameKey]Node{}, external: map[nameKey]Node{}, vpcs: map[area]*VPC{},
	}
	b.m.units[u] = made
	return made
}

func (b *builder) decoderOf(r *inventory.Resource) *decoder {
	d := &decoder{b: b, unit: b.unit(Unit{r.Root, r.Environment}), resource: r, cfn: r.Language == inventory.CloudFormation}
	if r.Exists == inventory.MayExist {
		d.reasons = r.Reasons
	}
	return d
}

// data is the prefix of the types of Terraform's data sources, output the type of what leaves a root.
const (
	data   = "data."
	output = "output"
)

// add makes the object of a resource, if it declares one.
func (b *builder) add(r *inventory.Resource) {
	if r.Language == inventory.Kubernetes {
		return
	}
	u := b.unit(Unit{r.Root, r.Environment})
	u.resources[r.ID] = r
	if base, ok := unindexed(r.ID); ok {
		u.counted[base] = append(u.counted[base], r)
	}
	if r.Exists == inventory.NotExists {
		// Kept, for people ask about it by its address, but it takes part in nothing. What a built-in model leaves out is no
		// resource that anybody knows.
		if k := b.kinds[r.Type]; k != nil && r.Assumed == "" {
			node := k.make()
			fillObject(node, r, u.Unit, Declared)
			b.m.NotCreated = append(b.m.NotCreated, node)
			u.objects[r.ID] = node
		}
		return
	}
	if r.Type == output {
		b.outputs = append(b.outputs, r)
		return
	}
	typ, origin := r.Type, Declared
	if rest, ok := strings.CutPrefix(typ, data); ok {
		typ, origin = rest, External
	}
	if join := b.parts[r.Type]; join != nil {
		b.pending = append(b.pending, pendingPart{r, join})
	}
	k := b.kinds[typ]
	if k == nil {
		return
	}
	if origin == External {
		b.late = append(b.late, r)
		return
	}
	b.declare(u, r, k, origin)
}

// declare makes the object of a resource.
func (b *builder) declare(u *unit, r *inventory.Resource, k *kind, origin Origin) {
	node := k.make()
	fillObject(node, r, u.Unit, origin)
	if k.before != nil {
		k.before(b, u, r, node)
	}
	k.list(b.m, node)
	u.objects[r.ID] = node
	b.name(u, r, node)
	if id, ok := r.Get("id").Text(); ok && origin == External && id != "" {
		u.external[nameKey{k.node, id}] = node
	}
	b.entries = append(b.entries, entry{r, node, k})
}

func fillObject(node Node, r *inventory.Resource, u Unit, origin Origin) {
	o := node.Self()
	o.Resource, o.Unit, o.Origin = r, u, origin
	o.region, o.account = r.Region, r.Account
}

// implied makes o an object that comes with another one.
func implied(o *Object, of *Object) {
	o.Resource, o.Unit, o.Origin, o.region, o.account = of.Resource, of.Unit, Implied, of.region, of.account
}

// name notes the literal name of an object, by which others may refer to it.
func (b *builder) name(u *unit, r *inventory.Resource, node Node) {
	t := reflect.TypeOf(node)
	p := b.planOf(t.Elem())
	for i := range p.fields {
		f := &p.fields[i]
		if f.shape != leafShape || !strings.HasSuffix(f.name, ".Name") && !strings.HasSuffix(f.name, ".Family") {
			continue
		}
		from := f.tf
		if r.Language == inventory.CloudFormation {
			from = f.cfn
		}
		if text := canonical(single(first(r.Values, from))); text != "" {
			key := nameKey{t, text}
			if _, twice := u.names[key]; !twice {
				u.names[key] = node
			}
		}
	}
}

// unindexed returns an address without the index of its last part, if it has one.
func unindexed(id inventory.ID) (inventory.ID, bool) {
	if !strings.HasSuffix(string(id), "]") {
		return "", false
	}
	depth := 0
	quoted := false
	for i := len(id) - 1; i >= 0; i-- {
		switch c := id[i]; {
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == ']':
			depth++
		case c == '[':
			if depth--; depth == 0 {
				return id[:i], true
			}
		}
	}
	return "", false
}

// sort brings every list into the order that Model promises.
func (b *builder) sort() {
	v := reflect.ValueOf(b.m).Elem()
	for i := range v.NumField() {
		list := v.Field(i)
		if list.Kind() != reflect.Slice || list.Len() < 2 {
			continue
		}
		nodes := make([]Node, list.Len())
		for j := range nodes {
			nodes[j], _ = list.Index(j).Interface().(Node)
		}
		if nodes[0] == nil {
			continue
		}
		if slices.IsSortedFunc(nodes, compareNodes) {
			continue
		}
		slices.SortStableFunc(nodes, compareNodes)
		for j, n := range nodes {
			list.Index(j).Set(reflect.ValueOf(n))
		}
	}
}

func compareNodes(a, b Node) int {
	x, y := a.Self(), b.Self()
	return cmp.Or(strings.Compare(x.Unit.Root, y.Unit.Root), strings.Compare(x.Unit.Environment, y.Unit.Environment),
		strings.Compare(string(x.Address()), string(y.Address())), cmp.Compare(x.Origin, y.Origin))
}

// link joins what was read, from the bottom up.
func (b *builder) link() {
	b.linkConnections()
	b.linkCompute()
	b.linkEdge()
	b.linkStores()
	b.linkWindows()
	b.linkNetwork() // knows then which default VPCs and subnets are used
	b.linkUses()
}

// outside prepares an object that is outside of the code.
func (b *builder) outside(node Node) {
	switch n := node.(type) {
	case *VPC:
		b.furnish(n)
		n.IPv6 = UnknownOf[bool](n.why...)
	case *Subnet:
		n.VPC = unknownRef[*VPC](n.why...)
	case *TransitGateway:
		b.startTransitGateway(nil, nil, n)
	case *EKSCluster:
		b.startEKSCluster(nil, nil, n)
	case *PrefixList:
		if strings.HasPrefix(n.Literal, "com.amazonaws.") {
			n.Name, n.AWS = Of(n.Literal), true
		}
	}
}

// list puts an object into its list of the model.
func (b *builder) list(node Node) {
	if list := b.lists[reflect.TypeOf(node)]; list != nil {
		list(b.m, node)
	}
}

// find resolves data sources once all of the code is known: what it declares itself, what AWS makes with a VPC, and the
// rest, which is outside of the code. VPCs come first, for the others are looked up in them.
func (b *builder) find(vpcs bool) {
	for _, r := range b.late {
		typ := strings.TrimPrefix(r.Type, data)
		if (typ == "aws_vpc") != vpcs {
			continue
		}
		k, d := b.kinds[typ], b.decoderOf(r)
		if node := d.found(k, typ); node != nil {
			d.unit.objects[r.ID] = node
			continue
		}
		b.declare(d.unit, r, k, External)
	}
}

// keys are the arguments by which data sources name one thing.
var keys = []string{"id", "arn", "name", "cluster_name", "cluster_identifier", "load_balancer_arn", "function_name", "bucket", "task_definition"}

// found returns the object of the code, or of what comes with it, that a data source finds.
func (d *decoder) found(k *kind, typ string) Node {
	r := d.resource
	if isDefault, _ := r.Get("default").Bool(); isDefault && typ == "aws_vpc" {
		return d.defaultVPC()
	}
	named := false
	for _, key := range keys {
		v := single(r.Get(key))
		if text, ok := v.Text(); v.IsNull() || ok && text == "" {
			continue
		}
		named = true
		d.b.steps = 0
		if node := d.target(k.node, v, 0); node != nil && node.Self().Origin != External {
			return node
		}
	}
	if typ != "aws_subnet" && typ != "aws_security_group" {
		return nil
	}
	vpc := d.searched()
	if !vpc.Resolved() || vpc.To.Origin == External {
		return nil
	}
	if name, _ := r.Get("name").Text(); typ == "aws_security_group" && name == "default" {
		return vpc.To.DefaultSecurityGroup
	}
	if typ == "aws_subnet" && vpc.To.Default && !named {
		return d.b.defaultSubnet(vpc.To)
	}
	return nil
}

// searched returns the VPC in which a data source looks for something.
func (d *decoder) searched() Ref[*VPC] {
	vpc := refTo[*VPC](d, d.resource.Get("vpc_id"))
	if yes, ok := d.resource.Get("default_for_az").Bool(); ok && yes {
		vpc = To(d.defaultVPC())
	}
	for _, filter := range blocksOf(d.resource.Get("filter")) {
		values := listed(filter.Get("values"))
		if len(values) != 1 {
			continue
		}
		switch name, _ := filter.Get("name").Text(); name {
		case "vpc-id":
			vpc = refTo[*VPC](d, values[0])
		case "default-for-az", "defaultForAz":
			if yes, ok := values[0].Bool(); ok && yes {
				vpc = To(d.defaultVPC())
			}
		}
	}
	return vpc
}

// collections are data sources that find several objects, and what they find.
var collections = map[string]reflect.Type{
	"data.aws_subnets":         reflect.TypeFor[*Subnet](),
	"data.aws_subnet_ids":      reflect.TypeFor[*Subnet](),
	"data.aws_vpcs":            reflect.TypeFor[*VPC](),
	"data.aws_security_groups": reflect.TypeFor[*SecurityGroup](),
	"data.aws_route_tables":    reflect.TypeFor[*RouteTable](),
	"data.aws_nat_gateways":    reflect.TypeFor[*NATGateway](),
	"data.aws_instances":       reflect.TypeFor[*Instance](),
	"data.aws_eips":            reflect.TypeFor[*ElasticIP](),
	"data.aws_lbs":             reflect.TypeFor[*LoadBalancer](),
}

// collection returns the object that stands for what a data source of several objects finds.
func (b *builder) collection(u *unit, r *inventory.Resource, kind reflect.Type) Node {
	if collections[r.Type] != kind {
		return nil
	}
	if kind == reflect.TypeFor[*Subnet]() {
		return b.foundSubnets(u, r)
	}
	return b.externalNode(u, kind, string(r.ID), nil, r)
}

// foundSubnets returns the subnet that stands for those which a data source finds: the default ones of a default VPC, or
// subnets outside of the code.
func (b *builder) foundSubnets(u *unit, r *inventory.Resource) Node {
	vpc := b.decoderOf(r).searched()
	if vpc.Resolved() && vpc.To.Default {
		return b.defaultSubnet(vpc.To)
	}
	node := b.externalNode(u, reflect.TypeFor[*Subnet](), string(r.ID), nil, r)
	if s, ok := node.(*Subnet); ok && !vpc.Absent() {
		s.VPC = vpc
	}
	return node
}

func structOf(into any) reflect.Value { return reflect.ValueOf(into).Elem() }
