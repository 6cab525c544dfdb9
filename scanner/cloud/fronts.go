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

var frontChecks = []Check{
	{
		Rule: rule("aws-no-waf", "NET-032", scanner.Medium, "Public web front without a web application firewall",
			"Requests from the internet reach the application unfiltered. Associate a web ACL with AWS's managed rule groups, at first in count mode.", "Security Hub ELB.16, APIGateway.4, CloudFront.6", "Well-Architected SEC05-BP03"),
		Kind: scanner.KindMisconfiguration, Pillar: scanner.PillarFirewall, run: noWAF,
	},
	{
		Rule: rule("aws-empty-waf", "NET-033", scanner.Medium, "Web ACL that blocks nothing",
			"The ACL has no rules, or all of them count only. Add managed rule groups, and let them block once the counts are understood.", "Security Hub WAF.10"),
		Kind: scanner.KindMisconfiguration, Pillar: scanner.PillarFirewall, run: emptyWAF,
	},
	{
		Rule: rule("aws-cloudfront-origin-bypass", "NET-034", scanner.High, "Origin that can be reached around its distribution",
			"The distribution has a web application firewall, and its origin answers to anyone. CloudFront's prefix list in the security group is not enough, as anyone can make a distribution: "+
				"use a VPC origin, or a secret header that the listener asks for.", "Well-Architected SEC05-BP02"),
		Kind: scanner.KindExposure, Pillar: scanner.PillarFirewall, run: originBypass,
	},
	{
		Rule: rule("aws-plain-http-listener", "NET-035", scanner.Medium, "Public listener without encryption, or with an old TLS policy",
			"Traffic over plain HTTP can be read and changed on its way. Redirect port 80 to 443, and use a policy of TLS 1.2 or 1.3 (ELBSecurityPolicy-TLS13-1-2-2021-06).",
			"Security Hub ELB.1, ELB.17, ELB.18", "Well-Architected SEC09-BP02"),
		Kind: scanner.KindMisconfiguration, Pillar: scanner.PillarFirewall, run: plainListener,
	},
	{
		Rule: rule("aws-eks-public-endpoint", "NET-036", scanner.High, "Kubernetes API server open to the internet",
			"Anyone can try to log in to the cluster, and a flaw of the API server is everyone's. Turn the private endpoint on and the public one off, or name the ranges that need it.", "Security Hub EKS.1", "Well-Architected SEC05-BP02"),
		Kind: scanner.KindExposure, Pillar: scanner.PillarFirewall, run: eksEndpoint,
	},
	{
		Rule: rule("aws-no-authentication", "NET-037", scanner.High, "Public endpoint without authentication",
			"The function URL, API route or search domain answers anyone who knows its address. Ask for IAM, a JWT or an authorizer; put search domains into a VPC.", "Security Hub Lambda.1, APIGateway.8, Opensearch.2, MSK.4, MSK.6"),
		Kind: scanner.KindExposure, Pillar: scanner.PillarFirewall, run: noAuthentication,
	},
	{
		Rule: rule("aws-ipv6-wider-than-ipv4", "NET-039", scanner.Medium, "IPv6 is open where IPv4 is restricted",
			"The rule for IPv4 names a range, the one for IPv6 everyone: whoever is kept out over one comes in over the other. Restrict both alike.", "Security Hub EC2.54", "CIS AWS Foundations 5.4 (6.4)"),
		Kind: scanner.KindExposure, Pillar: scanner.PillarFirewall, run: ipv6Wider,
	},
	{
		Rule: rule("aws-waf-misses-common-attacks", "NET-047", scanner.Medium, "Web ACL in front of a public service that looks for neither SQL injection nor cross-site scripting",
			"Rate limits and address lists do not stop the usual attacks on applications. Add AWSManagedRulesCommonRuleSet and AWSManagedRulesSQLiRuleSet, or statements of your own.", "Well-Architected SEC05-BP03"),
		Kind: scanner.KindMisconfiguration, Pillar: scanner.PillarFirewall, run: wafMisses,
	},
}

func hasWAF(r *network.Result) bool {
	return slices.ContainsFunc(r.Shields, func(s string) bool { return strings.HasPrefix(s, "waf:") })
}

func noWAF(p *pass) {
	check := func(o *aws.Object, what string, uses []aws.WebACLUse) {
		r := p.answer(o)
		if r == nil || !wide(r) || len(uses) > 0 || hasWAF(r) || slices.Contains(r.Shields, "cloudfront-only") {
			return
		}
		p.report(found{self: o, message: fmt.Sprintf("is a public %s without a web ACL", what), advice: "associate a web ACL with AWS's managed rule groups", workloads: []inventory.ID{o.Address()}})
	}
	for _, l := range p.Model.LoadBalancers {
		if l.Type.Is("application") && !p.onlyByDistribution(l) {
			check(&l.Object, "load balancer", l.WebACLs)
		}
	}
	for _, a := range p.Model.APIs {
		if !a.Protocol.Is("REST") {
			continue
		}
		var uses []aws.WebACLUse
		for _, s := range a.Stages {
			uses = append(uses, s.WebACLs...)
		}
		check(&a.Object, "API", uses)
	}
	for _, d := range p.Model.Distributions {
		if d.WebACL.Absent() {
			check(&d.Object, "distribution", nil)
		}
	}
}

// counts reports whether a rule of a web ACL does nothing but count.
func counts(r *aws.WebRule) bool { return r.Action.Is("count") || r.Override.Is("count") }

func emptyWAF(p *pass) {
	for _, a := range p.Model.WebACLs {
		if a.Origin != aws.Declared || a.Exists() == inventory.NotExists || a.Classic || a.DefaultAction.Is("block") {
			continue
		}
		switch {
		case len(a.Rules) == 0:
			if rules := a.Resource.Get("rule"); !rules.IsUnknown() && !a.Resource.Get("Rules").IsUnknown() {
				p.report(found{self: &a.Object, message: "has no rules and lets everything through", advice: "add managed rule groups"})
			}
		case !slices.ContainsFunc(a.Rules, func(r aws.WebRule) bool { return !counts(&r) }):
			p.report(found{self: &a.Object, message: "has rules that count only", advice: "let them block once the counts are understood"})
		}
	}
}

// onlyByDistribution reports whether all that a load balancer leads to takes only what comes by a distribution, or by a web
// ACL: a listener that asks for the secret header answers others itself.
func (p *pass) onlyByDistribution(l *aws.LoadBalancer) bool {
	behind := false
	for i := range p.Results {
		r := &p.Results[i]
		if r.Address == l.Address() || !slices.ContainsFunc(r.Paths, func(x network.Path) bool { return slices.Contains(x.Nodes, l.Address()) }) {
			continue
		}
		if !hasWAF(r) && !slices.Contains(r.Shields, "cloudfront-only") {
			return false
		}
		behind = true
	}
	return behind
}

func originBypass(p *pass) {
	for _, d := range p.Model.Distributions {
		if d.WebACL.Absent() {
			continue
		}
		for i := range d.Origins {
			origin := &d.Origins[i]
			for _, target := range origin.Target.Targets() {
				l, ok := target.(*aws.LoadBalancer)
				if !ok || !origin.VPCOrigin.Absent() {
					continue
				}
				r := p.answer(&l.Object)
				if r == nil || !wide(r) || hasWAF(r) || slices.Contains(r.Shields, "cloudfront-only") || p.onlyByDistribution(l) {
					continue
				}
				p.report(found{
					self: &l.Object, message: fmt.Sprintf("is the origin of %s and can be reached around it and its web ACL", d.Address()), advice: "use a VPC origin, or a secret header that the listener asks for",
					related: []scanner.Related{{Location: origin.DomainName.Location(), Message: "the distribution takes its content from here"}}, workloads: []inventory.ID{l.Address()},
				})
			}
		}
	}
}

// modern are the TLS policies of load balancers that keep to TLS 1.2 and 1.3
// (https://docs.aws.amazon.com/elasticloadbalancing/latest/application/describe-ssl-policies.html).
func modern(policy string) bool {
	for _, old := range []string{"TLS-1-0", "TLS-1-1", "TLS13-1-0", "TLS13-1-1", "2015", "2016-08", "2011", "2014", "TLS-1-2-Ext-2018-06"} {
		if strings.Contains(policy, old) {
			return false
		}
	}
	return strings.Contains(policy, "TLS13") || strings.Contains(policy, "TLS-1-2") || strings.Contains(policy, "FS-1-2") || strings.Contains(policy, "FIPS")
}

// onlyRedirects reports whether a listener forwards nothing.
func onlyRedirects(l *aws.Listener) bool {
	actions := slices.Clone(l.Actions)
	for _, r := range l.Rules {
		actions = append(actions, r.Actions...)
	}
	return len(actions) > 0 && !slices.ContainsFunc(actions, func(a aws.Action) bool { return !a.Type.Is("redirect") && !a.Type.Is("fixed-response") })
}

func plainListener(p *pass) {
	for _, b := range p.Model.LoadBalancers {
		r := p.answer(&b.Object)
		if r == nil || !wide(r) {
			continue
		}
		for _, l := range b.Listeners {
			at := l.Place
			if at.IsZero() {
				at = l.Location()
			}
			subject := l.Address()
			switch protocol, _ := l.Protocol.Known(); {
			case protocol == "HTTP" && !onlyRedirects(l):
				p.report(found{self: &l.Object, subject: subject, at: at, message: "serves plain HTTP to the internet", advice: "redirect it to HTTPS", workloads: []inventory.ID{b.Address()}})
			case (protocol == "HTTPS" || protocol == "TLS") && !b.Type.Is("classic"):
				policy, ok := l.SSLPolicy.Known()
				if ok && !modern(policy) {
					p.report(found{
						self: &l.Object, subject: subject, at: l.SSLPolicy.Location(), message: fmt.Sprintf("allows old versions of TLS (%s)", policy), advice: "use ELBSecurityPolicy-TLS13-1-2-2021-06",
						edits: set(p, l.SSLPolicy, `"ELBSecurityPolicy-TLS13-1-2-2021-06"`), workloads: []inventory.ID{b.Address()},
					})
				}
			}
		}
	}
	for _, d := range p.Model.Distributions {
		for _, b := range d.Behaviors {
			if sure := is(b.ProtocolPolicy, "allow-all"); sure != not && d.Enabled.May(true) {
				p.report(found{
					self: &d.Object, at: b.ProtocolPolicy.Location(), sure: sure, message: "serves plain HTTP", advice: "set viewer_protocol_policy to redirect-to-https",
					edits: set(p, b.ProtocolPolicy, `"redirect-to-https"`), workloads: []inventory.ID{d.Address()},
				})
			}
		}
	}
}

func eksEndpoint(p *pass) {
	for _, c := range p.Model.EKSClusters {
		sure := is(c.PublicEndpoint, true)
		if c.Origin != aws.Declared || sure == not || c.Exists() == inventory.NotExists {
			continue
		}
		severity, message := scanner.High, "has an API server that answers to any address"
		if len(c.PublicCIDRs) > 0 {
			open := not
			for _, r := range c.PublicCIDRs {
				open = max(open, everyone(r))
				if r.Unknown() && len(r.Candidates()) == 0 {
					open = max(open, possible)
				}
			}
			switch open {
			case not:
				severity, message = scanner.Medium, "has an API server on the internet, for some ranges"
			case possible:
				sure = possible
			case certain:
			}
		}
		p.report(found{self: &c.Object, severity: severity, sure: sure, message: message, advice: "turn the public endpoint off, or name the ranges that need it", workloads: []inventory.ID{c.Address()}})
	}
}

func noAuthentication(p *pass) {
	for _, u := range p.Model.FunctionURLs {
		sure := both(is(u.Authorization, "NONE"), is(u.Callable, true))
		if sure == not || u.Exists() == inventory.NotExists {
			continue
		}
		p.report(found{self: &u.Object, at: u.Authorization.Location(), sure: sure, message: "calls a function for anyone", advice: "set authorization_type to AWS_IAM", edits: set(p, u.Authorization, `"AWS_IAM"`)})
	}
	for _, a := range p.Model.APIs {
		r := p.answer(&a.Object)
		if r == nil || r.Reachable == network.No || slices.ContainsFunc(r.Shields, func(s string) bool { return strings.HasPrefix(s, "auth:") }) {
			continue
		}
		for _, route := range a.Routes {
			if route.Method.Is("OPTIONS") { // preflight requests carry no credentials
				continue
			}
			sure := is(route.Authorization, "NONE")
			if sure == not || route.KeyRequired.May(true) || r.Reachable == network.Unknown {
				continue
			}
			p.report(found{self: &route.Object, at: route.Authorization.Location(), sure: sure, message: "answers without authentication", advice: "ask for IAM, a JWT or an authorizer", workloads: []inventory.ID{a.Address()}})
		}
	}
	for _, s := range p.Model.Stores {
		if s.Kind != aws.OpenSearch && s.Kind != aws.MSK {
			continue
		}
		r := p.answer(&s.Object)
		if r == nil || r.Reachable != network.Yes || slices.ContainsFunc(r.Shields, func(x string) bool { return strings.HasPrefix(x, "auth:") }) {
			continue
		}
		p.report(found{self: &s.Object, message: "answers on the internet without authentication", advice: "place it in a VPC", workloads: []inventory.ID{s.Address()}})
	}
}

func ipv6Wider(p *pass) {
	p.groups(func(g *aws.SecurityGroup) {
		for _, r := range g.Ingress {
			if r.Maybe || !slices.ContainsFunc(r.CIDRs, func(c aws.Prefix) bool { v, ok := c.Known(); return ok && v.Addr().Is6() && v.Bits() == 0 }) {
				continue
			}
			restricted, open := false, false
			for _, o := range g.Ingress {
				if !samePorts(r, o) {
					continue
				}
				for _, c := range o.CIDRs {
					if v, ok := c.Known(); ok && v.Addr().Is4() {
						restricted, open = restricted || v.Bits() > 0, open || v.Bits() == 0
					} else if !ok {
						open = true // it may be as wide
					}
				}
			}
			if restricted && !open {
				p.report(found{self: &g.Object, subject: ruleName(g, r), at: ruleAt(g, r), message: "lets everyone in over IPv6 where IPv4 is restricted", advice: "restrict both alike"})
			}
		}
	})
	p.acls(ipv6WiderACL(p))
	for _, s := range p.Model.Subnets {
		if s.Origin != aws.Declared || !s.RouteTable.Resolved() || len(p.byNet[s]) == 0 {
			continue
		}
		var six *aws.Route
		four := false
		for _, r := range s.RouteTable.To.Routes {
			v, ok := r.Destination.Known()
			igw := slices.ContainsFunc(r.Target.Targets(), func(n aws.Node) bool { _, is := n.(*aws.InternetGateway); return is })
			if !ok || !igw {
				continue
			}
			if v.Addr().Is6() && v.Bits() == 0 {
				six = r
			}
			four = four || v.Addr().Is4()
		}
		if six != nil && !four && !s.IPv6Native.May(true) {
			id, at := routeAt(s.RouteTable.To, six)
			p.report(found{self: &s.RouteTable.To.Object, subject: id, at: at, message: fmt.Sprintf("leads IPv6 of %s straight to the internet, while IPv4 is private", s.Address()), advice: "route ::/0 to an egress-only gateway"})
		}
	}
}

// ipv6WiderACL reports the rules of an ACL that admit everyone over IPv6 to ports that it admits a part of IPv4 to.
func ipv6WiderACL(p *pass) func(*aws.NetworkACL) {
	return func(a *aws.NetworkACL) {
		var rules, denied []traffic // in rules those that allow and count
		var by []*aws.NetworkACLRule
		for _, r := range a.Ingress {
			t, ok := about(r)
			switch {
			case !ok:
				return // it may decide about any of the others
			case !r.Action.Is("allow"):
				denied = append(denied, t)
			case !slices.ContainsFunc(denied, t.within):
				rules, by = append(rules, t), append(by, r)
			}
		}
		for i, six := range rules {
			if six.cidr.Addr().Is4() || six.cidr.Bits() > 0 {
				continue
			}
			restricted, open := false, false
			for _, four := range rules {
				if !four.cidr.Addr().Is4() {
					continue
				}
				everyone := traffic{netip.MustParsePrefix("0.0.0.0/0"), six.proto, six.lo, six.hi}
				open = open || everyone.within(four)
				everyone.cidr = four.cidr
				restricted = restricted || four.cidr.Bits() > 0 && everyone.within(four)
			}
			if restricted && !open {
				p.report(found{
					self: &a.Object, subject: aclRuleName(a, by[i]), at: aclRuleAt(a, by[i]),
					message: "lets everyone in over IPv6 where IPv4 is restricted", advice: "restrict both alike",
				})
			}
		}
	}
}

// samePorts reports whether two rules are about the same protocol and ports.
func samePorts(a, b *aws.SecurityGroupRule) bool {
	return a.Protocol.Or(-2) == b.Protocol.Or(-3) && (a.Protocol.Is(-1) || a.FromPort.Or(-1) == b.FromPort.Or(-2) && a.ToPort.Or(-1) == b.ToPort.Or(-2))
}

// attacks are what shows that a statement looks for injection or scripting: AWS's managed groups and own statements.
var attacks = []string{"AWSManagedRulesCommonRuleSet", "AWSManagedRulesSQLiRuleSet", "sqli_match_statement", "xss_match_statement", "SqliMatchStatement", "XssMatchStatement", "AWSManagedRulesAdminProtectionRuleSet"}

func wafMisses(p *pass) {
	inFront := map[*aws.WebACL]inventory.ID{}
	note := func(o *aws.Object, acls ...aws.Ref[*aws.WebACL]) {
		if r := p.answer(o); r != nil && wide(r) {
			for _, a := range targets(acls) {
				inFront[a] = o.Address()
			}
		}
	}
	for _, l := range p.Model.LoadBalancers {
		for _, u := range l.WebACLs {
			note(&l.Object, u.ACL)
		}
	}
	for _, a := range p.Model.APIs {
		for _, s := range a.Stages {
			for _, u := range s.WebACLs {
				note(&a.Object, u.ACL)
			}
		}
	}
	for _, d := range p.Model.Distributions {
		note(&d.Object, d.WebACL)
	}
	for _, a := range p.Model.WebACLs {
		front, ok := inFront[a]
		if !ok || a.Origin != aws.Declared || a.Classic || len(a.Rules) == 0 || a.DefaultAction.Is("block") {
			continue
		}
		looks := false
		for _, r := range a.Rules {
			walk(r.Statement, func(v inventory.Value) {
				text, _ := v.Text()
				looks = looks || slices.Contains(attacks, text) || v.IsUnknown()
				if v.Kind() == inventory.Map {
					for _, f := range v.Fields() {
						empty := f.Value.IsNull() || f.Value.Kind() == inventory.List && len(f.Value.Elements()) == 0
						foreign := f.Name == "rule_group_reference_statement" || f.Name == "RuleGroupReferenceStatement" // what is in it may stand elsewhere
						looks = looks || !empty && (slices.Contains(attacks, f.Name) || foreign)
					}
				}
			})
		}
		if !looks {
			p.report(found{self: &a.Object, message: fmt.Sprintf("protects %s and looks for neither SQL injection nor cross-site scripting", front), advice: "add AWSManagedRulesCommonRuleSet", workloads: []inventory.ID{front}})
		}
	}
}
