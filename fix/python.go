package fix

import (
	"errors"
	"strings"

	"deps.dev/util/semver"
)

// pyRequirement is one dependency specifier of Python
// (https://packaging.python.org/en/latest/specifications/dependency-specifiers/).
type pyRequirement struct {
	name   string // as written
	extras []string
	spec   string // the version specifiers without parentheses
	url    string // of `name @ url`
	marker string
	// specStart and specEnd are the offsets of spec in the text; equal to the end of name and extras where there is none.
	specStart, specEnd int
}

// parsePyRequirement reads a dependency specifier; ok is false where the text is none.
func parsePyRequirement(text string) (r pyRequirement, ok bool) {
	at := len(text) - len(strings.TrimLeft(text, " \t"))
	end := at
	for end < len(text) && strings.IndexByte("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.", text[end]) >= 0 {
		end++
	}
	r.name = text[at:end]
	if key := pypiName(r.name); key == "" || strings.ContainsAny(r.name[len(r.name)-1:], "-_.") {
		return pyRequirement{}, false
	}
	at = skipSpace(text, end)
	if at < len(text) && text[at] == '[' {
		closed := strings.IndexByte(text[at:], ']')
		if closed < 0 {
			return pyRequirement{}, false
		}
		for extra := range strings.SplitSeq(text[at+1:at+closed], ",") {
			if extra = pypiName(strings.TrimSpace(extra)); extra != "" {
				r.extras = append(r.extras, extra)
			}
		}
		end = at + closed + 1
		at = skipSpace(text, end)
	}
	r.specStart, r.specEnd = end, end
	if at < len(text) && text[at] == '@' {
		address := strings.TrimSpace(text[at+1:])
		r.url, r.marker, _ = strings.Cut(address, " ;")
		r.url, r.marker = strings.TrimSpace(r.url), strings.TrimSpace(r.marker)
		return r, r.url != ""
	}
	spec, marker, _ := strings.Cut(text[at:], ";")
	r.marker = strings.TrimSpace(marker)
	start := at + len(spec) - len(strings.TrimLeft(spec, " \t("))
	spec = strings.Trim(spec, " \t()")
	if spec == "" {
		return r, true
	}
	if !strings.ContainsRune("=<>!~", rune(spec[0])) {
		return pyRequirement{}, false
	}
	r.spec, r.specStart, r.specEnd = spec, start, start+len(spec)
	return r, true
}

func skipSpace(text string, at int) int {
	for at < len(text) && (text[at] == ' ' || text[at] == '\t') {
		at++
	}
	return at
}

// pyTruth is the value of a marker: it holds, it does not, or that hangs on something unknown.
type pyTruth int8

const (
	pyFalse pyTruth = iota
	pyUnknown
	pyTrue
)

// pyEnvironment is what markers ask for. A name that is missing is unknown; extra is set apart.
type pyEnvironment struct {
	values map[string]string
	extras []string
}

// linuxPython is the environment in which lock files of one platform are made where nothing says otherwise. version is
// the first two numbers of Python, or empty where they are unknown.
func linuxPython(version string) pyEnvironment {
	values := map[string]string{
		"os_name": "posix", "sys_platform": "linux", "platform_system": "Linux", "implementation_name": "cpython",
		"platform_python_implementation": "CPython", "platform_machine": "x86_64",
	}
	if version != "" {
		values["python_version"] = firstNumbers(version, 2)
		if strings.Count(version, ".") == 1 {
			version += ".0"
		}
		values["python_full_version"] = version
		values["implementation_version"] = version
	}
	return pyEnvironment{values: values}
}

// mentionsExtra reports whether a marker asks for an extra.
func mentionsExtra(marker string) bool {
	for _, token := range markerTokens(marker) {
		if token == "extra" {
			return true
		}
	}
	return false
}

// holds evaluates a marker; none always holds.
func (e pyEnvironment) holds(marker string) pyTruth {
	if strings.TrimSpace(marker) == "" {
		return pyTrue
	}
	p := markerParser{tokens: markerTokens(marker), env: e}
	value, err := p.or(0)
	if err != nil || p.at != len(p.tokens) {
		return pyUnknown
	}
	return value
}

// markerTokens splits a marker; strings keep their quote in front so that they are told from names.
func markerTokens(marker string) []string {
	const most = 1000
	var tokens []string
	for at := 0; at < len(marker) && len(tokens) < most; {
		switch c := marker[at]; {
		case c == ' ' || c == '\t':
			at++
		case c == '(' || c == ')':
			tokens = append(tokens, string(c))
			at++
		case c == '"' || c == '\'':
			end := strings.IndexByte(marker[at+1:], c)
			if end < 0 {
				return append(tokens, "?")
			}
			tokens = append(tokens, `"`+marker[at+1:at+1+end])
			at += end + 2
		case strings.IndexByte("=<>!~", c) >= 0:
			end := at
			for end < len(marker) && strings.IndexByte("=<>!~", marker[end]) >= 0 {
				end++
			}
			tokens = append(tokens, marker[at:end])
			at = end
		default:
			end := at
			for end < len(marker) && !strings.ContainsRune(" \t()=<>!~\"'", rune(marker[end])) {
				end++
			}
			tokens = append(tokens, marker[at:end])
			at = max(end, at+1)
		}
	}
	return tokens
}

// cleanMarker writes a marker anew from what it was read as, so that nothing else of a stranger's text reaches a file. ok is
// false for what is no marker.
func cleanMarker(marker string) (clean string, ok bool) {
	p := markerParser{tokens: markerTokens(marker)}
	if _, err := p.or(0); err != nil || p.at != len(p.tokens) {
		return "", false
	}
	var b strings.Builder
	for i, token := range p.tokens {
		if i > 0 && p.tokens[i-1] != "(" && token != ")" {
			b.WriteByte(' ')
		}
		if text, isString := strings.CutPrefix(token, `"`); isString {
			if strings.ContainsFunc(text, func(r rune) bool { return r < ' ' || r > '~' || r == '"' || r == '\\' || r == '#' }) {
				return "", false
			}
			token = `"` + text + `"`
		} else if strings.Trim(token, "abcdefghijklmnopqrstuvwxyz_=<>!~()") != "" {
			return "", false
		}
		b.WriteString(token)
	}
	return b.String(), true
}

type markerParser struct {
	tokens []string
	at     int
	env    pyEnvironment
}

var errMarker = errors.New("not a marker")

const maxMarkerDepth = 50

func (p *markerParser) next() string {
	if p.at >= len(p.tokens) {
		return ""
	}
	p.at++
	return p.tokens[p.at-1]
}

func (p *markerParser) peek() string {
	if p.at >= len(p.tokens) {
		return ""
	}
	return p.tokens[p.at]
}

func (p *markerParser) or(depth int) (pyTruth, error) {
	value, err := p.and(depth)
	for err == nil && p.peek() == "or" {
		p.at++
		var other pyTruth
		other, err = p.and(depth)
		value = max(value, other)
	}
	return value, err
}

func (p *markerParser) and(depth int) (pyTruth, error) {
	value, err := p.term(depth)
	for err == nil && p.peek() == "and" {
		p.at++
		var other pyTruth
		other, err = p.term(depth)
		value = min(value, other)
	}
	return value, err
}

func (p *markerParser) term(depth int) (pyTruth, error) {
	if depth > maxMarkerDepth {
		return pyUnknown, errMarker
	}
	if p.peek() == "(" {
		p.at++
		value, err := p.or(depth + 1)
		if err == nil && p.next() != ")" {
			err = errMarker
		}
		return value, err
	}
	left, operator := p.next(), p.next()
	if operator == "not" {
		if p.next() != "in" {
			return pyUnknown, errMarker
		}
		operator = "not in"
	}
	right := p.next()
	if left == "" || right == "" || (left[0] == '"') == (right[0] == '"') {
		return pyUnknown, errMarker
	}
	return p.compare(left, operator, right), nil
}

// mirrored is the operator with its sides changed.
var mirrored = map[string]string{"<": ">", "<=": ">=", ">": "<", ">=": "<="}

func (p *markerParser) compare(left, operator, right string) pyTruth {
	name, literal := left, strings.TrimPrefix(right, `"`)
	if left[0] == '"' {
		name, literal = right, strings.TrimPrefix(left, `"`)
		if other, ok := mirrored[operator]; ok {
			operator = other
		}
	}
	if name == "extra" {
		has := false
		for _, extra := range p.env.extras {
			has = has || pypiName(extra) == pypiName(literal)
		}
		return truth(has == (operator == "=="))
	}
	value, ok := p.env.values[name]
	if !ok {
		return pyUnknown
	}
	if strings.HasSuffix(name, "_version") && operator != "in" && operator != "not in" {
		if _, err := semver.PyPI.Parse(strings.TrimSuffix(literal, ".*")); err == nil {
			admits, err := pypiAdmits(operator+literal, value)
			if err != nil {
				return pyUnknown
			}
			return truth(admits)
		}
	}
	switch operator {
	case "==", "===":
		return truth(value == literal)
	case "!=":
		return truth(value != literal)
	case "in", "not in":
		inside := strings.Contains(literal, value)
		if left[0] == '"' {
			inside = strings.Contains(value, literal)
		}
		return truth(inside == (operator == "in"))
	}
	return pyUnknown
}

func truth(b bool) pyTruth {
	if b {
		return pyTrue
	}
	return pyFalse
}
