package cloudformation

import (
	"slices"
	"strings"

	"github.com/trifecta-scanner/trifecta/inventory"
)

// stack is a template with the values of its parameters: what is deployed, and what a nested stack is. Everything in it
// is evaluated when it is asked for, and once.
type stack struct {
	run    *run
	tmpl   *template
	body   *node            // the template with its loops unrolled
	parent *stack           // of a nested stack
	root   string           // the path of the outermost template
	prefix string           // "Stack/" in a nested stack
	via    []inventory.Call // from the outermost template to here
	depth  int
	muted  int // above 0, trouble needs no notice: nothing depends on it

	name            inventory.Value // AWS::StackName
	region, account string
	given           map[string]inventory.Value
	stacks          map[string]*stack // stack names that parameters are bound to

	params     map[string]*lazy[inventory.Value]
	conditions map[string]*lazy[decision]
	outputs    map[string]*lazy[inventory.Value]
	attributes map[attribute]*lazy[inventory.Value]

	ids       []string // of the resources in order, those of transforms included
	resources map[string]*declared
	children  map[string]*stack
	opaque    bool              // resources may be missing: a transform or a loop was not evaluated
	samNames  map[string]string // further names of resources, such as Function.Alias
	// conditionsMade are conditions that SAM adds.
	conditionsMade map[string]*node
}

// declared is a resource before it is evaluated.
type declared struct {
	at   inventory.Location // of the logical id
	node *node
}

type attribute struct{ id, name string }

// lazy is a value that is evaluated when it is first asked for. Asking while it is evaluated is a cycle.
type lazy[T any] struct {
	value T
	state lazyState
}

type lazyState uint8

const (
	unasked lazyState = iota
	asking
	done
)

// once returns the value of a key of a map of lazy values; ok is false in a cycle.
func once[K comparable, T any](values map[K]*lazy[T], key K, evaluate func() T) (value T, ok bool) {
	l := values[key]
	if l == nil {
		l = new(lazy[T])
		values[key] = l
	}
	switch l.state {
	case done:
		return l.value, true
	case asking:
		return value, false
	}
	l.state = asking
	l.value = evaluate()
	l.state = done
	return l.value, true
}

func (r *run) newStack(t *template, root string) *stack {
	return &stack{
		run: r, tmpl: t, root: root,
		given: map[string]inventory.Value{}, stacks: map[string]*stack{},
		params: map[string]*lazy[inventory.Value]{}, conditions: map[string]*lazy[decision]{},
		outputs: map[string]*lazy[inventory.Value]{}, attributes: map[attribute]*lazy[inventory.Value]{},
		resources: map[string]*declared{}, children: map[string]*stack{},
	}
}

// id returns the address of a resource of the stack.
func (s *stack) id(logical string) inventory.ID { return inventory.ID(s.prefix + logical) }

func (s *stack) notice(code string, at inventory.Location, format string, args ...any) {
	if s.muted == 0 {
		s.run.notice(code, at, format, args...)
	}
}

// parameter returns the value of a parameter; ok is false where the template declares none of that name.
func (s *stack) parameter(name string) (value inventory.Value, ok bool) {
	decl := s.body.find("Parameters", name)
	if decl == nil {
		return value, false
	}
	value, fine := once(s.params, name, func() inventory.Value { return s.evaluateParameter(name, decl) })
	if !fine {
		return unknown(decl.at, inventory.NotEvaluated, name), true
	}
	return value, true
}

func (s *stack) evaluateParameter(name string, decl *node) inventory.Value {
	v := s.parameterValue(name, decl)
	if hidden := decl.get("NoEcho").scalar(); strings.EqualFold(hidden, "true") {
		v = v.AsSensitive()
	}
	return v
}

func (s *stack) parameterValue(name string, decl *node) inventory.Value {
	kind := decl.get("Type").scalar()
	v, ok := s.given[name]
	if !ok {
		n := decl.get("Default")
		switch {
		case n == nil:
			v = unknown(decl.at, inventory.ParamNoDefault, name)
			if allowed := decl.get("AllowedValues").elements(); len(allowed) > 0 && len(allowed) <= maxCandidates && !strings.HasPrefix(kind, "AWS::SSM::Parameter::Value<") {
				candidates := make([]inventory.Value, len(allowed))
				for i, a := range allowed {
					candidates[i] = typed(kind, a.value())
				}
				v = v.WithCandidates(candidates...)
			}
			return v
		case n.kind == list: // not valid, but what a list is meant to be
			return s.eval(n)
		}
		v = n.value()
	}
	if v.IsUnknown() || v.Kind() == inventory.List {
		return v
	}
	if strings.HasPrefix(kind, "AWS::SSM::Parameter::Value<") {
		path, _ := v.Text()
		return s.dynamicReference("ssm:"+path, v.Location())
	}
	return typed(kind, s.dynamic(v))
}

// typed returns the text of a parameter as its type wants it.
func typed(kind string, v inventory.Value) inventory.Value {
	t, ok := v.Text()
	if !ok {
		return v
	}
	switch {
	case kind == "CommaDelimitedList" || strings.HasPrefix(kind, "List<"):
		elements := []inventory.Value{}
		if t != "" {
			for part := range strings.SplitSeq(t, ",") {
				elements = append(elements, inventory.StringValue(strings.TrimSpace(part), v.Location()))
			}
		}
		return inventory.ListValue(elements, v.Location())
	case kind == "Number":
		if f, ok := v.Number(); ok {
			return inventory.NumberValue(f, v.Location())
		}
	}
	return inventory.StringValue(t, v.Location())
}

// unknown returns a value that is not known for one reason.
func unknown(at inventory.Location, code, ref string) inventory.Value {
	return inventory.UnknownValue(at, inventory.Reason{Code: code, Ref: ref})
}

// resource evaluates one resource.
func (s *stack) resource(logical string) *inventory.Resource {
	decl := s.resources[logical]
	exists := s.exists(decl)
	res := &inventory.Resource{
		ID: s.id(logical), Name: logical, Type: decl.node.get("Type").scalar(), Language: inventory.CloudFormation,
		Root: s.root, Environment: s.run.environment, Region: s.region, Account: s.account,
		Location: decl.at, Via: s.via,
	}
	switch {
	case exists.never():
		res.Exists = inventory.NotExists
		res.Reasons = []inventory.Reason{{Code: notCreated, Ref: decl.node.get("Condition").scalar()}}
		s.muted++ // what is never created may refer to what is not there
		defer func() { s.muted-- }()
	case !exists.always():
		res.Exists = inventory.MayExist
		res.Reasons = exists.reasons
	}
	properties := decl.node.get("Properties")
	exhausted := s.run.again()
	switch res.Values = s.eval(properties); res.Values.Kind() {
	case inventory.Map, inventory.Unknown:
	case inventory.Null:
		res.Values = inventory.MapValue(nil, decl.at)
	default:
		s.notice("template-invalid", properties.at, "%s: the properties of %s are no object", s.tmpl.path, logical)
		res.Values = inventory.MapValue(nil, decl.at)
	}
	// What a change of a group does to its machines stands beside its properties, where Terraform has it among them.
	if policy := decl.node.get("UpdatePolicy"); policy != nil && res.Values.Kind() == inventory.Map {
		res.Values = inventory.MapValue(append(slices.Clone(res.Values.Fields()), inventory.Field{Name: "UpdatePolicy", Value: s.eval(policy)}), res.Values.Location())
	}
	if !exhausted && s.run.exhausted { // half of a bomb is of no use to anybody
		res.Values = unknown(decl.at, inventory.NotEvaluated, "budget")
	}
	return res
}

// exists decides whether a resource is created.
func (s *stack) exists(decl *declared) decision {
	name := decl.node.get("Condition")
	if name == nil || name.kind != text {
		return yes
	}
	d := s.condition(name.text, name.at)
	if !d.always() && !d.never() {
		d.reasons = append(d.reasons[:len(d.reasons):len(d.reasons)], inventory.Reason{Code: inventory.CountUnknown, Ref: name.text})
	}
	return d
}

// notCreated is the code of a resource whose condition is false; network-model names it, too.
const notCreated = "NOT_CREATED"
