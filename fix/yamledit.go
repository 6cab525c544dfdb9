package fix

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"

	"gopkg.in/yaml.v3"
)

// yamlText is a YAML text that is changed in places, so that everything else of it stays byte for byte.
type yamlText struct {
	data    []byte
	root    *yaml.Node // the mapping of the last document
	starts  []int      // of lines
	newline string
	splices []splice
}

// maxYAMLText bounds what is given to the parser, which needs many times the size of a file.
const maxYAMLText = 16 << 20

// parseYAMLText reads a text whose last document must be one mapping without anchors.
func parseYAMLText(data []byte) (t *yamlText, err error) {
	defer func() { // the parser's own errors are returned; this is for those of its making
		if p := recover(); p != nil {
			t, err = nil, fmt.Errorf("the YAML parser gave up: %v", p)
		}
	}()
	if len(data) > maxYAMLText {
		return nil, fmt.Errorf("YAML is larger than %d MiB", maxYAMLText>>20)
	}
	t = &yamlText{data: data, starts: []int{0}, newline: "\n"}
	for i, b := range data {
		if b == '\n' {
			t.starts = append(t.starts, i+1)
		}
	}
	if i := bytes.IndexByte(data, '\n'); i > 0 && data[i-1] == '\r' {
		t.newline = "\r\n"
	}
	dec := yaml.NewDecoder(bytes.NewReader(data))
	for {
		var doc yaml.Node
		if err := dec.Decode(&doc); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			return nil, err
		}
		if len(doc.Content) > 0 {
			t.root = doc.Content[0]
		}
	}
	if t.root == nil || t.root.Kind != yaml.MappingNode {
		return nil, errors.New("not a YAML mapping")
	}
	return t, nil
}

// yamlPair is one member of a mapping.
type yamlPair struct{ key, value *yaml.Node }

// yamlPairs returns the members of a mapping whose keys are scalars; a node of another kind has none.
func yamlPairs(n *yaml.Node) []yamlPair {
	if n == nil || n.Kind != yaml.MappingNode {
		return nil
	}
	var all []yamlPair
	for i := 0; i+1 < len(n.Content); i += 2 {
		if n.Content[i].Kind == yaml.ScalarNode {
			all = append(all, yamlPair{n.Content[i], n.Content[i+1]})
		}
	}
	return all
}

// yamlAt returns the node below a path of keys; nil where there is none.
func yamlAt(n *yaml.Node, keys ...string) *yaml.Node {
	for _, key := range keys {
		i := -1
		pairs := yamlPairs(n)
		for j := range pairs {
			if pairs[j].key.Value == key {
				i = j
			}
		}
		if i < 0 {
			return nil
		}
		n = pairs[i].value
	}
	return n
}

// yamlString returns the text of a scalar; other nodes and null have none.
func yamlString(n *yaml.Node) string {
	if n == nil || n.Kind != yaml.ScalarNode || n.Tag == "!!null" {
		return ""
	}
	return n.Value
}

// yamlStrings returns the members of a mapping that are scalars.
func yamlStrings(n *yaml.Node) map[string]string {
	all := map[string]string{}
	for _, p := range yamlPairs(n) {
		if p.value.Kind == yaml.ScalarNode {
			all[p.key.Value] = p.value.Value
		}
	}
	return all
}

// lineStart returns where a line begins, and the end of the text for one that is not there.
func (t *yamlText) lineStart(line int) int {
	if line-1 < len(t.starts) {
		return t.starts[max(0, line-1)]
	}
	return len(t.data)
}

// place returns where a scalar on one line is written.
func (t *yamlText) place(n *yaml.Node) (start, end int, err error) {
	line := t.data[t.lineStart(n.Line):t.lineStart(n.Line+1)]
	at, column := 0, 1
	for range string(line) { // columns count signs
		if column == n.Column {
			break
		}
		column++
		_, size := firstRune(line[at:])
		at += size
	}
	start = t.lineStart(n.Line) + at
	rest := t.data[start:]
	switch {
	case len(rest) == 0:
		return 0, 0, errPlace
	case rest[0] == '\'':
		for i := 1; i < len(rest); i++ {
			if rest[i] == '\'' {
				if i+1 < len(rest) && rest[i+1] == '\'' {
					i++
					continue
				}
				return start, start + i + 1, nil
			}
		}
	case rest[0] == '"':
		for i := 1; i < len(rest); i++ {
			if rest[i] == '\\' {
				i++
			} else if rest[i] == '"' {
				return start, start + i + 1, nil
			}
		}
	case bytes.HasPrefix(rest, []byte(n.Value)) && n.Value != "" && !strings.Contains(n.Value, "\n"):
		return start, start + len(n.Value), nil
	}
	return 0, 0, errPlace
}

var errPlace = errors.New("it is written in a way that can't be changed in its place")

func firstRune(b []byte) (rune, int) {
	for i, r := range string(b[:min(len(b), 4)]) {
		if i > 0 {
			return r, i
		}
	}
	return 0, min(len(b), 4)
}

// set writes another text in the place of a scalar, quoted as it was where it has to be.
func (t *yamlText) set(n *yaml.Node, value string) error {
	if n.Value == value {
		return nil
	}
	start, end, err := t.place(n)
	if err != nil {
		return err
	}
	text := yamlQuote(value)
	if n.Style&yaml.DoubleQuotedStyle != 0 {
		text = quote(value)
	} else if n.Style&yaml.SingleQuotedStyle != 0 && text == value && !yamlMustQuote(n.Value) {
		text = "'" + value + "'"
	}
	t.splices = append(t.splices, splice{start, end, text})
	return nil
}

// section returns the lines of a member of the top: from its first key to where the next member begins.
func (t *yamlText) section(name string) (start, end int, ok bool) {
	pairs := yamlPairs(t.root)
	for i, p := range pairs {
		if p.key.Value != name {
			continue
		}
		end = len(t.data)
		if i+1 < len(pairs) {
			end = t.lineStart(pairs[i+1].key.Line)
		}
		members := yamlPairs(p.value)
		if len(members) == 0 || p.value.Style&yaml.FlowStyle != 0 {
			return 0, 0, false
		}
		return t.lineStart(members[0].key.Line), end, true
	}
	return 0, 0, false
}

// part returns a part of the text with the changes that are within it.
func (t *yamlText) part(start, end int) (string, error) {
	slices.SortStableFunc(t.splices, func(a, b splice) int { return a.start - b.start })
	var out strings.Builder
	at := start
	for _, s := range t.splices {
		if s.start < start || s.end > end {
			continue
		}
		if s.start < at {
			return "", errOverlap
		}
		out.Write(t.data[at:s.start])
		out.WriteString(s.text)
		at = s.end
	}
	out.Write(t.data[at:end])
	return out.String(), nil
}

// yamlPlain matches scalars that need no quotes wherever they stand, in the form of js-yaml, which pnpm writes with.
var yamlPlain = regexp.MustCompile(`^[A-Za-z0-9_./^~<$(+-][A-Za-z0-9_./^~<>=|@ +*$()!?;'"%&\\:-]*$`)

// yamlNotText matches plain scalars that are no texts: numbers, booleans, null, dates.
var yamlNotText = regexp.MustCompile(`^(?:[-+]?(?:0b[01_]+|0x[0-9a-fA-F_]+|0o?[0-7_]+|[0-9][0-9_]*(?:\.[0-9_]*)?(?:[eE][-+]?[0-9]+)?|\.[0-9_]+(?:[eE][-+]?[0-9]+)?|\.inf|\.Inf|\.INF)|\.nan|\.NaN|\.NAN|~|null|Null|NULL|true|True|TRUE|false|False|FALSE|[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}.*)$`)

func yamlMustQuote(s string) bool {
	return !yamlPlain.MatchString(s) || yamlNotText.MatchString(s) || strings.Contains(s, ": ") || strings.HasSuffix(s, ":") || strings.Contains(s, " #") ||
		strings.HasSuffix(s, " ") || strings.HasPrefix(s, "- ") || s == "-" || strings.HasPrefix(s, "---") || strings.HasPrefix(s, "? ") || s == "<<"
}

// yamlQuote writes a scalar with no more quotes than it needs.
func yamlQuote(s string) string {
	if !yamlMustQuote(s) {
		return s
	}
	for _, r := range s {
		if r < ' ' || r == 0x7f || r >= 0x80 && r < 0xa0 || r == 0xfeff || r == 0x2028 || r == 0x2029 {
			return quote(s)
		}
	}
	return "'" + strings.ReplaceAll(s, "'", "''") + "'"
}
