package cloud

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/trifecta-scanner/trifecta/aws"
	"github.com/trifecta-scanner/trifecta/inventory"
	"github.com/trifecta-scanner/trifecta/network"
	"github.com/trifecta-scanner/trifecta/scanner"
)

var groupChecks = []Check{
	{
		Rule: rule("aws-latent-open-port", "NET-008", scanner.Medium, "Rule for everyone on a port that is not exposed yet",
			"The security group lets any address reach an administration, database or management port. Nothing that carries it is reachable today; the next public address or subnet makes it so. "+
				"Allow a known range, or the group of the clients.", "Security Hub EC2.13, EC2.14, EC2.19", "CIS AWS Foundations 5.3, 5.4 (6.3, 6.4)"),
		Kind: scanner.KindMisconfiguration, Pillar: scanner.PillarFirewall, run: latentOpenPort,
	},
	{
		Rule: rule("aws-security-group-all-traffic", "NET-009", scanner.Medium, "Security group that admits every port from a wide range",
			"A rule without ports admits whatever starts to listen later. Name the ports that clients use.", "Security Hub EC2.18"),
		Kind: scanner.KindMisconfiguration, Pillar: scanner.PillarFirewall, run: allTraffic,
	},
	{
		Rule: rule("aws-security-group-cidr-instead-of-group", "NET-010", scanner.Low, "Security group that names a range where a group would do",
			"The range lies inside of the VPC and everything in it that the code declares carries one security group. Refer to that group: addresses move, and a range admits what is placed there later.",
			"Well-Architected SEC05-BP02"),
		Kind: scanner.KindMisconfiguration, Pillar: scanner.PillarFirewall, run: rangeInsteadOfGroup,
	},
	{
		Rule: rule("aws-unrestricted-egress", "NET-011", scanner.Medium, "Database or isolated workload that may open connections to anywhere",
			"A database and what stands in an isolated subnet has no business on the internet; an open way out is how stolen data leaves. Remove the outbound rule, or name the destinations.",
			"Well-Architected SEC05-BP02"),
		Kind: scanner.KindMisconfiguration, Pillar: scanner.PillarFirewall, run: unrestrictedEgress,
	},
	{
		Rule: rule("aws-default-security-group", "NET-012", scanner.Medium, "Default security group that has rules or is used",
			"What names no group gets the default one, whose members all reach each other. Adopt it without rules, and give each workload a group of its own.", "Security Hub EC2.2", "CIS AWS Foundations 5.5 (6.5)"),
		Kind: scanner.KindMisconfiguration, Pillar: scanner.PillarFirewall, run: defaultGroup,
	},
	{
		Rule: rule("aws-unused-security-group", "NET-013", scanner.Low, "Security group that nothing uses",
			"Nothing in the code carries the group, refers to it or hands it on. Delete it, so that the rules that are left are those that count.", "Security Hub EC2.22 (retired)"),
		Kind: scanner.KindMisconfiguration, Pillar: scanner.PillarFirewall, run: unusedGroup,
	},
}

// everyone reports whether a range is all of a family.
func everyone(c aws.Prefix) certainty {
	if prefix, ok := c.Known(); ok {
		if prefix.Bits() == 0 {
			return certain
		}
		return not
	}
	if c.Unknown() || c.Maybe() {
		if len(c.Candidates()) == 0 {
			if prefix := c.Or(netip.Prefix{}); c.Maybe() && prefix.IsValid() {
				if prefix.Bits() == 0 {
					return possible
				}
				return not
			}
			return not // any range is possible; that says nothing about this one
		}
		for _, candidate := range c.Candidates() {
			if everyone(candidate) != not {
				return possible
			}
		}
	}
	return not
}

// rulePorts returns which of some ports a rule covers over TCP, for certain.
func rulePorts(r *aws.SecurityGroupRule, ports []int) []int {
	if r.Protocol.Is(-1) {
		return ports
	}
	from, ok1 := r.FromPort.Known()
	to, ok2 := r.ToPort.Known()
	if !r.Protocol.Is(6) || !ok1 || !ok2 {
		return nil
	}
	var hit []int
	for _, port := range ports {
		if from <= port && port <= to || from == -1 {
			hit = append(hit, port)
		}
	}
	return hit
}

// ruleAt is where a rule is written: its own resource, else its block in the group.
func ruleAt(g *aws.SecurityGroup, r *aws.SecurityGroupRule) inventory.Location {
	if r.Location.IsZero() {
		return g.Location()
	}
	return r.Location
}

// ruleName is the address under which a rule is known.
func ruleName(g *aws.SecurityGroup, r *aws.SecurityGroupRule) inventory.ID {
	if r.At != nil {
		return r.At.ID
	}
	return g.Address()
}

// declared returns the groups that the code writes, with adopted default ones.
func (p *pass) groups(yield func(*aws.SecurityGroup)) {
	for _, g := range p.Model.SecurityGroups {
		if g.Origin == aws.Declared && g.Exists() != inventory.NotExists {
			yield(g)
		}
	}
}

func latentOpenPort(p *pass) {
	sensitive := slices.Concat(adminPorts, databasePorts, managementPorts)
	p.groups(func(g *aws.SecurityGroup) {
		unknown := false // whether it is exposed
		for _, i := range p.byGroup[g] {
			switch r := p.answer(p.uses[i].self); {
			case r == nil:
			case r.Reachable == network.Yes:
				return
			case r.Reachable == network.Unknown:
				unknown = true
			}
		}
		for _, r := range g.Ingress {
			sure := not
			for _, c := range r.CIDRs {
				sure = max(sure, everyone(c))
			}
			hit := rulePorts(r, sensitive)
			if sure == not || len(hit) == 0 {
				continue
			}
			if unknown && len(hit) <= mostPossible { // the rules about open ports say that it may be
				continue
			}
			if r.Maybe || unknown {
				sure = possible
			}
			p.report(found{
				self: &g.Object, subject: ruleName(g, r), at: ruleAt(g, r), sure: sure,
				message: fmt.Sprintf("lets any address reach port %s of whatever carries %s; nothing that does is exposed yet", portNames(hit), g.Address()), advice: "allow a known range only",
			})
		}
	})
}

// widerThan reports whether a range is wider than a prefix length of its family.
func widerThan(c aws.Prefix, v4, v6 int) certainty {
	prefix, ok := c.Known()
	if !ok {
		for _, candidate := range c.Candidates() {
			if widerThan(candidate, v4, v6) != not {
				return possible
			}
		}
		if c.Unknown() && len(c.Candidates()) == 0 {
			return possible
		}
		return not
	}
	limit := v4
	if prefix.Addr().Is6() {
		limit = v6
	}
	if prefix.Bits() < limit {
		return certain
	}
	return not
}

func allTraffic(p *pass) {
	p.groups(func(g *aws.SecurityGroup) {
		for _, r := range g.Ingress {
			from, ok1 := r.FromPort.Known()
			to, ok2 := r.ToPort.Known()
			every := r.Protocol.Is(-1) || (r.Protocol.Is(6) || r.Protocol.Is(17)) && ok1 && ok2 && from <= 1 && to == 65535
			if !every {
				continue
			}
			sure := not
			for _, c := range r.CIDRs {
				sure = max(sure, widerThan(c, 24, 64))
			}
			if sure == not {
				continue
			}
			if r.Maybe {
				sure = possible
			}
			p.report(found{self: &g.Object, subject: ruleName(g, r), at: ruleAt(g, r), sure: sure, message: "admits every port from a wide range", advice: "name the ports that clients use"})
		}
	})
}

func rangeInsteadOfGroup(p *pass) {
	p.groups(func(g *aws.SecurityGroup) {
		for _, r := range g.Ingress {
			for _, c := range r.CIDRs {
				prefix, ok := c.Known()
				if !ok || prefix.Bits() == 0 {
					continue
				}
				senders, common, sure := p.senders(g, prefix)
				if !sure || len(senders) == 0 || common == nil || common == g {
					continue
				}
				p.report(found{
					self: &g.Object, subject: ruleName(g, r), at: ruleAt(g, r),
					message: fmt.Sprintf("admits %s, where all that the code declares carries %s", prefix, common.Address()), advice: fmt.Sprintf("refer to %s instead", common.Address()),
				})
			}
		}
	})
}

// senders returns what stands in subnets of a group's VPC that a range covers, and the one group that all of it carries.
func (p *pass) senders(g *aws.SecurityGroup, prefix netip.Prefix) (senders []inventory.ID, common *aws.SecurityGroup, sure bool) {
	vpcs := g.VPC.Targets()
	if len(vpcs) != 1 || !slices.ContainsFunc(vpcs[0].CIDRs, func(c aws.Prefix) bool {
		v, ok := c.Known()
		return ok && v.Contains(prefix.Addr()) && v.Bits() <= prefix.Bits()
	}) {
		return nil, nil, false
	}
	var shared []*aws.SecurityGroup
	for _, s := range vpcs[0].Subnets {
		cidr, ok := s.CIDR.Known()
		if !ok {
			return nil, nil, false
		}
		if !prefix.Overlaps(cidr) {
			continue
		}
		for _, i := range p.byNet[s] {
			u := p.uses[i]
			if slices.Contains(targets(u.groups), g) && !u.proxy { // it is the receiver
				continue
			}
			switch u.node.(type) {
			case *aws.EKSCluster, *aws.NodeGroup:
				return nil, nil, false // nodes carry groups that the service makes
			case *aws.Store:
				continue // it opens no connections
			}
			groups := targets(u.groups)
			if len(senders) == 0 {
				shared = groups
			} else {
				shared = slices.DeleteFunc(slices.Clone(shared), func(x *aws.SecurityGroup) bool { return !slices.Contains(groups, x) })
			}
			senders = append(senders, u.self.Address())
		}
	}
	if len(shared) != 1 {
		return senders, nil, true
	}
	return senders, shared[0], true
}

func unrestrictedEgress(p *pass) {
	for _, u := range p.uses {
		isolated := len(targets(u.subnets)) > 0
		for _, s := range targets(u.subnets) {
			isolated = isolated && closedIn(s)
		}
		if u.proxy || u.store == nil && !isolated {
			continue
		}
		for _, g := range targets(u.groups) {
			if g.Origin != aws.Declared {
				continue
			}
			for _, r := range g.Egress {
				if !r.Protocol.Is(-1) || r.At == nil || r.Location.IsZero() {
					continue
				}
				advice := "remove the rule, or name the destinations"
				if r.At == g.Resource && r.Location == g.Location() { // CloudFormation's own, where none is written
					advice = "write SecurityGroupEgress with the destinations"
				}
				for _, c := range r.CIDRs {
					if everyone(c) == certain {
						p.report(found{
							self: &g.Object, subject: ruleName(g, r), at: ruleAt(g, r), workloads: []inventory.ID{u.self.Address()},
							message: fmt.Sprintf("lets %s open connections to anywhere", u.self.Address()), advice: advice,
						})
					}
				}
			}
		}
	}
}

// closedIn reports whether a subnet has no route but those of its VPC, for certain.
func closedIn(s *aws.Subnet) bool {
	tables := s.RouteTable.Targets()
	return len(tables) > 0 && !slices.ContainsFunc(tables, func(t *aws.RouteTable) bool {
		return t.Origin == aws.External || slices.ContainsFunc(t.Routes, func(r *aws.Route) bool { return r.Kind != aws.ToLocal && r.Kind != aws.ToNothing })
	})
}

func defaultGroup(p *pass) {
	for _, v := range p.Model.VPCs {
		g := v.DefaultSecurityGroup
		if g == nil {
			continue
		}
		if g.Origin == aws.Declared {
			if len(g.Ingress)+len(g.Egress) > 0 {
				p.report(found{self: &g.Object, message: "is the default security group and has rules", advice: "remove its ingress and egress rules"})
			}
			continue
		}
		var users []inventory.ID
		for _, u := range p.uses {
			if len(u.groups) > 0 && !slices.Contains(targets(u.groups), g) || u.proxy && isNetworkLoadBalancer(u.node) || !usesDefault(u) {
				continue
			}
			for _, s := range targets(u.subnets) {
				if slices.Contains(s.VPC.Targets(), v) {
					users = append(users, u.self.Address())
					break
				}
			}
		}
		for _, id := range users {
			p.report(found{
				self: &aws.Object{Resource: &inventory.Resource{ID: id, Location: p.locationOf(id)}}, workloads: []inventory.ID{id},
				message: "names no security group and gets the default one of its VPC", advice: "give it a security group of its own",
			})
		}
	}
}

func (p *pass) locationOf(id inventory.ID) inventory.Location {
	for _, u := range p.uses {
		if u.self.Address() == id {
			return u.self.Location()
		}
	}
	return inventory.Location{}
}

func isNetworkLoadBalancer(n aws.Node) bool {
	l, ok := n.(*aws.LoadBalancer)
	return ok && !l.Type.Is("application") && !l.Type.Is("classic")
}

// usesDefault reports whether what names no group gets the default one of its VPC.
func usesDefault(u use) bool {
	switch n := u.node.(type) {
	case *aws.Function:
		return false // a function without groups is in no VPC
	case *aws.EKSCluster, *aws.NodeGroup, *aws.ManagedFront, *aws.ClientVPNEndpoint:
		return false // the service makes its own
	case *aws.VPCEndpoint:
		return n.Type.Is("Interface")
	case *aws.Store:
		return n.Kind != aws.OpenSearch && n.Kind != aws.EMR && n.Cluster.Absent()
	case *aws.AutoScalingGroup:
		return len(n.Templates) > 0 && !slices.ContainsFunc(n.Templates, func(r aws.Ref[*aws.LaunchTemplate]) bool { return !r.Resolved() })
	case *aws.Service:
		return len(n.Subnets) > 0
	}
	return true
}

func unusedGroup(p *pass) {
	used := map[*aws.SecurityGroup]bool{}
	for g := range p.byGroup {
		used[g] = true
	}
	for _, g := range p.Model.SecurityGroups {
		for _, r := range slices.Concat(g.Ingress, g.Egress) {
			for _, peer := range targets(r.Groups) {
				if peer != g {
					used[peer] = true
				}
			}
		}
	}
	for _, t := range p.Model.LaunchTemplates {
		for _, g := range targets(t.SecurityGroups) {
			used[g] = true
		}
		for _, x := range t.Interfaces {
			for _, g := range targets(x.SecurityGroups) {
				used[g] = true
			}
		}
	}
	references := p.references()
	p.groups(func(g *aws.SecurityGroup) {
		if used[g] || g.Default || references[refKey{g.Unit, g.Address()}] {
			return
		}
		p.report(found{self: &g.Object, message: "is carried by nothing and referred to by nothing", advice: "delete it"})
	})
}

type refKey struct {
	unit    aws.Unit
	address inventory.ID
}

// references are the resources that another resource, an output or an export refers to, other than the rules of a group
// themselves.
func (p *pass) references() map[refKey]bool {
	refs := map[refKey]bool{}
	for _, r := range p.resources() {
		if strings.Contains(r.Type, "security_group") && !strings.Contains(r.Type, "attachment") && !strings.Contains(r.Type, "association") ||
			strings.HasPrefix(r.Type, "AWS::EC2::SecurityGroup") {
			continue
		}
		unit := aws.Unit{Root: r.Root, Environment: r.Environment}
		walk(r.Values, func(v inventory.Value) {
			if ref, ok := v.Ref(); ok {
				refs[refKey{unit, ref.Resource}] = true
			}
		})
	}
	return refs
}

func walk(v inventory.Value, visit func(inventory.Value)) {
	visit(v)
	for _, e := range v.Parts() {
		walk(e, visit)
	}
	for _, e := range v.Candidates() {
		walk(e, visit)
	}
	if v.Kind() == inventory.List {
		for _, e := range v.Elements() {
			walk(e, visit)
		}
	}
	for _, f := range v.Fields() {
		walk(f.Value, visit)
	}
	if inner, ok := v.Encoded(); ok {
		walk(inner, visit)
	}
}
