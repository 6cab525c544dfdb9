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
