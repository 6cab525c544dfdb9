package aws

import (
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/trifecta-scanner/trifecta/inventory"
)

// reference is a Ref of any type.
type reference interface{ isReference() }

func (r *Ref[T]) isReference() {}

func (r *Ref[T]) unset() bool    { return r.state == absent }
func (r *Ref[T]) setDefault(any) {}
func (r *Ref[T]) setUnknown(reasons []inventory.Reason) {
	*r = unknownRef[T](reasons...)
}

// The bounds of following one reference: from one resource's attribute to the next, and over all parts of texts.
const (
	maxHops  = 16
	maxSteps = 2_000
)

// fill implements filler. As "declared" it leads to objects of the code only.
func (r *Ref[T]) fill(d *decoder, from inventory.Value, as string) {
	from = single(from)
	if from.IsNull() {
		return
	}
	if text, ok := from.Text(); ok && text == "" {
		return
	}
	r.at = placeOf(from.Location())
	if from.IsMaybe() {
		r.flags |= maybe
	}
	if from.IsRest() {
		r.flags |= rest
	}
	r.reasons = from.Reasons()
	d.b.steps = 0
	kind := reflect.TypeFor[T]()
	if node := d.target(kind, from, 0); node != nil {
		if to, ok := node.(T); ok {
			r.To, r.state = to, written
			if from.IsRest() && onlyOne(from) {
				r.flags &^= maybe | rest
			}
			return
		}
	}
	r.state = unknown
	for _, c := range from.Candidates() {
		node := d.target(kind, single(c), 0)
		to, ok := node.(T)
		if node == nil || !ok {
			r.AnyOf = nil
			break
		}
		if !slices.ContainsFunc(r.AnyOf, func(have T) bool { return Node(have) == Node(to) }) {
			r.AnyOf = append(r.AnyOf, to)
		}
	}
	if text, ok := from.Text(); ok { // a literal that names nothing of the code
		if as == "declared" {
			*r = Ref[T]{}
			return
		}
		r.literal = text
		if kind.Kind() != reflect.Interface && kind != reflect.TypeFor[*Store]() {
			r.To, r.state = d.b.externalNode(d.unit, kind, text, nil, d.resource).(T), written
			return
		}
		if len(r.reasons) == 0 {
			r.reasons = []inventory.Reason{{Code: inventory.DataSource, Ref: text}}
		}
	}
	if len(r.reasons) == 0 {
		if ref, ok := from.Ref(); ok {
			r.reasons = []inventory.Reason{{Code: inventory.Computed, Ref: string(ref.Resource)}}
		}
	}
}

// onlyOne reports whether an unknown list is what one reference leads to, the ids of a data source, an output of a module,
// or is no list but a text of several parts. It is there, whatever its length.
func onlyOne(v inventory.Value) bool {
	_, ok := v.Ref()
	return ok || len(v.Parts()) > 0
}

// refTo returns the reference that stands at a value.
func refTo[T Node](d *decoder, v inventory.Value) Ref[T] {
	var r Ref[T]
	r.fill(d, d.element(v), "")
	return r
}

// leafAt returns the leaf that stands at a value, the default where there is none.
func leafAt[T comparable](d *decoder, v inventory.Value, as string) Value[T] {
	return leafOf[T](d.element(v), as, 0)
}

// target returns the object of a kind that a value leads to, nil where that is not known.
func (d *decoder) target(kind reflect.Type, v inventory.Value, hops int) Node {
	if d.b.steps++; hops > maxHops || d.b.steps > maxSteps {
		return nil
	}
	if ref, ok := v.Ref(); ok {
		if node := d.follow(kind, ref, v, hops); node != nil {
			return node
		}
	}
	for _, p := range v.Parts() {
		if _, ok := p.Ref(); !ok {
			continue
		}
		if node := d.target(kind, p, hops+1); node != nil && node.Self().Origin != External {
			return node
		}
	}
	if text := canonical(v); text != "" {
		return d.named(kind, text)
	}
	if kind == reflect.TypeFor[*TaskDefinition]() && len(v.Parts()) > 0 { // family:revision, where the revision is not known
		if text, ok := v.Parts()[0].Text(); ok && strings.Contains(text, ":") {
			return d.named(kind, text)
		}
	}
	return nil
}

// follow returns what a reference leads to: the object of the kind that the resource declares, or the one that its
// attribute names.
func (d *decoder) follow(kind reflect.Type, ref inventory.Ref, v inventory.Value, hops int) Node {
	u := d.unit
	if ref.Root != "" && ref.Root != u.Root {
		u = d.b.otherUnit(Unit{ref.Root, u.Environment})
	}
	node := u.objects[ref.Resource]
	if node != nil && node.Self().Exists() == inventory.NotExists {
		return nil
	}
	if node != nil {
		if other := attributeTarget(node, ref.Attribute); other != nil && fits(kind, other) {
			return other
		}
		if fits(kind, node) {
			return node
		}
	}
	r := u.resources[ref.Resource]
	if r != nil {
		if found := d.through(kind, r, ref.Attribute, hops); found != nil {
			return found
		}
		if node != nil && node.Self().Resource != nil && node.Self().Resource != r { // a data source that finds what is declared
			if found := d.through(kind, node.Self().Resource, ref.Attribute, hops); found != nil {
				return found
			}
		}
		if set := d.b.collection(u, r, kind); set != nil {
			return set
		}
		return nil
	}
	if node == nil && kind.Kind() != reflect.Interface {
		if key := outsideKey(ref); key != "" {
			return d.b.externalNode(u, kind, key, v.Reasons(), d.resource)
		}
	}
	return nil
}

// through returns what the value of another resource's attribute leads to.
func (d *decoder) through(kind reflect.Type, r *inventory.Resource, attribute string, hops int) Node {
	name, index := splitIndex(attribute)
	if through, ok := passes[r.Type]; ok && (name == "" || r.Get(name).IsNull()) {
		name = through.attribute
		if kind.Kind() == reflect.Interface {
			kind = through.kind
		}
	}
	if name == "" {
		return nil
	}
	if other := sourceGroups[name]; other != "" { // of a load balancer with several groups it is the first
		name, index = other, max(index, 0)
	}
	next := r.Get(strings.Split(name, ".")...)
	if elements := next.Elements(); index >= 0 && next.Kind() == inventory.List && index < len(elements) {
		next = elements[index]
	}
	if next.IsNull() {
		return nil
	}
	return d.b.decoderOf(r).target(kind, single(next), hops+1)
}

// outsideKey names what an output of a module stands for whose source is not in the tree; empty for other references.
func outsideKey(ref inventory.Ref) string {
	last := ref.Resource[strings.LastIndexByte(string(ref.Resource), '.')+1:]
	before := strings.TrimSuffix(string(ref.Resource), string(last))
	name, _ := splitIndex(ref.Attribute)
	if name == "" || !strings.HasSuffix(before, "module.") {
		return ""
	}
	return string(ref.Resource) + "." + name
}

// canonical is a text that is equal for values of which it is certain that they are the same, known or not: references to
// one attribute, and what is put together from equal parts. It is empty where that cannot be told.
func canonical(v inventory.Value) string {
	if text, ok := v.Text(); ok {
		return text
	}
	if ref, ok := v.Ref(); ok {
		return "\x00" + ref.Root + "\x00" + string(ref.Resource) + "\x00" + ref.Attribute + "\x00"
	}
	var b strings.Builder
	for _, p := range v.Parts() {
		text := canonical(p)
		if text == "" {
			if known, ok := p.Text(); ok && known == "" {
				continue
			}
			return ""
		}
		b.WriteString(text)
	}
	if b.Len() == 0 && v.IsUnknown() && len(v.Candidates()) == 0 && len(v.Reasons()) == 1 {
		if r := v.Reasons()[0]; r.Code == inventory.VarNoDefault || r.Code == inventory.ParamNoDefault {
			return "\x00" + r.Ref + "\x00"
		}
	}
	return b.String()
}

// splitIndex takes the index off an attribute: subnets[0] and Subnets.0 are element 0 of subnets.
func splitIndex(attribute string) (name string, index int) {
	if i := strings.LastIndexByte(attribute, '['); i >= 0 && strings.HasSuffix(attribute, "]") {
		if n, err := strconv.Atoi(attribute[i+1 : len(attribute)-1]); err == nil && n >= 0 {
			return attribute[:i], n
		}
	}
	if i := strings.LastIndexByte(attribute, '.'); i >= 0 {
		if n, err := strconv.Atoi(attribute[i+1:]); err == nil && n >= 0 {
			return attribute[:i], n
		}
	}
	return attribute, -1
}

func fits(kind reflect.Type, node Node) bool { return reflect.TypeOf(node).AssignableTo(kind) }

// attributeTarget returns the object that an attribute of another object names.
func attributeTarget(node Node, attribute string) Node {
	switch node := node.(type) {
	case *VPC:
		switch attribute {
		case "default_security_group_id", "DefaultSecurityGroup":
			return node.DefaultSecurityGroup
		case "default_network_acl_id", "DefaultNetworkAcl":
			return node.DefaultNetworkACL
		case "default_route_table_id", "main_route_table_id":
			return node.MainRouteTable.To
		}
	case *Subnet:
		if attribute == "vpc_id" || attribute == "VpcId" {
			return object(node.VPC)
		}
	case *SecurityGroup:
		if attribute == "vpc_id" || attribute == "VpcId" {
			return object(node.VPC)
		}
	case *EKSCluster:
		if strings.HasSuffix(attribute, "cluster_security_group_id") || attribute == "ClusterSecurityGroupId" {
			return node.SecurityGroup
		}
	case *TransitGateway:
		switch attribute {
		case "association_default_route_table_id", "propagation_default_route_table_id", "AssociationDefaultRouteTableId", "PropagationDefaultRouteTableId":
			return node.DefaultRouteTable
		}
	}
	return nil
}

// object returns the target of a reference to a VPC that is already known, nil otherwise.
func object(r Ref[*VPC]) Node {
	if r.To == nil {
		return nil
	}
	return r.To
}

// sourceGroups are the attributes of a Classic Load Balancer that name the group which its targets see, and where it is
// written (https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_SourceSecurityGroup.html).
var sourceGroups = map[string]string{
	"source_security_group_id":      "security_groups",
	"source_security_group":         "security_groups",
	"SourceSecurityGroup.GroupName": "SecurityGroups",
}

// passage is the attribute of a resource that names the object for which it stands.
type passage struct {
	attribute string
	kind      reflect.Type
}

// passes are resources that stand for another one.
var passes = map[string]passage{
	"aws_lambda_alias":                                {"function_name", reflect.TypeFor[*Function]()},
	"AWS::Lambda::Alias":                              {"FunctionName", reflect.TypeFor[*Function]()},
	"AWS::Lambda::Version":                            {"FunctionName", reflect.TypeFor[*Function]()},
	"aws_s3_bucket_website_configuration":             {"bucket", reflect.TypeFor[*Bucket]()},
	"aws_s3_bucket_policy":                            {"bucket", reflect.TypeFor[*Bucket]()},
	"aws_s3_bucket_public_access_block":               {"bucket", reflect.TypeFor[*Bucket]()},
	"aws_s3_bucket_ownership_controls":                {"bucket", reflect.TypeFor[*Bucket]()},
	"aws_s3_bucket_versioning":                        {"bucket", reflect.TypeFor[*Bucket]()},
	"aws_s3_bucket_acl":                               {"bucket", reflect.TypeFor[*Bucket]()},
	"aws_lb_listener_certificate":                     {"listener_arn", reflect.TypeFor[*Listener]()},
	"aws_ecs_cluster_capacity_providers":              {"cluster_name", reflect.TypeFor[*Cluster]()},
	"aws_vpc_dhcp_options_association":                {"vpc_id", reflect.TypeFor[*VPC]()},
	"aws_route_table_association":                     {"route_table_id", reflect.TypeFor[*RouteTable]()},
	"aws_main_route_table_association":                {"route_table_id", reflect.TypeFor[*RouteTable]()},
	"aws_internet_gateway_attachment":                 {"internet_gateway_id", reflect.TypeFor[*InternetGateway]()},
	"aws_vpn_gateway_attachment":                      {"vpn_gateway_id", reflect.TypeFor[*VPNGateway]()},
	"aws_eip_association":                             {"allocation_id", reflect.TypeFor[*ElasticIP]()},
	"aws_vpc_peering_connection_accepter":             {"vpc_peering_connection_id", reflect.TypeFor[*VPCPeeringConnection]()},
	"aws_ec2_transit_gateway_vpc_attachment_accepter": {"transit_gateway_attachment_id", reflect.TypeFor[*TransitGatewayAttachment]()},
	"aws_db_instance_role_association":                {"db_instance_identifier", reflect.TypeFor[*Store]()},
	"aws_kms_alias":                                   {"target_key_id", reflect.TypeFor[*Key]()},
	"AWS::KMS::Alias":                                 {"TargetKeyId", reflect.TypeFor[*Key]()},
	"aws_api_gateway_deployment":                      {"rest_api_id", reflect.TypeFor[*API]()},
	"aws_iam_role_policy_attachment":                  {"role", reflect.TypeFor[*Role]()},
	"aws_efs_access_point":                            {"file_system_id", reflect.TypeFor[*FileSystem]()},
}

// named returns the object of a kind that a literal names: its name, or an ARN that ends with it.
func (d *decoder) named(kind reflect.Type, text string) Node {
	if kind.Kind() == reflect.Interface {
		return nil
	}
	if node := d.unit.names[nameKey{kind, text}]; node != nil {
		return node
	}
	if strings.HasPrefix(text, "arn:") {
		last := text[strings.LastIndexAny(text, ":/")+1:]
		if node := d.unit.names[nameKey{kind, last}]; node != nil {
			return node
		}
	}
	if kind == reflect.TypeFor[*TaskDefinition]() { // family, or family:revision
		family, _, _ := strings.Cut(text, ":")
		return d.unit.names[nameKey{kind, family}]
	}
	return nil
}

// otherUnit returns the unit of another root: for the same environment, else the one without, else the first.
func (b *builder) otherUnit(u Unit) *unit {
	if found := b.m.units[u]; found != nil {
		return found
	}
	if found := b.m.units[Unit{u.Root, ""}]; found != nil {
		return found
	}
	return b.unit(u)
}

// instances returns the instances of a counted resource that a reference without an index leads to.
func (b *builder) instances(u *unit, ref inventory.Ref) []*inventory.Resource {
	if ref.Root != "" && ref.Root != u.Root {
		u = b.otherUnit(Unit{ref.Root, u.Environment})
	}
	if u.resources[ref.Resource] != nil {
		return nil
	}
	return u.counted[ref.Resource]
}

// externalNode returns the object outside of the code that a literal, data source or output of a module stands for. Equal
// references are one object.
func (b *builder) externalNode(u *unit, kind reflect.Type, literal string, why []inventory.Reason, from *inventory.Resource) Node {
	key := nameKey{kind, literal}
	if node := u.external[key]; node != nil {
		return node
	}
	node := reflect.New(kind.Elem()).Interface().(Node)
	o := node.Self()
	o.Origin, o.Unit, o.Literal, o.region, o.account, o.why = External, u.Unit, literal, from.Region, from.Account, why
	if len(o.why) == 0 {
		o.why = []inventory.Reason{{Code: inventory.DataSource, Ref: literal}}
	}
	u.external[key] = node
	b.list(node)
	b.outside(node)
	return node
}
