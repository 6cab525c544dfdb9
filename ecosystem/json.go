package ecosystem

import (
	"bytes"
	"errors"
	"io"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/trifecta-scanner/trifecta/inventory"
)

// jsonReader reads one JSON text from front to back, in one pass however deep it nests, and knows where it is. Names
// may occur twice and strings may hold bytes that are not UTF-8, as parsers of package managers allow. Nesting is
// bounded by jsontext at 10,000.
type jsonReader struct {
	dec   *jsontext.Decoder
	data  []byte // what dec reads
	base  int    // offset of data in the file
	path  string
	lines *inventory.Lines
}

// utf8BOM is what some editors on Windows put before the text.
var utf8BOM = []byte("\xef\xbb\xbf")

func newJSONReader(path string, data []byte) *jsonReader {
	r := &jsonReader{path: path, lines: inventory.NewLines(data)}
	if bytes.HasPrefix(data, utf8BOM) {
		r.base = len(utf8BOM)
	}
	r.reset(data[r.base:])
	return r
}

func (r *jsonReader) reset(data []byte) {
	r.data = data
	r.dec = jsontext.NewDecoder(bytes.NewBuffer(data), jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true))
}

// document calls visit for each member of the object that the whole text must be. What was visited before an error
// stands; the error says where reading ended.
func (r *jsonReader) document(visit func(name string, start int) error) error {
	if kind := r.dec.PeekKind(); kind != '{' {
		if err := r.skip(); err != nil {
			return err
		}
		return r.failed(errors.New("want a JSON object"))
	}
	if err := r.object(visit); err != nil {
		return err
	}
	if _, err := r.dec.ReadToken(); !errors.Is(err, io.EOF) {
		return r.failed(errors.New("want nothing after the JSON object"))
	}
	return nil
}

// object calls visit for each member of the next value if it is an object; start is the offset of the member's name in
// the file. A value that visit does not read is skipped, as is the next value if it is of another kind.
func (r *jsonReader) object(visit func(name string, start int) error) error {
	if r.dec.PeekKind() != '{' {
		return r.skip()
	}
	if _, err := r.dec.ReadToken(); err != nil {
		return r.failed(err)
	}
	depth := r.dec.StackDepth()
	for r.dec.PeekKind() == '"' {
		start := r.next()
		name, err := r.dec.ReadToken()
		if err != nil {
			return r.failed(err)
		}
		if err := visit(name.String(), start); err != nil {
			return err
		}
		if _, n := r.dec.StackIndex(depth); n%2 != 0 {
			if err := r.skip(); err != nil {
				return err
			}
		}
	}
	if _, err := r.dec.ReadToken(); err != nil {
		return r.failed(err)
	}
	return nil
}

// array calls visit for each element of the next value if it is an array, as object does for members.
func (r *jsonReader) array(visit func(start int) error) error {
	if r.dec.PeekKind() != '[' {
		return r.skip()
	}
	if _, err := r.dec.ReadToken(); err != nil {
		return r.failed(err)
	}
	depth := r.dec.StackDepth()
	for kind := r.dec.PeekKind(); kind != ']' && kind != jsontext.KindInvalid; kind = r.dec.PeekKind() {
		_, before := r.dec.StackIndex(depth)
		if err := visit(r.next()); err != nil {
			return err
		}
		if _, after := r.dec.StackIndex(depth); after == before {
			if err := r.skip(); err != nil {
				return err
			}
		}
	}
	if _, err := r.dec.ReadToken(); err != nil {
		return r.failed(err)
	}
	return nil
}

// str returns the next value if it is a string, and otherwise skips it.
func (r *jsonReader) str() (string, error) {
	if r.dec.PeekKind() != '"' {
		return "", r.skip()
	}
	token, err := r.dec.ReadToken()
	if err != nil {
		return "", r.failed(err)
	}
	return token.String(), nil
}

// readString sets to to the next value if it is a string.
func (r *jsonReader) readString(to *string) error {
	s, err := r.str()
	if s != "" {
		*to = s
	}
	return err
}

// readTrue sets to where the next value is true.
func (r *jsonReader) readTrue(to *bool) error {
	if r.dec.PeekKind() == 't' {
		*to = true
	}
	return r.skip()
}

// skip reads the next value and forgets it.
func (r *jsonReader) skip() error {
	if err := r.dec.SkipValue(); err != nil {
		return r.failed(err)
	}
	return nil
}

// raw returns the next value as it is written, and its offset in the file.
func (r *jsonReader) raw() ([]byte, int, error) {
	value, err := r.dec.ReadValue()
	if err != nil {
		return nil, 0, r.failed(err)
	}
	end := int(r.dec.InputOffset())
	return r.data[end-len(value) : end : end], r.base + end - len(value), nil
}

// next returns the offset in the file at which the next value or name begins.
func (r *jsonReader) next() int {
	at := int(r.dec.InputOffset())
	for at < len(r.data) && (r.data[at] == ' ' || r.data[at] == '\n' || r.data[at] == '\r' || r.data[at] == '\t' || r.data[at] == ',' || r.data[at] == ':') {
		at++
	}
	return r.base + at
}

// location returns the place from start to where reading stands.
func (r *jsonReader) location(start int) inventory.Location {
	return r.lines.Location(r.path, start, r.base+int(r.dec.InputOffset()))
}

// failed places err where reading stands. The reason inside jsontext's own error suffices: the place is ours.
func (r *jsonReader) failed(err error) error {
	at := r.base + int(r.dec.InputOffset())
	if syntactic := (*jsontext.SyntacticError)(nil); errors.As(err, &syntactic) {
		at, err = r.base+int(syntactic.ByteOffset), syntactic.Err
	}
	if errors.Is(err, io.EOF) {
		err = io.ErrUnexpectedEOF
	}
	return &Error{Location: r.lines.Location(r.path, at, at), Err: err}
}

// jsonMember is one name and value of a JSON object with its place. It suits flat files; each level of members reads
// the value once more, so that what may nest without bound is for jsonReader.
type jsonMember struct {
	name       string
	value      []byte
	path       string
	lines      *inventory.Lines
	start, end int // of the whole member in the file
}

func (m jsonMember) location() inventory.Location { return m.lines.Location(m.path, m.start, m.end) }

func (r *jsonReader) member(visit func(jsonMember) error) func(string, int) error {
	return func(name string, start int) error {
		value, at, err := r.raw()
		if err != nil {
			return err
		}
		return visit(jsonMember{name: name, value: value, path: r.path, lines: r.lines, start: start, end: at + len(value)})
	}
}
