package network

import (
	"slices"
	"strconv"
	"strings"

	"github.com/trifecta-scanner/trifecta/aws"
)

func (g *Graph) buildGroups() {
	for _, object := range g.model.SecurityGroups {
		g.groupOf(object)
	}
}

// groupOf returns the security group of an object, made on first sight.
func (g *Graph) groupOf(object *aws.SecurityGroup) *group {
	if object == nil {
		return nil
	}
	if s := g.groups[object]; s != nil {
		return s
	}
	s := &group{id: len(g.groups) + 1, place: placeOf(&object.Object), implied: object.Origin == aws.Implied, object: object, exists: g.existence(&object.Object)}
	g.groups[object] = s // before its rules, which may refer to it
	if list, _ := resolve(g, object.VPC); len(list) == 1 {
		s.vpc = g.vpcOf(list[0].of)
	}
	if why := object.Unknowable(); why != nil {
		s.unknown = g.why.bits(why...)
	}
	for _, r := range object.Ingress {
		s.rules = append(s.rules, g.groupRules(r, false)...)
	}
	for _, r := range object.Egress {
		s.rules = append(s.rules, g.groupRules(r, true)...)
	}
	if s.implied && len(s.rules) == 0 {
		// https://docs.aws.amazon.com/vpc/latest/userguide/default-security-group.html
		all := append(everyProto(V4), everyProto(V6)...)
		s.rules = []rule{
			{place: s.place, keys: all, ports: allPorts, groups: []*group{s}, source: "itself"},
			{place: s.place, egress: true, keys: all, ports: allPorts, peer: everyV4.Union(everyV6), source: "0.0.0.0/0, ::/0"},
		}
	}
	return s
}

// groupRules returns one rule for what a declared rule certainly says and one for each part that is not certain.
func (g *Graph) groupRules(r *aws.SecurityGroupRule, egress bool) []rule {
	at, maybe := g.written(&r.Written)
	x := rule{place: at, egress: egress, why: maybe, resource: r.At}
	keys, why := g.protocols(r.Protocol)
	x.keys, x.why = keys, x.why.Union(why)
	x.ports = allPorts
	if needsPorts(keys) { // where the protocol is not known the ports may not count
		x.ports, why = g.portsOf(r.FromPort, r.ToPort)
		x.why = x.why.Union(why)
	}
	sure := x
	var sources []string
	var list []rule
	uncertain := func(y rule, why Bits) {
		y.why = y.why.Union(why)
		list = append(list, y)
	}
	for _, c := range r.CIDRs {
		peer, why := g.peerOf(c)
		if why == "" {
			sure.peer = sure.peer.Union(peer)
			sources = append(sources, prefixText(c))
			continue
		}
		y := x
		y.peer, y.source = peer, prefixText(c)
		if c.Unknown() && g.symbolic(&y, c) {
			y.peer = IPSet{}
			list = append(list, y)
			continue
		}
		uncertain(y, why)
	}
	for _, ref := range r.PrefixLists {
		options, elsewhere := resolve(g, ref)
		for _, o := range options {
			p := g.prefixList(o.of)
			y := x
			y.source = string(o.of.Address())
			switch {
			case p.name != "":
				y.list, y.source = p.name, p.name
				uncertain(y, o.why)
				continue
			case !p.set.IsEmpty():
				y.peer = p.set
				uncertain(y, o.why)
			}
			if p.why != "" {
				y.peer = everyV4.Union(everyV6)
				uncertain(y, o.why.Union(p.why))
			}
		}
		if elsewhere != "" {
			y := x
			y.peer = everyV4.Union(everyV6)
			uncertain(y, elsewhere)
		}
	}
	for _, ref := range r.Groups {
		options, elsewhere := resolve(g, ref)
		for _, o := range options {
			if o.why == "" {
				sure.groups = append(sure.groups, g.groupOf(o.of))
				sources = append(sources, string(o.of.Address()))
				continue
			}
			y := x
			y.groups, y.source = []*group{g.groupOf(o.of)}, string(o.of.Address())
			uncertain(y, o.why)
		}
		if elsewhere != "" {
			// Any group, but a group: it never holds for addresses of the internet.
			y := x
			y.anyGroup, y.source = true, "a security group"
			uncertain(y, elsewhere)
		}
	}
	if !sure.peer.IsEmpty() || len(sure.groups) > 0 {
		sure.source = strings.Join(sources, ", ")
		list = append([]rule{sure}, list...)
	}
	return list
}

// symbolic notes whose range an unknown range is, where it is that of a VPC or subnet.
func (g *Graph) symbolic(r *rule, c aws.Prefix) bool {
	ref, ok := c.Source()
	if !ok || !strings.Contains(strings.ToLower(ref.Attribute), "cidr") {
		return false
	}
	if r.at == "" || r.resource == nil {
		return false
	}
	unit := aws.Unit{Root: r.resource.Root, Environment: r.resource.Environment}
	if ref.Root != "" {
		unit.Root = ref.Root
	}
	switch object := g.model.Object(unit, ref.Resource).(type) {
	case *aws.VPC:
		r.vpcs = append(r.vpcs, g.vpcOf(object))
	case *aws.Subnet:
		r.subnets = append(r.subnets, g.subnetOf(object))
	default:
		return false
	}
	r.source = string(ref.Resource) + "." + ref.Attribute
	return true
}

// groupsOf returns the compiled set of the groups of an interface; fallback is what applies where none is named.
func (g *Graph) groupsOf(refs []aws.Ref[*aws.SecurityGroup], fallback *aws.SecurityGroup) *groupSet {
	gs := &groupSet{}
	var key strings.Builder
	put := func(s *group, why Bits) {
		if s == nil || slices.Contains(gs.groups, s) {
			return
		}
		if why != "" {
			// A copy that may not be there: its rules then may not hold.
			copied := *s
			copied.exists = s.exists.and(perhaps(why))
			copied.of = s
			s = &copied
		}
		gs.groups = append(gs.groups, s)
	}
	for _, r := range refs {
		options, elsewhere := resolve(g, r)
		for _, o := range options {
			put(g.groupOf(o.of), o.why)
		}
		gs.unknown = gs.unknown.Union(elsewhere)
	}
	if len(refs) == 0 && fallback != nil {
		put(g.groupOf(fallback), "")
	}
	slices.SortFunc(gs.groups, func(a, b *group) int { return a.id - b.id })
	for _, s := range gs.groups {
		key.WriteString(strconv.Itoa(s.id) + string(s.exists.why) + ",")
	}
	key.WriteString("|" + string(gs.unknown))
	if same := g.sets[key.String()]; same != nil {
		return same
	}
	gs.key = key.String()
	g.sets[gs.key] = gs
	return gs
}
