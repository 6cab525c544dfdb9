package terraform

import (
	"fmt"
	"slices"
	"strconv"

	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"

	"github.com/trifecta-scanner/trifecta/inventory"
)

// reference evaluates a name and what follows it: var.x, aws_vpc.main.id, each.value["a"].
func (e *evaluator) reference(t hcl.Traversal, f *frame, at hcl.Range) *value {
	root, ok := t[0].(hcl.TraverseRoot)
	if !ok {
		return failure(location(at), "a relative name")
	}
	if v := f.names.lookup(root.Name); v != nil {
		return e.follow(v, t[1:], at)
	}
	name := func(i int) string {
		if i < len(t) {
			if attr, ok := t[i].(hcl.TraverseAttr); ok {
				return attr.Name
			}
		}
		return ""
	}
	s := f.scope
	first := name(1)
	if first == "" {
		return failure(location(at), root.Name+" alone")
	}
	switch root.Name {
	case "var":
		return e.follow(s.variable(first, at), t[2:], at)
	case "local":
		return e.follow(s.local(first, at), t[2:], at)
	case "module":
		return e.follow(s.moduleValue(first, at), t[2:], at)
	case "data":
		if second := name(2); second != "" {
			return e.follow(s.resourceValue("data."+first+"."+second, at), t[3:], at)
		}
	case "ephemeral":
		if second := name(2); second != "" {
			return e.follow(s.resourceValue("ephemeral."+first+"."+second, at), t[3:], at)
		}
	case "resource":
		if second := name(2); second != "" {
			return e.follow(s.resourceValue(first+"."+second, at), t[3:], at)
		}
	case "path":
		return e.follow(s.path(first, at), t[2:], at)
	case "terraform", "tofu":
		if first == "workspace" {
			return e.follow(text("default", location(at)), t[2:], at)
		}
	case "self":
		return unknownValue(location(at), inventory.Reason{Code: inventory.NotEvaluated, Ref: "self"})
	case "each", "count":
		return failure(location(at), root.Name+" outside of for_each and count")
	default:
		return e.follow(s.resourceValue(root.Name+"."+first, at), t[2:], at)
	}
	return failure(location(at), root.Name+"."+first)
}

// follow takes the steps of a traversal from v.
func (e *evaluator) follow(v *value, steps hcl.Traversal, at hcl.Range) *value {
	for _, step := range steps {
		switch step := step.(type) {
		case hcl.TraverseAttr:
			v = e.attribute(v, step.Name, at)
		case hcl.TraverseIndex:
			v = e.index(v, literal(step.Key, location(step.SrcRange)), at)
		case hcl.TraverseSplat:
			return failure(location(at), "a splat inside of a name")
		}
	}
	return v
}

// attribute returns v.name.
func (e *evaluator) attribute(v *value, name string, at hcl.Range) *value {
	switch v.kind {
	case kindObject:
		return v.object.attribute(name, at)
	case kindMap:
		return e.entry(v, name, at)
	case kindUnknown:
		return e.inside(v, "."+name, at, func(c *value) *value { return e.attribute(c, name, at) })
	case kindList:
		if n, err := strconv.Atoi(name); err == nil {
			return e.index(v, integer(n, location(at)), at)
		}
		// Terraform up to 0.11 let a resource with count be named without an index.
		if len(v.list) == 1 && v.list[0].kind == kindObject {
			return e.attribute(v.list[0].sure(), name, at)
		}
	}
	return failure(location(at), fmt.Sprintf("attribute %s of %s", name, describe(v)))
}

// entry returns an entry of a map or object.
func (e *evaluator) entry(v *value, name string, at hcl.Range) *value {
	if found := v.fields.values[name]; found != nil {
		return found.sure().asSensitive(v.sensitive)
	}
	if v.fields.rest != nil {
		return unknownFrom(location(at), v.fields.rest).asSensitive(v.sensitive)
	}
	if v.home != nil {
		ref := v.home.ref
		ref.Attribute += "." + name
		return unknownRef(location(at), ref, v.home.reasons)
	}
	return failure(location(at), fmt.Sprintf("%s has no attribute %s", describe(v), name))
}

// inside returns what stands inside of an unknown value: what stands inside of each candidate, with the identity of the
// whole where there is one.
func (e *evaluator) inside(v *value, step string, at hcl.Range, of func(*value) *value) *value {
	if v.failed() {
		return v.placed(location(at))
	}
	if ref := v.unknown.ref; ref != nil && (ref.Attribute != "" || step[0] == '.') {
		inner := *ref
		if inner.Attribute == "" {
			step = step[1:]
		}
		inner.Attribute += step
		return unknownRef(location(at), inner, v.unknown.reasons).asSensitive(v.sensitive)
	}
	if len(v.unknown.candidates) == 0 {
		return unknownFrom(location(at), v)
	}
	var found []*value
	for _, c := range v.unknown.candidates {
		if r := of(c); !r.failed() {
			found = append(found, r)
		}
	}
	switch len(found) {
	case 0:
		return unknownFrom(location(at), v)
	case 1:
		// The only branch that has it: where the other one is taken the expression is an error, so it does not happen.
		return found[0].asSensitive(v.sensitive)
	}
	u := unknownFrom(location(at), v)
	u.unknown.reasons = addReasons(u.unknown.reasons, reasonsOf(found...))
	for _, c := range found[1:] {
		if !same(found[0], c) {
			u.unknown.candidates = found
			return u
		}
	}
	return found[0].asSensitive(v.sensitive)
}

// index returns v[key].
func (e *evaluator) index(v, key *value, at hcl.Range) *value {
	if bad := failedAmong(v, key); bad != nil {
		return bad.placed(location(at))
	}
	if key.kind == kindUnknown {
		return e.someElement(v, key, at)
	}
	step := ""
	if s, ok := key.asText(); ok {
		step = "[" + s + "]"
		if key.kind == kindString {
			step = "[" + strconv.Quote(s) + "]"
		}
	}
	switch v.kind {
	case kindUnknown:
		return e.inside(v, step, at, func(c *value) *value { return e.index(c, key, at) })
	case kindMap:
		if name, ok := key.asText(); ok {
			return e.entry(v, name, at)
		}
	case kindList:
		n, ok := key.asInt()
		if !ok {
			break
		}
		if v.flavour == set {
			return failure(location(at), "an index into a set")
		}
		return elementAt(v, n, at)
	case kindObject:
		// Terraform up to 0.11 let a resource without count be indexed with 0.
		if n, ok := key.asInt(); ok && n == 0 {
			return v
		}
		if name, ok := key.asText(); ok && key.kind == kindString {
			return v.object.attribute(name, at)
		}
	}
	return failure(location(at), fmt.Sprintf("index %s of %s", step, describe(v)))
}

// elementAt returns element n of a list. Where elements before it may not be there it is one of several.
func elementAt(v *value, n int, at hcl.Range) *value {
	before := v.list[:min(max(n, 0), len(v.list))]
	if i := slices.IndexFunc(before, func(e *value) bool { return e.maybe }); i >= 0 {
		if before[i].rest && i == len(v.list)-1 {
			return before[i].sure().asSensitive(v.sensitive) // all of them look the same
		}
		u := unknownFrom(location(at), v)
		for _, c := range v.list[i:] {
			if c.rest {
				u.unknown.candidates = nil
				break
			}
			u.unknown.candidates = append(u.unknown.candidates, c.sure())
		}
		return u
	}
	if n < 0 || n >= len(v.list) {
		if v.home != nil && n >= 0 {
			ref := v.home.ref
			ref.Attribute += "[" + strconv.Itoa(n) + "]"
			return unknownRef(location(at), ref, v.home.reasons)
		}
		return failure(location(at), fmt.Sprintf("index %d of a list of %d", n, len(v.list)))
	}
	return v.list[n].sure().asSensitive(v.sensitive)
}

// someElement is v[key] where the key is not known: any of the elements.
func (e *evaluator) someElement(v, key *value, at hcl.Range) *value {
	u := unknownFrom(location(at), key)
	if v.kind == kindUnknown {
		u.unknown.reasons = addReasons(u.unknown.reasons, v.unknown.reasons)
		return u
	}
	elements, ok := v.elements()
	if !ok || len(elements) > maxCandidates {
		return u
	}
	for _, c := range elements {
		if c.rest {
			u.unknown.candidates = nil
			return u
		}
		u.unknown.candidates = append(u.unknown.candidates, c.sure())
		u.size += c.size
	}
	u.sensitive = u.sensitive || v.anySensitive(0)
	return u
}

func describe(v *value) string {
	switch v.kind {
	case kindNull:
		return "null"
	case kindBool:
		return "a truth value"
	case kindNumber:
		return "a number"
	case kindString:
		return "a text"
	case kindList:
		return "a list"
	case kindMap:
		return "an object"
	case kindObject:
		id, _ := v.object.identity()
		return string(id)
	}
	return "an unknown value"
}

// typeOf returns the nearest type of cty: unknown and null are DynamicPseudoType.
func typeOf(v *value) cty.Type {
	switch v.kind {
	case kindBool:
		return cty.Bool
	case kindNumber:
		return cty.Number
	case kindString:
		return cty.String
	}
	return cty.DynamicPseudoType
}
