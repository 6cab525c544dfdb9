package terraform

import (
	"cmp"
	"context"
	"fmt"
	"math/big"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"

	"github.com/trifecta-scanner/trifecta/inventory"
)

// evaluator evaluates one root for one environment. It walks the syntax tree itself instead of calling hcl's Value: cty
// has one unknown value of each type, and here it matters which unknown it is.
type evaluator struct {
	ctx         context.Context
	files       *files
	notices     *notices
	root        string
	environment string
	from        *evaluator // that of the root which reads the state of this one

	depth     int
	steps     int
	bytes     int
	reads     int
	contents  map[string][]byte // of files that functions have read
	modules   int
	resources int
	sources   *sources
	functions map[string]languageFunction
	answers   map[string]map[string]func(*instance, hcl.Range) *value
	reader    *reader
	outs      map[*value]inventory.Value
	templates int    // templates that are being rendered inside each other
	stopped   string // the budget that was used up; nothing is evaluated after that
}

// frame is what names mean at a place: the instance of the module it stands in, and the names that for, dynamic, count
// and for_each add.
type frame struct {
	scope *scope
	names *names
}

// names is a list of what names mean, innermost first.
type names struct {
	name  string
	value *value
	outer *names
}

func (n *names) lookup(name string) *value {
	for ; n != nil; n = n.outer {
		if n.name == name {
			return n.value
		}
	}
	return nil
}

func (f *frame) with(name string, v *value) *frame {
	return &frame{f.scope, &names{name, v, f.names}}
}

// expr evaluates an expression. It never fails: what can't be evaluated is unknown, with a reason.
func (e *evaluator) expr(x hclsyntax.Expression, f *frame) *value {
	e.steps++
	if e.steps&0xfff == 0 && e.ctx.Err() != nil {
		e.stop(x.StartRange(), "cancelled")
	}
	if e.reader.steps++; e.steps > cmp.Or(e.reader.source.steps, maxSteps) || e.reader.steps > maxAllSteps {
		e.stop(x.StartRange(), "more than "+fmt.Sprint(maxSteps)+" evaluations")
	}
	if e.stopped != "" {
		return beyond(location(x.StartRange()), e.stopped)
	}
	if e.depth >= maxDepth {
		at := location(x.Range())
		e.notices.add("terraform-too-deep", at, fmt.Sprintf("%s: expressions lead to each other more than %d deep; what depends on them is unknown", at.Path, maxDepth))
		return beyond(at, "expressions inside each other")
	}
	e.depth++
	defer func() { e.depth-- }()

	switch x := x.(type) {
	case *hclsyntax.LiteralValueExpr:
		return literal(x.Val, location(x.SrcRange))
	case *hclsyntax.TemplateExpr:
		return e.template(x, f)
	case *hclsyntax.TemplateWrapExpr:
		return e.expr(x.Wrapped, f)
	case *hclsyntax.TemplateJoinExpr:
		return e.templateJoin(x, f)
	case *hclsyntax.ScopeTraversalExpr:
		return e.reference(x.Traversal, f, x.SrcRange)
	case *hclsyntax.RelativeTraversalExpr:
		return e.follow(e.expr(x.Source, f), x.Traversal, x.SrcRange)
	case *hclsyntax.FunctionCallExpr:
		return e.call(x, f)
	case *hclsyntax.ConditionalExpr:
		return e.conditional(x, f)
	case *hclsyntax.IndexExpr:
		return e.index(e.expr(x.Collection, f), e.expr(x.Key, f), x.SrcRange)
	case *hclsyntax.TupleConsExpr:
		elements := make([]*value, len(x.Exprs))
		for i, inner := range x.Exprs {
			elements[i] = e.expr(inner, f)
			if elements[i].failed() {
				return elements[i]
			}
			elements[i] = elements[i].sure()
		}
		return list(structural, elements, location(x.SrcRange))
	case *hclsyntax.ObjectConsExpr:
		return e.objectCons(x, f)
	case *hclsyntax.ObjectConsKeyExpr:
		if key := keyword(x); key != "" {
			return text(key, location(x.Range()))
		}
		return e.expr(x.Wrapped, f)
	case *hclsyntax.ForExpr:
		return e.forExpr(x, f)
	case *hclsyntax.SplatExpr:
		return e.splat(x, f)
	case *hclsyntax.AnonSymbolExpr:
		if v := f.names.lookup(splatName(x)); v != nil {
			return v
		}
	case *hclsyntax.ParenthesesExpr:
		return e.expr(x.Expression, f)
	case *hclsyntax.BinaryOpExpr:
		return e.binary(x, f)
	case *hclsyntax.UnaryOpExpr:
		return e.unary(x, f)
	}
	return failure(location(x.Range()), "a construct that is not known")
}

// spend counts work that is done without evaluating expressions: elements of collections and bytes of texts.
func (e *evaluator) spend(v *value) {
	n := int(v.size)
	e.steps += n
	e.reader.steps += n
}

// stop ends the evaluation of the root.
func (e *evaluator) stop(at hcl.Range, what string) {
	if e.stopped != "" {
		return
	}
	e.stopped = what
	if e.ctx.Err() == nil {
		where := location(at)
		e.notices.add("terraform-budget", where, fmt.Sprintf("%s: the root %s needs %s; what is not evaluated until then is unknown", where.Path, e.root, what))
	}
}

// keyword returns the name that stands as a key of an object without quotes.
func keyword(x *hclsyntax.ObjectConsKeyExpr) string {
	if x.ForceNonLiteral {
		return ""
	}
	return hcl.ExprAsKeyword(x.Wrapped)
}

func literal(v cty.Value, at inventory.Location) *value {
	switch {
	case !v.IsKnown():
		return failure(at, "an expression that is not understood")
	case v.IsNull():
		return null(at)
	case v.Type() == cty.String:
		return text(v.AsString(), at)
	case v.Type() == cty.Number:
		return bigNumber(v.AsBigFloat(), at)
	case v.Type() == cty.Bool:
		return boolean(v.True(), at)
	}
	return failure(at, "a literal")
}

func (e *evaluator) objectCons(x *hclsyntax.ObjectConsExpr, f *frame) *value {
	all := newFields()
	for _, item := range x.Items {
		key := e.expr(item.KeyExpr, f)
		v := e.expr(item.ValueExpr, f)
		if bad := failedAmong(key, v); bad != nil {
			return bad
		}
		v = v.sure()
		name, ok := key.asText()
		if !ok {
			if key.kind != kindUnknown {
				return failure(key.at, "a key that is no text")
			}
			all.rest = anyOf(all.rest, v.asMaybe(reasonsOf(key)))
			continue
		}
		all.put(name, v.asSensitive(key.sensitive))
	}
	return mapping(structural, all, location(x.SrcRange))
}

// anyOf is what stands for two kinds of entries that nobody knows.
func anyOf(a, b *value) *value {
	if a == nil {
		return b
	}
	return unknownFrom(a.at, a, b)
}

// asText returns a known text, or a number or truth value as one.
func (v *value) asText() (string, bool) {
	switch v.kind {
	case kindString:
		return v.text, true
	case kindNumber:
		return formatNumber(v), true
	case kindBool:
		if v.truth {
			return "true", true
		}
		return "false", true
	}
	return "", false
}

// asBool returns a known truth value, or a text that is one.
func (v *value) asBool() (truth, ok bool) {
	switch v.kind {
	case kindBool:
		return v.truth, true
	case kindString:
		switch v.text {
		case "true", "1":
			return true, true
		case "false", "0":
			return false, true
		}
	}
	return false, false
}

// asNumber returns a known number, or a text that is one, as a number.
func (v *value) asNumber() (*value, bool) {
	switch v.kind {
	case kindNumber:
		return v, true
	case kindString:
		if len(v.text) > maxDigits {
			return nil, false
		}
		n, err := cty.ParseNumberVal(v.text)
		if err != nil {
			return nil, false
		}
		parsed := bigNumber(n.AsBigFloat(), v.at)
		return parsed, parsed.kind == kindNumber
	}
	return nil, false
}

// asInt returns a known whole number.
func (v *value) asInt() (int, bool) {
	n, ok := v.asNumber()
	if !ok || n.big != nil || n.number != float64(int64(n.number)) {
		return 0, false
	}
	return int(n.number), true
}

func formatNumber(v *value) string {
	if v.big == nil {
		return fmt.Sprintf("%d", int64(v.number))
	}
	return v.big.Text('f', -1)
}

// conditional chooses a branch. Where the condition is not known the value is one of both.
func (e *evaluator) conditional(x *hclsyntax.ConditionalExpr, f *frame) *value {
	condition := e.expr(x.Condition, f)
	at := location(x.SrcRange)
	truth, ok := condition.asBool()
	if !ok {
		if condition.failed() {
			return condition.placed(at)
		}
		if condition.kind != kindUnknown {
			return failure(at, "a condition that is neither true nor false")
		}
		yes, no := e.expr(x.TrueResult, f), e.expr(x.FalseResult, f)
		return e.either(condition, yes, no, at)
	}
	chosen, other := x.TrueResult, x.FalseResult
	if !truth {
		chosen, other = other, chosen
	}
	v := e.expr(chosen, f).asSensitive(condition.sensitive)
	// Both branches have one type: where the other one is a text, so is a number.
	if v.kind == kindNumber || v.kind == kindBool {
		if _, isText := other.(*hclsyntax.TemplateExpr); isText {
			s, _ := v.asText()
			return text(s, v.at).asSensitive(v.sensitive)
		}
	}
	return v
}

// either is one of two values, depending on what is not known.
func (e *evaluator) either(condition, yes, no *value, at inventory.Location) *value {
	if yes.kind != kindUnknown && same(yes, no) {
		return yes.asSensitive(condition.sensitive)
	}
	v := unknownFrom(at, condition)
	v.unknown.reasons = addReasons(v.unknown.reasons, reasonsOf(yes, no))
	for _, c := range []*value{yes, no} {
		if c.failed() {
			continue
		}
		v.sensitive = v.sensitive || c.anySensitive(0)
		if c.kind == kindUnknown && len(c.unknown.candidates) > 0 && c.unknown.ref == nil && !c.maybe {
			v.unknown.candidates = append(v.unknown.candidates, c.unknown.candidates...)
		} else {
			v.unknown.candidates = append(v.unknown.candidates, c.sure())
		}
		v.size += c.size
	}
	if len(v.unknown.candidates) > maxCandidates || v.size > maxValue {
		v.unknown.candidates, v.size = nil, 1
	}
	return v
}

// forExpr evaluates [for] and {for}.
func (e *evaluator) forExpr(x *hclsyntax.ForExpr, f *frame) *value {
	source := e.expr(x.CollExpr, f)
	at := location(x.SrcRange)
	if source.failed() {
		return source.placed(at)
	}
	if source.kind == kindNull {
		return failure(at, "for over null")
	}
	if source.kind == kindObject {
		source = source.object.whole()
	}
	if source.kind == kindUnknown && source.unknown.ref == nil && len(source.unknown.candidates) > 0 {
		if v := e.overCandidates(source, at, func(c *value) *value { return e.forOver(x, c, f, at) }); v != nil {
			return v
		}
	}
	return e.forOver(x, source, f, at)
}

// overCandidates applies do to each candidate of an unknown value; nil where one of them is unknown itself.
func (e *evaluator) overCandidates(v *value, at inventory.Location, do func(*value) *value) *value {
	made := unknownFrom(at, v)
	for _, c := range v.unknown.candidates {
		if c.kind == kindUnknown {
			return nil
		}
		if r := do(c); !r.failed() {
			made.unknown.candidates = append(made.unknown.candidates, r)
			made.unknown.reasons = addReasons(made.unknown.reasons, reasonsOf(r))
		}
	}
	if len(made.unknown.candidates) == 0 {
		made.unknown.failed = "no value of both is right"
	}
	return made
}

func (e *evaluator) forOver(x *hclsyntax.ForExpr, source *value, f *frame, at inventory.Location) *value {
	keys, elements, ok := entriesOf(source)
	if !ok {
		return failure(at, "for over what is no collection")
	}
	var made []*value
	object := newFields()
	groups := map[string][]*value{}
	for i, element := range elements {
		inner := f
		if x.KeyVar != "" {
			inner = inner.with(x.KeyVar, keys[i])
		}
		inner = inner.with(x.ValVar, element.sure())
		maybe, why := element.maybe, element.maybeWhy
		if x.CondExpr != nil {
			condition := e.expr(x.CondExpr, inner)
			if condition.failed() && !element.open {
				return condition
			}
			truth, known := condition.asBool()
			if known && !truth {
				continue
			}
			if !known {
				maybe, why = true, addReasons(why, reasonsOf(condition))
			}
		}
		v := e.expr(x.ValExpr, inner)
		if v.failed() {
			return v
		}
		v = v.asSensitive(source.sensitive)
		if x.KeyExpr == nil {
			made = append(made, v.like(element, maybe, why))
			continue
		}
		key := e.expr(x.KeyExpr, inner)
		if key.failed() {
			return key
		}
		name, known := key.asText()
		switch {
		case !known || element.rest:
			object.rest = anyOf(object.rest, v.asMaybe(addReasons(reasonsOf(key), why)))
		case x.Group:
			if groups[name] == nil {
				object.put(name, v)
			}
			if maybe {
				v = v.asMaybe(why)
			}
			groups[name] = append(groups[name], v)
		case maybe:
			object.put(name, v.asMaybe(why))
		default:
			object.put(name, v)
		}
	}
	if x.KeyExpr == nil {
		return list(structural, made, at).asSensitive(source.sensitive)
	}
	for name, group := range groups {
		object.values[name] = list(structural, group, at)
	}
	return mapping(structural, object, at).asSensitive(source.sensitive)
}

// entriesOf returns keys and elements of what can be iterated over.
func entriesOf(source *value) (keys, elements []*value, ok bool) {
	elements, ok = source.elements()
	if !ok {
		return nil, nil, false
	}
	keys = make([]*value, len(elements))
	sure := true
	for i, element := range elements {
		sure = sure && !element.maybe
		switch {
		case source.kind == kindMap && i < len(source.fields.keys):
			keys[i] = text(source.fields.keys[i], element.at)
		case source.kind == kindList && source.flavour == set:
			keys[i] = element.sure()
		case sure && source.kind == kindList:
			keys[i] = integer(i, element.at)
		default:
			keys[i] = unknownValue(element.at, addReasons(reasonsOf(source), element.maybeWhy)...)
		}
	}
	return keys, elements, true
}

func splatName(x *hclsyntax.AnonSymbolExpr) string { return fmt.Sprintf("*%p", x) }

// splat evaluates a[*].b: for a list for each element, for another value for it alone, and for null for none.
func (e *evaluator) splat(x *hclsyntax.SplatExpr, f *frame) *value {
	source := e.expr(x.Source, f)
	at := location(x.SrcRange)
	var elements []*value
	switch {
	case source.failed():
		return source.placed(at)
	case source.kind == kindNull:
		return list(structural, nil, at)
	case source.kind == kindList:
		elements = source.list
	case source.kind == kindUnknown:
		elements, _ = source.elements()
	default:
		elements = []*value{source}
	}
	name := splatName(x.Item)
	made := make([]*value, 0, len(elements))
	for _, element := range elements {
		v := e.expr(x.Each, f.with(name, element.sure()))
		if v.failed() {
			return v
		}
		made = append(made, v.like(element, element.maybe, element.maybeWhy))
	}
	return list(structural, made, at).asSensitive(source.sensitive)
}

// template evaluates "a${b}c". With an unknown part the parts are kept.
func (e *evaluator) template(x *hclsyntax.TemplateExpr, f *frame) *value {
	at := location(x.SrcRange)
	if len(x.Parts) == 1 {
		if lit, ok := x.Parts[0].(*hclsyntax.LiteralValueExpr); ok {
			return literal(lit.Val, at)
		}
	}
	parts := make([]*value, 0, len(x.Parts))
	for _, p := range x.Parts {
		parts = append(parts, e.expr(p, f))
	}
	return e.concatenated(parts, at)
}

// concatenated returns the text of parts that follow each other.
func (e *evaluator) concatenated(parts []*value, at inventory.Location) *value {
	var b strings.Builder
	var kept []*value
	open, sensitive := false, false
	flush := func() {
		if b.Len() > 0 {
			kept = append(kept, text(b.String(), at))
			b.Reset()
		}
	}
	for _, p := range parts {
		sensitive = sensitive || p.sensitive
		if s, ok := p.asText(); ok {
			if b.Len()+len(s) > maxText {
				return beyond(at, "a text of too many bytes")
			}
			b.WriteString(s)
			continue
		}
		switch p.kind {
		case kindUnknown:
			if p.failed() {
				return p
			}
			flush()
			open = true
			if len(p.unknown.parts) > 0 && p.unknown.ref == nil && len(p.unknown.candidates) == 0 {
				kept = append(kept, p.unknown.parts...)
			} else {
				kept = append(kept, p)
			}
		default:
			return failure(p.at, "a text with a part that is none")
		}
	}
	e.bytes += b.Len()
	if e.bytes > maxBytes {
		e.stop(hcl.Range{Filename: at.Path, Start: hcl.Pos{Line: at.Line, Column: at.Column}}, "more than "+fmt.Sprint(maxBytes>>20)+" MiB of text")
		return beyond(at, e.stopped)
	}
	if !open {
		return text(b.String(), at).asSensitive(sensitive)
	}
	flush()
	v := unknownFrom(at, parts...)
	if len(kept) <= maxParts {
		v.unknown.parts = kept
	}
	v.sensitive = v.sensitive || sensitive
	return v
}

func (e *evaluator) templateJoin(x *hclsyntax.TemplateJoinExpr, f *frame) *value {
	tuple := e.expr(x.Tuple, f)
	at := location(x.Range())
	if tuple.failed() {
		return tuple
	}
	elements, ok := tuple.elements()
	if !ok || !fixed(elements) {
		return unknownFrom(at, tuple)
	}
	return e.concatenated(elements, at)
}

// unary evaluates -a and !a.
func (e *evaluator) unary(x *hclsyntax.UnaryOpExpr, f *frame) *value {
	v := e.expr(x.Val, f)
	at := location(x.SrcRange)
	if v.kind == kindUnknown {
		return unknownFrom(at, v)
	}
	if x.Op == hclsyntax.OpLogicalNot {
		if truth, ok := v.asBool(); ok {
			return boolean(!truth, at).asSensitive(v.sensitive)
		}
		return failure(at, "! of what is neither true nor false")
	}
	if n, ok := v.asNumber(); ok {
		return bigNumber(new(big.Float).Neg(n.bigFloat()), at).asSensitive(v.sensitive)
	}
	return failure(at, "- of what is no number")
}

// binary evaluates a op b.
func (e *evaluator) binary(x *hclsyntax.BinaryOpExpr, f *frame) *value {
	left, right := e.expr(x.LHS, f), e.expr(x.RHS, f)
	at := location(x.SrcRange)
	sensitive := left.sensitive || right.sensitive
	if x.Op == hclsyntax.OpLogicalAnd || x.Op == hclsyntax.OpLogicalOr {
		// One side decides alone, whatever the other one is: false for &&, true for ||.
		decides := x.Op == hclsyntax.OpLogicalOr
		l, lok := left.asBool()
		r, rok := right.asBool()
		switch {
		case lok && l == decides || rok && r == decides && !left.failed():
			return boolean(decides, at).asSensitive(sensitive)
		case lok && rok:
			return boolean(!decides, at).asSensitive(sensitive)
		case left.kind == kindUnknown || right.kind == kindUnknown:
			return unknownFrom(at, left, right)
		}
		return failure(at, "a condition of what is neither true nor false")
	}
	if bad := failedAmong(left, right); bad != nil {
		return bad.placed(at)
	}
	switch x.Op {
	case hclsyntax.OpEqual, hclsyntax.OpNotEqual:
		equal, known := equals(left, right)
		if !known {
			equal, known = equalCandidates(left, right)
		}
		if !known {
			return unknownFrom(at, left, right)
		}
		return boolean(equal == (x.Op == hclsyntax.OpEqual), at).asSensitive(sensitive)
	}
	if left.kind == kindUnknown || right.kind == kindUnknown {
		return unknownFrom(at, left, right)
	}
	l, lok := left.asNumber()
	r, rok := right.asNumber()
	if !lok || !rok {
		return failure(at, "arithmetic with what is no number")
	}
	return arithmetic(x.Op, l, r, at).asSensitive(sensitive)
}

// equalCandidates compares an unknown value by what it can be: never equal where no candidate is, and never null where
// it is what a resource will have.
func equalCandidates(a, b *value) (equal, known bool) {
	if b.kind == kindUnknown {
		a, b = b, a
	}
	if a.kind != kindUnknown || b.kind == kindUnknown {
		return false, false
	}
	if empty := b.kind == kindNull || b.kind == kindString && b.text == ""; empty && (surelyText(a) || b.kind == kindNull && a.unknown.parts != nil) {
		return false, true
	}
	if len(a.unknown.candidates) == 0 {
		return false, false
	}
	for i, c := range a.unknown.candidates {
		eq, k := equals(c, b)
		if !k {
			eq, k = equalCandidates(c, b)
		}
		if !k || i > 0 && eq != equal {
			return false, false
		}
		equal = eq
	}
	return equal, true
}

// filled are attributes that the provider computes and that are neither null nor empty on anything that exists.
var filled = map[string]bool{
	"id": true, "arn": true, "name": true, "dns_name": true, "endpoint": true, "invoke_arn": true, "execution_arn": true, "qualified_arn": true,
	"arn_suffix": true, "unique_id": true, "zone_id": true, "owner_id": true, "repository_url": true, "default_security_group_id": true,
	"default_network_acl_id": true, "default_route_table_id": true, "main_route_table_id": true, "domain_name": true, "hosted_zone_id": true,
	"function_url": true, "api_endpoint": true, "bucket_regional_domain_name": true, "bucket_domain_name": true, "key_id": true, "url": true,
}

// certain reports whether an unknown value is such an attribute. An output of a module that nobody has may be anything.
func certain(v *value) bool {
	if v.unknown.ref == nil || !filled[v.unknown.ref.Attribute] {
		return false
	}
	return !slices.ContainsFunc(v.unknown.reasons, func(r inventory.Reason) bool { return r.Code != inventory.Computed && r.Code != inventory.DataSource })
}

func arithmetic(op *hclsyntax.Operation, l, r *value, at inventory.Location) *value {
	switch op {
	case hclsyntax.OpGreaterThan:
		return boolean(l.bigFloat().Cmp(r.bigFloat()) > 0, at)
	case hclsyntax.OpGreaterThanOrEqual:
		return boolean(l.bigFloat().Cmp(r.bigFloat()) >= 0, at)
	case hclsyntax.OpLessThan:
		return boolean(l.bigFloat().Cmp(r.bigFloat()) < 0, at)
	case hclsyntax.OpLessThanOrEqual:
		return boolean(l.bigFloat().Cmp(r.bigFloat()) <= 0, at)
	}
	if l.big == nil && r.big == nil {
		var n float64
		switch op {
		case hclsyntax.OpAdd:
			n = l.number + r.number
		case hclsyntax.OpSubtract:
			n = l.number - r.number
		case hclsyntax.OpMultiply:
			n = l.number * r.number
		case hclsyntax.OpModulo:
			if r.number == 0 {
				return failure(at, "a division by zero")
			}
			n = float64(int64(l.number) % int64(r.number))
		default:
			n = exact // a quotient need not be whole
		}
		if n > -exact && n < exact {
			return number(n, at)
		}
	}
	a, b := l.bigFloat(), r.bigFloat()
	n := new(big.Float).SetPrec(precision)
	switch op {
	case hclsyntax.OpAdd:
		n.Add(a, b)
	case hclsyntax.OpSubtract:
		n.Sub(a, b)
	case hclsyntax.OpMultiply:
		n.Mul(a, b)
	case hclsyntax.OpDivide:
		if b.Sign() == 0 {
			return failure(at, "a division by zero")
		}
		n.Quo(a, b)
	case hclsyntax.OpModulo:
		if b.Sign() == 0 {
			return failure(at, "a division by zero")
		}
		n.Quo(a, b)
		whole, _ := n.Int(nil)
		n.Sub(a, n.Mul(b, new(big.Float).SetPrec(precision).SetInt(whole)))
	default:
		return failure(at, "an operator that is not known")
	}
	return bigNumber(n, at)
}
