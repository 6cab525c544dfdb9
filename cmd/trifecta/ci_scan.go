package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/trifecta-scanner/trifecta/internal/confine"
	"github.com/trifecta-scanner/trifecta/inventory"
)

// scanProcess is the half of ci that reads the tree. It is a process of its own, so that whoever takes it over by a
// hostile file finds no token there.
type scanProcess struct {
	args       []string
	environ    []string // of ci; the child gets what scanEnvironment lets through
	executable string   // empty: this program
	temp       string   // the folder for its temporary files and its result
	policy     confine.Policy
	unconfined bool     // the policy is not used
	answers    string   // the file with what AWS answered the scan; empty where it is not asked
	more       []string // variables on top of what scanEnvironment lets through
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

// runScanProcess runs the scan process to its end, confined where the system can do that. An error says that it could
// not be started or watched.
func (a *app) runScanProcess(ctx context.Context, p scanProcess) (scanOutcome, error) {
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
	var last lastLines
	var exit *exec.ExitError
	err := p.log(func(w io.Writer) error {
		err := a.startAndWait(ctx, p, io.MultiWriter(w, &last))
		if errors.As(err, &exit) {
			return nil
		}
		return err
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

// startAndWait runs the scan process; log gets both of its output streams.
func (a *app) startAndWait(ctx context.Context, p scanProcess, log io.Writer) error {
	command := func() *exec.Cmd {
		cmd := exec.CommandContext(ctx, p.executable, p.args...)
		cmd.Env = append(append(scanEnvironment(p.environ), p.more...), "TMPDIR="+p.temp,
			// What the limits of a container allow is written where a confined process can't read it.
			"GOMAXPROCS="+strconv.Itoa(runtime.GOMAXPROCS(0)))
		cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
		cmd.WaitDelay = patience
		cmd.Stdout, cmd.Stderr = log, log // one writer: os/exec then never writes from two goroutines
		return cmd
	}
	cmd := command()
	policy := p.policy
	policy.Execute = append(slices.Clip(policy.Execute), p.executable)
	policy.Write = append(slices.Clip(policy.Write), p.temp)
	if p.unconfined {
		if err := cmd.Start(); err != nil {
			return err
		}
		return cmd.Wait()
	}
	err := confine.Start(cmd, policy)
	if errors.Is(err, confine.ErrUnsupported) {
		a.say("the scan has no token, but is not confined otherwise: %v", err)
		cmd = command()
		err = cmd.Start()
	}
	if err != nil {
		return err
	}
	return cmd.Wait()
}

// systemFiles are what a program reads of the system it runs on: certificates, names of hosts, time zones, limits.
var systemFiles = []string{
	"/etc/ssl", "/etc/pki", "/etc/ca-certificates", "/usr/share/ca-certificates", "/usr/local/share/ca-certificates", "/usr/lib/ssl",
	"/etc/resolv.conf", "/etc/hosts", "/etc/nsswitch.conf", "/etc/gai.conf", "/etc/services",
	"/etc/localtime", "/usr/share/zoneinfo", "/etc/mime.types", "/sys/kernel/mm/transparent_hugepage",
}

// scanPolicy returns what the scan process may touch: the tree with its repository, what the user names, what every
// program needs of the system, and our own part of the user's cache.
func (a *app) scanPolicy(dir string, opts *scanOptions) confine.Policy {
	policy := confine.Policy{Network: !opts.offline, Read: slices.Clone(systemFiles)}
	read := func(paths ...string) {
		for _, path := range paths {
			if path != "" {
				policy.Read = append(policy.Read, path)
			}
		}
	}
	read(dir, repositoryOf(dir), opts.config, opts.base, a.getenv("SSL_CERT_FILE"))
	read(filepath.SplitList(a.getenv("SSL_CERT_DIR"))...)
	for _, db := range []string{opts.db, a.getenv("TRIFECTA_DB")} {
		if db != "" {
			read(db, filepath.Join(filepath.Dir(db), "intel")) // exploit data is looked for beside the database
		}
	}
	read(opts.intel, opts.awsSnapshot)
	// A folder of the tree is no cache: those who wrote the tree could write it.
	if memory := a.getenv(cacheVariable); memory != "" && !inventory.Within(dir, memory) {
		read(memory)
		if !opts.memoryReadOnly && os.MkdirAll(memory, 0o755) == nil { // where it can't be made, the scan says so
			policy.Write = append(policy.Write, memory)
		}
	}
	if cache, err := os.UserCacheDir(); err == nil {
		own := filepath.Join(cache, "trifecta")
		// A rule needs the folder. Where it can't be made, the scan does without a cache as it would otherwise.
		if err := os.MkdirAll(own, 0o755); err == nil {
			policy.Write = append(policy.Write, own)
		}
	}
	return policy
}

// repositoryOf returns the folder that holds the history of dir, for comparisons; empty where there is none. That of a
// submodule is the one of the repository around it.
func repositoryOf(dir string) string {
	at, err := filepath.Abs(dir)
	if err != nil {
		return ""
	}
	for ; at != filepath.Dir(at); at = filepath.Dir(at) {
		if info, err := os.Lstat(filepath.Join(at, ".git")); err == nil && info.IsDir() {
			return filepath.Join(at, ".git")
		}
	}
	return ""
}

// scanArguments returns the command line of the scan process: what was asked of ci, as far as it is scan's business.
// It writes nothing but the result. A pipeline shows findings before it stops anybody's work, so that only what the user
// or the configuration names makes it fail.
func (a *app) scanArguments(flags *pflag.FlagSet, dir, result, base string, proposal, baseOptional bool) []string {
	var known cobra.Command
	new(scanOptions).register(&known)
	args := []string{"scan", "--output=json=" + result, "--fail-on-default=none", "--sealed"}
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
	if base != "" && baseOptional {
		args = append(args, "--base-optional")
	}
	if proposal {
		args = append(args, "--proposal")
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
