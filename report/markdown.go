package report

import (
	"cmp"
	"fmt"
	"io"
	"net/url"
	"slices"
	"strings"

	"github.com/trifecta-scanner/trifecta/diagram"
	"github.com/trifecta-scanner/trifecta/inventory"
	"github.com/trifecta-scanner/trifecta/network"
	"github.com/trifecta-scanner/trifecta/scanner"
)

// Markdown writes the result for step summaries, comments and issues of code hosts: the attack surface, tables of what
// wants action, and the rest folded away. With Options.MaxBytes it leaves out entries from the end until it fits, and
// says how many.
func Markdown(w io.Writer, res *scanner.Result, opts Options) error {
	m := &markdown{res: res, mixed: slices.ContainsFunc(res.Findings, func(f scanner.Finding) bool { return f.Status == scanner.StatusExisting })}
	m.write(fmt.Sprintf("### %s\n\n%s\n\n", mdText(surface(res)), mdText(totals(res))))
	foot := ""
	if s := sources(res); s != "" {
		foot = "<sub>" + mdText(s) + "</sub>\n"
	}
	notices := m.notices(opts.MaxBytes / 4)
	m.limit = opts.MaxBytes - len(notices) - len(foot) - mdReserve
	m.unlimited = opts.MaxBytes <= 0
	m.surfaceChange(res.AttackSurface.Change)
	if opts.NewSince != "" {
		m.newFirst(opts.NewSince)
	} else {
		m.findings(groups(res))
	}
	m.gone(res.Fixed)
	if m.cutEntries > 0 {
		m.write(fmt.Sprintf("**%s with %s did not fit on this page and %s left out, the least urgent first.**\n\n",
			count(m.cutEntries, "entry", "entries"), count(m.cutFindings, "finding"), wasWere(m.cutEntries)))
	}
	m.write(notices + foot)
	_, err := io.WriteString(w, m.b.String())
	return err
}

// surfaceChange opens the page with what a change does to the attack surface: what it opens, with the way as a diagram, and
// what it closes.
func (m *markdown) surfaceChange(c *scanner.SurfaceChange) {
	if c == nil {
		return
	}
	const most = 10
	var b strings.Builder
	if len(c.Opened) > 0 {
		b.WriteString("#### 🚪 This change opens\n\n")
		for i := range c.Opened[:min(len(c.Opened), most)] {
			o := &c.Opened[i]
			fmt.Fprintf(&b, "- %s\n", mdText(opened(o)+" "+where(o.Location)))
		}
		if n := len(c.Opened) - most; n > 0 {
			fmt.Fprintf(&b, "- and %d more\n", n)
		}
		b.WriteString("\n" + mermaidWay(c.Opened))
	}
	if len(c.Closed) > 0 {
		b.WriteString("#### 🔒 This change closes\n\n")
		for _, id := range c.Closed[:min(len(c.Closed), most)] {
			fmt.Fprintf(&b, "- %s\n", mdCode(cut(clean(string(id)), mdName)))
		}
		if n := len(c.Closed) - most; n > 0 {
			fmt.Fprintf(&b, "- and %d more\n", n)
		}
		b.WriteString("\n")
	}
	if m.fits(b.String()) {
		m.write(b.String())
	}
}

// mermaidWay draws the ways to the first few openings as one diagram.
func mermaidWay(openings []scanner.Opening) string {
	d := &diagram.Drawing{}
	seen := map[inventory.ID]bool{}
	for i := range openings[:min(len(openings), 5)] {
		o := &openings[i]
		if o.Path == nil || len(o.Path.Nodes) > 20 {
			continue
		}
		for k, node := range o.Path.Nodes {
			if !seen[node] {
				seen[node] = true
				n := diagram.Node{ID: node, Label: cut(string(node), mdName)}
				if node == network.Internet {
					n.Kind, n.Label = "internet", "Internet"
				}
				d.Nodes = append(d.Nodes, n)
			}
			if k > 0 {
				label := ""
				if k == 1 {
					label = strings.Join(o.Ports[:min(len(o.Ports), 3)], ", ")
				}
				d.Edges = append(d.Edges, diagram.Edge{From: o.Path.Nodes[k-1], To: node, Kind: diagram.Exposes, Label: label})
			}
		}
		for k := range d.Nodes {
			if d.Nodes[k].ID == o.Address {
				d.Nodes[k].Exposure = diagram.Open
			}
		}
	}
	if len(d.Edges) == 0 {
		return ""
	}
	slices.SortStableFunc(d.Edges, func(a, b diagram.Edge) int {
		return cmp.Or(strings.Compare(string(a.From), string(b.From)), strings.Compare(string(a.To), string(b.To)), strings.Compare(b.Label, a.Label))
	})
	d.Edges = slices.CompactFunc(d.Edges, func(a, b diagram.Edge) bool { return a.From == b.From && a.To == b.To })
	var b strings.Builder
	b.WriteString("```mermaid\n")
	if err := diagram.Mermaid(&b, d); err != nil { // a strings.Builder takes everything
		return ""
	}
	b.WriteString("```\n\n")
	return b.String()
}

// mdReserve keeps room for the sentence about what was left out and for closing what is open.
const mdReserve = 256

func wasWere(n int) string {
	if n == 1 {
		return "was"
	}
	return "were"
}

// markdown is one page in the making.
type markdown struct {
	b                       strings.Builder
	res                     *scanner.Result
	mixed                   bool // some findings are not new, so that being new is worth a word
	limit                   int
	unlimited               bool
	cutEntries, cutFindings int
}

func (m *markdown) write(s string) { m.b.WriteString(s) }

// fits reports whether s can be written within the limit.
func (m *markdown) fits(s string) bool { return m.unlimited || m.b.Len()+len(s) <= m.limit }

func (m *markdown) findings(all []*group) {
	byTier := map[scanner.Tier][]*group{}
	for _, g := range all {
		byTier[g.worst().Tier] = append(byTier[g.worst().Tier], g)
	}
	for _, tier := range scanner.Tiers {
		m.table(tier, byTier[tier])
	}
}

// newFirst writes what is new and then the rest, each with a heading.
func (m *markdown) newFirst(since string) {
	m.mixed = false // the headings say it
	fresh, before := splitNew(m.res)
	for _, part := range []struct {
		title string
		res   *scanner.Result
	}{{"New since " + since, fresh}, {"There before", before}} {
		if all := groups(part.res); len(all) > 0 {
			m.write("### " + mdText(part.title) + "\n\n")
			m.findings(all)
		}
	}
}

var severityMarks = map[scanner.Severity]string{
	scanner.Critical: "🔴",
	scanner.High:     "🟠",
	scanner.Medium:   "🟡",
	scanner.Low:      "🔵",
	scanner.Info:     "⚪",
	scanner.Unknown:  "⚪",
}

// table writes the entries of one tier; those that can wait are folded.
func (m *markdown) table(tier scanner.Tier, entries []*group) {
	if len(entries) == 0 {
		return
	}
	findings := 0
	for _, g := range entries {
		findings += g.urgent()
	}
	title := mdText(fmt.Sprintf("%s%s: %s, %s", strings.ToUpper(string(tier[:1])), tier[1:], tierWords[tier], count(findings, "finding")))
	open, end := "#### "+title+"\n\n", "\n"
	if !tier.AtLeast(scanner.TierAttend) {
		open, end = "<details><summary>"+title+"</summary>\n\n", "\n</details>\n\n"
	}
	open += "| Severity | What | Fix | Where |\n| --- | --- | --- | --- |\n"
	started := false
	for i, g := range entries {
		row := m.row(g)
		if !started {
			row = open + row
		}
		if !m.fits(row + end) {
			for _, g := range entries[i:] {
				m.cutEntries++
				m.cutFindings += len(g.findings)
			}
			break
		}
		m.write(row)
		started = true
	}
	if started {
		m.write(end)
	}
}

// The longest texts that one cell shows: one entry must not use up the page.
const (
	mdName = 200
	mdLong = 400
)

func (m *markdown) row(g *group) string {
	f := g.worst()
	sev := g.severity()
	var what []string
	if f.Advisory != nil {
		what = append(what, "<b>"+mdCode(cut(g.subject(), mdName))+"</b>")
		if s := clean(f.Advisory.Summary); s != "" {
			what = append(what, mdText(cut(s, mdLong)))
		}
	} else {
		message := clean(f.Message)
		if f.Fix != nil { // the way out has a column of its own
			message = strings.TrimSuffix(message, "; "+clean(f.Fix.Message))
		}
		what = append(what, "<b>"+mdText(cut(g.subject(), mdName))+"</b>", mdText(cut(message, mdLong)))
	}
	reason := g.reason()
	urgent := f.Tier.AtLeast(scanner.TierAttend) && reason != ""
	if urgent {
		what = append(what, "<i>"+mdText(cut(capital(reason), mdLong))+"</i>")
	}
	about := []string{m.links(g)}
	for _, fact := range g.facts(urgent) {
		about = append(about, mdText(cut(fact, mdName)))
	}
	if m.mixed && f.Status == scanner.StatusNew {
		about = append(about, "new")
	}
	if chain := g.chain(); len(chain) > 0 {
		about = append(about, "through "+mdCode(cut(strings.Join(shorten(chain), " → "), mdName)))
	}
	what = append(what, "<sub>"+strings.Join(about, " · ")+"</sub>")

	fix := ""
	switch word := g.fixWord(); {
	case word == noFix || word == removeIt:
		fix = word
	case word != "":
		fix = mdCode(cut(strings.TrimPrefix(word, "→ "), mdName))
	case f.Fix != nil:
		fix = mdText(cut(clean(f.Fix.Message), mdLong))
	}
	return fmt.Sprintf("| %s&nbsp;%s | %s | %s | %s |\n", severityMarks[sev], sev, strings.Join(what, "<br>"), fix, m.place(f.Location))
}

// links names the first advisories or rules of an entry, each with its page.
func (m *markdown) links(g *group) string {
	const most = 5
	ids := g.ids()
	var links []string
	for _, id := range ids[:min(len(ids), most)] {
		address := ""
		if rule := g.rules[id]; rule != nil {
			address = rule.URL
		}
		links = append(links, mdLink(mdCode(cut(clean(id), mdName)), address))
	}
	s := strings.Join(links, ", ")
	if more := len(ids) - most; more > 0 {
		s += fmt.Sprintf(" and %d more", more)
	}
	return s
}

// place writes where a finding is, as a link to the line where the repository's address is known.
func (m *markdown) place(l inventory.Location) string {
	if l.Path == "" {
		return ""
	}
	text := mdCode(cut(where(l), 2*mdName))
	t := m.res.Target
	repository := httpURL(t.Repository)
	if repository == "" || t.Commit == "" {
		return text
	}
	line := ""
	if l.Line > 0 {
		line = fmt.Sprintf("#L%d", l.Line)
	}
	return mdLink(text, strings.TrimSuffix(strings.TrimSuffix(repository, "/"), ".git")+"/blob/"+url.PathEscape(valid(t.Commit))+"/"+relativeURI(l.Path)+line)
}

func (m *markdown) gone(fixed []scanner.Finding) {
	if len(fixed) == 0 {
		return
	}
	const most = 50
	var b strings.Builder
	fmt.Fprintf(&b, "<details><summary>Fixed: %s of the base gone</summary>\n\n", count(len(fixed), "finding"))
	for _, f := range fixed[:min(len(fixed), most)] {
		fmt.Fprintf(&b, "- %s in %s, %s\n", mdCode(cut(clean(f.RuleID), mdName)), mdCode(cut(nameOf(f.Subject), mdName)), mdCode(cut(clean(f.Location.Path), mdName)))
	}
	if more := len(fixed) - most; more > 0 {
		fmt.Fprintf(&b, "- and %d more\n", more)
	}
	b.WriteString("\n</details>\n\n")
	if m.fits(b.String()) {
		m.write(b.String())
	}
}

// nameOf writes the subject of a finding whose package the result does not hold any more: name and version of a package
// URL, an address as it is.
func nameOf(id inventory.ID) string {
	rest, ok := strings.CutPrefix(string(id), "pkg:")
	if _, name, found := strings.Cut(rest, "/"); ok && found {
		name, _, _ = strings.Cut(name, "?")
		if plain, err := url.PathUnescape(name); err == nil {
			name = plain
		}
		if at := strings.LastIndex(name, "@"); at > 0 {
			name = name[:at] + " " + name[at+1:]
		}
		return clean(name)
	}
	return clean(string(id))
}

// notices returns the section about what could not be looked at, in at most limit bytes where that is above zero.
func (m *markdown) notices(limit int) string {
	notices := m.res.Notices
	if len(notices) == 0 {
		return ""
	}
	var b strings.Builder
	fmt.Fprintf(&b, "<details><summary>Notices: %s could not be looked at in full</summary>\n\n", count(len(notices), "part"))
	const end = "\n</details>\n\n"
	for i, n := range notices {
		line := "- " + mdText(cut(noticeText(n), mdLong)) + "\n"
		if limit > 0 && b.Len()+len(line)+len(end)+mdReserve/4 > limit {
			fmt.Fprintf(&b, "- and %d more\n", len(notices)-i)
			break
		}
		b.WriteString(line)
	}
	return b.String() + end
}

// mdText writes text so that no part of it is Markdown, HTML, a mention or a reference: what could start one becomes a
// character reference, which CommonMark never reads as structure, and code hosts, which look for mentions in the
// rendered page, find a zero-width space behind their sign.
func mdText(s string) string {
	var b strings.Builder
	escape(&b, s, true)
	return b.String()
}

// mdCode writes text as code, in which code hosts look for no mentions.
func mdCode(s string) string {
	var b strings.Builder
	b.WriteString("<code>")
	escape(&b, s, false)
	b.WriteString("</code>")
	return b.String()
}

func escape(b *strings.Builder, s string, breakReferences bool) {
	const zeroWidthSpace = "&#8203;"
	for i := range len(s) {
		c := s[i]
		wordBefore := i > 0 && isWord(s[i-1])
		wordAfter := i+1 < len(s) && isWord(s[i+1])
		switch {
		case strings.IndexByte("\\`*[]<>#|~&@$", c) >= 0,
			c == '_' && (!wordBefore || !wordAfter), // within a word it is no emphasis
			c == ':' && strings.HasPrefix(s[i:], "://"):
			fmt.Fprintf(b, "&#%d;", c)
		default:
			b.WriteByte(c)
		}
		if breakReferences && (strings.IndexByte("@#!~%$&^", c) >= 0 && i+1 < len(s) && s[i+1] != ' ' || strings.HasSuffix(s[:i+1], "www")) {
			b.WriteString(zeroWidthSpace)
		}
	}
}

func isWord(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'A' && c <= 'Z' || c >= 'a' && c <= 'z' || c == '_' || c >= 0x80
}

// mdLink makes text, which is Markdown already, a link; without an address that may be one it stays text.
func mdLink(text, address string) string {
	address = httpURL(address)
	if address == "" {
		return text
	}
	var b strings.Builder
	for i := range len(address) {
		c := address[i]
		if c <= ' ' || c >= 0x7f || strings.IndexByte("\\`*<>()[]|\"'", c) >= 0 {
			fmt.Fprintf(&b, "%%%02X", c)
			continue
		}
		b.WriteByte(c)
	}
	return "[" + text + "](" + b.String() + ")"
}
