package main

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/trifecta-scanner/trifecta/forge"
	"github.com/trifecta-scanner/trifecta/internal/githubtest"
	"github.com/trifecta-scanner/trifecta/inventory"
	"github.com/trifecta-scanner/trifecta/scanner"
)

const shellAdvisory = `{
  "schema_version": "1.7.0", "id": "TRI-0003", "modified": "2026-01-15T00:00:00Z", "summary": "page-shell @everyone shows <b>what</b> it should not",
  "affected": [{"package": {"ecosystem": "PyPI", "name": "page-shell"}, "ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": "3.0.3"}]}]}],
  "severity": [{"type": "CVSS_V3", "score": "CVSS:3.1/AV:N/AC:H/PR:N/UI:R/S:U/C:L/I:N/A:N"}]
}`

// newNightRun is a ciRun on a schedule of the default branch.
func newNightRun(t *testing.T) *ciRun {
	r := newCIRun(t)
	r.write("event.json", `{"schedule": "17 3 * * *"}`)
	r.env = append(r.env, "GITHUB_EVENT_NAME=schedule", "GITHUB_REF=refs/heads/main", "INPUT_ISSUE=true", "INPUT_UPLOAD_SARIF=false")
	return r
}

// night runs on a day and returns the one issue and the requests that changed something.
func (r *ciRun) night(day string, env ...string) (githubtest.Issue, []string) {
	r.t.Helper()
	at := len(r.server.Log())
	log := r.run(append(env, "INPUT_AS_OF="+day)...)
	if strings.Contains(log, "not everything went as asked") {
		r.t.Error(log)
	}
	issues := r.server.Issues()
	if len(issues) != 1 {
		r.t.Fatalf("%d issues after %s:\n%s", len(issues), day, log)
	}
	if !strings.Contains(log, fmt.Sprintf("#%d", issues[0].Number)) {
		r.t.Errorf("the log does not name the issue:\n%s", log)
	}
	var changes []string
	for _, request := range r.server.Log()[at:] {
		if !strings.HasPrefix(request, "GET ") {
			changes = append(changes, request)
		}
	}
	return issues[0], changes
}

// says expects texts of an issue in this order.
func says(t *testing.T, i githubtest.Issue, texts ...string) {
	t.Helper()
	rest := i.Body
	for _, text := range texts {
		_, after, ok := strings.Cut(rest, text)
		if !ok {
			t.Errorf("%s: the issue does not say %q, in this order:\n%s", i.State, text, i.Body)
			return
		}
		rest = after
	}
}

func TestNights(t *testing.T) {
	r := newNightRun(t)
	issue, changes := r.night("2026-01-16")
	says(t, issue, "<!-- trifecta tracking shop -->\n", "All findings of the default branch", "TRI-0001", "<!-- trifecta nights ")
	if issue.Title != "Security findings in shop" || issue.State != "open" || len(changes) != 1 {
		t.Errorf("%q, %s, %q", issue.Title, issue.State, changes)
	}
	again, changes := r.night("2026-01-16")
	if diff := cmp.Diff(issue, again); diff != "" || len(changes) > 0 {
		t.Errorf("a second run sends %q: %s", changes, diff)
	}

	issue, _ = r.night("2026-01-17")
	says(t, issue, "Since 2026-01-16: 0 new, 0 gone.", "TRI-0001")

	r.write("advisories/PyPI/TRI-0003.json", shellAdvisory)
	issue, _ = r.night("2026-01-18")
	says(t, issue, "Since 2026-01-17: 1 new, 0 gone.", "### New since 2026-01-17", "TRI-0003", "### There before", "TRI-0001")
	if strings.Contains(issue.Body, "@everyone") || strings.Contains(issue.Body, "<b>what") {
		t.Errorf("text of an advisory is not text any more:\n%s", issue.Body)
	}
	again, changes = r.night("2026-01-18") // the same night before, so the same news
	if diff := cmp.Diff(issue, again); diff != "" || len(changes) > 0 {
		t.Errorf("a second run sends %q: %s", changes, diff)
	}

	r.write("workspace/shop/requirements.txt", "page-shell==3.0.2\ncoin-words==0.4.3\n")
	issue, _ = r.night("2026-01-19")
	says(t, issue, "Since 2026-01-18: 0 new, 1 gone.", "<summary>Gone since 2026-01-18: 1 finding", "TRI-0001", "pkg:pypi/coin-words@0.4.1", "shop/requirements.txt", "TRI-0003")

	r.write("workspace/shop/requirements.txt", "page-shell==3.0.3\ncoin-words==0.4.3\n")
	issue, _ = r.night("2026-01-20")
	says(t, issue, "Closed: nothing is left. The scan of 2026-01-20", "TRI-0003")
	if issue.State != "closed" {
		t.Error(issue.State)
	}
	if _, changes = r.night("2026-01-21"); len(changes) > 0 {
		t.Errorf("with nothing to say it sends %q", changes)
	}

	r.write("workspace/shop/requirements.txt", "page-shell==3.0.2\ncoin-words==0.4.3\n")
	issue, _ = r.night("2026-01-22")
	says(t, issue, "Since 2026-01-20: 1 new, 0 gone.", "### New since 2026-01-20", "TRI-0003")
	if issue.State != "open" {
		t.Error(issue.State)
	}

	// A person closes it: seen. Only what is new opens it again.
	r.server.EditIssue(issue.Number, func(i *githubtest.Issue) { i.State = "closed" })
	if issue, changes = r.night("2026-01-23"); issue.State != "closed" || len(changes) > 0 {
		t.Errorf("%s, %q", issue.State, changes)
	}
	r.write("workspace/shop/requirements.txt", "page-shell==3.0.2\ncoin-words==0.4.1\n")
	if issue, _ = r.night("2026-01-24"); issue.State != "open" {
		t.Error(issue.State)
	}
	says(t, issue, "1 new", "TRI-0001", "There before", "TRI-0003")
	r.holdsNoToken()
}

// Only the default branch has an issue, and each refusal is one notice.
func TestNoTrackingIssue(t *testing.T) {
	for name, tt := range map[string]struct {
		event, notice string
		env           []string
	}{
		"another branch": {`{"repository": {"default_branch": "main"}}`, "about the default branch main, and this is topic", []string{"GITHUB_EVENT_NAME=push", "GITHUB_REF=refs/heads/topic"}},
		"a tag":          {`{"repository": {"default_branch": "main"}}`, "refs/tags/v1 is no branch", []string{"GITHUB_EVENT_NAME=push", "GITHUB_REF=refs/tags/v1"}},
		"not known":      {`{}`, "does not say which branch", []string{"GITHUB_EVENT_NAME=push"}},
		"a pull request": {`{"pull_request": {"number": 7}}`, "a change on its way there", []string{"GITHUB_EVENT_NAME=pull_request", "INPUT_COMMENT=false"}},
		"a merge group":  {`{"repository": {"default_branch": "main"}}`, "a change on its way there", []string{"GITHUB_EVENT_NAME=merge_group"}},
		"without issues": {`{}`, "issues switched on for the repository", nil},
		"no token":       {`{}`, "INPUT_TOKEN is not set", []string{"INPUT_TOKEN="}},
		"default branch": {`{"repository": {"default_branch": "main"}}`, "", []string{"GITHUB_EVENT_NAME=push"}},
		"switched off":   {`{}`, "", []string{"INPUT_ISSUE=false"}},
	} {
		t.Run(name, func(t *testing.T) {
			r := newNightRun(t)
			r.write("event.json", tt.event)
			r.server.Fail = func(w http.ResponseWriter, _ *http.Request) bool {
				if name == "without issues" {
					w.WriteHeader(http.StatusGone)
				}
				return name == "without issues"
			}
			log := r.run(tt.env...)
			if notices := strings.Count(log, "not everything went as asked"); !strings.Contains(log, tt.notice) || notices != min(1, len(tt.notice)) {
				t.Errorf("%d notices:\n%s", notices, log)
			}
			if n := len(r.server.Issues()); (n > 0) != (name == "default branch") {
				t.Errorf("%d issues", n)
			}
		})
	}
}

func found(day string, prints ...string) *scanner.Result {
	res := &scanner.Result{Run: scanner.RunInfo{AsOf: day}}
	for _, print := range prints {
		res.Findings = append(res.Findings, scanner.Finding{
			RuleID: "rule-" + print, Subject: inventory.ID("aws_x.--><!-- " + print), Tier: scanner.TierAct, Severity: scanner.High, Message: "open " + print, Fingerprint: print,
			Location: inventory.Location{Path: print + ".tf", Line: 1},
		})
	}
	return res
}

// through returns the nights in turn, each with the page of the one before as its memory.
func through(t *testing.T, results ...*scanner.Result) (last *night, page string) {
	t.Helper()
	for _, res := range results {
		last = compareNights(recall(strings.TrimRight(page, "\n")), res)
		var err error
		if page, err = last.page(forge.MaxIssue - 100); err != nil {
			t.Fatal(err)
		}
		if len(page) > forge.MaxIssue-100 {
			t.Errorf("%d bytes", len(page))
		}
	}
	return last, page
}

func TestCompareNights(t *testing.T) {
	missing := func(res *scanner.Result, code string) *scanner.Result {
		res.Notices = append(res.Notices, inventory.Notice{Code: code, Message: "something is wrong"})
		return res
	}
	suppressed := found("2026-01-02", "a", "b")
	suppressed.Findings[1].Status = scanner.StatusSuppressed
	for name, tt := range map[string]struct {
		nights      []*scanner.Result
		fresh, gone int
		clean, news bool
		text        string
	}{
		"first":           {[]*scanner.Result{found("2026-01-01", "a")}, 0, 0, true, true, "All findings"},
		"new and gone":    {[]*scanner.Result{found("2026-01-01", "a", "b"), found("2026-01-02", "b", "c")}, 1, 1, true, true, "1 new, 1 gone"},
		"same day":        {[]*scanner.Result{found("2026-01-01", "a"), found("2026-01-02", "a", "b"), found("2026-01-02", "a", "b")}, 1, 0, true, false, "1 new, 0 gone"},
		"gone, same day":  {[]*scanner.Result{found("2026-01-01", "a", "b"), found("2026-01-02", "a"), found("2026-01-02", "a")}, 0, 1, true, false, "<code>aws_x.--&#62;&#60;!-- b</code>"},
		"suppressed":      {[]*scanner.Result{found("2026-01-01", "a"), suppressed}, 0, 0, true, false, "0 new, 0 gone"},
		"stale":           {[]*scanner.Result{found("2026-01-01", "a"), missing(found("2026-01-02"), "advisories-stale")}, 0, 1, false, false, "The data is stale"},
		"not looked at":   {[]*scanner.Result{found("2026-01-01", "a"), missing(found("2026-01-02"), "x")}, 0, 1, false, false, "stays open"},
		"and back":        {[]*scanner.Result{found("2026-01-01", "a"), missing(found("2026-01-02"), "x"), found("2026-01-03", "a")}, 0, 0, true, true, "0 new, 0 gone"},
		"never looked at": {[]*scanner.Result{missing(found("2026-01-01", "a"), "x"), missing(found("2026-01-02"), "x")}, 0, 1, true, false, "Closed: nothing is left"},
		"same first day":  {[]*scanner.Result{missing(found("2026-01-01", "a"), "x"), missing(found("2026-01-01"), "x")}, 0, 1, true, false, "Gone since the first scan"},
	} {
		t.Run(name, func(t *testing.T) {
			n, page := through(t, tt.nights...)
			if n.fresh != tt.fresh || n.goneCount != tt.gone || n.clean() != tt.clean || n.news != tt.news {
				t.Errorf("%d new, %d gone, clean %v, news %v", n.fresh, n.goneCount, n.clean(), n.news)
			}
			if !strings.Contains(page, tt.text) {
				t.Errorf("no %q in:\n%s", tt.text, page)
			}
		})
	}
}

// Whatever there is, the page fits with its memory, what is remembered is bounded, and the page says so.
func TestManyFindings(t *testing.T) {
	prints := make([]string, 5000)
	for i := range prints {
		prints[i] = fmt.Sprint("f", i)
	}
	n, page := through(t, found("2026-01-01", prints...), found("2026-01-02", prints[1:]...))
	if n.goneCount != 1 || n.fresh != 5000-maxRemembered || !strings.Contains(page, "2000 most urgent") || !strings.Contains(page, "did not fit") {
		t.Errorf("%d new, %d gone:\n%.2000s", n.fresh, n.goneCount, page)
	}
	n, page = through(t, found("2026-01-01", prints[:maxRemembered]...), found("2026-01-02"))
	if n.goneCount != maxRemembered || !strings.Contains(page, "and 1980 more") {
		t.Errorf("%d gone:\n%.2000s", n.goneCount, page)
	}
}

// Names whose every character takes several leave the page its room.
func TestLongNames(t *testing.T) {
	first := found("2026-01-01")
	for i := range 40 {
		f := found("", fmt.Sprint("f", i)).Findings[0]
		f.RuleID, f.Subject, f.Location.Path = strings.Repeat("*", 200), inventory.ID(strings.Repeat("`", 200)), strings.Repeat("<", 200)
		first.Findings = append(first.Findings, f)
	}
	n, page := through(t, first, found("2026-01-02", "a"))
	if n.goneCount != 40 || !strings.Contains(page, "more\n\n</details>") || !strings.Contains(page, "rule-a") {
		t.Errorf("%d gone:\n%.3000s", n.goneCount, page)
	}
}

func FuzzRecall(f *testing.F) {
	_, page := through(&testing.T{}, found("2026-01-01", "a", "b"), found("2026-01-02", "b"))
	f.Add(page)
	f.Add(memoryBegin + `{"day": "2026-01-01", "known": "short", "names": null} -->`)
	f.Add(memoryBegin + "null" + memoryEnd)
	f.Add(memoryBegin + `{"day": "` + strings.Repeat("*", forge.MaxIssue) + `"}` + memoryEnd)
	f.Add(memoryBegin + `{"day": "2026-01-01", "codes": ["` + strings.Repeat("x", forge.MaxIssue) + `"]}` + memoryEnd)
	f.Fuzz(func(t *testing.T, body string) {
		n := compareNights(recall(body), found("2026-01-02", "a"))
		if n.fresh > 1 || n.total() != 1 {
			t.Errorf("%d new of %d", n.fresh, n.total())
		}
		if page, err := n.page(forge.MaxIssue); err != nil || len(page) > forge.MaxIssue {
			t.Errorf("%d bytes, %v", len(page), err)
		}
	})
}
