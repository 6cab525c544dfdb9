package terraform

import (
	"fmt"
	"slices"
	"sort"
	"strings"

	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"

	"github.com/trifecta-scanner/trifecta/inventory"
)

// The functions of this file look at what lists and maps hold. They work on lists of which a part is not known: an
// element keeps its identity on its way through them, and one that may not be there stays so.

// listArgument returns the elements of an argument that must be a list, set or tuple.
func (c *calling) listArgument(v *value) ([]*value, bool) {
	if v.kind == kindMap || v.kind == kindObject {
		return nil, false
	}
	return v.elements()
}

func (c *calling) list(f flavour, elements []*value) *value { return list(f, elements, c.at) }

func fnConcat(c *calling, args []*value) *value {
	var all []*value
	for _, arg := range args {
		elements, ok := c.listArgument(arg)
		if !ok {
			return c.fail("wants lists")
		}
		if arg.sensitive {
			elements = slices.Clone(elements)
			for i := range elements {
				elements[i] = elements[i].asSensitive(true)
			}
		}
		all = append(all, elements...)
		if len(all) > maxValue {
			return beyond(c.at, "a list of too many elements")
		}
	}
	return c.list(structural, all)
}

func fnFlatten(c *calling, args []*value) *value {
	if len(args) != 1 {
		return c.fail("wants one list")
	}
	elements, ok := c.listArgument(args[0])
	if !ok {
		return c.fail("wants a list")
	}
	var all []*value
	var flatten func(elements []*value, maybe bool, why []inventory.Reason, depth int) bool
	flatten = func(elements []*value, maybe bool, why []inventory.Reason, depth int) bool {
		for _, e := range elements {
			m, w := maybe || e.maybe, addReasons(why, e.maybeWhy)
			switch {
			case e.kind == kindList && depth < maxOut:
				if !flatten(e.list, m, w, depth+1) {
					return false
				}
			case e.kind == kindUnknown && !e.rest && unionOf(e) != nil:
				if !flatten(unionOf(e), m, w, depth+1) {
					return false
				}
			case m && !e.maybe:
				all = append(all, e.asMaybe(w))
			default:
				all = append(all, e)
			}
			if len(all) > maxValue {
				return false
			}
		}
		return true
	}
	if !flatten(elements, false, nil, 0) {
		return beyond(c.at, "a list of too many elements")
	}
	return c.list(structural, all)
}

func fnCompact(c *calling, args []*value) *value {
	if len(args) != 1 {
		return c.fail("wants one list")
	}
	elements, ok := c.listArgument(args[0])
	if !ok {
		return c.fail("wants a list")
	}
	var all []*value
	for _, e := range elements {
		if s, ok := e.asText(); e.kind == kindNull || ok && s == "" {
			continue
		}
		if e.kind == kindUnknown && !e.maybe && len(e.unknown.candidates) > 0 {
			// One branch that is empty means that the element may not be there.
			var left []*value
			for _, candidate := range e.unknown.candidates {
				if s, ok := candidate.asText(); candidate.kind != kindNull && (!ok || s != "") {
					left = append(left, candidate)
				}
			}
			switch {
			case len(left) == len(e.unknown.candidates):
			case len(left) == 1:
				e = left[0].asMaybe(e.unknown.reasons)
			default:
				e = e.asMaybe(e.unknown.reasons)
			}
		}
		converted, ok := convert(e, cty.String)
		if !ok {
			return c.fail("wants texts")
		}
		all = append(all, converted)
	}
	return c.list(collection, all)
}

func fnDistinct(c *calling, args []*value) *value {
	if len(args) != 1 {
		return c.fail("wants one list")
	}
	elements, ok := c.listArgument(args[0])
	if !ok {
		return c.fail("wants a list")
	}
	converted, ok := convertAll(elements, cty.DynamicPseudoType)
	if !ok {
		return c.fail("wants elements of one type")
	}
	return c.list(collection, distinct(converted))
}

func fnElement(c *calling, args []*value) *value {
	if len(args) != 2 {
		return c.fail("wants a list and an index")
	}
	v, key := args[0], args[1]
	if key.kind == kindUnknown {
		return c.e.someElement(v, key, c.rng)
	}
	n, ok := key.asInt()
	if !ok {
		return c.fail("wants a whole number")
	}
	elements, ok := c.listArgument(v)
	switch {
	case !ok:
		return c.fail("wants a list")
	case v.kind == kindUnknown && unionOf(v) == nil:
		return c.e.index(v, key, c.rng)
	case len(elements) == 0:
		return c.fail("the list is empty")
	case fixed(elements):
		n %= len(elements)
		if n < 0 {
			n += len(elements)
		}
		return elements[n]
	}
	return elementAt(list(structural, elements, v.at), n, c.rng)
}

func fnLookup(c *calling, args []*value) *value {
	if len(args) < 2 || len(args) > 3 {
		return c.fail("wants a map, a key and a default")
	}
	m, key := args[0], args[1]
	if m.kind == kindObject {
		m = m.object.whole()
	}
	name, ok := key.asText()
	if !ok && key.kind != kindUnknown {
		return c.fail("wants a text as key")
	}
	if key.kind == kindUnknown {
		u := c.e.someElement(m, key, c.rng)
		if len(args) == 3 && u.kind == kindUnknown && len(u.unknown.candidates) > 0 {
			u = u.copied()
			inner := *u.unknown
			inner.candidates = append(slices.Clip(inner.candidates), args[2])
			u.unknown = &inner
		}
		return u
	}
	switch m.kind {
	case kindMap:
		if found := m.fields.values[name]; found != nil {
			if found.maybe && len(args) == 3 {
				return c.e.either(c.unknown(found), found.sure(), args[2], c.at)
			}
			return found.sure().asSensitive(m.sensitive)
		}
		if m.fields.rest != nil {
			return c.unknown(m.fields.rest)
		}
		if m.home != nil && m.home.ref.Attribute == "" {
			return c.e.entry(m, name, c.rng)
		}
		if len(args) == 3 {
			return args[2]
		}
		return c.fail("the map has no key " + name)
	case kindUnknown:
		if len(m.unknown.candidates) > 0 {
			look := func(candidate *value) *value { return fnLookup(c, append([]*value{candidate}, args[1:]...)) }
			if v := c.e.overCandidates(m, c.at, look); v != nil {
				return sole(v)
			}
		}
		return c.unknown(m)
	case kindNull:
		return c.fail("the map is null")
	}
	return c.fail("wants a map")
}

// mergeValues returns the entries of maps, later ones over earlier ones.
func mergeValues(args []*value, at inventory.Location) *value {
	all := newFields()
	for _, arg := range args {
		if arg.kind == kindObject {
			arg = arg.object.whole()
		}
		switch arg.kind {
		case kindNull:
		case kindMap:
			if arg.fields.rest != nil {
				rest := anyOf(all.rest, arg.fields.rest)
				all.unsure(arg.fields.rest)
				all.rest = rest
			}
			for _, key := range arg.fields.keys {
				v := arg.fields.values[key].asSensitive(arg.sensitive)
				if before := all.values[key]; v.maybe && before != nil {
					u := unknownFrom(at, v, before)
					u.unknown.candidates = []*value{before.sure(), v.sure()}
					v = u
				}
				all.put(key, v)
			}
		case kindUnknown:
			before := all.rest
			all.unsure(arg)
			for _, c := range arg.unknown.candidates {
				if c.kind != kindMap {
					continue
				}
				for _, key := range c.fields.keys {
					if all.values[key] == nil {
						all.put(key, c.fields.values[key].asMaybe(arg.unknown.reasons))
					}
				}
			}
			if onlyMaps(arg) {
				all.rest = before
			}
		default:
			return failure(at, "merge wants maps")
		}
	}
	return mapping(structural, all, at)
}

// onlyMaps reports whether an unknown value is one of maps whose keys are all known.
func onlyMaps(v *value) bool {
	if len(v.unknown.candidates) == 0 {
		return false
	}
	return !slices.ContainsFunc(v.unknown.candidates, func(c *value) bool {
		return c.kind != kindNull && (c.kind != kindMap || c.fields.rest != nil)
	})
}

// unsure says that a map which is not known is laid over the entries: each of them may be another one.
func (f *fields) unsure(by *value) {
	for _, key := range f.keys {
		before := f.values[key]
		u := unknownFrom(before.at, before, by)
		u.unknown.candidates = []*value{before.sure()}
		if by.kind == kindUnknown {
			for _, c := range by.unknown.candidates {
				if c.kind == kindMap && c.fields.values[key] != nil {
					u.unknown.candidates = append(u.unknown.candidates, c.fields.values[key])
				}
			}
			if !onlyMaps(by) {
				u.unknown.candidates = nil
			} else if len(u.unknown.candidates) == 1 {
				continue // no candidate has it
			}
		} else {
			u.unknown.candidates = nil
		}
		f.values[key] = u
	}
	f.rest = unknownFrom(by.at, f.rest, by)
}

func fnMerge(c *calling, args []*value) *value { return mergeValues(args, c.at) }

func fnKeys(c *calling, args []*value) *value {
	if len(args) != 1 {
		return c.fail("wants one map")
	}
	m := args[0]
	if m.kind == kindObject {
		m = m.object.whole()
	}
	switch m.kind {
	case kindMap:
		all := make([]*value, 0, len(m.fields.keys)+1)
		for _, key := range m.fields.keys {
			k := text(key, m.fields.values[key].at)
			if m.fields.values[key].maybe {
				k = k.asMaybe(m.fields.values[key].maybeWhy)
			}
			all = append(all, k)
		}
		if m.fields.rest != nil {
			all = append(all, unknownFrom(c.at, m.fields.rest).asRest())
		}
		if m.flavour == collection {
			return c.list(collection, all)
		}
		return c.list(structural, all)
	case kindUnknown:
		if len(m.unknown.candidates) > 0 {
			if v := c.e.overCandidates(m, c.at, func(candidate *value) *value { return fnKeys(c, []*value{candidate}) }); v != nil {
				return v
			}
		}
		return c.unknown(m)
	}
	return c.fail("wants a map")
}

func fnValues(c *calling, args []*value) *value {
	if len(args) != 1 {
		return c.fail("wants one map")
	}
	m := args[0]
	if m.kind == kindObject {
		m = m.object.whole()
	}
	if m.kind == kindUnknown && len(m.unknown.candidates) > 0 {
		if v := c.e.overCandidates(m, c.at, func(candidate *value) *value { return fnValues(c, []*value{candidate}) }); v != nil {
			return v
		}
	}
	if m.kind != kindMap && m.kind != kindUnknown {
		return c.fail("wants a map")
	}
	elements, _ := m.elements()
	f := structural
	if m.flavour == collection {
		f = collection
	}
	return c.list(f, elements)
}

func fnZipmap(c *calling, args []*value) *value {
	if len(args) != 2 {
		return c.fail("wants keys and values")
	}
	keys, ok := c.listArgument(args[0])
	values, ok2 := c.listArgument(args[1])
	if !ok || !ok2 {
		return c.fail("wants lists")
	}
	if !fixed(keys) || !fixed(values) {
		return c.unknown(args...)
	}
	if len(keys) != len(values) {
		return c.fail("wants as many keys as values")
	}
	f := newFields()
	for i, key := range keys {
		name, ok := key.asText()
		switch {
		case ok:
			f.put(name, values[i])
		case key.kind == kindUnknown:
			f.rest = anyOf(f.rest, values[i].asMaybe(reasonsOf(key)))
		default:
			return c.fail("wants texts as keys")
		}
	}
	fl := structural
	if args[1].flavour == collection {
		fl = collection
	}
	return mapping(fl, f, c.at)
}

func fnSlice(c *calling, args []*value) *value {
	if len(args) != 3 {
		return c.fail("wants a list, a start and an end")
	}
	elements, ok := c.listArgument(args[0])
	if !ok {
		return c.fail("wants a list")
	}
	from, ok1 := args[1].asInt()
	to, ok2 := args[2].asInt()
	if !ok1 || !ok2 {
		if args[1].kind == kindUnknown || args[2].kind == kindUnknown {
			// Any of them, and nobody knows which.
			var some []*value
			reasons := reasonsOf(args[1], args[2])
			for _, e := range elements {
				some = append(some, e.asMaybe(reasons))
			}
			return c.list(args[0].flavour, some)
		}
		return c.fail("wants whole numbers")
	}
	if from < 0 || from > to {
		return c.fail("the start is after the end")
	}
	if to-from > maxValue {
		return c.fail("the end is too far")
	}
	if i := slices.IndexFunc(elements, func(e *value) bool { return e.maybe }); i >= 0 && i < to {
		if !elements[i].rest || i != len(elements)-1 {
			return c.unknown(args...)
		}
		// From there on the elements are unknown, but slice wants them to be there.
		full := slices.Clone(elements[:i])
		for n := len(full); n < to; n++ {
			e := elements[i].sure()
			if e.kind == kindUnknown && e.unknown.ref != nil {
				ref := e.unknown.ref
				e = e.copied()
				u := *e.unknown
				u.ref = &inventory.Ref{Resource: ref.Resource, Attribute: fmt.Sprintf("%s[%d]", ref.Attribute, n), Root: ref.Root}
				e.unknown = &u
			}
			full = append(full, e)
		}
		return c.list(collection, full[from:to])
	}
	if to > len(elements) {
		return c.fail("the end is behind the list")
	}
	fl := args[0].flavour
	if fl == set {
		fl = collection
	}
	return c.list(fl, elements[from:to])
}

func fnReverse(c *calling, args []*value) *value {
	if len(args) != 1 {
		return c.fail("wants one list")
	}
	elements, ok := c.listArgument(args[0])
	if !ok {
		return c.fail("wants a list")
	}
	reversed := slices.Clone(elements)
	slices.Reverse(reversed)
	fl := args[0].flavour
	if fl == set {
		fl = collection
	}
	return c.list(fl, reversed)
}

func fnSort(c *calling, args []*value) *value {
	if len(args) != 1 {
		return c.fail("wants one list")
	}
	elements, ok := c.listArgument(args[0])
	if !ok {
		return c.fail("wants a list")
	}
	sorted, ok := convertAll(elements, cty.String)
	if !ok {
		return c.fail("wants texts")
	}
	sort.SliceStable(sorted, func(i, j int) bool {
		return sorted[i].kind == kindString && sorted[j].kind == kindString && sorted[i].text < sorted[j].text
	})
	open := slices.ContainsFunc(sorted, func(e *value) bool { return e.kind != kindString })
	if open { // where an unknown one stands is not known either
		for i, e := range sorted {
			if e.kind == kindNull {
				return c.fail("wants no null")
			}
			sorted[i] = e
		}
	}
	return c.list(collection, sorted)
}

func fnCoalesce(c *calling, args []*value) *value {
	for i, arg := range args {
		if arg.kind == kindNull {
			continue
		}
		if s, ok := arg.asText(); ok && arg.kind == kindString && s == "" {
			continue
		}
		if arg.rest {
			return c.unknown(args[i:]...)
		}
		if arg.kind == kindUnknown && !surelyText(arg) {
			rest := args[i+1:]
			if len(rest) == 0 {
				return arg
			}
			u := c.unknown(args[i:]...)
			u.unknown.candidates = []*value{arg}
			other := fnCoalesce(c, rest)
			if !other.failed() {
				u.unknown.candidates = append(u.unknown.candidates, other)
			}
			return u
		}
		if typ := unified(args); typ != cty.DynamicPseudoType {
			if converted, ok := convert(arg, typ); ok {
				return converted
			}
		}
		return arg
	}
	return c.fail("all arguments are empty")
}

// surelyText reports whether an unknown value is a text that is not empty: identifiers of resources, and texts with a
// known part.
func surelyText(v *value) bool {
	if v.encoded != nil {
		return true
	}
	if len(v.unknown.parts) > 0 {
		return slices.ContainsFunc(v.unknown.parts, func(p *value) bool { return p.kind == kindString && p.text != "" })
	}
	return certain(v)
}

func fnCoalesceList(c *calling, args []*value) *value {
	for i, arg := range args {
		if arg.kind == kindNull {
			continue
		}
		elements, ok := arg.elements()
		if !ok {
			return c.fail("wants lists")
		}
		if slices.ContainsFunc(elements, func(e *value) bool { return !e.maybe }) {
			return arg
		}
		if len(elements) == 0 {
			continue
		}
		u := c.unknown(args[i:]...)
		u.unknown.candidates = []*value{arg}
		if other := fnCoalesceList(c, args[i+1:]); !other.failed() {
			u.unknown.candidates = append(u.unknown.candidates, other)
		}
		return u
	}
	return c.fail("all lists are empty")
}

func fnOne(c *calling, args []*value) *value {
	if len(args) != 1 {
		return c.fail("wants one list")
	}
	elements, ok := c.listArgument(args[0])
	if !ok {
		return c.fail("wants a list")
	}
	if !fixed(elements) {
		sure := slices.DeleteFunc(slices.Clone(elements), func(e *value) bool { return e.maybe })
		if len(sure) == 1 {
			return sure[0] // any other one would be an error
		}
		u := c.unknown(args[0])
		if len(sure) == 0 && len(elements) <= maxCandidates && !slices.ContainsFunc(elements, func(e *value) bool { return e.rest }) {
			for _, e := range elements {
				u.unknown.candidates = append(u.unknown.candidates, e.sure())
			}
			u.unknown.candidates = append(u.unknown.candidates, null(c.at))
		}
		return u
	}
	switch len(elements) {
	case 0:
		return null(c.at)
	case 1:
		return elements[0]
	}
	return c.fail("wants a list of at most one element")
}

func fnLength(c *calling, args []*value) *value {
	if len(args) != 1 {
		return c.fail("wants one argument")
	}
	v := args[0]
	switch v.kind {
	case kindString:
		return integer(graphemeCount(v.text), c.at)
	case kindObject:
		return integer(len(v.object.whole().fields.keys), c.at)
	case kindNull, kindBool, kindNumber:
		return c.fail("wants a list, a map or a text")
	case kindUnknown:
		if len(v.unknown.candidates) > 0 {
			if u := c.e.overCandidates(v, c.at, func(candidate *value) *value { return fnLength(c, []*value{candidate}) }); u != nil {
				return sole(u)
			}
		}
		return c.unknown(v)
	}
	elements, _ := v.elements()
	if !fixed(elements) {
		least, most, bounded := 0, 0, true
		for _, e := range elements {
			bounded = bounded && !e.rest
			most++
			if !e.maybe {
				least++
			}
		}
		u := c.unknown(v)
		if bounded && most-least < maxCandidates {
			for n := least; n <= most; n++ {
				u.unknown.candidates = append(u.unknown.candidates, integer(n, c.at))
			}
		}
		return u
	}
	return integer(len(elements), c.at)
}

// sole returns the one value that all candidates are, if they are.
func sole(u *value) *value {
	if u.kind != kindUnknown || len(u.unknown.candidates) == 0 {
		return u
	}
	first := u.unknown.candidates[0]
	for _, other := range u.unknown.candidates[1:] {
		if !same(first, other) {
			return u
		}
	}
	return first
}

func fnContains(c *calling, args []*value) *value {
	if len(args) != 2 {
		return c.fail("wants a list and a value")
	}
	elements, ok := c.listArgument(args[0])
	if !ok {
		return c.fail("wants a list")
	}
	unsure := false
	for _, e := range elements {
		equal, known := equals(e, args[1])
		if !known && !e.rest {
			equal, known = equalCandidates(e, args[1])
		}
		switch {
		case known && equal && !e.maybe:
			return boolean(true, c.at)
		case !known || equal:
			unsure = true
		}
	}
	if unsure {
		return c.unknown(args...)
	}
	return boolean(false, c.at)
}

func fnIndex(c *calling, args []*value) *value {
	if len(args) != 2 {
		return c.fail("wants a list and a value")
	}
	elements, ok := c.listArgument(args[0])
	if !ok {
		return c.fail("wants a list")
	}
	for i, e := range elements {
		equal, known := equals(e, args[1])
		if !known || e.maybe {
			return c.unknown(args...)
		}
		if equal {
			return integer(i, c.at)
		}
	}
	return c.fail("the list does not have it")
}

var (
	anyList = cty.List(cty.DynamicPseudoType)
	anySet  = cty.Set(cty.DynamicPseudoType)
	anyMap  = cty.Map(cty.DynamicPseudoType)
)

func fnToList(c *calling, args []*value) *value { return c.convertTo(args, anyList) }
func fnToSet(c *calling, args []*value) *value  { return c.convertTo(args, anySet) }
func fnToMap(c *calling, args []*value) *value  { return c.convertTo(args, anyMap) }

func (c *calling) convertTo(args []*value, typ cty.Type) *value {
	if len(args) != 1 {
		return c.fail("wants one argument")
	}
	v, ok := convert(args[0], typ)
	if !ok {
		return c.fail("can't convert " + describe(args[0]))
	}
	return v
}

func fnToString(c *calling, args []*value) *value { return c.convertTo(args, cty.String) }
func fnToNumber(c *calling, args []*value) *value { return c.convertTo(args, cty.Number) }
func fnToBool(c *calling, args []*value) *value   { return c.convertTo(args, cty.Bool) }

func fnSensitive(c *calling, args []*value) *value {
	if len(args) != 1 {
		return c.fail("wants one argument")
	}
	return args[0].asSensitive(true)
}

func fnNonsensitive(c *calling, args []*value) *value {
	if len(args) != 1 {
		return c.fail("wants one argument")
	}
	v := args[0].copied()
	v.sensitive = false
	return v
}

func fnIsSensitive(c *calling, args []*value) *value {
	if len(args) != 1 {
		return c.fail("wants one argument")
	}
	return boolean(args[0].sensitive, c.at)
}

// setArguments returns the elements of arguments as sets.
func (c *calling) setArguments(args []*value) ([][]*value, bool) {
	all := make([][]*value, len(args))
	for i, arg := range args {
		elements, ok := c.listArgument(arg)
		if !ok {
			return nil, false
		}
		all[i] = distinct(elements)
	}
	return all, true
}

func fnSetUnion(c *calling, args []*value) *value {
	sets, ok := c.setArguments(args)
	if !ok {
		return c.fail("wants sets")
	}
	elements, _ := convertAll(slices.Concat(sets...), cty.DynamicPseudoType)
	return setOf(elements, c.at)
}

func fnSetIntersection(c *calling, args []*value) *value {
	sets, ok := c.setArguments(args)
	if !ok || len(sets) == 0 {
		return c.fail("wants sets")
	}
	if slices.ContainsFunc(args, func(a *value) bool { return a.open }) {
		return c.unknown(args...)
	}
	var all []*value
	for _, e := range sets[0] {
		inAll := true
		for _, s := range sets[1:] {
			inAll = inAll && containsSame(s, e)
		}
		if inAll {
			all = append(all, e)
		}
	}
	return setOf(all, c.at)
}

func fnSetSubtract(c *calling, args []*value) *value {
	sets, ok := c.setArguments(args)
	if !ok || len(sets) != 2 {
		return c.fail("wants two sets")
	}
	var all []*value
	open := slices.ContainsFunc(sets[1], func(e *value) bool { return e.open || e.maybe })
	for _, e := range sets[0] {
		if containsSame(sets[1], e) {
			continue
		}
		if open || e.open && len(sets[1]) > 0 {
			e = e.asMaybe(reasonsOf(args...))
		}
		all = append(all, e)
	}
	return setOf(all, c.at)
}

func fnSetProduct(c *calling, args []*value) *value {
	product := [][]*value{nil}
	allSets := true
	for _, arg := range args {
		elements, ok := c.listArgument(arg)
		if !ok {
			return c.fail("wants lists")
		}
		allSets = allSets && arg.flavour == set
		if len(product)*len(elements) > maxRange {
			return beyond(c.at, "a product of too many elements")
		}
		var next [][]*value
		for _, before := range product {
			for _, e := range elements {
				next = append(next, append(before[:len(before):len(before)], e))
			}
		}
		product = next
	}
	all := make([]*value, len(product))
	for i, tuple := range product {
		elements := make([]*value, len(tuple))
		maybe, rest := false, false
		for j, e := range tuple {
			maybe, rest = maybe || e.maybe, rest || e.rest
			elements[j] = e.sure()
		}
		all[i] = list(structural, elements, c.at)
		switch {
		case rest:
			all[i] = unknownFrom(c.at, all[i]).asRest()
		case maybe:
			all[i] = all[i].asMaybe(reasonsOf(tuple...))
		}
	}
	if allSets && len(args) > 0 {
		return c.list(set, all)
	}
	return c.list(collection, all)
}

func fnChunklist(c *calling, args []*value) *value {
	if len(args) != 2 {
		return c.fail("wants a list and a size")
	}
	elements, ok := c.listArgument(args[0])
	if !ok {
		return c.fail("wants a list")
	}
	size, ok := args[1].asInt()
	if args[1].kind == kindUnknown || !fixed(elements) {
		return c.unknown(args...)
	}
	if !ok || size < 0 {
		return c.fail("wants a size")
	}
	if len(elements) == 0 {
		return c.list(collection, nil)
	}
	if size == 0 {
		size = len(elements)
	}
	var chunks []*value
	for chunk := range slices.Chunk(elements, size) {
		chunks = append(chunks, list(collection, chunk, c.at))
	}
	return c.list(collection, chunks)
}

func fnMatchkeys(c *calling, args []*value) *value {
	if len(args) != 3 {
		return c.fail("wants values, keys and a search set")
	}
	values, ok1 := c.listArgument(args[0])
	keys, ok2 := c.listArgument(args[1])
	search, ok3 := c.listArgument(args[2])
	if !ok1 || !ok2 || !ok3 {
		return c.fail("wants lists")
	}
	if !fixed(values) || !fixed(keys) {
		return c.unknown(args...)
	}
	if len(values) != len(keys) {
		return c.fail("wants as many values as keys")
	}
	var all []*value
	for i, key := range keys {
		match := fnContains(c, []*value{list(structural, search, c.at), key})
		truth, known := match.asBool()
		switch {
		case !known:
			all = append(all, values[i].asMaybe(reasonsOf(match)))
		case truth:
			all = append(all, values[i])
		}
	}
	return c.list(collection, all)
}

func fnTranspose(c *calling, args []*value) *value {
	if len(args) != 1 {
		return c.fail("wants one map")
	}
	if args[0].open {
		return c.unknown(args...)
	}
	if args[0].kind != kindMap {
		return c.fail("wants a map of lists")
	}
	f := newFields()
	for _, key := range args[0].fields.keys {
		v := args[0].fields.values[key]
		if v.kind != kindList {
			return c.fail("wants a map of lists")
		}
		for _, e := range v.list {
			name, ok := e.asText()
			if !ok {
				return c.fail("wants texts")
			}
			var have []*value
			if f.values[name] != nil {
				have = f.values[name].list
			}
			f.put(name, list(collection, append(slices.Clip(have), text(key, e.at)), c.at))
		}
	}
	return mapping(collection, f, c.at)
}

func fnRange(c *calling, args []*value) *value {
	if len(args) < 1 || len(args) > 3 {
		return c.fail("wants one to three numbers")
	}
	if slices.ContainsFunc(args, func(a *value) bool { return a.kind == kindUnknown }) {
		return c.unknown(args...)
	}
	limits := make([]*value, len(args))
	for i, arg := range args {
		n, ok := arg.asNumber()
		if !ok {
			return c.fail("wants numbers")
		}
		limits[i] = n
	}
	start, end, step := number(0, c.at), limits[0], number(1, c.at)
	if len(limits) > 1 {
		start, end = limits[0], limits[1]
	}
	up := end.bigFloat().Cmp(start.bigFloat()) >= 0
	if len(limits) == 3 {
		step = limits[2]
	} else if !up {
		step = number(-1, c.at)
	}
	sign := step.bigFloat().Sign()
	if sign == 0 || up && sign < 0 && end.bigFloat().Cmp(start.bigFloat()) != 0 || !up && sign > 0 {
		return c.fail("the step leads away from the end")
	}
	var all []*value
	for n := start; ; {
		compared := n.bigFloat().Cmp(end.bigFloat())
		if sign > 0 && compared >= 0 || sign < 0 && compared <= 0 {
			break
		}
		if len(all) >= maxTerraformRange {
			return c.fail("more than 1024 numbers")
		}
		all = append(all, n)
		n = add(n, step, c.at)
		if n.kind != kindNumber {
			return n
		}
	}
	return c.list(collection, all)
}

func fnAllTrue(c *calling, args []*value) *value { return c.quantified(args, false) }
func fnAnyTrue(c *calling, args []*value) *value { return c.quantified(args, true) }

// quantified looks for an element that decides: false for alltrue, true for anytrue.
func (c *calling) quantified(args []*value, decides bool) *value {
	if len(args) != 1 {
		return c.fail("wants one list")
	}
	elements, ok := c.listArgument(args[0])
	if !ok {
		return c.fail("wants a list")
	}
	unsure := false
	for _, e := range elements {
		truth, known := e.asBool()
		if e.kind == kindNull {
			truth, known = false, true
		}
		switch {
		case e.kind == kindUnknown || e.maybe && truth == decides:
			unsure = true
		case !known:
			return c.fail("wants truth values")
		case truth == decides:
			return boolean(decides, c.at)
		}
	}
	if unsure {
		return c.unknown(args...)
	}
	return boolean(!decides, c.at)
}

func fnSum(c *calling, args []*value) *value {
	if len(args) != 1 {
		return c.fail("wants one list")
	}
	elements, ok := c.listArgument(args[0])
	if !ok || len(elements) == 0 {
		return c.fail("wants a list that is not empty")
	}
	if args[0].open {
		return c.unknown(args...)
	}
	total := number(0, c.at)
	for _, e := range elements {
		n, ok := e.asNumber()
		if !ok {
			return c.fail("wants numbers")
		}
		if total = add(total, n, c.at); total.kind != kindNumber {
			return total
		}
	}
	return total
}

func fnJoin(c *calling, args []*value) *value {
	if len(args) < 2 {
		return c.fail("wants a separator and lists")
	}
	separator, ok := args[0].asText()
	if !ok {
		return c.unknownOrFail(args[0], args)
	}
	var elements []*value
	for _, arg := range args[1:] {
		e, ok := c.listArgument(arg)
		if !ok {
			return c.fail("wants lists")
		}
		elements = append(elements, e...)
	}
	if !fixed(elements) {
		return c.unknown(args...)
	}
	parts := make([]*value, 0, 2*len(elements))
	for i, e := range elements {
		if e.kind == kindNull {
			return c.fail("wants no null")
		}
		if i > 0 && separator != "" {
			parts = append(parts, text(separator, args[0].at))
		}
		parts = append(parts, e)
	}
	v := c.e.concatenated(parts, c.at)
	if v.kind == kindUnknown && len(elements) == 1 {
		return elements[0]
	}
	return v
}

// fnSplit splits texts of which parts are unknown where only the known parts can hold the separator: a name after the
// last slash, for example, stays known.
func fnSplit(c *calling, args []*value) *value {
	if len(args) != 2 {
		return c.fail("wants a separator and a text")
	}
	separator, ok := args[0].asText()
	if !ok {
		return c.unknownOrFail(args[0], args)
	}
	if s, ok := args[1].asText(); ok {
		if s == "" && separator != "" {
			return c.list(collection, []*value{text("", c.at)})
		}
		if strings.Count(s, separator) > maxRange {
			return beyond(c.at, "a text of too many parts")
		}
		var all []*value
		for part := range strings.SplitSeq(s, separator) {
			all = append(all, text(part, args[1].at))
		}
		return c.list(collection, all)
	}
	if args[1].kind != kindUnknown {
		return c.fail("wants a text")
	}
	// join(",", list) that is split again is the list.
	if parts := args[1].unknown.parts; len(parts) > 1 && separator != "" && joinedBy(parts, separator) {
		var all []*value
		for i := 0; i < len(parts); i += 2 {
			all = append(all, parts[i])
		}
		return c.list(collection, all)
	}
	return c.unknown(args...)
}

// joinedBy reports whether parts are unknown identifiers, which hold no separator, with the separator between them.
func joinedBy(parts []*value, separator string) bool {
	if len(parts)%2 == 0 {
		return false
	}
	for i, p := range parts {
		if i%2 == 1 && (p.kind != kindString || p.text != separator) {
			return false
		}
		if i%2 == 0 && (p.kind != kindUnknown || p.unknown.ref == nil || p.unknown.ref.Attribute != "id") {
			return false
		}
	}
	return true
}

func (c *calling) unknownOrFail(v *value, args []*value) *value {
	if v.kind == kindUnknown {
		return c.unknown(args...)
	}
	return c.fail("can't use " + describe(v))
}

func add(a, b *value, at inventory.Location) *value {
	return arithmetic(hclsyntax.OpAdd, a, b, at)
}
