package ecosystem

import (
	"bytes"
	"errors"
	"fmt"

	"github.com/pelletier/go-toml/v2/unstable"

	"github.com/trifecta-scanner/trifecta/inventory"
)

// The TOML of lock files and manifests as a tree in which every value knows its place: decoders into Go values drop
// the places, which are what a finding needs. The grammar is that of github.com/pelletier/go-toml; only the tables are
// put together here (https://toml.io/en/v1.0.0#table).

// tomlKind is the kind of a value.
type tomlKind uint8

const (
	tomlScalar tomlKind = iota // a number, boolean or date; text holds it as written
	tomlString
	tomlArray
	tomlObject
)

// tomlValue is one value with its place: start and end are byte offsets of the value, or of the header for a table
// that has one.
type tomlValue struct {
	kind       tomlKind
	text       string
	items      []*tomlValue
	table      *tomlTable
	start, end int
}

// tomlMember is a key with its value; start is the offset of the key.
type tomlMember struct {
	key   string
	start int
	value *tomlValue
}

// tomlTable keeps its members in the order of the file. The zero value and nil are empty tables.
type tomlTable struct {
	members []tomlMember
	index   map[string]int // made when the table is too large for a linear search
}

// tomlFile is a parsed file; problems says what of it could not be read.
type tomlFile struct {
	path     string
	lines    *inventory.Lines
	root     *tomlTable
	problems []error
}

// Bounds that no file written by a package manager comes near. They keep the memory for a hostile file in proportion.
const (
	maxTOMLKeyParts = 64
	maxTOMLValues   = 1_000_000
	maxTOMLLine     = 1 << 20
	maxTOMLProblems = 50
)

// readTOML parses a file of the tree. The error is for a file that is not there or can't be opened.
func readTOML(tree *inventory.Tree, name string) (*tomlFile, error) {
	return inventory.Parse(tree, name, "toml", func(data []byte) (*tomlFile, error) {
		return parseTOML(data, name), nil
	})
}

// parseTOML parses data. After a place that is no TOML it goes on with the next table header, so that a merge conflict
// or one damaged package does not hide the rest.
func parseTOML(data []byte, name string) *tomlFile {
	f := &tomlFile{path: name, lines: inventory.NewLines(data), root: &tomlTable{}}
	if err := f.tooLarge(data); err != nil {
		f.problems = append(f.problems, err)
		return f
	}
	b := tomlBuilder{file: f, source: string(data)}
	base := len(data) - len(bytes.TrimPrefix(data, []byte("\uFEFF")))
	for base < len(data) {
		stop, err := b.parse(data[base:], base)
		if err == nil {
			break
		}
		f.problems = append(f.problems, &Error{Location: f.lines.Location(name, stop, stop), Err: err})
		if len(f.problems) >= maxTOMLProblems {
			break
		}
		from := stop
		if stop >= len(data)-1 { // a string or array without an end swallowed the rest
			from = b.end
		}
		from = max(from, base)
		next := bytes.Index(data[from:], []byte("\n["))
		if next < 0 {
			break
		}
		base = from + next + 1
	}
	return f
}

// tooLarge refuses what would cost memory out of proportion to the size of the file.
func (f *tomlFile) tooLarge(data []byte) error {
	if commas := bytes.Count(data, []byte(",")); commas > maxTOMLValues {
		return &Error{Location: inventory.Location{Path: f.path, Line: 1}, Err: fmt.Errorf("more than %d values", maxTOMLValues)}
	}
	line := 0
	for rest := data; len(rest) > maxTOMLLine; {
		end := bytes.IndexByte(rest, '\n')
		line++
		if end > maxTOMLLine || end < 0 {
			return &Error{Location: inventory.Location{Path: f.path, Line: line}, Err: fmt.Errorf("a line is longer than %d bytes", maxTOMLLine)}
		}
		rest = rest[end+1:]
	}
	return nil
}

// tomlBuilder puts the expressions of a file together to tables.
type tomlBuilder struct {
	file   *tomlFile
	source string // the whole file; most strings of the tree are parts of it
	parser unstable.Parser
	at     *tomlTable // the table that the last header opened
	base   int        // offset of the parser's data in the file
	end    int        // end of the last expression that could be read
	parts  []string   // of the key that was read last
	values int
	slab   []tomlValue // values to hand out
}

// text returns the text of a string or key. Without escapes it is what stands in the file, between quotes or bare.
func (b *tomlBuilder) text(node *unstable.Node) string {
	start, end := b.base+int(node.Raw.Offset), b.base+int(node.Raw.Offset+node.Raw.Length)
	switch len(node.Data) {
	case end - start:
		return b.source[start:end]
	case end - start - 2:
		return b.source[start+1 : end-1]
	}
	return string(node.Data)
}

// alloc returns a new value.
func (b *tomlBuilder) alloc(v tomlValue) *tomlValue {
	if len(b.slab) == 0 {
		b.slab = make([]tomlValue, 64)
	}
	p := &b.slab[0]
	b.slab = b.slab[1:]
	*p = v
	return p
}

var (
	errTOMLValues = fmt.Errorf("more than %d values", maxTOMLValues)
	errTOMLKey    = fmt.Errorf("a key has more than %d parts", maxTOMLKeyParts)
	errTOMLShape  = errors.New("a key is used for a value and for a table")
)

// parse reads the expressions of data, which begins at offset base of the file. With an error it returns its offset.
func (b *tomlBuilder) parse(data []byte, base int) (int, error) {
	b.base, b.at = base, b.file.root
	b.parser.Reset(data)
	for b.parser.NextExpression() {
		if err := b.expression(b.parser.Expression()); err != nil {
			return b.end, err
		}
	}
	err := b.parser.Error()
	if err == nil {
		return 0, nil
	}
	if place := (*unstable.ParserError)(nil); errors.As(err, &place) {
		r := b.parser.Range(place.Highlight)
		return base + int(r.Offset), errors.New(place.Message)
	}
	return b.end, err
}

func (b *tomlBuilder) expression(node *unstable.Node) error {
	switch node.Kind {
	case unstable.Table, unstable.ArrayTable:
		keys, start, end, err := b.keys(node.Key())
		if err != nil {
			return err
		}
		b.end = end
		at, err := b.descend(b.file.root, keys[:len(keys)-1])
		if err != nil {
			return err
		}
		b.at, err = b.header(at, keys[len(keys)-1], start, end, node.Kind == unstable.ArrayTable)
		return err
	case unstable.KeyValue:
		b.end = b.base + int(node.Raw.Offset+node.Raw.Length)
		return b.keyValue(b.at, node)
	}
	return nil
}

// header opens the table of a header. A table that was opened before is continued, against the letter of TOML, as
// nothing is gained by leaving packages out.
func (b *tomlBuilder) header(parent *tomlTable, key string, start, end int, array bool) (*tomlTable, error) {
	value := parent.get(key)
	if value == nil {
		value = b.alloc(tomlValue{kind: tomlObject, table: &tomlTable{}, start: start, end: end})
		if array {
			value.kind, value.table = tomlArray, nil
		}
		if err := b.add(parent, key, start, value); err != nil {
			return nil, err
		}
	}
	if !array {
		return value.open()
	}
	if value.kind != tomlArray {
		return nil, errTOMLShape
	}
	if err := b.count(); err != nil {
		return nil, err
	}
	item := b.alloc(tomlValue{kind: tomlObject, table: &tomlTable{}, start: start, end: end})
	value.items = append(value.items, item)
	return item.table, nil
}

// open returns the table that further keys of a value go to: for an array of tables, its last one.
func (v *tomlValue) open() (*tomlTable, error) {
	if v.kind == tomlArray && len(v.items) > 0 {
		v = v.items[len(v.items)-1]
	}
	if v.kind != tomlObject {
		return nil, errTOMLShape
	}
	return v.table, nil
}

func (b *tomlBuilder) descend(at *tomlTable, keys []string) (*tomlTable, error) {
	for _, key := range keys {
		value := at.get(key)
		if value == nil {
			value = b.alloc(tomlValue{kind: tomlObject, table: &tomlTable{}, start: b.end, end: b.end})
			if err := b.add(at, key, b.end, value); err != nil {
				return nil, err
			}
		}
		next, err := value.open()
		if err != nil {
			return nil, err
		}
		at = next
	}
	return at, nil
}

func (b *tomlBuilder) keyValue(at *tomlTable, node *unstable.Node) error {
	keys, start, _, err := b.keys(node.Key())
	if err != nil {
		return err
	}
	at, err = b.descend(at, keys[:len(keys)-1])
	if err != nil {
		return err
	}
	key := keys[len(keys)-1] // the slice is used again for keys inside the value
	value, err := b.value(node.Value())
	if err != nil {
		return err
	}
	value.end = b.base + int(node.Raw.Offset+node.Raw.Length)
	if value.kind == tomlArray { // the parser gives no place to arrays
		value.start = start
	}
	return b.add(at, key, start, value)
}

// value copies a node, which the parser reuses. The depth of the recursion is bounded by the parser.
func (b *tomlBuilder) value(node *unstable.Node) (*tomlValue, error) {
	if err := b.count(); err != nil {
		return nil, err
	}
	v := b.alloc(tomlValue{start: b.base + int(node.Raw.Offset), end: b.base + int(node.Raw.Offset+node.Raw.Length)})
	switch node.Kind {
	case unstable.Array:
		v.kind = tomlArray
		for children := node.Children(); children.Next(); {
			item, err := b.value(children.Node())
			if err != nil {
				return nil, err
			}
			v.items = append(v.items, item)
		}
	case unstable.InlineTable:
		v.kind, v.table = tomlObject, &tomlTable{}
		for children := node.Children(); children.Next(); {
			if err := b.keyValue(v.table, children.Node()); err != nil {
				return nil, err
			}
		}
		if n := len(v.table.members); n > 0 {
			v.end = v.table.members[n-1].value.end
		}
	case unstable.String:
		v.kind, v.text = tomlString, b.text(node)
	default:
		v.text = b.text(node)
	}
	return v, nil
}

func (b *tomlBuilder) count() error {
	b.values++
	if b.values > maxTOMLValues {
		return errTOMLValues
	}
	return nil
}

func (b *tomlBuilder) keys(it unstable.Iterator) (keys []string, start, end int, err error) {
	keys = b.parts[:0]
	for it.Next() {
		node := it.Node()
		if len(keys) == 0 {
			start = b.base + int(node.Raw.Offset)
		}
		end = b.base + int(node.Raw.Offset+node.Raw.Length)
		keys = append(keys, b.text(node))
		if len(keys) > maxTOMLKeyParts {
			return nil, 0, 0, errTOMLKey
		}
	}
	b.parts = keys
	return keys, start, end, nil
}

// add puts a member into a table. The first of two equal keys stays, and the file is said to be broken there.
func (b *tomlBuilder) add(t *tomlTable, key string, start int, value *tomlValue) error {
	if t.get(key) != nil {
		location := b.file.lines.Location(b.file.path, start, start)
		if len(b.file.problems) < maxTOMLProblems {
			b.file.problems = append(b.file.problems, &Error{Location: location, Err: fmt.Errorf("the key %q stands here twice", key)})
		}
		return nil
	}
	if err := b.count(); err != nil {
		return err
	}
	t.members = append(t.members, tomlMember{key, start, value})
	const linear = 16
	switch {
	case t.index != nil:
		t.index[key] = len(t.members) - 1
	case len(t.members) > linear:
		t.index = make(map[string]int, 2*linear)
		for i, m := range t.members {
			t.index[m.key] = i
		}
	}
	return nil
}

// member returns the member with the key, or nil.
func (t *tomlTable) member(key string) *tomlMember {
	if t == nil {
		return nil
	}
	if t.index != nil {
		if i, ok := t.index[key]; ok {
			return &t.members[i]
		}
		return nil
	}
	for i := range t.members {
		if t.members[i].key == key {
			return &t.members[i]
		}
	}
	return nil
}

func (t *tomlTable) get(key string) *tomlValue {
	if m := t.member(key); m != nil {
		return m.value
	}
	return nil
}

// at follows keys through tables and returns the last value, or nil.
func (t *tomlTable) at(keys ...string) *tomlValue {
	var v *tomlValue
	for i, key := range keys {
		if i > 0 {
			t = v.object()
		}
		if v = t.get(key); v == nil {
			return nil
		}
	}
	return v
}

// list returns the members of the table at keys, which may be none; no members where there is no table.
func (t *tomlTable) list(keys ...string) []tomlMember {
	if len(keys) > 0 {
		t = t.at(keys...).object()
	}
	if t == nil {
		return nil
	}
	return t.members
}

// string returns the string at keys, "" where there is none.
func (t *tomlTable) string(keys ...string) string { return t.at(keys...).str() }

// true reports whether the value at keys is the boolean true.
func (t *tomlTable) true(keys ...string) bool {
	v := t.at(keys...)
	return v != nil && v.kind == tomlScalar && v.text == "true"
}

// items returns the elements of the array at keys, none where there is no array.
func (t *tomlTable) items(keys ...string) []*tomlValue { return t.at(keys...).array() }

func (v *tomlValue) str() string {
	if v == nil || v.kind != tomlString {
		return ""
	}
	return v.text
}

func (v *tomlValue) object() *tomlTable {
	if v == nil {
		return nil
	}
	return v.table
}

func (v *tomlValue) array() []*tomlValue {
	if v == nil {
		return nil
	}
	return v.items
}

// strings returns the strings among the elements of an array.
func (v *tomlValue) strings() []string {
	var all []string
	for _, item := range v.array() {
		if item.kind == tomlString {
			all = append(all, item.text)
		}
	}
	return all
}

// place returns the place of a whole member, key and value.
func (f *tomlFile) place(m *tomlMember) inventory.Location {
	return f.lines.Location(f.path, m.start, m.value.end)
}

// placeOf returns the place of a value.
func (f *tomlFile) placeOf(v *tomlValue) inventory.Location {
	return f.lines.Location(f.path, v.start, v.end)
}

// packages returns the tables of an array that have a name, as many as are read from one file. A table without a name
// comes to light by the count of headers.
func (f *tomlFile) packages(d *Document, key string) []*tomlValue {
	var found []*tomlValue
	for _, p := range f.root.items(key) {
		if p.table.string("name") == "" {
			continue
		}
		if len(found) == maxEntries {
			d.tooMany(f.placeOf(p))
			break
		}
		found = append(found, p)
	}
	return found
}

// packagePlace returns the place of a [[package]] entry: its name and, where it follows, its version.
func (f *tomlFile) packagePlace(v *tomlValue) inventory.Location {
	name, version := v.table.member("name"), v.table.member("version")
	if name == nil {
		return f.placeOf(v)
	}
	end := name.value.end
	if version != nil && version.start > name.start {
		end = version.value.end
	}
	return f.lines.Location(f.path, name.start, end)
}

// split returns the first problem as the error of the file and the others as notices.
func (f *tomlFile) split() ([]inventory.Notice, error) {
	if len(f.problems) == 0 {
		return nil, nil
	}
	var notices []inventory.Notice
	for _, problem := range f.problems[1:] {
		location := inventory.Location{Path: f.path}
		if placed := (*Error)(nil); errors.As(problem, &placed) {
			location, problem = placed.Location, placed.Err
		}
		notices = append(notices, inventory.Notice{
			Code: "unreadable-entry", Message: fmt.Sprintf("a part of %s can't be read: %v", f.path, problem), Location: &location,
		})
	}
	return notices, f.problems[0]
}

// countHeaders counts the lines of data that are this table header, without parsing it.
func countHeaders(data []byte, header string) int {
	n := 0
	for line := range bytes.Lines(data) {
		if string(bytes.TrimSpace(line)) == header {
			n++
		}
	}
	return n
}
