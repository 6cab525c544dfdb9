package aws

import (
	"cmp"
	"net/netip"
	"slices"
	"strings"

	"github.com/trifecta-scanner/trifecta/inventory"
)

// get returns what stands at the attribute or the property.
func (d *decoder) get(tf, cfn string) inventory.Value {
	path := tf
	if d.cfn {
		path = cfn
	}
	if path == "" || path == "-" {
		return inventory.Value{}
	}
	return d.resource.Get(strings.Split(path, ".")...)
}

// part returns where a block of the resource, or the resource itself where v is Null, is written.
func (d *decoder) part(v inventory.Value) Written {
	w := Written{At: d.resource, Location: d.resource.Location}
	if !v.Location().IsZero() && !v.IsNull() {
		w.Location = v.Location()
	}
	if d.resource.Exists == inventory.MayExist {
		w.Maybe, w.Reasons = true, d.resource.Reasons
	}
	if v.IsMaybe() {
		w.Maybe, w.Reasons = true, append(slices.Clip(w.Reasons), v.Reasons()...)
	}
	return w
}

// own is part without a block.
func (d *decoder) own() Written { return d.part(inventory.Value{}) }

// sure returns the decoder for a block whose Written says that it may not be there: its leaves are as they are written.
func (d *decoder) sure() *decoder {
	inner := *d
	inner.maybe, inner.reasons = false, nil
	return &inner
}

// startVPC makes what AWS makes with every VPC.
func (b *builder) startVPC(u *unit, r *inventory.Resource, v *VPC) {
	if r.Type == "aws_default_vpc" {
		v.Default = true
		u.vpcs[area{r.Region, r.Account}] = v
	}
	b.furnish(v)
}

// furnish gives a VPC its main route table, default ACL and default group. They come into the lists of the model when
// nothing has taken their place.
func (b *builder) furnish(v *VPC) {
	table, acl, group := &RouteTable{VPC: To(v), Main: true}, &NetworkACL{VPC: To(v), Default: true}, &SecurityGroup{VPC: To(v), Default: true}
	for _, o := range []*Object{&table.Object, &acl.Object, &group.Object} {
		implied(o, &v.Object)
		if v.Origin == External {
			o.Origin, o.Literal, o.why = External, v.Literal, v.why
		}
	}
	v.MainRouteTable, v.DefaultNetworkACL, v.DefaultSecurityGroup = To(table), acl, group
	if v.Origin == External {
		return
	}
	at := Written{At: v.Resource, Location: v.Location()}
	for _, egress := range []bool{false, true} {
		rules := []*NetworkACLRule{
			{Written: at, Egress: egress, Number: Of(100), Action: Of("allow"), Protocol: Of(-1), CIDR: Of(anyIPv4)},
			{Written: at, Egress: egress, Number: Of(101), Action: Of("allow"), Protocol: Of(-1), CIDR: Of(anyIPv6)},
		}
		if egress {
			acl.Egress = rules
		} else {
			acl.Ingress = rules
		}
	}
	group.Ingress = []*SecurityGroupRule{{Written: at, Protocol: Of(-1), Groups: []Ref[*SecurityGroup]{To(group)}, Self: Of(true)}}
	group.Egress = []*SecurityGroupRule{allowAllOut(at)}
}

func allowAllOut(at Written) *SecurityGroupRule {
	return &SecurityGroupRule{Written: at, Egress: true, Protocol: Of(-1), CIDRs: []Prefix{Of(anyIPv4), Of(anyIPv6)}}
}

var (
	anyIPv4 = netip.MustParsePrefix("0.0.0.0/0")
	anyIPv6 = netip.MustParsePrefix("::/0")
	// defaultRange is the range of every default VPC (https://docs.aws.amazon.com/vpc/latest/userguide/default-vpc-components.html).
	defaultRange = netip.MustParsePrefix("172.31.0.0/16")
)

// defaultVPC returns the default VPC of a region, which is made on demand. Its one implied subnet stands for those of all
// zones.
func (b *builder) defaultVPC(u *unit, region, account string) *VPC {
	key := area{region, account}
	v := u.vpcs[key]
	if v == nil {
		v = &VPC{Default: true, CIDR: Of(defaultRange), DNSHostnames: Of(true), DNSSupport: Of(true)}
		v.Unit, v.Origin, v.region, v.account = u.Unit, Implied, region, account
		b.furnish(v)
		b.m.VPCs = append(b.m.VPCs, v)
		u.vpcs[key] = v
	}
	if len(v.InternetGateways) == 0 { // once for the adopted one, too
		gateway := &InternetGateway{VPC: To(v)}
		implied(&gateway.Object, &v.Object)
		attachment := &GatewayAttachment{Written: Written{At: v.Resource, Location: v.Location()}, VPC: To(v), Gateway: To(Node(gateway))}
		gateway.Attachments = []*GatewayAttachment{attachment}
		v.InternetGateways = []*GatewayAttachment{attachment}
		b.m.InternetGateways = append(b.m.InternetGateways, gateway)
		if main := v.MainRouteTable.To; main != nil && main.Origin == Implied {
			main.Routes = append(main.Routes, &Route{Written: Written{At: v.Resource, Location: v.Location()}, Destination: Of(anyIPv4), Kind: ToGateway, Target: To(Node(gateway))})
		}
	}
	return v
}

// defaultSubnet returns the subnet that stands for the default ones of a default VPC.
func (b *builder) defaultSubnet(v *VPC) *Subnet {
	for _, s := range v.Subnets {
		if s.Default && s.Origin == Implied {
			return s
		}
	}
	s := &Subnet{VPC: To(v), CIDR: v.CIDR, AutoIPv4: Of(true), AutoIPv6: Of(false), IPv6Native: Of(false), Default: true}
	implied(&s.Object, &v.Object)
	v.Subnets = append(v.Subnets, s)
	b.m.Subnets = append(b.m.Subnets, s)
	return s
}

func (d *decoder) defaultVPC() *VPC {
	return d.b.defaultVPC(d.unit, d.resource.Region, d.resource.Account)
}

func (d *decoder) finishVPC(v *VPC) {
	if v.Default {
		if v.CIDR.Absent() {
			v.CIDR = Of(defaultRange)
		}
		v.DNSHostnames = orDefault(v.DNSHostnames, true)
		d.b.defaultVPC(d.unit, v.region, v.account)
	}
}

func orDefault[T comparable](v Value[T], x T) Value[T] {
	if v.Written() {
		return v
	}
	return Of(x)
}

func (b *builder) startSubnet(u *unit, r *inventory.Resource, s *Subnet) {
	s.Default = r.Type == "aws_default_subnet"
}

func (d *decoder) finishSubnet(s *Subnet) {
	if s.Default {
		s.VPC = To(d.defaultVPC())
		s.AutoIPv4 = orDefault(s.AutoIPv4, true)
	}
}

// adopt puts what Terraform adopts in the place of what AWS has made.
func (b *builder) adopt(e entry) {
	d := b.decoderOf(e.resource)
	vpc := func(attribute string) *VPC {
		v := d.get(attribute, "-")
		if v.IsNull() {
			return d.defaultVPC()
		}
		r := refTo[*VPC](d, v)
		return r.To
	}
	switch e.resource.Type {
	case "aws_default_route_table":
		if t, ok := e.node.(*RouteTable); ok {
			t.Main = true
			if v := vpc("default_route_table_id"); v != nil {
				t.VPC, v.MainRouteTable = To(v), To(t)
			}
		}
	case "aws_default_network_acl":
		if a, ok := e.node.(*NetworkACL); ok {
			a.Default = true
			if v := vpc("default_network_acl_id"); v != nil {
				a.VPC, v.DefaultNetworkACL = To(v), a
			}
		}
	case "aws_default_security_group":
		if g, ok := e.node.(*SecurityGroup); ok {
			g.Default = true
			if v := vpc("vpc_id"); v != nil {
				g.VPC, v.DefaultSecurityGroup = To(v), g
			}
		}
	}
}

func (d *decoder) joinCIDR() {
	r := refTo[*VPC](d, d.get("vpc_id", "VpcId"))
	for _, v := range r.Targets() {
		v4, v6 := d.get("cidr_block", "CidrBlock"), d.get("ipv6_cidr_block", "Ipv6CidrBlock")
		if !v4.IsNull() {
			v.CIDRs = append(v.CIDRs, leafAt[netip.Prefix](d, v4, ""))
		}
		generated, _ := d.get("assign_generated_ipv6_cidr_block", "AmazonProvidedIpv6CidrBlock").Bool()
		if !v6.IsNull() || generated || d.resource.Type == "aws_vpc_ipv6_cidr_block_association" || !d.get("ipv6_ipam_pool_id", "Ipv6IpamPoolId").IsNull() {
			v.IPv6 = Of(true)
			if !v6.IsNull() {
				v.CIDRs = append(v.CIDRs, leafAt[netip.Prefix](d, v6, ""))
			}
		}
	}
}

func (d *decoder) finishInternetGateway(g *InternetGateway) {
	if !g.VPC.Absent() {
		d.attach(To(Node(g)), g.VPC, d.part(d.get("vpc_id", "-")))
	}
}

func (d *decoder) finishVPNGateway(g *VPNGateway) {
	if !g.VPC.Absent() {
		d.attach(To(Node(g)), g.VPC, d.part(d.get("vpc_id", "-")))
	}
}

func (d *decoder) joinGateway() {
	vpc := refTo[*VPC](d, d.get("vpc_id", "VpcId"))
	for _, v := range []inventory.Value{d.get("internet_gateway_id", "InternetGatewayId"), d.get("vpn_gateway_id", "VpnGatewayId")} {
		if g := refTo[Node](d, v); !g.Absent() {
			d.attach(g, vpc, d.own())
		}
	}
}

// attach ties a gateway to a VPC, and both may be in doubt.
func (d *decoder) attach(gateway Ref[Node], vpc Ref[*VPC], at Written) {
	if len(gateway.AnyOf) > 0 || len(vpc.AnyOf) > 0 {
		at.Maybe, at.Reasons = true, append(slices.Clip(at.Reasons), append(slices.Clip(gateway.Reasons()), vpc.Reasons()...)...)
	}
	a := &GatewayAttachment{Written: at, VPC: vpc, Gateway: gateway}
	for _, n := range gateway.Targets() {
		switch g := n.(type) {
		case *InternetGateway:
			g.Attachments = append(g.Attachments, a)
			for _, v := range vpc.Targets() {
				v.InternetGateways = append(v.InternetGateways, a)
			}
		case *VPNGateway:
			g.Attachments = append(g.Attachments, a)
			for _, v := range vpc.Targets() {
				v.VPNGateways = append(v.VPNGateways, a)
			}
		}
	}
}

// routeTargets are the attributes that name what a route leads to, in the order in which they are asked for.
var routeTargets = []struct {
	tf, cfn string
	kind    RouteKind
}{
	{"nat_gateway_id", "NatGatewayId", ToNAT},
	{"egress_only_gateway_id", "EgressOnlyInternetGatewayId", ToEgressOnly},
	{"transit_gateway_id", "TransitGatewayId", ToTransitGateway},
	{"vpc_peering_connection_id", "VpcPeeringConnectionId", ToPeering},
	{"vpc_endpoint_id", "VpcEndpointId", ToEndpoint},
	{"network_interface_id", "NetworkInterfaceId", ToInterface},
	{"instance_id", "InstanceId", ToInstance},
	{"carrier_gateway_id", "CarrierGatewayId", ToCarrier},
	{"local_gateway_id", "LocalGatewayId", ToLocalGateway},
	{"core_network_arn", "CoreNetworkArn", ToCoreNetwork},
	{"gateway_id", "GatewayId", ToGateway},
}

// route reads one route from a block or resource.
func (d *decoder) route(v inventory.Value, at Written) *Route {
	r := &Route{Written: at}
	inner := d.sure()
	if v.IsUnknown() {
		r.Destination, r.Kind = UnknownOf[netip.Prefix](v.Reasons()...), ToUnknownTarget
		r.Target = unknownRef[Node](v.Reasons()...)
		r.Maybe = true
		return r
	}
	inner.fields(r, v)
	for _, t := range routeTargets {
		name := t.tf
		if d.cfn {
			name = t.cfn
		}
		target := v.Get(name)
		text, ok := target.Text()
		if target.IsNull() || ok && text == "" {
			continue
		}
		r.Kind = t.kind
		if text == "local" {
			r.Kind = ToLocal
			break
		}
		r.Target = refTo[Node](inner, target)
		switch n := r.Target.To.(type) {
		case *VPNGateway:
			r.Kind = ToVPNGateway
		case *InternetGateway, *VPCEndpoint:
			r.Kind = ToGateway
			if _, ok := n.(*VPCEndpoint); ok {
				r.Kind = ToEndpoint
			}
		}
		break
	}
	return r
}

// fields fills a struct that is no object.
func (d *decoder) fields(into any, v inventory.Value) {
	s := structOf(into)
	d.block(d.b.planOf(s.Type()), s, v)
}

func (d *decoder) finishRouteTable(t *RouteTable) {
	for _, v := range blocksOf(d.get("route", "-")) {
		t.Routes = append(t.Routes, d.route(v, d.part(v)))
	}
	for _, v := range listed(d.get("propagating_vgws", "-")) {
		t.Propagating = append(t.Propagating, Propagation{d.part(v), refTo[*VPNGateway](d, v)})
	}
}

func (d *decoder) joinRoute() {
	at := d.own()
	tables := refTo[*RouteTable](d, d.get("route_table_id", "RouteTableId"))
	if len(tables.AnyOf) > 0 {
		at.Maybe, at.Reasons = true, append(slices.Clip(at.Reasons), tables.Reasons()...)
	}
	r := d.route(d.resource.Values, at)
	for _, t := range tables.Targets() {
		t.Routes = append(t.Routes, r)
	}
}

func (d *decoder) joinRouteTable() {
	a := &RouteTableAssociation{Written: d.own()}
	d.fields(a, d.resource.Values)
	for _, t := range a.Table.Targets() {
		t.Associations = append(t.Associations, a)
	}
	d.b.tables = append(d.b.tables, a)
}

func (d *decoder) joinPropagation() {
	gateway := refTo[*VPNGateway](d, d.get("vpn_gateway_id", "VpnGatewayId"))
	for _, v := range append(listed(d.get("-", "RouteTableIds")), d.get("route_table_id", "-")) {
		r := refTo[*RouteTable](d, v)
		for _, t := range r.Targets() {
			t.Propagating = append(t.Propagating, Propagation{d.own(), gateway})
		}
	}
}

// aclRule reads one rule of a network ACL.
func (d *decoder) aclRule(v inventory.Value, egress bool, at Written) *NetworkACLRule {
	r := &NetworkACLRule{Written: at, Egress: egress}
	d.sure().fields(r, v)
	if text, ok := r.Action.Known(); ok {
		r.Action.value = strings.ToLower(text)
	}
	if r.CIDR.Absent() && v.IsUnknown() {
		r.CIDR = UnknownOf[netip.Prefix](v.Reasons()...)
	}
	return r
}

func (d *decoder) finishNetworkACL(a *NetworkACL) {
	for _, egress := range []bool{false, true} {
		name := "ingress"
		if egress {
			name = "egress"
		}
		for _, v := range blocksOf(d.get(name, "-")) {
			a.add(d.aclRule(v, egress, d.part(v)))
		}
	}
	for _, v := range listed(d.get("subnet_ids", "-")) {
		d.associate(&NetworkACLAssociation{Written: d.part(v), ACL: To(a), Subnet: refTo[*Subnet](d, v)})
	}
}

func (a *NetworkACL) add(r *NetworkACLRule) {
	if r.Egress {
		a.Egress = append(a.Egress, r)
	} else {
		a.Ingress = append(a.Ingress, r)
	}
}

func (d *decoder) associate(a *NetworkACLAssociation) {
	for _, acl := range a.ACL.Targets() {
		acl.Associations = append(acl.Associations, a)
	}
	d.b.acls = append(d.b.acls, a)
}

func (d *decoder) joinACLRule() {
	acls := refTo[*NetworkACL](d, d.get("network_acl_id", "NetworkAclId"))
	at := d.own()
	if len(acls.AnyOf) > 0 {
		at.Maybe, at.Reasons = true, append(slices.Clip(at.Reasons), acls.Reasons()...)
	}
	direction := leafAt[bool](d, d.get("egress", "Egress"), "")
	for _, egress := range []bool{false, true} {
		if direction.Unknown() && !direction.May(egress) || !direction.Unknown() && direction.Or(false) != egress {
			continue
		}
		where := at
		if direction.Unknown() {
			where.Maybe, where.Reasons = true, append(slices.Clip(at.Reasons), direction.Reasons()...)
		}
		r := d.aclRule(d.resource.Values, egress, where)
		for _, acl := range acls.Targets() {
			acl.add(r)
		}
	}
}

func (d *decoder) joinACL() {
	a := &NetworkACLAssociation{Written: d.own()}
	d.fields(a, d.resource.Values)
	d.associate(a)
}

// groupRule reads one rule of a security group. The group is nil where it is not known.
func (d *decoder) groupRule(v inventory.Value, egress bool, at Written, group *SecurityGroup) *SecurityGroupRule {
	r := &SecurityGroupRule{Written: at, Egress: egress}
	d.sure().fields(r, v)
	if r.Protocol.Absent() && v.IsUnknown() {
		r.Protocol = UnknownOf[int](v.Reasons()...)
	}
	if group != nil && r.Self.May(true) {
		self := Ref[*SecurityGroup]{To: group, state: written, at: r.Self.at}
		if r.Self.Unknown() {
			self.flags, self.reasons = maybe, r.Self.Reasons()
		}
		r.Groups = append(r.Groups, self)
	}
	return r
}

func (g *SecurityGroup) add(r *SecurityGroupRule) {
	if r.Egress {
		g.Egress = append(g.Egress, r)
	} else {
		g.Ingress = append(g.Ingress, r)
	}
}

func (d *decoder) finishSecurityGroup(g *SecurityGroup) {
	if g.VPC.Absent() && g.Origin == Declared {
		g.VPC = To(d.defaultVPC())
	}
	for _, egress := range []bool{false, true} {
		v := d.get("ingress", "SecurityGroupIngress")
		if egress {
			v = d.get("egress", "SecurityGroupEgress")
		}
		for _, rule := range blocksOf(v) {
			g.add(d.groupRule(rule, egress, d.part(rule), g))
		}
		if egress && d.cfn && v.IsNull() {
			g.openOut = true
		}
	}
}

func (d *decoder) joinGroupRule() {
	groups := refTo[*SecurityGroup](d, d.get("security_group_id", "GroupId"))
	if groups.Absent() {
		groups = refTo[*SecurityGroup](d, d.get("-", "GroupName"))
	}
	at := d.own()
	direction := Of(strings.HasSuffix(strings.ToLower(d.resource.Type), "egress") || strings.HasSuffix(d.resource.Type, "egress_rule"))
	if d.resource.Type == "aws_security_group_rule" {
		switch t := leafAt[string](d, d.get("type", "-"), ""); {
		case t.Unknown():
			direction = UnknownOf[bool](t.Reasons()...)
		default:
			direction = Of(t.Is("egress"))
		}
	}
	if len(groups.AnyOf) > 0 || direction.Unknown() {
		at.Maybe, at.Reasons = true, append(slices.Clip(at.Reasons), append(slices.Clip(groups.Reasons()), direction.Reasons()...)...)
	}
	for _, egress := range []bool{false, true} {
		if !direction.May(egress) {
			continue
		}
		for _, g := range groups.Targets() {
			g.add(d.groupRule(d.resource.Values, egress, at, g))
			if egress {
				// CloudFormation's own rule that allows everything out stays: AWS::EC2::SecurityGroupEgress only adds.
				continue
			}
		}
	}
	if groups.Unknown() && len(groups.AnyOf) == 0 {
		d.b.m.LooseRules = append(d.b.m.LooseRules, d.groupRule(d.resource.Values, direction.Or(false), at, nil))
	}
}

func (d *decoder) joinGroupVPC() {
	groups := refTo[*SecurityGroup](d, d.get("security_group_id", "GroupId"))
	for _, g := range groups.Targets() {
		g.SharedWith = append(g.SharedWith, refTo[*VPC](d, d.get("vpc_id", "VpcId")))
	}
}

// joinGroup adds a group to an interface, or to the primary one of an instance.
func (d *decoder) joinGroup() {
	group := refTo[*SecurityGroup](d, d.get("security_group_id", "-"))
	if d.resource.Exists == inventory.MayExist {
		group.flags, group.reasons = group.flags|maybe, d.resource.Reasons
	}
	targets := refTo[Node](d, d.get("network_interface_id", "-"))
	for _, n := range targets.Targets() {
		switch n := n.(type) {
		case *NetworkInterface:
			n.SecurityGroups = append(n.SecurityGroups, group)
		case *Instance:
			n.AddedGroups = append(n.AddedGroups, group)
		}
	}
}

func (d *decoder) finishPrefixList(l *PrefixList) {
	if l.Origin == External {
		if name, ok := l.Name.Known(); ok && strings.HasPrefix(name, "com.amazonaws.") {
			l.AWS = true
		}
	}
	for _, v := range blocksOf(d.get("entry", "Entries")) {
		e := PrefixListEntry{Written: d.part(v)}
		d.sure().fields(&e, v)
		l.Entries = append(l.Entries, e)
	}
}

func (d *decoder) joinPrefix() {
	lists := refTo[*PrefixList](d, d.get("prefix_list_id", "-"))
	for _, l := range lists.Targets() {
		e := PrefixListEntry{Written: d.own()}
		d.sure().fields(&e, d.resource.Values)
		l.Entries = append(l.Entries, e)
	}
}

func (d *decoder) finishInterface(n *NetworkInterface) {
	for _, v := range blocksOf(d.get("attachment", "-")) {
		i := refTo[*Instance](d, v.Get("instance"))
		n.attached(i)
	}
}

// attached notes an instance that an interface is attached to.
func (n *NetworkInterface) attached(i Ref[*Instance]) {
	if i.Absent() {
		return
	}
	n.Instances = append(n.Instances, i)
	for _, instance := range i.Targets() {
		r := To(n)
		if !i.Resolved() {
			r.flags, r.reasons = maybe, i.Reasons()
		}
		instance.Attached = append(instance.Attached, r)
	}
}

func (d *decoder) joinInterface() {
	interfaces := refTo[*NetworkInterface](d, d.get("network_interface_id", "NetworkInterfaceId"))
	i := refTo[*Instance](d, d.get("instance_id", "InstanceId"))
	if d.resource.Exists == inventory.MayExist {
		i.flags, i.reasons = i.flags|maybe, d.resource.Reasons
	}
	for _, n := range interfaces.Targets() {
		n.attached(i)
	}
}

func (d *decoder) finishElasticIP(a *ElasticIP) {
	if a.Instance.Absent() && a.Interface.Absent() {
		return
	}
	place := d.get("instance", "InstanceId")
	if a.Instance.Absent() {
		place = d.get("network_interface", "-")
	}
	d.address(&AddressAssociation{Written: d.part(place), Address: To(a), Instance: a.Instance, Interface: a.Interface})
}

func (d *decoder) joinAddress() {
	a := &AddressAssociation{Written: d.own()}
	d.fields(a, d.resource.Values)
	d.address(a)
}

// address notes an association at the address and at what it is for. The interface of an instance stands for it.
func (d *decoder) address(a *AddressAssociation) {
	if i, ok := d.primary("network_interface", "NetworkInterfaceId"); ok && a.Instance.Absent() {
		a.Instance = i
	}
	for _, e := range a.Address.Targets() {
		e.Associations = append(e.Associations, a)
	}
	for _, i := range a.Instance.Targets() {
		i.Addresses = append(i.Addresses, a)
	}
	for _, n := range a.Interface.Targets() {
		n.Addresses = append(n.Addresses, a)
	}
}

// primary returns the instance whose primary interface an attribute names.
func (d *decoder) primary(tf, cfn string) (Ref[*Instance], bool) {
	v := d.get(tf, cfn)
	if v.IsNull() {
		v = d.get(tf+"_id", cfn)
	}
	n := refTo[Node](d, v)
	if i, ok := n.To.(*Instance); ok {
		return To(i), true
	}
	return Ref[*Instance]{}, false
}

// linkNetwork decides what only all resources together say.
func (b *builder) linkNetwork() {
	for _, v := range b.m.VPCs {
		if v.Origin == Implied || v.Origin == Declared {
			b.linkVPC(v)
		}
	}
	for _, s := range b.m.Subnets {
		if s.Origin == Implied { // noted when it was made
			continue
		}
		for _, v := range s.VPC.Targets() {
			v.Subnets = append(v.Subnets, s)
		}
	}
	b.mainTables()
	choose(b.m.Subnets, b.tables,
		func(a *RouteTableAssociation) (Ref[*Subnet], Ref[*RouteTable], *Written) {
			return a.Subnet, a.Table, &a.Written
		},
		func(t *RouteTable) Ref[*VPC] { return t.VPC },
		func(v *VPC) Ref[*RouteTable] { return v.MainRouteTable },
		func(s *Subnet, r Ref[*RouteTable], a *RouteTableAssociation) {
			s.RouteTable, s.RouteTableAssociation = r, a
		})
	choose(b.m.Subnets, b.acls,
		func(a *NetworkACLAssociation) (Ref[*Subnet], Ref[*NetworkACL], *Written) {
			return a.Subnet, a.ACL, &a.Written
		},
		func(a *NetworkACL) Ref[*VPC] { return a.VPC },
		func(v *VPC) Ref[*NetworkACL] { return To(v.DefaultNetworkACL) },
		func(s *Subnet, r Ref[*NetworkACL], _ *NetworkACLAssociation) { s.NetworkACL = r })
	for _, v := range b.m.VPCs {
		b.listImplied(v)
	}
	for _, t := range b.m.RouteTables {
		for _, v := range t.VPC.Targets() {
			v.RouteTables = append(v.RouteTables, t)
		}
	}
	for _, a := range b.m.NetworkACLs {
		for _, rules := range [][]*NetworkACLRule{a.Ingress, a.Egress} {
			slices.SortStableFunc(rules, func(x, y *NetworkACLRule) int { return cmp.Compare(x.Number.Or(1<<16), y.Number.Or(1<<16)) })
		}
		for _, v := range a.VPC.Targets() {
			v.NetworkACLs = append(v.NetworkACLs, a)
		}
	}
	for _, g := range b.m.SecurityGroups {
		if g.openOut {
			g.Egress = append(g.Egress, allowAllOut(Written{At: g.Resource, Location: g.Location()}))
		}
		for _, v := range g.VPC.Targets() {
			v.SecurityGroups = append(v.SecurityGroups, g)
		}
	}
	for _, e := range b.m.EgressOnlyGateways {
		for _, v := range e.VPC.Targets() {
			v.EgressOnlyGateways = append(v.EgressOnlyGateways, e)
		}
	}
	for _, f := range b.m.NetworkFirewalls {
		for _, v := range f.VPC.Targets() {
			v.Firewalls = append(v.Firewalls, f)
		}
	}
	for _, e := range b.m.VPCEndpoints {
		for _, v := range e.VPC.Targets() {
			v.Endpoints = append(v.Endpoints, e)
		}
	}
	for _, f := range b.m.FlowLogs {
		switch n := f.Of.To.(type) {
		case *VPC:
			f.VPC = To(n)
		case *Subnet:
			f.Subnet = To(n)
		case *NetworkInterface:
			f.Interface = To(n)
		case *TransitGateway:
			f.TransitGateway = To(n)
		}
		for _, v := range f.VPC.Targets() {
			v.FlowLogs = append(v.FlowLogs, f)
		}
		for _, s := range f.Subnet.Targets() {
			s.FlowLogs = append(s.FlowLogs, f)
		}
	}
}

// linkVPC collects the ranges of a VPC.
func (b *builder) linkVPC(v *VPC) {
	own := []Prefix{}
	for _, p := range []Prefix{v.CIDR, v.IPv6CIDR} {
		if !p.Absent() {
			own = append(own, p)
		}
	}
	v.CIDRs = append(own, v.CIDRs...)
	if v.IPv6.Is(true) {
		return
	}
	v.IPv6 = Of(!v.IPv6CIDR.Absent())
	if !v.GeneratedIPv6.Absent() && !v.IPv6.Is(true) {
		v.IPv6 = v.GeneratedIPv6
	}
	if v.IPv6.Is(false) && v.Resource != nil && !v.Resource.Get("ipv6_ipam_pool_id").IsNull() {
		v.IPv6 = Of(true)
	}
}

// mainTables applies associations that replace main tables.
func (b *builder) mainTables() {
	for _, a := range b.tables {
		for _, v := range a.VPC.Targets() {
			tables := a.Table.Targets()
			if a.Maybe || !a.VPC.Resolved() || !a.Table.Resolved() {
				tables = append(slices.Clip(tables), v.MainRouteTable.Targets()...)
			}
			if len(tables) > 0 {
				v.MainRouteTable = oneOf(append(slices.Clip(a.Reasons), append(slices.Clip(a.VPC.Reasons()), a.Table.Reasons()...)...), tables...)
			}
		}
	}
}

// listImplied lists what AWS has made with a VPC and nothing has replaced.
func (b *builder) listImplied(v *VPC) {
	if v.Origin == External {
		return
	}
	for _, t := range v.MainRouteTable.Targets() {
		t.Main = true
		if t.Origin == Implied {
			b.m.RouteTables = append(b.m.RouteTables, t)
		}
	}
	if v.DefaultNetworkACL.Origin == Implied {
		b.m.NetworkACLs = append(b.m.NetworkACLs, v.DefaultNetworkACL)
	}
	if v.DefaultSecurityGroup.Origin == Implied {
		b.m.SecurityGroups = append(b.m.SecurityGroups, v.DefaultSecurityGroup)
	}
}

// choose decides which of several things subnets use: what is associated, else what the VPC has for all. An association
// that may not be there, or whose subnet is not known, leaves more than one answer.
func choose[A any, T Node](subnets []*Subnet, associations []A, parts func(A) (Ref[*Subnet], Ref[T], *Written), vpcOf func(T) Ref[*VPC],
	fallback func(*VPC) Ref[T], set func(*Subnet, Ref[T], A)) {
	bySubnet := map[*Subnet][]A{}
	loose := map[*VPC]*doubtful[T]{} // what some subnet of a VPC is associated with
	for _, a := range associations {
		subnet, what, at := parts(a)
		for _, s := range subnet.Targets() {
			bySubnet[s] = append(bySubnet[s], a)
		}
		if subnet.Unknown() && len(subnet.AnyOf) == 0 {
			for _, t := range what.Targets() {
				vpc := vpcOf(t)
				for _, v := range vpc.Targets() {
					if loose[v] == nil {
						loose[v] = &doubtful[T]{seen: map[Node]bool{}}
					}
					loose[v].add(t, at.Reasons, subnet.Reasons())
				}
			}
		}
	}
	for _, s := range subnets {
		var none A
		if s.Origin == External {
			set(s, unknownRef[T](s.Unknowable()...), none)
			continue
		}
		var possible []T
		var reasons []inventory.Reason
		certain := false
		var from A
		for _, a := range bySubnet[s] {
			subnet, what, at := parts(a)
			possible = append(possible, what.Targets()...)
			reasons = append(reasons, what.Reasons()...)
			if what.Unknown() && len(what.AnyOf) == 0 {
				set(s, unknownRef[T](what.Reasons()...), a)
				possible, certain = nil, true
				break
			}
			if subnet.Resolved() && !at.Maybe {
				certain, from = true, a
				continue
			}
			reasons = append(reasons, append(slices.Clip(at.Reasons), subnet.Reasons()...)...)
		}
		if certain && possible == nil {
			continue
		}
		if !certain {
			for _, v := range s.VPC.Targets() {
				if l := loose[v]; l != nil {
					possible, reasons = append(possible, l.targets...), append(reasons, l.reasons...)
				}
				r := fallback(v)
				possible = append(possible, r.Targets()...)
				reasons = append(reasons, r.Reasons()...)
			}
			if s.VPC.Unknown() && len(s.VPC.AnyOf) == 0 {
				set(s, unknownRef[T](append(reasons, s.VPC.Reasons()...)...), none)
				continue
			}
		}
		if len(possible) > 0 {
			set(s, oneOf(distinctReasons(reasons), possible...), from)
		}
	}
}

// doubtful is what some subnet of a VPC uses, nobody knows which.
type doubtful[T Node] struct {
	targets []T
	reasons []inventory.Reason
	seen    map[Node]bool
}

func (d *doubtful[T]) add(target T, reasons ...[]inventory.Reason) {
	if !d.seen[target] && len(d.targets) <= maxAnyOf {
		d.seen[target] = true
		d.targets = append(d.targets, target)
	}
	for _, some := range reasons {
		for _, r := range some {
			if len(d.reasons) < maxAnyOf && !slices.Contains(d.reasons, r) {
				d.reasons = append(d.reasons, r)
			}
		}
	}
}

func distinctReasons(reasons []inventory.Reason) []inventory.Reason {
	var distinct []inventory.Reason
	for _, r := range reasons {
		if !slices.Contains(distinct, r) {
			distinct = append(distinct, r)
		}
	}
	return distinct
}
