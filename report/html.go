package report

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"fmt"
	"html/template"
	"io"
	"regexp"
	"strings"

	"github.com/trifecta-scanner/trifecta/diagram"
	"github.com/trifecta-scanner/trifecta/inventory"
	"github.com/trifecta-scanner/trifecta/scanner"
)

// The parts of the page. They are constant; what a Result says only gets in through the template, which escapes it.
var (
	//go:embed page/page.html
	pageTemplate string
	//go:embed page/page.css
	pageStyle string
	//go:embed page/page.js
	pageScript string
)

// HTML writes one page for a browser: the attack surface and what a change does to it, what to do first, the network
// as a drawing, the findings, packages, images and what was not looked at. The page is one file that loads nothing: its
// policy (https://www.w3.org/TR/CSP3/) allows its own style and script by their digests and forbids everything else.
// Everything can be read without the script, which adds filters, the theme and the answers behind the drawing.
func HTML(w io.Writer, res *scanner.Result, _ Options) error {
	page, err := template.New("page").Parse(pageTemplate)
	if err != nil {
		return err
	}
	view, err := newView(res)
	if err != nil {
		return err
	}
	out := bufio.NewWriter(w)
	if err := page.Execute(out, view); err != nil {
		return err
	}
	return out.Flush()
}

// view is what the template shows: text that is cleaned and not yet escaped.
type view struct {
	Policy              string
	Style               template.CSS
	Script              template.JS
	Title, Target, Tool string
	About               []string
	Surface, Totals     string
	Undeclared          bool // nothing in the tree says what runs where
	Figures             []figure
	Entries             []entry
	Opened              []opening
	Closed              []string
	First               []todo
	More                int // urgent groups beyond First
	Drawing             template.HTML
	Answers             []answer
	Tiers               []tierView
	Bar                 []share
	Count               int
	Severities, Levels  []choice
	TierChoices, Kinds  []choice
	Packages            []packageView
	NoPackages          bool // they were left out by request
	Images              []imageView
	Machines            []machineView
	Notices             []string
	Gone                []string
}

// figure is one number of the attack surface; a hot one is bad news.
type figure struct {
	Number, Words string
	Hot           bool
}

// share is the part of one severity in all findings, in thousandths of the width of a bar.
type share struct {
	Severity         string
	At, Width, Count int
}

// entry is a way in. Link names the part of the page that answers for it, and is empty where none does.
type entry struct{ Address, Ports, Sources, Shields, Link string }

type opening struct {
	Words, Where, Way, Link string
	Guards                  []string
}

type todo struct {
	Tier, Severity, Subject, Fix, Reason, Where, ID string
	Count                                           int
	Helps                                           bool // Fix is one
}

type choice struct {
	Value, Words string
	Count        int
}

type tierView struct {
	Name, Words string
	Class       string // of the tile that leads to it; empty where there is none
	Findings    []findingView
}

// findingView has strings of its own only; it is held for each of many findings.
type findingView struct {
	ID, Tier, Severity, Level, Kind    string
	Subject, Title, Rule, URL, Where   string
	Message, Reason, Fix, Exposed, New string
	Suppressed                         string
	Near, NearClass, Short             string // the exposure and the fix in a word or two
	Fixable                            bool
	Facts                              []string
	Steps, Related, Edits              []string
	Open                               bool
}

type answer struct {
	Number    int // of the node in the drawing; -1 where it shows none
	Name      string
	Kind      string
	Exposure  string // open, shielded, possible, closed, or empty
	Words     string
	Where     string
	Exposed   bool
	Results   []resultView
	More      int
	Findings  []link
	MoreFound int
}

type link struct{ ID, Words, Severity string }

type resultView struct {
	Name, Verdict, Root               string
	Ports, Possible, Sources, Shields string
	Paths                             []pathView
	Blocked, Unknown, Assumptions     []string
	Runs                              []string
	Hops                              string
}

type pathView struct {
	Way    string
	Guards []string
}

type packageView struct {
	Name, Version, Ecosystem, Scope, Licenses, Where, Workloads string
	Findings                                                    int
}

type imageView struct{ Name, Digest, Where, Workloads, Scanned string }

type machineView struct{ Name, Form, Created, Ends, Replacement, Where, Workloads string }

// Limits of what the page shows for one thing; the rest is counted.
const (
	maxFirst   = 8
	maxAnswers = 20 // equal things in one node of the drawing
	maxFound   = 30 // findings of one node
	maxPaths   = 5
	maxText    = 2000 // runes of a message
)

func newView(res *scanner.Result) (*view, error) {
	v := &view{
		Style: template.CSS(pageStyle), Script: template.JS(pageScript), //nolint:gosec // our own files
		Surface: surface(res), Totals: totals(res),
		Tool: strings.TrimSpace(clean(res.Tool.Name) + " " + clean(res.Tool.Version)),
	}
	v.Target = clean(res.Target.Repository)
	if v.Target == "" {
		v.Target = clean(res.Target.Path)
	}
	if where, ok := strings.CutPrefix(v.Target, "https://"); ok {
		v.Target = strings.TrimSuffix(where, ".git")
	}
	v.Title = "trifecta: " + v.Target
	for _, s := range []string{clean(res.Target.Ref), clean(cut(res.Target.Commit, 13)), sources(res)} {
		if s != "" {
			v.About = append(v.About, s)
		}
	}
	ids := fragments(res)
	drawing := sound(res.Network)
	styles := []string{pageStyle}
	if drawing != nil {
		var b bytes.Buffer
		if err := diagram.SVG(&b, drawing); err != nil {
			return nil, err
		}
		v.Drawing = template.HTML(b.String()) //nolint:gosec // package diagram escapes, TestHTMLHostile looks
		if _, rest, ok := strings.Cut(b.String(), "<style>"); ok {
			style, _, _ := strings.Cut(rest, "</style>")
			styles = append(styles, style)
		}
	}
	v.Policy = policy(styles, pageScript)
	v.answers(res, drawing, ids)
	v.surface(res)
	v.first(res, ids)
	v.findings(res, ids)
	v.things(res)
	return v, nil
}

// policy forbids the page everything but its own style and script, which it names by digest.
func policy(styles []string, script string) string {
	digest := func(s string) string {
		sum := sha256.Sum256([]byte(s))
		return "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
	}
	var allowed []string
	for _, s := range styles {
		allowed = append(allowed, digest(s))
	}
	return "default-src 'none'; style-src " + strings.Join(allowed, " ") + "; script-src " + digest(script) + "; base-uri 'none'; form-action 'none'"
}

var fingerprint = regexp.MustCompile(`^[0-9a-f]{16,64}(/[0-9]{1,9})?$`)

// fragments returns the name under which the page links to each finding: its fingerprint, so that a link to it survives
// the next scan. What a saved result has in its place and is none gets a number, which no other part of the page uses.
func fragments(res *scanner.Result) []string {
	ids := make([]string, len(res.Findings))
	taken := make(map[string]bool, len(ids))
	for i := range res.Findings {
		id := res.Findings[i].Fingerprint
		if !fingerprint.MatchString(id) || taken[id] {
			id = fmt.Sprintf("finding-%d", i+1)
		}
		taken[id] = true
		ids[i] = id
	}
	return ids
}

// sound returns a drawing that can be drawn, whatever a saved result says: with clean text, and with groups and nodes that
// hold together. nil where there is nothing to draw.
func sound(d *diagram.Drawing) *diagram.Drawing {
	if d == nil || len(d.Nodes) == 0 {
		return nil
	}
	out := &diagram.Drawing{}
	for _, g := range d.Groups {
		g.ID, g.Label, g.Parent, g.Zone, g.CIDR = clean(g.ID), clean(g.Label), clean(g.Parent), clean(g.Zone), clean(g.CIDR)
		g.Kind, g.Tier = diagram.GroupKind(clean(string(g.Kind))), diagram.Tier(clean(string(g.Tier)))
		out.Groups = append(out.Groups, g)
	}
	for _, n := range d.Nodes {
		n.ID, n.Label, n.Kind = cleanID(n.ID), clean(n.Label), clean(n.Kind)
		n.Exposure = diagram.Exposure(clean(string(n.Exposure)))
		groups := make([]string, len(n.Groups))
		for i, g := range n.Groups {
			groups[i] = clean(g)
		}
		members := make([]inventory.ID, len(n.Members))
		for i, m := range n.Members {
			members[i] = cleanID(m)
		}
		n.Groups, n.Members = groups, members
		out.Nodes = append(out.Nodes, n)
	}
	for _, e := range d.Edges {
		out.Edges = append(out.Edges, diagram.Edge{From: cleanID(e.From), To: cleanID(e.To), Kind: diagram.EdgeKind(clean(string(e.Kind))), Label: clean(e.Label)})
	}
	return out.Sound()
}

func cleanID(id inventory.ID) inventory.ID { return inventory.ID(clean(string(id))) }

// inLine writes the strings of a list behind each other.
func inLine[T ~string](words []T, sep string) string {
	cleaned := make([]string, len(words))
	for i, w := range words {
		cleaned[i] = clean(string(w))
	}
	return strings.Join(cleaned, sep)
}
