package terraform

import (
	"bytes"
	"fmt"
	"io"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/trifecta-scanner/trifecta/inventory"
)

// plan is the answer of `terraform show -json` for a saved plan
// (https://developer.hashicorp.com/terraform/internals/json-format#plan-representation). It is a better source of the root
// that it belongs to: the values of variables that no file gives, how many instances there are, and what data sources
// answered. The configuration beside it still says where each value comes from and what it refers to.
type plan struct {
	name      string
	root      *jsonNode
	resources map[string]*planned
	order     []string
	used      bool
}

// planned is one resource of a plan.
type planned struct {
	address                    string
	node                       *jsonNode
	module                     string
	values, unknown, sensitive *jsonNode
	data                       bool
	typ, label                 string
}

// plansAlone returns the resources of plans without configuration beside them. Their root is the folder of the plan.
func (r *reader) plansAlone() []*inventory.Resource {
	var all []*inventory.Resource
	for _, dir := range sortedKeys(r.plans) {
		for _, p := range r.plans[dir] {
			switch {
			case p.used:
			case slices.Contains(r.rootsFound, dir):
				at := inventory.Location{Path: p.name, Line: 1}
				r.notices.add("terraform-plan-unused", at, fmt.Sprintf("%s: it is not known which environment of %s the plan is for; name the file for it", p.name, dir))
			default:
				own := p.apply(r.notices, nil)
				for _, one := range own {
					one.Root = dir
					if len(r.plans[dir]) > 1 {
						one.Environment = strings.TrimSuffix(path.Base(p.name), ".json")
					}
				}
				all = append(all, own...)
			}
		}
	}
	return all
}

// get returns a member of an object, nil where there is none.
func (n *jsonNode) get(names ...string) *jsonNode {
	for _, name := range names {
		if n == nil {
			return nil
		}
		members, ok := n.value.([]jsonMember)
		if !ok {
			return nil
		}
		i := slices.IndexFunc(members, func(m jsonMember) bool { return m.name == name })
		if i < 0 {
			return nil
		}
		n = members[i].node
	}
	return n
}

func (n *jsonNode) text() string {
	if n == nil {
		return ""
	}
	s, _ := n.value.(string)
	return s
}

func (n *jsonNode) list() []*jsonNode {
	if n == nil {
		return nil
	}
	elements, _ := n.value.([]*jsonNode)
	return elements
}

func (n *jsonNode) members() []jsonMember {
	if n == nil {
		return nil
	}
	members, _ := n.value.([]jsonMember)
	return members
}

func (n *jsonNode) isTrue() bool { return n != nil && n.value == true }

func (n *jsonNode) isNull() bool { return n == nil || n.value == nil }

// plansOf returns the plans of the tree by the folder that they lie in.
func (r *reader) plansOf() map[string][]*plan {
	found := map[string][]*plan{}
	for _, f := range r.files.tree.WithSuffix(".json") {
		base := f.Base()
		if f.Vendored || isConfiguration(base) || strings.HasSuffix(base, ".tfvars.json") || f.Size < smallestPlan ||
			strings.HasPrefix(base, "package") || strings.HasPrefix(base, "tsconfig") || !r.looksLikePlan(f.Path) {
			continue
		}
		if p := r.readPlan(f.Path); p != nil {
			dir := path.Dir(f.Path)
			found[dir] = append(found[dir], p)
		}
	}
	return found
}

// smallestPlan is less than any plan has, in bytes; most files of JSON in a tree need not be opened for it, nor those
// that every folder of JavaScript has.
const smallestPlan = 128

// looksLikePlan looks at the beginning of a file: format_version comes first.
func (r *reader) looksLikePlan(name string) bool {
	file, err := r.files.tree.FS().Open(name)
	if err != nil {
		return false
	}
	defer file.Close()
	head := make([]byte, 256)
	n, err := io.ReadFull(file, head)
	return (err == nil || n > 0) && bytes.Contains(head[:n], []byte(`"format_version"`))
}

func (r *reader) readPlan(name string) *plan {
	at := inventory.Location{Path: name, Line: 1}
	data, err := r.files.read(name, maxFile)
	if err != nil {
		r.notices.add("unreadable-file", at, fmt.Sprintf("%s can't be read: %v", name, causeOf(err)))
		return nil
	}
	if !bytes.Contains(data, []byte(`"planned_values"`)) || !tokensWithin(data) {
		return nil
	}
	root, err := readJSON(data, name)
	if err != nil {
		r.notices.add("terraform-syntax", at, fmt.Sprintf("%s is not understood: %v; the configuration beside it is evaluated without the plan", name, err))
		return nil
	}
	if root.get("planned_values") == nil {
		return nil
	}
	p := &plan{name: name, root: root, resources: map[string]*planned{}}
	p.module(root.get("prior_state", "values", "root_module"), true, 0)
	p.module(root.get("planned_values", "root_module"), false, 0)
	for _, change := range root.get("resource_changes").list() {
		if r := p.resources[change.get("address").text()]; r != nil {
			r.unknown = change.get("change", "after_unknown")
			r.sensitive = change.get("change", "after_sensitive")
		}
	}
	return p
}

// module takes in the resources of a module of the plan; of the state before it only what data sources answered.
func (p *plan) module(m *jsonNode, before bool, depth int) {
	if m == nil || depth > maxModule {
		return
	}
	for _, n := range m.get("resources").list() {
		r := &planned{
			address: n.get("address").text(), node: n, module: m.get("address").text(), values: n.get("values"), sensitive: n.get("sensitive_values"),
			data: n.get("mode").text() == "data", typ: n.get("type").text(), label: n.get("name").text(),
		}
		if r.address == "" || r.typ == "" || before && !r.data {
			continue
		}
		if p.resources[r.address] == nil {
			p.order = append(p.order, r.address)
		}
		p.resources[r.address] = r
	}
	for _, child := range m.get("child_modules").list() {
		p.module(child, before, depth+1)
	}
}

// planFor returns the plan of a root for one of its environments: the only plan beside the only one, else the one whose
// file is named for it.
func (r *reader) planFor(root string, v variant, variants int) *plan {
	plans := r.plans[root]
	if len(plans) == 1 && variants == 1 {
		return plans[0]
	}
	for _, p := range plans {
		if v.name != "" && strings.Contains(path.Base(p.name), v.name) {
			return p
		}
	}
	return nil
}

// variables lays the values of the plan's variables over those that the files give. Where both are the same the value
// keeps its place.
func (p *plan) variables(e *evaluator, s *scope) {
	b := &jsonBody{}
	f := &frame{scope: newScope(e, newModule(e.root))}
	given := map[string]*value{}
	for _, m := range p.root.get("variables").members() {
		decl := s.mod.variables[m.name]
		node := m.node.get("value")
		if decl == nil || node == nil {
			continue
		}
		v := e.expr(b.expression(node, asLiteral), f)
		if before := e.quiet(func() *value { return s.input(decl) }); before.kind != kindUnknown {
			if equal, known := equals(before, decl.typ.convert(v)); known && equal {
				continue
			}
		}
		given[m.name] = v
	}
	for name, v := range given {
		s.given[name] = v
	}
}

// apply lays the plan over what the configuration says, and adds what only the plan knows.
func (p *plan) apply(n *notices, all []*inventory.Resource) []*inventory.Resource {
	var kept []*inventory.Resource
	templates := map[string]*inventory.Resource{} // by the address without the last index
	seen := map[string]bool{}
	missing := 0
	for _, one := range all {
		if one.Type == "output" {
			kept = append(kept, one)
			continue
		}
		base := unindexed(string(one.ID))
		if templates[base] == nil {
			templates[base] = one
		}
		pr := p.resources[string(one.ID)]
		switch {
		case pr != nil:
			seen[pr.address] = true
			one.Exists, one.Reasons = inventory.Exists, nil
			one.Values = p.fill(one.Values, pr.values, pr.unknown, pr.sensitive, one.ID)
			if pr.data {
				one.Values = p.withAnswers(one.Values, pr)
			}
		case one.Type == "module" && p.knows(string(one.ID)), strings.Contains(string(one.ID), `["?"]`):
			continue // the plan says what it is
		case one.Exists == inventory.MayExist:
			one.Exists, one.Reasons = inventory.NotExists, nil
		case one.Exists == inventory.Exists && !strings.HasPrefix(one.Type, "data.") && one.Type != "module":
			missing++
		}
		kept = append(kept, one)
	}
	for _, address := range p.order {
		if !seen[address] {
			kept = append(kept, p.resource(p.resources[address], templates))
		}
	}
	if missing > 0 {
		n.add("terraform-plan-stale", inventory.Location{Path: p.name, Line: 1},
			fmt.Sprintf("%s does not have %d resources that the configuration declares; make the plan again", p.name, missing))
	}
	return kept
}

// knows reports whether the plan has resources of a module.
func (p *plan) knows(module string) bool {
	return slices.ContainsFunc(p.order, func(address string) bool { return strings.HasPrefix(address, module+".") })
}

// unindexed takes the index off the end of an address.
func unindexed(address string) string {
	if !strings.HasSuffix(address, "]") {
		return address
	}
	i := strings.LastIndexByte(address, '[')
	if strings.HasSuffix(address, `"]`) {
		i = strings.LastIndex(address, `["`) // a key may hold brackets
	}
	if i <= 0 {
		return address
	}
	return address[:i]
}

// fill returns a value with what the plan knows of it.
func (p *plan) fill(v inventory.Value, node, unknown, sensitive *jsonNode, id inventory.ID) inventory.Value {
	switch {
	case sensitive.isTrue():
		if v.IsSensitive() {
			return v
		}
		return inventory.UnknownValue(v.Location(), inventory.Reason{Code: inventory.NotEvaluated, Ref: "a sensitive value"}).AsSensitive()
	case v.IsSensitive(), unknown.isTrue(), node.isNull():
		return v
	case v.Kind() == inventory.Map:
		fields := slices.Clone(v.Fields())
		for i, f := range fields {
			if inner := node.get(f.Name); inner != nil || unknown.get(f.Name) != nil {
				fields[i].Value = p.fill(f.Value, inner, unknown.get(f.Name), sensitive.get(f.Name), id)
			}
		}
		fields = slices.DeleteFunc(fields, func(f inventory.Field) bool { return f.Name == "" }) // the plan has all keys
		return inventory.MapValue(fields, v.Location())
	case v.Kind() == inventory.List && !slices.ContainsFunc(v.Elements(), inventory.Value.IsMaybe) && len(v.Elements()) == len(node.list()):
		elements := slices.Clone(v.Elements())
		for i, e := range elements {
			elements[i] = p.fill(e, at(node.list(), i), at(unknown.list(), i), at(sensitive.list(), i), id)
		}
		return inventory.ListValue(elements, v.Location())
	case v.Known():
		return v
	}
	return p.value(node, unknown, sensitive, id, v.Location()).At(v.Location())
}

func at(list []*jsonNode, i int) *jsonNode {
	if i < len(list) {
		return list[i]
	}
	return nil
}

// value returns a value of the plan; place is for what has none of its own.
func (p *plan) value(node, unknown, sensitive *jsonNode, id inventory.ID, place inventory.Location) inventory.Value {
	if node != nil {
		place = location(node.rng)
	}
	switch {
	case sensitive.isTrue():
		return inventory.UnknownValue(place, inventory.Reason{Code: inventory.NotEvaluated, Ref: "a sensitive value"}).AsSensitive()
	case unknown.isTrue():
		return inventory.UnknownValue(place, inventory.Reason{Code: inventory.Computed, Ref: string(id)})
	case node == nil:
		return inventory.NullValue(place)
	}
	switch v := node.value.(type) {
	case []*jsonNode:
		elements := make([]inventory.Value, max(len(v), len(unknown.list())))
		for i := range elements {
			elements[i] = p.value(at(v, i), at(unknown.list(), i), at(sensitive.list(), i), id, place)
		}
		return inventory.ListValue(elements, place)
	case []jsonMember:
		var fields []inventory.Field
		for _, m := range v {
			if !m.node.isNull() || unknown.get(m.name) != nil {
				fields = append(fields, inventory.Field{Name: m.name, Value: p.value(m.node, unknown.get(m.name), sensitive.get(m.name), id, place)})
			}
		}
		for _, m := range unknown.members() {
			if node.get(m.name) == nil && m.node.isTrue() {
				fields = append(fields, inventory.Field{Name: m.name, Value: p.value(nil, m.node, sensitive.get(m.name), id, place)})
			}
		}
		return inventory.MapValue(fields, place)
	case bool:
		return inventory.BoolValue(v, place)
	case string:
		return inventory.StringValue(v, place)
	case nil:
		return inventory.NullValue(place)
	}
	n, err := strconv.ParseFloat(fmt.Sprint(node.value), 64)
	if err != nil {
		return inventory.UnknownValue(place, inventory.Reason{Code: inventory.NotEvaluated, Ref: "a number that is too large"})
	}
	return inventory.NumberValue(n, place)
}

// withAnswers adds what a data source answered.
func (p *plan) withAnswers(v inventory.Value, pr *planned) inventory.Value {
	fields := slices.Clone(v.Fields())
	for _, m := range pr.values.members() {
		if m.node.isNull() || !v.Get(m.name).IsNull() || len(m.node.list()) == 0 && m.node.list() != nil {
			continue
		}
		fields = append(fields, inventory.Field{Name: m.name, Value: p.value(m.node, pr.unknown.get(m.name), pr.sensitive.get(m.name), inventory.ID(pr.address), location(pr.node.rng))})
	}
	return inventory.MapValue(fields, v.Location())
}

// resource makes a resource that only the plan knows. What the configuration says of another instance of it, or the
// references that the plan keeps, give unknown attributes their identity.
func (p *plan) resource(pr *planned, templates map[string]*inventory.Resource) *inventory.Resource {
	id := inventory.ID(pr.address)
	one := &inventory.Resource{
		ID: id, Type: pr.typ, Name: pr.label, Language: inventory.Terraform, Location: location(pr.node.rng), Region: p.region(pr),
	}
	if pr.data {
		one.Type = "data." + pr.typ
	}
	values := p.value(pr.values, pr.unknown, pr.sensitive, id, location(pr.node.rng))
	fields := slices.Clone(values.Fields())
	base := unindexed(pr.address)
	template := templates[base]
	if template != nil {
		one.Location, one.Via, one.Region, one.Account = template.Location, template.Via, template.Region, template.Account
	}
	expressions := p.configuration(pr).get("expressions")
	for i, f := range fields {
		if template != nil {
			if written := template.Get(f.Name); !written.IsNull() {
				fields[i].Value = p.fill(written, pr.values.get(f.Name), pr.unknown.get(f.Name), pr.sensitive.get(f.Name), id)
				continue
			}
		}
		fields[i].Value = p.referring(f.Value, expressions.get(f.Name), pr.module, strings.HasSuffix(f.Name, "s"), 0)
	}
	fields = slices.DeleteFunc(fields, func(f inventory.Field) bool { return computedOnly(f.Value, expressions.get(f.Name)) })
	one.Values = inventory.MapValue(fields, values.Location())
	return one
}

// computedOnly reports whether a field is not written: only the provider fills it.
func computedOnly(v inventory.Value, expression *jsonNode) bool {
	return expression == nil && v.IsUnknown()
}

// region returns the region of the provider of a resource, where the plan has it as a constant or a variable.
func (p *plan) region(pr *planned) string {
	key := p.configuration(pr).get("provider_config_key").text()
	region := p.root.get("configuration", "provider_config", key, "expressions", "region")
	if s := region.get("constant_value").text(); s != "" {
		return s
	}
	for _, ref := range region.get("references").list() {
		if name, ok := strings.CutPrefix(ref.text(), "var."); ok {
			return p.root.get("variables", name, "value").text()
		}
	}
	return ""
}

// configurationOf returns the part of the plan's configuration for a module address.
func (p *plan) configurationOf(module string) *jsonNode {
	m := p.root.get("configuration", "root_module")
	for _, name := range callsIn(module) {
		m = m.get("module_calls", name, "module")
	}
	return m
}

// callsIn returns the names of the calls of a module address, without their indexes.
func callsIn(module string) []string {
	var names []string
	rest := module
	for rest != "" {
		inner, ok := strings.CutPrefix(rest, "module.")
		if !ok {
			return names
		}
		end := strings.IndexAny(inner, ".[")
		if end < 0 {
			return append(names, inner)
		}
		names = append(names, inner[:end])
		rest = inner[end:]
		if strings.HasPrefix(rest, `["`) {
			if close := strings.Index(rest, `"]`); close >= 0 {
				rest = rest[close+2:]
			}
		} else if strings.HasPrefix(rest, "[") {
			if close := strings.IndexByte(rest, ']'); close >= 0 {
				rest = rest[close+1:]
			}
		}
		rest = strings.TrimPrefix(rest, ".")
	}
	return names
}

// configuration returns what the plan keeps of the block of a resource.
func (p *plan) configuration(pr *planned) *jsonNode {
	base := pr.typ + "." + pr.label
	if pr.data {
		base = "data." + base
	}
	for _, n := range p.configurationOf(pr.module).get("resources").list() {
		if n.get("address").text() == base {
			return n
		}
	}
	return nil
}

// referring gives unknown values the identity of the one thing that their expression refers to; several says that the
// attribute holds a list, as those whose name is a plural do.
func (p *plan) referring(v inventory.Value, expression *jsonNode, module string, several bool, depth int) inventory.Value {
	if expression == nil || depth > maxOut {
		return v
	}
	if blocks := expression.list(); blocks != nil && v.Kind() == inventory.List {
		elements := slices.Clone(v.Elements())
		for i, e := range elements {
			elements[i] = p.referring(e, at(blocks, i), module, false, depth+1)
		}
		return inventory.ListValue(elements, v.Location())
	}
	references := expression.get("references")
	if references == nil {
		if v.Kind() != inventory.Map {
			return v
		}
		fields := slices.Clone(v.Fields())
		for i, f := range fields {
			fields[i].Value = p.referring(f.Value, expression.get(f.Name), module, strings.HasSuffix(f.Name, "s"), depth+1)
		}
		return inventory.MapValue(fields, v.Location())
	}
	refs := p.targets(references, module, 0)
	switch {
	case v.IsUnknown() && len(refs) == 1:
		return inventory.UnknownValue(v.Location(), inventory.Reason{Code: inventory.Computed, Ref: string(refs[0].Resource)}).WithRef(refs[0])
	case v.IsUnknown() && len(refs) > 1 && several: // a list of some of them
		elements := make([]inventory.Value, len(refs))
		for i, ref := range refs {
			reason := inventory.Reason{Code: inventory.Computed, Ref: string(ref.Resource)}
			elements[i] = inventory.UnknownValue(v.Location(), reason).WithRef(ref).AsMaybe(reason)
		}
		return inventory.ListValue(elements, v.Location())
	case v.IsUnknown() && len(refs) > 1:
		u := inventory.UnknownValue(v.Location())
		for _, ref := range refs {
			u = inventory.UnknownValue(v.Location(), append(u.Reasons(), inventory.Reason{Code: inventory.Computed, Ref: string(ref.Resource)})...)
		}
		return u
	case v.Kind() == inventory.List:
		elements := slices.Clone(v.Elements())
		for i, e := range elements {
			switch {
			case e.IsUnknown() && len(refs) == len(elements):
				elements[i] = inventory.UnknownValue(e.Location(), inventory.Reason{Code: inventory.Computed, Ref: string(refs[i].Resource)}).WithRef(refs[i])
			case e.IsUnknown() && len(refs) == 1:
				elements[i] = inventory.UnknownValue(e.Location(), inventory.Reason{Code: inventory.Computed, Ref: string(refs[0].Resource)}).WithRef(refs[0])
			}
		}
		return inventory.ListValue(elements, v.Location())
	}
	return v
}

// targets follows the references of an expression to attributes of resources, through variables and outputs of modules.
// The plan lists each reference with everything that it begins with; the longest one says most.
func (p *plan) targets(references *jsonNode, module string, depth int) []inventory.Ref {
	if depth > maxModule {
		return nil
	}
	var all []inventory.Ref
	previous := ""
	for _, n := range references.list() {
		ref := n.text()
		if strings.HasPrefix(previous, ref) {
			continue
		}
		previous = ref
		switch root, rest, _ := strings.Cut(ref, "."); root {
		case "local", "each", "count", "path", "self", "terraform":
		case "var":
			name, _, _ := strings.Cut(rest, ".")
			calls := callsIn(module)
			if len(calls) == 0 {
				continue
			}
			outer := module[:max(strings.LastIndex(module, "module."+calls[len(calls)-1])-1, 0)]
			call := p.configurationOf(outer).get("module_calls", calls[len(calls)-1], "expressions", name, "references")
			all = append(all, p.targets(call, outer, depth+1)...)
		case "module":
			end := strings.LastIndexByte(ref, '.')
			inner, output := ref[:end], ref[end+1:]
			if len(callsIn(inner)) != 1 {
				continue
			}
			inner = prefixed(module, inner)
			all = append(all, p.targets(p.configurationOf(inner).get("outputs", output, "expression", "references"), inner, depth+1)...)
		default:
			resource, attribute := splitReference(ref)
			all = append(all, inventory.Ref{Resource: inventory.ID(prefixed(module, resource)), Attribute: attribute})
		}
	}
	return all
}

// splitReference takes the address of a resource and the attribute apart.
func splitReference(ref string) (resource, attribute string) {
	parts := strings.SplitN(ref, ".", 3)
	if parts[0] == "data" {
		parts = strings.SplitN(ref, ".", 4)
		if len(parts) == 4 {
			return strings.Join(parts[:3], "."), parts[3]
		}
		return ref, ""
	}
	if len(parts) == 3 {
		return parts[0] + "." + parts[1], parts[2]
	}
	return ref, ""
}
