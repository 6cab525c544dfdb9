package terraform

import (
	"sort"

	"github.com/hashicorp/hcl/v2/ext/typeexpr"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"

	"github.com/trifecta-scanner/trifecta/inventory"
)

// typeConstraint is the type of a variable, with the defaults of optional attributes.
type typeConstraint struct {
	typ      cty.Type
	defaults *typeexpr.Defaults
}

// newTypeConstraint reads a type expression; nil, which accepts everything, where it is none.
func newTypeConstraint(x hclsyntax.Expression) *typeConstraint {
	switch literalText(x) { // Terraform 0.11
	case "string":
		return &typeConstraint{typ: cty.String}
	case "list":
		return &typeConstraint{typ: cty.List(cty.DynamicPseudoType)}
	case "map":
		return &typeConstraint{typ: cty.Map(cty.DynamicPseudoType)}
	}
	typ, defaults, diags := typeexpr.TypeConstraintWithDefaults(x)
	if diags.HasErrors() {
		return nil
	}
	return &typeConstraint{typ, defaults}
}

// convert returns v as the type of the constraint. What does not convert stays as it is: Terraform would refuse it, and
// what is there is the best that is known.
func (t *typeConstraint) convert(v *value) *value {
	if t == nil {
		return v
	}
	if t.defaults != nil {
		v = withDefaults(v, t.defaults)
	}
	if converted, ok := convert(v, t.typ); ok {
		return converted
	}
	return v
}

// withDefaults fills in the attributes that are not given.
func withDefaults(v *value, d *typeexpr.Defaults) *value {
	if v == nil || d == nil {
		return v
	}
	switch v.kind {
	case kindMap:
		f := newFields()
		f.rest = withDefaults(v.fields.rest, d.Children[""])
		for _, key := range v.fields.keys {
			child := d.Children[key]
			if child == nil {
				child = d.Children[""] // of a map's elements
			}
			f.put(key, withDefaults(v.fields.values[key], child))
		}
		if v.fields.rest == nil {
			for name, def := range d.DefaultValues {
				if given := f.values[name]; given == nil || given.kind == kindNull {
					filled := fromCty(def, v.at)
					f.put(name, withDefaults(filled, d.Children[name]))
				}
			}
		}
		made := mapping(v.flavour, f, v.at)
		made.home = v.home
		return made.likeness(v)
	case kindList:
		elements := make([]*value, len(v.list))
		for i, e := range v.list {
			child := d.Children[""]
			elements[i] = withDefaults(e, child)
		}
		return list(v.flavour, elements, v.at).likeness(v)
	case kindUnknown:
		return v.overEach(func(c *value) *value { return withDefaults(c, d) })
	}
	return v
}

// overEach applies do to the candidates of an unknown value.
func (v *value) overEach(do func(*value) *value) *value {
	if len(v.unknown.candidates) == 0 {
		return v
	}
	c := v.copied()
	u := *v.unknown
	u.candidates = make([]*value, len(v.unknown.candidates))
	for i, candidate := range v.unknown.candidates {
		u.candidates[i] = do(candidate)
	}
	c.unknown = &u
	return c
}

// convert returns v as a type, as Terraform converts between types
// (https://developer.hashicorp.com/terraform/language/expressions/types#type-conversion).
func convert(v *value, typ cty.Type) (*value, bool) {
	c, ok := converted(v, typ)
	if !ok {
		return nil, false
	}
	return c.likeness(v), true
}

// likeness returns v as sensitive as another value, and there where that one is.
func (v *value) likeness(of *value) *value {
	v = v.asSensitive(of.sensitive)
	if of.maybe && !v.maybe {
		v = v.like(of, true, of.maybeWhy)
	}
	return v
}

func converted(v *value, typ cty.Type) (*value, bool) {
	if typ == cty.DynamicPseudoType || v.kind == kindNull {
		return v, true
	}
	if v.kind == kindUnknown {
		return v.overEach(func(c *value) *value {
			if converted, ok := convert(c, typ); ok {
				return converted
			}
			return c
		}), true
	}
	if typ.IsPrimitiveType() {
		return convertPrimitive(v, typ)
	}
	if v.kind == kindObject {
		if !typ.IsObjectType() && !typ.IsMapType() {
			return nil, false
		}
		return v, true // its attributes are what they are
	}
	switch {
	case typ.IsListType(), typ.IsSetType():
		elements, ok := v.elements()
		if !ok || v.kind == kindMap {
			return nil, false
		}
		converted, ok := convertAll(elements, typ.ElementType())
		if !ok {
			return nil, false
		}
		if typ.IsSetType() {
			return setOf(converted, v.at), true
		}
		return list(collection, converted, v.at), true
	case typ.IsTupleType():
		types := typ.TupleElementTypes()
		if v.kind != kindList || len(v.list) != len(types) {
			return nil, false
		}
		converted := make([]*value, len(types))
		for i, e := range v.list {
			c, ok := convert(e, types[i])
			if !ok {
				return nil, false
			}
			converted[i] = c
		}
		return list(structural, converted, v.at), true
	case typ.IsMapType():
		if v.kind != kindMap {
			return nil, false
		}
		values := make([]*value, len(v.fields.keys))
		for i, key := range v.fields.keys {
			values[i] = v.fields.values[key]
		}
		converted, ok := convertAll(values, typ.ElementType())
		if !ok {
			return nil, false
		}
		f := newFields()
		if f.rest = v.fields.rest; f.rest != nil {
			if c, ok := convert(f.rest, typ.ElementType()); ok {
				f.rest = c
			}
		}
		for i, key := range v.fields.keys {
			f.put(key, converted[i])
		}
		made := mapping(collection, f, v.at)
		made.home = v.home
		return made, true
	case typ.IsObjectType():
		if v.kind != kindMap {
			return nil, false
		}
		f := newFields()
		for name, attr := range typ.AttributeTypes() {
			given := v.fields.values[name]
			switch {
			case given != nil:
				c, ok := convert(given, attr)
				if !ok {
					return nil, false
				}
				f.put(name, c)
			case v.fields.rest != nil:
				f.put(name, unknownFrom(v.at, v.fields.rest))
			case typ.AttributeOptional(name):
				f.put(name, null(v.at))
			default:
				return nil, false
			}
		}
		return mapping(structural, f, v.at), true
	}
	return v, true
}

func convertPrimitive(v *value, typ cty.Type) (*value, bool) {
	var c *value
	switch typ {
	case cty.String:
		if v.kind == kindString {
			return v, true
		}
		s, ok := v.asText()
		if !ok {
			return nil, false
		}
		c = text(s, v.at)
	case cty.Number:
		n, ok := v.asNumber()
		if !ok {
			return nil, false
		}
		c = n
	case cty.Bool:
		b, ok := v.asBool()
		if !ok {
			return nil, false
		}
		c = boolean(b, v.at)
	}
	return c, true
}

// convertAll converts elements to one type; to the type that all of them convert to where it is not given.
func convertAll(elements []*value, typ cty.Type) ([]*value, bool) {
	if typ == cty.DynamicPseudoType {
		typ = unified(elements)
	}
	converted := make([]*value, len(elements))
	for i, e := range elements {
		c, ok := convert(e, typ)
		if !ok {
			return nil, false
		}
		converted[i] = c
	}
	return converted, true
}

// unified returns the primitive type that all elements convert to; DynamicPseudoType where there is none.
func unified(elements []*value) cty.Type {
	typ := cty.DynamicPseudoType
	for _, e := range elements {
		switch t := typeOf(e); {
		case e.kind == kindNull || e.kind == kindUnknown:
		case t == cty.DynamicPseudoType:
			return t // structural elements keep their types
		case typ == cty.DynamicPseudoType || typ == t:
			typ = t
		default:
			typ = cty.String
		}
	}
	return typ
}

// setOf returns a set: each known element once, in Terraform's order.
func setOf(elements []*value, at inventory.Location) *value {
	unique := distinct(elements)
	sort.SliceStable(unique, func(i, j int) bool { return lessInSet(unique[i], unique[j]) })
	return list(set, unique, at)
}

// distinct returns each element once.
func distinct(elements []*value) []*value {
	unique := make([]*value, 0, len(elements))
	seen := map[string]bool{}
	for _, e := range elements {
		if s, ok := e.asText(); ok {
			key := string(rune('0'+e.kind)) + s
			if seen[key] && !e.maybe {
				continue
			}
			seen[key] = true
		} else if len(unique) <= 1024 && containsSame(unique, e) {
			continue
		}
		unique = append(unique, e)
	}
	return unique
}

func containsSame(list []*value, e *value) bool {
	for _, other := range list {
		if same(other, e) {
			return true
		}
	}
	return false
}

// lessInSet is the order of cty's sets for primitive elements; others keep the order in which they are written.
func lessInSet(a, b *value) bool {
	switch {
	case a.kind != b.kind:
		return false
	case a.kind == kindString:
		return a.text < b.text
	case a.kind == kindNumber:
		return a.bigFloat().Cmp(b.bigFloat()) < 0
	case a.kind == kindBool:
		return !a.truth && b.truth
	}
	return false
}
