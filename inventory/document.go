package inventory

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
	"gopkg.in/yaml.v3"
)

// Document is one YAML or JSON document of a file. Either Value is what it says, or Err why it can't be read.
type Document struct {
	Value Value
	Line  int // where it begins, from 1
	Err   error
}

// The bounds of one document. A configuration that people write is far below.
const (
	maxDocumentDepth = 200
	maxAliasedNodes  = 100_000 // nodes that aliases may add to those that are written
)

// ReadYAML reads every document of a YAML stream; one that is broken does not keep the others from being read. Each node
// becomes a Value with its own place in the file at path. Plain words are read as YAML 1.1 reads them, as Kubernetes
// does: yes and on are true (https://yaml.org/type/bool.html). Aliases are followed within bounds, merge keys applied;
// empty documents are left out.
func ReadYAML(path string, data []byte) []Document { return ReadYAMLExcept(path, data, nil) }

// ReadYAMLExcept is ReadYAML without the documents whose text skip, where it is given, says are not worth their cost.
func ReadYAMLExcept(path string, data []byte, skip func(text []byte) bool) []Document {
	var documents []Document
	data = bytes.TrimPrefix(data, []byte("\xef\xbb\xbf"))
	for _, part := range splitYAML(data) {
		if skip != nil && skip(part.text) {
			continue
		}
		var node yaml.Node
		err := yaml.Unmarshal(part.text, &node)
		if err == nil && node.Kind == 0 {
			continue
		}
		doc := Document{Line: part.line}
		if err != nil {
			doc.Line, doc.Err = yamlError(err, part.line)
			documents = append(documents, doc)
			continue
		}
		r := yamlReader{path: path, offset: part.line - 1, budget: maxAliasedNodes}
		doc.Value = r.value(&node, 0)
		if doc.Err = r.err; doc.Err == nil && doc.Value.IsNull() {
			continue
		}
		documents = append(documents, doc)
	}
	return documents
}

type yamlPart struct {
	text []byte
	line int
}

// splitYAML cuts a stream at the markers between documents: only there can three dashes stand at the start of a line.
func splitYAML(data []byte) []yamlPart {
	var parts []yamlPart
	start, startLine, line := 0, 1, 1
	for at := 0; at < len(data); line++ {
		end := len(data)
		if i := bytes.IndexByte(data[at:], '\n'); i >= 0 {
			end = at + i + 1
		}
		if text := data[at:end]; bytes.HasPrefix(text, []byte("---")) && (len(text) == 3 || strings.IndexByte(" \t\r\n", text[3]) >= 0) {
			if at > start && len(bytes.TrimSpace(data[start:at])) > 0 {
				parts = append(parts, yamlPart{data[start:at], startLine})
			}
			start, startLine = at, line
		}
		at = end
	}
	if len(bytes.TrimSpace(data[start:])) > 0 {
		parts = append(parts, yamlPart{data[start:], startLine})
	}
	return parts
}

// yamlError returns the line of the file that an error of the parser speaks of, and the error without its line, which
// counts from the start of the document.
func yamlError(err error, first int) (int, error) {
	text := strings.TrimPrefix(err.Error(), "yaml: ")
	if rest, ok := strings.CutPrefix(text, "line "); ok {
		if number, message, ok := strings.Cut(rest, ": "); ok {
			if n, err := strconv.Atoi(number); err == nil {
				return first + n - 1, errors.New(message)
			}
		}
	}
	return first, errors.New(text)
}

type yamlReader struct {
	path     string
	offset   int // lines before the document
	budget   int
	aliasing int
	err      error
}

func (r *yamlReader) value(n *yaml.Node, depth int) Value {
	at := r.location(n)
	switch {
	case r.err != nil:
		return NullValue(at)
	case depth > maxDocumentDepth:
		r.err = fmt.Errorf("more than %d levels inside each other", maxDocumentDepth)
		return NullValue(at)
	}
	if r.aliasing > 0 {
		if r.budget--; r.budget < 0 {
			r.err = fmt.Errorf("aliases make more than %d values of it", maxAliasedNodes)
			return NullValue(at)
		}
	}
	switch n.Kind {
	case yaml.DocumentNode:
		if len(n.Content) > 0 {
			return r.value(n.Content[0], depth)
		}
	case yaml.AliasNode:
		r.aliasing++
		defer func() { r.aliasing-- }()
		return r.value(n.Alias, depth+1)
	case yaml.SequenceNode:
		elements := make([]Value, len(n.Content))
		for i, e := range n.Content {
			elements[i] = r.value(e, depth+1)
		}
		return ListValue(elements, r.until(at, elements))
	case yaml.MappingNode:
		return r.mapping(n, at, depth)
	case yaml.ScalarNode:
		return scalar(n, at)
	}
	return NullValue(at)
}

func (r *yamlReader) mapping(n *yaml.Node, at Location, depth int) Value {
	fields := make([]Field, 0, len(n.Content)/2)
	values := make([]Value, 0, len(n.Content)/2)
	var merged []Field // what is written counts more, and MapValue lets the later field win
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		v := r.value(value, depth+1)
		values = append(values, v)
		if key.Tag == "!!merge" {
			blocks := v.Blocks()
			for j := len(blocks) - 1; j >= 0; j-- { // of several, the first counts
				merged = append(merged, blocks[j].Fields()...)
			}
			continue
		}
		if v.IsNull() && value.Line == key.Line && value.Column == 0 || value.Kind == yaml.ScalarNode && value.Value == "" && value.Style == 0 {
			v = v.At(r.location(key)) // nothing is written
		}
		fields = append(fields, Field{key.Value, v})
	}
	return MapValue(append(merged, fields...), r.until(at, values))
}

// location is where a node stands. The end is given where it is certain: of scalars on one line.
func (r *yamlReader) location(n *yaml.Node) Location {
	at := Location{Path: r.path, Line: n.Line + r.offset, Column: n.Column}
	if n.Kind != yaml.ScalarNode {
		return at
	}
	switch n.Style &^ yaml.TaggedStyle {
	case 0:
		if !strings.Contains(n.Value, "\n") && n.Value != "" {
			at.EndLine, at.EndColumn = at.Line, at.Column+len(n.Value)
		}
	case yaml.SingleQuotedStyle, yaml.DoubleQuotedStyle:
		if !strings.ContainsAny(n.Value, "\n\\\"'\t") {
			at.EndLine, at.EndColumn = at.Line, at.Column+len(n.Value)+2
		}
	case yaml.LiteralStyle:
		at.EndLine = at.Line + strings.Count(n.Value, "\n")
	}
	return at
}

// until extends a place over the values inside of it; those that an alias brings in stand elsewhere.
func (r *yamlReader) until(at Location, values []Value) Location {
	for _, v := range values {
		in := v.Location()
		if in.Line >= at.Line && max(in.EndLine, in.Line) > at.EndLine {
			at.EndLine, at.EndColumn = max(in.EndLine, in.Line), in.EndColumn
		}
	}
	return at
}

// yaml11 are the plain words that YAML 1.1 reads as truth values, beside true and false.
var yaml11 = map[string]bool{
	"y": true, "Y": true, "yes": true, "Yes": true, "YES": true, "on": true, "On": true, "ON": true,
	"n": false, "N": false, "no": false, "No": false, "NO": false, "off": false, "Off": false, "OFF": false,
}

func scalar(n *yaml.Node, at Location) Value {
	return YAMLScalar(n.ShortTag(), n.Value, n.Style == 0, at)
}

// YAMLScalar returns what a scalar of YAML says to a program that reads YAML 1.1, as Kubernetes does. tag is the short one
// that YAML 1.2 gives it, such as !!int; plain says that it is written without quotes.
func YAMLScalar(tag, text string, plain bool, at Location) Value {
	switch tag {
	case "!!null":
		return NullValue(at)
	case "!!bool":
		return BoolValue(strings.EqualFold(text, "true"), at)
	case "!!int":
		text := strings.ReplaceAll(text, "_", "")
		if i, err := strconv.ParseInt(text, 0, 64); err == nil {
			return NumberValue(float64(i), at)
		}
		fallthrough
	case "!!float":
		if f, err := strconv.ParseFloat(strings.ReplaceAll(text, "_", ""), 64); err == nil && !math.IsInf(f, 0) && !math.IsNaN(f) {
			return NumberValue(f, at)
		}
	case "!!str":
		if b, ok := yaml11[text]; ok && plain {
			return BoolValue(b, at)
		}
	}
	return StringValue(text, at)
}

// ReadJSON reads the documents of a file of JSON values that follow each other, as ReadYAML does. What comes after a
// mistake is not read.
func ReadJSON(path string, data []byte) []Document {
	var documents []Document
	data = bytes.TrimPrefix(data, []byte("\xef\xbb\xbf"))
	r := jsonReader{path: path, lines: NewLines(data), decoder: jsontext.NewDecoder(bytes.NewReader(data), jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true))}
	for r.decoder.PeekKind() > 0 || len(documents) == 0 {
		v, err := r.value(0)
		if errors.Is(err, io.EOF) {
			break
		}
		at := v.Location()
		if err != nil {
			at.Line, _ = r.lines.Position(int(r.decoder.InputOffset()))
			if syntax := (*jsontext.SyntacticError)(nil); errors.As(err, &syntax) && syntax.Err != nil {
				err = syntax.Err // the place is in Line
			}
			documents = append(documents, Document{Line: at.Line, Err: err})
			break
		}
		documents = append(documents, Document{Value: v, Line: at.Line})
	}
	return documents
}

type jsonReader struct {
	path    string
	lines   *Lines
	decoder *jsontext.Decoder
}

func (r *jsonReader) value(depth int) (Value, error) {
	if depth > maxDocumentDepth {
		return Value{}, fmt.Errorf("more than %d levels inside each other", maxDocumentDepth)
	}
	token, err := r.decoder.ReadToken()
	if err != nil {
		return Value{}, err
	}
	end := int(r.decoder.InputOffset())
	start := end - 1
	switch token.Kind() {
	case '{':
		var fields []Field
		for r.decoder.PeekKind() != '}' {
			key, err := r.decoder.ReadToken()
			if err != nil {
				return Value{}, err
			}
			name := key.String()
			v, err := r.value(depth + 1)
			if err != nil {
				return Value{}, err
			}
			fields = append(fields, Field{name, v})
		}
		if _, err := r.decoder.ReadToken(); err != nil {
			return Value{}, err
		}
		return MapValue(fields, r.lines.Location(r.path, start, int(r.decoder.InputOffset()))), nil
	case '[':
		var elements []Value
		for r.decoder.PeekKind() != ']' {
			v, err := r.value(depth + 1)
			if err != nil {
				return Value{}, err
			}
			elements = append(elements, v)
		}
		if _, err := r.decoder.ReadToken(); err != nil {
			return Value{}, err
		}
		return ListValue(elements, r.lines.Location(r.path, start, int(r.decoder.InputOffset()))), nil
	}
	text := token.String()
	switch token.Kind() {
	case '"':
		// The length of the literal is only known where nothing in it is escaped.
		return StringValue(text, r.lines.Location(r.path, end-len(text)-2, end)), nil
	case '0':
		number, err := token.Float()
		if err != nil {
			return Value{}, fmt.Errorf("%.40s is no number that fits: %w", text, strconv.ErrRange)
		}
		return NumberValue(number, r.lines.Location(r.path, end-len(text), end)), nil
	case 't', 'f':
		return BoolValue(token.Kind() == 't', r.lines.Location(r.path, end-len(text), end)), nil
	}
	return NullValue(r.lines.Location(r.path, end-4, end)), nil
}
