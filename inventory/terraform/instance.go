package terraform

import (
	"fmt"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"

	"github.com/trifecta-scanner/trifecta/inventory"
)

// instance is one instance of a resource or data source.
type instance struct {
	scope *scope
	res   *resource
	of    instanceOf
	id    inventory.ID
	slots map[string]*slot
	full  *value
}

// instances are those of one resource.
type instances struct {
	all   []*instance
	shape shape
	value *value
	busy  bool
}

// meta are arguments of the language, not of the resource type.
var meta = map[string]bool{"count": true, "for_each": true, "depends_on": true, "provider": true, "providers": true}

// metaBlocks likewise.
var metaBlocks = map[string]bool{"lifecycle": true, "provisioner": true, "connection": true}

// instancesOf returns the instances of a resource, nil where they depend on themselves.
func (s *scope) instancesOf(r *resource, at hcl.Range) *instances {
	if have := s.expanded[r.key]; have != nil {
		if have.busy {
			s.e.cycle(prefixed(s.address, r.key), at)
			return nil
		}
		return have
	}
	made := &instances{busy: true}
	s.expanded[r.key] = made
	expanded, shape := s.expand(r.body, r.key)
	made.shape = shape
	base := prefixed(s.address, r.key)
	if s.e.resources += len(expanded); s.e.resources > maxResources {
		s.e.stop(r.at, fmt.Sprintf("more than %d resources", maxResources))
		expanded = nil
	}
	for _, of := range expanded {
		made.all = append(made.all, &instance{scope: s, res: r, of: of, id: inventory.ID(base + of.index), slots: map[string]*slot{}})
	}
	made.busy = false
	made.value = made.asValue(location(r.at))
	return made
}

// asValue is what the name of the resource means in an expression.
func (in *instances) asValue(at inventory.Location) *value {
	switch in.shape {
	case counted:
		var elements []*value
		for _, i := range in.all {
			v := instanceValue(i, at)
			if i.of.exists == inventory.MayExist {
				v = v.asMaybe(i.of.reasons)
			}
			elements = append(elements, v)
			if i.of.rest { // the others, by the name of all
				base := inventory.ID(strings.TrimSuffix(string(i.id), i.of.index))
				elements = append(elements, unknownRef(at, inventory.Ref{Resource: base}, i.of.reasons).asRest())
			}
		}
		return list(structural, elements, at)
	case keyed:
		f := newFields()
		for _, i := range in.all {
			v := instanceValue(i, at)
			if i.of.index == `["?"]` && i.of.rest {
				f.rest = v
				continue
			}
			if i.of.exists == inventory.MayExist {
				v = v.asMaybe(i.of.reasons)
			}
			f.put(i.of.key, v)
		}
		return mapping(structural, f, at)
	}
	if len(in.all) == 0 {
		return null(at)
	}
	return instanceValue(in.all[0], at)
}

// resourceValue returns what the name of a resource or data source means.
func (s *scope) resourceValue(key string, at hcl.Range) *value {
	r := s.mod.resources[key]
	if r == nil {
		s.undeclared(key, at)
		return failure(location(at), key+" is not declared")
	}
	in := s.instancesOf(r, at)
	if in == nil {
		return unknownValue(location(at), inventory.Reason{Code: inventory.NotEvaluated, Ref: prefixed(s.address, key)})
	}
	return in.value
}

func (i *instance) frame() *frame {
	f := i.scope.frame()
	f.names = i.of.names
	return f
}

func (i *instance) identity() (inventory.ID, []inventory.Reason) {
	if i.res.mode == "data" {
		return i.id, []inventory.Reason{{Code: inventory.DataSource, Ref: string(i.id)}}
	}
	return i.id, []inventory.Reason{{Code: inventory.Computed, Ref: string(i.id)}}
}

// computed is an attribute that only the provider knows.
func (i *instance) computed(name string, at hcl.Range) *value {
	id, reasons := i.identity()
	return unknownRef(location(at), inventory.Ref{Resource: id, Attribute: name}, reasons)
}

// attribute returns what is written for an attribute or nested block, else what the provider will answer.
func (i *instance) attribute(name string, at hcl.Range) *value {
	if v := i.given(name, at); v != nil && (i.res.mode != "data" || v.kind != kindString || v.text != "") {
		return v // an empty argument of a data source counts as not written, and the provider computes what it finds
	}
	if v := i.answer(name, at); v != nil {
		return v
	}
	return i.computed(name, at)
}

// given returns what is written for an attribute or nested block, nil where nothing is, or null.
func (i *instance) given(name string, at hcl.Range) *value {
	sl := i.slots[name]
	if sl == nil {
		sl = &slot{busy: true}
		i.slots[name] = sl
		sl.value = i.evaluate(name)
		sl.busy = false
	} else if sl.busy {
		return i.scope.e.cycle(string(i.id)+"."+name, at)
	}
	return sl.value
}

// evaluate returns what is written for an attribute, nil where nothing is.
func (i *instance) evaluate(name string) *value {
	if attr := i.res.body.Attributes[name]; attr != nil && !meta[name] {
		v := i.scope.e.expr(attr.Expr, i.frame())
		if v.kind == kindNull {
			return nil
		}
		return v.sure()
	}
	if metaBlocks[name] {
		return nil
	}
	id, reasons := i.identity()
	h := &home{inventory.Ref{Resource: id, Attribute: name}, reasons}
	elements := i.scope.e.blocks(i.res.body, name, i.frame(), h)
	if elements == nil {
		return nil
	}
	v := list(structural, elements, elements[0].at)
	v.home = h
	return v
}

// whole returns the object with all that is written.
func (i *instance) whole() *value {
	if i.full == nil {
		f := newFields()
		at := location(i.res.at)
		for _, name := range sortedKeys(i.res.body.Attributes) {
			if meta[name] {
				continue
			}
			v := i.given(name, i.res.at)
			if v == nil {
				v = null(location(i.res.body.Attributes[name].Expr.Range()))
			}
			f.put(name, v)
		}
		for _, block := range i.res.body.Blocks {
			name := blockType(block)
			if metaBlocks[name] || f.values[name] != nil {
				continue
			}
			if v := i.given(name, i.res.at); v != nil {
				f.put(name, v)
			}
		}
		v := mapping(structural, f, at)
		id, reasons := i.identity()
		v.home = &home{inventory.Ref{Resource: id}, reasons}
		v.open = true
		i.full = v
	}
	return i.full
}

// blocks returns the nested blocks of a type, those of dynamic blocks included; nil where there are none.
func (e *evaluator) blocks(body *hclsyntax.Body, typ string, f *frame, h *home) []*value {
	var made []*value
	for _, block := range body.Blocks {
		if blockType(block) != typ || metaBlocks[block.Type] {
			continue
		}
		if len(made) > maxInstances || e.stopped != "" {
			break
		}
		if block.Type != "dynamic" {
			made = append(made, e.block(block, block.Body, f, h, len(made)))
			continue
		}
		made = append(made, e.dynamic(block, f, h, len(made))...)
	}
	return made
}

// block evaluates one nested block.
func (e *evaluator) block(block *hclsyntax.Block, body *hclsyntax.Body, f *frame, h *home, n int) *value {
	at := location(hcl.RangeBetween(block.DefRange(), block.CloseBraceRange))
	if e.depth >= maxDepth {
		return beyond(at, "blocks inside each other")
	}
	e.depth++
	defer func() { e.depth-- }()
	inner := &home{h.ref, h.reasons}
	inner.ref.Attribute += fmt.Sprintf("[%d]", n)
	fields := newFields()
	for _, name := range sortedKeys(body.Attributes) {
		fields.put(name, e.expr(body.Attributes[name].Expr, f).sure())
	}
	for _, nestedBlock := range body.Blocks {
		name := blockType(nestedBlock)
		if fields.values[name] != nil || metaBlocks[name] {
			continue
		}
		deeper := &home{inner.ref, inner.reasons}
		deeper.ref.Attribute += "." + name
		if elements := e.blocks(body, name, f, deeper); elements != nil {
			v := list(structural, elements, elements[0].at)
			v.home = deeper
			fields.put(name, v)
		}
	}
	for i, label := range block.Labels {
		if block.Type != "dynamic" {
			fields.put(labelName(i), text(label, at))
		}
	}
	v := mapping(structural, fields, at)
	if v.kind == kindMap {
		v.home = inner
	}
	return v
}

func labelName(i int) string { return strings.Repeat("_", i+1) + "label" }

// dynamic evaluates a dynamic block: one block for each element of for_each.
func (e *evaluator) dynamic(block *hclsyntax.Block, f *frame, h *home, n int) []*value {
	attr := block.Body.Attributes["for_each"]
	var content *hclsyntax.Block
	for _, b := range block.Body.Blocks {
		if b.Type == "content" {
			content = b
		}
	}
	if attr == nil || content == nil || len(block.Labels) != 1 {
		return nil
	}
	name := block.Labels[0]
	if iterator := block.Body.Attributes["iterator"]; iterator != nil {
		if keyword := hcl.ExprAsKeyword(iterator.Expr); keyword != "" {
			name = keyword
		}
	}
	source := e.expr(attr.Expr, f)
	at := location(attr.Expr.Range())
	if source.kind == kindObject {
		source = source.object.whole()
	}
	keys, elements, ok := entriesOf(source)
	if !ok || source.failed() {
		if source.kind != kindNull {
			u := unknownFrom(at, source)
			keys, elements = []*value{u}, []*value{u.asRest()}
		}
	}
	var made []*value
	for i, element := range elements {
		if len(made) >= maxInstances || e.stopped != "" {
			e.notices.add("terraform-too-many", at, fmt.Sprintf("%s: a dynamic block makes more than %d blocks; the first ones are evaluated", at.Path, maxInstances))
			break
		}
		each := newFields()
		each.put("key", keys[i])
		each.put("value", element.sure())
		v := e.block(block, content.Body, f.with(name, mapping(structural, each, at)), h, n+len(made))
		if element.maybe {
			v = v.asMaybe(undecided(unknownFrom(at, element)))
		}
		made = append(made, v)
	}
	return made
}

// children are the instances of a module that one call makes.
type children struct {
	all   []*moduleInstance
	shape shape
	value *value
	busy  bool
}

// moduleInstance is one of them. scope is nil where the source of the module is not in the tree.
type moduleInstance struct {
	scope *scope
	of    instanceOf
	id    inventory.ID
	call  *call
	from  *scope
}

func (m *moduleInstance) identity() (inventory.ID, []inventory.Reason) {
	return m.id, []inventory.Reason{{Code: inventory.ModuleNotAvailable, Ref: string(m.id)}}
}

func (m *moduleInstance) attribute(name string, at hcl.Range) *value {
	if m.scope == nil {
		id, reasons := m.identity()
		return unknownRef(location(at), inventory.Ref{Resource: id, Attribute: name}, reasons)
	}
	return m.scope.output(name, at)
}

func (m *moduleInstance) whole() *value {
	at := location(m.call.at)
	f := newFields()
	if m.scope == nil {
		id, reasons := m.identity()
		f.rest = unknownRef(at, inventory.Ref{Resource: id}, reasons)
		return mapping(structural, f, at)
	}
	for _, name := range sortedKeys(m.scope.mod.outputs) {
		f.put(name, m.scope.output(name, m.call.at))
	}
	return mapping(structural, f, at)
}

// moduleValue returns what module.name means.
func (s *scope) moduleValue(name string, at hcl.Range) *value {
	c := s.mod.calls[name]
	if c == nil {
		s.undeclared("module."+name, at)
		return failure(location(at), "module."+name+" is not declared")
	}
	ch := s.childrenOf(c, at)
	if ch == nil {
		return unknownValue(location(at), inventory.Reason{Code: inventory.NotEvaluated, Ref: prefixed(s.address, "module."+name)})
	}
	return ch.value
}

// childrenOf returns the instances of a module call, nil where they depend on themselves.
func (s *scope) childrenOf(c *call, at hcl.Range) *children {
	if have := s.children[c.name]; have != nil {
		if have.busy {
			s.e.cycle(prefixed(s.address, "module."+c.name), at)
			return nil
		}
		return have
	}
	made := &children{busy: true}
	s.children[c.name] = made
	expanded, shape := s.expand(c.body, "module."+c.name)
	made.shape = shape
	dir, ok := s.e.sources.resolve(s, c)
	if !ok {
		s.e.absent(c)
	}
	base := prefixed(s.address, "module."+c.name)
	for _, of := range expanded {
		m := &moduleInstance{of: of, id: inventory.ID(base + of.index), call: c, from: s}
		if ok {
			m.scope = s.child(c, dir, m)
		}
		made.all = append(made.all, m)
	}
	made.busy = false
	where := location(c.at)
	switch shape {
	case counted:
		var elements []*value
		for _, m := range made.all {
			v := instanceValue(m, where)
			if m.of.exists == inventory.MayExist {
				v = v.asMaybe(m.of.reasons)
			}
			elements = append(elements, v)
			if m.of.rest {
				elements = append(elements, unknownValue(where, m.of.reasons...).asRest())
			}
		}
		made.value = list(structural, elements, where)
	case keyed:
		f := newFields()
		for _, m := range made.all {
			v := instanceValue(m, where)
			if m.of.index == `["?"]` && m.of.rest {
				f.rest = v
				continue
			}
			if m.of.exists == inventory.MayExist {
				v = v.asMaybe(m.of.reasons)
			}
			f.put(m.of.key, v)
		}
		made.value = mapping(structural, f, where)
	default:
		made.value = null(where)
		if len(made.all) > 0 {
			made.value = instanceValue(made.all[0], where)
		}
	}
	return made
}

// child makes the scope of one instance of a module; nil where modules call each other without end.
func (s *scope) child(c *call, dir string, m *moduleInstance) *scope {
	where := location(c.at)
	for outer, n := s, 0; outer != nil; outer, n = outer.parent, n+1 {
		if outer.mod.dir == dir || n >= maxModule {
			s.e.notices.add("terraform-recursive-module", where, fmt.Sprintf("%s: module %s calls itself through %s; what is inside is unknown", where.Path, c.name, dir))
			return nil
		}
	}
	if s.e.modules++; s.e.modules > maxModules {
		s.e.stop(c.at, fmt.Sprintf("more than %d modules", maxModules))
		return nil
	}
	inner := newScope(s.e, s.e.files.module(dir))
	inner.parent, inner.call = s, c
	inner.caller = &frame{s, m.of.names}
	inner.address = string(m.id)
	inner.keys = strings.TrimPrefix(s.keys+"."+c.name, ".")
	inner.via = append(s.via[:len(s.via):len(s.via)], inventory.Call{Address: m.id, Location: s.e.files.columns(where)})
	inner.exists, inner.reasons, inner.assumed = s.exists, s.reasons, s.assumed
	if b, _ := s.e.files.builtinOf(dir); b != nil {
		inner.assumed = b.model.Assumed
	}
	if m.of.exists != inventory.Exists {
		inner.exists, inner.reasons = m.of.exists, addReasons(s.reasons, m.of.reasons)
	}
	return inner
}
