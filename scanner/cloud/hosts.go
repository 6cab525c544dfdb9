package cloud

import (
	"fmt"
	"slices"
	"strings"

	"github.com/trifecta-scanner/trifecta/aws"
	"github.com/trifecta-scanner/trifecta/inventory"
	"github.com/trifecta-scanner/trifecta/scanner"
)

var hostChecks = []Check{
	{
		Rule: rule("aws-imdsv1", "HOST-001", scanner.High, "Machine whose metadata service answers without a token",
			"A request that a flaw makes the machine send is enough to read the credentials of its role. Set http_tokens to required, and the hop limit to 1 outside of containers.",
			"Security Hub EC2.8, EC2.170, AutoScaling.3", "CIS AWS Foundations 5.7 (6.7)"),
		Kind: scanner.KindMisconfiguration, Pillar: scanner.PillarVulnerability, run: imdsV1,
	},
	{
		Rule: rule("aws-not-managed-by-ssm", "HOST-002", scanner.Medium, "Machine that Systems Manager does not manage",
			"Without the policy AmazonSSMManagedInstanceCore nobody can patch the machine, list its packages or log in without an open port. Give it an instance profile with the policy, "+
				"or replace machines instead of patching them.", "Security Hub SSM.1", "Well-Architected SEC06-BP01"),
		Kind: scanner.KindMisconfiguration, Pillar: scanner.PillarVulnerability, run: notManaged,
	},
	{
		Rule: rule("aws-not-patched", "HOST-003", scanner.Medium, "Machine that nothing in the code patches",
			"No association and no maintenance window with AWS-RunPatchBaseline reaches the machine, and nothing replaces it either. The finding says which half is missing: what runs the document, the machines that it targets, or the schedule. "+
				"Add one that targets the machine by tag or patch group, or let the group refresh its instances.",
			"Security Hub SSM.2, SSM.3", "Well-Architected SEC06-BP01"),
		Kind: scanner.KindMisconfiguration, Pillar: scanner.PillarVulnerability, run: notPatched,
	},
	{
		Rule: rule("aws-patch-baseline-slow", "HOST-004", scanner.Medium, "Patch baseline that approves late, leaves out critical patches, or patches nobody",
			"Patches that fix what is exploited must come within days. Approve security updates after at most 14 days, all severities of them, and register the groups that use the baseline.", "Well-Architected SEC06-BP01"),
		Kind: scanner.KindMisconfiguration, Pillar: scanner.PillarVulnerability, run: slowBaseline,
	},
	{
		Rule: rule("aws-asg-no-instance-refresh", "HOST-005", scanner.Medium, "Auto scaling group that keeps old machines",
			"A new template changes only machines that start later; the old image keeps running. Add instance_refresh, or max_instance_lifetime.", "Well-Architected REL08-BP04"),
		Kind: scanner.KindMisconfiguration, Pillar: scanner.PillarVulnerability, run: noRefresh,
	},
	{
		Rule: rule("aws-storage-unencrypted", "HOST-007", scanner.Medium, "Storage that is not encrypted",
			"Snapshots and disks that leave the account are readable. Turn encryption on; for most stores that means a new one, as it can't be changed later.",
			"Security Hub EC2.3, EC2.7, EC2.181, RDS.3, RDS.27, EFS.1, ElastiCache.4, Opensearch.1", "CIS AWS Foundations 2.2.1, 2.3.1, 5.1.1 (3.2.1, 3.3.1, 6.1.1)", "Well-Architected SEC08-BP02"),
		Kind: scanner.KindMisconfiguration, Pillar: scanner.PillarVulnerability, run: unencrypted,
	},
	{
		Rule: rule("aws-rds-no-minor-upgrade", "HOST-008", scanner.Low, "Database that does not take minor versions by itself",
			"Minor versions carry security fixes. Set auto_minor_version_upgrade to true.", "Security Hub RDS.13", "CIS AWS Foundations 2.2.2 (3.2.2)"),
		Kind: scanner.KindMisconfiguration, Pillar: scanner.PillarVulnerability, run: noMinorUpgrade,
	},
	{
		Rule: rule("image-mutable", "HOST-009", scanner.Medium, "Image of an exposed workload that can change under its name",
			"What runs is whatever the tag points to at the time. Name a digest, make the repository's tags immutable and scan images when they are pushed.", "Security Hub ECR.1, ECR.2"),
		Kind: scanner.KindMisconfiguration, Pillar: scanner.PillarVulnerability, run: mutableImage,
	},
}

// machine is something that starts machines, with what it says of them.
type machine struct {
	self   *aws.Object
	launch *aws.Launch
	users  []inventory.ID // workloads that are made of it
	nodes  bool           // it starts nodes of a cluster, whose pods are one hop further
}

// machines returns the instances and templates that the code declares.
func (p *pass) machines() []machine {
	users := map[*aws.LaunchTemplate][]inventory.ID{}
	nodes := map[*aws.LaunchTemplate]bool{}
	for _, g := range p.Model.AutoScalingGroups {
		for _, t := range templatesOf(g) {
			users[t] = append(users[t], g.Address())
		}
	}
	for _, g := range p.Model.NodeGroups {
		for _, t := range g.LaunchTemplate.Targets() {
			users[t] = append(users[t], g.Address())
			nodes[t] = true
		}
	}
	fromTemplate := map[*aws.LaunchTemplate]bool{}
	var list []machine
	for _, i := range p.Model.Instances {
		if i.Origin != aws.Declared || i.Exists() == inventory.NotExists {
			continue
		}
		for _, t := range i.LaunchTemplate.Targets() {
			users[t] = append(users[t], i.Address())
			fromTemplate[t] = true
		}
		list = append(list, machine{self: &i.Object, launch: &i.Launch, users: []inventory.ID{i.Address()}})
	}
	for _, t := range p.Model.LaunchTemplates {
		if t.Origin == aws.Declared && t.Exists() != inventory.NotExists {
			list = append(list, machine{self: &t.Object, launch: &t.Launch, users: users[t], nodes: nodes[t]})
		}
	}
	return list
}

func (p *pass) anyExposed(unit aws.Unit, ids []inventory.ID) bool {
	return slices.ContainsFunc(ids, func(id inventory.ID) bool {
		return p.exposed(&aws.Object{Resource: &inventory.Resource{ID: id}, Unit: unit})
	})
}

func imdsV1(p *pass) {
	for _, m := range p.machines() {
		if i, ok := p.instance(m.self); ok && !i.LaunchTemplate.Absent() && m.launch.Metadata.Tokens.Absent() {
			continue // its template says it
		}
		md := m.launch.Metadata
		if md.Endpoint.Is("disabled") {
			continue
		}
		severity := scanner.High
		if p.anyExposed(m.self.Unit, m.users) {
			severity = scanner.Critical
		}
		switch {
		case md.Tokens.Absent():
			p.report(found{self: m.self, severity: severity, message: "lets its metadata service answer without a token", advice: "set metadata_options.http_tokens to required", workloads: m.users})
		case is(md.Tokens, "optional") != not:
			p.report(found{
				self: m.self, at: md.Tokens.Location(), severity: severity, sure: is(md.Tokens, "optional"), message: "lets its metadata service answer without a token",
				advice: "set metadata_options.http_tokens to required", edits: set(p, md.Tokens, `"required"`), workloads: m.users,
			})
		default:
			if hops, ok := md.HopLimit.Known(); ok && hops > 1 && !m.nodes && !runsContainers(m.launch) {
				p.report(found{self: m.self, at: md.HopLimit.Location(), severity: scanner.Medium, message: fmt.Sprintf("lets tokens of its metadata service travel %d hops", hops), advice: "set the hop limit to 1", workloads: m.users})
			}
		}
	}
}

func (p *pass) instance(o *aws.Object) (*aws.Instance, bool) {
	for _, i := range p.Model.Instances {
		if &i.Object == o {
			return i, true
		}
	}
	return nil, false
}

// runsContainers reports whether a machine's start script speaks of containers.
func runsContainers(l *aws.Launch) bool {
	text, ok := l.UserData.Known()
	return !ok && l.UserData.Written() || strings.Contains(text, "docker") || strings.Contains(text, "ecs") || strings.Contains(text, "containerd")
}

// ssmPolicies let Systems Manager manage a machine.
var ssmPolicies = []string{"AmazonSSMManagedInstanceCore", "AmazonEC2RoleforSSM", "AmazonSSMManagedEC2InstanceDefaultPolicy", "AmazonEC2ContainerServiceforEC2Role"}

// managed says whether the profile of a machine lets Systems Manager manage it.
func managed(l *aws.Launch) certainty {
	switch {
	case l.Profile.Absent():
		return not
	case !l.Profile.Resolved(), l.Profile.To.Origin == aws.External, !l.Profile.To.Role.Resolved(), l.Profile.To.Role.To.Origin == aws.External:
		return possible
	}
	role := l.Profile.To.Role.To
	unknown := false
	for _, arn := range role.Managed {
		text, ok := arn.Known()
		if !ok {
			unknown = true
			continue
		}
		if slices.ContainsFunc(ssmPolicies, func(name string) bool { return strings.HasSuffix(text, "/"+name) }) {
			return certain
		}
	}
	for i := range role.Policies {
		policy := &role.Policies[i].Policy
		unknown = unknown || policy.Unknown
		for k := range policy.Statements {
			for _, a := range policy.Statements[k].Actions {
				text, _ := a.Known()
				if text == "*" || text == "ssm:*" || strings.EqualFold(text, "ssm:UpdateInstanceInformation") || text == "ssmmessages:*" {
					return certain
				}
			}
		}
	}
	if unknown {
		return possible
	}
	return not
}

// replaced reports whether the machines of a group are replaced rather than patched: a managed node group, a refresh, a
// bounded life.
func (p *pass) replaced(m machine) bool {
	if m.nodes {
		return true
	}
	for _, g := range p.Model.AutoScalingGroups {
		if !slices.Contains(m.users, g.Address()) || g.Unit != m.self.Unit {
			continue
		}
		if life, ok := g.MaxInstanceLifetime.Known(); g.InstanceRefresh.May(true) || ok && life > 0 || g.MaxInstanceLifetime.Unknown() || rollsOut(g) {
			return true
		}
	}
	// An image that is built for containers has no packages to patch.
	image := strings.ToLower(p.imageText(m.launch))
	return strings.Contains(image, "bottlerocket") || strings.Contains(image, "flatcar") || movingImage(image)
}

// movingImage reports whether what an image comes from leads to newer images by itself: a public parameter, but for a version of
// it (name:3). How old it is HOST-006 judges.
func movingImage(text string) bool {
	_, path, ok := strings.Cut(text, "/aws/service/")
	return ok && !strings.Contains(path, ":") && (strings.Contains(path, "latest") || strings.Contains(path, "/current/") || strings.Contains(path, "/recommended"))
}

// imageText is what is known of an image: its id, or the names of what it comes from.
func (p *pass) imageText(l *aws.Launch) string {
	text, _ := l.Image.Known()
	if ref, ok := l.ImageValue.Ref(); ok {
		text += " " + string(ref.Resource) + " " + ref.Attribute
		for _, r := range p.inv.Resources { // a data source says what it looks up
			if r.ID == ref.Resource && strings.HasSuffix(r.Type, "aws_ssm_parameter") {
				name, _ := r.Get("name").Text()
				text += " " + name
			}
		}
	}
	for _, part := range l.ImageValue.Parts() {
		t, _ := part.Text()
		text += t
	}
	return text
}

func notManaged(p *pass) {
	for _, m := range p.machines() {
		if m.launch.Profile.Absent() && p.profileElsewhere(m) || p.replaced(m) || len(m.users) == 0 {
			continue
		}
		if sure := managed(m.launch); sure != certain {
			f := found{self: m.self, message: "has no instance profile that lets Systems Manager manage it", advice: "give it a role with AmazonSSMManagedInstanceCore", workloads: m.users}
			if sure == possible {
				continue // what a foreign role allows is not ours to guess
			}
			p.report(f)
		}
	}
}

// profileElsewhere reports whether an instance takes its profile from a template.
func (p *pass) profileElsewhere(m machine) bool {
	i, ok := p.instance(m.self)
	return ok && !i.LaunchTemplate.Absent()
}

func noRefresh(p *pass) {
	for _, g := range p.Model.AutoScalingGroups {
		life, ok := g.MaxInstanceLifetime.Known()
		if g.Origin != aws.Declared || g.Exists() == inventory.NotExists || g.InstanceRefresh.May(true) || ok && life > 0 || g.MaxInstanceLifetime.Unknown() || rollsOut(g) {
			continue
		}
		advice := "add instance_refresh, or max_instance_lifetime"
		if g.Resource.Language == inventory.CloudFormation {
			advice = "add an UpdatePolicy with AutoScalingRollingUpdate, or MaxInstanceLifetime"
		}
		p.report(found{self: &g.Object, message: "keeps machines of an old template", advice: advice, workloads: []inventory.ID{g.Address()}})
	}
}

// rollsOut reports whether CloudFormation replaces the machines of a group when its template changes.
func rollsOut(g *aws.AutoScalingGroup) bool {
	policy := g.Resource.Get("UpdatePolicy")
	return policy.IsUnknown() || !policy.Get("AutoScalingRollingUpdate").IsNull() || !policy.Get("AutoScalingReplacingUpdate").IsNull()
}

func unencrypted(p *pass) {
	byDefault := map[string]bool{}
	for _, e := range p.Model.EncryptionByDefault {
		if e.Enabled.May(true) || e.Enabled.Absent() {
			byDefault[e.Unit.Root+e.Region()] = true
		}
	}
	check := func(o *aws.Object, what, attribute string, v aws.Bool, workloads ...inventory.ID) {
		if o.Origin != aws.Declared || o.Exists() == inventory.NotExists {
			return
		}
		sure := is(v, false)
		if v.Absent() {
			sure = certain
		}
		if sure != not {
			p.report(found{self: o, at: v.Location(), sure: sure, message: what + " not encrypted", advice: "set " + attribute + " to true", edits: set(p, v, "true"), workloads: workloads})
		}
	}
	for _, v := range p.Model.Volumes {
		if !byDefault[v.Unit.Root+v.Region()] {
			check(&v.Object, "is", "encrypted", v.Encrypted)
		}
	}
	for _, m := range p.machines() {
		if byDefault[m.self.Unit.Root+m.self.Region()] {
			continue
		}
		for _, d := range m.launch.Disks {
			if !d.Encrypted.Absent() || d.Key.Absent() {
				check(m.self, "has a disk that is", "encrypted", d.Encrypted, m.users...)
			}
		}
	}
	for _, s := range p.Model.Stores {
		if !s.Cluster.Absent() || s.Engine.Is("memcached") { // the cluster says it; nothing of memcached rests
			continue
		}
		attribute := "storage_encrypted"
		switch s.Kind {
		case aws.RDSInstance, aws.RDSCluster, aws.DocDB, aws.Neptune:
		case aws.ElastiCache:
			attribute = "at_rest_encryption_enabled"
		case aws.OpenSearch:
			attribute = "encrypt_at_rest.enabled"
		case aws.RedshiftCluster, aws.RedshiftServerless, aws.DMSInstance, aws.MemoryDB, aws.MSK, aws.MQ, aws.EMR, aws.EFS:
			continue
		}
		check(&s.Object, "is", attribute, s.Encrypted, s.Address())
	}
	for _, f := range p.Model.FileSystems {
		check(&f.Object, "is", "encrypted", f.Encrypted)
	}
}

func noMinorUpgrade(p *pass) {
	for _, s := range p.Model.Stores {
		if s.Kind != aws.RDSInstance || s.Exists() == inventory.NotExists {
			continue
		}
		if sure := is(s.AutoUpgrade, false); sure != not && s.AutoUpgrade.Written() {
			p.report(found{self: &s.Object, at: s.AutoUpgrade.Location(), sure: sure, message: "does not take minor versions by itself", advice: "set auto_minor_version_upgrade to true", edits: set(p, s.AutoUpgrade, "true"), workloads: []inventory.ID{s.Address()}})
		}
	}
}

func mutableImage(p *pass) {
	exposed := map[inventory.ID]inventory.ID{} // image names by a workload that is exposed
	for i := range p.Results {
		r := &p.Results[i]
		if !wide(r) {
			continue
		}
		for _, run := range r.Runs {
			exposed[run.ID] = r.Address
		}
	}
	for i := range p.inv.Images {
		image := &p.inv.Images[i]
		workload, ok := exposed[image.ID]
		name := string(image.ID)
		if !ok || image.Digest != "" || strings.Contains(name, "@sha256:") || strings.Contains(name, "*") || len(image.Locations) == 0 {
			continue
		}
		tag := ""
		if at := strings.LastIndexByte(name, ':'); at > strings.LastIndexByte(name, '/') {
			tag = name[at+1:]
		}
		if tag != "" && tag != "latest" && tag != "stable" && tag != "main" && tag != "master" {
			continue
		}
		p.report(found{
			self: &aws.Object{Resource: &inventory.Resource{ID: image.ID, Location: image.Locations[0]}}, at: image.Locations[0],
			message: fmt.Sprintf("runs in %s, which is exposed, by a name that can point elsewhere tomorrow", workload), advice: "name a version or a digest", workloads: []inventory.ID{workload},
		})
	}
	for _, r := range p.Model.Repositories {
		name, ok := r.Name.Known()
		if !ok || r.Origin != aws.Declared {
			continue
		}
		var workload inventory.ID
		for image, w := range exposed {
			bare, _, _ := strings.Cut(string(image), "@")
			if at := strings.LastIndexByte(bare, ':'); at > strings.LastIndexByte(bare, '/') {
				bare = bare[:at]
			}
			if (bare == name || strings.HasSuffix(bare, "/"+name)) && (workload == "" || w < workload) {
				workload = w
			}
		}
		if workload == "" {
			continue
		}
		if sure := is(r.Mutability, "MUTABLE"); sure != not || r.Mutability.Absent() {
			p.report(found{self: &r.Object, at: r.Mutability.Location(), message: fmt.Sprintf("lets the tags of the image of %s be moved", workload), advice: "set image_tag_mutability to IMMUTABLE", edits: set(p, r.Mutability, `"IMMUTABLE"`), workloads: []inventory.ID{workload}})
		} else if r.ScanOnPush.Is(false) || r.ScanOnPush.Absent() {
			p.report(found{self: &r.Object, at: r.ScanOnPush.Location(), message: fmt.Sprintf("does not scan the image of %s", workload), advice: "set scan_on_push to true", edits: set(p, r.ScanOnPush, "true"), workloads: []inventory.ID{workload}})
		}
	}
}
