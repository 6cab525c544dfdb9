package cloud

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/trifecta-scanner/trifecta/aws"
	"github.com/trifecta-scanner/trifecta/inventory"
	"github.com/trifecta-scanner/trifecta/network"
	"github.com/trifecta-scanner/trifecta/scanner"
)

var resilienceChecks = []Check{
	{
		Rule: rule("aws-single-zone", "NET-040", scanner.Medium, "Tier that stands in one availability zone",
			"When the zone fails, so does the tier. Name subnets of at least two zones; turn multi_az on for databases in production.", "Security Hub AutoScaling.2, ELB.13, RDS.5, RDS.15, Lambda.5",
			"CIS AWS Foundations 2.2.4 (3.2.4)", "Well-Architected REL10-BP01"),
		Kind: scanner.KindMisconfiguration, Pillar: scanner.PillarLayer, run: singleZone,
	},
	{
		Rule: rule("aws-single-nat", "NET-041", scanner.Low, "All private subnets leave through one NAT gateway",
			"When its zone fails, no private subnet of any zone gets out. Give each zone a NAT gateway of its own.", "Well-Architected REL02-BP01"),
		Kind: scanner.KindMisconfiguration, Pillar: scanner.PillarLayer, run: singleNAT,
	},
	{
		Rule: rule("aws-no-block-public-access", "NET-044", scanner.Info, "Region that exposes nothing, without VPC Block Public Access",
			"Nothing here needs a way in from the internet. VPC Block Public Access is one resource that keeps it so, whatever a route or a group says later.", "Security Hub EC2.172"),
		Kind: scanner.KindMisconfiguration, Pillar: scanner.PillarLayer, run: noBlockPublicAccess,
	},
	{
		Rule: rule("aws-source-dest-check-off", "NET-045", scanner.Medium, "Instance that may forward for others and has no reason to",
			"The source/destination check is off, and no route leads to the instance: it can send with addresses that are not its own. Turn the check on.", "Security Hub EC2.180"),
		Kind: scanner.KindMisconfiguration, Pillar: scanner.PillarFirewall, run: sourceCheckOff,
	},
	{
		Rule: rule("aws-region-not-allowed", "NET-046", scanner.Medium, "Resource in a region that is not allowed",
			"The configuration names the regions that data may be in (regions), and this is none of them. Deploy it in an allowed one, or add the region.", "Well-Architected SEC07"),
		Kind: scanner.KindMisconfiguration, Pillar: scanner.PillarLayer, run: regionNotAllowed,
	},
}

// zones returns the zones of subnets, and whether all are known.
func zones(subnets []aws.Ref[*aws.Subnet]) (list []string, all bool) {
	all = true
	for _, ref := range subnets {
		if !ref.Resolved() || ref.To.Origin != aws.Declared { // the default subnets are one of each zone
			all = false
			continue
		}
		zone, ok := ref.To.Zone.Known()
		if !ok {
			zone, ok = ref.To.ZoneID.Known()
		}
		if !ok {
			all = false
			continue
		}
		if !slices.Contains(list, zone) {
			list = append(list, zone)
		}
	}
	return list, all
}

func singleZone(p *pass) {
	one := func(o *aws.Object, what string, subnets []aws.Ref[*aws.Subnet]) {
		if o.Origin != aws.Declared || len(subnets) == 0 {
			return
		}
		list, all := zones(subnets)
		sameSubnet := len(subnets) == 1 && subnets[0].Resolved() && subnets[0].To.Origin == aws.Declared // what is looked up may be many
		if all && len(list) == 1 || sameSubnet {
			where := "one subnet"
			if len(list) == 1 {
				where = list[0]
			}
			p.report(found{self: o, message: fmt.Sprintf("is %s in %s only", what, where), advice: "name subnets of at least two zones"})
		}
	}
	for _, g := range p.Model.AutoScalingGroups {
		one(&g.Object, "an auto scaling group", g.Subnets)
	}
	for _, s := range p.Model.Services {
		one(&s.Object, "a service", s.Subnets)
	}
	for _, g := range p.Model.NodeGroups {
		subnets := g.Subnets
		for _, o := range p.Model.NodeGroups { // one group for each zone is a practice of its own
			if o != g && o.Unit == g.Unit && sameCluster(o, g) {
				subnets = append(slices.Clip(subnets), o.Subnets...)
			}
		}
		one(&g.Object, "a node group", subnets)
	}
	for _, l := range p.Model.LoadBalancers {
		one(&l.Object, "a load balancer", l.Subnets)
	}
	for _, s := range p.Model.Stores {
		if s.Kind != aws.RDSInstance || !s.Cluster.Absent() || s.Origin != aws.Declared || !p.production(&s.Object) {
			continue
		}
		if sure := is(s.MultiAZ, false); sure != not {
			p.report(found{self: &s.Object, at: s.MultiAZ.Location(), sure: sure, message: "is a production database without a standby in another zone", advice: "set multi_az to true", edits: set(p, s.MultiAZ, "true")})
		}
	}
}

// sameCluster reports whether two groups give nodes to one cluster, or may.
func sameCluster(a, b *aws.NodeGroup) bool {
	return !a.Cluster.Resolved() || !b.Cluster.Resolved() || a.Cluster.To == b.Cluster.To
}

// production reports whether an object belongs to production: by the environment it was evaluated for, or by the words of
// its root and its name.
func (p *pass) production(o *aws.Object) bool {
	if o.Unit.Environment != "" {
		return slices.Contains(p.Production, o.Unit.Environment) || stageOf(o.Unit.Environment) == "production"
	}
	return cmp.Or(stageOfFolder(o.Unit.Root), stageOf(string(o.Address()))) == "production"
}

func singleNAT(p *pass) {
	for _, v := range p.Model.VPCs {
		if v.Origin != aws.Declared {
			continue
		}
		var through []aws.Node
		var in []string
		known := true
		for _, s := range v.Subnets {
			for _, t := range s.RouteTable.Targets() {
				for _, r := range t.Routes {
					if r.Kind != aws.ToNAT {
						continue
					}
					if !r.Target.Resolved() {
						known = false
						continue
					}
					if !slices.Contains(through, r.Target.To) {
						through = append(through, r.Target.To)
					}
					if zone := s.Zone.Or(""); zone != "" && !slices.Contains(in, zone) {
						in = append(in, zone)
					}
				}
			}
		}
		if known && len(through) == 1 && len(in) > 1 {
			if nat, ok := through[0].(*aws.NATGateway); ok && nat.Origin == aws.Declared && nat.Subnet.Resolved() {
				p.report(found{self: &nat.Object, message: fmt.Sprintf("is the only way out for private subnets of %d zones", len(in)), advice: "give each zone a NAT gateway of its own"})
			}
		}
	}
}

func noBlockPublicAccess(p *pass) {
	if len(p.Results) == 0 {
		return
	}
	type place struct{ region, root, environment string }
	first := map[place]*aws.VPC{}
	open := map[place]bool{}
	for _, v := range p.Model.VPCs {
		at := place{v.Region(), v.Unit.Root, v.Unit.Environment}
		if v.Origin == aws.Declared && v.Region() != "" && first[at] == nil {
			first[at] = v
		}
	}
	for _, u := range p.uses {
		if r := p.answer(u.self); r != nil && r.Reachable != network.No {
			open[place{u.self.Region(), u.self.Unit.Root, u.self.Unit.Environment}] = true
		}
	}
	for _, b := range p.Model.BlockPublicAccess {
		open[place{b.Region(), b.Unit.Root, b.Unit.Environment}] = true
	}
	for at, v := range first {
		occupied := slices.ContainsFunc(p.uses, func(u use) bool { return u.self.Unit == v.Unit && u.self.Region() == at.region })
		if !open[at] && occupied {
			p.report(found{self: &v.Object, message: fmt.Sprintf("exposes nothing, like all of %s, and VPC Block Public Access is not set there", at.region), advice: "add aws_vpc_block_public_access_options with block-ingress"})
		}
	}
}

func sourceCheckOff(p *pass) {
	routed := map[aws.Node]bool{}
	unknown := false
	for _, t := range p.Model.RouteTables {
		for _, r := range t.Routes {
			if r.Kind != aws.ToInstance && r.Kind != aws.ToInterface {
				continue
			}
			for _, n := range r.Target.Targets() {
				routed[n] = true
				if eni, ok := n.(*aws.NetworkInterface); ok {
					for _, i := range targets(eni.Instances) {
						routed[i] = true
					}
				}
			}
			unknown = unknown || r.Target.Unknown() || len(r.Target.Targets()) == 0
		}
	}
	for _, i := range p.Model.Instances {
		sure := is(i.SourceCheck, false)
		if sure == not || routed[i] || i.Exists() == inventory.NotExists {
			continue
		}
		if unknown {
			sure = possible
		}
		p.report(found{self: &i.Object, at: i.SourceCheck.Location(), sure: sure, message: "may forward for others, and no route leads to it", advice: "set source_dest_check to true", edits: set(p, i.SourceCheck, "true")})
	}
}

func regionNotAllowed(p *pass) {
	if len(p.Regions) == 0 {
		return
	}
	for _, r := range p.resources() {
		if r.Region == "" || r.Exists == inventory.NotExists || slices.Contains(p.Regions, r.Region) || r.Language == inventory.Kubernetes || global(r.Type) || forTheEdge(r) {
			continue
		}
		p.report(found{self: &aws.Object{Resource: r}, message: fmt.Sprintf("is in %s, which is not among the allowed regions", r.Region), advice: "deploy it in an allowed region"})
	}
}

// forTheEdge reports whether a resource can only be made in us-east-1, where CloudFront takes it from: its web ACLs and its
// certificates.
func forTheEdge(r *inventory.Resource) bool {
	scope, _ := r.Get("scope").Text()
	if scope == "" {
		scope, _ = r.Get("Scope").Text()
	}
	certificate := strings.HasPrefix(r.Type, "aws_acm_certificate") || r.Type == "AWS::CertificateManager::Certificate"
	return r.Region == "us-east-1" && (scope == "CLOUDFRONT" || certificate)
}

// global reports whether a type belongs to no region: its resources are the same wherever they are made.
func global(kind string) bool {
	for _, prefix := range []string{"aws_iam_", "aws_cloudfront_", "aws_route53_", "aws_waf_", "aws_globalaccelerator_", "aws_organizations_", "AWS::IAM::", "AWS::CloudFront::", "AWS::Route53::", "data", "module", "output"} {
		if len(kind) >= len(prefix) && kind[:len(prefix)] == prefix {
			return true
		}
	}
	return false
}
