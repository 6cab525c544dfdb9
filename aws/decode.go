package aws

import (
	"net/netip"
	"reflect"
	"slices"
	"strings"
	"unicode"

	"github.com/trifecta-scanner/trifecta/inventory"
)

// decoder fills the structs of one resource from its values, as their tags say.
type decoder struct {
	b        *builder
	unit     *unit
	resource *inventory.Resource
	cfn      bool
	// maybe says that the block that is being read may not be there: then nothing in it is certain.
	maybe   bool
	reasons []inventory.Reason
	// outside says why nothing more is known of an object outside of the code; nil for declared ones.
	outside []inventory.Reason
}

// plan is how the fields of one struct type are filled.
type plan struct{ fields []field }

type field struct {
	index    int
	name     string // Type.Field
	tf, cfn  []alternative
	as       string
	shape    shape
	elements *plan // of nested structs
	fallback [2]any
}

// shape is how a field takes what is found.
type shape uint8

const (
	leafShape     shape = iota // a Value, Ref or Policy
	leavesShape                // a slice of them
	blockShape                 // a struct
	blocksShape                // a slice of structs
	pointerShape               // a pointer to a struct
	embeddedShape              // a struct that shares the values of the one around it
	rawShape                   // the value as it was evaluated
)

// alternative is a sum of paths: "a+b[].c".
type alternative [][]segment

type segment struct {
	name string
	each bool // every element
}

// filler is a leaf of the model.
type filler interface {
	fill(d *decoder, v inventory.Value, as string)
	// unset says that there is nothing to take: the next alternative is tried, then the default.
	unset() bool
	setDefault(v any)
	// setUnknown is called instead for what is outside of the code: nobody knows what it has.
	setUnknown(reasons []inventory.Reason)
}

// planOf returns the plan of a struct type.
func (b *builder) planOf(t reflect.Type) *plan {
	if p, ok := b.plans[t]; ok {
		return p
	}
	p := &plan{}
	b.plans[t] = p
	for i := range t.NumField() {
		sf := t.Field(i)
		if !sf.IsExported() {
			continue
		}
		if sf.Anonymous && sf.Tag == "" {
			if sf.Type != reflect.TypeFor[Object]() && sf.Type != reflect.TypeFor[Written]() {
				p.fields = append(p.fields, field{index: i, shape: embeddedShape, elements: b.planOf(sf.Type)})
			}
			continue
		}
		tf, cfn := paths(sf.Tag)
		if tf == nil && cfn == nil {
			continue
		}
		f := field{index: i, name: t.Name() + "." + sf.Name, tf: tf, cfn: cfn, as: sf.Tag.Get("as")}
		if d := b.defaults[f.name]; d != nil {
			f.fallback = [2]any{d.Terraform, d.CloudFormation}
		}
		switch ft := sf.Type; {
		case ft == reflect.TypeFor[inventory.Value]():
			f.shape = rawShape
		case reflect.PointerTo(ft).Implements(reflect.TypeFor[filler]()):
			f.shape = leafShape
		case ft.Kind() == reflect.Slice && reflect.PointerTo(ft.Elem()).Implements(reflect.TypeFor[filler]()):
			f.shape = leavesShape
		case ft.Kind() == reflect.Slice:
			f.shape, f.elements = blocksShape, b.planOf(ft.Elem())
		case ft.Kind() == reflect.Pointer:
			f.shape, f.elements = pointerShape, b.planOf(ft.Elem())
		default:
			f.shape, f.elements = blockShape, b.planOf(ft)
		}
		p.fields = append(p.fields, f)
	}
	return p
}

// paths reads the tags of a field.
func paths(tag reflect.StructTag) (tf, cfn []alternative) {
	text, ok := tag.Lookup("tf")
	if !ok {
		return nil, nil
	}
	tf = alternatives(text, false)
	if own, ok := tag.Lookup("cfn"); ok {
		return tf, alternatives(own, false)
	}
	return tf, alternatives(text, true)
}

func alternatives(text string, derive bool) []alternative {
	if text == "-" {
		return nil
	}
	var all []alternative
	for _, one := range strings.Split(text, "|") {
		var sum alternative
		for _, path := range strings.Split(one, "+") {
			var segments []segment
			for _, name := range strings.Split(path, ".") {
				name, each := strings.CutSuffix(name, "[]")
				if derive {
					name = property(name)
				}
				segments = append(segments, segment{name, each})
			}
			sum = append(sum, segments)
		}
		all = append(all, sum)
	}
	return all
}

// property spells the name of a Terraform attribute as CloudFormation does.
func property(attribute string) string {
	var b strings.Builder
	up := true
	for _, r := range attribute {
		switch {
		case r == '_':
			up = true
			continue
		case up:
			r = unicode.ToUpper(r)
		}
		up = false
		b.WriteRune(r)
	}
	return b.String()
}

// object fills the struct that node points to.
func (d *decoder) object(node Node) {
	d.outside = node.Self().Unknowable()
	v := reflect.ValueOf(node).Elem()
	d.block(d.b.planOf(v.Type()), v, d.resource.Values)
}

// block fills a struct from the values of a block.
func (d *decoder) block(p *plan, into reflect.Value, v inventory.Value) {
	for i := range p.fields {
		f := &p.fields[i]
		target := into.Field(f.index)
		if f.shape == embeddedShape {
			d.block(f.elements, target, v)
			continue
		}
		from := f.tf
		if d.cfn {
			from = f.cfn
		}
		switch f.shape {
		case leafShape:
			d.leaf(f, target.Addr().Interface().(filler), v, from)
		case leavesShape:
			d.leaves(f, target, v, from)
		case rawShape:
			target.Set(reflect.ValueOf(first(v, from)))
		case blockShape:
			if inner := first(v, from); !inner.IsNull() {
				d.within(inner).block(f.elements, target, inner)
			}
		case pointerShape:
			if inner := first(v, from); !inner.IsNull() {
				target.Set(reflect.New(target.Type().Elem()))
				d.within(inner).block(f.elements, target.Elem(), inner)
			}
		case blocksShape:
			d.blocks(f, target, v, from)
		}
	}
}

// within returns the decoder for what stands inside of v.
func (d *decoder) within(v inventory.Value) *decoder {
	if !v.IsMaybe() {
		return d
	}
	inner := *d
	inner.maybe, inner.reasons = true, append(slices.Clip(inner.reasons), v.Reasons()...)
	return &inner
}

// element returns v as it counts inside of a block that may not be there.
func (d *decoder) element(v inventory.Value) inventory.Value {
	if d.maybe {
		return v.AsMaybe(d.reasons...)
	}
	return v
}

func (d *decoder) leaf(f *field, target filler, v inventory.Value, from []alternative) {
	for _, a := range from {
		found := inventory.Value{}
		for _, path := range a {
			if found = at(v, path); !found.IsNull() {
				break
			}
		}
		if found.IsNull() {
			continue
		}
		target.fill(d, d.element(found), f.as)
		if !target.unset() {
			return
		}
	}
	d.fallback(f, target)
}

func (d *decoder) fallback(f *field, target filler) {
	if d.outside != nil {
		target.setUnknown(d.outside)
		return
	}
	i := 0
	if d.cfn {
		i = 1
	}
	if f.fallback[i] != nil {
		target.setDefault(f.fallback[i])
	}
}

func (d *decoder) leaves(f *field, target reflect.Value, v inventory.Value, from []alternative) {
	var found []inventory.Value
	given := false
	for _, a := range from {
		for _, path := range a {
			values, there := collect(v, path)
			found, given = append(found, values...), given || there
		}
		if len(found) > 0 {
			break
		}
	}
	if !given && d.outside != nil {
		return
	}
	if !given {
		i := 0
		if d.cfn {
			i = 1
		}
		if texts, ok := f.fallback[i].([]string); ok {
			for _, text := range texts {
				e := reflect.New(target.Type().Elem())
				e.Interface().(filler).setDefault(text)
				target.Set(reflect.Append(target, e.Elem()))
			}
		}
		return
	}
	into := reflect.MakeSlice(target.Type(), 0, len(found))
	for _, e := range found {
		for _, one := range d.expand(target, e) {
			leaf := reflect.New(target.Type().Elem())
			filler := leaf.Interface().(filler)
			filler.fill(d, d.element(one), f.as)
			if !filler.unset() {
				into = reflect.Append(into, leaf.Elem())
			}
		}
	}
	target.Set(into)
}

// expand returns what one element of a list of references stands for: a reference to a whole list, such as the ids of
// all instances of a resource with count, stands for each of them.
func (d *decoder) expand(target reflect.Value, e inventory.Value) []inventory.Value {
	if e.Kind() == inventory.List {
		return e.Elements()
	}
	if _, ok := reflect.New(target.Type().Elem()).Interface().(reference); !ok {
		return []inventory.Value{e}
	}
	ref, ok := e.Ref()
	if !ok || !e.IsUnknown() {
		return []inventory.Value{e}
	}
	instances := d.b.instances(d.unit, ref)
	if len(instances) == 0 {
		return []inventory.Value{e}
	}
	all := make([]inventory.Value, len(instances))
	for i, r := range instances {
		one := inventory.UnknownValue(e.Location(), inventory.Reason{Code: inventory.Computed, Ref: string(r.ID)})
		all[i] = one.WithRef(inventory.Ref{Resource: r.ID, Attribute: ref.Attribute, Root: ref.Root})
		if r.Exists == inventory.MayExist {
			all[i] = all[i].AsMaybe(r.Reasons...)
		}
	}
	return all
}

func (d *decoder) blocks(f *field, target reflect.Value, v inventory.Value, from []alternative) {
	var found []inventory.Value
	for _, a := range from {
		for _, path := range a {
			if f.as == "json" {
				found = append(found, decoded(at(v, path)).Elements()...)
				continue
			}
			last := len(path) - 1
			path = append(slices.Clone(path[:last]), segment{path[last].name, true})
			values, _ := collectBlocks(v, path)
			found = append(found, values...)
		}
		if len(found) > 0 {
			break
		}
	}
	if len(found) == 0 {
		return
	}
	into := reflect.MakeSlice(target.Type(), len(found), len(found))
	for i, e := range found {
		d.within(e).block(f.elements, into.Index(i), e)
	}
	target.Set(into)
}

// first returns the first alternative that is written.
func first(v inventory.Value, from []alternative) inventory.Value {
	for _, a := range from {
		for _, path := range a {
			if found := at(v, path); !found.IsNull() {
				return found
			}
		}
	}
	return inventory.Value{}
}

// at returns what stands at a path, looking into the first element of lists.
func at(v inventory.Value, path []segment) inventory.Value {
	for _, s := range path {
		v = v.Get(s.name)
		if v.IsNull() {
			return v
		}
	}
	return v
}

// collect returns the elements at the end of a path, over all elements of the segments that say so, and whether there is
// a list at all, be it empty.
func collect(v inventory.Value, path []segment) (elements []inventory.Value, given bool) {
	values, given := collectBlocks(v, path)
	for _, value := range values {
		elements = append(elements, listed(value)...)
	}
	return elements, given
}

// collectBlocks is collect without taking the last value apart.
func collectBlocks(v inventory.Value, path []segment) (found []inventory.Value, given bool) {
	v = v.Get(path[0].name)
	if v.IsNull() {
		return nil, false
	}
	all := []inventory.Value{v}
	if path[0].each {
		all = blocksOf(v)
	}
	if len(path) == 1 {
		return all, true
	}
	for _, e := range all {
		inner, there := collectBlocks(e, path[1:])
		given = given || there
		for _, i := range inner {
			if e.IsMaybe() {
				i = i.AsMaybe(e.Reasons()...)
			}
			found = append(found, i)
		}
	}
	return found, given
}

// listed returns the elements of a list. Of a list that is one of several it returns the elements of each, none certain.
func listed(v inventory.Value) []inventory.Value {
	if !v.IsUnknown() || len(v.Candidates()) == 0 || !slices.ContainsFunc(v.Candidates(), func(c inventory.Value) bool { return c.Kind() == inventory.List }) {
		elements := v.Elements()
		if v.IsMaybe() && !v.IsUnknown() {
			marked := make([]inventory.Value, len(elements))
			for i, e := range elements {
				marked[i] = e.AsMaybe(v.Reasons()...)
			}
			return marked
		}
		return elements
	}
	var all []inventory.Value
	for _, c := range v.Candidates() {
		for _, e := range listed(c) {
			all = append(all, e.AsMaybe(v.Reasons()...))
		}
	}
	return all
}

// blocksOf returns the blocks that v stands for, those of candidates included.
func blocksOf(v inventory.Value) []inventory.Value {
	if v.Kind() == inventory.Map {
		return []inventory.Value{v}
	}
	return listed(v)
}

// decoded returns what a JSON text holds, or v itself where it is none.
func decoded(v inventory.Value) inventory.Value {
	if inner, ok := v.Encoded(); ok {
		return inner
	}
	if v.IsUnknown() && len(v.Parts()) > 0 {
		return fromTemplate(v)
	}
	if v.Kind() != inventory.String {
		return v
	}
	text, _ := v.Text()
	return fromJSON(text, v.Location())
}

// single returns the one value that v stands for where a list of one is written, and Null where it is a block.
func single(v inventory.Value) inventory.Value {
	for v.Kind() == inventory.List {
		elements := v.Elements()
		if len(elements) == 0 {
			return inventory.Value{}
		}
		v = elements[0]
	}
	if v.Kind() == inventory.Map {
		return inventory.Value{}
	}
	return v
}

func (v *Value[T]) unset() bool { return v.state == absent }

func (v *Value[T]) setUnknown(reasons []inventory.Reason) { *v = UnknownOf[T](reasons...) }

func (v *Value[T]) setDefault(x any) {
	if text, ok := x.(string); ok {
		if p, ok := any(v).(*Prefix); ok {
			prefix, err := netip.ParsePrefix(text)
			if err == nil {
				*p = Prefix{value: prefix, state: byDefault}
			}
			return
		}
	}
	if x, ok := x.(T); ok {
		*v = Value[T]{value: x, state: byDefault}
	}
}

func (v *Value[T]) fill(_ *decoder, from inventory.Value, as string) {
	*v = leafOf[T](from, as, 0)
}

// leafOf converts a value to a leaf.
func leafOf[T comparable](from inventory.Value, as string, depth int) Value[T] {
	if as == "present" || as == "key" {
		from = described(from, as)
	}
	from = single(from)
	if from.IsNull() {
		return Value[T]{}
	}
	v := Value[T]{at: placeOf(from.Location()), state: written}
	if from.IsMaybe() {
		v.flags |= maybe
	}
	if from.IsRest() {
		v.flags |= rest
	}
	if from.IsSensitive() || as == "secret" {
		v.flags |= sensitive
	}
	ref, hasRef := from.Ref()
	if from.IsUnknown() || from.IsMaybe() || hasRef {
		v.why = &doubt[T]{reasons: from.Reasons()}
		if hasRef {
			v.why.ref = &ref
		}
	}
	if from.IsUnknown() {
		v.state = unknown
		v.why.key = canonical(from)
		if depth < 8 {
			for _, c := range from.Candidates() {
				candidate := leafOf[T](c, as, depth+1)
				if candidate.state == absent {
					// One of the candidates is "not written": what it is then is up to the default, which is not known here.
					continue
				}
				v.why.candidates = append(v.why.candidates, candidate)
			}
			if len(v.why.candidates) < len(from.Candidates()) {
				v.why.candidates = nil
			}
		}
		return v
	}
	value, ok := convert[T](from, as)
	if !ok {
		text, _ := from.Text()
		v.state = unknown
		v.why = &doubt[T]{reasons: []inventory.Reason{{Code: inventory.NotEvaluated, Ref: text}}}
		if v.Sensitive() {
			v.why.reasons[0].Ref = ""
		}
		return v
	}
	if from.IsDefault() {
		v.state = byDefault
	}
	v.value = value
	return v
}

// described turns a block into what a leaf says of it: whether it is there, or which block of several is.
func described(from inventory.Value, as string) inventory.Value {
	if from.IsUnknown() {
		return from
	}
	blocks := from.Blocks()
	if as == "present" {
		if text, ok := from.Text(); ok {
			return inventory.BoolValue(text != "", from.Location())
		}
		return inventory.BoolValue(len(blocks) > 0, from.Location())
	}
	for _, b := range blocks {
		for _, f := range b.Fields() {
			if !f.Value.IsNull() && !(f.Value.Kind() == inventory.List && len(f.Value.Elements()) == 0) {
				return inventory.StringValue(strings.ToLower(f.Name), b.Location())
			}
		}
	}
	return inventory.NullValue(from.Location())
}

// convert reads a known value as a leaf's type.
func convert[T comparable](from inventory.Value, as string) (value T, ok bool) {
	switch p := any(&value).(type) {
	case *bool:
		*p, ok = truth(from, as)
	case *int:
		if as == "protocol" {
			text, _ := from.Text()
			*p, ok = protocolNumber(text)
		} else {
			*p, ok = from.Int()
		}
	case *string:
		*p, ok = from.Text()
	case *netip.Prefix:
		text, _ := from.Text()
		*p, ok = parsePrefix(text)
	}
	return value, ok
}

// truth reads the words that AWS has for yes and no.
func truth(from inventory.Value, as string) (value, ok bool) {
	if b, ok := from.Bool(); ok {
		return b, true
	}
	text, _ := from.Text()
	switch strings.ToLower(text) {
	case "enabled", "enable":
		return true, true
	case "disabled", "disable":
		return false, true
	case "service_provided_eips":
		return true, as == "public"
	case "internal":
		return true, as == "internal"
	case "internet-facing":
		return false, as == "internal"
	}
	if n, ok := from.Int(); ok && (n == 0 || n == 1) {
		return n == 1, true
	}
	return false, false
}

// protocols are the names that AWS takes for IP protocols.
var protocols = map[string]int{"-1": -1, "all": -1, "tcp": 6, "udp": 17, "icmp": 1, "icmpv6": 58}

func protocolNumber(text string) (int, bool) {
	text = strings.ToLower(strings.TrimSpace(text))
	if n, ok := protocols[text]; ok {
		return n, true
	}
	n, ok := inventory.StringValue(text, inventory.Location{}).Int()
	return n, ok && n >= 0 && n <= 255
}

// parsePrefix reads a range; a lone address is a range of one.
func parsePrefix(text string) (netip.Prefix, bool) {
	text = strings.TrimSpace(text)
	if p, err := netip.ParsePrefix(text); err == nil {
		return p.Masked(), true
	}
	a, err := netip.ParseAddr(text)
	if err != nil || a.Zone() != "" {
		return netip.Prefix{}, false
	}
	return netip.PrefixFrom(a, a.BitLen()), true
}
