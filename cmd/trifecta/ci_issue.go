package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/url"
	"slices"
	"strings"

	"github.com/trifecta-scanner/trifecta/forge"
	"github.com/trifecta-scanner/trifecta/inventory"
	"github.com/trifecta-scanner/trifecta/report"
	"github.com/trifecta-scanner/trifecta/scanner"
)

// issue brings the one issue about this folder up to date on GitHub.
func (p *publisher) issue(ctx context.Context, tracker forge.Tracker, prefix string, res *scanner.Result) error {
	if reason := p.noIssue(); reason != "" {
		return noTrackingIssue(reason)
	}
	said, err := keepIssue(ctx, tracker, prefix, res)
	if err != nil || said == "" {
		return err
	}
	return p.workflow.Verbatim(func(w io.Writer) error {
		_, err := io.WriteString(w, said)
		return err
	})
}

func noTrackingIssue(reason string) error { return errors.New("no tracking issue: " + reason) }

// keepIssue brings the one issue about a folder up to date: what is new since last night first, and what is gone. What
// was there last night stands unseen in the issue itself. It returns a line for the log, empty where there is no issue.
func keepIssue(ctx context.Context, tracker forge.Tracker, prefix string, res *scanner.Result) (string, error) {
	want := forge.Tracking{
		Marker: "<!-- trifecta tracking " + strings.ReplaceAll(url.PathEscape(cmp.Or(prefix, ".")), "--", "%2D%2D") + " -->",
		Title:  strings.TrimSuffix("Security findings in "+prefix, " in "),
		Labels: []string{"security"},
	}
	have, err := tracker.Tracked(ctx, want.Marker)
	if err != nil {
		return "", err
	}
	night := compareNights(recall(have.Body), res)
	if night.total() == 0 && !night.clean() && !have.Open {
		return "", nil // there is nothing to say, and nothing that could be closed
	}
	want.Done, want.News = night.total() == 0 && night.clean(), night.news
	if want.Body, err = night.page(forge.MaxIssue - len(want.Marker) - issueReserve); err != nil {
		return "", err
	}
	done, err := tracker.Track(ctx, want)
	if err != nil || done.Number == 0 {
		return "", err
	}
	why := ""
	if done.State == forge.Refused {
		why = "; a person closed it, and nothing is new since then"
	}
	return fmt.Sprintf("tracking issue %s #%d %s%s\n", done.State, done.Number, done.URL, why), nil
}

// issueReserve is room for what the host keeps in an issue.
const issueReserve = 64

// noIssue returns why this run has no tracking issue to keep. It is about the default branch, where schedules run.
func (p *publisher) noIssue() string {
	on := p.getenv("GITHUB_EVENT_NAME")
	branch, isBranch := strings.CutPrefix(p.getenv("GITHUB_REF"), "refs/heads/")
	main := p.event.Repository.DefaultBranch
	switch {
	case p.event.proposal() || p.event.foreign(p.getenv) || p.event.PullRequest.Number > 0 || on == "merge_group":
		return "it is about the default branch, and this is a change on its way there"
	case !isBranch:
		return p.getenv("GITHUB_REF") + " is no branch"
	case main == "" && on != "schedule": // whose event may name no repository
		return "the event does not say which branch is the default one"
	case main != "" && branch != main:
		return "it is about the default branch " + main + ", and this is " + branch
	}
	return ""
}

// night is what one night's scan found, beside the night before.
type night struct {
	res       *scanner.Result // findings that are new have that status, all others that exist the other one
	since     string          // the day of the night before; empty: there was none
	fresh     int
	gone      []memorized // of the night before
	goneCount int         // with those whose names are not remembered
	partial   bool        // the night before had more findings than are remembered
	disturbed bool        // something could not be looked at that could be the night before
	stale     []string    // what is said about data that is too old
	news      bool        // something is there that the issue did not say
	memory    nights      // for the next night
}

func (n *night) total() int { return len(n.res.Findings) }

// clean reports whether a scan without a finding proves that nothing is left.
func (n *night) clean() bool { return !n.disturbed && len(n.stale) == 0 }

// compareNights tells what is new and what is gone.
func compareNights(last *nights, found *scanner.Result) *night {
	res := *found
	res.Findings, res.Fixed, res.AttackSurface.Change = nil, nil, nil
	for i := range found.Findings {
		if found.Findings[i].Status != scanner.StatusSuppressed {
			res.Findings = append(res.Findings, found.Findings[i])
		}
	}
	n := &night{res: &res}
	for _, notice := range res.Notices {
		if notice.Code == "advisories-stale" {
			n.stale = append(n.stale, notice.Message)
		}
	}
	n.memory.Day = cmp.Or(res.Run.AsOf, "an earlier scan")
	n.memory.Codes = noticeCodes(res.Notices)
	before := last.before(n.memory.Day) // the night that this one is compared with
	n.since, n.partial = before.day, before.partial
	n.memory.Before, n.memory.Early, n.memory.Sound = before.day, before.partial, before.codes
	if last.Day == "" { // a second run on the first day misses nothing by what the first one could not look at either
		n.memory.Sound = n.memory.Codes
	}
	n.disturbed = slices.ContainsFunc(n.memory.Codes, func(code string) bool { return !slices.Contains(before.codes, code) })
	seen := last.seen()

	now := map[string]bool{}
	for i := range res.Findings {
		f := &res.Findings[i]
		d := digest(f.Fingerprint)
		now[d] = true
		f.Status = scanner.StatusExisting
		if before.day != "" && !before.has[d] {
			f.Status = scanner.StatusNew
			n.fresh++
		}
		n.news = n.news || !seen[d]
		n.memory.remember(d, f)
	}
	for _, d := range before.order {
		if now[d] {
			continue
		}
		n.goneCount++
		m, named := last.Names[d]
		if named {
			n.gone = append(n.gone, m)
		}
		n.memory.forget(d, m, named, n.disturbed)
	}
	res.Summarize()
	return n
}

// noticeCodes returns what kinds of parts could not be looked at, each once, sorted.
func noticeCodes(notices []inventory.Notice) []string {
	codes := map[string]bool{}
	for i := range notices {
		if incomplete(notices[i:i+1]) > 0 {
			codes[notices[i].Code] = true
		}
	}
	return slices.Sorted(maps.Keys(codes))
}

// page writes the body of the issue, with the memory at its end, in at most limit bytes.
func (n *night) page(limit int) (string, error) {
	markdown, err := report.Lookup("markdown")
	if err != nil {
		return "", err
	}
	var b strings.Builder
	b.WriteString("**" + n.headline() + "**\n\n")
	for _, s := range n.stale {
		b.WriteString("⚠️ The data is stale, so what was published since is not here: " + report.MarkdownText(s) + "\n\n")
	}
	if n.disturbed && n.since != "" {
		b.WriteString("⚠️ Something could not be looked at that could be the night before; see the notices below. What was not found may be there still.\n\n")
	}
	if n.partial {
		fmt.Fprintf(&b, "Of the night before, the %d most urgent findings are remembered; one that was further down counts as new.\n\n", maxRemembered)
	}
	end := n.memory.hide()
	b.WriteString(n.goneList())
	since := n.since
	if n.fresh == 0 {
		since = ""
	}
	if err := markdown.Report(&b, n.res, report.Options{MaxBytes: max(1, limit-b.Len()-len(end)), NewSince: since}); err != nil {
		return "", err
	}
	return b.String() + end, nil
}

// headline says what became of the findings since the night before.
func (n *night) headline() string {
	switch {
	case n.total() == 0 && n.clean():
		return fmt.Sprintf("Closed: nothing is left. The scan of %s found none of the findings that stood here.", report.MarkdownText(n.memory.Day))
	case n.total() == 0:
		return "No finding is left, but this stays open: the scan could not tell."
	case n.since == "":
		return "All findings of the default branch. From the next day on, what is new stands first."
	}
	gone := "gone"
	if n.disturbed {
		gone = "not found"
	}
	return fmt.Sprintf("Since %s: %d new, %d %s.", report.MarkdownText(n.since), n.fresh, n.goneCount, gone)
}

// goneList names what is not there any more.
func (n *night) goneList() string {
	if n.goneCount == 0 {
		return ""
	}
	const most, maxGoneList = 20, 8 << 10 // entries and bytes, of which one entry takes at most 2 KiB
	title := "Gone"
	if n.disturbed {
		title = "Not found"
	}
	var b strings.Builder
	fmt.Fprintf(&b, "<details><summary>%s since %s: %s</summary>\n\n", title, report.MarkdownText(cmp.Or(n.since, "the first scan")), plural(n.goneCount, "finding"))
	named := 0
	for _, m := range n.gone {
		if named == most || b.Len() > maxGoneList {
			break
		}
		named++
		fmt.Fprintf(&b, "- %s in %s, %s\n", report.MarkdownCode(shorten(m.Rule)), report.MarkdownCode(shorten(m.Subject)), report.MarkdownCode(shorten(m.Path)))
	}
	if more := n.goneCount - named; more > 0 {
		fmt.Fprintf(&b, "- and %d more\n", more)
	}
	return b.String() + "\n</details>\n\n"
}
