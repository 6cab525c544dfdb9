package aws

import (
	"net/netip"
	"reflect"
	"slices"
	"strings"

	"github.com/trifecta-scanner/trifecta/inventory"
)

var managedPolicyType = reflect.TypeFor[*ManagedPolicy]()

func prefixAt(d *decoder, v inventory.Value) Prefix { return leafAt[netip.Prefix](d, v, "") }

func (p *Policy) unset() bool    { return !p.Written }
func (p *Policy) setDefault(any) {}

func (p *Policy) setUnknown(reasons []inventory.Reason) { p.Unknown, p.Reasons = true, reasons }

func (p *Policy) fill(d *decoder, v inventory.Value, _ string) {
	if !v.IsNull() {
		*p = d.policy(v)
	}
}

// policy reads a policy document: a JSON text, what one is made of, or a data source that makes it.
func (d *decoder) policy(v inventory.Value) Policy {
	if v.IsNull() {
		return Policy{}
	}
	p := Policy{Written: true, Location: v.Location()}
	doc := decoded(v)
	if doc.IsUnknown() {
		if ref, ok := doc.Ref(); ok {
			if r := d.unit.resources[ref.Resource]; r != nil && strings.HasSuffix(r.Type, "aws_iam_policy_document") {
				return d.b.decoderOf(r).document(p)
			}
		}
		p.Unknown, p.Reasons = true, doc.Reasons()
		return p
	}
	for _, s := range blocksOf(doc.Get("Statement")) {
		p.Statements = append(p.Statements, d.statement(s))
	}
	if s := doc.Get("Statement"); s.IsUnknown() {
		p.Unknown, p.Reasons = true, s.Reasons()
	}
	return p
}

// statement reads a statement in the spelling of IAM.
func (d *decoder) statement(v inventory.Value) Statement {
	s := Statement{Effect: leafAt[string](d, v.Get("Effect"), ""), Unknown: v.IsUnknown() || v.IsMaybe()}
	list := func(name, not string) (values []Text, negated bool) {
		found := v.Get(name)
		if negated = found.IsNull() && !v.Get(not).IsNull(); negated {
			found = v.Get(not)
		}
		return leaves[string](listed(found)), negated
	}
	s.Actions, s.NotActions = list("Action", "NotAction")
	s.Resources, s.NotResources = list("Resource", "NotResource")
	principal := v.Get("Principal")
	if s.NotPrincipal = principal.IsNull() && !v.Get("NotPrincipal").IsNull(); s.NotPrincipal {
		principal = v.Get("NotPrincipal")
	}
	s.Principals = principals(principal)
	for _, operator := range v.Get("Condition").Fields() {
		for _, key := range operator.Value.Fields() {
			s.narrow(operator.Name, key.Name, key.Value)
		}
	}
	if c := v.Get("Condition"); c.IsUnknown() {
		s.Unknown = true
	}
	slices.Sort(s.Conditions)
	return s
}

// narrow adds a condition to a statement
// (https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html).
func (s *Statement) narrow(operator, key string, values inventory.Value) {
	s.Conditions = append(s.Conditions, strings.ToLower(key))
	if strings.EqualFold(operator, "IpAddress") && strings.EqualFold(key, "aws:SourceIp") {
		s.Sources = append(s.Sources, leaves[netip.Prefix](listed(values))...)
	}
}

func principals(v inventory.Value) []Principal {
	if text, ok := v.Text(); ok {
		return []Principal{{Type: text, ID: leafOf[string](v, "", 0)}}
	}
	if v.IsUnknown() {
		return []Principal{{ID: leafOf[string](v, "", 0)}}
	}
	var all []Principal
	for _, f := range v.Fields() {
		for _, id := range leaves[string](listed(f.Value)) {
			all = append(all, Principal{f.Name, id})
		}
	}
	return all
}

// document reads data.aws_iam_policy_document, whose statements are blocks.
func (d *decoder) document(p Policy) Policy {
	for _, source := range []string{"source_policy_documents", "override_policy_documents", "source_json", "override_json"} {
		for _, v := range listed(d.resource.Get(source)) {
			inner := d.policy(v)
			p.Statements = append(p.Statements, inner.Statements...)
			if inner.Unknown {
				p.Unknown, p.Reasons = true, append(p.Reasons, inner.Reasons...)
			}
		}
	}
	for _, v := range blocksOf(d.resource.Get("statement")) {
		s := Statement{Effect: leafAt[string](d, v.Get("effect"), ""), Unknown: v.IsUnknown() || v.IsMaybe()}
		if s.Effect.Absent() {
			s.Effect = Of("Allow")
		}
		list := func(name string) (values []Text, negated bool) {
			if found := v.Get(name); !found.IsNull() && len(found.Elements()) > 0 {
				return leaves[string](listed(found)), false
			}
			found := v.Get("not_" + name)
			return leaves[string](listed(found)), len(found.Elements()) > 0
		}
		s.Actions, s.NotActions = list("actions")
		s.Resources, s.NotResources = list("resources")
		for _, name := range []string{"principals", "not_principals"} {
			for _, b := range blocksOf(v.Get(name)) {
				s.NotPrincipal = s.NotPrincipal || name == "not_principals"
				kind, _ := b.Get("type").Text()
				for _, id := range leaves[string](listed(b.Get("identifiers"))) {
					s.Principals = append(s.Principals, Principal{kind, id})
				}
			}
		}
		for _, b := range blocksOf(v.Get("condition")) {
			test, _ := b.Get("test").Text()
			variable, _ := b.Get("variable").Text()
			s.narrow(test, variable, b.Get("values"))
		}
		slices.Sort(s.Conditions)
		p.Statements = append(p.Statements, s)
	}
	return p
}

// Everyone reports whether a statement that allows something is about everyone, for certain and without a condition that
// narrows it down.
func (s *Statement) Everyone() bool {
	return s.Effect.Is("Allow") && !s.Unknown && !s.NotPrincipal && len(s.Conditions) == 0 &&
		slices.ContainsFunc(s.Principals, func(p Principal) bool { return (p.Type == "*" || p.Type == "AWS") && p.ID.Is("*") })
}

// finishRole reads inline policies.
func (d *decoder) finishRole(r *Role) {
	r.Policies = append(r.Policies, d.inline(d.get("inline_policy", "Policies"))...)
}

func (d *decoder) finishUser(u *User) {
	u.Policies = append(u.Policies, d.inline(d.get("-", "Policies"))...)
}

func (d *decoder) inline(v inventory.Value) []NamedPolicy {
	var all []NamedPolicy
	for _, b := range blocksOf(v) {
		name, document := b.Get("name"), b.Get("policy")
		if d.cfn {
			name, document = b.Get("PolicyName"), b.Get("PolicyDocument")
		}
		if document.IsNull() {
			continue
		}
		all = append(all, NamedPolicy{d.part(b), leafAt[string](d, name, ""), d.policy(document)})
	}
	return all
}

// joinInlinePolicy adds a policy to the roles and users that it names.
func (d *decoder) joinInlinePolicy() {
	p := NamedPolicy{d.own(), leafAt[string](d, d.get("name", "PolicyName"), ""), d.policy(d.get("policy", "PolicyDocument"))}
	d.grant(p, nil)
}

// grant gives a policy, or the ARN of a managed one, to whatever the resource names.
func (d *decoder) grant(p NamedPolicy, managed []Text) {
	for _, v := range append(listed(d.get("-", "Roles")), append(listed(d.get("roles", "RoleName")), d.get("role", "-"), d.get("role_name", "-"))...) {
		r := refTo[*Role](d, v)
		for _, role := range r.Targets() {
			role.Managed = append(role.Managed, managed...)
			if p.Policy.Written {
				role.Policies = append(role.Policies, p)
			}
		}
	}
	for _, v := range append(listed(d.get("-", "Users")), append(listed(d.get("users", "UserName")), d.get("user", "-"))...) {
		r := refTo[*User](d, v)
		for _, user := range r.Targets() {
			user.Managed = append(user.Managed, managed...)
			if p.Policy.Written {
				user.Policies = append(user.Policies, p)
			}
		}
	}
}

// joinAttachedPolicy attaches managed policies: those of AWS by their ARN, those of the code with what they say.
func (d *decoder) joinAttachedPolicy() {
	if d.resource.Type == "AWS::IAM::ManagedPolicy" {
		d.grant(NamedPolicy{d.own(), leafAt[string](d, d.get("-", "ManagedPolicyName"), ""), d.policy(d.get("-", "PolicyDocument"))}, nil)
		return
	}
	for _, v := range append(listed(d.get("policy_arns", "-")), d.get("policy_arn", "-")) {
		if v.IsNull() {
			continue
		}
		if m, ok := d.target(managedPolicyType, v, 0).(*ManagedPolicy); ok {
			d.grant(NamedPolicy{d.own(), m.Name, m.Policy}, nil)
			continue
		}
		d.grant(NamedPolicy{}, []Text{leafAt[string](d, v, "")})
	}
}

func (d *decoder) joinAccessKey() {
	r := refTo[*User](d, d.get("user", "UserName"))
	for _, u := range r.Targets() {
		u.AccessKeys = append(u.AccessKeys, d.resource)
	}
}

func (d *decoder) joinPatchGroup() {
	r := refTo[*PatchBaseline](d, d.get("baseline_id", "-"))
	for _, b := range r.Targets() {
		b.Groups = append(b.Groups, leafAt[string](d, d.get("patch_group", "-"), ""))
	}
}

func (d *decoder) joinDefaultBaseline() {
	r := refTo[*PatchBaseline](d, d.get("baseline_id", "-"))
	for _, b := range r.Targets() {
		b.Default = Of(true)
	}
}

// finishWindowTask finds the operation among the parameters of Terraform, which are blocks.
func (d *decoder) finishWindowTask(t *MaintenanceWindowTask) {
	for _, p := range blocksOf(d.get("task_invocation_parameters.run_command_parameters.parameter", "-")) {
		if name, _ := p.Get("name").Text(); name == "Operation" {
			if values := listed(p.Get("values")); len(values) > 0 {
				t.Operation = leafAt[string](d, values[0], "")
			}
		}
	}
}

// finishBucket reads what old providers write in the bucket itself.
func (d *decoder) finishBucket(b *Bucket) {
	if d.cfn {
		if v := d.get("-", "PublicAccessBlockConfiguration"); !v.IsNull() {
			at := d.part(v)
			b.PublicAccess.At = &at
		}
		return
	}
	if on, ok := b.Versioning.Known(); ok {
		b.Versioning.value = map[string]string{"true": "Enabled", "false": "Suspended"}[on]
	}
}

// joinBucket adds to a bucket what stands in a resource of its own.
func (d *decoder) joinBucket() {
	r := refTo[*Bucket](d, d.get("bucket", "Bucket"))
	for _, b := range r.Targets() {
		switch d.resource.Type {
		case "aws_s3_bucket_acl":
			b.ACL = leafAt[string](d, d.get("acl", "-"), "")
			for _, g := range blocksOf(d.get("access_control_policy.grant", "-")) {
				if uri := leafAt[string](d, g.Get("grantee", "uri"), ""); !uri.Absent() {
					b.Grants = append(b.Grants, uri)
				}
			}
		case "aws_s3_bucket_policy", "AWS::S3::BucketPolicy":
			b.Policy = d.policy(d.get("policy", "PolicyDocument"))
		case "aws_s3_bucket_public_access_block":
			at := d.own()
			d.fields(&b.PublicAccess, d.resource.Values)
			b.PublicAccess.At = &at
		case "aws_s3_bucket_versioning":
			b.Versioning = leafAt[string](d, d.get("versioning_configuration.status", "-"), "")
		case "aws_s3_bucket_logging":
			b.Logging = Of(true)
		case "aws_s3_bucket_website_configuration":
			b.Website = Of(true)
		case "aws_s3_bucket_ownership_controls":
			b.Ownership = leafAt[string](d, d.get("rule.object_ownership", "-"), "")
		case "aws_s3_bucket_server_side_encryption_configuration":
			at := "rule.apply_server_side_encryption_by_default."
			b.Encryption = leafAt[string](d, d.get(at+"sse_algorithm", "-"), "")
			b.Key = refTo[*Key](d, d.get(at+"kms_master_key_id", "-"))
		}
	}
}

func (d *decoder) joinKeyPolicy() {
	r := refTo[*Key](d, d.get("key_id", "-"))
	for _, k := range r.Targets() {
		k.Policy = d.policy(d.get("policy", "-"))
	}
}

func (d *decoder) joinRepositoryPolicy() {
	r := refTo[*Repository](d, d.get("repository", "-"))
	for _, e := range r.Targets() {
		e.Policy = d.policy(d.get("policy", "-"))
	}
}

// linkWindows joins maintenance windows with their targets and tasks.
func (b *builder) linkWindows() {
	for _, t := range b.m.WindowTargets {
		for _, w := range t.Window.Targets() {
			w.Targets = append(w.Targets, t)
		}
	}
	for _, t := range b.m.WindowTasks {
		for _, w := range t.Window.Targets() {
			w.Tasks = append(w.Tasks, t)
		}
	}
}
