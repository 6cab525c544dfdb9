package license

import (
	"fmt"
	"slices"
	"strings"

	"github.com/agext/levenshtein"
	"github.com/github/go-spdx/v2/spdxexp"
	"github.com/github/go-spdx/v2/spdxexp/spdxlicenses"
)

// verdict is what a policy says about an expression. Unclear is a part of it that can't be judged and that decides.
type verdict int

const (
	inOrder verdict = iota
	unclear
	notAllowed
	denied
)

// term is one licence of an expression, with its exception.
type term struct {
	id        string // as SPDX spells it, without -only, -or-later and +
	later     bool   // or a later version
	exception string
}

// parseTerm reads a licence identifier, with + and WITH; false for what SPDX does not know. LicenseRef- names licences
// of one's own.
func parseTerm(s string) (term, bool) {
	fields := strings.Fields(s)
	var t term
	switch {
	case len(fields) == 1:
	case len(fields) == 3 && strings.EqualFold(fields[1], "WITH"):
		exceptions := spdxlicenses.GetExceptions()
		i := slices.IndexFunc(exceptions, func(e string) bool { return strings.EqualFold(e, fields[2]) })
		if i < 0 {
			return term{}, false
		}
		t.exception = exceptions[i]
	default:
		return term{}, false
	}
	id := fields[0]
	if isReference(id) {
		t.id = id
		return t, true
	}
	if plain, ok := strings.CutSuffix(id, "+"); ok {
		id, t.later = plain, true
	}
	known, id := spdxexp.ActiveLicense(id)
	if !known {
		deprecated := spdxlicenses.GetDeprecated()
		i := slices.IndexFunc(deprecated, func(d string) bool {
			return strings.EqualFold(d, fields[0]) || strings.EqualFold(d, strings.TrimSuffix(fields[0], "+"))
		})
		if i < 0 {
			return term{}, false
		}
		id = deprecated[i]
	}
	if plain, ok := strings.CutSuffix(id, "+"); ok {
		id, t.later = plain, true
	}
	if plain, ok := strings.CutSuffix(id, "-or-later"); ok {
		id, t.later = plain, true
	}
	t.id = strings.TrimSuffix(id, "-only")
	return t, true
}

// isReference reports whether the id is one of LicenseRef- or DocumentRef-, which SPDX leaves to the author.
func isReference(id string) bool {
	return strings.HasPrefix(id, "LicenseRef-") || strings.HasPrefix(id, "DocumentRef-") && strings.Contains(id, ":LicenseRef-")
}

// covers reports whether a licence of a policy stands for the licence: the same one in whichever version it leaves
// open, or an earlier version with all later ones.
func (t term) covers(l term) bool {
	if t.exception != "" && t.exception != l.exception {
		return false
	}
	if strings.EqualFold(t.id, l.id) {
		return true
	}
	if !t.later || isReference(t.id) || isReference(l.id) {
		return false
	}
	ok, err := spdxexp.Satisfies(l.id, []string{t.id + "+"})
	return err == nil && ok
}

type policy struct{ allow, deny []term }

// judge says what the policy thinks of a package with these licences, all of which apply.
func (p *policy) judge(licenses []string) verdict {
	if len(licenses) == 0 {
		return unclear
	}
	worst := inOrder
	for _, l := range licenses {
		e, ok := parse(l)
		if !ok {
			worst = max(worst, unclear)
			continue
		}
		worst = max(worst, p.eval(e))
	}
	return worst
}

// eval judges an expression: the best of the choices that OR leaves, the worst of the parts that AND joins.
func (p *policy) eval(e *expression) verdict {
	switch e.op {
	case opTerm:
		return p.one(e.term)
	case opUnknown:
		return unclear
	}
	v := p.eval(e.parts[0])
	for _, part := range e.parts[1:] {
		if w := p.eval(part); (e.op == opAnd) == (w > v) {
			v = w
		}
	}
	return v
}

// one judges one licence. Deny wins, unless the allowed licence is the one with its exception.
func (p *policy) one(l term) verdict {
	named := func(list []term) bool {
		return slices.ContainsFunc(list, func(t term) bool { return t.covers(l) })
	}
	exactly := func(t term) bool { return l.exception != "" && t.exception != "" && t.covers(l) }
	switch {
	case named(p.deny) && !slices.ContainsFunc(p.allow, exactly):
		return denied
	case len(p.allow) > 0 && !named(p.allow):
		return notAllowed
	}
	return inOrder
}

type op int

const (
	opTerm op = iota
	opUnknown
	opAnd
	opOr
)

// expression is an SPDX licence expression.
type expression struct {
	op    op
	term  term
	parts []*expression
}

// Bounds of an expression; real ones have a handful of licences.
const (
	maxExpression = 4096 // bytes
	maxNesting    = 64
)

// parse reads an expression. Licences in it that SPDX does not know are opUnknown. Cargo once wrote OR as /
// (https://doc.rust-lang.org/cargo/reference/manifest.html#the-license-and-license-file-fields).
func parse(s string) (*expression, bool) {
	if len(s) > maxExpression {
		return nil, false
	}
	if t, ok := parseTerm(s); ok {
		return &expression{term: t}, true
	}
	if strings.Contains(s, "/") && !strings.Contains(s, "(") {
		s = strings.ReplaceAll(s, "/", " OR ")
	}
	s = strings.ReplaceAll(strings.ReplaceAll(s, "(", " ( "), ")", " ) ")
	p := parser{words: strings.Fields(s)}
	e, ok := p.choice(0)
	return e, ok && len(p.words) == 0
}

type parser struct{ words []string }

func (p *parser) next(word string) bool {
	if len(p.words) > 0 && strings.EqualFold(p.words[0], word) {
		p.words = p.words[1:]
		return true
	}
	return false
}

func (p *parser) choice(depth int) (*expression, bool) { return p.joined(opOr, "OR", depth, p.all) }
func (p *parser) all(depth int) (*expression, bool)    { return p.joined(opAnd, "AND", depth, p.single) }

func (p *parser) joined(op op, word string, depth int, part func(int) (*expression, bool)) (*expression, bool) {
	first, ok := part(depth)
	if !ok {
		return nil, false
	}
	e := &expression{op: op, parts: []*expression{first}}
	for p.next(word) {
		further, ok := part(depth)
		if !ok {
			return nil, false
		}
		e.parts = append(e.parts, further)
	}
	if len(e.parts) == 1 {
		return first, true
	}
	return e, true
}

func (p *parser) single(depth int) (*expression, bool) {
	if depth > maxNesting {
		return nil, false
	}
	if p.next("(") {
		e, ok := p.choice(depth + 1)
		return e, ok && p.next(")")
	}
	if len(p.words) == 0 || slices.Contains([]string{"AND", "OR", "WITH", ")"}, strings.ToUpper(p.words[0])) {
		return nil, false
	}
	text := p.words[0]
	p.words = p.words[1:]
	if p.next("WITH") {
		if len(p.words) == 0 {
			return nil, false
		}
		text += " WITH " + p.words[0]
		p.words = p.words[1:]
	}
	t, ok := parseTerm(text)
	if !ok {
		return &expression{op: opUnknown}, true
	}
	return &expression{term: t}, true
}

// suggestion names the licence that is nearest to a word.
func suggestion(word string) string {
	if len(word) > 100 {
		return ""
	}
	best, distance := "", 1+len(word)/3
	for _, id := range spdxlicenses.GetLicenses() {
		if d := levenshtein.Distance(strings.ToLower(word), strings.ToLower(id), nil); d < distance {
			best, distance = id, d
		}
	}
	if best == "" {
		return "; see https://spdx.org/licenses/"
	}
	return fmt.Sprintf("; did you mean %q?", best)
}
