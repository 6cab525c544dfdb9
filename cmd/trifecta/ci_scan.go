package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// scanProcess is the half of ci that reads the tree. It is a process of its own, so that whoever takes it over by a
// hostile file finds no token there.
type scanProcess struct {
	args       []string
	environ    []string // of ci; the child gets what scanEnvironment lets through
	executable string   // empty: this program
	// log shows what the child writes on standard error as it is written.
	log func(write func(io.Writer) error) error
}

// scanOutcome is how a scan process ended.
type scanOutcome struct {
	code     int    // its exit code; exitUnable where a signal ended it
	lastLine string // the last line of its standard error that is not a hint
	hint     string // the hint that follows it
}

// message returns why the process ended as it did, and what to do about it.
func (o scanOutcome) message() string {
	if o.hint == "" {
		return o.lastLine
	}
	return o.lastLine + "; " + o.hint
}

// patience is how long a scan that was asked to stop may take to do so.
const patience = 10 * time.Second

// runScanProcess runs the scan process to its end. An error says that it could not be started or watched.
func runScanProcess(ctx context.Context, p scanProcess) (scanOutcome, error) {
	if p.executable == "" {
		self, err := os.Executable()
		if err != nil {
			return scanOutcome{}, fmt.Errorf("find this program: %w", err)
		}
		p.executable = self
	}
	if err := hideEnvironment(); err != nil {
		return scanOutcome{}, fmt.Errorf("hide the environment from the scan: %w", err)
	}
	cmd := exec.CommandContext(ctx, p.executable, p.args...)
	cmd.Env = scanEnvironment(p.environ)
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.WaitDelay = patience
	var last lastLines
	var exit *exec.ExitError
	err := p.log(func(w io.Writer) error {
		both := io.MultiWriter(w, &last)
		cmd.Stdout, cmd.Stderr = both, both // one writer: os/exec then never writes from two goroutines
		if err := cmd.Run(); !errors.As(err, &exit) {
			return err
		}
		return nil
	})
	if err != nil {
		return scanOutcome{}, fmt.Errorf("run the scan process: %w", err)
	}
	var outcome scanOutcome
	outcome.lastLine, outcome.hint = last.message()
	if exit != nil {
		outcome.code = exit.ExitCode()
		if outcome.code < 0 || outcome.code > exitUnable {
			outcome.code = exitUnable
			outcome.lastLine = strings.TrimPrefix(outcome.lastLine+"; the scan process ended by "+exit.String(), "; ")
		}
	}
	return outcome, nil
}

// scanArguments returns the command line of the scan process: what was asked of ci, as far as it is scan's business.
// It writes nothing but the result. A pipeline shows findings before it stops anybody's work, so that only what the user
// or the configuration names makes it fail.
func (a *app) scanArguments(flags *pflag.FlagSet, dir, result, base string) []string {
	var known cobra.Command
	new(scanOptions).register(&known)
	args := []string{"scan", "--output=json=" + result, "--fail-on-default=none"}
	flags.Visit(func(f *pflag.Flag) {
		if known.Flags().Lookup(f.Name) == nil || f.Name == "output" || f.Name == "base" {
			return
		}
		if list, ok := f.Value.(pflag.SliceValue); ok {
			for _, v := range list.GetSlice() {
				args = append(args, "--"+f.Name+"="+v)
			}
			return
		}
		args = append(args, "--"+f.Name+"="+f.Value.String())
	})
	if base != "" {
		args = append(args, "--base="+base)
	}
	if a.verbose || a.getenv("RUNNER_DEBUG") == "1" {
		args = append(args, "--verbose")
	}
	return append(args, "--", dir)
}

// passedOn are the variables that the scan process inherits. Everything else stays out, whatever its name: tokens have
// no common one.
var passedOn = []string{
	"PATH", "HOME", "TMPDIR", "LANG", "LC_ALL", "TZ", "XDG_CACHE_HOME", "NO_COLOR", "SOURCE_DATE_EPOCH",
	"SSL_CERT_FILE", "SSL_CERT_DIR",
	"HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "no_proxy", "all_proxy",
	"SYSTEMROOT", "TEMP", "TMP", "USERPROFILE", "LOCALAPPDATA", // Windows has no sockets and no cache folder without
}

// ownPrefix marks our own settings, such as TRIFECTA_DB.
const ownPrefix = "TRIFECTA_"

// secretWords in the name of one of our own variables say that a person keeps a secret there.
var secretWords = []string{"TOKEN", "SECRET", "PASSWORD", "KEY", "CREDENTIAL"}

// scanEnvironment returns the part of an environment that the scan process may see.
func scanEnvironment(environ []string) []string {
	env := []string{}
	for _, variable := range environ {
		name, _, _ := strings.Cut(variable, "=")
		own := strings.HasPrefix(name, ownPrefix) &&
			!slices.ContainsFunc(secretWords, func(word string) bool { return strings.Contains(strings.ToUpper(name), word) })
		if own || slices.Contains(passedOn, name) {
			env = append(env, variable)
		}
	}
	return env
}

// lastLines keeps the end of what is written to it.
type lastLines struct{ tail []byte }

// tailSize is more than the longest message that ends a scan.
const tailSize = 8 << 10

func (l *lastLines) Write(p []byte) (int, error) {
	l.tail = append(l.tail, p...)
	if extra := len(l.tail) - tailSize; extra > 0 {
		l.tail = slices.Delete(l.tail, 0, extra)
	}
	return len(p), nil
}

// message returns the last line that says something, without the name of the program, and the hint below it.
func (l *lastLines) message() (text, hint string) {
	lines := bytes.Split(bytes.TrimSpace(l.tail), []byte("\n"))
	for _, line := range slices.Backward(lines) {
		text := strings.TrimSpace(string(line))
		if after, ok := strings.CutPrefix(text, "hint: "); ok {
			hint = after
			continue
		}
		if text != "" {
			return strings.TrimPrefix(text, "trifecta: "), hint
		}
	}
	return "", hint
}
