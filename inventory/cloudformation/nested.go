package cloudformation

import (
	"path"
	"strings"

	"github.com/trifecta-scanner/trifecta/inventory"
)

// stackTypes are the resources that are stacks of their own, with the property that names their template.
var stackTypes = map[string]string{
	"AWS::CloudFormation::Stack":   "TemplateURL",
	"AWS::Serverless::Application": "Location",
}

// calls returns the paths of the templates that a template nests.
func (r *reading) calls(t *template) []string {
	var paths []string
	for _, resource := range t.root.get("Resources").keys() {
		if name, _, ok := r.nested(t, resource.value); ok {
			paths = append(paths, name)
		}
	}
	return paths
}

// nested returns the template of a nested stack. It is assumed where its address leads to a bucket, and a file of that
// name stands where the bucket's copy comes from.
func (r *reading) nested(t *template, resource *node) (name string, assumed, ok bool) {
	property, ok := stackTypes[resource.get("Type").scalar()]
	if !ok {
		return "", false, false
	}
	dir := path.Dir(t.path)
	if asset := resource.find("Metadata", "aws:asset:path").scalar(); asset != "" && r.load(path.Join(dir, asset)) != nil {
		return path.Join(dir, asset), false, true
	}
	n := resource.find("Properties", property)
	address := n.scalar()
	if n != nil && n.kind == object {
		address = pattern(n)
	}
	if address == "" || strings.Contains(address, "\\") {
		return "", false, false
	}
	if local := path.Join(dir, address); n.kind == text && !strings.Contains(address, "://") {
		return local, false, r.inTree(local)
	}
	if i := strings.LastIndexByte(address, '}'); i >= 0 {
		address = address[i+1:]
	} else if _, after, found := strings.Cut(address, "://"); found {
		_, address, _ = strings.Cut(after, "/")
	}
	for tail := strings.Trim(address, "/"); tail != ""; _, tail, _ = strings.Cut(tail, "/") {
		for above := dir; ; above = path.Dir(above) {
			if name := path.Join(above, tail); name != t.path && r.inTree(name) {
				return name, true, true
			}
			if above == "." || above == "/" {
				break
			}
		}
	}
	return "", false, false
}

func (r *reading) inTree(name string) bool {
	return endings[path.Ext(name)] && r.tree.Has(name) && r.load(name) != nil
}

// pattern returns the text of a call of Fn::Sub or Fn::Join with what it would put in as ${}.
func pattern(n *node) string {
	name, arg := n.only()
	switch name {
	case "Fn::Sub":
		if items := arg.elements(); len(items) > 0 {
			return items[0].scalar()
		}
		return arg.scalar()
	case "Fn::Join":
		items := arg.elements()
		if len(items) != 2 {
			return ""
		}
		var parts []string
		for _, item := range items[1].elements() {
			part := item.scalar()
			if item.kind == object {
				part = "${}"
			}
			parts = append(parts, part)
		}
		return strings.Join(parts, items[0].scalar())
	}
	return ""
}

// child returns the stack that a resource is, nil where it is none or its template is not in the tree.
func (s *stack) child(logical string) *stack {
	if child, ok := s.children[logical]; ok {
		return child
	}
	s.children[logical] = nil // what is asked meanwhile leads in a circle
	decl := s.resources[logical]
	name, assumed, ok := s.run.nested(s.tmpl, decl.node)
	if !ok {
		if _, is := stackTypes[decl.node.get("Type").scalar()]; is {
			s.notice("nested-template-missing", decl.at, "%s: the template of the nested stack %s is not in the tree; what is inside of it is unknown", s.tmpl.path, logical)
		}
		return nil
	}
	for above := s; above != nil; above = above.parent {
		if above.tmpl.path == name {
			s.notice("template-cycle", decl.at, "%s: the nested stack %s leads back to %s", s.tmpl.path, shorten(logical), name)
			return nil
		}
	}
	if s.run.made++; s.depth >= maxNesting || s.run.made > maxStacks {
		s.notice("template-budget", decl.at, "%s: more than %d nested stacks, or %d inside each other; %s was not evaluated", s.tmpl.path, maxStacks, maxNesting, shorten(logical))
		return nil
	}
	if assumed {
		s.notice(noticeNestedAssumed, decl.at, "%s: the nested stack %s is taken to be %s, which its address ends with", s.tmpl.path, logical, name)
	}
	child := s.run.newStack(s.run.load(name), s.root)
	child.parent, child.depth, child.muted = s, s.depth+1, s.muted
	child.prefix = s.prefix + logical + "/"
	child.via = append(s.via[:len(s.via):len(s.via)], inventory.Call{Address: s.id(logical), Location: decl.at})
	child.region, child.account = s.region, s.account
	child.name = s.concat(decl.at, []inventory.Value{s.name, inventory.StringValue("-"+logical+"-", decl.at), unknown(decl.at, inventory.ParamNoDefault, "AWS::StackName")})
	for _, f := range s.eval(decl.node.find("Properties", "Parameters")).Fields() {
		child.given[f.Name] = f.Value
	}
	s.run.steps += child.tmpl.size
	child.declare()
	s.children[logical] = child
	return child
}

// output returns the value of an output.
func (s *stack) output(name string, at inventory.Location) inventory.Value {
	n := s.body.find("Outputs", name)
	if n == nil {
		s.notice("template-invalid", at, "%s has no output %s", s.tmpl.path, shorten(name))
		return unknown(at, inventory.NotEvaluated, "Outputs."+name)
	}
	v, ok := once(s.outputs, name, func() inventory.Value { return s.eval(n.get("Value")) })
	if !ok {
		s.notice("template-cycle", n.at, "%s: the output %s depends on itself", s.tmpl.path, shorten(name))
		return unknown(at, inventory.NotEvaluated, "Outputs."+name)
	}
	return v
}
