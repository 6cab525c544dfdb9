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
