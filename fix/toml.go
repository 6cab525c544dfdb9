package fix

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/pelletier/go-toml/v2/unstable"

	"github.com/trifecta-scanner/trifecta/inventory"
)

// tomlFile is a TOML file as a flat list of its values with their offsets, which is what edits need: everything between
// them stays as it is written.
type tomlFile struct {
	path    string
	data    []byte
	lines   *inventory.Lines
	leaves  []tomlLeaf
	pairs   []tomlSpan // every key with its value
	headers []tomlSpan // of tables
}

// tomlLeaf is one string, number, boolean or date.
type tomlLeaf struct {
	// keys lead to the value; the elements of an array inside a value are "#0", "#1", ...
	keys []string
	// item numbers the element of an array of tables, such as [[package]], that the value stands in; -1 for none.
	item       int
	text       string // of a string without its quotes
	start, end int    // with the quotes
	isString   bool
}

// tomlSpan is the place of a key with its value, or of the header of a table.
type tomlSpan struct {
	keys       []string
	item       int
	start, end int
	array      bool
}

const (
	maxTOMLLeaves = 2_000_000
	maxTOMLKeys   = 64
)

// readTOML parses a file of the workspace.
func readTOML(ws *Workspace, name string) (*tomlFile, error) {
	data, err := ws.ReadFile(name)
	if err != nil {
		return nil, err
	}
	return parseTOML(name, data)
}

// parseTOML parses a file; one with an error is not edited.
func parseTOML(name string, data []byte) (*tomlFile, error) {
	f := &tomlFile{path: name, data: data, lines: inventory.NewLines(data)}
	p := unstable.Parser{}
	base := len(data) - len(bytes.TrimPrefix(data, []byte("\uFEFF")))
	p.Reset(data[base:])
	b := tomlReader{file: f, base: base, item: -1, items: map[string]int{}}
	for p.NextExpression() {
		if err := b.expression(p.Expression()); err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
	}
	if err := p.Error(); err != nil {
		return nil, fmt.Errorf("%s is no TOML that can be read: %w", name, err)
	}
	return f, nil
}

type tomlReader struct {
	file  *tomlFile
	base  int
	table []string
	item  int
	array []string       // the array of tables that item counts in
	items map[string]int // how many elements an array of tables has so far
}

var errTOMLSize = errors.New("it has too many values or keys")

func (b *tomlReader) expression(node *unstable.Node) error {
	switch node.Kind {
	case unstable.Table, unstable.ArrayTable:
		keys, start, end := b.keys(node.Key())
		b.table = keys
		isArray := node.Kind == unstable.ArrayTable
		if isArray {
			name := strings.Join(keys, "\x00")
			b.item, b.array = b.items[name], keys
			b.items[name]++
		} else if b.item >= 0 && (len(keys) < len(b.array) || !slices.Equal(keys[:len(b.array)], b.array)) {
			b.item, b.array = -1, nil
		}
		for start > 0 && b.file.data[start-1] == ' ' {
			start--
		}
		b.file.headers = append(b.file.headers, tomlSpan{keys: keys, item: b.item, start: start, end: end, array: isArray})
	case unstable.KeyValue:
		return b.keyValue(b.table, node)
	}
	return b.full()
}

func (b *tomlReader) full() error {
	if len(b.file.leaves)+len(b.file.pairs)+len(b.file.headers) > maxTOMLLeaves || len(b.table) > maxTOMLKeys {
		return errTOMLSize
	}
	return nil
}

// keys copies the parts of a key, which the parser uses again.
func (b *tomlReader) keys(it unstable.Iterator) (keys []string, start, end int) {
	for it.Next() && len(keys) <= maxTOMLKeys {
		node := it.Node()
		if len(keys) == 0 {
			start = b.base + int(node.Raw.Offset)
		}
		end = b.base + int(node.Raw.Offset+node.Raw.Length)
		keys = append(keys, string(node.Data))
	}
	return keys, start, end
}

func (b *tomlReader) keyValue(under []string, node *unstable.Node) error {
	keys, start, _ := b.keys(node.Key())
	keys = slices.Concat(under, keys)
	if len(keys) > maxTOMLKeys {
		return errTOMLSize
	}
	b.file.pairs = append(b.file.pairs, tomlSpan{keys: keys, item: b.item, start: start, end: b.base + int(node.Raw.Offset+node.Raw.Length)})
	if err := b.full(); err != nil {
		return err
	}
	return b.value(keys, node.Value())
}

func (b *tomlReader) value(keys []string, node *unstable.Node) error {
	switch node.Kind {
	case unstable.Array:
		n := 0
		for children := node.Children(); children.Next(); n++ {
			if err := b.value(append(slices.Clip(keys), "#"+strconv.Itoa(n)), children.Node()); err != nil {
				return err
			}
		}
		return nil
	case unstable.InlineTable:
		for children := node.Children(); children.Next(); {
			if err := b.keyValue(keys, children.Node()); err != nil {
				return err
			}
		}
		return nil
	}
	start := b.base + int(node.Raw.Offset)
	b.file.leaves = append(b.file.leaves, tomlLeaf{
		keys: keys, item: b.item, text: string(node.Data), start: start, end: start + int(node.Raw.Length), isString: node.Kind == unstable.String,
	})
	return b.full()
}

// under returns the leaves whose keys begin so; a star stands for any one key.
func (f *tomlFile) under(keys ...string) []tomlLeaf {
	var found []tomlLeaf
	for _, leaf := range f.leaves {
		if keysMatch(leaf.keys, keys) {
			found = append(found, leaf)
		}
	}
	return found
}

// at returns the value at exactly these keys, or nothing.
func (f *tomlFile) at(keys ...string) string {
	for _, leaf := range f.leaves {
		if len(leaf.keys) == len(keys) && keysMatch(leaf.keys, keys) {
			return leaf.text
		}
	}
	return ""
}

func keysMatch(have, prefix []string) bool {
	if len(have) < len(prefix) {
		return false
	}
	for i, key := range prefix {
		if key != "*" && have[i] != key {
			return false
		}
	}
	return true
}

// place returns the place of a value.
func (f *tomlFile) place(start, end int) inventory.Location {
	return f.lines.Location(f.path, start, end)
}

// replace returns the edit that puts another text into a string of one line, in the quotes that it has.
func (f *tomlFile) replace(leaf tomlLeaf, text string) (textEdit, error) {
	raw := string(f.data[leaf.start:leaf.end])
	if !leaf.isString || len(raw) != len(leaf.text)+2 || strings.ContainsAny(text, "\"'\\\n") {
		return textEdit{}, fmt.Errorf("%s: a string that is written with escapes or over several lines is not edited", f.path)
	}
	return textEdit{f.path, leaf.start + 1, leaf.end - 1, text}, nil
}

// newline returns how the file ends its lines.
func (f *tomlFile) newline() string {
	if bytes.Contains(f.data, []byte("\r\n")) {
		return "\r\n"
	}
	return "\n"
}

// addTo returns the edit that adds a string to the array at the keys, of which the last names the array and the others
// its table; array and table are made where they are missing.
func (f *tomlFile) addTo(text string, keys ...string) textEdit {
	newline := f.newline()
	quoted := `"` + text + `"`
	for _, pair := range f.pairs {
		if !slices.Equal(pair.keys, keys) {
			continue
		}
		body := f.data[pair.start:pair.end]
		closing := pair.start + bytes.LastIndexByte(body, ']')
		last := closing
		for last > pair.start && strings.IndexByte(" \t\r\n", f.data[last-1]) >= 0 {
			last--
		}
		// A comment behind the last element would swallow what is put behind it.
		lastLine := f.data[pair.start+bytes.LastIndexByte(f.data[pair.start:last], '\n')+1 : last]
		switch {
		case bytes.IndexByte(f.data[pair.start:closing], '\n') < 0 && f.data[last-1] == '[':
			return textEdit{f.path, last, last, quoted}
		case bytes.IndexByte(f.data[pair.start:closing], '\n') < 0:
			return textEdit{f.path, last, last, strings.TrimPrefix(", ", string(f.data[last-1])) + quoted}
		case f.data[last-1] == ',' || f.data[last-1] == '[' || bytes.IndexByte(lastLine, '#') >= 0:
			return textEdit{f.path, last, last, newline + "    " + quoted + ","}
		}
		return textEdit{f.path, last, last, "," + newline + "    " + quoted + ","}
	}
	table, name := keys[:len(keys)-1], keys[len(keys)-1]
	line := name + " = [" + quoted + "]" + newline
	for _, header := range f.headers {
		if slices.Equal(header.keys, table) && !header.array {
			at := nextLine(f.data, endOfLine(f.data, header.end))
			if at > 0 && f.data[at-1] != '\n' {
				line = newline + line
			}
			return textEdit{f.path, at, at, line}
		}
	}
	before := newline
	if n := len(f.data); n > 0 && f.data[n-1] != '\n' {
		before += newline
	}
	return textEdit{f.path, len(f.data), len(f.data), before + "[" + strings.Join(table, ".") + "]" + newline + line}
}
