// Package cloud judges the declared AWS network and its machines: the rules NET-001 to NET-047 and HOST-001 to HOST-009 of
// docs/rules.md. They read the typed model and the network's answers, and never the language.
//
// A condition that is certain makes a finding; one that hangs on a value nobody knows makes a possible one, a severity
// lower; one that is certainly not met makes none. To add a rule, write a Check beside its neighbours and list it in
// Checks.
package cloud

import (
	"cmp"
	"context"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/trifecta-scanner/trifecta/aws"
	"github.com/trifecta-scanner/trifecta/inventory"
	"github.com/trifecta-scanner/trifecta/kube"
	"github.com/trifecta-scanner/trifecta/network"
	"github.com/trifecta-scanner/trifecta/scanner"
)

// Check is one rule with its condition.
type Check struct {
	Rule   scanner.Rule
	Kind   scanner.Kind
	Pillar scanner.Pillar
	run    func(*pass)
}

// Checks lists every rule, in the order of its number.
var Checks = slices.Concat(exposureChecks, groupChecks, subnetChecks, routeChecks, connectionChecks, endpointChecks, frontChecks, resilienceChecks, clusterChecks, hostChecks)

// Rules returns the rules of all checks.
func Rules() []scanner.Rule {
	rules := make([]scanner.Rule, len(Checks))
	for i, c := range Checks {
		rules[i] = c.Rule
	}
	return rules
}

// rulesPage describes each rule under its id.
const rulesPage = "https://github.com/trifecta-scanner/trifecta/blob/main/docs/rules.md#"

// rule makes a rule; related are the references that bear on it, which it does not certify.
func rule(id, alias string, severity scanner.Severity, title, help string, related ...string) scanner.Rule {
	if len(related) > 0 {
		help += "\n\nRelated: " + strings.Join(related, ", ") + "."
	}
	return scanner.Rule{ID: id, Aliases: []string{alias}, Severity: severity, Title: title, Help: help, URL: rulesPage + id, Tags: []string{"aws"}}
}

// Scanner is the scanner.Scanner of these rules.
type Scanner struct {
	Model   *aws.Model
	Cluster *kube.Model
	// Results are the network's answers; without them the rules about exposure are silent.
	Results []network.Result
	// Regions are the allowed ones; none allows all.
	Regions []string
	// Production are the environments that are worth most; in them databases must stand in several zones.
	Production []string
	// Patched says in one sentence what AWS knows of the patches of a machine, by address; nil where it was not asked.
	Patched map[inventory.ID]string
	// Network and Hosts say which rules are asked: NET and HOST.
	Network, Hosts bool
	// Read returns the text of a file of the tree, for fixes; nil gives none.
	Read func(name string) ([]byte, error)
}

// Name returns the name of the scanner.
func (Scanner) Name() string { return "cloud" }

// Scan judges the model, which was made from the inventory's resources.
func (s Scanner) Scan(ctx context.Context, inv *inventory.Inventory) (*scanner.Judgement, error) {
	p := &pass{Scanner: s, inv: inv, out: &scanner.Judgement{}, seen: map[string]bool{}, lines: map[string][]string{}}
	p.index()
	for i := range Checks {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		p.check = &Checks[i]
		if host := strings.HasPrefix(p.check.Rule.Aliases[0], "HOST"); host && !s.Hosts || !host && !s.Network {
			continue
		}
		before := len(p.out.Findings)
		p.check.run(p)
		if len(p.out.Findings) > before {
			p.out.Rules = append(p.out.Rules, p.check.Rule)
		}
	}
	return p.out, nil
}

// pass is one run over a model.
type pass struct {
	Scanner
	inv   *inventory.Inventory
	check *Check
	out   *scanner.Judgement
	seen  map[string]bool
	lines map[string][]string

	uses    []use
	byGroup map[*aws.SecurityGroup][]int // uses by the groups they carry
	byNet   map[*aws.Subnet][]int        // uses by the subnets they stand in
	answers map[answerKey]*network.Result
	users   map[answerKey]int // uses by who they are
}

type answerKey struct {
	root, environment string
	address           inventory.ID
}

// use is something that has interfaces in subnets.
type use struct {
	node    aws.Node
	self    *aws.Object
	what    string // in a message: instance, database
	subnets []aws.Ref[*aws.Subnet]
	groups  []aws.Ref[*aws.SecurityGroup]
	public  aws.Bool // whether it gets public addresses, where it says so
	proxy   bool
	store   *aws.Store
}

// index finds what carries which groups and stands in which subnets.
func (p *pass) index() {
	m := p.Model
	add := func(node aws.Node, what string, u use) {
		u.node, u.self, u.what = node, node.Self(), what
		if u.self.Exists() != inventory.NotExists {
			p.uses = append(p.uses, u)
		}
	}
	for _, l := range m.LoadBalancers {
		add(l, "load balancer", use{subnets: l.Subnets, groups: l.SecurityGroups, proxy: true})
	}
	for _, i := range m.Instances {
		u := use{subnets: []aws.Ref[*aws.Subnet]{i.Subnet}, groups: i.SecurityGroups, public: i.PublicIP}
		for _, x := range i.Interfaces {
			u.subnets, u.groups = append(u.subnets, x.Subnet), append(slices.Clip(u.groups), x.SecurityGroups...)
			for _, n := range x.Interface.Targets() {
				u.subnets, u.groups = append(u.subnets, n.Subnet), append(u.groups, n.SecurityGroups...)
			}
			if u.public.Absent() {
				u.public = x.PublicIP
			}
		}
		add(i, "instance", u)
	}
	for _, g := range m.AutoScalingGroups {
		u := use{subnets: g.Subnets}
		for _, t := range templatesOf(g) {
			u.groups = append(u.groups, t.SecurityGroups...)
			if u.public.Absent() {
				u.public = t.PublicIP
			}
			for _, x := range t.Interfaces {
				u.groups = append(u.groups, x.SecurityGroups...)
				if u.public.Absent() {
					u.public = x.PublicIP
				}
			}
		}
		add(g, "auto scaling group", u)
	}
	for _, s := range m.Services {
		add(s, "ECS service", use{subnets: s.Subnets, groups: s.SecurityGroups, public: s.PublicIP})
	}
	for _, f := range m.Functions {
		add(f, "function", use{subnets: f.Subnets, groups: f.SecurityGroups})
	}
	for _, s := range m.Stores {
		subnets := s.Subnets
		for _, g := range s.SubnetGroup.Targets() {
			if len(subnets) == 0 {
				subnets = g.Subnets
			}
		}
		add(s, "store", use{subnets: subnets, groups: s.SecurityGroups, public: s.Public, store: s})
	}
	for _, c := range m.EKSClusters {
		add(c, "EKS cluster", use{subnets: c.Subnets, groups: c.SecurityGroups})
	}
	for _, g := range m.NodeGroups {
		u := use{subnets: g.Subnets}
		for _, t := range g.LaunchTemplate.Targets() {
			u.groups = append(u.groups, t.SecurityGroups...)
		}
		u.groups = append(u.groups, g.SSHSources...)
		add(g, "node group", u)
	}
	for _, e := range m.VPCEndpoints {
		add(e, "VPC endpoint", use{subnets: e.Subnets, groups: e.SecurityGroups, proxy: true})
	}
	for _, l := range m.VPCLinks {
		add(l, "VPC link", use{subnets: l.Subnets, groups: l.SecurityGroups, proxy: true})
	}
	for _, n := range m.NetworkInterfaces {
		add(n, "network interface", use{subnets: []aws.Ref[*aws.Subnet]{n.Subnet}, groups: n.SecurityGroups})
	}
	for _, f := range m.ManagedFronts {
		add(f, f.Kind, use{subnets: f.Subnets, groups: f.SecurityGroups})
	}
	for _, c := range m.ClientVPNEndpoints {
		add(c, "client VPN", use{subnets: c.Subnets, groups: c.SecurityGroups})
	}
	p.byGroup, p.byNet, p.users = map[*aws.SecurityGroup][]int{}, map[*aws.Subnet][]int{}, map[answerKey]int{}
	for i, u := range p.uses {
		p.users[answerKey{rootOf(u.self), u.self.Unit.Environment, u.self.Address()}] = i
		for _, g := range targets(u.groups) {
			p.byGroup[g] = append(p.byGroup[g], i)
		}
		for _, s := range targets(u.subnets) {
			p.byNet[s] = append(p.byNet[s], i)
		}
	}
	p.answers = make(map[answerKey]*network.Result, len(p.Results))
	for i := range p.Results {
		r := &p.Results[i]
		p.answers[answerKey{r.Root, r.Environment, r.Address}] = r
	}
}

func (p *pass) resources() []*inventory.Resource { return p.inv.Resources }

// templatesOf returns the templates that a group may start machines from.
func templatesOf(g *aws.AutoScalingGroup) []*aws.LaunchTemplate {
	var list []*aws.LaunchTemplate
	for _, refs := range [][]aws.Ref[*aws.LaunchTemplate]{g.Templates, g.Overrides} {
		list = append(list, targets(refs)...)
	}
	return list
}

// targets returns what references can lead to, each once.
func targets[T interface {
	aws.Node
	comparable
}](refs []aws.Ref[T]) []T {
	var list []T
	for _, r := range refs {
		for _, t := range r.Targets() {
			if !slices.Contains(list, t) {
				list = append(list, t)
			}
		}
	}
	return list
}

// answer returns what the network says about an object; nil where it says nothing.
func (p *pass) answer(o *aws.Object) *network.Result {
	return p.answers[answerKey{rootOf(o), o.Unit.Environment, o.Address()}]
}

// rootOf is the root of an object as results write it: they leave the top folder out.
func rootOf(o *aws.Object) string { return strings.TrimPrefix(o.Unit.Root, ".") }

// exposed reports whether strangers reach an object.
func (p *pass) exposed(o *aws.Object) bool {
	r := p.answer(o)
	return r != nil && r.Reachable == network.Yes
}

// wide reports whether much of the internet gets through to a result.
func wide(r *network.Result) bool {
	return r.Reachable == network.Yes && (r.Breadth == network.BreadthAny || r.Breadth == network.BreadthWide)
}

// certainty says how sure a condition is.
type certainty uint8

const (
	not certainty = iota
	possible
	certain
)

// is asks whether a value is x.
func is[T comparable](v aws.Value[T], x T) certainty {
	switch {
	case v.Is(x):
		return certain
	case v.Unknown() && v.May(x), v.Maybe() && v.May(x):
		return possible
	}
	return not
}

func both(a, b certainty) certainty { return min(a, b) }

// found is what a check reports.
type found struct {
	self      *aws.Object
	subject   inventory.ID       // instead of the object's address
	at        inventory.Location // instead of the object's place
	message   string             // without the subject in front
	severity  scanner.Severity   // instead of the rule's
	sure      certainty          // not: certain
	related   []scanner.Related
	edits     []scanner.Edit
	advice    string // what makes it go away
	workloads []inventory.ID
}

// report makes a finding, once for each subject and place.
func (p *pass) report(f found) {
	subject := cmp.Or(f.subject, f.self.Address())
	if subject == "" {
		subject = "default VPC"
	}
	at := f.at
	if at.IsZero() {
		at = f.self.Location()
	}
	key := fmt.Sprint(p.check.Rule.ID, subject, at)
	if p.seen[key] {
		return
	}
	p.seen[key] = true
	severity := cmp.Or(f.severity, p.check.Rule.Severity)
	message := fmt.Sprintf("%s %s", subject, f.message)
	maybe := f.sure == possible || f.self != nil && f.self.Exists() == inventory.MayExist
	if maybe {
		severity = lower(severity)
		message = "possible: " + message
	}
	if f.self.Resource != nil && f.self.Resource.Language == inventory.CloudFormation {
		f.advice = inCloudFormation.Replace(f.advice)
	}
	if f.advice != "" {
		message += "; " + f.advice
	}
	finding := scanner.Finding{
		RuleID: p.check.Rule.ID, Kind: p.check.Kind, Severity: severity, Pillar: p.check.Pillar, Message: message,
		Subject: subject, Location: at, Related: f.related, FingerprintKey: []string{p.check.Rule.ID, string(subject), at.Path},
		Exposure: scanner.Exposure{Workloads: f.workloads},
	}
	if f.advice != "" {
		finding.Fix = &scanner.Fix{Message: f.advice, Edits: f.edits}
	}
	p.out.Findings = append(p.out.Findings, finding)
}

// inCloudFormation says by which names CloudFormation has the attributes that advice names as Terraform does.
var inCloudFormation = strings.NewReplacer(
	"acceptance_required", "AcceptanceRequired",
	"assign_public_ip", "AssignPublicIp",
	"at_rest_encryption_enabled", "AtRestEncryptionEnabled",
	"associate_public_ip_address", "AssociatePublicIpAddress",
	"authorization_type", "AuthType",
	"auto_accept_shared_attachments", "AutoAcceptSharedAttachments",
	"auto_minor_version_upgrade", "AutoMinorVersionUpgrade",
	"aws_vpc_block_public_access_options", "AWS::EC2::VPCBlockPublicAccessOptions",
	"connection_log_options.enabled", "ConnectionLogOptions.Enabled",
	"encrypt_at_rest.enabled", "EncryptionAtRestOptions.Enabled",
	"image_tag_mutability", "ImageTagMutability",
	"instance_refresh", "an UpdatePolicy",
	"log_enabled", "LogEnabled",
	"map_public_ip_on_launch", "MapPublicIpOnLaunch",
	"max_instance_lifetime", "MaxInstanceLifetime",
	"metadata_options.http_tokens", "MetadataOptions.HttpTokens",
	"multi_az", "MultiAZ",
	"publicly_accessible", "PubliclyAccessible",
	"scan_on_push", "ScanOnPush",
	"source_dest_check", "SourceDestCheck",
	"storage_encrypted", "StorageEncrypted",
	"encrypted", "Encrypted",
	"viewer_protocol_policy", "ViewerProtocolPolicy",
)

// lower is one severity less.
func lower(s scanner.Severity) scanner.Severity {
	i := slices.Index(scanner.Severities, s)
	return scanner.Severities[min(i+1, slices.Index(scanner.Severities, scanner.Info))]
}

// An edit is made where a line has a key and a literal, in Terraform, YAML or JSON; what stands inside of an expression has none.
var (
	key    = regexp.MustCompile(`^[\s-]*["']?[\w.-]+["']?\s*[:=]\s*$`)
	scalar = regexp.MustCompile(`^(?:"[^"${}]*"|'[^']*'|[\w.-]+)$`)
)

// set returns the edit that writes a scalar anew; none where its place is not one part of one line.
func set[T comparable](p *pass, v aws.Value[T], text string) []scanner.Edit {
	if _, known := v.Known(); !known { // what is not known stands where it comes from, such as a variable
		return nil
	}
	if !v.Written() {
		return nil
	}
	return p.replace(v.Location(), text)
}

// replace returns the edit that writes a text over a literal that is all of a key's value on its line; none elsewhere.
func (p *pass) replace(at inventory.Location, text string) []scanner.Edit {
	if p.Read == nil || at.Line == 0 || at.Column == 0 || at.EndLine != at.Line || at.EndColumn <= at.Column {
		return nil
	}
	lines, ok := p.lines[at.Path]
	if !ok {
		if data, err := p.Read(at.Path); err == nil { // a file that is gone has no fix
			lines = strings.SplitAfter(string(data), "\n")
		}
		p.lines[at.Path] = lines
	}
	if at.Line > len(lines) || at.EndColumn-1 > len(lines[at.Line-1]) {
		return nil
	}
	line := lines[at.Line-1]
	if !key.MatchString(line[:at.Column-1]) || !scalar.MatchString(line[at.Column-1:at.EndColumn-1]) { // an expression decides, and its condition is meant
		return nil
	}
	return []scanner.Edit{{Path: at.Path, Line: at.Line, EndLine: at.Line, Text: line[:at.Column-1] + text + line[at.EndColumn-1:]}}
}

// list names some things in a message.
func list(ids []inventory.ID) string {
	const most = 3
	names := make([]string, 0, most+1)
	for i, id := range ids {
		if i == most {
			names = append(names, fmt.Sprintf("%d more", len(ids)-most))
			break
		}
		names = append(names, string(id))
	}
	return strings.Join(names, ", ")
}
