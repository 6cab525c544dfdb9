package cloudformation

import (
	"strconv"
	"strings"

	"github.com/trifecta-scanner/trifecta/inventory"
)

// exports are the outputs that the stacks of a run export.
type exports struct {
	byName   map[string][]export            // of known names
	bySuffix map[string][]export            // of names that begin with the name of a stack that is not known
	suffixes map[*stack]map[string]struct{} // likewise
}

type export struct {
	stack  *stack
	output string
}

// stackName is the reason of a stack name that nothing says.
var stackName = inventory.Reason{Code: inventory.ParamNoDefault, Ref: "AWS::StackName"}

// exported collects what the stacks export.
func (r *run) exported() *exports {
	if r.exports != nil {
		return r.exports
	}
	r.exports = &exports{map[string][]export{}, map[string][]export{}, map[*stack]map[string]struct{}{}}
	for _, s := range r.stacks {
		s.each(r.exports.collect)
	}
	return r.exports
}

// each calls visit for a stack and those inside of it.
func (s *stack) each(visit func(*stack)) {
	visit(s)
	for _, id := range s.ids {
		if child := s.nestedOnly(id); child != nil {
			child.each(visit)
		}
	}
}

// nestedOnly is child for resources that are stacks, without a notice where their template is missing.
func (s *stack) nestedOnly(logical string) *stack {
	if _, ok := stackTypes[s.resources[logical].node.get("Type").scalar()]; !ok || s.exists(s.resources[logical]).never() {
		return nil
	}
	return s.child(logical)
}

func (e *exports) collect(s *stack) {
	s.muted++
	defer func() { s.muted-- }()
	for _, output := range s.body.get("Outputs").keys() {
		n := output.value.find("Export", "Name")
		if n == nil {
			continue
		}
		if c := output.value.get("Condition"); c != nil && s.condition(c.scalar(), c.at).never() {
			continue
		}
		found := export{s, output.key}
		name := s.eval(n)
		if known, ok := name.Text(); ok {
			e.byName[known] = append(e.byName[known], found)
			continue
		}
		reason, suffix, ok := suffixOf(name)
		if !ok || reason != stackName {
			continue
		}
		e.bySuffix[suffix] = append(e.bySuffix[suffix], found)
		if e.suffixes[s] == nil {
			e.suffixes[s] = map[string]struct{}{}
		}
		e.suffixes[s][suffix] = struct{}{}
	}
}

// suffixOf divides a name into what is not known at its beginning, and the text that follows.
func suffixOf(name inventory.Value) (reason inventory.Reason, suffix string, ok bool) {
	parts := name.Parts()
	if len(parts) != 2 || len(parts[0].Reasons()) != 1 {
		return reason, "", false
	}
	suffix, ok = parts[1].Text()
	return parts[0].Reasons()[0], suffix, ok && suffix != ""
}

// divide returns what an import says about the stack that it imports from, the parameter that names it or its name in
// quotes, and the suffix of the export. Names that are exported as they are need no dividing.
func (e *exports) divide(name inventory.Value) (stack, suffix string, ok bool) {
	known, ok := name.Text()
	if !ok {
		reason, suffix, ok := suffixOf(name)
		return reason.Ref, suffix, ok && reason.Code == inventory.ParamNoDefault
	}
	if len(e.byName[known]) > 0 {
		return "", "", false
	}
	for candidate := range e.bySuffix {
		if strings.HasSuffix(known, candidate) && len(candidate) < len(known) && len(candidate) > len(suffix) {
			suffix = candidate
		}
	}
	return strconv.Quote(strings.TrimSuffix(known, suffix)), suffix, suffix != ""
}

// bind finds out which stack a parameter such as ParentVPCStack names: the one whose template exports what is imported with
// the parameter, where there is just one.
func (r *run) bind() {
	for _, s := range r.stacks {
		if r.begin(s); s.imports() {
			s.each(func(inner *stack) { inner.bind(s) })
		}
	}
}

// imports reports whether a template, or one inside of it, imports anything.
func (s *stack) imports() bool {
	found := false
	s.each(func(inner *stack) { found = found || inner.tmpl.imports })
	return found
}

func (s *stack) bind(outer *stack) {
	s.muted++
	defer func() { s.muted-- }()
	wanted := map[string]map[string]struct{}{}
	var order []string
	s.importNames(s.body, func(name inventory.Value) {
		stack, suffix, ok := s.run.exported().divide(name)
		if !ok {
			return
		}
		if wanted[stack] == nil {
			wanted[stack] = map[string]struct{}{}
			order = append(order, stack)
		}
		wanted[stack][suffix] = struct{}{}
	})
	for _, parameter := range order {
		if outer.stacks[parameter] == nil {
			outer.stacks[parameter] = s.run.exporter(wanted[parameter], outer)
		}
	}
}

// exporter returns the only stack that exports all of the suffixes, apart from the one that asks, or else the only one that
// exports any: what is imported under a condition need not be there.
func (r *run) exporter(suffixes map[string]struct{}, asking *stack) *stack {
	var all, some []*stack
	for _, s := range r.stacks {
		if s == asking {
			continue
		}
		n := 0
		for suffix := range suffixes {
			if _, ok := r.exported().suffixes[s][suffix]; ok {
				n++
			}
		}
		if n == len(suffixes) {
			all = append(all, s)
		}
		if n > 0 {
			some = append(some, s)
		}
	}
	switch {
	case len(all) == 1:
		return all[0]
	case len(all) == 0 && len(some) == 1:
		return some[0]
	}
	return nil
}

// importNames calls visit with the name of each import below a node.
func (s *stack) importNames(n *node, visit func(inventory.Value)) {
	if n == nil || !s.run.step(n.at) {
		return
	}
	if name, arg := n.only(); name == "Fn::ImportValue" {
		visit(s.eval(arg))
		return
	}
	for _, item := range n.items {
		s.importNames(item, visit)
	}
	for _, e := range n.entries {
		s.importNames(e.value, visit)
	}
}

// importValue returns what a template of the tree exports under a name.
func (s *stack) importValue(n *node, name inventory.Value) inventory.Value {
	shown := display(name)
	if known, ok := name.Text(); ok {
		if found := s.run.exported().byName[known]; len(found) == 1 {
			return s.imported(n, found[0], known)
		}
	}
	stack, suffix, ok := s.run.exported().divide(name)
	if !ok {
		return unknown(n.at, inventory.ImportValue, shown)
	}
	found := s.run.exported().bySuffix[suffix]
	outer := s
	for outer.parent != nil {
		outer = outer.parent
	}
	from := outer.stacks[stack]
	for _, e := range found {
		if e.stack == from {
			s.notice(noticeImportAssumed, outer.place(stack), "%s: %s is taken to be the stack of %s, the only template that exports what is imported from it", s.tmpl.path, shorten(stack), from.tmpl.path)
			return s.imported(n, e, shown)
		}
	}
	return unknown(n.at, inventory.ImportValue, shown)
}

// place returns where a parameter of the template is declared.
func (s *stack) place(parameter string) inventory.Location {
	for _, e := range s.body.get("Parameters").keys() {
		if e.key == parameter {
			return e.at
		}
	}
	return inventory.Location{Path: s.tmpl.path}
}

// imported returns the value of an export as the importing template sees it.
func (s *stack) imported(n *node, e export, name string) inventory.Value {
	if !s.run.enter() {
		return unknown(n.at, inventory.ImportValue, name)
	}
	defer s.run.leave()
	v := e.stack.output(e.output, n.at)
	if e.stack.root != s.root {
		v = moved(v, e.stack.root)
	}
	return v
}

// moved returns a value of the template root as others see it.
func moved(v inventory.Value, root string) inventory.Value {
	all := func(values []inventory.Value) []inventory.Value {
		list := make([]inventory.Value, len(values))
		for i, v := range values {
			list[i] = moved(v, root)
		}
		return list
	}
	at := v.Location()
	result := v
	switch v.Kind() {
	case inventory.List:
		result = inventory.ListValue(all(v.Elements()), at)
	case inventory.Map:
		fields := make([]inventory.Field, len(v.Fields()))
		for i, f := range v.Fields() {
			fields[i] = inventory.Field{Name: f.Name, Value: moved(f.Value, root)}
		}
		result = inventory.MapValue(fields, at)
	case inventory.Unknown:
		if v.IsRest() {
			result = inventory.RestValue(at, v.Reasons()...)
		} else {
			result = inventory.UnknownValue(at, v.Reasons()...)
		}
		if c := v.Candidates(); len(c) > 0 {
			result = result.WithCandidates(all(c)...)
		}
		if p := v.Parts(); len(p) > 0 {
			result = result.WithParts(all(p)...)
		}
		if inner, ok := v.Encoded(); ok {
			result = result.WithEncoded(moved(inner, root))
		}
	}
	if v.IsMaybe() {
		result = result.AsMaybe(v.Reasons()...)
	}
	if v.IsSensitive() {
		result = result.AsSensitive()
	}
	if ref, ok := v.Ref(); ok {
		if ref.Root == "" && !strings.HasPrefix(string(ref.Resource), "resolve:") && !strings.HasPrefix(string(ref.Resource), zonesOf) {
			ref.Root = root
		}
		result = result.WithRef(ref)
	}
	return result
}

// display returns a text as a person would write it, with ${name} for what is not known of it.
func display(v inventory.Value) string {
	if t, ok := v.Text(); ok {
		return t
	}
	parts := v.Parts()
	if len(parts) == 0 {
		for _, reason := range v.Reasons() {
			return "${" + reason.Ref + "}"
		}
		return "${}"
	}
	var b strings.Builder
	for _, part := range parts {
		b.WriteString(display(part))
	}
	return b.String()
}
