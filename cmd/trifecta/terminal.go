package main

import (
	"os"

	"golang.org/x/term"

	"github.com/trifecta-scanner/trifecta/report"
)

// terminal returns how wide and colourful a report on standard output may be: a pipe gets neither
// (https://no-color.org/).
func (a *app) terminal() report.Options {
	f, ok := a.out.(*os.File)
	if !ok || !term.IsTerminal(int(f.Fd())) {
		return report.Options{}
	}
	opts := report.Options{Color: a.getenv("NO_COLOR") == "" && a.getenv("TERM") != "dumb"}
	if width, _, err := term.GetSize(int(f.Fd())); err == nil {
		opts.Width = width
	}
	return opts
}

// progress shows on a terminal what is being done, on one line that the next step overwrites. It is silent elsewhere.
type progress struct {
	to *os.File // nil where nobody watches
}

// progress returns the progress line of this process: that of standard error if it is a terminal.
func (a *app) progress() progress {
	f, ok := a.err.(*os.File)
	if !ok || a.quiet || a.verbose || !term.IsTerminal(int(f.Fd())) || a.getenv("TERM") == "dumb" {
		return progress{}
	}
	return progress{to: f}
}

// step replaces the line. An empty one leaves nothing behind.
func (p progress) step(what string) {
	if p.to != nil {
		_, _ = p.to.WriteString("\r\x1b[K" + what) // nobody is left to tell
	}
}
