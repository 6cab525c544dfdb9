package terraform

import (
	"regexp"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"

	"github.com/trifecta-scanner/trifecta/inventory"
)

// answers are what data sources, and the few resources that need no provider, answer without an account. Attributes that
// are not listed stay unknown and keep the identity of the data source.
func answers() map[string]map[string]func(i *instance, at hcl.Range) *value {
	return map[string]map[string]func(i *instance, at hcl.Range) *value{
		"data.aws_availability_zones": {"names": availabilityZones, "id": regionName},
		"data.aws_availability_zone":  {"region": regionName},
		"data.aws_region":             {"name": regionName, "region": regionName, "id": regionName},
		"data.aws_partition": {
			"partition":  ofPartition(func(p partition) string { return p.name }),
			"id":         ofPartition(func(p partition) string { return p.name }),
			"dns_suffix": ofPartition(func(p partition) string { return p.dnsSuffix }), "reverse_dns_prefix": ofPartition(func(p partition) string { return p.reverse }),
		},
		"data.aws_caller_identity":         {"account_id": accountID, "id": accountID},
		"data.aws_default_tags":            {"tags": defaultTags},
		"data.aws_iam_policy_document":     {"json": policyDocument, "minified_json": policyDocument},
		"data.aws_arn":                     {"partition": arnPart(1), "service": arnPart(2), "region": arnPart(3), "account": arnPart(4), "resource": arnPart(5)},
		"data.template_file":               {"rendered": renderedTemplate},
		"data.terraform_remote_state":      {"outputs": remoteOutputs},
		"data.null_data_source":            {"outputs": written("inputs")},
		"data.local_file":                  {"content": localFile},
		"terraform_data":                   {"output": written("input")},
		"data.aws_service_principal":       {"name": servicePrincipal},
		"data.aws_ec2_managed_prefix_list": {},
	}
}

// key is the type of the instance as answers has it.
func (i *instance) typeKey() string {
	if i.res.mode != "" {
		return i.res.mode + "." + i.res.typ
	}
	return i.res.typ
}

// answer returns an attribute that is not written, where it can be computed; nil where it can't.
func (i *instance) answer(name string, at hcl.Range) *value {
	table := i.scope.e.answers[i.typeKey()]
	do := table[name]
	if do == nil {
		if i.typeKey() == "data.terraform_remote_state" { // Terraform up to 0.11
			if outputs := i.attribute("outputs", at); outputs.kind == kindMap && outputs.fields.values[name] != nil {
				return outputs.fields.values[name]
			}
		}
		return nil
	}
	key := "=" + name
	sl := i.slots[key]
	if sl == nil {
		sl = &slot{busy: true}
		i.slots[key] = sl
		sl.value = do(i, at)
		sl.busy = false
	} else if sl.busy {
		return i.scope.e.cycle(string(i.id)+"."+name, at)
	}
	return sl.value
}

// withAnswers adds to what is written of a data source what it answers.
func (i *instance) withAnswers(whole *value) *value {
	table := i.scope.e.answers[i.typeKey()]
	if len(table) == 0 || whole.kind != kindMap {
		return whole
	}
	f := newFields()
	for _, key := range whole.fields.keys {
		f.put(key, whole.fields.values[key])
	}
	for _, name := range sortedKeys(table) {
		if f.values[name] == nil {
			if v := i.answer(name, i.res.at); v != nil && !v.failed() {
				f.put(name, v)
			}
		}
	}
	made := mapping(whole.flavour, f, whole.at)
	made.home = whole.home
	return made
}

// written answers with another attribute.
func written(name string) func(i *instance, at hcl.Range) *value {
	return func(i *instance, at hcl.Range) *value {
		if i.res.body.Attributes[name] == nil {
			return nil
		}
		return i.attribute(name, at)
	}
}

func regionName(i *instance, at hcl.Range) *value {
	if v := i.region(); v.kind == kindString {
		return v
	}
	return nil
}

func ofPartition(of func(partition) string) func(i *instance, at hcl.Range) *value {
	return func(i *instance, at hcl.Range) *value {
		region, ok := i.region().asText()
		if !ok {
			return nil
		}
		return text(of(partitionOf(region)), location(at))
	}
}

func accountID(i *instance, at hcl.Range) *value {
	if _, account := i.place(); len(account) == 12 && strings.Trim(account, "0123456789") == "" {
		return text(account, location(at))
	}
	return nil
}

func defaultTags(i *instance, at hcl.Range) *value {
	if c := i.scope.providerOf(i.res); c != nil {
		if c.evaluate(); c.tags != nil {
			return c.tags
		}
		return mapping(collection, newFields(), location(at))
	}
	return nil
}

// availabilityZones are those of the region. Where it is not known there are two, the least that any account sees, and
// any number more.
func availabilityZones(i *instance, at hcl.Range) *value {
	where := location(i.res.at)
	region, ok := i.region().asText()
	names := zonesOf(region)
	if !ok || len(names) == 0 {
		id, reasons := i.identity()
		zone := func(attribute string) *value {
			return unknownRef(where, inventory.Ref{Resource: id, Attribute: attribute}, reasons)
		}
		return list(collection, []*value{zone("names[0]"), zone("names[1]"), zone("names").asRest()}, where)
	}
	var excluded []string
	if v := i.attribute("exclude_names", at); v.kind == kindList {
		for _, e := range v.list {
			s, _ := e.asText()
			excluded = append(excluded, s)
		}
	}
	for _, filter := range i.filters(at) {
		switch filter.name {
		case "opt-in-status":
			if !slices.Contains(filter.values, "opt-in-not-required") {
				return list(collection, nil, where) // local zones are not in the table
			}
		case "region-name", "zone-type", "state", "group-name":
		default:
			return nil
		}
	}
	var elements []*value
	for _, name := range names {
		if !slices.Contains(excluded, name) {
			elements = append(elements, text(name, where))
		}
	}
	return list(collection, elements, where)
}

// filter is one filter block of a data source.
type filter struct {
	name   string
	values []string
}

func (i *instance) filters(at hcl.Range) []filter {
	var all []filter
	blocks := i.attribute("filter", at)
	if blocks.kind != kindList {
		return nil
	}
	for _, block := range blocks.list {
		if block.kind != kindMap {
			continue
		}
		var f filter
		if name := block.fields.values["name"]; name != nil {
			f.name, _ = name.asText()
		}
		if values := block.fields.values["values"]; values != nil && values.kind == kindList {
			for _, v := range values.list {
				s, _ := v.asText()
				f.values = append(f.values, s)
			}
		}
		all = append(all, f)
	}
	return all
}

func servicePrincipal(i *instance, at hcl.Range) *value {
	service, ok := i.attribute("service_name", at).asText()
	if !ok {
		return nil
	}
	return text(service+".amazonaws.com", location(at))
}

// arnPart returns a part of the ARN that a data source takes apart.
func arnPart(n int) func(i *instance, at hcl.Range) *value {
	return func(i *instance, at hcl.Range) *value {
		arn, ok := i.attribute("arn", at).asText()
		parts := strings.SplitN(arn, ":", 6)
		if !ok || len(parts) != 6 {
			return nil
		}
		return text(parts[n], location(at))
	}
}

func localFile(i *instance, at hcl.Range) *value {
	c := &calling{e: i.scope.e, f: i.frame(), name: "local_file", at: location(at), rng: at}
	if v := fnFile(c, []*value{i.attribute("filename", at)}); v.kind == kindString {
		return v
	}
	return nil
}

func renderedTemplate(i *instance, at hcl.Range) *value {
	source := i.attribute("template", at)
	s, ok := source.asText()
	if !ok {
		return nil
	}
	vars := mapping(structural, newFields(), location(at))
	if i.res.body.Attributes["vars"] != nil {
		vars = i.attribute("vars", at)
	}
	c := &calling{e: i.scope.e, f: i.frame(), name: "template_file", at: location(i.res.at), rng: at}
	start := hcl.Pos{Line: source.at.Line, Column: source.at.Column}
	if v := c.render([]byte(s), source.at.Path, start, vars); !v.failed() {
		return v
	}
	return nil
}

// policyDocument computes a policy as the provider does
// (https://registry.terraform.io/providers/hashicorp/aws/latest/docs/data-sources/iam_policy_document).
func policyDocument(i *instance, at hcl.Range) *value {
	where := location(i.res.at)
	document := newFields()
	version := i.written("version")
	if version == nil {
		version = text("2012-10-17", where)
	}
	document.put("Version", version)
	if id := i.written("policy_id"); id != nil {
		document.put("Id", id)
	}
	var statements []*value
	statements = append(statements, i.includedStatements("source_policy_documents", "source_json")...)
	if blocks := i.written("statement"); blocks != nil {
		elements, _ := blocks.elements()
		for _, block := range elements {
			s := policyStatement(block)
			if block.maybe {
				s = s.asMaybe(block.maybeWhy)
			}
			statements = append(statements, s)
		}
	}
	statements = overridden(statements, i.includedStatements("override_policy_documents", "override_json"))
	document.put("Statement", list(structural, statements, where))
	c := &calling{e: i.scope.e, name: "jsonencode", at: where, rng: i.res.at}
	return fnJSONEncode(c, []*value{mapping(structural, document, where)})
}

// written returns what is written for an attribute or block, nil where nothing is.
func (i *instance) written(name string) *value {
	return i.given(name, i.res.at)
}

// includedStatements are those of other documents, given as texts.
func (i *instance) includedStatements(names ...string) []*value {
	var all []*value
	for _, name := range names {
		given := i.written(name)
		if given == nil {
			continue
		}
		documents := []*value{given}
		if given.kind == kindList {
			documents = given.list
		}
		for _, d := range documents {
			c := &calling{e: i.scope.e, name: "jsondecode", at: d.at, rng: i.res.at}
			if s, ok := d.asText(); ok && strings.TrimSpace(s) == "" {
				continue
			}
			decoded := fnJSONDecode(c, []*value{d})
			if decoded.kind == kindMap && decoded.fields.values["Statement"] != nil {
				if s := decoded.fields.values["Statement"]; s.kind == kindList {
					all = append(all, s.list...)
				} else {
					all = append(all, s)
				}
				continue
			}
			all = append(all, unknownFrom(d.at, d).asRest())
		}
	}
	return all
}

// overridden lays statements over those with the same Sid.
func overridden(under, over []*value) []*value {
	sid := func(v *value) string {
		if v.kind == kindMap && v.fields.values["Sid"] != nil {
			s, _ := v.fields.values["Sid"].asText()
			return s
		}
		return ""
	}
	for _, o := range over {
		name := sid(o)
		at := slices.IndexFunc(under, func(v *value) bool { return name != "" && sid(v) == name })
		if at >= 0 {
			under = slices.Clone(under)
			under[at] = o
		} else {
			under = append(under, o)
		}
	}
	return under
}

// policyStatement turns a statement block into a statement of a policy.
func policyStatement(block *value) *value {
	if block.kind != kindMap {
		return unknownFrom(block.at, block)
	}
	get := func(name string) *value { return block.fields.values[name] }
	s := newFields()
	if sid := get("sid"); sid != nil && sid.kind != kindNull {
		s.put("Sid", sid)
	}
	effect := get("effect")
	if effect == nil || effect.kind == kindNull {
		effect = text("Allow", block.at)
	}
	s.put("Effect", effect)
	for attr, name := range map[string]string{"actions": "Action", "not_actions": "NotAction", "resources": "Resource", "not_resources": "NotResource"} {
		if v := get(attr); v != nil && v.kind != kindNull {
			s.put(name, policyList(v))
		}
	}
	for attr, name := range map[string]string{"principals": "Principal", "not_principals": "NotPrincipal"} {
		if v := get(attr); v != nil {
			s.put(name, policyPrincipals(v))
		}
	}
	if conditions := get("condition"); conditions != nil {
		elements, _ := conditions.elements()
		all := newFields()
		for _, c := range elements {
			test, variable, values := fieldText(c, "test"), fieldText(c, "variable"), (*value)(nil)
			if c.kind == kindMap {
				values = c.fields.values["values"]
			}
			if test == "" || variable == "" || values == nil {
				all.rest = unknownFrom(block.at, all.rest, c)
				continue
			}
			inner := newFields()
			if have := all.values[test]; have != nil {
				for _, key := range have.fields.keys {
					inner.put(key, have.fields.values[key])
				}
			}
			inner.put(variable, policyList(values))
			one := mapping(structural, inner, c.at)
			if c.maybe {
				one = one.asMaybe(c.maybeWhy)
			}
			all.put(test, one)
		}
		s.put("Condition", mapping(structural, all, conditions.at))
	}
	return mapping(structural, s, block.at)
}

func fieldText(v *value, name string) string {
	if v.kind != kindMap || v.fields.values[name] == nil {
		return ""
	}
	s, _ := v.fields.values[name].asText()
	return s
}

// policyVariable finds &{...}, which a document writes for the ${...} of policies.
var policyVariable = regexp.MustCompile(`&\{`)

// policyList is a list as policies have it: one element stands alone.
func policyList(v *value) *value {
	if v.kind != kindList {
		return v
	}
	elements := make([]*value, len(v.list))
	for i, e := range v.list {
		if converted, ok := convert(e, cty.String); ok {
			e = converted
		}
		if e.kind == kindString && strings.Contains(e.text, "&{") {
			c := e.copied()
			c.text = policyVariable.ReplaceAllString(e.text, "${")
			e = c
		}
		elements[i] = e
	}
	if len(elements) == 1 && !elements[0].maybe {
		return elements[0]
	}
	return list(structural, elements, v.at)
}

func policyPrincipals(v *value) *value {
	elements, _ := v.elements()
	all := newFields()
	for _, p := range elements {
		typ := fieldText(p, "type")
		if typ == "" {
			all.rest = unknownFrom(v.at, all.rest, p)
			continue
		}
		identifiers := p.fields.values["identifiers"]
		if identifiers == nil {
			continue
		}
		if typ == "*" {
			return text("*", p.at)
		}
		given := policyList(identifiers)
		if have := all.values[typ]; have != nil {
			given = list(structural, slices.Concat(elementsOrSelf(have), elementsOrSelf(given)), p.at)
		}
		all.put(typ, given)
	}
	return mapping(structural, all, v.at)
}

func elementsOrSelf(v *value) []*value {
	if v.kind == kindList {
		return v.list
	}
	return []*value{v}
}
