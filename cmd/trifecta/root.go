package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"

	"github.com/spf13/cobra"
)

// The exit codes of every command; design section 2 of the product contract.
const (
	exitOK       = 0 // nothing that --fail-on names
	exitFindings = 1 // findings
	exitUsage    = 2 // wrong usage or configuration
	exitUnable   = 3 // the scan could not be finished
)

// streams are the standard streams of the process, handed in so that tests can watch them.
type streams struct {
	in  io.Reader
	out io.Writer
	err io.Writer
}

// exitError carries an exit code through cobra.
type exitError struct {
	code int
	err  error  // nil: the code alone says it
	hint string // the next step for the user
}

func (e *exitError) Error() string {
	if e.err == nil {
		return fmt.Sprintf("exit %d", e.code)
	}
	return e.err.Error()
}

func (e *exitError) Unwrap() error { return e.err }

// usage returns a usage error with the next step, or without where the message says it.
func usage(hint, format string, args ...any) error {
	return &exitError{code: exitUsage, err: fmt.Errorf(format, args...), hint: hint}
}

// app is what every command shares.
type app struct {
	streams
	getenv  func(string) string
	verbose bool
	quiet   bool
}

// run executes one command line and returns the exit code.
func run(ctx context.Context, args []string, s streams, getenv func(string) string) int {
	a := &app{streams: s, getenv: getenv}
	root := a.rootCommand()
	root.SetArgs(args)
	root.SetIn(s.in)
	root.SetOut(s.out)
	root.SetErr(s.err)
	err := root.ExecuteContext(ctx)
	if err == nil {
		return exitOK
	}
	var exit *exitError
	if !errors.As(err, &exit) {
		exit = &exitError{code: exitUsage, err: err, hint: "trifecta --help lists the commands and flags"}
	}
	if exit.err != nil {
		fmt.Fprintf(s.err, "trifecta: %v\n", exit.err)
		if exit.hint != "" {
			fmt.Fprintf(s.err, "hint: %s\n", exit.hint)
		}
	}
	return exit.code
}

func (a *app) rootCommand() *cobra.Command {
	root := &cobra.Command{
		Use:   "trifecta",
		Short: "Says what a stranger can reach and exploit, from the code alone",
		Long: `trifecta reads layers, firewalls and vulnerabilities from a repository and says first
what a stranger on the internet can reach and exploit, with the path as evidence. It runs no code
of the repository, needs no account, and works offline.

Exit codes: 0 clean, 1 findings that --fail-on names, 2 wrong usage or configuration,
3 the scan could not be finished.`,
		Example: `  trifecta scan
  trifecta scan -o text -o html=report.html
  trifecta explain aws_lb.public
  trifecta fix`,
		SilenceUsage:  true,
		SilenceErrors: true,
		PersistentPreRun: func(*cobra.Command, []string) {
			level := slog.LevelWarn
			if a.verbose {
				level = slog.LevelDebug
			}
			slog.SetDefault(slog.New(slog.NewTextHandler(a.err, &slog.HandlerOptions{Level: level})))
		},
	}
	root.PersistentFlags().BoolVar(&a.verbose, "verbose", false, "say on standard error what is being done")
	root.PersistentFlags().BoolVar(&a.quiet, "quiet", false, "no progress and no summary on standard error")
	root.AddCommand(a.initCommand(), a.scanCommand(), a.sbomCommand(), a.amiCommand(), a.reportCommand(), a.mergeCommand(), a.explainCommand(), a.graphCommand(), a.fixCommand(), a.ciCommand(), a.dbCommand(), a.versionCommand(), a.manCommand())
	root.SetHelpFunc(a.help)
	complete(root)
	return root
}
