package aws

import (
	"slices"
	"strconv"
	"strings"

	"github.com/trifecta-scanner/trifecta/inventory"
)

func startLaunchConfiguration(_ *builder, _ *unit, _ *inventory.Resource, t *LaunchTemplate) {
	t.Configuration = true
}

// startEKSCluster makes the group that EKS makes with a cluster: it admits itself and lets everything out
// (https://docs.aws.amazon.com/eks/latest/userguide/sec-group-reqs.html).
func (b *builder) startEKSCluster(_ *unit, _ *inventory.Resource, c *EKSCluster) {
	g := &SecurityGroup{}
	implied(&g.Object, &c.Object)
	at := Written{At: c.Resource, Location: c.Location()}
	g.Ingress = []*SecurityGroupRule{{Written: at, Protocol: Of(-1), Groups: []Ref[*SecurityGroup]{To(g)}, Self: Of(true)}}
	g.Egress = []*SecurityGroupRule{allowAllOut(at)}
	if c.Origin == External {
		g.Origin, g.Literal, g.why = External, c.Literal, c.why
		g.Ingress, g.Egress = nil, nil
	}
	c.SecurityGroup = g
}

// finishAutoScalingGroup takes CloudFormation's comma-separated and Terraform's listed forms alike.
func (d *decoder) finishAutoScalingGroup(g *AutoScalingGroup) {
	if g.InstanceRefresh.Absent() {
		g.InstanceRefresh = Of(false)
	}
}

func (d *decoder) joinAutoScaling() {
	name := d.get("autoscaling_group_name", "-")
	groups, nodes := refTo[*AutoScalingGroup](d, name), refTo[*NodeGroup](d, name)
	target := d.get("lb_target_group_arn", "-")
	if target.IsNull() {
		target = d.get("alb_target_group_arn", "-")
	}
	if target.IsNull() {
		target = d.get("traffic_source.identifier", "-")
	}
	t, l := refTo[*TargetGroup](d, target), refTo[*LoadBalancer](d, d.get("elb", "-"))
	if d.resource.Exists == inventory.MayExist {
		t.flags, t.reasons = t.flags|maybe, d.resource.Reasons
		l.flags, l.reasons = l.flags|maybe, d.resource.Reasons
	}
	for _, g := range nodes.Targets() { // the machines of a node group are in an auto scaling group, too
		if !t.Absent() {
			g.TargetGroups = append(g.TargetGroups, t)
		}
	}
	for _, g := range groups.Targets() {
		if !t.Absent() {
			g.TargetGroups = append(g.TargetGroups, t)
		}
		if !l.Absent() {
			g.LoadBalancers = append(g.LoadBalancers, l)
		}
	}
}

// Machines returns what the machines of a group are started from, resolved and merged: one for each template that the
// group may use.
func (g *AutoScalingGroup) Machines() []*LaunchTemplate {
	var all []*LaunchTemplate
	for _, r := range slices.Concat(g.Templates, g.Overrides) {
		for _, t := range r.Targets() {
			if !slices.Contains(all, t) {
				all = append(all, t)
			}
		}
	}
	return all
}

// linkCompute fills what templates, defaults and clusters say about machines and services.
func (b *builder) linkCompute() {
	for _, i := range b.m.Instances {
		if t := i.LaunchTemplate.To; t != nil && i.Origin == Declared {
			i.Launch.inherit(&t.Launch)
		}
		if i.Origin == Declared && i.Subnet.Absent() && !i.placed() {
			i.Subnet = b.inDefaultVPC(&i.Object)
		}
		if i.Origin == Declared && len(i.SecurityGroups) == 0 && !i.Subnet.Absent() && !i.grouped() {
			i.SecurityGroups = defaultGroups(i.Subnet)
		}
	}
	for _, s := range b.m.Services {
		if s.Origin == Declared && len(s.Subnets) > 0 && len(s.SecurityGroups) == 0 {
			s.SecurityGroups = defaultGroups(s.Subnets...)
		}
	}
	for _, e := range b.m.VPCEndpoints {
		if e.Origin == Declared && e.Type.Is("Interface") && len(e.SecurityGroups) == 0 && len(e.Subnets) > 0 {
			e.SecurityGroups = defaultGroups(e.Subnets...)
		}
	}
	for _, n := range b.m.NetworkInterfaces {
		if n.Origin == Declared && len(n.SecurityGroups) == 0 {
			n.SecurityGroups = defaultGroups(n.Subnet)
		}
	}
	for _, g := range b.m.AutoScalingGroups {
		if g.Origin == Declared && len(g.Subnets) == 0 && !slices.ContainsFunc(g.Machines(), func(t *LaunchTemplate) bool { return t.placed() }) {
			g.Subnets = []Ref[*Subnet]{b.inDefaultVPC(&g.Object)}
		}
	}
	for _, n := range b.m.NodeGroups {
		for _, c := range n.Cluster.Targets() {
			c.NodeGroups = append(c.NodeGroups, n)
		}
	}
	for _, p := range b.m.FargateProfiles {
		for _, c := range p.Cluster.Targets() {
			c.Profiles = append(c.Profiles, p)
		}
	}
	for _, a := range b.m.Addons {
		for _, c := range a.Cluster.Targets() {
			c.Addons = append(c.Addons, a)
		}
	}
	for _, c := range b.m.EKSClusters {
		if len(c.Subnets) > 0 {
			c.SecurityGroup.VPC = vpcOf(c.Subnets)
		}
		if c.Origin != External {
			b.m.SecurityGroups = append(b.m.SecurityGroups, c.SecurityGroup)
		}
	}
	for _, p := range b.m.FunctionPermissions {
		for _, f := range p.Function.Targets() {
			f.Permissions = append(f.Permissions, p)
		}
	}
	for _, u := range b.m.FunctionURLs {
		for _, f := range u.Function.Targets() {
			f.URLs = append(f.URLs, u)
		}
		u.Callable = callable(u)
	}
}

// placed reports whether a machine's interfaces say where they are.
func (l *Launch) placed() bool {
	return slices.ContainsFunc(l.Interfaces, func(i LaunchInterface) bool { return !i.Subnet.Absent() || !i.Interface.Absent() })
}

// grouped reports whether a machine's interfaces bring groups, or are made before.
func (l *Launch) grouped() bool {
	return slices.ContainsFunc(l.Interfaces, func(i LaunchInterface) bool { return len(i.SecurityGroups) > 0 || !i.Interface.Absent() })
}

// inherit takes from a template what is not said by the machine itself.
func (l *Launch) inherit(t *Launch) {
	if l.Image.Absent() {
		l.Image, l.ImageValue = t.Image, t.ImageValue
	}
	if l.Type.Absent() {
		l.Type = t.Type
	}
	if len(l.SecurityGroups) == 0 {
		l.SecurityGroups = t.SecurityGroups
	}
	if l.PublicIP.Absent() {
		l.PublicIP = t.PublicIP
	}
	if len(l.Interfaces) == 0 {
		l.Interfaces = t.Interfaces
	}
	if l.Profile.Absent() {
		l.Profile = t.Profile
	}
	if l.UserData.Absent() {
		l.UserData = t.UserData
	}
	if l.Metadata == (MetadataOptions{}) {
		l.Metadata = t.Metadata
	}
	if len(l.Disks) == 0 {
		l.Disks = t.Disks
	}
	if l.KeyName.Absent() {
		l.KeyName = t.KeyName
	}
}

// inDefaultVPC returns the subnet of what names none.
func (b *builder) inDefaultVPC(o *Object) Ref[*Subnet] {
	return To(b.defaultSubnet(b.defaultVPC(b.unit(o.Unit), o.region, o.account)))
}

// vpcOf returns the VPC of subnets: that of the first one that is known.
func vpcOf(subnets []Ref[*Subnet]) Ref[*VPC] {
	var possible []*VPC
	var reasons []inventory.Reason
	for _, r := range subnets {
		for _, s := range r.Targets() {
			if s.VPC.Resolved() {
				return s.VPC
			}
			possible = append(possible, s.VPC.Targets()...)
			reasons = append(reasons, s.VPC.Reasons()...)
		}
		reasons = append(reasons, r.Reasons()...)
	}
	if len(possible) > 0 {
		return oneOf(distinctReasons(reasons), possible...)
	}
	if len(subnets) > 0 {
		return unknownRef[*VPC](distinctReasons(reasons)...)
	}
	return Ref[*VPC]{}
}

// defaultGroups returns what an interface in a subnet carries where no group is written.
func defaultGroups(subnets ...Ref[*Subnet]) []Ref[*SecurityGroup] {
	r := vpcOf(subnets)
	var groups []*SecurityGroup
	for _, v := range r.Targets() {
		groups = append(groups, v.DefaultSecurityGroup)
	}
	if len(groups) == 0 {
		return []Ref[*SecurityGroup]{unknownRef[*SecurityGroup](r.Reasons()...)}
	}
	return []Ref[*SecurityGroup]{oneOf(r.Reasons(), groups...)}
}

// callable says whether strangers may invoke a function by its URL. With the authorisation NONE they need
// lambda:InvokeFunctionUrl and, since October 2025, lambda:InvokeFunction by URL; Terraform's provider adds the first, and
// from version 6.29 the second one, too (https://docs.aws.amazon.com/lambda/latest/dg/urls-auth.html).
func callable(u *FunctionURL) Bool {
	written := u.Resource != nil && u.Resource.Language == inventory.CloudFormation
	if !written && (u.Resource == nil || !olderThan(u.Resource.ProviderVersion, 6, 29)) {
		return Of(true)
	}
	allowed := func(action string, more func(p *FunctionPermission) bool) Bool {
		answer := Of(false)
		for _, f := range u.Function.Targets() {
			for _, p := range f.Permissions {
				if !p.Principal.May("*") || !more(p) || !p.Action.May(action) && !p.Action.May("lambda:*") {
					continue
				}
				if p.Exists() == inventory.Exists && p.Principal.Is("*") && !p.Action.Unknown() {
					return Of(true)
				}
				answer = UnknownOf[bool](append(append(slices.Clone(p.Reasons()), p.Principal.Reasons()...), p.Action.Reasons()...)...)
			}
		}
		return answer
	}
	byURL := allowed("lambda:InvokeFunctionUrl", func(*FunctionPermission) bool { return true })
	direct := allowed("lambda:InvokeFunction", func(p *FunctionPermission) bool { return p.InvokedByFunctionURL.May(true) })
	if !written {
		return direct
	}
	switch {
	case byURL.Is(false) || direct.Is(false):
		return Of(false)
	case byURL.Unknown():
		return byURL
	}
	return direct
}

// olderThan reports whether version constraints of Terraform admit only versions before major.minor
// (https://developer.hashicorp.com/terraform/language/expressions/version-constraints). What can't be read admits all.
func olderThan(constraints string, major, minor int) bool {
	for clause := range strings.SplitSeq(constraints, ",") {
		clause = strings.TrimSpace(clause)
		operator := clause[:len(clause)-len(strings.TrimLeft(clause, "=<>!~ "))]
		numbers := []int{}
		for text := range strings.SplitSeq(strings.TrimPrefix(strings.TrimLeft(clause, "=<>!~ "), "v"), ".") {
			n, err := strconv.Atoi(text)
			if err != nil {
				break
			}
			numbers = append(numbers, n)
		}
		if len(numbers) == 0 {
			continue
		}
		before := slices.Compare(numbers, []int{major, minor}) < 0
		switch strings.TrimSpace(operator) {
		case "", "=", "<=":
		case "<": // 6.29 and 6.29.0 themselves are left out, too
			before = slices.Compare(numbers, []int{major, minor, 0}) <= 0
		case "~>": // the last number may grow: ~> 6.28 admits 6.29
			before = len(numbers) == 2 && numbers[0] < major || len(numbers) > 2 && before
		default:
			before = false
		}
		if before {
			return true
		}
	}
	return false
}

// Tag returns the tag of a resource, absent where it has none. Tags that the provider adds to everything count where the
// evaluator gives them.
func (o *Object) Tag(key string) Text {
	for _, t := range o.Tags() {
		if t.Key == key {
			return t.Value
		}
	}
	return Text{}
}

// Tag is a name and a value that people give to an object.
type Tag struct {
	Key   string
	Value Text
}

// Tags returns the tags of an object in the order in which they are written; those of auto scaling groups are blocks.
func (o *Object) Tags() []Tag {
	if o.Resource == nil || o.Origin != Declared {
		return nil
	}
	var tags []Tag
	for _, name := range []string{"tags_all", "tags", "tag", "Tags"} {
		v := o.Resource.Get(name)
		if v.Kind() == inventory.Map {
			for _, f := range v.Fields() {
				tags = append(tags, Tag{f.Name, leafOf[string](f.Value, "", 0)})
			}
		} else {
			for _, e := range v.Elements() {
				key, value := e.Get("key"), e.Get("value")
				if name == "Tags" {
					key, value = e.Get("Key"), e.Get("Value")
				}
				if k, ok := key.Text(); ok {
					tags = append(tags, Tag{k, leafOf[string](value, "", 0)})
				}
			}
		}
		if len(tags) > 0 {
			break
		}
	}
	return tags
}
