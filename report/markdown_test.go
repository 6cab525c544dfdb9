package report_test

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/trifecta-scanner/trifecta/inventory"
	"github.com/trifecta-scanner/trifecta/report"
	"github.com/trifecta-scanner/trifecta/scanner"
)

func markdown(tb testing.TB, res *scanner.Result, limit int) string {
	tb.Helper()
	var b bytes.Buffer
	if err := report.Markdown(&b, res, report.Options{MaxBytes: limit}); err != nil {
		tb.Fatal(err)
	}
	return b.String()
}

func TestMarkdownStaysWithinItsLimit(t *testing.T) {
	res := many(t, 5000)
	for i := range 500 {
		res.Notices = append(res.Notices, inventory.Notice{Code: "unreadable-file", Message: fmt.Sprintf("some/folder/%d/package-lock.json ends in the middle of a string", i)})
	}
	whole := markdown(t, res, 0)
	for _, limit := range []int{4096, report.MaxComment, 300_000, report.MaxStepSummary} {
		page := markdown(t, res, limit)
		if len(page) > limit {
			t.Errorf("limit %d: %d bytes", limit, len(page))
		}
		if len(page) < len(whole) && !strings.Contains(page, " left out, the least urgent first.**") {
			t.Errorf("limit %d: the page does not say that it was cut", limit)
		}
		if len(page) < limit*3/4 && len(page) < len(whole)*3/4 {
			t.Errorf("limit %d: only %d bytes are used", limit, len(page))
		}
		if open, closed := strings.Count(page, "<details>"), strings.Count(page, "</details>"); open != closed {
			t.Errorf("limit %d: %d details opened, %d closed", limit, open, closed)
		}
	}
}

// What is new stands first, also where a limit leaves room for nothing else, and without a time all stand together.
func TestMarkdownNewFirst(t *testing.T) {
	res := many(t, 500)
	for i := range res.Findings {
		res.Findings[i].Status = scanner.StatusExisting
	}
	fresh := &res.Findings[len(res.Findings)-1] // the least urgent one
	fresh.Status, fresh.Location.Path = scanner.StatusNew, "quite/new.json"
	page := func(opts report.Options) string {
		var b bytes.Buffer
		if err := report.Markdown(&b, res, opts); err != nil {
			t.Fatal(err)
		}
		return b.String()
	}
	for _, limit := range []int{0, 8192} {
		text := page(report.Options{MaxBytes: limit, NewSince: "<last> night"})
		_, first, ok := strings.Cut(text, "### New since &#60;last&#62; night\n")
		first, rest, before := strings.Cut(first, "### There before\n")
		if !ok || !before || !strings.Contains(first, "quite/new.json") || strings.Contains(rest, "quite/new.json") || strings.Count(first, "\n| ") != 3 {
			t.Errorf("limit %d:\n%.3000s", limit, text)
		}
		if limit > 0 && len(text) > limit {
			t.Errorf("limit %d: %d bytes", limit, len(text))
		}
	}
	if text := page(report.Options{}); strings.Contains(text, "New since") || strings.Contains(text, "There before") {
		t.Errorf("headings without a time:\n%.3000s", text)
	}
}

// What a stranger wrote is text: no link, image, tag, mention or reference comes of it.
func TestMarkdownEscapes(t *testing.T) {
	tests := []string{
		"<script>alert(1)</script>", "[click](https://evil.example)", "![x](https://evil.example/x.png)", "https://evil.example", "www.evil.example",
		"@octocat", "#4711", "!12", "a | b", "`code`", "**bold**", "_em_", "~~gone~~", "</details>", "\\", "&lt;b&gt;", "$x$",
	}
	raw := []string{"<script", "](https://evil", "https://evil", "www.evil", "@octocat", "#4711", "!12", " | b", "`", "**b", "_em", "~~", "</details> ", "&lt;", "$x"}
	for _, evil := range tests {
		res := empty(t)
		res.Notices = []inventory.Notice{{Code: "x", Message: "about " + evil + " "}}
		page := markdown(t, res, 0)
		_, line, _ := strings.Cut(page, "\n- about ")
		line, _, _ = strings.Cut(line, "\n")
		for _, r := range raw {
			if strings.Contains(line, r) {
				t.Errorf("%q becomes %q, which holds %q", evil, line, r)
			}
		}
	}
}
