package ecosystem

import (
	"bytes"
	"errors"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/trifecta-scanner/trifecta/inventory"
)

// jsonMember is one name and value of a JSON object with its place.
type jsonMember struct {
	name       string
	value      []byte
	path       string
	lines      *inventory.Lines
	start, end int // of the whole member in the file
	valueStart int
}

func (m jsonMember) location() inventory.Location { return m.lines.Location(m.path, m.start, m.end) }

// members calls visit for each member of the value if it is an object.
func (m jsonMember) members(visit func(jsonMember) error) error {
	return jsonMembers(m.value, m.valueStart, m.path, m.lines, visit)
}

// jsonObject calls visit for each member of the object in data. A file that breaks off is read up to that place; the
// error says where.
func jsonObject(data []byte, name string, lines *inventory.Lines, visit func(jsonMember) error) error {
	return jsonMembers(data, 0, name, lines, visit)
}

func jsonMembers(data []byte, base int, name string, lines *inventory.Lines, visit func(jsonMember) error) error {
	dec := jsontext.NewDecoder(bytes.NewBuffer(data), jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true))
	failed := func(err error) error {
		location := lines.Location(name, base+int(dec.InputOffset()), base+int(dec.InputOffset()))
		return &Error{Location: location, Err: err}
	}
	if dec.PeekKind() != '{' {
		if _, err := dec.ReadToken(); err != nil {
			return failed(err)
		}
		if base > 0 {
			return nil
		}
		return failed(errors.New("want a JSON object"))
	}
	if _, err := dec.ReadToken(); err != nil {
		return failed(err)
	}
	for dec.PeekKind() == '"' {
		start := int(dec.InputOffset())
		key, err := dec.ReadToken()
		if err != nil {
			return failed(err)
		}
		for data[start] != '"' { // white space and a comma
			start++
		}
		member := jsonMember{name: key.String(), path: name, lines: lines, start: base + start}
		value, err := dec.ReadValue()
		if err != nil {
			return failed(err)
		}
		end := int(dec.InputOffset())
		member.value = data[end-len(value) : end]
		member.valueStart = base + end - len(value)
		member.end = base + end
		if err := visit(member); err != nil {
			return err
		}
	}
	if _, err := dec.ReadToken(); err != nil {
		return failed(err)
	}
	return nil
}
