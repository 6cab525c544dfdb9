package main

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/url"
	"path"
	"slices"
	"strings"

	"github.com/trifecta-scanner/trifecta/fix"
	"github.com/trifecta-scanner/trifecta/forge"
	"github.com/trifecta-scanner/trifecta/inventory"
	"github.com/trifecta-scanner/trifecta/report"
	"github.com/trifecta-scanner/trifecta/scanner"
)

// proposals is what a run that can't reach the code host hands to the one that can: changes that are written and proven.
// It is data of the scanned tree, as a result is.
type proposals struct {
	Commit  string           `json:"commit"`
	Changes []provenChange   `json:"changes"`
	Unfixed []fix.Unfixed    `json:"unfixed"` // and what was dropped
	Notices []string         `json:"notices"` // paths that could not be read; empty for the tree as a whole
	Asked   bool             `json:"asked"`   // registries were
	Images  bool             `json:"images"`  // AWS has answered all that was asked about machine images
	Limit   int              `json:"limit"`   // of the configuration; 0 where it has none
	Labels  []string         `json:"labels"`  // likewise
	Tool    scanner.Tool     `json:"tool"`
	Data    scanner.DataInfo `json:"advisories"`
	Allowed []string         `json:"allowed"` // what fix.allow_execution lifts
}

// provenChange is one change with the files that it makes of the tree.
type provenChange struct {
	fix.Change
	Contents []forge.File `json:"contents"`
}

// target is where requests go.
type requestTarget struct {
	prefix string // the scanned folder in the repository, empty for all of it
	base   string // the branch
	commit string
}

// plan returns what the host is to have.
func (p *proposals) plan(to requestTarget, limit int) forge.Plan {
	plan := forge.Plan{Scope: to.prefix, Limit: cmp.Or(limit, p.Limit, defaultFixLimit), Gone: p.gone}
	for i := range p.Changes {
		plan.Wanted = append(plan.Wanted, p.request(&p.Changes[i], to))
	}
	return plan
}

// defaultFixLimit is how many requests may be open at once: as many as a team reads in a week.
const defaultFixLimit = 5

// gone returns why a request that is not wanted any more is not needed. What this run can't tell stays open: that a
// finding could not be fixed today, or a file not be read, is no reason to close anything.
func (p *proposals) gone(open forge.Proposal) string {
	if strings.HasPrefix(open.Key, string(fix.KindMachineImage)+"/") {
		return p.imageGone(open)
	}
	about := func(path string) bool { return path == "" || strings.Contains("/"+open.Key+"/", "/"+path+"/") }
	if !p.Asked || slices.ContainsFunc(p.Notices, about) ||
		slices.ContainsFunc(p.Unfixed, func(u fix.Unfixed) bool { return about(u.Location.Path) }) {
		return ""
	}
	return "the scan of " + p.Commit[:min(10, len(p.Commit))] + " no longer finds what it clears"
}

// imageGone is gone for requests that bump machine images: their keys name no file, and without an account nobody knows that an
// image is old.
func (p *proposals) imageGone(open forge.Proposal) string {
	byName := strings.HasSuffix(open.Key, "/release") // a name that moves, which code alone tells
	left := slices.ContainsFunc(p.Unfixed, func(u fix.Unfixed) bool { return slices.Contains(imageRules, u.RuleID) })
	unread := slices.ContainsFunc(p.Notices, func(name string) bool {
		return name == "" || slices.Contains([]string{".tf", ".tofu", ".tfvars", ".hcl", ".yaml", ".yml", ".template"}, path.Ext(name))
	})
	if left || unread || !byName && !p.Images {
		return ""
	}
	return "the scan of " + p.Commit[:min(10, len(p.Commit))] + " no longer finds what it clears"
}

// imageRules are the rules whose findings bumps of machine images clear.
var imageRules = []string{"ami-end-of-life", "ami-end-of-life-soon", "aws-stale-ami"}

// maxTitle is above what people write and below what hosts take.
const maxTitle = 200

// request makes the request of a change. Everything in it that comes from the tree, a registry or an advisory is
// written as text.
func (p *proposals) request(c *provenChange, to requestTarget) forge.PullRequest {
	title := strings.Join(strings.Fields(c.Title), " ")
	if len(title) > maxTitle {
		title = strings.ToValidUTF8(title[:maxTitle], "") + "…"
	}
	pr := forge.PullRequest{
		Key: c.Key, Version: versionOf(&c.Change), Parts: partsOf(&c.Change), Scope: to.prefix, Base: to.base, Commit: to.commit,
		Title: title, Body: p.body(c, to), Message: message(&c.Change, title), Labels: p.Labels, AskOwners: true,
	}
	if len(pr.Labels) == 0 {
		pr.Labels = []string{"security"}
	}
	for _, f := range c.Contents {
		f.Path = path.Join(to.prefix, f.Path)
		pr.Files = append(pr.Files, f)
	}
	return pr
}

// versionOf names what exactly is proposed: a person who closes the request refuses this and nothing else.
func versionOf(c *fix.Change) string {
	var all []string
	for _, u := range c.Upgrades {
		all = append(all, u.Package+" "+u.To)
	}
	if len(c.Edits) > 0 {
		hash := sha256.New()
		for _, e := range c.Edits {
			_, _ = fmt.Fprintf(hash, "%q %q\n", e.Path, e.Text) // a hash takes everything; lines move without a new question
		}
		all = append(all, "edit "+hex.EncodeToString(hash.Sum(nil)[:8]))
	}
	slices.Sort(all)
	return strings.Join(slices.Compact(all), ", ")
}

// partsOf returns the keys that the upgrades of a group would have alone.
func partsOf(c *fix.Change) []string {
	if len(c.Parts) > 0 {
		return c.Parts
	}
	if len(c.Upgrades) < 2 {
		return nil
	}
	var keys []string
	for _, u := range c.Upgrades {
		if key := fix.NewChange(fix.KindPackage, u.Ecosystem, u.Path, u.Package).Key; key != c.Key && !slices.Contains(keys, key) {
			keys = append(keys, key)
		}
	}
	return keys
}

// message is that of the commit: the title, and what it clears in the words of machines.
func message(c *fix.Change, title string) string {
	var ids []string
	for i := range c.Clears {
		if id := c.Clears[i].RuleID; !slices.Contains(ids, id) {
			ids = append(ids, strings.Join(strings.Fields(id), ""))
		}
	}
	if len(ids) == 0 {
		return title
	}
	const most = 20
	more := ""
	if len(ids) > most {
		more = fmt.Sprintf(" and %d more", len(ids)-most)
		ids = ids[:most]
	}
	return title + "\n\nClears " + strings.Join(ids, ", ") + more + "."
}

// maxRows is how many rows a table of a request has before it is cut: more is not read, and the body has a limit.
const maxRows = 40

// body says what changes, what it clears, how that is known, and how to say no.
func (p *proposals) body(c *provenChange, to requestTarget) string {
	var b strings.Builder
	at := func(name string) string { return report.MarkdownCode(path.Join(to.prefix, name)) }
	if len(c.Upgrades) > 0 {
		b.WriteString("| Package | From | To | In | |\n| --- | --- | --- | --- | --- |\n")
		for _, u := range c.Upgrades[:min(len(c.Upgrades), maxRows)] {
			notes := []string{howWords[u.How]}
			if u.For != "" {
				notes[0] += " " + report.MarkdownCode(u.For)
			}
			if u.Major {
				notes = append(notes, "⚠️ **major**")
			}
			if u.Published != nil {
				notes = append(notes, "published "+u.Published.Format("2006-01-02"))
			}
			if page := releasePage(u); page != "" {
				notes = append(notes, report.MarkdownLink("release notes", page))
			}
			fmt.Fprintf(&b, "| %s | %s | %s | %s | %s |\n", report.MarkdownCode(u.Package), report.MarkdownCode(u.From), report.MarkdownCode(u.To),
				at(u.Path), strings.Join(slices.DeleteFunc(notes, func(s string) bool { return s == "" }), " · "))
		}
		b.WriteString(left(len(c.Upgrades)))
	}
	images(&b, c.Bumps)
	if len(c.Edits) > 0 {
		fmt.Fprintf(&b, "Changes %s in %s.\n\n", plural(len(c.Edits), "place"), listOf(c.Files, at))
	}
	switch {
	case c.Major && len(c.Bumps) > 0:
		b.WriteString("> ⚠️ **major**: another release of the system. Start a machine from it and try what runs there before you merge.\n\n")
	case c.Major:
		b.WriteString("> ⚠️ The new version may be incompatible, going by its number. Read its release notes before you merge.\n\n")
	}
	fmt.Fprintf(&b, "### Clears %s\n\n| Severity | Finding | Where |\n| --- | --- | --- |\n", plural(len(c.Clears), "finding"))
	for i := range c.Clears[:min(len(c.Clears), maxRows)] {
		f := &c.Clears[i]
		fmt.Fprintf(&b, "| %s | %s<br>%s | %s |\n", severityText(f), ruleLink(f.RuleID), report.MarkdownText(short(f.Message)), atLine(f.Location, at))
	}
	b.WriteString(left(len(c.Clears)))
	p.proof(&b, c, at)
	if len(c.Reasons) > 0 {
		b.WriteString("<details><summary>Why this version, and this way</summary>\n\n")
		for _, r := range c.Reasons {
			b.WriteString("- " + report.MarkdownText(r) + "\n")
		}
		b.WriteString("\n</details>\n\n")
	}
	b.WriteString(p.refusing(c))
	if len(p.Allowed) > 0 {
		fmt.Fprintf(&b, "`fix.allow_execution` lets code of this repository run for %s while this is written.\n\n", listOf(p.Allowed, report.MarkdownCode))
	}
	fmt.Fprintf(&b, "<sub>trifecta %s · %s · scanned at %s</sub>\n", report.MarkdownText(p.Tool.Version), report.MarkdownText(advisoryText(p.Data)), report.MarkdownCode(to.commit[:min(10, len(to.commit))]))
	if text := b.String(); len(text) <= forge.MaxBody {
		return text
	}
	return fmt.Sprintf("Clears %s. The description was too long for this page.\n", plural(len(c.Clears), "finding"))
}

// images writes the machine images that take the place of others, with what is known of both.
func images(b *strings.Builder, bumps []fix.Bump) {
	if len(bumps) == 0 {
		return
	}
	b.WriteString("| Machine image | Name | Region | Created | Deprecated | End of life |\n| --- | --- | --- | --- | --- | --- |\n")
	row := func(mark string, id inventory.ID, region string, i fix.Image) {
		name := ""
		if i.Name != "" && i.Name != string(id) {
			name = report.MarkdownCode(i.Name)
		}
		if i.Owner != "" {
			name = strings.TrimSpace(name + " of " + report.MarkdownText(i.Owner))
		}
		fmt.Fprintf(b, "| %s %s | %s | %s | %s | %s | %s |\n", mark, report.MarkdownCode(string(id)), name, report.MarkdownText(region),
			report.MarkdownText(i.CreatedAt), report.MarkdownText(i.DeprecatedAt), report.MarkdownText(i.EndOfLife))
	}
	for _, u := range bumps[:min(len(bumps), maxRows/2)] {
		row("from", u.From, u.Region, u.Before)
		row("to", u.To, u.Region, u.After)
	}
	if more := len(bumps) - maxRows/2; more > 0 {
		fmt.Fprintf(b, "\nand %d more\n", more)
	}
	b.WriteString("\n")
}

// howWords say of an upgrade what it touches.
var howWords = map[fix.How]string{
	fix.HowDirect:   "",
	fix.HowLock:     "lock file only",
	fix.HowAncestor: "brings a fixed version of",
	fix.HowOverride: "by an override",
}

// proof says what the second scan found.
func (p *proposals) proof(b *strings.Builder, c *provenChange, at func(string) string) {
	if c.Proof == nil {
		return
	}
	fmt.Fprintf(b, "### Proof\n\nThe changed tree was scanned again, with the same advisories, before this was opened.\n\n"+
		"| | Before | After |\n| --- | ---: | ---: |\n| Findings | %d | %d |\n| Cleared | | %d |\n| New | | %d |\n| Remaining in what changes | | %d |\n\n",
		c.Proof.Before, c.Proof.After, len(c.Proof.Cleared), len(c.Proof.New), len(c.Proof.Remaining))
	if len(c.Proof.Remaining) == 0 {
		return
	}
	b.WriteString("<details><summary>What remains</summary>\n\n")
	for i := range c.Proof.Remaining[:min(len(c.Proof.Remaining), maxRows)] {
		f := &c.Proof.Remaining[i]
		fmt.Fprintf(b, "- %s in %s: %s\n", ruleLink(f.RuleID), atLine(f.Location, at), report.MarkdownText(short(f.Why)))
	}
	b.WriteString(left(len(c.Proof.Remaining)) + "\n</details>\n\n")
}

// refusing says how to say no, to this request and to the finding.
func (p *proposals) refusing(c *provenChange) string {
	text := "<details><summary>Not wanted?</summary>\n\n" +
		"- Close this request: it is not opened again for the same version.\n" +
		"- Push to its branch: it is yours then, and trifecta leaves it alone.\n"
	if len(c.Clears) > 0 {
		f := &c.Clears[0]
		text += "- Accept the finding in `.trifecta.yaml`, and it no longer asks for a fix:\n\n" +
			"  <pre>ignore:\n  - id: " + report.MarkdownText(f.RuleID) + "\n    path: " + report.MarkdownText(f.Location.Path) + "\n    reason: why it is no risk here</pre>\n"
	}
	return text + "\n</details>\n\n"
}

func severityText(f *fix.Finding) string {
	return fmt.Sprintf("%s, %s", report.MarkdownText(string(f.Severity)), report.MarkdownText(string(f.Tier)))
}

// ruleLink names a rule or advisory. Those of others have their page in the database that all of them are in.
func ruleLink(id string) string {
	for _, prefix := range []string{"GHSA-", "CVE-", "MAL-", "PYSEC-", "RUSTSEC-", "GO-"} {
		if strings.HasPrefix(id, prefix) {
			return report.MarkdownLink(report.MarkdownCode(id), "https://osv.dev/vulnerability/"+url.PathEscape(id))
		}
	}
	return report.MarkdownCode(id)
}

// depsDev are the names of ecosystems at deps.dev, whose page of a version leads to its release notes and source.
// https://docs.deps.dev/api/v3/
var depsDev = map[string]string{
	"npm": "npm", "Go": "go", "PyPI": "pypi", "Maven": "maven", "crates.io": "cargo", "NuGet": "nuget", "RubyGems": "rubygems",
}

// releasePage returns the page of a new version, empty where there is none that is known.
func releasePage(u fix.Upgrade) string {
	if u.Ecosystem == "GitHub Actions" {
		parts := strings.SplitN(u.Package, "/", 3) // an action may be in a folder
		if len(parts) < 2 {
			return ""
		}
		return "https://github.com/" + url.PathEscape(parts[0]) + "/" + url.PathEscape(parts[1]) + "/releases"
	}
	system, ok := depsDev[u.Ecosystem]
	if !ok {
		return ""
	}
	version := u.To
	if system == "go" && !strings.HasPrefix(version, "v") {
		version = "v" + version
	}
	return "https://deps.dev/" + system + "/" + url.PathEscape(u.Package) + "/" + url.PathEscape(version)
}

func atLine(l inventory.Location, at func(string) string) string {
	text := at(l.Path)
	if l.Line > 0 {
		text += fmt.Sprintf(" line&nbsp;%d", l.Line)
	}
	return text
}

func left(n int) string {
	if n <= maxRows {
		return "\n"
	}
	return fmt.Sprintf("\nand %d more\n\n", n-maxRows)
}

// short cuts a message to what a row shows.
func short(s string) string {
	const most = 300
	s = strings.Join(strings.Fields(s), " ")
	if len(s) <= most {
		return s
	}
	return strings.ToValidUTF8(s[:most], "") + "…"
}

func listOf(names []string, write func(string) string) string {
	const most = 10
	var all []string
	for _, n := range names[:min(len(names), most)] {
		all = append(all, write(n))
	}
	if more := len(names) - most; more > 0 {
		all = append(all, fmt.Sprintf("%d more", more))
	}
	return strings.Join(all, ", ")
}

func advisoryText(d scanner.DataInfo) string {
	if d.Count == 0 {
		return "advisories of OSV"
	}
	return fmt.Sprintf("%d advisories as of %s", d.Count, d.AsOf)
}
