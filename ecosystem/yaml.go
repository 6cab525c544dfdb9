package ecosystem

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strconv"
	"strings"

	"gopkg.in/yaml.v3"

	"github.com/trifecta-scanner/trifecta/inventory"
)

// yamlFile is one file of YAML documents with the places of their nodes. Aliases are not followed: lock files have
// none, and following them may cost any amount of memory.
type yamlFile struct {
	path  string
	lines *inventory.Lines
	data  []byte
	start []int // the offset at which each line begins
	docs  []*yaml.Node
}

// maxYAML bounds what is given to the YAML parser, which needs many times the size of a file.
const maxYAML = 16 << 20

// yamlRetries bounds how often the end of a broken file is cut off further.
const yamlRetries = 4

var yamlParserLine = regexp.MustCompile(`^yaml: line (\d+): `)

// parseYAML reads all documents of a file. Of a file that is broken it returns what stands before the broken line,
// with the error.
func parseYAML(name string, data []byte) (*yamlFile, error) {
	f := &yamlFile{path: name, lines: inventory.NewLines(data), data: data, start: []int{0}}
	if len(data) > maxYAML {
		return f, &Error{Location: inventory.Location{Path: name}, Err: fmt.Errorf("YAML is larger than %d MiB", maxYAML>>20)}
	}
	for i, b := range data {
		if b == '\n' {
			f.start = append(f.start, i+1)
		}
	}
	docs, err := decodeYAML(data)
	f.docs = docs
	if err == nil {
		return f, nil
	}
	failed := &Error{Location: inventory.Location{Path: name}, Err: errors.New(strings.TrimPrefix(err.Error(), "yaml: "))}
	for range yamlRetries {
		m := yamlParserLine.FindStringSubmatch(err.Error())
		if m == nil {
			break
		}
		line, _ := strconv.Atoi(m[1])
		line = min(line, len(f.start))
		if failed.Location.Line == 0 {
			failed.Location.Line, failed.Err = line, errors.New(strings.TrimPrefix(err.Error(), m[0]))
		}
		cut := f.start[max(line-1, 0)]
		if cut >= len(data) && line > 1 {
			cut = f.start[line-2]
		}
		data = data[:cut]
		if docs, err = decodeYAML(data); err == nil {
			f.docs = docs
			break
		}
	}
	return f, failed
}

func decodeYAML(data []byte) (docs []*yaml.Node, err error) {
	defer func() { // the parser's own errors are returned; this is for those of its making
		if p := recover(); p != nil {
			err = fmt.Errorf("yaml: the parser gave up: %v", p)
		}
	}()
	dec := yaml.NewDecoder(bytes.NewReader(data))
	for {
		var doc yaml.Node
		if err := dec.Decode(&doc); errors.Is(err, io.EOF) {
			return docs, nil
		} else if err != nil {
			return docs, err
		}
		if len(doc.Content) > 0 {
			docs = append(docs, doc.Content[0])
		}
	}
}

// yamlPairs calls visit for each key and value of a mapping; a node of another kind has none.
func yamlPairs(n *yaml.Node, visit func(key, value *yaml.Node)) {
	if n == nil || n.Kind != yaml.MappingNode {
		return
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		if n.Content[i].Kind == yaml.ScalarNode {
			visit(n.Content[i], n.Content[i+1])
		}
	}
}

// yamlGet returns the value of a key of a mapping, or nil.
func yamlGet(n *yaml.Node, key string) (value *yaml.Node) {
	yamlPairs(n, func(k, v *yaml.Node) {
		if k.Value == key {
			value = v
		}
	})
	return value
}

// yamlText returns the scalar under a key of a mapping, or "".
func yamlText(n *yaml.Node, key string) string {
	return yamlScalar(yamlGet(n, key))
}

// yamlScalar returns the text of a scalar; other nodes and null have none.
func yamlScalar(n *yaml.Node) string {
	if n == nil || n.Kind != yaml.ScalarNode || n.Tag == "!!null" {
		return ""
	}
	return n.Value
}

// location returns the place from the beginning of one node to the end of the line on which another one ends.
func (f *yamlFile) location(from, to *yaml.Node) inventory.Location {
	last := to
	for last.Kind != yaml.ScalarNode && len(last.Content) > 0 {
		last = last.Content[len(last.Content)-1]
	}
	line := max(last.Line, to.Line, from.Line)
	if last.Style&(yaml.LiteralStyle|yaml.FoldedStyle) != 0 {
		line += strings.Count(strings.TrimRight(last.Value, "\n"), "\n") + 1
	}
	end := f.endOf(line)
	return f.lines.Location(f.path, f.offset(from), max(end, f.offset(from)))
}

// offset returns where a node begins. Columns of the parser count characters.
func (f *yamlFile) offset(n *yaml.Node) int {
	if n.Line < 1 || n.Line > len(f.start) {
		return len(f.data)
	}
	start := f.start[n.Line-1]
	text := f.data[start:f.endOf(n.Line)]
	const far = 1 << 12
	if n.Column > far { // no one looks there, and counting would cost the square of the line
		return start + min(n.Column-1, len(text))
	}
	column := 1
	for i := range string(text) {
		if column == n.Column {
			return start + i
		}
		column++
	}
	return start + len(text)
}

// endOf returns the offset at which the text of a line ends.
func (f *yamlFile) endOf(line int) int {
	if line >= len(f.start) {
		return len(bytes.TrimRight(f.data, "\r\n \t"))
	}
	start := f.start[max(line-1, 0)]
	return start + len(bytes.TrimRight(f.data[start:f.start[line]], "\r\n \t"))
}
