package cloudformation

import (
	"path"
	"slices"
	"strings"

	"github.com/trifecta-scanner/trifecta/inventory"
)

// The transforms that are evaluated here.
const (
	samTransform     = "AWS::Serverless-2016-10-31"
	includeTransform = "AWS::Include"
	loops            = "AWS::LanguageExtensions"
	forEach          = "Fn::ForEach::"
)

// moreTransforms change nothing that a resource is, or are part of what is evaluated anyway.
var moreTransforms = []string{loops, samTransform, "AWS::SecretsManager-2020-07-23", "AWS::SecretsManager-2024-09-16", "AWS::CodeDeployBlueGreen"}

// declare lists the resources of a stack: loops are unrolled and transforms applied, in CloudFormation's order.
func (s *stack) declare() {
	s.body = s.tmpl.root
	if s.tmpl.loops {
		s.body = s.unroll(s.tmpl.root)
	}
	sam := false
	for _, name := range transforms(s.tmpl.root.get("Transform")) {
		sam = sam || name == samTransform
		if !slices.Contains(moreTransforms, name) {
			s.opaque = true
			s.notice("transform-not-evaluated", s.tmpl.root.get("Transform").at, "%s: the transform %s is not evaluated; resources that it adds or changes are unknown", s.tmpl.path, shorten(name))
		}
	}
	s.declareAll(s.body.get("Resources"))
	if sam {
		s.expandSAM()
	}
}

// transforms returns the names of the transforms of a template.
func transforms(n *node) []string {
	var names []string
	for _, item := range append([]*node{n}, n.elements()...) {
		if name := item.scalar(); name != "" {
			names = append(names, name)
		} else if name := item.get("Name").scalar(); name != "" {
			names = append(names, name)
		}
	}
	return names
}

func (s *stack) declareAll(resources *node) {
	for _, e := range resources.keys() {
		switch {
		case e.key == "Fn::Transform":
			s.declareIncluded(e.value)
		case strings.HasPrefix(e.key, "Fn::"): // a loop that could not be unrolled
			s.opaque = true
		case e.key == "" || e.value.get("Type").scalar() == "":
			s.notice("template-invalid", e.at, "%s: the resource %s has no name or no type", s.tmpl.path, shorten(e.key))
		default:
			s.add(e.key, e.at, e.value)
		}
	}
}

// add declares a resource. A later one of the same id replaces an earlier one, as keys do.
func (s *stack) add(id string, at inventory.Location, n *node) {
	if s.run.made++; s.run.made > maxResources {
		if s.run.made == maxResources+1 {
			s.notice("template-budget", at, "%s: more than %d resources; the others were not evaluated", s.tmpl.path, maxResources)
		}
		s.opaque = true
		return
	}
	if s.resources[id] == nil {
		s.ids = append(s.ids, id)
	}
	s.resources[id] = &declared{at, n}
}

func (s *stack) declareIncluded(n *node) {
	inner, ok := s.include(n)
	if !ok {
		s.opaque = true
		return
	}
	s.declareAll(inner)
}

// include returns the file of an AWS::Include that is in the tree.
func (s *stack) include(n *node) (*node, bool) {
	name, location := n.get("Name").scalar(), n.find("Parameters", "Location")
	where := location.scalar()
	if name == includeTransform && where != "" && !strings.Contains(where, "://") {
		file := path.Join(path.Dir(s.tmpl.path), where)
		if inner, ok := s.run.part(file); ok {
			return inner, true
		}
	}
	if name == includeTransform {
		s.notice("transform-not-evaluated", n.at, "%s: the file of AWS::Include is not in the tree; what it adds is unknown", s.tmpl.path)
	} else {
		s.notice("transform-not-evaluated", n.at, "%s: the transform %s is not evaluated; what it adds is unknown", s.tmpl.path, shorten(name))
	}
	return nil, false
}

// part reads a file that templates include.
func (r *reading) part(name string) (*node, bool) {
	if n, ok := r.parts[name]; ok {
		return n, n != nil
	}
	r.parts[name] = nil
	data, err := r.tree.ReadFile(name)
	if err != nil || len(data) > maxTemplate {
		return nil, false
	}
	n, err := parse(name, data)
	if err != nil {
		r.notice("template-unreadable", place(err, inventory.Location{Path: name}), "%s can't be read from here on: %v", name, err)
	}
	r.parts[name] = n
	return n, n != nil
}

// included returns the fields that a transform puts in its place. A file that is a single value has no name.
func (s *stack) included(n *node) []inventory.Field {
	inner, ok := s.include(n)
	if !ok {
		return []inventory.Field{{Value: unknown(n.at, inventory.NotEvaluated, "Fn::Transform")}}
	}
	if !s.run.enter() {
		return []inventory.Field{{Value: unknown(n.at, inventory.NotEvaluated, "depth")}}
	}
	defer s.run.leave()
	v := s.eval(inner)
	if v.Kind() != inventory.Map {
		return []inventory.Field{{Value: v}}
	}
	return v.Fields()
}

// generated returns what a name stands for that only a transform can have made.
func (s *stack) generated(name string, at inventory.Location) (inventory.Value, bool) {
	if s.opaque {
		return unknown(at, inventory.NotEvaluated, "Fn::Transform"), true
	}
	if v, ok := s.samReference(name, at); ok {
		return v, true
	}
	return inventory.Value{}, false
}

// unroll returns a node with its loops unrolled
// (https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/intrinsic-function-reference-foreach.html).
func (s *stack) unroll(n *node) *node {
	if n == nil || !s.run.step(n.at) {
		return n
	}
	switch n.kind {
	case list:
		items := make([]*node, len(n.items))
		for i, item := range n.items {
			items[i] = s.unroll(item)
		}
		return &node{kind: list, items: items, at: n.at}
	case object:
		result := &node{kind: object, at: n.at}
		for _, e := range n.entries {
			if strings.HasPrefix(e.key, forEach) {
				result.entries = append(result.entries, s.iterate(e)...)
				continue
			}
			result.entries = append(result.entries, entry{e.key, e.at, s.unroll(e.value)})
		}
		return result
	}
	return n
}

func (s *stack) iterate(loop entry) []entry {
	items := loop.value.elements()
	if len(items) != 3 || items[0].kind != text || items[2].kind != object {
		s.notice("template-invalid", loop.at, "%s: Fn::ForEach wants an identifier, a list and an object", s.tmpl.path)
		return []entry{loop}
	}
	values := s.eval(items[1])
	var entries []entry
	for _, v := range values.Elements() {
		t, ok := v.Text()
		if !ok || v.IsMaybe() {
			s.notice("transform-not-evaluated", loop.at, "%s: the list of this loop is not known; what it makes is unknown", s.tmpl.path)
			return []entry{loop}
		}
		body := s.substitute(items[2], items[0].text, t)
		for _, e := range body.entries {
			if strings.HasPrefix(e.key, forEach) {
				entries = append(entries, s.iterate(e)...)
			} else {
				entries = append(entries, entry{e.key, loop.at, s.unroll(e.value)})
			}
			if len(entries) > maxResources || !s.run.step(loop.at) {
				s.notice("template-budget", loop.at, "%s: this loop makes more than %d entries; the others were not evaluated", s.tmpl.path, maxResources)
				s.opaque = true
				return entries
			}
		}
	}
	return entries
}

// substitute returns a copy of a node in which an identifier is a text.
func (s *stack) substitute(n *node, name, value string) *node {
	if !s.run.step(n.at) {
		return n
	}
	alphanumeric := strings.Map(func(r rune) rune {
		if r >= '0' && r <= '9' || r >= 'A' && r <= 'Z' || r >= 'a' && r <= 'z' {
			return r
		}
		return -1
	}, value)
	replace := strings.NewReplacer("${"+name+"}", value, "&{"+name+"}", alphanumeric).Replace
	switch n.kind {
	case text:
		if strings.Contains(n.text, "{"+name+"}") {
			return textNode(replace(n.text), n.at)
		}
	case list:
		items := make([]*node, len(n.items))
		for i, item := range n.items {
			items[i] = s.substitute(item, name, value)
		}
		return &node{kind: list, items: items, at: n.at}
	case object:
		if key, arg := n.only(); key == "Ref" && arg.scalar() == name {
			return textNode(value, n.at)
		}
		result := &node{kind: object, at: n.at, entries: make([]entry, len(n.entries))}
		for i, e := range n.entries {
			result.entries[i] = entry{replace(e.key), e.at, s.substitute(e.value, name, value)}
		}
		return result
	}
	return n
}
