package report

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/sethvargo/go-githubactions"
)

// Workflow speaks to the GitHub Actions runner that started this process: annotations, step summary and outputs. It
// never writes to GITHUB_ENV or GITHUB_PATH, so that nothing of a scanned tree reaches a later step.
//
// A Workflow is not safe for use by several goroutines.
type Workflow struct {
	out    io.Writer
	getenv func(string) string
	used   map[string]int // annotations of each level so far
}

// NewWorkflow returns a Workflow that writes commands to out, the standard output of the step, and finds the files of
// the runner by getenv.
func NewWorkflow(out io.Writer, getenv func(string) string) *Workflow {
	return &Workflow{out: out, getenv: getenv, used: map[string]int{}}
}

// The variables that name the files of one step; see
// https://docs.github.com/en/actions/reference/workflows-and-actions/variables.
const (
	summaryVariable = "GITHUB_STEP_SUMMARY"
	outputVariable  = "GITHUB_OUTPUT"
)

// MissingFileError says that the runner named no file for a part of the report.
type MissingFileError struct{ Variable string }

func (e *MissingFileError) Error() string { return e.Variable + " is not set" }

// SummarySpace returns how many bytes the step summary can still take.
func (w *Workflow) SummarySpace() (int, error) {
	name := w.getenv(summaryVariable)
	if name == "" {
		return 0, &MissingFileError{summaryVariable}
	}
	info, err := os.Stat(name)
	switch {
	case errors.Is(err, os.ErrNotExist):
		return MaxStepSummary, nil
	case err != nil:
		return 0, err
	}
	return int(max(0, MaxStepSummary-info.Size()-1)), nil // 1: the line end that separates two entries
}

// Summary appends markdown to the step summary in one write. Text that doesn't fit is an error and nothing is written.
func (w *Workflow) Summary(markdown string) error {
	space, err := w.SummarySpace()
	if err != nil {
		return err
	}
	if len(markdown) > space {
		return fmt.Errorf("the step summary of %d bytes does not fit into the %d that are left", len(markdown), space)
	}
	return w.do(func(a *githubactions.Action) { a.AddStepSummary(markdown) })
}

// Output sets an output of the step. Values that could end the record early are refused.
func (w *Workflow) Output(name, value string) error {
	if w.getenv(outputVariable) == "" {
		return &MissingFileError{outputVariable}
	}
	if strings.ContainsAny(name+value, "\r\n\x00") {
		return fmt.Errorf("output %s: the value holds a line end", name)
	}
	return w.do(func(a *githubactions.Action) { a.SetOutput(name, value) })
}

// Notice issues a notice that belongs to no file. It counts towards the notices of the step.
func (w *Workflow) Notice(title, message string) error {
	return w.annotate(levelNotice, annotation{title: title, message: message})
}

// Error issues an error that belongs to no file. It counts towards the errors of the step.
func (w *Workflow) Error(title, message string) error {
	return w.annotate(levelError, annotation{title: title, message: message})
}

// Verbatim lets write fill a part of the step's log of which the runner takes nothing for a command, whatever it says.
// The writer that write gets is good until it returns.
func (w *Workflow) Verbatim(write func(io.Writer) error) error {
	v := &verbatim{out: w.out}
	return errors.Join(write(v), v.end())
}

// verbatim is a part of the log between stop-commands and the word that ends it; see
// https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-commands#stopping-and-starting-workflow-commands.
type verbatim struct {
	out     io.Writer
	token   string // empty before the first byte
	midLine bool
}

func (v *verbatim) Write(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	if v.token == "" {
		v.token = "trifecta-" + rand.Text() // whoever writes the text can't know it
		if _, err := fmt.Fprintf(v.out, "::stop-commands::%s\n", v.token); err != nil {
			return 0, err
		}
	}
	v.midLine = p[len(p)-1] != '\n'
	return v.out.Write(p)
}

func (v *verbatim) end() error {
	if v.token == "" {
		return nil
	}
	lineEnd := ""
	if v.midLine {
		lineEnd = "\n"
	}
	_, err := fmt.Fprintf(v.out, "%s::%s::\n", lineEnd, v.token)
	return err
}

// MarkdownText writes text from a result so that a code host shows it as it is: no part of it is Markdown, HTML, a
// mention or a reference.
func MarkdownText(text string) string { return mdText(text) }

// MarkdownCode writes text as code, likewise.
func MarkdownCode(text string) string { return mdCode(clean(text)) }

// MarkdownLink makes text, which is Markdown already, a link; an address that is none of the web leaves it as it is.
func MarkdownLink(text, address string) string { return mdLink(text, address) }

// do lets the SDK write and turns its panics, which are how it reports a failed write, into errors.
func (w *Workflow) do(f func(*githubactions.Action)) (err error) {
	defer func() {
		switch p := recover().(type) {
		case nil:
		case error:
			err = p
		default:
			err = fmt.Errorf("write for the runner: %v", p)
		}
	}()
	f(githubactions.New(githubactions.WithWriter(w.out), githubactions.WithGetenv(w.getenv)))
	return nil
}
