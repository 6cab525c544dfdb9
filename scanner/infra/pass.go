package infra

import (
	"cmp"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/trifecta-scanner/trifecta/inventory"
	"github.com/trifecta-scanner/trifecta/kube"
	"github.com/trifecta-scanner/trifecta/scanner"
)

// facts are what checks read: the model, and what several of them make of it.
type facts struct {
	*kube.Model
	objects         []*kube.Object
	roles           []*role
	bindings        []*binding
	serviceAccounts []*kube.Object
	environments    map[string]map[string]bool // of each root
	// filledIn are the images whose tag Skaffold sets when it deploys what it has built.
	filledIn map[string]bool

	dockerfiles []*dockerfile
	workflows   []*workflow           // and actions
	services    []*inventory.Resource // of Compose files
	pipelines   []*pipeline
}

func newFacts(inv *inventory.Inventory) *facts {
	m := kube.Read(inv.Resources)
	f := &facts{Model: m, objects: m.Objects(), environments: map[string]map[string]bool{}, filledIn: map[string]bool{}}
	for _, build := range inv.Builds {
		for _, image := range build.Images {
			if strings.HasPrefix(path.Base(image.Location.Path), "skaffold") {
				f.filledIn[string(image.Name)] = true
			}
		}
	}
	for _, r := range inv.Automation {
		switch r.Language {
		case inventory.Dockerfile:
			f.dockerfiles = append(f.dockerfiles, newDockerfile(r))
		case inventory.Workflow, inventory.Action:
			f.workflows = append(f.workflows, newWorkflow(r))
		case inventory.Compose:
			f.services = append(f.services, r)
		case inventory.GitLabCI:
			f.pipelines = append(f.pipelines, newPipeline(r))
		case inventory.Terraform, inventory.CloudFormation, inventory.Kubernetes, inventory.Packer: // no automation
		}
	}
	for _, o := range f.objects {
		root := o.Resource.Root
		if f.environments[root] == nil {
			f.environments[root] = map[string]bool{}
		}
		f.environments[root][o.Resource.Environment] = true
		switch o.Group + "/" + o.Kind {
		case "rbac.authorization.k8s.io/Role", "rbac.authorization.k8s.io/ClusterRole":
			if !builtIn(o) {
				f.roles = append(f.roles, newRole(o))
			}
		case "rbac.authorization.k8s.io/RoleBinding", "rbac.authorization.k8s.io/ClusterRoleBinding":
			if !builtIn(o) {
				f.bindings = append(f.bindings, newBinding(o))
			}
		case "/ServiceAccount":
			f.serviceAccounts = append(f.serviceAccounts, o)
		}
	}
	return f
}

// Pass is one check at work. It collects what the check reports.
type Pass struct {
	*facts
	check    *Check
	problems []problem
}

// problem is what a check says about one object of one rendering.
type problem struct {
	object  *inventory.Resource
	at      inventory.Location
	truth   kube.Truth
	reasons []inventory.Reason
	message string
	change  *change
}

func (p *Pass) run() {
	c := p.check
	for _, w := range p.Workloads {
		if c.Pod != nil {
			c.Pod(p, w)
		}
		if c.Container != nil {
			for i := range w.Pod.Containers {
				c.Container(p, w, &w.Pod.Containers[i])
			}
		}
	}
	if c.Object != nil {
		for _, o := range p.objects {
			c.Object(p, o)
		}
	}
	if c.Role != nil {
		for _, r := range p.roles {
			c.Role(p, r)
		}
	}
	for _, d := range p.dockerfiles {
		if c.Dockerfile != nil {
			c.Dockerfile(p, d)
		}
	}
	for _, w := range p.workflows {
		if c.Workflow != nil {
			c.Workflow(p, w)
		}
		if c.Step != nil {
			for _, s := range w.steps {
				c.Step(p, w, s)
			}
		}
	}
	if c.Service != nil {
		for _, r := range p.services {
			c.Service(p, r)
		}
	}
	if c.Pipeline != nil {
		for _, r := range p.pipelines {
			c.Pipeline(p, r)
		}
	}
	if c.Binding != nil {
		for _, b := range p.bindings {
			c.Binding(p, b)
		}
	}
}

// report says that something is wrong with an object, if the truth is not No. v is what decides: its place is where the
// finding stands, and where the answer is Maybe its reasons say what is missing. The message goes on from the address of
// the object.
func (p *Pass) report(o *kube.Object, truth kube.Truth, v inventory.Value, message string, changes ...*change) {
	p.say(o.Resource, truth, v, message, changes...)
}

// say is report for what is no object of Kubernetes.
func (p *Pass) say(o *inventory.Resource, truth kube.Truth, v inventory.Value, message string, changes ...*change) {
	if truth == kube.No {
		return
	}
	found := problem{object: o, at: v.Location(), truth: truth, message: message}
	if truth == kube.Maybe {
		found.reasons = v.AllReasons()
	}
	if len(changes) > 0 {
		found.change = changes[0]
	}
	if found.at.Line == 0 || found.at.Path == "" {
		found.at = o.Location
	}
	p.problems = append(p.problems, found)
}

// place is where a problem stands: one finding is made of all that stand there.
type place struct {
	path         string
	line, column int
	message      string
}

// findings makes findings of what was reported: one for each place of a template, however often it is rendered.
func (p *Pass) findings(texts *texts) []scanner.Finding {
	var order []place
	merged := map[place][]problem{}
	for _, found := range p.problems {
		at := place{found.at.Path, found.at.Line, found.at.Column, found.message}
		if merged[at] == nil {
			order = append(order, at)
		}
		merged[at] = append(merged[at], found)
	}
	findings := make([]scanner.Finding, 0, len(order))
	for _, at := range order {
		findings = append(findings, p.finding(merged[at], texts))
	}
	return findings
}

func (p *Pass) finding(problems []problem, texts *texts) scanner.Finding {
	rule := p.check.Rule
	first := problems[0]
	for _, other := range problems {
		if other.truth > first.truth { // where it is certain in one rendering, it is certain
			first = other
		}
	}
	id := first.object.ID
	severity, message := rule.Severity, fmt.Sprintf("%s %s", id, first.message)
	if first.truth == kube.Maybe {
		severity = lower(severity)
		message = "Possible: " + message + missing(first.reasons)
	}
	f := scanner.Finding{
		RuleID: rule.ID, Kind: scanner.KindMisconfiguration, Severity: severity, Pillar: cmp.Or(p.check.Pillar, scanner.PillarLayer),
		Message: message + p.where(problems), Subject: id, Location: narrow(first.at),
		FingerprintKey: []string{rule.ID, string(id), first.at.Path},
	}
	for _, call := range first.object.Via {
		f.Related = append(f.Related, scanner.Related{Location: call.Location, Message: "rendered through " + string(call.Address)})
	}
	if edits := texts.edits(first.change); len(edits) > 0 {
		f.Fix = &scanner.Fix{Message: first.change.message, Edits: edits}
	}
	return f
}

// where names the environments in which a finding holds, if there are others in which it does not.
func (p *Pass) where(problems []problem) string {
	var names []string
	all := p.environments[problems[0].object.Root]
	for _, found := range problems {
		if name := found.object.Environment; !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	if len(names) >= len(all) {
		return ""
	}
	slices.Sort(names)
	for i, name := range names {
		if name == "" {
			names[i] = "the default values"
		}
	}
	return " (in " + strings.Join(names, ", ") + ")"
}

// lower is the severity of what is only possible.
func lower(s scanner.Severity) scanner.Severity {
	i := slices.Index(scanner.Severities, s)
	if s == scanner.Info || s == scanner.Unknown || i < 0 {
		return s
	}
	return scanner.Severities[i+1]
}

// missing says what would have to be known.
func missing(reasons []inventory.Reason) string {
	var names []string
	for _, r := range reasons {
		if r.Ref != "" && !slices.Contains(names, r.Ref) {
			names = append(names, r.Ref)
		}
	}
	if len(names) == 0 {
		return ""
	}
	return "; it depends on " + strings.Join(names, ", ")
}

// narrow keeps the line on which a place begins: a finding on a whole block would mark all of it.
func narrow(l inventory.Location) inventory.Location {
	if l.EndLine != l.Line {
		l.EndLine, l.EndColumn = 0, 0
	}
	return l
}
