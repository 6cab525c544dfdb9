package report

import (
	"bufio"
	"fmt"
	"io"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/mattn/go-runewidth"

	"github.com/trifecta-scanner/trifecta/inventory"
	"github.com/trifecta-scanner/trifecta/scanner"
)

// Text writes the result for a person at a terminal: the attack surface, the findings by tier with the worst first,
// what could not be looked at, and a line of totals. One entry is one package in one file, or one rule in one file.
func Text(w io.Writer, res *scanner.Result, opts Options) error {
	out := bufio.NewWriter(w)
	t := newText(out, opts)
	t.comparing = comparing(res)
	t.wrapped("", surface(res), bold)
	t.surfaceChange(res.AttackSurface.Change)
	if t.since != "" {
		t.newFirst(res)
	} else {
		t.findings(groups(res))
	}
	t.gone(res.Fixed)
	t.notices(res.Notices)
	t.line("")
	if s := sources(res); s != "" {
		t.wrapped("", capital(s), dim)
	}
	t.wrapped("", totals(res), bold)
	return out.Flush()
}

// style is an ANSI "select graphic rendition" sequence without its frame.
type style string

const (
	plain style = ""
	bold  style = "1"
	dim   style = "2"
	green style = "32"
)

var severityStyles = map[scanner.Severity]style{
	scanner.Critical: "1;31",
	scanner.High:     "31",
	scanner.Medium:   "33",
	scanner.Low:      "36",
}

// text is one text report in the making.
type text struct {
	w         *bufio.Writer
	width     int
	fixed     bool // width is that of a terminal, beyond which a line would break
	color     bool
	comparing bool
	since     string // see Options.NewSince
}

func newText(w *bufio.Writer, opts Options) *text {
	t := &text{w: w, width: opts.Width, fixed: opts.Width > 0, color: opts.Color, since: clean(opts.NewSince)}
	if t.width == 0 {
		t.width = 100
	}
	t.width = max(t.width, 40)
	return t
}

// cells measures text as a terminal shows it. The widths don't depend on the locale: equal results, equal bytes.
var cells = &runewidth.Condition{StrictEmojiNeutral: true}

func (t *text) styled(s string, st style) string {
	if !t.color || st == plain || s == "" {
		return s
	}
	return "\x1b[" + string(st) + "m" + s + "\x1b[0m"
}

// line writes one line; a bufio.Writer keeps its first error for Flush.
func (t *text) line(s string) { fmt.Fprintln(t.w, s) }

// wrapped writes s on as many lines as it needs, each behind indent.
func (t *text) wrapped(indent, s string, st style) {
	for _, l := range wrap(s, t.width-len(indent)) {
		t.line(indent + t.styled(l, st))
	}
}

// wrap breaks s at spaces into lines of at most width cells; a longer word stays whole, so that paths and ids can be
// copied.
func wrap(s string, width int) []string {
	if cells.StringWidth(s) <= width {
		return []string{s}
	}
	var lines []string
	var line strings.Builder
	used := 0
	for word := range strings.FieldsSeq(s) {
		n := cells.StringWidth(word)
		if used > 0 && used+1+n > width {
			lines = append(lines, line.String())
			line.Reset()
			used = 0
		}
		if used > 0 {
			line.WriteByte(' ')
			used++
		}
		line.WriteString(word)
		used += n
	}
	return append(lines, line.String())
}

// The columns of an entry: two spaces, the severity, two spaces, the rest.
const (
	severityWidth = len("critical")
	restIndent    = "            "
)

// newFirst writes what is new and then the rest, each with a heading.
func (t *text) newFirst(res *scanner.Result) {
	t.comparing = false // the headings say it
	fresh, before := splitNew(res)
	for _, part := range []struct {
		title string
		res   *scanner.Result
	}{{"NEW SINCE " + t.since, fresh}, {"THERE BEFORE", before}} {
		if all := groups(part.res); len(all) > 0 {
			t.line("")
			t.line(t.styled(part.title, bold))
			t.findings(all)
		}
	}
}

// row is the first line of an entry.
type row struct {
	group               *group
	subject, fix, place string
}

func (t *text) findings(all []*group) {
	byTier := map[scanner.Tier][]row{}
	var c columns
	alone := 0
	for _, g := range all {
		r := row{group: g, subject: g.subject(), fix: g.fixWord(), place: where(g.worst().Location)}
		byTier[g.worst().Tier] = append(byTier[g.worst().Tier], r)
		if r.fix == "" { // nothing stands between this subject and its place
			alone = max(alone, cells.StringWidth(r.subject))
		} else {
			c.subject = max(c.subject, cells.StringWidth(r.subject))
		}
		c.fix = max(c.fix, cells.StringWidth(r.fix))
		c.place = max(c.place, cells.StringWidth(r.place))
	}
	c.dense = len(all) > 100
	rest := t.width - len(restIndent)
	c.subject = max(c.subject, alone-2-c.fix)
	c.beside = c.subject+2+c.fix+2+c.place <= rest
	c.subject = min(c.subject, max(rest-2-c.fix, 16))
	for _, tier := range scanner.Tiers {
		rows := byTier[tier]
		if len(rows) == 0 {
			continue
		}
		n := 0
		for _, r := range rows {
			n += r.group.urgent()
		}
		t.line("")
		name := strings.ToUpper(string(tier))
		t.line(t.styled(name, bold) + t.styled(fmt.Sprintf("  %s, %s", tierWords[tier], count(n, "finding")), dim))
		for i, r := range rows {
			if i > 0 && !c.dense {
				t.line("")
			}
			t.row(r, c)
		}
	}
}

// columns are the widths that all entries share.
type columns struct {
	subject, fix, place int
	beside              bool // the places fit beside the rest; otherwise they stand with the ids
	dense               bool // no empty lines between entries: there is much to scroll
}

// row writes one entry.
func (t *text) row(r row, c columns) {
	sev := r.group.severity()
	subject := r.subject
	rest := t.width - len(restIndent)
	if t.fixed && cells.StringWidth(subject) > rest {
		subject = cells.Truncate(subject, rest, "…")
	}
	used := cells.StringWidth(subject)
	var b strings.Builder
	b.WriteString("  " + t.styled(string(sev), severityStyles[sev]) + spaces(severityWidth-len(sev)+2) + t.styled(subject, bold))
	if r.fix != "" {
		if used > c.subject && used+2+cells.StringWidth(r.fix) > rest {
			b.WriteString("\n" + restIndent)
			used = -2
		} else {
			b.WriteString(spaces(c.subject - used))
			used = max(used, c.subject)
		}
		st := green
		if r.fix == noFix {
			st = dim
		}
		b.WriteString("  " + t.styled(r.fix, st))
		used += 2 + cells.StringWidth(r.fix)
	}
	below := r.place
	if c.beside {
		b.WriteString(spaces(c.subject+2+c.fix+2-used) + r.place)
		below = ""
	}
	t.line(strings.TrimRight(b.String(), " "))
	t.details(r.group, below)
}

func spaces(n int) string { return strings.Repeat(" ", max(n, 0)) }

// What stands where a fixed version would.
const (
	noFix    = "no fix"
	removeIt = "remove it"
)

// fixWord says what makes a package's findings go away, empty for findings that are about something else.
func (g *group) fixWord() string {
	if g.worst().Advisory == nil {
		return ""
	}
	version, cleared := g.upgrade()
	switch {
	case cleared == 0 && g.worst().Kind == scanner.KindMalware:
		return removeIt
	case cleared == 0:
		return noFix
	case cleared < len(g.findings):
		return fmt.Sprintf("→ %s (%d of %d)", version, cleared, len(g.findings))
	}
	return "→ " + version
}

// details writes what stands below the first line: why it matters, the place where it did not fit there, and the ids to
// look up.
func (t *text) details(g *group, place string) {
	f := g.worst()
	urgent := f.Tier.AtLeast(scanner.TierAttend)
	switch {
	case f.Advisory == nil:
		t.wrapped(restIndent, clean(f.Message), plain)
		const most = 5
		for _, more := range g.findings[1:min(len(g.findings), most)] {
			t.wrapped(restIndent, where(more.Location)+"  "+clean(more.Message), plain)
		}
		if n := len(g.findings) - most; n > 0 {
			t.line(restIndent + t.styled(fmt.Sprintf("and %d more", n), dim))
		}
	case f.Advisory.Summary != "" && urgent:
		t.wrapped(restIndent, cut(clean(f.Advisory.Summary), 300), plain)
	}
	reason := g.reason()
	if urgent && reason != "" {
		t.items(strings.Split(capital(reason), "; "), "; ", plain)
	}
	ids := g.ids()
	for i, id := range ids {
		ids[i] = clean(id)
	}
	about := []string{t.fit(ids)}
	if place != "" {
		about = []string{place, t.fit(ids)}
	}
	about = append(about, g.facts(urgent && reason != "")...)
	if t.comparing && f.Status == scanner.StatusNew {
		about = append(about, "new")
	}
	if chain := g.chain(); len(chain) > 0 {
		about = append(about, "through "+strings.Join(shorten(chain), " → "))
	}
	if l := g.location(); urgent && l != nil && l.Manifest != nil {
		about = append(about, "asked for in "+where(*l.Manifest))
	}
	t.items(about, " · ", dim)
}

// items writes short facts behind each other and breaks the line between them only.
func (t *text) items(items []string, sep string, st style) {
	line := ""
	for _, item := range items {
		switch {
		case line == "":
			line = item
		case cells.StringWidth(line)+cells.StringWidth(sep+item) <= t.width-len(restIndent):
			line += sep + item
		default:
			t.wrapped(restIndent, line, st)
			line = item
		}
	}
	t.wrapped(restIndent, line, st)
}

// capital writes the first letter large.
func capital(s string) string {
	r, size := utf8.DecodeRuneInString(s)
	return string(unicode.ToUpper(r)) + s[size:]
}

// shorten leaves out the middle of a long chain.
func shorten(chain []string) []string {
	if len(chain) <= 4 {
		return chain
	}
	return []string{chain[0], chain[1], "…", chain[len(chain)-1]}
}

// fit returns as many ids as go on one line, and the number of those left out.
func (t *text) fit(ids []string) string {
	rest := t.width - len(restIndent) - len(" and 999 more")
	n, used := 1, cells.StringWidth(ids[0])
	for n < len(ids) && used+2+cells.StringWidth(ids[n]) <= rest {
		used += 2 + cells.StringWidth(ids[n])
		n++
	}
	if n == len(ids) {
		return strings.Join(ids, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(ids[:n], ", "), len(ids)-n)
}

// gone lists what the base had and this tree has not.
func (t *text) gone(fixed []scanner.Finding) {
	if len(fixed) == 0 {
		return
	}
	t.line("")
	title, what := "FIXED", " of the base gone"
	if t.since != "" {
		title, what = "GONE SINCE "+t.since, ""
	}
	t.line(t.styled(title, bold) + t.styled("  "+count(len(fixed), "finding")+what, dim))
	const most = 20
	for _, f := range fixed[:min(len(fixed), most)] {
		t.wrapped("  ", clean(f.RuleID)+"  "+clean(string(f.Subject))+"  "+clean(f.Location.Path), green)
	}
	if n := len(fixed) - most; n > 0 {
		t.line(t.styled(fmt.Sprintf("  and %d more", n), dim))
	}
}

// notices lists what could not be looked at. Many of one kind are cut short: their number says enough.
func (t *text) notices(notices []inventory.Notice) {
	if len(notices) == 0 {
		return
	}
	t.line("")
	t.line(t.styled("NOTICES", bold) + t.styled("  "+count(len(notices), "part")+" could not be looked at in full", dim))
	const most = 10
	ofCode := map[string]int{}
	for _, n := range notices {
		ofCode[n.Code]++
		if ofCode[n.Code] > most {
			continue
		}
		lines := wrap(noticeText(n), t.width-4)
		t.line("  " + t.styled("!", severityStyles[scanner.Medium]) + " " + lines[0])
		for _, l := range lines[1:] {
			t.line("    " + l)
		}
	}
	for _, n := range notices {
		if more := ofCode[n.Code] - most; more > 0 {
			ofCode[n.Code] = 0
			t.line("    " + t.styled(fmt.Sprintf("and %d more of %s", more, clean(n.Code)), dim))
		}
	}
}

// surfaceChange says what a change opens and closes, with the way to the first.
func (t *text) surfaceChange(c *scanner.SurfaceChange) {
	if c == nil {
		return
	}
	const most = 10
	by := "BY THIS CHANGE"
	if t.since != "" {
		by = "SINCE " + t.since
	}
	if len(c.Opened) > 0 {
		t.line("")
		t.line(t.styled("OPENED "+by, severityStyles[scanner.Critical]))
		for _, o := range c.Opened[:min(len(c.Opened), most)] {
			t.wrapped("  ", opened(&o)+"  "+where(o.Location), plain)
			if o.Path != nil {
				nodes := make([]string, len(o.Path.Nodes))
				for i, n := range o.Path.Nodes {
					nodes[i] = clean(string(n))
				}
				t.wrapped("    ", strings.Join(nodes, " → "), dim)
				for _, g := range o.Path.Guards {
					t.wrapped("    ", "let through by "+clean(string(g.At))+": "+clean(g.Rule)+"  "+where(inventory.Location{Path: g.File, Line: g.Line}), dim)
				}
			}
		}
		if n := len(c.Opened) - most; n > 0 {
			t.line(t.styled(fmt.Sprintf("  and %d more", n), dim))
		}
	}
	if len(c.Closed) > 0 {
		t.line("")
		t.line(t.styled("CLOSED "+by, green))
		for _, id := range c.Closed[:min(len(c.Closed), most)] {
			t.line("  " + clean(string(id)))
		}
		if n := len(c.Closed) - most; n > 0 {
			t.line(t.styled(fmt.Sprintf("  and %d more", n), dim))
		}
	}
}
