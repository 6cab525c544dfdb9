package fix

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
)

// jsonText is a JSON text that is changed in places, so that everything else of it stays byte for byte.
type jsonText struct {
	data    []byte
	root    *jsonValue
	indent  string // of one level
	newline string // line end; empty where the text is one line
	splices []splice
}

// jsonValue is one value with its place.
type jsonValue struct {
	kind       byte // { [ " 0 t f n, as of jsontext.Kind
	start, end int
	text       string // of a string
	members    []jsonMember
	depth      int
}

// jsonMember is one member of an object, or element of an array, which has no name.
type jsonMember struct {
	name       string
	start, end int // from the name to the end of the value
	value      *jsonValue
}

type splice struct {
	start, end int
	text       string
}

// maxJSONDepth bounds nesting; lock files of version 1 nest packages, and real ones stay below 30.
const maxJSONDepth = 600

// parseJSON reads a text that must be one object.
func parseJSON(data []byte) (*jsonText, error) {
	t := &jsonText{data: data}
	base := 0
	if bytes.HasPrefix(data, []byte("\xef\xbb\xbf")) {
		base = 3
	}
	p := jsonParser{data: data, base: base, dec: jsontext.NewDecoder(bytes.NewReader(data[base:]), jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true))}
	root, err := p.value(0)
	if err != nil {
		return nil, err
	}
	if root.kind != '{' {
		return nil, errors.New("not a JSON object")
	}
	t.root = root
	if i := bytes.IndexByte(data, '\n'); i >= 0 {
		t.newline = "\n"
		if i > 0 && data[i-1] == '\r' {
			t.newline = "\r\n"
		}
	}
	t.indent = "  "
	if len(root.members) > 0 && t.newline != "" {
		line := data[:root.members[0].start]
		if i := bytes.LastIndexByte(line, '\n'); i >= 0 && len(bytes.TrimLeft(line[i+1:], " \t")) == 0 {
			t.indent = string(line[i+1:])
		}
	}
	return t, nil
}

type jsonParser struct {
	data []byte
	base int
	dec  *jsontext.Decoder
}

// next returns where the next token begins.
func (p *jsonParser) next() int {
	at := p.base + int(p.dec.InputOffset())
	for at < len(p.data) && strings.IndexByte(" \t\r\n,:", p.data[at]) >= 0 {
		at++
	}
	return at
}

func (p *jsonParser) value(depth int) (*jsonValue, error) {
	if depth > maxJSONDepth {
		return nil, fmt.Errorf("nests more than %d deep", maxJSONDepth)
	}
	kind := p.dec.PeekKind()
	v := &jsonValue{kind: byte(kind), start: p.next(), depth: depth}
	tok, err := p.dec.ReadToken()
	if err != nil {
		return nil, err
	}
	switch kind {
	case '"':
		v.text = tok.String()
	case '{', '[':
		closing := jsontext.Kind('}')
		if kind == '[' {
			closing = ']'
		}
		for p.dec.PeekKind() != closing {
			m := jsonMember{start: p.next()}
			if kind == '{' {
				name, err := p.dec.ReadToken()
				if err != nil {
					return nil, err
				}
				m.name = name.String()
			}
			if m.value, err = p.value(depth + 1); err != nil {
				return nil, err
			}
			m.end = m.value.end
			v.members = append(v.members, m)
		}
		if _, err := p.dec.ReadToken(); err != nil {
			return nil, err
		}
	}
	v.end = p.base + int(p.dec.InputOffset())
	return v, nil
}

// get returns the member of an object with this name, the last where there are several, as parsers take it.
func (v *jsonValue) get(name string) *jsonValue {
	if v == nil || v.kind != '{' {
		return nil
	}
	for i := len(v.members) - 1; i >= 0; i-- {
		if v.members[i].name == name {
			return v.members[i].value
		}
	}
	return nil
}

// below returns the member that a path of names with dots between them leads to.
func (v *jsonValue) below(names string) *jsonValue {
	for name := range strings.SplitSeq(names, ".") {
		v = v.get(name)
	}
	return v
}

// str returns a string; anything else is empty.
func (v *jsonValue) str() string {
	if v == nil {
		return ""
	}
	return v.text
}

func (v *jsonValue) isTrue() bool { return v != nil && v.kind == 't' }

// strings returns the members of an object that are strings.
func (v *jsonValue) strings() map[string]string {
	all := map[string]string{}
	if v == nil || v.kind != '{' {
		return all
	}
	for _, m := range v.members {
		if m.value.kind == '"' {
			all[m.name] = m.value.text
		}
	}
	return all
}

// line returns the line of an offset, from 1.
func (t *jsonText) line(at int) int { return 1 + bytes.Count(t.data[:at], []byte("\n")) }

// quote writes a string as package managers do: only what must be escaped is.
func quote(s string) string {
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false)
	_ = enc.Encode(s) // a string can always be written
	return strings.TrimSuffix(buf.String(), "\n")
}

// replace puts other text in the place of a value.
func (t *jsonText) replace(v *jsonValue, text string) {
	t.splices = append(t.splices, splice{v.start, v.end, text})
}

// set makes the member of an object a string. A new one is put where the order of names wants it, if the names are in
// order so far, else last.
func (t *jsonText) set(object *jsonValue, name, value string) {
	if v := object.get(name); v != nil {
		if v.text != value || v.kind != '"' {
			t.replace(v, quote(value))
		}
		return
	}
	t.insert(object, name, quote(value))
}

// insert adds a member whose value is written already, for its depth.
func (t *jsonText) insert(object *jsonValue, name, text string) {
	inner := t.lead(object.depth + 1)
	sep := ":"
	if t.newline != "" {
		sep = ": "
	}
	member := quote(name) + sep + text
	if len(object.members) == 0 {
		t.replace(object, "{"+inner+member+t.lead(object.depth)+"}")
		return
	}
	sorted := slices.IsSortedFunc(object.members, func(a, b jsonMember) int { return compareNames(a.name, b.name) })
	if sorted {
		for _, m := range object.members {
			if compareNames(m.name, name) > 0 {
				t.splices = append(t.splices, splice{m.start, m.start, member + "," + inner})
				return
			}
		}
	}
	last := object.members[len(object.members)-1]
	t.splices = append(t.splices, splice{last.end, last.end, "," + inner + member})
}

// insertLast adds a member after all others.
func (t *jsonText) insertLast(object *jsonValue, name, text string) {
	if len(object.members) == 0 {
		t.insert(object, name, text)
		return
	}
	sep := ":"
	if t.newline != "" {
		sep = ": "
	}
	last := object.members[len(object.members)-1]
	t.splices = append(t.splices, splice{last.end, last.end, "," + t.lead(object.depth+1) + quote(name) + sep + text})
}

// lead is what stands before a value of some depth: a line end and its indentation.
func (t *jsonText) lead(depth int) string {
	if t.newline == "" {
		return ""
	}
	return t.newline + strings.Repeat(t.indent, depth)
}

// remove takes the member at index i out of an object. Several of one object are removed by one call.
func (t *jsonText) remove(object *jsonValue, indices ...int) {
	gone := map[int]bool{}
	for _, i := range indices {
		gone[i] = true
	}
	if len(gone) == len(object.members) {
		t.replace(object, "{}")
		return
	}
	for i := 0; i < len(object.members); i++ {
		if !gone[i] {
			continue
		}
		j := i
		for j+1 < len(object.members) && gone[j+1] {
			j++
		}
		if j+1 < len(object.members) { // up to where the next one begins
			t.splices = append(t.splices, splice{object.members[i].start, object.members[j+1].start, ""})
		} else { // from where the one before ends
			t.splices = append(t.splices, splice{object.members[i-1].end, object.members[j].end, ""})
		}
		i = j
	}
}

// bytes returns the text with all changes. Changes inside of a place that is replaced whole are an error.
func (t *jsonText) bytes() ([]byte, error) {
	slices.SortStableFunc(t.splices, func(a, b splice) int {
		if a.start != b.start {
			return a.start - b.start
		}
		return a.end - b.end
	})
	var out bytes.Buffer
	at := 0
	for _, s := range t.splices {
		if s.start < at {
			return nil, errors.New("two changes of one place")
		}
		out.Write(t.data[at:s.start])
		out.WriteString(s.text)
		at = s.end
	}
	out.Write(t.data[at:])
	return out.Bytes(), nil
}

// render writes an object whose members are in order, for a depth.
func (t *jsonText) render(depth int, members []jsonPair) string {
	if len(members) == 0 {
		return "{}"
	}
	sep := ":"
	if t.newline != "" {
		sep = ": "
	}
	var b strings.Builder
	b.WriteByte('{')
	for i, m := range members {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteString(t.lead(depth + 1))
		b.WriteString(quote(m.name) + sep + m.text(t, depth+1))
	}
	b.WriteString(t.lead(depth) + "}")
	return b.String()
}

// jsonPair is a member to be written.
type jsonPair struct {
	name  string
	value any // as encoding/json decodes it, or a *jsonValue that is kept
}

func (m jsonPair) text(t *jsonText, depth int) string { return t.value(depth, m.value) }

// value writes a value for a depth.
func (t *jsonText) value(depth int, value any) string {
	switch v := value.(type) {
	case *jsonValue:
		return string(t.data[v.start:v.end])
	case map[string]any:
		var pairs []jsonPair
		for name, inner := range v {
			pairs = append(pairs, jsonPair{name, inner})
		}
		slices.SortFunc(pairs, comparePairs)
		return t.render(depth, pairs)
	case []any:
		if len(v) == 0 {
			return "[]"
		}
		var b strings.Builder
		b.WriteByte('[')
		for i, inner := range v {
			if i > 0 {
				b.WriteByte(',')
			}
			b.WriteString(t.lead(depth+1) + t.value(depth+1, inner))
		}
		b.WriteString(t.lead(depth) + "]")
		return b.String()
	case string:
		return quote(v)
	}
	text, err := json.Marshal(value)
	if err != nil {
		return "null"
	}
	return string(text)
}

// lockOrder is what npm writes first.
var lockOrder = []string{"name", "version", "lockfileVersion", "resolved", "integrity", "requires", "packages", "dependencies"}

// comparePairs orders members as npm writes them: objects last, then some names, then by name.
func comparePairs(a, b jsonPair) int {
	object := func(p jsonPair) int {
		switch v := p.value.(type) {
		case map[string]any:
			return 1
		case *jsonValue:
			if v.kind == '{' {
				return 1
			}
		}
		return 0
	}
	order := func(p jsonPair) int {
		if i := slices.Index(lockOrder, p.name); i >= 0 {
			return i
		}
		return len(lockOrder)
	}
	if n := object(a) - object(b); n != 0 {
		return n
	}
	if n := order(a) - order(b); n != 0 {
		return n
	}
	return compareNames(a.name, b.name)
}

// nameOrder is the order of signs in names that are sorted by the rules of the English language, as npm sorts them
// (https://unicode.org/reports/tr10/): punctuation, digits, letters whatever their case.
const nameOrder = "_-,;:!?.'\"()[]{}@*/\\&#%`^+<=>|~$0123456789abcdefghijklmnopqrstuvwxyz"

func compareNames(a, b string) int {
	la, lb := strings.ToLower(a), strings.ToLower(b)
	for i := 0; i < len(la) && i < len(lb); i++ {
		if la[i] == lb[i] {
			continue
		}
		if n := strings.IndexByte(nameOrder, la[i]) - strings.IndexByte(nameOrder, lb[i]); n != 0 {
			return n
		}
		return int(la[i]) - int(lb[i])
	}
	if n := len(la) - len(lb); n != 0 {
		return n
	}
	return strings.Compare(b, a) // lower case first
}
