package terraform

import (
	"math"
	"math/big"
	"slices"
	"sort"
	"strconv"

	"github.com/hashicorp/hcl/v2"

	"github.com/trifecta-scanner/trifecta/inventory"
)

// kind is what sort of value a value is. It is finer than inventory.Kind where Terraform tells values apart that the
// inventory does not.
type kind uint8

const (
	kindNull kind = iota
	kindBool
	kindNumber
	kindString
	kindList   // tuple, list or set: see flavour
	kindMap    // object or map: see flavour
	kindObject // an instance of a resource or module, whose attributes are evaluated when they are asked for
	kindUnknown
)

// flavour tells the collections of Terraform apart: what brackets and braces make (tuple, object) and what conversions
// and most functions make.
type flavour uint8

const (
	structural flavour = iota // tuple or object: elements of any types
	collection                // list or map: elements of one type
	set                       // set
)

// object is what has attributes that are evaluated on demand: instances of resources and modules.
type object interface {
	// attribute returns the value of an attribute; it never returns nil.
	attribute(name string, at hcl.Range) *value
	// whole returns the object with all that is written of it.
	whole() *value
	// identity returns the address, and why the rest of the object is not known.
	identity() (inventory.ID, []inventory.Reason)
}

// value is one value of an expression, known or not. Values are shared and never changed once they are made.
type value struct {
	kind    kind
	flavour flavour
	truth   bool
	// sensitive values do not leave the evaluator.
	sensitive bool
	// maybe says that the value, as an element, may not be there; maybeWhy why.
	maybe bool
	// rest says that the value, as an element, stands for any number of unknown ones.
	rest bool
	// open says that value or something inside of it is not known.
	open bool
	// number is exact where big is nil, which holds for whole numbers below 2^53.
	number   float64
	big      *big.Float
	text     string
	list     []*value
	fields   *fields
	object   object
	unknown  *unknown
	encoded  *value // what a text is the JSON form of
	home     *home
	maybeWhy []inventory.Reason
	// size counts what the value holds if nothing of it were shared; see maxValue.
	size int64
	at   inventory.Location
}

// unknown is what is known about a value that is not.
type unknown struct {
	reasons    []inventory.Reason
	ref        *inventory.Ref
	candidates []*value
	parts      []*value
	// failed says what is wrong with the expression. Such a value is an error to try and can, and unknown to all others.
	failed string
}

// fields are the entries of a map or object in order of their keys.
type fields struct {
	keys   []string
	values map[string]*value
	// rest stands for entries that nobody knows; nil where all are known.
	rest *value
}

// home is where a nested block of a resource stands. What is not written in the block is computed by the provider and
// keeps this identity.
type home struct {
	ref     inventory.Ref
	reasons []inventory.Reason
}

func newFields() *fields { return &fields{values: map[string]*value{}} }

func (f *fields) put(key string, v *value) {
	if _, ok := f.values[key]; !ok {
		f.keys = append(f.keys, key)
	}
	f.values[key] = v
}

func null(at inventory.Location) *value { return &value{kind: kindNull, size: 1, at: at} }

func boolean(b bool, at inventory.Location) *value {
	return &value{kind: kindBool, truth: b, size: 1, at: at}
}

func integer(n int, at inventory.Location) *value { return number(float64(n), at) }

// number returns a whole number below 2^53; others come from bigNumber.
func number(n float64, at inventory.Location) *value {
	return &value{kind: kindNumber, number: n, size: 1, at: at}
}

// exact bounds the whole numbers that a float64 holds exactly.
const exact = 1 << 53

// bigNumber returns a number of Terraform's precision. What is beyond a float64 is not evaluated: its text alone could be
// larger than any memory.
func bigNumber(n *big.Float, at inventory.Location) *value {
	f, _ := n.Float64()
	switch {
	case math.IsInf(f, 0):
		return failure(at, "a number that is too large")
	case n.IsInt() && math.Abs(f) < exact:
		return number(f, at)
	case f == 0 && n.Sign() != 0:
		return failure(at, "a number that is too small")
	}
	return &value{kind: kindNumber, number: f, big: n, size: 2, at: at}
}

// precision is that of cty's numbers, in bits.
const precision = 512

func (v *value) bigFloat() *big.Float {
	if v.big != nil {
		return v.big
	}
	return new(big.Float).SetPrec(precision).SetFloat64(v.number)
}

func text(s string, at inventory.Location) *value {
	if len(s) > maxText {
		return beyond(at, "a text of more than "+strconv.Itoa(maxText>>20)+" MiB")
	}
	return &value{kind: kindString, text: s, size: 1 + int64(len(s)>>6), at: at}
}

func list(f flavour, elements []*value, at inventory.Location) *value {
	v := &value{kind: kindList, flavour: f, list: elements, size: 1, at: at}
	for _, e := range elements {
		v.size += e.size
		v.open = v.open || e.open || e.maybe
	}
	if v.size > maxValue {
		return beyond(at, "a value of more than "+strconv.Itoa(maxValue)+" elements")
	}
	return v
}

// mapping returns a map or object. It sorts the keys of f, which belongs to the value from then on.
func mapping(fl flavour, f *fields, at inventory.Location) *value {
	sort.Strings(f.keys)
	v := &value{kind: kindMap, flavour: fl, fields: f, size: 1, open: f.rest != nil, at: at}
	for _, e := range f.values {
		v.size += 1 + e.size
		v.open = v.open || e.open || e.maybe
	}
	if v.size > maxValue {
		return beyond(at, "a value of more than "+strconv.Itoa(maxValue)+" elements")
	}
	return v
}

func instanceValue(o object, at inventory.Location) *value {
	return &value{kind: kindObject, object: o, open: true, size: 1, at: at}
}

func unknownValue(at inventory.Location, reasons ...inventory.Reason) *value {
	return &value{kind: kindUnknown, unknown: &unknown{reasons: reasons}, open: true, size: 1, at: at}
}

func unknownRef(at inventory.Location, ref inventory.Ref, reasons []inventory.Reason) *value {
	return &value{kind: kindUnknown, unknown: &unknown{reasons: reasons, ref: &ref}, open: true, size: 1, at: at}
}

// failure returns the value of an expression that Terraform would refuse.
func failure(at inventory.Location, what string) *value {
	v := unknownValue(at, inventory.Reason{Code: inventory.NotEvaluated, Ref: what})
	v.unknown.failed = what
	return v
}

// beyond returns the value of an expression that a budget cut short.
func beyond(at inventory.Location, what string) *value {
	return unknownValue(at, inventory.Reason{Code: inventory.NotEvaluated, Ref: what})
}

func (v *value) failed() bool { return v.kind == kindUnknown && v.unknown.failed != "" }

func (v *value) copied() *value {
	c := *v
	return &c
}

// placed returns v at another place.
func (v *value) placed(at inventory.Location) *value {
	if v.at == at {
		return v
	}
	c := v.copied()
	c.at = at
	return c
}

func (v *value) asSensitive(yes bool) *value {
	if !yes || v.sensitive {
		return v
	}
	c := v.copied()
	c.sensitive = true
	return c
}

// asMaybe returns v as an element that may not be there.
func (v *value) asMaybe(reasons []inventory.Reason) *value {
	c := v.copied()
	c.maybe, c.maybeWhy = true, addReasons(c.maybeWhy, reasons)
	return c
}

// asRest returns v as an element that stands for any number of elements that look like it.
func (v *value) asRest() *value {
	c := v.copied()
	c.maybe, c.rest = true, true
	c.maybeWhy = addReasons(c.maybeWhy, reasonsOf(v))
	return c
}

// like returns v, which was made of an element, as an element that is there where that one is.
func (v *value) like(element *value, maybe bool, why []inventory.Reason) *value {
	if !maybe {
		return v
	}
	v = v.asMaybe(why)
	v.rest = element.rest
	return v
}

// sure returns v without what asMaybe and asRest said: the element is there, because somebody looks at it.
func (v *value) sure() *value {
	if !v.maybe && !v.rest {
		return v
	}
	c := v.copied()
	c.maybe, c.rest, c.maybeWhy = false, false, nil
	return c
}

func addReasons(a, b []inventory.Reason) []inventory.Reason {
	for _, r := range b {
		if !slices.Contains(a, r) {
			a = append(slices.Clip(a), r)
		}
	}
	return a
}

// reasonsOf returns why values and what they hold are not known, each reason once.
func reasonsOf(values ...*value) []inventory.Reason {
	var all []inventory.Reason
	seen := map[*value]bool{}
	var walk func(v *value)
	walk = func(v *value) {
		if v == nil || !v.open && !v.maybe || seen[v] {
			return
		}
		seen[v] = true
		all = addReasons(all, v.maybeWhy)
		switch v.kind {
		case kindUnknown:
			all = addReasons(all, v.unknown.reasons)
		case kindObject:
			_, reasons := v.object.identity()
			all = addReasons(all, reasons)
		case kindList:
			for _, e := range v.list {
				walk(e)
			}
		case kindMap:
			for _, key := range v.fields.keys {
				walk(v.fields.values[key])
			}
			walk(v.fields.rest)
		case kindString:
			walk(v.encoded)
		}
	}
	for _, v := range values {
		walk(v)
	}
	return all
}

// unknownFrom returns the unknown result of an operation on values: for all of their reasons, sensitive if one of them
// is, and failed if one of them is.
func unknownFrom(at inventory.Location, values ...*value) *value {
	u := unknownValue(at, reasonsOf(values...)...)
	for _, v := range values {
		if v == nil {
			continue
		}
		u.sensitive = u.sensitive || v.anySensitive(0)
		if v.failed() && u.unknown.failed == "" {
			u.unknown.failed = v.unknown.failed
		}
	}
	return u
}

// failedAmong returns the first value that is an error, nil where there is none.
func failedAmong(values ...*value) *value {
	for _, v := range values {
		if v.failed() {
			return v
		}
	}
	return nil
}

// anySensitive reports whether v or something in it is sensitive.
func (v *value) anySensitive(depth int) bool {
	if v.sensitive {
		return true
	}
	if depth > 8 {
		return false
	}
	switch v.kind {
	case kindList:
		return slices.ContainsFunc(v.list, func(e *value) bool { return e.anySensitive(depth + 1) })
	case kindMap:
		for _, e := range v.fields.values {
			if e.anySensitive(depth + 1) {
				return true
			}
		}
	}
	return false
}

// elements returns the elements of a collection as those of a list: an unknown one is any number of unknown elements,
// and one that is either of several lists has the elements of all of them, those of each surely. ok is false for what
// has no elements.
func (v *value) elements() (elements []*value, ok bool) {
	switch v.kind {
	case kindList:
		return v.list, true
	case kindMap:
		elements = make([]*value, 0, len(v.fields.keys))
		for _, key := range v.fields.keys {
			elements = append(elements, v.fields.values[key])
		}
		if v.fields.rest != nil {
			elements = append(elements, v.fields.rest.asRest())
		}
		return elements, true
	case kindUnknown:
		if union := unionOf(v); union != nil {
			return union, true
		}
		rest := v.copied()
		u := *v.unknown // an element of a list keeps the identity of the list
		u.candidates, u.parts = nil, nil
		if u.ref != nil && u.ref.Attribute == "" {
			u.ref = nil
		}
		rest.unknown = &u
		return []*value{rest.asRest()}, true
	}
	return nil, false
}

// unionOf returns the elements that the candidates of an unknown list have, nil where it has none or one of them is no
// list. Elements of every candidate are there whatever is missing; the others may not be.
func unionOf(v *value) []*value {
	if len(v.unknown.candidates) == 0 {
		return nil
	}
	type entry struct {
		v     *value
		count int
	}
	var entries []entry
	for _, c := range v.unknown.candidates {
		if c.kind == kindNull {
			continue
		}
		if c.kind == kindUnknown && unionOf(c) == nil {
			entries = append(entries, entry{c.asRest(), 0})
			continue
		}
		elements, ok := c.elements()
		if !ok {
			return nil
		}
		for _, e := range elements {
			i := -1
			if len(entries) <= 64 {
				i = slices.IndexFunc(entries, func(known entry) bool { return same(known.v, e) })
			}
			switch {
			case i >= 0 && e.maybe:
			case i >= 0:
				entries[i].count++
			case e.maybe:
				entries = append(entries, entry{e, 0})
			default:
				entries = append(entries, entry{e, 1})
			}
		}
	}
	union := []*value{}
	for _, en := range entries {
		if en.count < len(v.unknown.candidates) {
			en.v = en.v.asMaybe(v.unknown.reasons)
		}
		union = append(union, en.v)
	}
	return union
}

// fixed reports whether elements is a list whose length is known.
func fixed(elements []*value) bool {
	return !slices.ContainsFunc(elements, func(e *value) bool { return e.maybe })
}

// same reports whether two values are surely the same: equal known ones, or one unknown thing twice.
func same(a, b *value) bool {
	if a == b {
		return true
	}
	if a.kind == kindUnknown && b.kind == kindUnknown {
		ra, rb := a.unknown.ref, b.unknown.ref
		return ra != nil && rb != nil && *ra == *rb && !a.rest && !b.rest
	}
	equal, known := equals(a, b)
	return known && equal
}

// equals compares two values as == does. known is false where that depends on what is not known.
func equals(a, b *value) (equal, known bool) {
	if a.kind == kindUnknown || b.kind == kindUnknown {
		return false, false
	}
	if a.kind == kindObject || b.kind == kindObject {
		if a.kind == b.kind {
			ida, _ := a.object.identity()
			idb, _ := b.object.identity()
			return ida == idb, ida == idb
		}
		return false, a.kind == kindNull || b.kind == kindNull
	}
	if a.kind != b.kind {
		return false, true
	}
	switch a.kind {
	case kindNull:
		return true, true
	case kindBool:
		return a.truth == b.truth, true
	case kindNumber:
		if a.big == nil && b.big == nil {
			return a.number == b.number, true
		}
		return a.bigFloat().Cmp(b.bigFloat()) == 0, true
	case kindString:
		return a.text == b.text, true
	case kindList:
		if !fixed(a.list) || !fixed(b.list) {
			return false, false
		}
		if len(a.list) != len(b.list) {
			return false, true
		}
		known = true
		for i := range a.list {
			eq, k := equals(a.list[i], b.list[i])
			if k && !eq {
				return false, true
			}
			known = known && k
		}
		return known, known
	case kindMap:
		if a.fields.rest != nil || b.fields.rest != nil {
			return false, false
		}
		if !slices.Equal(a.fields.keys, b.fields.keys) {
			return false, true
		}
		known = true
		for _, key := range a.fields.keys {
			eq, k := equals(a.fields.values[key], b.fields.values[key])
			if k && !eq {
				return false, true
			}
			known = known && k
		}
		return known, known
	}
	return false, false
}

// location returns the place of a range of a file.
func location(r hcl.Range) inventory.Location {
	return inventory.Location{
		Path: r.Filename, Line: r.Start.Line, Column: r.Start.Column, EndLine: r.End.Line, EndColumn: r.End.Column,
	}
}
