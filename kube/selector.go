package kube

import (
	"slices"

	"github.com/trifecta-scanner/trifecta/inventory"
)

// Truth is the answer to a question about values of which some may not be known.
type Truth uint8

// The answers. Maybe depends on what is not known.
const (
	No Truth = iota
	Maybe
	Yes
)

// And returns the answer to both questions.
func (t Truth) And(u Truth) Truth { return min(t, u) }

// Or returns the answer to either question.
func (t Truth) Or(u Truth) Truth { return max(t, u) }

// Not returns the answer to the opposite.
func (t Truth) Not() Truth { return Yes - t }

func truth(b bool) Truth {
	if b {
		return Yes
	}
	return No
}

// equal compares two texts. Unknown values that stand for the same attribute of the same resource are equal.
func equal(a, b inventory.Value) Truth {
	x, xok := a.Text()
	y, yok := b.Text()
	if xok && yok {
		return truth(x == y)
	}
	if a.IsUnknown() || b.IsUnknown() {
		p, pok := a.Ref()
		q, qok := b.Ref()
		if pok && qok && p == q {
			return Yes
		}
		return Maybe
	}
	return truth(a.IsNull() && b.IsNull())
}

// Selector chooses objects by their labels. The zero Selector is one that is not written; it matches nothing.
type Selector struct {
	// Values is what is written: a map of labels, or a LabelSelector.
	Values inventory.Value
	// Plain says that Values is a map of labels as in a Service, where an empty one matches nothing.
	Plain bool
}

// Written reports whether there is a selector, even an empty one.
func (s Selector) Written() bool { return !s.Values.IsNull() }

// Empty reports whether a selector is written and asks for nothing. An empty LabelSelector matches everything
// (https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/label-selector/).
func (s Selector) Empty() bool {
	if s.Values.Kind() != inventory.Map {
		return false
	}
	if s.Plain {
		return len(s.Values.Fields()) == 0
	}
	return len(s.Values.Get("matchLabels").Fields()) == 0 && len(s.Values.Get("matchExpressions").Elements()) == 0 && !s.Values.Get("matchLabels").IsUnknown()
}

// Matches reports whether an object with these labels is chosen.
func (s Selector) Matches(labels inventory.Value) Truth {
	switch {
	case s.Values.IsUnknown():
		return Maybe
	case !s.Written():
		return No
	case s.Plain:
		if s.Empty() {
			return No
		}
		return matchLabels(s.Values, labels)
	}
	result := matchLabels(s.Values.Get("matchLabels"), labels)
	for _, e := range s.Values.Get("matchExpressions").Elements() {
		result = result.And(matchExpression(e, labels))
	}
	return result
}

func matchLabels(wanted, labels inventory.Value) Truth {
	if wanted.IsUnknown() {
		return Maybe
	}
	result := Yes
	for _, f := range wanted.Fields() {
		have := labels.Get(f.Name)
		if have.IsNull() && !f.Value.IsMaybe() {
			return No
		}
		answer := equal(have, f.Value)
		if have.IsMaybe() || f.Value.IsMaybe() {
			answer = answer.And(Maybe)
		}
		result = result.And(answer)
	}
	return result
}

func matchExpression(e, labels inventory.Value) Truth {
	key, ok := e.Get("key").Text()
	operator, known := e.Get("operator").Text()
	if !ok || !known {
		return Maybe
	}
	have := labels.Get(key)
	exists := truth(!have.IsNull())
	if have.IsMaybe() || labels.IsUnknown() {
		exists = Maybe
	}
	switch operator {
	case "Exists":
		return exists
	case "DoesNotExist":
		return exists.Not()
	case "In", "NotIn":
		in := No
		for _, v := range e.Get("values").Elements() {
			if v.IsRest() {
				in = in.Or(Maybe)
				continue
			}
			in = in.Or(equal(have, v))
		}
		in = in.And(exists)
		if operator == "In" {
			return in
		}
		return in.Not()
	}
	return No // the API refuses other operators
}

// podIndex finds workloads by a label of their pods.
type podIndex struct {
	byLabel map[[2]string][]*Workload
	unsure  []*Workload // with labels that are not all known
	all     []*Workload
}

func newPodIndex(workloads []*Workload) podIndex {
	x := podIndex{byLabel: map[[2]string][]*Workload{}, all: workloads}
	for _, w := range workloads {
		if !w.Pod.Labels.Known() {
			x.unsure = append(x.unsure, w)
			continue
		}
		for _, f := range w.Pod.Labels.Fields() {
			text, _ := f.Value.Text()
			key := [2]string{f.Name, text}
			x.byLabel[key] = append(x.byLabel[key], w)
		}
	}
	return x
}

// candidates returns the workloads that a selector may choose, those of the first label that it asks for.
func (x podIndex) candidates(s Selector) []*Workload {
	wanted := s.Values
	if !s.Plain {
		wanted = wanted.Get("matchLabels")
	}
	for _, f := range wanted.Fields() {
		if text, ok := f.Value.Text(); ok && !f.Value.IsMaybe() {
			return slices.Concat(x.byLabel[[2]string{f.Name, text}], x.unsure)
		}
	}
	return x.all
}

// Selected is a workload whose pods a selector chooses, or may choose.
type Selected struct {
	*Workload
	Match Truth // Yes or Maybe
}

// Select returns the workloads that a selector chooses in the namespace of near; near nil looks in all namespaces. Of
// workloads in several sets those of near's own set count; only where there are none, those of others, because a
// repository often holds one object in several variants that never meet in one cluster.
func (m *Model) Select(s Selector, near *Object) []Selected {
	var own, others []Selected
	for _, w := range m.pods.candidates(s) {
		match := s.Matches(w.Pod.Labels)
		if near != nil {
			match = match.And(w.SameNamespace(near))
		}
		switch {
		case match == No:
		case near == nil || w.Set == near.Set && w.Resource.Environment == near.Resource.Environment:
			own = append(own, Selected{w, match})
		case w.Resource.Environment == near.Resource.Environment || w.Resource.Environment == "" || near.Resource.Environment == "":
			others = append(others, Selected{w, match})
		}
	}
	if len(own) > 0 {
		return own
	}
	return others
}
