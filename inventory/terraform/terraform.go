// Package terraform reads what the Terraform and OpenTofu configuration of a tree declares. It evaluates the language
// itself, without a provider, a state or an account, and keeps what it does not know: an attribute that only the provider
// computes is unknown, but it is known whose attribute it is, so that references still join.
//
// [Source] finds the root modules, evaluates each of them once for each environment, and returns their resources and
// data sources with the address that Terraform prints. Expressions are evaluated by walking hcl's syntax tree; functions
// that only look at known values are cty's and Terraform's own. Values of cty stay inside of this package.
//
// # Limitations
//
// Provider schemas are not known: a block that is written as an attribute of JSON stays one, and conversions that only
// the schema of a provider asks for do not take place. Provider functions (provider::x::y) are unknown. Validation,
// preconditions and checks are not evaluated. Budgets are in limits.go.
package terraform

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"

	"github.com/trifecta-scanner/trifecta/inventory"
)

// Source reads Terraform and OpenTofu configuration. The zero value reads every root once, or once for each environment
// that the tree itself names.
type Source struct {
	// VarFiles are variable files that count for every root, in order, as paths in the tree: what -var-file is for Terraform.
	VarFiles []string
	// Vars are values of variables of every root that declares them, as texts or as expressions of the language: what
	// -var is for Terraform.
	Vars map[string]string
	// Environments are those that are configured. Where there are none, they are found in the tree: folders env/NAME and
	// files NAME.tfvars.
	Environments []inventory.Environment
	// Repositories are the addresses of the tree's own git remotes. A module that is called by the name of the repository
	// that it lies in is found in the tree; without them it is not available.
	Repositories []string

	steps int // in place of maxSteps where it is not 0; for tests
}

// Name returns "terraform".
func (Source) Name() string { return "terraform" }

// Read returns the resources of every root in every environment. A part that can't be evaluated is a notice, and the
// rest is evaluated; the error is that of a cancelled context.
func (s Source) Read(ctx context.Context, tree *inventory.Tree) (*inventory.Inventory, error) {
	n := &notices{}
	r := &reader{source: s, files: newFiles(tree, n), notices: n, functions: languageFunctions(), answers: answers()}
	for _, remote := range s.Repositories {
		if name := repositoryName(remote); name != "" {
			r.own = append(r.own, name)
		}
	}
	inv := &inventory.Inventory{}
	r.rootsFound = r.roots()
	r.notEvaluated()
	r.plans = r.plansOf()
	for _, root := range r.rootsFound {
		variants := r.variants(root)
		for _, v := range variants {
			resources, err := r.evaluate(ctx, root, v, r.planFor(root, v, len(variants)))
			if err != nil {
				return nil, err
			}
			inv.Resources = append(inv.Resources, resources...)
		}
	}
	inv.Resources = append(inv.Resources, r.plansAlone()...)
	inv.Notices = append(n.all, r.unusedVars()...)
	inv.Sort()
	return inv, nil
}

// unusedVars says which values are given for variables that no root declares: a mistyped name would go unseen.
func (r *reader) unusedVars() []inventory.Notice {
	if len(r.rootsFound) == 0 {
		return nil
	}
	var all []inventory.Notice
	for _, name := range sortedKeys(r.source.Vars) {
		declares := func(root string) bool { return r.files.module(root).variables[name] != nil }
		if !slices.ContainsFunc(r.rootsFound, declares) {
			all = append(all, inventory.Notice{
				Code: "variable-unused", Message: fmt.Sprintf("no root module declares the Terraform variable %s that is given", name),
			})
		}
	}
	return all
}

// reader is one reading of a tree.
type reader struct {
	source     Source
	files      *files
	notices    *notices
	own        []string
	functions  map[string]languageFunction
	answers    map[string]map[string]func(*instance, hcl.Range) *value
	rootsFound []string
	steps      int     // of all roots
	states     []state // where roots keep their state
	remotes    map[remoteKey]*scope
	plans      map[string][]*plan // by folder
}

// evaluate returns the resources of one root in one environment.
func (r *reader) evaluate(ctx context.Context, root string, v variant, p *plan) ([]*inventory.Resource, error) {
	s := r.scopeOf(r.newEvaluator(ctx, root, v), root, v)
	if p != nil {
		p.variables(s.e, s)
	}
	all := append(s.emit(nil), s.outputs()...)
	if p != nil {
		p.used = true
		all = p.apply(r.notices, all)
	}
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("evaluate %s: %w", root, err)
	}
	for _, one := range all {
		one.Root, one.Environment = root, v.name
	}
	return all, nil
}

func (r *reader) newEvaluator(ctx context.Context, root string, v variant) *evaluator {
	return &evaluator{
		ctx: ctx, files: r.files, notices: r.notices, root: root, environment: v.name, reader: r, functions: r.functions, answers: r.answers,
	}
}

// scopeOf makes the scope of a root module.
func (r *reader) scopeOf(e *evaluator, root string, v variant) *scope {
	e.sources = &sources{files: r.files, root: root, own: r.own}
	s := newScope(e, r.files.module(root))
	s.given = r.inputs(e, s, v)
	return s
}

// emit appends the resources of a module and those below it.
func (s *scope) emit(all []*inventory.Resource) []*inventory.Resource {
	for _, r := range s.mod.order {
		in := s.instancesOf(r, r.at)
		if in == nil {
			continue
		}
		if len(in.all) == 0 && r.mode == "" && s.assumed == "" { // nobody asks for what a model leaves out
			all = append(all, s.notCreated(r, in.shape))
		}
		for _, i := range in.all {
			all = append(all, i.resource())
		}
	}
	for _, c := range s.mod.callOrder {
		ch := s.childrenOf(c, c.at)
		if ch == nil {
			continue
		}
		if len(ch.all) == 0 {
			all = s.emitNothing(all, c, ch.shape)
		}
		for _, m := range ch.all {
			if m.scope == nil {
				all = append(all, m.resource())
				continue
			}
			all = m.scope.emit(all)
		}
	}
	return all
}

// emitNothing appends what a module would have made of which there are no instances, and those below it, as resources that
// are not created. Nothing in them is evaluated.
func (s *scope) emitNothing(all []*inventory.Resource, c *call, sh shape) []*inventory.Resource {
	dir, ok := s.e.sources.resolve(s, c)
	if !ok || len(all) >= maxResources {
		return all
	}
	m := &moduleInstance{of: instanceOf{exists: inventory.NotExists}, id: inventory.ID(prefixed(s.address, "module."+c.name)), call: c, from: s}
	if sh == counted {
		m.id += "[0]"
	}
	inner := s.child(c, dir, m)
	if inner == nil || inner.assumed != "" {
		return all
	}
	for _, r := range inner.mod.order {
		if r.mode == "" && len(all) < maxResources {
			all = append(all, inner.notCreated(r, shapeOf(r.body)))
		}
	}
	for _, below := range inner.mod.callOrder {
		all = inner.emitNothing(all, below, shapeOf(below.body))
	}
	return all
}

// shapeOf says what decides how many instances there are of a block.
func shapeOf(body *hclsyntax.Body) shape {
	switch {
	case body.Attributes["count"] != nil:
		return counted
	case body.Attributes["for_each"] != nil:
		return keyed
	}
	return single
}

// outputs returns what leaves a root, each output as a resource of its own.
func (s *scope) outputs() []*inventory.Resource {
	all := make([]*inventory.Resource, 0, len(s.mod.outputs))
	for _, name := range sortedKeys(s.mod.outputs) {
		o := s.mod.outputs[name]
		at := s.e.files.columns(location(o.at))
		v := s.e.out(s.output(name, o.at))
		all = append(all, &inventory.Resource{
			ID: inventory.ID("output." + name), Type: "output", Name: name, Language: inventory.Terraform, Location: at,
			Values: inventory.MapValue([]inventory.Field{{Name: "value", Value: v}}, at),
		})
	}
	return all
}

// resource returns an instance as a fact.
func (i *instance) resource() *inventory.Resource {
	s := i.scope
	out := &inventory.Resource{
		ID: i.id, Type: i.res.typ, Name: i.res.name, Language: inventory.Terraform, Location: s.e.files.columns(location(i.res.at)), Via: s.via,
		Exists: s.exists, Reasons: s.reasons, Assumed: s.assumed, ProviderVersion: s.providerVersion(i.res),
	}
	if i.res.mode != "" {
		out.Type = i.res.mode + "." + i.res.typ
	}
	if i.of.exists != inventory.Exists {
		out.Exists, out.Reasons = i.of.exists, addReasons(s.reasons, i.of.reasons)
	}
	out.Region, out.Account = i.place()
	whole := i.whole()
	if i.res.mode == "data" {
		whole = i.withAnswers(whole)
	} else {
		whole = i.withTags(whole)
	}
	out.Values = s.e.out(whole)
	return out
}

// notCreated stands for a resource of which there are no instances.
func (s *scope) notCreated(r *resource, sh shape) *inventory.Resource {
	id := prefixed(s.address, r.key)
	if sh == counted {
		id += "[0]"
	}
	at := s.e.files.columns(location(r.at))
	return &inventory.Resource{
		ID: inventory.ID(id), Type: r.typ, Name: r.name, Language: inventory.Terraform, Location: at, Via: s.via, Exists: inventory.NotExists,
		Assumed: s.assumed, Values: inventory.MapValue(nil, at),
	}
}

// withTags adds the tags that the provider gives to everything, as the attribute tags_all has them.
func (i *instance) withTags(whole *value) *value {
	c := i.scope.providerOf(i.res)
	if c == nil || whole.kind != kindMap || !strings.HasPrefix(i.res.typ, "aws_") {
		return whole
	}
	c.evaluate()
	if c.tags == nil || whole.fields.values["tags_all"] != nil {
		return whole
	}
	own := whole.fields.values["tags"]
	if own == nil {
		own = mapping(collection, newFields(), whole.at)
	}
	f := newFields()
	for _, key := range whole.fields.keys {
		f.put(key, whole.fields.values[key])
	}
	f.put("tags_all", mergeValues([]*value{c.tags, own}, c.tags.at))
	made := mapping(whole.flavour, f, whole.at)
	made.home = whole.home
	return made
}

// out returns a value as a fact.
func (e *evaluator) out(v *value) inventory.Value {
	if e.outs == nil {
		e.outs = map[*value]inventory.Value{}
	}
	return e.outDeep(v, 0)
}

// maxOut bounds values inside each other that leave the evaluator.
const maxOut = 200

func (e *evaluator) outDeep(v *value, depth int) inventory.Value {
	at := e.files.columns(v.at)
	if v.sensitive {
		hidden := inventory.UnknownValue(at, inventory.Reason{Code: inventory.NotEvaluated, Ref: "a sensitive value"})
		if v.kind == kindUnknown {
			hidden = inventory.UnknownValue(at, v.unknown.reasons...)
			if v.unknown.ref != nil {
				hidden = hidden.WithRef(*v.unknown.ref)
			}
		}
		return flagged(hidden.AsSensitive(), v)
	}
	if depth > maxOut {
		return inventory.UnknownValue(at, inventory.Reason{Code: inventory.NotEvaluated, Ref: "values inside each other"})
	}
	if made, ok := e.outs[v]; ok {
		return made
	}
	var out inventory.Value
	switch v.kind {
	case kindNull:
		out = inventory.NullValue(at)
	case kindBool:
		out = inventory.BoolValue(v.truth, at)
	case kindNumber:
		out = inventory.NumberValue(v.number, at)
	case kindString:
		out = inventory.StringValue(v.text, at)
		if v.encoded != nil {
			out = out.WithEncoded(e.outDeep(v.encoded, depth+1))
		}
	case kindList:
		elements := make([]inventory.Value, len(v.list))
		for i, inner := range v.list {
			elements[i] = e.outDeep(inner, depth+1)
		}
		out = inventory.ListValue(elements, at)
	case kindMap:
		fields := make([]inventory.Field, 0, len(v.fields.keys)+1)
		for _, key := range v.fields.keys {
			fields = append(fields, inventory.Field{Name: key, Value: e.outDeep(v.fields.values[key], depth+1)})
		}
		if v.fields.rest != nil {
			fields = append(fields, inventory.Field{Name: "", Value: inventory.RestValue(at, reasonsOf(v.fields.rest)...)})
		}
		out = inventory.MapValue(fields, at)
	case kindObject:
		id, reasons := v.object.identity()
		out = inventory.UnknownValue(at, reasons...).WithRef(inventory.Ref{Resource: id})
	case kindUnknown:
		out = e.outUnknown(v, at, depth)
	}
	out = flagged(out, v)
	if v.kind == kindList || v.kind == kindMap || v.kind == kindUnknown {
		e.outs[v] = out
	}
	return out
}

func (e *evaluator) outUnknown(v *value, at inventory.Location, depth int) inventory.Value {
	u := v.unknown
	if v.rest {
		out := inventory.RestValue(at, u.reasons...)
		if u.ref != nil {
			out = out.WithRef(*u.ref)
		}
		return out
	}
	reasons := u.reasons
	if len(reasons) == 0 {
		reasons = []inventory.Reason{{Code: inventory.NotEvaluated, Ref: "an expression"}}
	}
	out := inventory.UnknownValue(at, reasons...)
	if u.ref != nil {
		out = out.WithRef(*u.ref)
	}
	all := func(values []*value) []inventory.Value {
		made := make([]inventory.Value, len(values))
		for i, inner := range values {
			made[i] = e.outDeep(inner, depth+1)
		}
		return made
	}
	if len(u.candidates) > 0 {
		out = out.WithCandidates(all(u.candidates)...)
	}
	if len(u.parts) > 0 {
		out = out.WithParts(all(u.parts)...)
	}
	if v.encoded != nil {
		out = out.WithEncoded(e.outDeep(v.encoded, depth+1))
	}
	return out
}

func flagged(out inventory.Value, v *value) inventory.Value {
	if v.maybe && (!v.rest || v.kind != kindUnknown) { // a rest that looks like something is that, maybe
		out = out.AsMaybe(v.maybeWhy...)
	}
	return out
}

// roots returns the folders of the root modules in order: those that no other module calls.
func (r *reader) roots() []string {
	so := &sources{files: r.files, own: r.own}
	var dirs []string
	for dir := range r.files.folders {
		if !strings.Contains("/"+dir+"/", "/.terraform/") && !r.vendored(dir) {
			dirs = append(dirs, dir)
		}
	}
	slices.Sort(dirs)
	calls := map[string][]string{}
	called := map[string]bool{}
	for _, dir := range dirs {
		m := r.files.module(dir)
		for _, target := range so.callsOf(m) {
			if target != dir {
				calls[dir] = append(calls[dir], target)
				called[target] = true
			}
		}
	}
	var roots []string
	reached := map[string]bool{}
	var reach func(dir string)
	reach = func(dir string) {
		if reached[dir] {
			return
		}
		reached[dir] = true
		for _, target := range calls[dir] {
			reach(target)
		}
	}
	for _, dir := range dirs {
		if !called[dir] && r.files.module(dir).files > 0 {
			roots = append(roots, dir)
			reach(dir)
		}
	}
	for _, dir := range dirs { // modules that only call each other
		if !reached[dir] && r.files.module(dir).files > 0 {
			roots = append(roots, dir)
			reach(dir)
		}
	}
	slices.Sort(roots)
	return roots
}

// vendored reports whether a folder holds copies of foreign code.
func (r *reader) vendored(dir string) bool {
	for part := range strings.SplitSeq(dir, "/") {
		if part == "node_modules" || part == "vendor" {
			return true
		}
	}
	return false
}

// wrappers are files of tools that run terraform with inputs of their own. They are not evaluated.
var wrappers = []struct{ tool, suffix string }{
	{"Terragrunt", "terragrunt.hcl"}, {"Terraform Stacks", ".tfstack.hcl"}, {"Terraform Stacks", ".tfdeploy.hcl"}, {"Terramate", ".tm.hcl"},
}

// notEvaluated says which tools around terraform give inputs that are not known here.
func (r *reader) notEvaluated() {
	for _, w := range wrappers {
		if files := r.files.tree.WithSuffix(w.suffix); len(files) > 0 {
			at := inventory.Location{Path: files[0].Path, Line: 1}
			r.notices.add("not-evaluated", at, fmt.Sprintf("%s: %d files *%s are not evaluated; what they give to the modules of this tree is unknown", w.tool, len(files), w.suffix))
		}
	}
}
