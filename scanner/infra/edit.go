package infra

import (
	"strings"

	"github.com/trifecta-scanner/trifecta/inventory"
	"github.com/trifecta-scanner/trifecta/scanner"
)

// change is how a text makes a finding go away: one scalar becomes another, or fields are added to a mapping.
type change struct {
	message string
	at      inventory.Location // of the scalar, or of a scalar of the mapping that stands in one line
	from    string             // the scalar as it is; a file that has another text there is not changed
	to      string             // what it becomes; empty where fields are added
	fields  []string           // lines of YAML that are added behind the line, without indentation
}

// replace changes a scalar.
func replace(v inventory.Value, to, message string) *change {
	from, ok := v.Text()
	if !ok || v.Location().EndColumn == 0 {
		return nil
	}
	return &change{message: message, at: v.Location(), from: from, to: to}
}

// add puts fields beside a scalar field of a mapping, behind its line.
func add(beside inventory.Value, message string, fields ...string) *change {
	from, ok := beside.Text()
	if !ok || beside.Location().EndLine != beside.Location().Line {
		return nil
	}
	return &change{message: message, at: beside.Location(), from: from, fields: fields}
}

// texts reads the lines of files once.
type texts struct {
	read  func(name string) ([]byte, error)
	lines map[string][]string
}

func (t *texts) of(name string) []string {
	if t.read == nil {
		return nil
	}
	lines, ok := t.lines[name]
	if !ok {
		if data, err := t.read(name); err == nil { // a file that is gone has no fix
			lines = strings.Split(string(data), "\n")
		}
		t.lines[name] = lines
	}
	return lines
}

// edits returns a change as whole lines; none where the text is not what the change speaks of, as in a template that
// writes an expression there. Comments, order and the rest of the line stay.
func (t *texts) edits(c *change) []scanner.Edit {
	if c == nil {
		return nil
	}
	lines := t.of(c.at.Path)
	if c.at.Line < 1 || c.at.Line > len(lines) {
		return nil
	}
	line := strings.TrimSuffix(lines[c.at.Line-1], "\r")
	start, end := c.at.Column-1, c.at.EndColumn-1
	var text string
	switch {
	case strings.Contains(line, "{{"):
		return nil
	case c.at.EndLine != c.at.Line || start < 0 || end > len(line) || start >= end || strings.Trim(line[start:end], `"'`) != c.from:
		return nil // what a template renders there is not written there
	case c.to != "":
		text = line[:start] + c.to + line[end:]
	default:
		indent, ok := indentation(line)
		if !ok {
			return nil
		}
		text = line
		for _, field := range c.fields {
			text += "\n" + indent + field
		}
	}
	return []scanner.Edit{{Path: c.at.Path, Line: c.at.Line, EndLine: c.at.Line, Text: text}}
}

// indentation returns the spaces before the key of a line of a block mapping, which may begin the element of a list.
func indentation(line string) (string, bool) {
	rest := strings.TrimLeft(line, " ")
	for strings.HasPrefix(rest, "- ") {
		rest = strings.TrimLeft(rest[2:], " ")
	}
	key, _, ok := strings.Cut(rest, ":")
	if !ok || key == "" || strings.ContainsAny(key, `{}[]"'# `) {
		return "", false // a flow mapping
	}
	return strings.Repeat(" ", len(line)-len(rest)), true
}
