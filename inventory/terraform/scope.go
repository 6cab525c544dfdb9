package terraform

import (
	"fmt"
	"maps"
	"path"
	"slices"
	"strconv"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"

	"github.com/trifecta-scanner/trifecta/inventory"
)

// scope is one instance of a module: the root, or one that a call makes. Everything in it is evaluated when it is first
// asked for, once.
type scope struct {
	e       *evaluator
	mod     *module
	parent  *scope
	call    *call
	caller  *frame // what the inputs of the call mean
	address string // module.a["x"].module.b; empty for the root
	keys    string // a.b, as .terraform/modules/modules.json names calls
	via     []inventory.Call
	given   map[string]*value // values of the variables of the root
	exists  inventory.Existence
	reasons []inventory.Reason
	assumed string // the built-in model that the module is, or is part of

	slots     map[string]*slot
	expanded  map[string]*instances
	children  map[string]*children
	providers map[string]*configuration
}

// slot is a value that is made once.
type slot struct {
	value *value
	busy  bool
}

func newScope(e *evaluator, m *module) *scope {
	return &scope{
		e: e, mod: m, slots: map[string]*slot{}, expanded: map[string]*instances{}, children: map[string]*children{}, providers: map[string]*configuration{},
	}
}

// once returns the value of a slot. A value that needs itself is unknown, and a notice says where.
func (s *scope) once(key string, at hcl.Range, evaluate func() *value) *value {
	sl := s.slots[key]
	switch {
	case sl == nil:
		sl = &slot{busy: true}
		s.slots[key] = sl
		sl.value = evaluate()
		sl.busy = false
	case sl.busy:
		return s.e.cycle(prefixed(s.address, key), at)
	}
	return sl.value
}

// cycle is the value of what depends on itself.
func (e *evaluator) cycle(what string, at hcl.Range) *value {
	where := location(at)
	e.notices.add("terraform-cycle", where, fmt.Sprintf("%s: %s depends on itself; it is unknown", where.Path, what))
	return unknownValue(where, inventory.Reason{Code: inventory.NotEvaluated, Ref: what})
}

func prefixed(module, address string) string {
	if module == "" {
		return address
	}
	return module + "." + address
}

// sortedKeys returns the keys of a map in order: what is evaluated first decides where a cycle or a budget shows.
func sortedKeys[M ~map[string]V, V any](m M) []string { return slices.Sorted(maps.Keys(m)) }

func (s *scope) frame() *frame { return &frame{scope: s} }

// variable returns the value of var.name.
func (s *scope) variable(name string, at hcl.Range) *value {
	v := s.mod.variables[name]
	if v == nil {
		s.undeclared("var."+name, at)
		return failure(location(at), "var."+name+" is not declared")
	}
	return s.once("var."+name, at, func() *value { return s.input(v) })
}

func (s *scope) input(v *variable) *value {
	given := s.given[v.name]
	if s.parent != nil {
		if attr := s.call.body.Attributes[v.name]; attr != nil {
			given = s.e.expr(attr.Expr, s.caller)
		}
	}
	if given != nil && given.kind == kindNull && !v.nullable {
		given = nil
	}
	if given == nil && v.def != nil {
		given = s.e.expr(v.def, s.frame())
	}
	if given == nil {
		at := location(v.at)
		given = unknownValue(at, inventory.Reason{Code: inventory.VarNoDefault, Ref: "var." + v.name})
	}
	return v.typ.convert(given).asSensitive(v.sensitive)
}

// undeclared says that a name leads nowhere.
func (s *scope) undeclared(what string, at hcl.Range) {
	where := location(at)
	s.e.notices.add(undeclared, where, fmt.Sprintf("%s: %s is not declared; what depends on it is unknown", where.Path, prefixed(s.address, what)))
}

// local returns the value of local.name.
func (s *scope) local(name string, at hcl.Range) *value {
	attr := s.mod.locals[name]
	if attr == nil {
		s.undeclared("local."+name, at)
		return failure(location(at), "local."+name+" is not declared")
	}
	return s.once("local."+name, at, func() *value { return s.e.expr(attr.Expr, s.frame()) })
}

// path returns path.module and its like. They are relative to the folder in which terraform runs, the root module.
func (s *scope) path(name string, at hcl.Range) *value {
	where := location(at)
	switch name {
	case "module":
		return text(relative(s.e.root, s.mod.dir), where)
	case "root":
		return text(".", where)
	case "cwd":
		// Where the tree lies is not known, but how the path ends is.
		cwd := unknownValue(where, inventory.Reason{Code: inventory.NotEvaluated, Ref: "path.cwd"})
		if s.e.root != "." {
			cwd.unknown.parts = []*value{unknownValue(where, cwd.unknown.reasons...), text("/"+s.e.root, where)}
		}
		return cwd
	}
	return failure(where, "path."+name)
}

// relative returns the path of a folder of the tree seen from another one.
func relative(from, to string) string {
	if from == to {
		return "."
	}
	if from == "." {
		return to
	}
	up := ""
	for from != "." && from != to && !within(from, to) {
		up = path.Join(up, "..")
		from = path.Dir(from)
	}
	switch {
	case from == to:
		return up
	case from == ".":
		return path.Join(up, to)
	}
	return path.Join(up, to[len(from)+1:])
}

func within(dir, name string) bool {
	return dir == "." || len(name) > len(dir) && name[:len(dir)] == dir && name[len(dir)] == '/'
}

// output returns the value of an output of the module.
func (s *scope) output(name string, at hcl.Range) *value {
	o := s.mod.outputs[name]
	if (o == nil || o.value == nil) && s.assumed != "" { // the model does not have it
		return unknownRef(location(at), inventory.Ref{Resource: inventory.ID(s.address), Attribute: name},
			[]inventory.Reason{{Code: inventory.ModuleNotAvailable, Ref: s.address}})
	}
	if o == nil || o.value == nil {
		s.undeclared("output."+name, at)
		return failure(location(at), "output "+name+" is not declared")
	}
	return s.once("output."+name, at, func() *value {
		return s.e.expr(o.value, s.frame()).asSensitive(literalBool(o.body, "sensitive", false))
	})
}

// shape says how instances are addressed.
type shape int

const (
	single shape = iota
	counted
	keyed
)

// instanceOf is one instance that count or for_each makes.
type instanceOf struct {
	index   string // "", [0], ["a"]
	key     string // of for_each
	names   *names
	exists  inventory.Existence
	reasons []inventory.Reason
	rest    bool // it stands for any number
}

// expand evaluates count and for_each of a resource or module call.
func (s *scope) expand(body *hclsyntax.Body, what string) ([]instanceOf, shape) {
	if attr := body.Attributes["count"]; attr != nil {
		return s.counted(s.e.expr(attr.Expr, s.frame()), what, attr.SrcRange), counted
	}
	if attr := body.Attributes["for_each"]; attr != nil {
		return s.keyed(s.e.expr(attr.Expr, s.frame()), what, attr.SrcRange), keyed
	}
	if enabled := lifecycleAttribute(body, "enabled"); enabled != nil { // OpenTofu 1.11
		v := s.e.expr(enabled.Expr, s.frame())
		if on, ok := v.asBool(); !ok {
			return []instanceOf{{exists: inventory.MayExist, reasons: undecided(v)}}, single
		} else if !on {
			return nil, single
		}
	}
	return []instanceOf{{}}, single
}

func lifecycleAttribute(body *hclsyntax.Body, name string) *hclsyntax.Attribute {
	for _, block := range body.Blocks {
		if block.Type == "lifecycle" {
			return block.Body.Attributes[name]
		}
	}
	return nil
}

// undecided returns the reasons of something whose number v decides.
func undecided(v *value) []inventory.Reason {
	var reasons []inventory.Reason
	for _, r := range reasonsOf(v) {
		reasons = addReasons(reasons, []inventory.Reason{{Code: inventory.CountUnknown, Ref: r.Ref}})
	}
	if len(reasons) == 0 { // null, or another value that Terraform would refuse
		return []inventory.Reason{{Code: inventory.CountUnknown, Ref: describe(v)}}
	}
	return reasons
}

func (s *scope) counted(v *value, what string, at hcl.Range) []instanceOf {
	least, most, bounded := bounds(v, 0)
	reasons := undecided(v)
	if !bounded {
		least, most = 0, 1
	}
	if most > maxInstances {
		where := location(at)
		s.e.notices.add("terraform-too-many", where, fmt.Sprintf("%s: %s has %d instances; the first %d are evaluated", where.Path, prefixed(s.address, what), most, countEvaluated))
		least, most = min(least, countEvaluated), countEvaluated
	}
	all := make([]instanceOf, 0, most)
	for i := range most {
		one := instanceOf{index: "[" + strconv.Itoa(i) + "]"}
		f := newFields()
		f.put("index", integer(i, location(at)))
		if !bounded {
			f.values["index"] = unknownValue(location(at), reasonsOf(v)...)
			if i == 0 {
				f.values["index"] = integer(0, location(at))
			}
		}
		one.names = &names{name: "count", value: mapping(structural, f, location(at))}
		if i >= least {
			one.exists, one.reasons, one.rest = inventory.MayExist, reasons, !bounded
		}
		all = append(all, one)
	}
	return all
}

// bounds returns between which numbers a count is.
func bounds(v *value, depth int) (least, most int, ok bool) {
	if n, ok := v.asInt(); ok {
		return max(n, 0), max(n, 0), true
	}
	if v.kind != kindUnknown || len(v.unknown.candidates) == 0 || depth > 4 {
		return 0, 0, false
	}
	for i, c := range v.unknown.candidates {
		l, m, ok := bounds(c, depth+1)
		if !ok {
			return 0, 0, false
		}
		if i == 0 || l < least {
			least = l
		}
		most = max(most, m)
	}
	return least, most, true
}

func (s *scope) keyed(v *value, what string, at hcl.Range) []instanceOf {
	where := location(at)
	if v.kind == kindObject {
		v = v.object.whole()
	}
	keys, elements, ok := forEachEntries(v)
	if !ok {
		s.e.notices.add("terraform-invalid", where, fmt.Sprintf("%s: for_each of %s is neither a map nor a set; it is unknown how many there are", where.Path, prefixed(s.address, what)))
		keys, elements = []*value{unknownFrom(where, v)}, []*value{unknownFrom(where, v).asRest()}
	}
	if len(keys) > maxInstances {
		s.e.notices.add("terraform-too-many", where, fmt.Sprintf("%s: %s has %d instances; the first %d are evaluated", where.Path, prefixed(s.address, what), len(keys), countEvaluated))
		keys, elements = keys[:countEvaluated], elements[:countEvaluated]
	}
	all := make([]instanceOf, 0, len(keys))
	unknownKeys := false
	for i, key := range keys {
		one := instanceOf{index: `["?"]`}
		name, known := key.asText()
		if known {
			one.key, one.index = name, "["+quote(name)+"]"
		} else {
			if unknownKeys {
				continue // one stands for all whose key is not known
			}
			unknownKeys = true
		}
		element := elements[i]
		one.rest = element.rest || !known
		if element.maybe || !known {
			one.exists = inventory.MayExist
			one.reasons = undecided(unknownFrom(where, key, element, v))
		}
		f := newFields()
		f.put("key", key)
		f.put("value", element.sure())
		one.names = &names{name: "each", value: mapping(structural, f, element.at)}
		all = append(all, one)
	}
	return all
}

// forEachEntries returns the keys and values of for_each: of a map its own, of a set each element for both.
func forEachEntries(v *value) (keys, elements []*value, ok bool) {
	switch {
	case v.kind == kindUnknown && len(v.unknown.candidates) > 0 && v.unknown.ref == nil:
		return candidateEntries(v)
	case v.kind == kindMap:
		return entriesOf(v)
	case v.kind == kindList:
		keys = make([]*value, len(v.list))
		for i, e := range v.list {
			keys[i] = e.sure()
		}
		return keys, v.list, true
	case v.kind == kindUnknown && !v.failed():
		return []*value{unknownFrom(v.at, v)}, []*value{unknownFrom(v.at, v).asRest()}, true
	}
	return nil, nil, false
}

// candidateEntries are those of all candidates; those that not every candidate has may not be there.
func candidateEntries(v *value) (keys, elements []*value, ok bool) {
	all := newFields()
	count := map[string]int{}
	for _, c := range v.unknown.candidates {
		ks, es, ok := forEachEntries(c)
		if !ok {
			return nil, nil, false
		}
		for i, k := range ks {
			name, known := k.asText()
			if !known {
				all.rest = unknownFrom(v.at, all.rest, k, es[i])
				continue
			}
			if !es[i].maybe {
				count[name]++
			}
			if all.values[name] == nil {
				all.put(name, es[i])
			}
		}
	}
	for name, e := range all.values {
		if count[name] < len(v.unknown.candidates) {
			all.values[name] = e.asMaybe(v.unknown.reasons)
		}
	}
	return entriesOf(mapping(collection, all, v.at))
}

// quote writes a key as Terraform does in addresses.
func quote(s string) string {
	q := strconv.Quote(s)
	out := make([]byte, 0, len(q))
	for i := 0; i < len(q); i++ {
		out = append(out, q[i])
		if (q[i] == '$' || q[i] == '%') && i+1 < len(q) && q[i+1] == '{' {
			out = append(out, q[i])
		}
	}
	return string(out)
}
