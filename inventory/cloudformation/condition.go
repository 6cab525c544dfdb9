package cloudformation

import (
	"slices"

	"github.com/trifecta-scanner/trifecta/inventory"
)

// decision is the value of a condition: true, false, or not known for reasons.
type decision struct {
	can     [2]bool // whether it may be false, whether it may be true
	reasons []inventory.Reason
}

var (
	yes = decision{can: [2]bool{false, true}}
	no  = decision{can: [2]bool{true, false}}
)

func (d decision) always() bool { return d.can == yes.can }

func (d decision) never() bool { return d.can == no.can }

func perhaps(reasons ...inventory.Reason) decision {
	return decision{can: [2]bool{true, true}, reasons: reasons}
}

func decided(b bool) decision {
	if b {
		return yes
	}
	return no
}

func (d decision) not() decision {
	d.can[0], d.can[1] = d.can[1], d.can[0]
	return d
}

// and returns whether all decisions are true: false where one of them is, whatever is not known of the others.
func and(decisions []decision) decision {
	result := yes
	for _, d := range decisions {
		switch {
		case d.never():
			return no
		case !d.always():
			result = perhaps(union(result.reasons, d.reasons)...)
		}
	}
	return result
}

func or(decisions []decision) decision {
	negated := make([]decision, len(decisions))
	for i, d := range decisions {
		negated[i] = d.not()
	}
	return and(negated).not()
}

func union(a, b []inventory.Reason) []inventory.Reason {
	merged := slices.Clip(a)
	for _, r := range b {
		if !slices.Contains(merged, r) {
			merged = append(merged, r)
		}
	}
	return merged
}

// condition evaluates a condition of the template by name.
func (s *stack) condition(name string, at inventory.Location) decision {
	n := s.body.find("Conditions", name)
	if n == nil {
		n = s.conditionsMade[name]
	}
	if n == nil {
		s.notice("template-invalid", at, "%s: no condition is named %s", s.tmpl.path, shorten(name))
		return perhaps(inventory.Reason{Code: inventory.NotEvaluated, Ref: name})
	}
	d, ok := once(s.conditions, name, func() decision { return s.decide(n) })
	if !ok {
		s.notice("template-cycle", n.at, "%s: the condition %s depends on itself", s.tmpl.path, shorten(name))
		return perhaps(inventory.Reason{Code: inventory.NotEvaluated, Ref: name})
	}
	return d
}

// decide evaluates the expression of a condition.
func (s *stack) decide(n *node) decision {
	if !s.run.step(n.at) {
		return perhaps(inventory.Reason{Code: inventory.NotEvaluated, Ref: "budget"})
	}
	name, arg := n.only()
	switch name {
	case "Condition":
		return s.condition(arg.scalar(), n.at)
	case "Fn::Not", "Fn::And", "Fn::Or":
		operands := arg.elements()
		decisions := make([]decision, len(operands))
		for i, operand := range operands {
			decisions[i] = s.decide(operand)
		}
		switch {
		case len(operands) == 0:
		case name == "Fn::Not":
			return decisions[0].not()
		case name == "Fn::And":
			return and(decisions)
		default:
			return or(decisions)
		}
	case "Fn::Equals":
		if operands := arg.elements(); len(operands) == 2 {
			if operands[0].same(operands[1]) { // whatever it is
				return yes
			}
			return equal(s.eval(operands[0]), s.eval(operands[1]))
		}
	case "":
		if n.kind == boolean {
			return decided(n.text == "true")
		}
	case "Fn::Contains": // of rules, and of LanguageExtensions nowhere else
	}
	s.notice("template-invalid", n.at, "%s: this condition can't be evaluated", s.tmpl.path)
	return perhaps(inventory.Reason{Code: inventory.NotEvaluated, Ref: "condition"})
}

// equal compares as CloudFormation does: as texts, in which case matters.
func equal(a, b inventory.Value) decision {
	if a.IsNull() || b.IsNull() {
		return decided(a.IsNull() && b.IsNull())
	}
	if x, ok := a.Text(); ok {
		if y, ok := b.Text(); ok {
			return decided(x == y)
		}
	}
	if a.Kind() == inventory.List && b.Kind() == inventory.List {
		return equalLists(a, b)
	}
	if !a.IsUnknown() && !b.IsUnknown() {
		return decided(a.Kind() == b.Kind() && a.Known() && b.Known() && same(a, b))
	}
	reasons := union(a.AllReasons(), b.AllReasons())
	if x, ok := a.Ref(); ok {
		if y, ok := b.Ref(); ok && x == y && a.IsUnknown() && b.IsUnknown() {
			return yes
		}
	}
	result := decision{reasons: reasons}
	for _, x := range choices(a) {
		for _, y := range choices(b) {
			if x.IsUnknown() || y.IsUnknown() {
				if apart(x, y) {
					result.can[0] = true
					continue
				}
				return perhaps(reasons...)
			}
			d := equal(x, y)
			result.can[0] = result.can[0] || d.can[0]
			result.can[1] = result.can[1] || d.can[1]
		}
	}
	if result.can[0] != result.can[1] {
		result.reasons = nil
	}
	return result
}

func equalLists(a, b inventory.Value) decision {
	x, y := a.Elements(), b.Elements()
	if len(x) != len(y) {
		if a.Known() && b.Known() {
			return no
		}
		return perhaps(union(a.AllReasons(), b.AllReasons())...)
	}
	decisions := make([]decision, len(x))
	for i := range x {
		decisions[i] = equal(x[i], y[i])
	}
	return and(decisions)
}

// choices returns what a value is one of.
func choices(v inventory.Value) []inventory.Value {
	if v.IsUnknown() && len(v.Candidates()) > 0 {
		return v.Candidates()
	}
	return []inventory.Value{v}
}

// apart reports whether two texts, of which one is not known as a whole, differ in what is known of their beginnings
// or ends.
func apart(a, b inventory.Value) bool {
	firstA, lastA := edges(a)
	firstB, lastB := edges(b)
	short := min(len(firstA), len(firstB))
	if firstA[:short] != firstB[:short] {
		return true
	}
	short = min(len(lastA), len(lastB))
	if lastA[len(lastA)-short:] != lastB[len(lastB)-short:] {
		return true
	}
	// An empty text has no room for what is known of the other one.
	textA, okA := a.Text()
	textB, okB := b.Text()
	return okA && len(textA) < len(firstB) || okB && len(textB) < len(firstA)
}

func edges(v inventory.Value) (first, last string) {
	if t, ok := v.Text(); ok {
		return t, t
	}
	if parts := v.Parts(); len(parts) > 0 {
		first, _ = parts[0].Text()
		last, _ = parts[len(parts)-1].Text()
	}
	return first, last
}
