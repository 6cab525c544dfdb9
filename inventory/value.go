package inventory

import (
	"encoding/json"
	"math"
	"slices"
	"sort"
	"strconv"
	"strings"
)

// Kind is what sort of value a Value is.
type Kind uint8

// The kinds of values.
const (
	Null    Kind = iota // not written, or written as null
	Bool                // true or false
	Number              // an IEEE 754 double
	String              // text
	List                // values in order
	Map                 // values by key
	Unknown             // a value that the code alone does not give
)

// Reason says why something is not known: a stable code, and what would have to be known, in the notation of the user.
// The codes are those of docs/network-model.md.
type Reason struct {
	Code string `json:"code"`          // VAR_NO_DEFAULT, DATA_SOURCE, COMPUTED, ...
	Ref  string `json:"ref,omitempty"` // var.allowed_cidrs, data.aws_ami.ubuntu, Env, ...
}

// The codes of reasons that the evaluators of languages give.
const (
	VarNoDefault       = "VAR_NO_DEFAULT"       // a Terraform variable without default and without value; Ref var.x of the root module
	ParamNoDefault     = "PARAM_NO_DEFAULT"     // a CloudFormation parameter or a Helm value without default; Ref its name
	DataSource         = "DATA_SOURCE"          // a data source that only the account answers; Ref data.type.name
	Computed           = "COMPUTED"             // an attribute that the provider computes; Ref the resource's address
	CountUnknown       = "COUNT_UNKNOWN"        // count, for_each or a condition that is not known; Ref what decides it
	ModuleNotAvailable = "MODULE_NOT_AVAILABLE" // the source of a module is not in the tree; Ref module.x
	ImportValue        = "IMPORT_VALUE"         // an export of a stack that is not in the tree; Ref the export's name
	NotEvaluated       = "NOT_EVALUATED"        // a construct, function or budget beyond the evaluator; Ref the place or name
)

// Ref is the identity behind a value: the value is what Attribute of the resource Resource will be. It is kept where the
// value itself is only known after deployment, so that references still join.
type Ref struct {
	Resource  ID     // address within the same root and environment, as Resource.ID
	Attribute string // arn, id, dns_name, GetAtt names in CloudFormation; "" is the resource itself
	// Root is the root of Resource where that is another one than the value's own: the template that exports what
	// another one imports. Empty in all other cases.
	Root string
}

// Field is one entry of a Value of kind Map.
type Field struct {
	Name  string
	Value Value
}

// Value is one evaluated value of a declared resource, known or unknown, with the place that it comes from. The zero
// Value is Null without a place. A Value must not be changed once it is shared; its accessors never panic.
type Value struct {
	kind   Kind
	flags  valueFlags
	number float64 // of Bool (0 or 1) and Number
	text   string
	list   []Value // of List
	fields []Field // of Map, in order of their names
	at     Location
	detail *detail
}

type valueFlags uint8

const (
	flagMaybe     valueFlags = 1 << iota // as an element: it may not be there
	flagRest                             // as an element: any number of unknown elements
	flagSensitive                        // must not be shown
	flagDefault                          // not written: a default of the language or provider
)

// detail holds what few values have.
type detail struct {
	reasons    []Reason
	ref        *Ref
	candidates []Value
	parts      []Value
	encoded    *Value
}

// The constructors place a value at the Location that gives it: the expression or default that was evaluated.

// NullValue returns the value that is not there.
func NullValue(at Location) Value { return Value{at: at} }

// BoolValue returns a known truth value.
func BoolValue(b bool, at Location) Value {
	v := Value{kind: Bool, at: at}
	if b {
		v.number = 1
	}
	return v
}

// NumberValue returns a known number.
func NumberValue(n float64, at Location) Value { return Value{kind: Number, number: n, at: at} }

// StringValue returns a known text.
func StringValue(s string, at Location) Value { return Value{kind: String, text: s, at: at} }

// ListValue returns a list. It keeps elements.
func ListValue(elements []Value, at Location) Value { return Value{kind: List, list: elements, at: at} }

// MapValue returns a map. It keeps and sorts fields; of two fields with one name the later one counts.
func MapValue(fields []Field, at Location) Value {
	sort.SliceStable(fields, func(i, j int) bool { return fields[i].Name < fields[j].Name })
	kept := fields[:0]
	for i, f := range fields {
		if i+1 < len(fields) && fields[i+1].Name == f.Name {
			continue
		}
		kept = append(kept, f)
	}
	return Value{kind: Map, fields: kept, at: at}
}

// UnknownValue returns a value that the code does not give, and why.
func UnknownValue(at Location, reasons ...Reason) Value {
	return Value{kind: Unknown, at: at, detail: &detail{reasons: reasons}}
}

// WithRef returns v with the identity behind it.
func (v Value) WithRef(ref Ref) Value {
	d := v.copyDetail()
	d.ref = &ref
	v.detail = d
	return v
}

// WithCandidates returns an unknown v that is one of the candidates whatever is missing, such as the two branches of a
// condition. A candidate may itself be unknown.
func (v Value) WithCandidates(candidates ...Value) Value {
	d := v.copyDetail()
	d.candidates = candidates
	v.detail = d
	return v
}

// WithParts returns an unknown text v whose parts follow each other: known texts and unknown values. An image name such
// as "${aws_ecr_repository.api.repository_url}:${var.tag}" keeps what is known of it this way.
func (v Value) WithParts(parts ...Value) Value {
	d := v.copyDetail()
	d.parts = parts
	v.detail = d
	return v
}

// WithEncoded returns v, a text known or not, with the value that it is the JSON or base64 form of. jsonencode and
// Fn::Base64 keep what is inside of it this way although a part of it is unknown.
func (v Value) WithEncoded(inner Value) Value {
	d := v.copyDetail()
	d.encoded = &inner
	v.detail = d
	return v
}

// AsMaybe returns v as an element of a list, or a field of a map, that may not be there, and why.
func (v Value) AsMaybe(reasons ...Reason) Value {
	d := v.copyDetail()
	d.reasons = mergeReasons(d.reasons, reasons)
	v.detail = d
	v.flags |= flagMaybe
	return v
}

// RestValue returns an element of a list that stands for any number of elements nobody knows, none included.
func RestValue(at Location, reasons ...Reason) Value {
	v := UnknownValue(at, reasons...)
	v.flags |= flagMaybe | flagRest
	return v
}

// AsSensitive returns v, which no log and no report may show.
func (v Value) AsSensitive() Value {
	v.flags |= flagSensitive
	return v
}

// AsDefault returns v, which is not written in the code: it is what the language or the provider sets.
func (v Value) AsDefault() Value {
	v.flags |= flagDefault
	return v
}

// At returns v at another place.
func (v Value) At(at Location) Value {
	v.at = at
	return v
}

// Moved returns v with every place in it replaced by what move makes of it.
func (v Value) Moved(move func(Location) Location) Value {
	v.at = move(v.at)
	if v.list != nil {
		list := make([]Value, len(v.list))
		for i, e := range v.list {
			list[i] = e.Moved(move)
		}
		v.list = list
	}
	if v.fields != nil {
		fields := make([]Field, len(v.fields))
		for i, f := range v.fields {
			fields[i] = Field{f.Name, f.Value.Moved(move)}
		}
		v.fields = fields
	}
	return v
}

func (v Value) copyDetail() *detail {
	if v.detail == nil {
		return &detail{}
	}
	d := *v.detail
	return &d
}

// Kind returns what sort of value v is.
func (v Value) Kind() Kind { return v.kind }

// IsNull reports whether v is not written, or null.
func (v Value) IsNull() bool { return v.kind == Null }

// IsUnknown reports whether v itself is not known. A list or map that is known may still hold unknown elements.
func (v Value) IsUnknown() bool { return v.kind == Unknown }

// IsMaybe reports whether v, as an element or field, may not be there.
func (v Value) IsMaybe() bool { return v.flags&flagMaybe != 0 }

// IsRest reports whether v stands for any number of unknown elements.
func (v Value) IsRest() bool { return v.flags&flagRest != 0 }

// IsSensitive reports whether v must not be shown.
func (v Value) IsSensitive() bool { return v.flags&flagSensitive != 0 }

// IsDefault reports whether v is not written in the code.
func (v Value) IsDefault() bool { return v.flags&flagDefault != 0 }

// Location returns the place that gives v its value.
func (v Value) Location() Location { return v.at }

// Bool returns a known truth value; the texts "true" and "false" count, as they do in both languages.
func (v Value) Bool() (value, ok bool) {
	switch v.kind {
	case Bool:
		return v.number != 0, true
	case String:
		switch strings.ToLower(v.text) {
		case "true":
			return true, true
		case "false":
			return false, true
		}
	}
	return false, false
}

// Number returns a known number; a text that is one counts, as it does in both languages.
func (v Value) Number() (float64, bool) {
	switch v.kind {
	case Number:
		return v.number, true
	case String:
		n, err := strconv.ParseFloat(strings.TrimSpace(v.text), 64)
		return n, err == nil && !math.IsInf(n, 0) && !math.IsNaN(n)
	}
	return 0, false
}

// Int returns a known whole number.
func (v Value) Int() (int, bool) {
	n, ok := v.Number()
	if !ok || n != math.Trunc(n) || math.Abs(n) > 1<<53 {
		return 0, false
	}
	return int(n), true
}

// Text returns a known text; numbers and truth values count in their usual form.
func (v Value) Text() (string, bool) {
	switch v.kind {
	case String:
		return v.text, true
	case Number:
		return strconv.FormatFloat(v.number, 'f', -1, 64), true
	case Bool:
		return strconv.FormatBool(v.number != 0), true
	}
	return "", false
}

// Elements returns the elements of a list in order, or of a map in order of its keys. A single value that is neither
// null, list nor map is its own only element: both languages let a list of one be written without brackets. An unknown
// value is one Rest element.
func (v Value) Elements() []Value {
	switch v.kind {
	case Null:
		return nil
	case List:
		return v.list
	case Map:
		elements := make([]Value, len(v.fields))
		for i, f := range v.fields {
			elements[i] = f.Value
		}
		return elements
	case Unknown:
		rest := v
		rest.flags |= flagMaybe | flagRest
		return []Value{rest}
	}
	return []Value{v}
}

// Blocks returns the nested blocks that v stands for: the elements of a list, or v itself where it is one map.
func (v Value) Blocks() []Value {
	if v.kind == Map {
		return []Value{v}
	}
	return v.Elements()
}

// Fields returns the fields of a map in order of their names.
func (v Value) Fields() []Field {
	if v.kind != Map {
		return nil
	}
	return v.fields
}

// Get returns what stands at a path of field names. It is Null where a field is not there, and unknown for the reasons
// of the value that should hold it where that is unknown. Of a list it looks into the first element, as the languages do
// for a block that stands once.
func (v Value) Get(path ...string) Value {
	for _, name := range path {
		if v.kind == List && len(v.list) > 0 {
			v = v.list[0]
		}
		switch v.kind {
		case Map:
			i, ok := slices.BinarySearchFunc(v.fields, name, func(f Field, name string) int { return strings.Compare(f.Name, name) })
			if !ok {
				return NullValue(v.at)
			}
			v = v.fields[i].Value
		case Unknown:
			inner := UnknownValue(v.at, v.Reasons()...)
			for _, c := range v.Candidates() {
				inner = inner.WithCandidates(append(slices.Clone(inner.Candidates()), c.Get(name))...)
			}
			v = inner
		default:
			return NullValue(v.at)
		}
	}
	return v
}

// Reasons returns why v is unknown, or why it may not be there.
func (v Value) Reasons() []Reason {
	if v.detail == nil {
		return nil
	}
	return v.detail.reasons
}

// AllReasons returns the reasons of everything unknown in v, each once, in order.
func (v Value) AllReasons() []Reason {
	var all []Reason
	var walk func(v Value)
	walk = func(v Value) {
		all = mergeReasons(all, v.Reasons())
		for _, e := range v.list {
			walk(e)
		}
		for _, f := range v.fields {
			walk(f.Value)
		}
	}
	walk(v)
	return all
}

// Ref returns the identity behind v, if there is one.
func (v Value) Ref() (Ref, bool) {
	if v.detail == nil || v.detail.ref == nil {
		return Ref{}, false
	}
	return *v.detail.ref, true
}

// Candidates returns the values of which an unknown v is one; none where it can be anything.
func (v Value) Candidates() []Value {
	if v.detail == nil {
		return nil
	}
	return v.detail.candidates
}

// Parts returns the parts of an unknown text; none where it is not known to be put together.
func (v Value) Parts() []Value {
	if v.detail == nil {
		return nil
	}
	return v.detail.parts
}

// Encoded returns the value that the text v is the JSON or base64 form of.
func (v Value) Encoded() (Value, bool) {
	if v.detail == nil || v.detail.encoded == nil {
		return Value{}, false
	}
	return *v.detail.encoded, true
}

// Known reports whether v and everything in it is known.
func (v Value) Known() bool {
	if v.kind == Unknown || v.IsMaybe() {
		return false
	}
	for _, e := range v.list {
		if !e.Known() {
			return false
		}
	}
	for _, f := range v.fields {
		if !f.Value.Known() {
			return false
		}
	}
	return true
}

func mergeReasons(a, b []Reason) []Reason {
	merged := a
	for _, r := range b {
		if !slices.Contains(merged, r) {
			merged = append(slices.Clip(merged), r)
		}
	}
	return merged
}

// The keys under which MarshalJSON shows what JSON has no word for.
const (
	jsonUnknown   = "$unknown"
	jsonSensitive = "$sensitive"
)

// MarshalJSON writes known values as they are, an unknown one as {"$unknown": [reasons], "$ref": "address.attribute"} and
// a sensitive one as {"$sensitive": true}, without what it is.
func (v Value) MarshalJSON() ([]byte, error) {
	switch {
	case v.IsSensitive():
		return []byte(`{"` + jsonSensitive + `":true}`), nil
	case v.kind == Unknown:
		shown := map[string]any{jsonUnknown: v.Reasons()}
		if v.Reasons() == nil {
			shown[jsonUnknown] = []Reason{}
		}
		if ref, ok := v.Ref(); ok {
			shown["$ref"] = strings.TrimSuffix(string(ref.Resource)+"."+ref.Attribute, ".")
			if ref.Root != "" {
				shown["$root"] = ref.Root
			}
		}
		return json.Marshal(shown)
	}
	switch v.kind {
	case Bool:
		return strconv.AppendBool(nil, v.number != 0), nil
	case Number:
		return json.Marshal(v.number)
	case String:
		return json.Marshal(v.text)
	case List:
		if v.list == nil {
			return []byte("[]"), nil
		}
		return json.Marshal(v.list)
	case Map:
		shown := make(map[string]Value, len(v.fields))
		for _, f := range v.fields {
			shown[f.Name] = f.Value
		}
		return json.Marshal(shown)
	}
	return []byte("null"), nil
}

// UnmarshalJSON reads what MarshalJSON writes. Places are not part of it.
func (v *Value) UnmarshalJSON(data []byte) error {
	var raw any
	if err := json.Unmarshal(data, &raw); err != nil {
		return err
	}
	*v = FromJSON(raw, Location{})
	return nil
}

// FromJSON returns the value of what encoding/json decodes into an any.
func FromJSON(raw any, at Location) Value {
	switch raw := raw.(type) {
	case bool:
		return BoolValue(raw, at)
	case float64:
		return NumberValue(raw, at)
	case string:
		return StringValue(raw, at)
	case []any:
		elements := make([]Value, len(raw))
		for i, e := range raw {
			elements[i] = FromJSON(e, at)
		}
		return ListValue(elements, at)
	case map[string]any:
		if reasons, ok := raw[jsonUnknown].([]any); ok {
			return unknownFromJSON(raw, reasons, at)
		}
		if raw[jsonSensitive] == true && len(raw) == 1 {
			return UnknownValue(at).AsSensitive()
		}
		fields := make([]Field, 0, len(raw))
		for name, e := range raw {
			fields = append(fields, Field{name, FromJSON(e, at)})
		}
		return MapValue(fields, at)
	}
	return NullValue(at)
}

func unknownFromJSON(raw map[string]any, reasons []any, at Location) Value {
	v := UnknownValue(at)
	for _, r := range reasons {
		if fields, ok := r.(map[string]any); ok {
			code, _ := fields["code"].(string)
			ref, _ := fields["ref"].(string)
			v.detail.reasons = append(v.detail.reasons, Reason{code, ref})
		}
	}
	if ref, ok := raw["$ref"].(string); ok {
		root, _ := raw["$root"].(string)
		at := strings.LastIndexByte(ref, '.')
		if at < 0 {
			return v.WithRef(Ref{Resource: ID(ref), Root: root})
		}
		return v.WithRef(Ref{Resource: ID(ref[:at]), Attribute: ref[at+1:], Root: root})
	}
	return v
}
