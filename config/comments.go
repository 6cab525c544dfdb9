package config

import (
	"bytes"
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/trifecta-scanner/trifecta/inventory"
	"github.com/trifecta-scanner/trifecta/scanner"
)

// Comments reads the comments that speak of findings, in the files in which something stands that was scanned:
//
//	# trifecta:ignore RULE[,RULE] [until=DATE] reason
//
// A comment behind code is about its line; one that has a line for itself is about the line below the comments. It
// counts for a finding that begins there. Those of checkov, tfsec and Trivy are read too, unless the configuration says
// otherwise. known are the ids of our rules; a comment that names something like one of them is told of.
// cache keeps what was read of a file for other trees that have it too; it may be nil.
func (c *Config) Comments(tree *inventory.Tree, res *scanner.Result, known []string, cache *CommentCache) *Ignores {
	all := &Ignores{}
	for _, name := range scannedFiles(res) {
		if !mayHaveComments(name) || !tree.Has(name) {
			continue
		}
		ig := cache.read(tree, name, func(tree *inventory.Tree) *Ignores {
			ig := &Ignores{}
			data, err := tree.ReadFile(name)
			if err != nil {
				return ig // whoever reads the file for its content tells about that
			}
			ig.comments(name, data, !c.OwnIgnoresOnly, known)
			return ig
		})
		for _, w := range ig.waivers {
			all.add(w)
		}
		all.notices = append(all.notices, ig.notices...)
	}
	return all
}

// CommentCache keeps the comments of files by content, so that the base of a comparison need not read what it shares
// with the head. The zero value is empty. It is for one configuration and one goroutine.
type CommentCache struct{ files map[string]cachedComments }

type cachedComments struct {
	inputs *inventory.Inputs
	found  *Ignores
}

func (c *CommentCache) read(tree *inventory.Tree, name string, read func(*inventory.Tree) *Ignores) *Ignores {
	if c == nil {
		return read(tree)
	}
	if known, ok := c.files[name]; ok && tree.Unchanged(known.inputs) {
		return known.found
	}
	view, inputs := tree.Recording()
	found := read(view)
	if c.files == nil {
		c.files = map[string]cachedComments{}
	}
	if _, ok := c.files[name]; !ok {
		c.files[name] = cachedComments{inputs, found}
	}
	return found
}

// scannedFiles returns the files that a result speaks of, in order.
func scannedFiles(res *scanner.Result) []string {
	names := map[string]bool{}
	for i := range res.Packages {
		for _, l := range res.Packages[i].Locations {
			names[l.Path] = true
			if l.Manifest != nil {
				names[l.Manifest.Path] = true
			}
		}
	}
	for i := range res.Images {
		for _, l := range res.Images[i].Locations {
			names[l.Path] = true
		}
	}
	for i := range res.Findings {
		names[res.Findings[i].Location.Path] = true
	}
	list := make([]string, 0, len(names))
	for name := range names {
		list = append(list, name)
	}
	slices.Sort(list)
	return list
}

// withoutComments are the endings of files that have no comments.
var withoutComments = []string{".json", ".sum", ".jar", ".war", ".ear", ".whl", ".zip", ".gz", ".tgz", ".exe", ".dll", ".so"}

func mayHaveComments(name string) bool {
	return !slices.Contains(withoutComments, strings.ToLower(path.Ext(name)))
}

// Directives in comments. What the others look like: https://www.checkov.io/2.Basics/Suppressing%20and%20Skipping%20Policies.html,
// https://aquasecurity.github.io/tfsec/latest/guides/configuration/ignores/,
// https://trivy.dev/latest/docs/configuration/filtering/#by-inline-comments
var (
	directives   = []string{ownDirective, "checkov:skip=", "tfsec:ignore:", "trivy:ignore:"}
	ownDirective = "trifecta:ignore"
)

// markers begin a comment in one language or another.
var markers = []string{"#", "//", "--", "<!--", ";", "/*", "*", "%", "REM ", "'"}

// maxDirectives bounds the comments of one file, and maxRules the rules of one comment.
const (
	maxDirectives = 10_000
	maxRules      = 100
)

// comments reads the comments of one file.
func (ig *Ignores) comments(name string, data []byte, foreign bool, known []string) {
	if !slices.ContainsFunc(directives, func(d string) bool { return bytes.Contains(data, []byte(d)) }) {
		return
	}
	if bytes.IndexByte(data[:min(len(data), 8000)], 0) >= 0 {
		return // no text
	}
	var open []pending // have lines of their own; the line that they are about is still to come
	n, found := 0, 0
	for line := range strings.Lines(string(data)) {
		n++
		line = strings.TrimSpace(line)
		alone := startsComment(line)
		var here []pending
		for _, d := range directivesOf(line) {
			if found++; found > maxDirectives {
				ig.malformed(name, n, "%s has more than %d comments that suppress findings; those from line %d on have no effect", name, maxDirectives, n)
				return
			}
			if p, ok := ig.directive(name, n, d, foreign, known); ok {
				here = append(here, p)
			}
		}
		if alone {
			open = append(open, here...)
			continue
		}
		ig.about(name, n, append(open, here...))
		open = nil
	}
	ig.about(name, n+1, open)
}

// pending is a comment whose line is not known yet.
type pending struct {
	waiver
	ids   []string
	block bool // it is about the whole element that it stands in, as those of checkov are
}

// about takes in comments that are about a line.
func (ig *Ignores) about(name string, line int, list []pending) {
	for _, p := range list {
		w := p.waiver
		key := lineKey(name, line)
		w.keys = []string{key}
		if p.block {
			w.keys = []string{keyFile + name}
		}
		own := w.at.Line
		w.matches = func(res *scanner.Result, f *scanner.Finding) bool {
			at := slices.ContainsFunc(placesOf(res, f), func(l inventory.Location) bool {
				return l.Path == name && (l.Line == line || p.block && l.Line <= own && own <= l.EndLine)
			})
			return at && slices.ContainsFunc(namesOf(res, f), func(id string) bool { return slices.Contains(p.ids, id) })
		}
		ig.add(w)
	}
}

func startsComment(line string) bool {
	return slices.ContainsFunc(markers, func(m string) bool { return strings.HasPrefix(line, m) })
}

// directivesOf returns the directives of a line, each from its name to the end of the comment. A directive is the first
// thing that a comment says.
func directivesOf(line string) []string {
	var found []string
	for _, name := range directives {
		at := strings.Index(line, name)
		if at <= 0 {
			continue
		}
		before := strings.TrimRight(line[:at], " \t")
		if !slices.ContainsFunc(markers, func(m string) bool { return strings.HasSuffix(before+" ", m) || strings.HasSuffix(before, m) }) {
			continue
		}
		text := strings.TrimSpace(line[at:])
		for _, end := range []string{"-->", "*/"} {
			text = strings.TrimSpace(strings.TrimSuffix(text, end))
		}
		if name == "tfsec:ignore:" || name == "trivy:ignore:" { // several may stand in one comment
			for _, field := range strings.Fields(text) {
				if strings.HasPrefix(field, name) {
					found = append(found, field)
				}
			}
			continue
		}
		found = append(found, text)
	}
	return found
}

// directive reads one directive.
func (ig *Ignores) directive(name string, line int, text string, foreign bool, known []string) (pending, bool) {
	p := pending{waiver: waiver{at: inventory.Location{Path: name, Line: line}}}
	if rest, ok := strings.CutPrefix(text, ownDirective); ok {
		return p, ig.ownComment(&p, rest, known)
	}
	if !foreign {
		return p, false
	}
	tool, rest, _ := strings.Cut(text, ":")
	switch tool {
	case "checkov": // skip=ID[:reason]
		id, reason, _ := strings.Cut(strings.TrimPrefix(rest, "skip="), ":")
		p.ids, p.reason, p.block = []string{strings.TrimSpace(id)}, strings.TrimSpace(reason), true
	default: // ignore:ID[:exp:DATE][:ws:WORKSPACE][parameters]
		parts := strings.Split(strings.TrimPrefix(rest, "ignore:"), ":")
		id, _, parameters := strings.Cut(parts[0], "[")
		for i := 1; i+1 < len(parts); i += 2 {
			switch parts[i] {
			case "exp":
				day, err := time.Parse(time.DateOnly, parts[i+1])
				if err != nil {
					ig.malformed(name, line, "the comment %s has no effect: exp: wants a day such as 2027-01-31", short(text))
					return p, false
				}
				p.ends = day
			case "ws": // only in one workspace, which is not known here
				return p, false
			}
		}
		if parameters {
			return p, false
		}
		p.ids = []string{id}
	}
	if p.ids[0] == "" || p.ids[0] == "*" {
		return p, false
	}
	p.name = "of " + p.ids[0]
	if p.reason == "" {
		p.reason = "no reason is given in the comment for " + tool
	}
	p.ids[0] = idKey(p.ids[0])
	return p, true
}

// ownComment reads what stands behind trifecta:ignore.
func (ig *Ignores) ownComment(p *pending, rest string, known []string) bool {
	name, line := p.at.Path, p.at.Line
	if rest != "" && !strings.HasPrefix(rest, " ") && !strings.HasPrefix(rest, "\t") {
		return false // another word
	}
	// A list may have spaces behind its commas.
	fields := strings.Fields(listComma.ReplaceAllString(rest, ","))
	if len(fields) == 0 {
		ig.malformed(name, line, "trifecta:ignore names no rule and has no effect; write # trifecta:ignore RULE reason")
		return false
	}
	ids := strings.Split(strings.Trim(fields[0], ","), ",")
	if len(ids) > maxRules {
		ig.malformed(name, line, "trifecta:ignore names more than %d rules and has no effect", maxRules)
		return false
	}
	fields = fields[1:]
	var reason []string
	for i, field := range fields {
		day, ok := strings.CutPrefix(field, "until=")
		if !ok || i > 0 {
			reason = append(reason, field)
			continue
		}
		until, err := time.Parse(time.DateOnly, day)
		if err != nil {
			ig.malformed(name, line, "the suppression of %s has no effect: until= wants a day such as 2027-01-31, not %q", short(fields[0]), short(day))
			return false
		}
		p.ends = until.AddDate(0, 0, 1)
	}
	p.name, p.reason, p.own = "of "+strings.Join(ids, ","), strings.Join(reason, " "), true
	if p.reason == "" {
		ig.notice(codeNoReason, name, line, "the suppression %s gives no reason and has no effect; write why behind the rule", p.name)
		return false
	}
	for _, id := range ids {
		if err := checkRule(id, known); err != nil {
			ig.notice(codeNoRule, name, line, "the suppression %s: %v", p.name, err)
		}
		p.ids = append(p.ids, idKey(id))
	}
	return true
}

var listComma = regexp.MustCompile(`\s*,\s*`)

// ownRule is what our rule ids look like: lower-case words with dashes. Ids of advisories have upper-case letters.
var ownRule = regexp.MustCompile(`^[a-z][a-z0-9]*(-[a-z0-9]+)+$`)

// checkRule returns an error for what looks like one of our rules and is none.
func checkRule(id string, known []string) error {
	if !ownRule.MatchString(id) || slices.Contains(known, id) {
		return nil
	}
	if near := nearest(id, known); near != "" {
		return fmt.Errorf("%q is no rule; did you mean %q?", id, near)
	}
	return fmt.Errorf("%q is no rule", id)
}

// CheckRules returns an *Error for the first id of the configuration that looks like a rule of ours and is none of
// known. Ids of advisories are never wrong: they may be found tomorrow.
func (c *Config) CheckRules(known []string) error {
	for _, k := range c.RuleIDs {
		if err := checkRule(k.Name, known); err != nil {
			return &Error{Path: c.Path, Line: k.Line, Text: err.Error()}
		}
	}
	return nil
}
