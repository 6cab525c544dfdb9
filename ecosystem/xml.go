package ecosystem

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/encoding/htmlindex"
	"golang.org/x/text/encoding/unicode"

	"github.com/trifecta-scanner/trifecta/inventory"
)

// xmlReader reads an XML file element by element, in one pass and in memory that does not grow with the file: what is
// not asked for is skipped without recursion, so that nesting of any depth is harmless. Entities that a document type
// declares are never expanded.
type xmlReader struct {
	dec   *xml.Decoder
	path  string
	lines *inventory.Lines
	depth int // elements that are open
}

// Bounds that files written by people and tools stay far below: the parser keeps all open elements and all attributes
// of one.
const (
	maxXMLDepth = 1 << 17
	maxXMLTag   = 1 << 20 // bytes from one "<" to the next
)

var (
	errXMLDepth = fmt.Errorf("elements are more than %d deep", maxXMLDepth)
	errXMLTag   = fmt.Errorf("an element is longer than %d bytes", maxXMLTag)
)

// xmlElement is the start tag of one element.
type xmlElement struct {
	name  string // without its namespace
	attrs []xml.Attr
	start int // the offset of its "<"
}

// attr returns the value of an attribute; MSBuild and NuGet do not tell upper from lower case, so neither does it.
func (e xmlElement) attr(name string) string {
	for _, a := range e.attrs {
		if strings.EqualFold(a.Name.Local, name) {
			return strings.TrimSpace(a.Value)
		}
	}
	return ""
}

// newXMLReader prepares data for reading. A file in another encoding is turned into UTF-8 first: lines stay the same,
// columns then count the bytes of the UTF-8 form.
func newXMLReader(name string, data []byte) (*xmlReader, error) {
	data, err := xmlUTF8(data)
	if err != nil {
		return nil, &Error{Location: inventory.Location{Path: name, Line: 1}, Err: err}
	}
	lines := inventory.NewLines(data)
	for at := 0; at < len(data); {
		next := bytes.IndexByte(data[at:], '<')
		if next < 0 {
			next = len(data) - at
		}
		if next > maxXMLTag {
			return nil, &Error{Location: lines.Location(name, at, at), Err: errXMLTag}
		}
		at += next + 1
	}
	dec := xml.NewDecoder(bytes.NewReader(data))
	dec.Entity = xml.HTMLEntity
	dec.CharsetReader = func(_ string, input io.Reader) (io.Reader, error) { return input, nil }
	return &xmlReader{dec: dec, path: name, lines: lines}, nil
}

// xmlUTF8 decodes by the byte order mark, else by the encoding that the XML declaration names.
// Source: https://www.w3.org/TR/xml/#sec-guessing
func xmlUTF8(data []byte) ([]byte, error) {
	switch {
	case bytes.HasPrefix(data, []byte("\xef\xbb\xbf")):
		return data[3:], nil
	case bytes.HasPrefix(data, []byte("\xff\xfe")), bytes.HasPrefix(data, []byte("\xfe\xff")):
		return unicode.UTF16(unicode.LittleEndian, unicode.UseBOM).NewDecoder().Bytes(data)
	case bytes.HasPrefix(data, []byte("<\x00?\x00")):
		return unicode.UTF16(unicode.LittleEndian, unicode.IgnoreBOM).NewDecoder().Bytes(data)
	case bytes.HasPrefix(data, []byte("\x00<\x00?")):
		return unicode.UTF16(unicode.BigEndian, unicode.IgnoreBOM).NewDecoder().Bytes(data)
	}
	label := xmlEncoding(data)
	if label == "" || strings.EqualFold(label, "utf-8") || strings.EqualFold(label, "us-ascii") {
		return data, nil
	}
	enc, err := htmlindex.Get(label)
	if err != nil {
		return nil, fmt.Errorf("its encoding %q is not known", label)
	}
	if enc == unicode.UTF8 || utf8.Valid(data) && strings.HasPrefix(strings.ToLower(label), "utf") {
		return data, nil // it says UTF-16 and is UTF-8: MSBuild files that an editor saved anew
	}
	return enc.NewDecoder().Bytes(data)
}

// xmlEncoding returns what the XML declaration says, or "".
func xmlEncoding(data []byte) string {
	if !bytes.HasPrefix(data, []byte("<?xml")) {
		return ""
	}
	declaration, _, ok := bytes.Cut(data[:min(len(data), 256)], []byte("?>"))
	if !ok {
		return ""
	}
	_, rest, ok := strings.Cut(string(declaration), "encoding")
	if !ok {
		return ""
	}
	rest = strings.TrimLeft(rest, " \t\r\n=")
	if rest == "" || rest[0] != '"' && rest[0] != '\'' {
		return ""
	}
	label, _, _ := strings.Cut(rest[1:], rest[:1])
	return label
}

// offset is the place up to which the file has been read.
func (x *xmlReader) offset() int { return int(x.dec.InputOffset()) }

// location is the place of an element whose content has been read.
func (x *xmlReader) location(e xmlElement) inventory.Location {
	return x.lines.Location(x.path, e.start, x.offset())
}

// failed places an error where reading stopped.
func (x *xmlReader) failed(err error) error {
	if syntax := (*xml.SyntaxError)(nil); errors.As(err, &syntax) {
		err = errors.New(syntax.Msg)
	}
	if errors.Is(err, io.EOF) {
		err = errors.New("the file ends too early")
	}
	return &Error{Location: x.lines.Location(x.path, x.offset(), x.offset()), Err: err}
}

// root reads the file's outermost element, which must have one of the names.
func (x *xmlReader) root(visit func(xmlElement) error, names ...string) error {
	found := false
	err := x.each(func(e xmlElement) error {
		if found {
			return nil
		}
		for _, name := range names {
			if strings.EqualFold(e.name, name) {
				found = true
				return visit(e)
			}
		}
		return x.failed(fmt.Errorf("want an element <%s>, have <%s>", names[0], e.name))
	})
	if err == nil && !found {
		return x.failed(fmt.Errorf("want an element <%s>", names[0]))
	}
	return err
}

// each calls visit for every child of the element that is open. visit may read the child with each or text; what it
// leaves is skipped. When each returns nil, the element has been read to its end.
func (x *xmlReader) each(visit func(xmlElement) error) error {
	inside := x.depth
	for {
		start := x.offset()
		token, err := x.dec.Token()
		if errors.Is(err, io.EOF) && inside == 0 {
			return nil
		}
		if err != nil {
			return x.failed(err)
		}
		switch t := token.(type) {
		case xml.StartElement:
			if x.depth++; x.depth > maxXMLDepth {
				return x.failed(errXMLDepth)
			}
			if err := visit(xmlElement{name: t.Name.Local, attrs: t.Attr, start: start}); err != nil {
				return err
			}
			if err := x.leave(inside); err != nil {
				return err
			}
		case xml.EndElement:
			x.depth--
			return nil
		}
	}
}

// leave skips what is left of the elements above a depth.
func (x *xmlReader) leave(depth int) error {
	for x.depth > depth {
		token, err := x.dec.Token()
		if err != nil {
			return x.failed(err)
		}
		switch token.(type) {
		case xml.StartElement:
			if x.depth++; x.depth > maxXMLDepth {
				return x.failed(errXMLDepth)
			}
		case xml.EndElement:
			x.depth--
		}
	}
	return nil
}

// text reads the element that is open and returns its text without the space around it.
func (x *xmlReader) text() (string, error) {
	var text strings.Builder
	inside := x.depth
	for x.depth >= inside {
		token, err := x.dec.Token()
		if err != nil {
			return "", x.failed(err)
		}
		switch t := token.(type) {
		case xml.StartElement:
			if x.depth++; x.depth > maxXMLDepth {
				return "", x.failed(errXMLDepth)
			}
		case xml.EndElement:
			x.depth--
		case xml.CharData:
			if x.depth == inside {
				text.Write(t)
			}
		}
	}
	return strings.TrimSpace(text.String()), nil
}
