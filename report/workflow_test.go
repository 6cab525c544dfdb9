package report_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode"

	"github.com/google/go-cmp/cmp"

	"github.com/trifecta-scanner/trifecta/internal/golden"
	"github.com/trifecta-scanner/trifecta/inventory"
	"github.com/trifecta-scanner/trifecta/report"
	"github.com/trifecta-scanner/trifecta/scanner"
)

// runner stands for the variables of a step; the files are in a folder of the test.
func runner(tb testing.TB) (getenv func(string) string, dir string) {
	tb.Helper()
	dir = tb.TempDir()
	return func(name string) string {
		switch name {
		case "GITHUB_STEP_SUMMARY":
			return filepath.Join(dir, "summary")
		case "GITHUB_OUTPUT":
			return filepath.Join(dir, "output")
		}
		return ""
	}, dir
}

func nothing(string) string { return "" }

func annotate(tb testing.TB, res *scanner.Result) string {
	tb.Helper()
	var b bytes.Buffer
	if err := report.NewWorkflow(&b, nothing).Annotate(res); err != nil {
		tb.Fatal(err)
	}
	return b.String()
}

func TestAnnotateGolden(t *testing.T) {
	for name, res := range map[string]*scanner.Result{
		"annotations": sample(), "annotations-hostile": hostile(), "annotations-empty": empty(t), "annotations-many": many(t, 500),
	} {
		golden.Check(t, filepath.Join("testdata", name+".golden"), []byte(annotate(t, res)))
	}
}

// command is one workflow command as the runner reads it
// (https://github.com/actions/runner/blob/main/src/Runner.Common/ActionCommand.cs).
type command struct {
	level, message string
	properties     map[string]string
}

var commandLine = regexp.MustCompile(`^::(error|warning|notice)(?: ([^:]*))?::(.*)$`)

func commands(tb testing.TB, log string) []command {
	tb.Helper()
	var all []command
	for line := range strings.Lines(log) {
		m := commandLine.FindStringSubmatch(strings.TrimSuffix(line, "\n"))
		if m == nil {
			tb.Fatalf("%q is no command of the runner", line)
		}
		c := command{level: m[1], message: unescape(m[3]), properties: map[string]string{}}
		for property := range strings.SplitSeq(m[2], ",") {
			name, value, _ := strings.Cut(property, "=")
			c.properties[name] = unescape(value)
		}
		all = append(all, c)
	}
	return all
}

func unescape(s string) string {
	return strings.NewReplacer("%0D", "\r", "%0A", "\n", "%3A", ":", "%2C", ",", "%25", "%").Replace(s)
}

func finding(tier scanner.Tier, path string, line int, rule string) scanner.Finding {
	return scanner.Finding{
		RuleID: rule, Severity: scanner.High, Tier: tier, Status: scanner.StatusNew,
		Message: rule + " applies", Location: inventory.Location{Path: path, Line: line},
	}
}

func TestAnnotate(t *testing.T) {
	var crowd []scanner.Finding
	for i := range 45 {
		tier := scanner.TierAct
		if i >= 15 {
			tier = scanner.TierTrack
		}
		crowd = append(crowd, finding(tier, "go.mod", i+1, fmt.Sprintf("R-%d", i)))
	}
	existing := finding(scanner.TierAct, "go.mod", 1, "OLD")
	existing.Status = scanner.StatusExisting
	suppressed := finding(scanner.TierAct, "go.mod", 2, "NOT")
	suppressed.Status = scanner.StatusSuppressed
	notice := inventory.Notice{Code: "unreadable-file", Message: "pom.xml can't be read", Location: &inventory.Location{Path: "pom.xml", Line: 7}}

	tests := []struct {
		name string
		res  scanner.Result
		want []string // level file:line title
	}{
		{
			"levels by tier",
			scanner.Result{Findings: []scanner.Finding{
				finding(scanner.TierAct, "a", 1, "A"), finding(scanner.TierAttend, "b", 2, "B"),
				finding(scanner.TierTrackStar, "c", 3, "C"), finding(scanner.TierTrack, "d", 0, "D"),
			}},
			[]string{"error a:1 trifecta act: A", "warning b:2 trifecta attend: B", "notice c:3 trifecta track*: C", "notice d: trifecta track: D"},
		},
		{
			"one annotation a line",
			scanner.Result{Findings: []scanner.Finding{
				finding(scanner.TierAct, "a", 1, "A"), finding(scanner.TierAttend, "a", 2, "B"), finding(scanner.TierTrack, "a", 1, "C"),
			}},
			[]string{"error a:1 trifecta act: A and 1 more", "warning a:2 trifecta attend: B"},
		},
		{
			"only what counts and is new",
			scanner.Result{Findings: []scanner.Finding{existing, suppressed, finding(scanner.TierTrack, "a", 1, "A")}},
			[]string{"notice a:1 trifecta track: A"},
		},
		{
			"what was not looked at is on its line",
			scanner.Result{Notices: []inventory.Notice{notice}},
			[]string{"notice pom.xml:7 trifecta: unreadable-file"},
		},
		{
			"notices without a line share an annotation",
			scanner.Result{Notices: []inventory.Notice{{Code: "no-database"}, notice, {Code: "not-evaluated", Location: &inventory.Location{Path: "main.tf"}}}},
			[]string{"notice pom.xml:7 trifecta: unreadable-file", "notice : trifecta: 2 notices about this scan"},
		},
		{
			"so do those that there is no room for",
			scanner.Result{Notices: slices.Repeat([]inventory.Notice{notice}, 30)},
			append(slices.Repeat([]string{"notice pom.xml:7 trifecta: unreadable-file"}, 9), "notice : trifecta: 21 notices about this scan"),
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var got []string
			for _, c := range commands(t, annotate(t, &tt.res)) {
				got = append(got, fmt.Sprintf("%s %s:%s %s", c.level, c.properties["file"], c.properties["line"], c.properties["title"]))
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}

	t.Run("a fix is said once", func(t *testing.T) {
		f := finding(scanner.TierAct, "go.mod", 3, "A")
		f.Fix = &scanner.Fix{Message: "upgrade b to 1.2.3", Upgrade: &scanner.Upgrade{To: "1.2.3"}}
		for _, message := range []string{"b is affected by A; upgrade to 1.2.3", "b is affected by A"} {
			f.Message = message
			got := commands(t, annotate(t, &scanner.Result{Findings: []scanner.Finding{f}}))[0].message
			if n := strings.Count(got, "1.2.3"); n != 1 {
				t.Errorf("%q names the version %d times", got, n)
			}
		}
	})
	t.Run("limits", func(t *testing.T) {
		levels := map[string]int{}
		all := commands(t, annotate(t, &scanner.Result{Findings: crowd, Notices: []inventory.Notice{notice}}))
		for _, c := range all {
			levels[c.level]++
		}
		// 15 findings to act upon: five go down to the warnings rather than out of sight.
		if diff := cmp.Diff(map[string]int{"error": 10, "warning": 5, "notice": 10}, levels); diff != "" {
			t.Error(diff)
		}
		if rest := all[len(all)-2].message; !strings.HasPrefix(rest, "22 more findings on 22 more lines") {
			t.Errorf("the rest is described as %q", rest)
		}
	})
}

func FuzzAnnotate(f *testing.F) {
	f.Add("web/package-lock.json", "lodash", "GHSA-1")
	f.Add("a,b:c%0A::error::x\r\n::stop-commands::t", "m\n::set-output name=x::y\x1b[31m\u202e", "\xff\x00")
	f.Fuzz(func(t *testing.T, path, message, rule string) {
		one := finding(scanner.TierAct, path, 3, rule)
		one.Message = message
		one.Fix = &scanner.Fix{Message: message}
		one.Related = []scanner.Related{{Location: inventory.Location{Path: path, Line: 1}, Message: message}}
		got := commands(t, annotate(t, &scanner.Result{Findings: []scanner.Finding{one}}))
		if len(got) != 1 {
			t.Fatalf("%d commands for one finding", len(got))
		}
		for _, text := range []string{got[0].message, got[0].properties["title"], got[0].properties["file"]} {
			for _, r := range text {
				if r != '\n' && unicode.IsControl(r) {
					t.Errorf("%q reaches the log", r)
				}
			}
		}
	})
}

func TestSummary(t *testing.T) {
	getenv, dir := runner(t)
	w := report.NewWorkflow(io.Discard, getenv)
	if err := w.Summary("# One\n"); err != nil {
		t.Fatal(err)
	}
	if err := w.Summary("# Two"); err != nil {
		t.Fatal(err)
	}
	space, err := w.SummarySpace()
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Summary(strings.Repeat("x", space+1)); err == nil {
		t.Error("a summary above the limit was written")
	}
	got, err := os.ReadFile(filepath.Join(dir, "summary"))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff("# One\n\n# Two\n", string(got)); diff != "" {
		t.Error(diff)
	}
	if err := w.Summary(strings.Repeat("x", space)); err != nil {
		t.Error(err)
	}
	if info, err := os.Stat(filepath.Join(dir, "summary")); err != nil || info.Size() > report.MaxStepSummary {
		t.Errorf("%d bytes, %v", info.Size(), err)
	}
}

func TestOutput(t *testing.T) {
	getenv, dir := runner(t)
	w := report.NewWorkflow(io.Discard, getenv)
	if err := w.Output("findings", "3"); err != nil {
		t.Fatal(err)
	}
	if err := w.Output("result-file", "x\nact<<_\n9"); err == nil {
		t.Error("a value with a line end was written")
	}
	got, err := os.ReadFile(filepath.Join(dir, "output"))
	if err != nil {
		t.Fatal(err)
	}
	const want = "findings<<_GitHubActionsFileCommandDelimeter_\n3\n_GitHubActionsFileCommandDelimeter_\n"
	if diff := cmp.Diff(want, string(got)); diff != "" {
		t.Error(diff)
	}
}

func TestMissingFiles(t *testing.T) {
	w := report.NewWorkflow(io.Discard, nothing)
	for variable, err := range map[string]error{"GITHUB_STEP_SUMMARY": w.Summary("x"), "GITHUB_OUTPUT": w.Output("a", "b")} {
		var missing *report.MissingFileError
		if !errors.As(err, &missing) || missing.Variable != variable {
			t.Errorf("%s: %v", variable, err)
		}
	}
	unwritable := func(string) string { return filepath.Join(t.TempDir(), "no", "such", "folder") }
	if err := report.NewWorkflow(io.Discard, unwritable).Summary("x"); err == nil {
		t.Error("a summary that can't be written gives no error")
	}
}

func TestVerbatim(t *testing.T) {
	var b bytes.Buffer
	w := report.NewWorkflow(&b, nothing)
	if err := w.Verbatim(func(io.Writer) error { return nil }); err != nil || b.Len() > 0 {
		t.Fatalf("nothing was written as %q, %v", b.String(), err)
	}
	err := w.Verbatim(func(w io.Writer) error {
		_, err := io.WriteString(w, "::set-output name=act::0\n##[error]x")
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	pattern := regexp.MustCompile(`^::stop-commands::(trifecta-[A-Z2-7]{26})\n::set-output name=act::0\n##\[error\]x\n::(trifecta-[A-Z2-7]{26})::\n$`)
	m := pattern.FindStringSubmatch(b.String())
	if m == nil || m[1] != m[2] {
		t.Errorf("%q", b.String())
	}
}

func TestWorkflowBrokenLog(t *testing.T) {
	w := report.NewWorkflow(brokenWriter{}, nothing)
	if err := w.Annotate(sample()); !errors.Is(err, errBroken) {
		t.Errorf("Annotate: %v", err)
	}
	write := func(w io.Writer) error { _, err := io.WriteString(w, "x"); return err }
	if err := w.Verbatim(write); !errors.Is(err, errBroken) {
		t.Errorf("Verbatim: %v", err)
	}
}
