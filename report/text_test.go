package report_test

import (
	"bytes"
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/mattn/go-runewidth"

	"github.com/trifecta-scanner/trifecta/internal/golden"
	"github.com/trifecta-scanner/trifecta/inventory"
	"github.com/trifecta-scanner/trifecta/report"
	"github.com/trifecta-scanner/trifecta/scanner"
)

func text(tb testing.TB, res *scanner.Result, opts report.Options) string {
	tb.Helper()
	var b bytes.Buffer
	if err := report.Text(&b, res, opts); err != nil {
		tb.Fatal(err)
	}
	return b.String()
}

func TestTextAtWidths(t *testing.T) {
	golden.Check(t, filepath.Join("testdata", "text-80.golden"), []byte(text(t, sample(), report.Options{Width: 80})))
	golden.Check(t, filepath.Join("testdata", "text-140.golden"), []byte(text(t, sample(), report.Options{Width: 140})))
	golden.Check(t, filepath.Join("testdata", "text-color.golden"), []byte(text(t, sample(), report.Options{Width: 100, Color: true})))
}

// No line is longer than the terminal is wide, whatever the script, as long as no single word is.
func TestTextFits(t *testing.T) {
	res := sample()
	for i := range res.Findings {
		res.Findings[i].Reason = strings.Repeat("届く人がいる ", 20)
	}
	for i := range res.Packages {
		res.Packages[i].Name = "パッケージ"
	}
	for _, width := range []int{50, 60, 72, 80, 100, 120, 200} {
		for line := range strings.Lines(text(t, res, report.Options{Width: width})) {
			if n := runewidth.StringWidth(strings.TrimSuffix(line, "\n")); n > width {
				t.Errorf("width %d: %d cells: %s", width, n, line)
			}
		}
	}
}

// A thousand findings in few packages are few entries, and a thousand notices of one kind are few lines.
func TestTextStaysShort(t *testing.T) {
	res := many(t, 1000)
	for i := range 1000 {
		res.Notices = append(res.Notices, inventory.Notice{Code: "unreadable-file", Message: fmt.Sprintf("file %d can't be read", i)})
	}
	if n := strings.Count(text(t, res, report.Options{}), "\n"); n > 1100 {
		t.Errorf("%d lines", n)
	}
}

// With a time, what is new stands first, in a part of its own, and what is gone is gone since then.
func TestTextNewFirst(t *testing.T) {
	res := many(t, 30)
	for i := range res.Findings {
		res.Findings[i].Status = scanner.StatusExisting
	}
	fresh := &res.Findings[len(res.Findings)-1] // the least urgent one
	fresh.Status, fresh.Location.Path = scanner.StatusNew, "quite/new.json"
	res.Fixed = []scanner.Finding{{RuleID: "gone-rule"}}
	out := text(t, res, report.Options{NewSince: "2026-01-16\x1b[31m"})
	rest := out
	for _, want := range []string{"NEW SINCE 2026-01-16", "quite/new.json", "THERE BEFORE", "GONE SINCE 2026-01-16", "gone-rule"} {
		_, after, ok := strings.Cut(rest, want)
		if !ok {
			t.Fatalf("it does not say %q, in this order:\n%s", want, out)
		}
		rest = after
	}
	if strings.Contains(out, "\x1b") {
		t.Error("the terminal is given an order")
	}
	if strings.Contains(rest, "quite/new.json") {
		t.Error("what is new stands there twice")
	}
}
