package infra

import (
	"slices"
	"strings"

	"github.com/trifecta-scanner/trifecta/inventory"
)

// workflow is a workflow or a composite action of GitHub.
type workflow struct {
	*inventory.Resource
	jobs  []*job
	steps []*step // of all jobs, or of the action
}

// job is one job of a workflow.
type job struct {
	name   string
	values inventory.Value
	at     inventory.Value // what a finding about something that is not written points at
	steps  []*step
}

// step is one step of a job or action.
type step struct {
	job    *job // nil in an action
	values inventory.Value
	uses   string // the action, empty for a script
	run    inventory.Value
}

func newWorkflow(r *inventory.Resource) *workflow {
	w := &workflow{Resource: r}
	for _, f := range r.Get("jobs").Fields() {
		j := &job{name: f.Name, values: f.Value, at: inventory.NullValue(f.Value.Location())}
		w.jobs = append(w.jobs, j)
		j.steps = newSteps(j, f.Value.Get("steps"))
		w.steps = append(w.steps, j.steps...)
	}
	slices.SortStableFunc(w.jobs, func(a, b *job) int { return a.values.Location().Compare(b.values.Location()) })
	w.steps = append(w.steps, newSteps(nil, r.Get("runs", "steps"))...)
	return w
}

func newSteps(j *job, list inventory.Value) []*step {
	var steps []*step
	if list.Kind() != inventory.List {
		return nil
	}
	for _, v := range list.Elements() {
		s := &step{job: j, values: v, run: v.Get("run")}
		s.uses, _ = v.Get("uses").Text()
		steps = append(steps, s)
	}
	return steps
}

// action returns the name of the action that a step uses, without what stands behind the @.
func (s *step) action() string {
	name, _, _ := strings.Cut(s.uses, "@")
	return strings.ToLower(name)
}

// triggers returns the events that start a workflow, each with what is written about it.
func (w *workflow) triggers() []inventory.Field {
	on := w.Get("on")
	if on.IsNull() {
		on = w.Get("true") // as YAML 1.1 reads the key
	}
	if on.Kind() == inventory.Map {
		return on.Fields()
	}
	var fields []inventory.Field
	for _, e := range on.Elements() {
		if name, ok := e.Text(); ok {
			fields = append(fields, inventory.Field{Name: name, Value: e})
		}
	}
	return fields
}

// startedBy reports whether one of some events starts a workflow.
func (w *workflow) startedBy(events ...string) bool {
	return slices.ContainsFunc(w.triggers(), func(f inventory.Field) bool { return slices.Contains(events, f.Name) })
}

// line returns a value at the line of a text on which a part of it stands, where that is certain.
func line(v inventory.Value, offset int) inventory.Value {
	t, _ := v.Text()
	at := v.Location()
	if before := strings.Count(t[:min(max(offset, 0), len(t))], "\n"); at.EndLine > at.Line { // a block of lines below the key
		at.Line += 1 + before
		at.EndLine, at.Column, at.EndColumn = at.Line, 0, 0
	}
	return v.At(at)
}
