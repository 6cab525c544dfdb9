package cloudformation

import (
	"encoding/json"
	"errors"
	"fmt"
	"unicode/utf8"

	"github.com/trifecta-scanner/trifecta/inventory"
)

// parseJSON reads a template of JSON (RFC 8259) with the places of its values. Of a file that is broken it returns what
// stands before the broken place, with the error.
func parseJSON(name string, data []byte) (*node, error) {
	p := &jsonParser{data: data, path: name, lines: inventory.NewLines(data)}
	n := p.value(0)
	if p.space(); p.err == nil && p.pos < len(data) {
		p.fail("text after the end of the value")
	}
	if p.err != nil {
		return n, &syntaxError{at: p.lines.Location(name, p.pos, p.pos), err: p.err}
	}
	return n, nil
}

type jsonParser struct {
	data  []byte
	pos   int
	path  string
	lines *inventory.Lines
	err   error
}

func (p *jsonParser) fail(format string, args ...any) {
	if p.err == nil {
		p.err = fmt.Errorf(format, args...)
	}
}

func (p *jsonParser) space() {
	for p.pos < len(p.data) {
		switch p.data[p.pos] {
		case ' ', '\t', '\n', '\r':
			p.pos++
		default:
			return
		}
	}
}

// next skips space and reports whether c stands there, and consumes it if so.
func (p *jsonParser) next(c byte) bool {
	p.space()
	if p.pos < len(p.data) && p.data[p.pos] == c {
		p.pos++
		return true
	}
	return false
}

func (p *jsonParser) value(depth int) *node {
	p.space()
	start := p.pos
	n := &node{}
	switch {
	case p.pos >= len(p.data):
		p.fail("the file ends where a value should stand")
	case depth > maxDepth:
		p.fail("nested deeper than %d levels", maxDepth)
		n.kind = tooDeep
	case p.data[p.pos] == '{':
		p.object(n, depth)
	case p.data[p.pos] == '[':
		p.list(n, depth)
	case p.data[p.pos] == '"':
		n.kind, n.text = text, p.string()
	default:
		p.literal(n)
	}
	n.at = p.lines.Location(p.path, start, p.pos)
	return n
}

func (p *jsonParser) object(n *node, depth int) {
	n.kind = object
	p.pos++
	if p.next('}') {
		return
	}
	for p.err == nil {
		p.space()
		start := p.pos
		if p.pos >= len(p.data) || p.data[p.pos] != '"' {
			p.fail("a key in quotes should stand here")
			return
		}
		key := p.string()
		at := p.lines.Location(p.path, start, p.pos)
		if !p.next(':') {
			p.fail("a colon should follow the key %q", shorten(key))
			return
		}
		n.entries = append(n.entries, entry{key, at, p.value(depth + 1)})
		if p.err != nil || p.next('}') {
			return
		}
		if !p.next(',') {
			p.fail("a comma or the end of the object should stand here")
		}
	}
}

func (p *jsonParser) list(n *node, depth int) {
	n.kind = list
	p.pos++
	if p.next(']') {
		return
	}
	for p.err == nil {
		n.items = append(n.items, p.value(depth+1))
		if p.err != nil || p.next(']') {
			return
		}
		if !p.next(',') {
			p.fail("a comma or the end of the list should stand here")
		}
	}
}

// string reads the string that begins at pos.
func (p *jsonParser) string() string {
	start := p.pos
	escaped := false
	for p.pos++; p.pos < len(p.data); p.pos++ {
		switch p.data[p.pos] {
		case '\\':
			escaped = true
			p.pos++
		case '"':
			p.pos++
			raw := p.data[start:p.pos]
			if !escaped && utf8.Valid(raw) {
				return string(raw[1 : len(raw)-1])
			}
			var s string
			if err := json.Unmarshal(raw, &s); err != nil {
				p.pos = start
				p.fail("a string that is not well formed")
			}
			return s
		}
	}
	p.pos = start
	p.fail("a string without an end")
	return ""
}

func (p *jsonParser) literal(n *node) {
	start := p.pos
	for p.pos < len(p.data) {
		c := p.data[p.pos]
		if c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '-' || c == '+' || c == '.' {
			p.pos++
			continue
		}
		break
	}
	switch n.text = string(p.data[start:p.pos]); n.text {
	case "true", "false":
		n.kind = boolean
	case "null":
	default:
		if n.kind = number; !json.Valid(p.data[start:p.pos]) {
			p.pos = start
			p.fail("neither a value nor the end of one")
		}
	}
}

// syntaxError says where a file can't be read further.
type syntaxError struct {
	at  inventory.Location
	err error
}

func (e *syntaxError) Error() string { return e.err.Error() }

func (e *syntaxError) Unwrap() error { return e.err }

// place returns where an error of the parsers stands.
func place(err error, otherwise inventory.Location) inventory.Location {
	var syntax *syntaxError
	if errors.As(err, &syntax) {
		return syntax.at
	}
	return otherwise
}

// shorten cuts text of a template for a message.
func shorten(s string) string {
	const most = 60
	if len(s) <= most {
		return s
	}
	cut := most
	for cut > 0 && !utf8.RuneStart(s[cut]) {
		cut--
	}
	return s[:cut] + "..."
}
