package cloudformation

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"

	"gopkg.in/yaml.v3"

	"github.com/trifecta-scanner/trifecta/inventory"
)

// yamlRetries bounds how often the end of a broken file is cut off further.
const yamlRetries = 4

var yamlParserLine = regexp.MustCompile(`^yaml: line (\d+): `)

// parseYAML reads the first document of a template of YAML with the places of its values. Of a file that is broken it
// returns what stands before the broken line, with the error.
func parseYAML(name string, data []byte) (*node, error) {
	c := &yamlConverter{path: name, data: data, ascii: isASCII(data), nodes: map[*yaml.Node]*node{}}
	c.start = append(c.start, 0)
	for i, b := range data {
		if b == '\n' {
			c.start = append(c.start, i+1)
		}
	}
	doc, err := decodeYAML(data)
	if err == nil {
		return c.document(doc)
	}
	failed := &syntaxError{at: inventory.Location{Path: name}, err: errors.New(strings.TrimPrefix(err.Error(), "yaml: "))}
	rest := data
	for range yamlRetries {
		m := yamlParserLine.FindStringSubmatch(err.Error())
		if m == nil {
			break
		}
		line, _ := strconv.Atoi(m[1]) // digits, as the pattern says
		problem := strings.TrimPrefix(err.Error(), m[0])
		if strings.HasPrefix(problem, "did not find expected") {
			line++ // the parser counts from 0 here, its scanner from 1
		}
		line = min(max(line, 1), len(c.start))
		if failed.at.Line == 0 {
			failed.at.Line, failed.err = line, errors.New(problem)
		}
		for line > 1 && c.start[line-1] >= len(rest) {
			line--
		}
		rest = rest[:c.start[line-1]]
		if doc, err = decodeYAML(rest); err == nil {
			n, _ := c.document(doc) // the first error is the one to tell
			return n, failed
		}
	}
	return nil, failed
}

func decodeYAML(data []byte) (doc *yaml.Node, err error) {
	defer func() { // the parser's own errors are returned; this is for those of its making
		if p := recover(); p != nil {
			err = fmt.Errorf("yaml: the parser gave up: %v", p)
		}
	}()
	doc = new(yaml.Node)
	if err := yaml.NewDecoder(bytes.NewReader(data)).Decode(doc); err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	return doc, nil
}

func isASCII(data []byte) bool {
	for _, b := range data {
		if b >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

// yamlConverter makes our nodes of the parser's.
type yamlConverter struct {
	path  string
	data  []byte
	start []int // the offset at which each line begins
	ascii bool
	nodes map[*yaml.Node]*node // of those that have an anchor
	deep  *yaml.Node           // the first one that is nested too deep
}

func (c *yamlConverter) document(doc *yaml.Node) (*node, error) {
	if doc == nil || len(doc.Content) == 0 {
		return nil, nil
	}
	n := c.node(doc.Content[0], 0)
	if c.deep != nil {
		return n, &syntaxError{at: c.location(c.deep), err: fmt.Errorf("nested deeper than %d levels", maxDepth)}
	}
	return n, nil
}

func (c *yamlConverter) node(from *yaml.Node, depth int) *node {
	if depth > maxDepth {
		if c.deep == nil {
			c.deep = from
		}
		return &node{kind: tooDeep, at: c.location(from)}
	}
	if from.Kind == yaml.AliasNode {
		if n, ok := c.nodes[from.Alias]; ok {
			return n
		}
		return &node{kind: tooDeep, at: c.location(from)} // inside of what it names
	}
	n := &node{at: c.location(from)}
	switch from.Kind {
	case yaml.ScalarNode:
		c.scalar(n, from)
	case yaml.SequenceNode:
		n.kind, n.items = list, make([]*node, len(from.Content))
		for i, item := range from.Content {
			n.items[i] = c.node(item, depth+1)
		}
	case yaml.MappingNode:
		c.object(n, from, depth)
	}
	if name, ok := function(from.Tag); ok {
		if n.kind == null {
			n.kind = text // !Ref without a name
		}
		n = &node{kind: object, entries: []entry{{name, n.at, n}}, at: n.at}
	}
	if from.Anchor != "" {
		c.nodes[from] = n
	}
	return n
}

func (c *yamlConverter) scalar(n *node, from *yaml.Node) {
	n.text = from.Value
	switch from.Tag {
	case "!!null":
		n.kind = null
	case "!!bool":
		n.kind, n.text = boolean, strings.ToLower(from.Value)
	case "!!int", "!!float":
		n.kind = number
	default:
		n.kind = text
	}
}

func (c *yamlConverter) object(n *node, from *yaml.Node, depth int) {
	n.kind = object
	for i := 0; i+1 < len(from.Content); i += 2 {
		key, value := from.Content[i], from.Content[i+1]
		if key.Tag == "!!merge" { // https://yaml.org/type/merge.html: what is written counts before what is merged
			merged := c.node(value, depth+1)
			for _, source := range append([]*node{merged}, merged.elements()...) {
				n.entries = append(source.keys(), n.entries...)
			}
			continue
		}
		if key.Kind == yaml.AliasNode {
			key = key.Alias
		}
		n.entries = append(n.entries, entry{key.Value, c.location(key), c.node(value, depth+1)})
	}
}

// function returns the long form of a tag such as !Ref.
func function(tag string) (name string, ok bool) {
	short, ok := strings.CutPrefix(tag, "!")
	if !ok || short == "" || strings.HasPrefix(short, "!") {
		return "", false
	}
	if short == "Ref" || short == "Condition" {
		return short, true
	}
	return "Fn::" + short, true
}

// location returns the place of a node: of a scalar in one line all of it, else its beginning.
func (c *yamlConverter) location(n *yaml.Node) inventory.Location {
	at := inventory.Location{Path: c.path, Line: n.Line, Column: n.Column}
	if n.Line < 1 || n.Line > len(c.start) {
		return at
	}
	line := c.data[c.start[n.Line-1]:]
	if end := bytes.IndexByte(line, '\n'); end >= 0 {
		line = line[:end]
	}
	offset := n.Column - 1
	if !c.ascii { // columns of the parser count characters
		offset = 0
		for i := 1; i < n.Column && offset < len(line); i++ {
			_, size := utf8.DecodeRune(line[offset:])
			offset += size
		}
	}
	at.Column = offset + 1
	if n.Kind == yaml.ScalarNode && n.Style&(yaml.LiteralStyle|yaml.FoldedStyle) == 0 && offset <= len(line) {
		length := scalarLength(n, line[offset:])
		at.EndLine, at.EndColumn = n.Line, at.Column+min(length, len(line)-offset)
	}
	return at
}

// scalarLength returns how many bytes of a line a scalar that begins it takes, its tag included.
func scalarLength(n *yaml.Node, line []byte) int {
	length := 0
	if n.Style&yaml.TaggedStyle != 0 {
		rest := bytes.TrimLeft(line[min(len(n.Tag), len(line)):], " \t")
		length = len(line) - len(rest)
		line = rest
	}
	if n.Style&(yaml.DoubleQuotedStyle|yaml.SingleQuotedStyle) != 0 && len(line) > 1 {
		if end := bytes.LastIndexByte(line, line[0]); end > 0 && bytes.Count(line, line[:1]) == 2 {
			return length + end + 1
		}
		return length + len(n.Value) + 2
	}
	return length + len(n.Value)
}
