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
