// Package cloudformation evaluates CloudFormation: the templates of a tree in YAML and JSON, those of SAM, nested ones
// and those that the CDK has written, become resources whose values are known, or unknown with a reason.
//
// A template is recognised by its content. Parameters come from the command line, the parameter files of an
// environment, parameter files beside the template and samconfig.toml, in this order, and then from their defaults.
// Nothing is fetched and nothing is executed: what only the account knows stays unknown and keeps its identity, so that
// references still join.
//
// # Identities
//
// The Ref of a value names the resource as Resource.ID does. Four kinds of it are no resource of the template:
//
//   - "resolve:ssm:/path", "resolve:secretsmanager:..." for dynamic references and for parameters of a type
//     AWS::SSM::Parameter::Value<...>,
//   - "Fn::GetAZs" or "Fn::GetAZs:region" with the attributes az0, az1, ... for availability zones: which one it is
//     depends on the account, but equal ones are equal,
//   - resources of another template that an import leads to; Ref.Root is the path of that one,
//   - what a transform makes that is not evaluated here.
//
// The outputs of an outermost template are resources, too, of the type output: "Outputs.Name" with its value, and the name
// under which it is exported.
//
// # Limitations
//
// Macros of the account, modules of the registry, stack sets and the assertions of Rules are not evaluated; a notice
// says where. The deployments of SAM's APIs have no hash in their ids.
package cloudformation

import (
	"context"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/trifecta-scanner/trifecta/inventory"
)

// The budgets of one reading. Whatever is beyond is unknown with the reason NOT_EVALUATED, and a notice says where.
// CloudFormation itself takes templates of 1 MB with 500 resources.
const (
	maxTemplate   = 16 << 20 // bytes of a template
	maxDepth      = 200      // values inside each other in a template
	maxSteps      = 250_000  // nodes that are evaluated for one template beyond one for each byte of it: repetitions by aliases and loops
	maxChain      = 1_000    // functions that wait for each other
	maxText       = 1 << 20  // bytes of a text that a function makes
	maxParts      = 1_000    // parts of a text
	maxCandidates = 64       // values that an unknown one may be
	maxNesting    = 16       // stacks inside each other
	maxStacks     = 2_000    // nested stacks of one template
	maxResources  = 100_000  // resources of one template, those of loops and transforms included
	maxNotices    = 50       // notices about one template
)

// The codes of notices that speak of an assumption, and not of something that was left out.
const (
	noticeImportAssumed = "import-assumed"
	noticeNestedAssumed = "nested-template-assumed"
)

// Assumptions are the codes of notices that speak of an assumption, and not of something that was not looked at.
var Assumptions = []string{noticeImportAssumed, noticeNestedAssumed}

// Stack says under which name, and with which parameters, a template of the tree is deployed.
type Stack struct {
	Name       string
	Template   string // path in the tree
	Parameters map[string]string
}

// Source reads the CloudFormation of a tree. The zero value evaluates every template once, with what the tree says.
type Source struct {
	// Params are parameters that a user gives; they count for every template that declares them.
	Params map[string]string
	// Environments are the ways to evaluate each template. A template that none of them covers is evaluated once.
	Environments []inventory.Environment
	// Region is where a stack is deployed if nothing else says so; empty is not known.
	Region string
	// Stacks are deployments of templates. The ids of their resources begin with the name of the stack and a slash; the
	// templates that they name are not evaluated otherwise.
	Stacks []Stack
}

// Name implements inventory.Source.
func (Source) Name() string { return "cloudformation" }

// Read implements inventory.Source.
func (s Source) Read(ctx context.Context, tree *inventory.Tree) (*inventory.Inventory, error) {
	inv, _, err := s.read(ctx, tree)
	return inv, err
}

// read is Read with what tests measure.
func (s Source) read(ctx context.Context, tree *inventory.Tree) (*inventory.Inventory, *reading, error) {
	r := newReading(s, tree)
	if err := r.find(ctx); err != nil {
		return nil, nil, err
	}
	r.readSettings()
	inv := new(inventory.Inventory)
	for _, environment := range r.environments() {
		resources, err := r.evaluate(ctx, environment)
		if err != nil {
			return nil, nil, err
		}
		inv.Resources = append(inv.Resources, resources...)
	}
	for _, name := range sortedKeys(s.Params) {
		if !r.used[name] && len(r.roots) > 0 {
			r.notice("parameter-unused", inventory.Location{}, "no CloudFormation template declares the parameter %s that is given", shorten(name))
		}
	}
	inv.Notices = r.notices
	inv.Sort()
	return inv, r, nil
}

// reading is one pass over a tree.
type reading struct {
	source    Source
	tree      *inventory.Tree
	templates map[string]*template // what was loaded; nil for what is no template
	roots     []string             // paths of templates that nothing refers to
	parts     map[string]*node     // files that templates include
	settings  map[string]*settings // of templates, by path
	notices   []inventory.Notice
	noticed   map[string]bool
	perFile   map[string]int
	used      map[string]bool // parameters of the source that a template declares
	counted   references
}

// references counts what Ref, Fn::GetAtt and the other functions that refer to something gave.
type references struct {
	all, resolved int
	unresolved    map[inventory.Reason]int
}

func newReading(source Source, tree *inventory.Tree) *reading {
	return &reading{
		source: source, tree: tree, templates: map[string]*template{}, parts: map[string]*node{}, settings: map[string]*settings{},
		noticed: map[string]bool{}, perFile: map[string]int{}, used: map[string]bool{},
	}
}

func (r *reading) notice(code string, at inventory.Location, format string, args ...any) {
	message := fmt.Sprintf(format, args...)
	key := fmt.Sprintf("%s\x00%s\x00%d\x00%s", code, at.Path, at.Line, message)
	if r.noticed[key] {
		return
	}
	r.noticed[key] = true
	if r.perFile[at.Path]++; r.perFile[at.Path] > maxNotices {
		if r.perFile[at.Path] == maxNotices+1 {
			r.notices = append(r.notices, inventory.Notice{Code: "template-incomplete", Location: &inventory.Location{Path: at.Path},
				Message: fmt.Sprintf("%s: more than %d notices; the others are left out", at.Path, maxNotices)})
		}
		return
	}
	n := inventory.Notice{Code: code, Message: message}
	if !at.IsZero() {
		n.Location = &at
	}
	r.notices = append(r.notices, n)
}

// find loads the templates of the tree and sets aside those that others call.
func (r *reading) find(ctx context.Context) error {
	called := map[string]bool{}
	var all []string
	for _, f := range r.tree.Files() {
		if err := ctx.Err(); err != nil {
			return err
		}
		if f.Vendored || !endings[path.Ext(f.Path)] || otherFiles[f.Base()] {
			continue
		}
		if t := r.load(f.Path); t != nil {
			all = append(all, f.Path)
		}
	}
	for _, name := range all {
		for _, child := range r.calls(r.templates[name]) {
			if child != name {
				called[child] = true
			}
		}
	}
	for _, name := range all {
		if !called[name] {
			r.roots = append(r.roots, name)
		}
	}
	if len(r.roots) == 0 {
		r.roots = all // they call each other in a circle, of which a notice speaks
	}
	return nil
}

// environments returns the names for which templates are evaluated.
func (r *reading) environments() []string {
	var names []string
	for _, e := range r.source.Environments {
		names = append(names, e.Name)
	}
	for _, set := range r.settings {
		for name := range set.environments {
			names = append(names, name)
		}
	}
	names = append(names, "")
	slices.Sort(names)
	return slices.Compact(names)
}

// run evaluates templates for one environment.
type run struct {
	*reading
	environment string
	stacks      []*stack // in order of their templates
	exports     *exports
	steps       int // that are left for the template that is evaluated
	reserve     int // likewise, for those resources that do not repeat anything
	exhausted   bool
	chain       int
	made        int // nested stacks and resources of the template that is evaluated
}

// step counts one step of the evaluation of a template and reports whether there is one left.
func (r *run) step(at inventory.Location) bool {
	if r.steps--; r.steps >= 0 {
		return true
	}
	if !r.exhausted {
		r.exhausted = true
		r.notice("template-budget", at, "%s: repetitions make this template much larger than it is; what follows is unknown", at.Path)
	}
	return false
}

// begin gives the evaluation of a template what it may cost: so much for each byte.
func (r *run) begin(s *stack) {
	r.steps, r.reserve, r.exhausted, r.made = maxSteps+s.size(), maxSteps, false, 0
}

// again gives the next resource a few steps where others have used up all, and reports whether they have.
func (r *run) again() (exhausted bool) {
	const few = 1_000
	if r.steps > 0 {
		return false
	}
	r.steps = min(few, r.reserve)
	r.reserve -= r.steps
	r.exhausted = true
	return true
}

// size returns the bytes of the template of a stack and of those inside of it.
func (s *stack) size() int {
	size := s.tmpl.size
	for _, child := range s.children {
		if child != nil {
			size += child.size()
		}
	}
	return size
}

func (r *run) enter() bool {
	if r.chain >= maxChain {
		return false
	}
	r.chain++
	return true
}

func (r *run) leave() { r.chain-- }

// count notes what a function that refers to something gave, unless nothing depends on it.
func (s *stack) count(function string, v inventory.Value) {
	if s.muted > 0 {
		return
	}
	r := s.run
	switch function {
	case "Ref", "Fn::GetAtt", "Fn::ImportValue", "Fn::FindInMap", "Fn::Sub":
	default:
		return
	}
	r.counted.all++
	if _, ok := v.Ref(); ok || !v.IsUnknown() || len(v.Candidates()) > 0 {
		r.counted.resolved++
		return
	}
	if r.counted.unresolved == nil {
		r.counted.unresolved = map[inventory.Reason]int{}
	}
	reasons := v.Reasons()
	if len(reasons) == 0 {
		reasons = []inventory.Reason{{}}
	}
	for _, reason := range reasons {
		r.counted.unresolved[reason]++
	}
}

// evaluate returns the resources of all templates that belong to an environment.
func (r *reading) evaluate(ctx context.Context, environment string) ([]*inventory.Resource, error) {
	run := &run{reading: r, environment: environment}
	run.deploy()
	run.bind()
	var resources []*inventory.Resource
	for _, s := range run.stacks {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		run.begin(s)
		resources = append(resources, s.all()...)
		resources = append(resources, s.results()...)
	}
	return resources, nil
}

// deploy makes a stack of each template for which one is wanted.
func (r *run) deploy() {
	deployed := map[string]bool{}
	for _, wanted := range r.source.Stacks {
		name := path.Clean(wanted.Template)
		deployed[name] = true
		if r.environment != "" {
			continue
		}
		t := r.load(name)
		if t == nil {
			r.notice("template-unreadable", inventory.Location{Path: name}, "%s: the template of the stack %s is not in the tree", name, wanted.Name)
			continue
		}
		s := r.deployment(t)
		s.prefix = wanted.Name + "/"
		s.name = inventory.StringValue(wanted.Name, t.root.at)
		for key, value := range wanted.Parameters {
			s.given[key] = inventory.StringValue(value, t.root.at)
		}
		r.prepare(s)
	}
	imports := false
	for _, name := range r.roots {
		if !deployed[name] && slices.Contains(r.environmentsOf(name), r.environment) {
			deployed[name] = true
			r.prepare(r.deployment(r.templates[name]))
			imports = imports || r.templates[name].imports
		}
	}
	if !imports || r.environment == "" {
		return
	}
	for _, name := range r.roots { // what exports to all environments is there in this one, too
		if !deployed[name] && r.templates[name].exports && slices.Equal(r.environmentsOf(name), []string{""}) {
			r.prepare(r.deployment(r.templates[name]))
		}
	}
}

// environmentsOf returns the environments for which a template is evaluated: where it belongs to none, that is the one
// without a name.
func (r *reading) environmentsOf(name string) []string {
	var names []string
	for _, e := range r.source.Environments {
		if e.Covers(name) {
			names = append(names, e.Name)
		}
	}
	for environment := range r.settings[name].of() {
		names = append(names, environment)
	}
	if len(names) == 0 {
		return []string{""}
	}
	return names
}

func (r *run) prepare(s *stack) {
	r.begin(s)
	s.declare()
	r.stacks = append(r.stacks, s)
}

// all returns the resources of a stack and of those inside of it.
func (s *stack) all() []*inventory.Resource {
	var resources []*inventory.Resource
	for _, id := range s.ids {
		res := s.resource(id)
		resources = append(resources, res)
		if res.Exists == inventory.NotExists {
			continue
		}
		child := s.child(id)
		if child == nil {
			continue
		}
		inner := child.all()
		for _, r := range inner {
			if res.Exists == inventory.MayExist && r.Exists != inventory.NotExists {
				r.Exists, r.Reasons = inventory.MayExist, union(res.Reasons, r.Reasons)
			}
		}
		resources = append(resources, inner...)
	}
	return resources
}

// results returns the outputs of an outermost template: what of it others can see. They are resources of the type output.
func (s *stack) results() []*inventory.Resource {
	var outputs []*inventory.Resource
	for _, e := range s.body.get("Outputs").keys() {
		if strings.HasPrefix(e.key, "Fn::") || e.value.kind != object {
			continue
		}
		r := &inventory.Resource{
			ID: s.id("Outputs." + e.key), Type: "output", Name: e.key, Language: inventory.CloudFormation,
			Root: s.root, Environment: s.run.environment, Region: s.region, Account: s.account, Location: e.at,
		}
		exists := s.exists(&declared{e.at, e.value})
		switch {
		case exists.never():
			continue
		case !exists.always():
			r.Exists, r.Reasons = inventory.MayExist, exists.reasons
		}
		exhausted := s.run.again()
		fields := []inventory.Field{{Name: "value", Value: s.output(e.key, e.at)}}
		if n := e.value.find("Export", "Name"); n != nil {
			fields = append(fields, inventory.Field{Name: "export", Value: s.eval(n)})
		}
		r.Values = inventory.MapValue(fields, e.at)
		if !exhausted && s.run.exhausted {
			r.Values = unknown(e.at, inventory.NotEvaluated, "budget")
		}
		outputs = append(outputs, r)
	}
	return outputs
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

// cause returns the reason inside an error about a file, whose path the message names already.
func cause(err error) string {
	text := err.Error()
	if i := strings.LastIndex(text, ": "); i >= 0 {
		return text[i+2:]
	}
	return text
}
