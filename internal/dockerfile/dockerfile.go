// Package dockerfile reads Dockerfiles and Containerfiles: their stages and instructions, with lines.
//
// The grammar is that of https://docs.docker.com/reference/dockerfile/: parser directives, continued lines, comments between
// them, here-documents. Nothing is executed; ARG and ENV are put into FROM lines only, where they have a default.
package dockerfile

import (
	"fmt"
	"regexp"
	"strings"
)

// MaxSize bounds a Dockerfile, in bytes: far above what people write.
const MaxSize = 1 << 20

// maxInstructions bounds the instructions of one file.
const maxInstructions = 10_000

// File is what one Dockerfile says.
type File struct {
	Args   []Instruction // ARG before the first FROM
	Stages []Stage
}

// Stage is what stands from one FROM to the next.
type Stage struct {
	Name string // behind AS; empty where there is none
	// Base is the image with its arguments put in, or the name of an earlier stage; Written is as it stands there.
	Base, Written string
	Platform      string
	// Parent is the index of the stage that Base names, -1 where it is an image.
	Parent       int
	From         Instruction
	Instructions []Instruction // behind FROM
	// Unresolved are the arguments of Base that have no default.
	Unresolved []string
}

// Instruction is one instruction. Its lines count from 1 and include its here-documents.
type Instruction struct {
	Name          string   // in capitals
	Flags         []string // --from=build
	Text          string   // what follows, on one line, without the flags
	Heredocs      []string // the contents of its here-documents
	Line, EndLine int
}

// Flag returns the value of a flag of an instruction.
func (i Instruction) Flag(name string) (string, bool) {
	for _, f := range i.Flags {
		if key, value, _ := strings.Cut(f, "="); key == "--"+name {
			return value, true
		}
	}
	return "", false
}

// Error says on which line a file is no Dockerfile.
type Error struct {
	Line    int
	Message string
}

func (e *Error) Error() string { return fmt.Sprintf("line %d: %s", e.Line, e.Message) }

var (
	directive = regexp.MustCompile(`^#\s*([a-zA-Z][a-zA-Z0-9]*)\s*=\s*(\S.*?)\s*$`)
	heredoc   = regexp.MustCompile(`<<(-?)\s*(["']?)([a-zA-Z_][a-zA-Z0-9_.]*)(["']?)`)
	word      = regexp.MustCompile(`^[A-Za-z]+$`)
)

// Parse reads a Dockerfile. With an error it returns what stands before the place of it.
func Parse(data []byte) (*File, error) {
	f := new(File)
	if len(data) > MaxSize {
		return f, &Error{1, fmt.Sprintf("larger than %d KiB", MaxSize>>10)}
	}
	text := strings.TrimPrefix(string(data), "\ufeff")
	p := parser{lines: strings.Split(strings.ReplaceAll(text, "\r\n", "\n"), "\n"), escape: '\\'}
	p.directives()
	for count := 0; ; count++ {
		in, ok := p.next()
		if !ok {
			return f, nil
		}
		if count >= maxInstructions {
			return f, &Error{in.Line, fmt.Sprintf("more than %d instructions", maxInstructions)}
		}
		switch {
		case !word.MatchString(in.Name):
			return f, &Error{in.Line, "this is no instruction"}
		case in.Name == "FROM":
			f.Stages = append(f.Stages, f.stage(in))
		case len(f.Stages) > 0:
			last := &f.Stages[len(f.Stages)-1]
			last.Instructions = append(last.Instructions, in)
		case in.Name == "ARG":
			f.Args = append(f.Args, in)
		default:
			return f, &Error{in.Line, "an instruction before the first FROM"}
		}
	}
}

type parser struct {
	lines  []string
	at     int // index of the next line
	escape byte
}

// directives reads the comments at the top that change how the rest is read.
func (p *parser) directives() {
	for _, line := range p.lines {
		m := directive.FindStringSubmatch(strings.TrimSpace(line))
		if m == nil {
			return
		}
		if strings.EqualFold(m[1], "escape") && (m[2] == "`" || m[2] == `\`) {
			p.escape = m[2][0]
		}
	}
}

// next reads one instruction with the lines that continue it.
func (p *parser) next() (Instruction, bool) {
	var in Instruction
	var logical strings.Builder
	started := false
	for p.at < len(p.lines) {
		line := p.lines[p.at]
		p.at++
		trimmed := strings.TrimSpace(line)
		if trimmed == "" || trimmed[0] == '#' { // also between continued lines
			continue
		}
		if !started {
			started, in.Line = true, p.at
		}
		in.EndLine = p.at
		rest := strings.TrimRight(line, " \t")
		if rest[len(rest)-1] == p.escape {
			logical.WriteString(rest[:len(rest)-1])
			logical.WriteByte(' ')
			continue
		}
		logical.WriteString(rest)
		break
	}
	if !started {
		return in, false
	}
	name, rest, _ := strings.Cut(strings.TrimSpace(logical.String()), " ")
	if tab := strings.IndexByte(name, '\t'); tab >= 0 {
		name, rest = name[:tab], name[tab+1:]+" "+rest
	}
	in.Name = strings.ToUpper(name)
	in.Text = strings.TrimSpace(rest)
	for strings.HasPrefix(in.Text, "--") {
		flag, after, _ := strings.Cut(in.Text, " ")
		in.Flags = append(in.Flags, flag)
		in.Text = strings.TrimSpace(after)
	}
	if in.Name == "RUN" || in.Name == "COPY" || in.Name == "ADD" {
		for _, m := range heredoc.FindAllStringSubmatch(in.Text, -1) {
			if m[2] == m[4] {
				in.Heredocs = append(in.Heredocs, p.heredoc(m[3], m[1] == "-"))
			}
		}
		in.EndLine = max(in.EndLine, p.at)
	}
	return in, true
}

// heredoc reads the lines up to the word alone on a line; without it, to the end.
func (p *parser) heredoc(end string, tabs bool) string {
	start := p.at
	for p.at < len(p.lines) {
		line := p.lines[p.at]
		if tabs {
			line = strings.TrimLeft(line, "\t")
		}
		p.at++
		if line == end {
			return strings.Join(p.lines[start:p.at-1], "\n")
		}
	}
	return strings.Join(p.lines[start:], "\n")
}

func (f *File) stage(in Instruction) Stage {
	s := Stage{From: in, Parent: -1}
	s.Platform, _ = in.Flag("platform")
	fields := strings.Fields(in.Text)
	if len(fields) > 0 {
		s.Written = fields[0]
	}
	if len(fields) >= 3 && strings.EqualFold(fields[1], "AS") {
		s.Name = fields[2]
	}
	s.Base, s.Unresolved = f.expand(s.Written)
	for i := range f.Stages {
		if f.Stages[i].Name != "" && strings.EqualFold(f.Stages[i].Name, s.Base) {
			s.Parent = i
		}
	}
	return s
}

var variable = regexp.MustCompile(`\$(?:([A-Za-z_][A-Za-z0-9_]*)|\{([A-Za-z_][A-Za-z0-9_]*)(?::?([-+])([^}]*))?\})`)

// expand puts the defaults of arguments into the text of a FROM line.
func (f *File) expand(text string) (expanded string, unresolved []string) {
	expanded = variable.ReplaceAllStringFunc(text, func(match string) string {
		m := variable.FindStringSubmatch(match)
		name := m[1] + m[2]
		value, ok := f.argument(name)
		switch {
		case m[3] == "+" && ok:
			return m[4]
		case m[3] == "+":
			return ""
		case ok && value != "":
			return value
		case m[3] == "-":
			return m[4]
		}
		unresolved = append(unresolved, name)
		return match
	})
	return expanded, unresolved
}

// argument returns the default of an argument that is declared before the first stage.
func (f *File) argument(name string) (string, bool) {
	for i := len(f.Args) - 1; i >= 0; i-- {
		for _, field := range strings.Fields(f.Args[i].Text) {
			if key, value, ok := strings.Cut(field, "="); ok && key == name {
				return strings.Trim(value, `"'`), true
			}
		}
	}
	return "", false
}
