package cloud

import (
	"cmp"
	"fmt"
	"net/netip"

	"github.com/trifecta-scanner/trifecta/aws"
	"github.com/trifecta-scanner/trifecta/inventory"
	"github.com/trifecta-scanner/trifecta/network"
	"github.com/trifecta-scanner/trifecta/scanner"
)

var subnetChecks = []Check{
	{
		Rule: rule("aws-network-acl-open-admin", "NET-014", scanner.Medium, "Network ACL that admits administration ports from everywhere",
			"The second layer lets every address reach SSH, RDP or the like. Deny these ports, or allow the known range before a rule that denies the rest.", "Security Hub EC2.21", "CIS AWS Foundations 5.2 (6.2)"),
		Kind: scanner.KindMisconfiguration, Pillar: scanner.PillarFirewall, run: aclOpenAdmin,
	},
	{
		Rule: rule("aws-default-network-acl", "NET-015", scanner.Info, "Database subnet without a network ACL of its own",
			"The default network ACL admits everything, so that security groups are the only filter in front of the data. An ACL that admits the application's subnets is a second one.", "Well-Architected SEC05-BP01"),
		Kind: scanner.KindMisconfiguration, Pillar: scanner.PillarLayer, run: defaultACL,
	},
	{
		Rule: rule("aws-network-acl-shadowed-rule", "NET-016", scanner.Medium, "Network ACL rule that never matches",
			"An earlier rule decides about all of its traffic: what it was written for does not happen. Rules are read by number, and the first that matches counts.", "Well-Architected SEC05-BP02"),
		Kind: scanner.KindMisconfiguration, Pillar: scanner.PillarFirewall, run: shadowedRule,
	},
	{
		Rule: rule("aws-network-acl-cuts-allowed-port", "NET-017", scanner.Medium, "Network ACL that cuts what a security group allows",
			"The security group admits a port that the network ACL of the subnet does not let in, or whose answers it does not let out: a network ACL keeps no state, so that answers need a rule for ports 1024 to 65535.",
			"Well-Architected REL02"),
		Kind: scanner.KindMisconfiguration, Pillar: scanner.PillarFirewall, run: aclCuts,
	},
	{
		Rule: rule("aws-database-in-public-subnet", "NET-018", scanner.High, "Database in a subnet with a route to the internet",
			"One flag or one rule separates the data from the internet. Place databases, caches and search domains in subnets without a route to an internet gateway.", "Security Hub RDS.46, RDS.2", "Well-Architected SEC05-BP01"),
		Kind: scanner.KindExposure, Pillar: scanner.PillarLayer, run: databaseInPublicSubnet,
	},
	{
		Rule: rule("aws-database-public", "NET-019", scanner.Critical, "Database with a public address",
			"The store asks for an address on the internet. Set publicly_accessible to false; clients inside of the VPC keep reaching it.", "Security Hub RDS.2, Redshift.1, Redshift.15, RedshiftServerless.3, DMS.1",
			"CIS AWS Foundations 2.2.3 (3.2.3)"),
		Kind: scanner.KindExposure, Pillar: scanner.PillarFirewall, run: databasePublic,
	},
	{
		Rule: rule("aws-subnet-auto-public", "NET-020", scanner.Medium, "Subnet that gives public addresses to what stands behind a load balancer",
			"Machines that clients reach through a load balancer need no address of their own. Set map_public_ip_on_launch to false, or move them to a private subnet.", "Security Hub EC2.15"),
		Kind: scanner.KindMisconfiguration, Pillar: scanner.PillarLayer, run: subnetAutoPublic,
	},
	{
		Rule: rule("aws-asg-public-address", "NET-021", scanner.Medium, "Launch template that gives public addresses behind a load balancer",
			"The machines of the group are reached through a load balancer and get public addresses all the same. Set associate_public_ip_address to false.", "Security Hub EC2.25, AutoScaling.5"),
		Kind: scanner.KindMisconfiguration, Pillar: scanner.PillarFirewall, run: asgPublicAddress,
	},
	{
		Rule: rule("aws-ecs-public-address", "NET-022", scanner.Medium, "ECS tasks with public addresses that nobody needs",
			"The tasks are reached through a load balancer, or not from outside at all. Set assign_public_ip to false and give the subnet a NAT gateway or VPC endpoints for pulling images.", "Security Hub ECS.2, ECS.16"),
		Kind: scanner.KindMisconfiguration, Pillar: scanner.PillarFirewall, run: ecsPublicAddress,
	},
}

// traffic is what a rule of a network ACL is about: a range, a protocol (-1: all) and ports.
type traffic struct {
	cidr   netip.Prefix
	proto  int
	lo, hi int
}

// about returns the traffic of a rule; not ok where a part of it is not known.
func about(r *aws.NetworkACLRule) (traffic, bool) {
	cidr, ok1 := r.CIDR.Known()
	proto, ok2 := r.Protocol.Known()
	t := traffic{cidr.Masked(), proto, 0, 65535}
	if !ok1 || !ok2 || r.Maybe {
		return t, false
	}
	if proto == 6 || proto == 17 {
		if !r.FromPort.Absent() || !r.ToPort.Absent() {
			from, ok3 := r.FromPort.Known()
			to, ok4 := r.ToPort.Known()
			if !ok3 || !ok4 {
				return t, false
			}
			t.lo, t.hi = from, to
		}
	}
	return t, true
}

// within reports whether a rule decides about all of t.
func (t traffic) within(o traffic) bool {
	return o.cidr.Addr().Is4() == t.cidr.Addr().Is4() && o.cidr.Bits() <= t.cidr.Bits() && o.cidr.Contains(t.cidr.Addr()) &&
		(o.proto == -1 || o.proto == t.proto) && (o.proto == -1 || o.lo <= t.lo && t.hi <= o.hi)
}

func (p *pass) acls(yield func(*aws.NetworkACL)) {
	for _, a := range p.Model.NetworkACLs {
		if a.Origin == aws.Declared && a.Exists() != inventory.NotExists {
			yield(a)
		}
	}
}

// aclRuleAt is where a rule is written.
func aclRuleAt(a *aws.NetworkACL, r *aws.NetworkACLRule) inventory.Location {
	if r.Location.IsZero() {
		return a.Location()
	}
	return r.Location
}

func aclRuleName(a *aws.NetworkACL, r *aws.NetworkACLRule) inventory.ID {
	if r.At != nil {
		return r.At.ID
	}
	return a.Address()
}

func aclOpenAdmin(p *pass) {
	world := map[bool]netip.Prefix{true: netip.MustParsePrefix("0.0.0.0/0"), false: netip.MustParsePrefix("::/0")}
	p.acls(func(a *aws.NetworkACL) {
		for _, v4 := range []bool{true, false} {
			var open []int
			var by *aws.NetworkACLRule
			for _, port := range adminPorts {
				asked := traffic{world[v4], 6, port, port}
				for _, r := range a.Ingress {
					t, ok := about(r)
					if !ok {
						break // what follows depends on it
					}
					if !asked.within(t) {
						continue
					}
					if r.Action.Is("allow") {
						open, by = append(open, port), r
					}
					break
				}
			}
			if by != nil {
				p.report(found{
					self: &a.Object, subject: aclRuleName(a, by), at: aclRuleAt(a, by),
					message: fmt.Sprintf("admits port %s from %s", portNames(open), world[v4]), advice: "deny these ports before, or allow the known range only",
				})
			}
		}
	})
}

// databaseTier reports whether a subnet holds data or is isolated, with what shows it.
func (p *pass) databaseTier(s *aws.Subnet) (inventory.ID, bool) {
	for _, i := range p.byNet[s] {
		if p.uses[i].store != nil {
			return p.uses[i].self.Address(), true
		}
	}
	return "", false
}

func defaultACL(p *pass) {
	for _, s := range p.Model.Subnets {
		if s.Origin != aws.Declared {
			continue
		}
		store, ok := p.databaseTier(s)
		if !ok {
			continue
		}
		for _, a := range s.NetworkACL.Targets() {
			if a.Default && a.Origin == aws.Implied {
				p.report(found{self: &s.Object, message: fmt.Sprintf("holds %s behind the default network ACL, which admits everything", store), advice: "give it a network ACL that admits the application's subnets"})
			}
		}
	}
}

func shadowedRule(p *pass) {
	p.acls(func(a *aws.NetworkACL) {
		for _, rules := range [][]*aws.NetworkACLRule{a.Ingress, a.Egress} {
			for i, r := range rules {
				t, ok := about(r)
				if _, numbered := r.Number.Known(); !ok || !numbered {
					continue
				}
				for _, earlier := range rules[:i] {
					o, ok := about(earlier)
					number, numbered := earlier.Number.Known()
					if !ok || !numbered || !t.within(o) {
						continue
					}
					same := earlier.Action.Or("") == r.Action.Or("")
					if same && r.Action.Is("deny") { // written twice; nothing is lost
						continue
					}
					p.report(found{
						self: &a.Object, subject: aclRuleName(a, r), at: aclRuleAt(a, r), message: fmt.Sprintf("has a rule (%d, %s) that never matches: rule %d decides before", r.Number.Or(0), r.Action.Or("?"), number),
						advice: "remove it, or give it a lower number", related: []scanner.Related{{Location: aclRuleAt(a, earlier), Message: "this rule matches first"}},
					})
					break
				}
			}
		}
	})
}

func aclCuts(p *pass) {
	p.endpoints(func(r *network.Result) {
		if r.Reachable != network.No {
			return
		}
		var at *network.Block
		for i := range r.Blocked {
			switch r.Blocked[i].Code {
			case network.NACLDenyIn, network.NACLDenyOut:
				if at == nil {
					at = &r.Blocked[i]
				}
			default:
				return // something else blocks as well
			}
		}
		if at == nil {
			return
		}
		way := "lets its answers not out"
		if at.Code == network.NACLDenyIn {
			way = "does not let it in"
		}
		p.reportResult(r, r.Location, nil, found{message: fmt.Sprintf("is admitted by its security group, and %s %s", at.At, way), advice: "allow the port in, and ports 1024 to 65535 out, or close the security group"})
	})
}

// storeWords are what a store is called in a message.
func storeWord(s *aws.Store) string {
	switch s.Kind {
	case aws.ElastiCache, aws.MemoryDB:
		return "cache"
	case aws.OpenSearch:
		return "search domain"
	case aws.MSK, aws.MQ:
		return "broker"
	case aws.EFS:
		return "file system"
	case aws.DMSInstance, aws.EMR, aws.RDSInstance, aws.RDSCluster, aws.RedshiftCluster, aws.RedshiftServerless, aws.DocDB, aws.Neptune:
	}
	return "database"
}

func databaseInPublicSubnet(p *pass) {
	for _, u := range p.uses {
		if u.store == nil || u.store.Kind == aws.EFS || u.store.Kind == aws.EMR || len(u.store.Cluster.Targets()) > 0 {
			continue
		}
		for _, s := range targets(u.subnets) {
			sure := internetRoute(s)
			if sure == not {
				continue
			}
			name := cmp.Or(s.Address(), "the default VPC")
			p.report(found{self: u.self, sure: sure, message: fmt.Sprintf("is a %s in %s, which has a route to the internet", storeWord(u.store), name), advice: "place it in subnets without one"})
			break
		}
	}
}

func databasePublic(p *pass) {
	for _, s := range p.Model.Stores {
		switch s.Kind {
		case aws.RDSInstance, aws.RDSCluster, aws.RedshiftCluster, aws.RedshiftServerless, aws.DMSInstance, aws.MQ:
		default:
			continue
		}
		if !s.Public.Written() {
			continue
		}
		sure := is(s.Public, true)
		if sure == not {
			continue
		}
		severity, message := scanner.High, "asks for a public address; nothing lets strangers through to it yet"
		if p.exposed(&s.Object) {
			severity, message = scanner.Critical, "has a public address and strangers reach it"
		}
		p.report(found{self: &s.Object, at: s.Public.Location(), severity: severity, sure: sure, message: message, advice: "set publicly_accessible to false", edits: set(p, s.Public, "false"), workloads: []inventory.ID{s.Address()}})
	}
}

// fronted reports whether a load balancer leads to something, by its target groups.
func (p *pass) fronted() map[aws.Node]bool {
	behind := map[aws.Node]bool{}
	for _, g := range p.Model.TargetGroups {
		for _, t := range g.Targets {
			for _, o := range t.Target.Targets() {
				behind[o] = true
			}
		}
	}
	for _, l := range p.Model.LoadBalancers {
		for _, t := range l.Targets {
			for _, o := range t.Target.Targets() {
				behind[o] = true
			}
		}
	}
	for _, g := range p.Model.AutoScalingGroups {
		if len(g.TargetGroups)+len(g.LoadBalancers) > 0 {
			behind[g] = true
		}
	}
	for _, s := range p.Model.Services {
		if len(s.LoadBalancers) > 0 {
			behind[s] = true
		}
	}
	return behind
}

func subnetAutoPublic(p *pass) {
	behind := p.fronted()
	for _, s := range p.Model.Subnets {
		sure := is(s.AutoIPv4, true)
		if s.Origin != aws.Declared || sure == not || !s.AutoIPv4.Written() {
			continue
		}
		for _, i := range p.byNet[s] {
			u := p.uses[i]
			_, service := u.node.(*aws.Service) // tasks have a setting of their own
			if u.proxy || service || !behind[u.node] || u.public.Written() {
				continue
			}
			p.report(found{
				self: &s.Object, at: s.AutoIPv4.Location(), sure: sure, message: fmt.Sprintf("gives public addresses to %s, which stands behind a load balancer", u.self.Address()),
				advice: "set map_public_ip_on_launch to false", edits: set(p, s.AutoIPv4, "false"),
			})
			break
		}
	}
}

func asgPublicAddress(p *pass) {
	behind := p.fronted()
	for _, g := range p.Model.AutoScalingGroups {
		if !behind[g] {
			continue
		}
		for _, t := range templatesOf(g) {
			values := []aws.Bool{t.PublicIP}
			for _, x := range t.Interfaces {
				values = append(values, x.PublicIP)
			}
			for _, v := range values {
				if sure := is(v, true); sure != not && v.Written() {
					p.report(found{
						self: &t.Object, at: v.Location(), sure: sure, message: fmt.Sprintf("gives public addresses to the machines of %s, which stand behind a load balancer", g.Address()),
						advice: "set associate_public_ip_address to false", edits: set(p, v, "false"), workloads: []inventory.ID{g.Address()},
					})
				}
			}
		}
	}
}

func ecsPublicAddress(p *pass) {
	behind := p.fronted()
	for _, s := range p.Model.Services {
		sure := is(s.PublicIP, true)
		if sure == not || !s.PublicIP.Written() {
			continue
		}
		message := "gives public addresses to tasks behind a load balancer"
		if !behind[s] {
			if r := p.answer(&s.Object); r == nil || r.Reachable != network.No {
				continue
			}
			message = "gives public addresses to tasks that nobody reaches from outside"
		}
		value, text := "false", "false"
		if s.Resource.Language == inventory.CloudFormation {
			value, text = "DISABLED", `"DISABLED"`
		}
		p.report(found{self: &s.Object, at: s.PublicIP.Location(), sure: sure, message: message, advice: "set assign_public_ip to " + value, edits: set(p, s.PublicIP, text), workloads: []inventory.ID{s.Address()}})
	}
}
