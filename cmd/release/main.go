// Command release builds what a release of trifecta consists of: one archive for each platform with the program, its
// licence and those of the modules in it. The same tree, commit and toolchain give the same bytes on every machine.
//
// A maintainer runs `go run ./cmd/release -record VERSION` on a clean commit. That writes release/checksums.txt and lets
// action.yml install that version; both are committed and tagged. The workflow release.yml then builds the archives again
// from the tag with -check: nothing is published that is not what the commit of the tag says.
package main

import (
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"syscall"
)

func main() {
	var r releaser
	record := flag.String("record", "", "build `VERSION` of the commit that is checked out, and write its checksums")
	check := flag.Bool("check", false, "build the version that the checksums are of, and compare")
	flag.StringVar(&r.out, "out", "dist/release", "`FOLDER` for the archives")
	only := flag.String("only", "", "build for this `GOOS/GOARCH` alone; with -record nothing is written then")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	r.root, r.targets, r.say = ".", targets, os.Stdout
	if *only != "" {
		r.targets, r.partial = []string{*only}, true
	}
	var err error
	switch {
	case *record != "" && !*check:
		err = r.record(ctx, *record)
	case *check && *record == "":
		err = r.check(ctx)
	default:
		err = errors.New("either -record VERSION or -check")
	}
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "release:", err)
		os.Exit(1)
	}
}

// targets are the platforms that a release is for.
var targets = []string{"linux/amd64", "linux/arm64", "darwin/amd64", "darwin/arm64", "windows/amd64", "windows/arm64"}

// Files of the repository, below its root.
const (
	checksumsFile = "release/checksums.txt"
	actionFile    = "action.yml"
)

// releaser builds archives.
type releaser struct {
	root, out string
	targets   []string
	partial   bool // these are not all
	say       io.Writer
}

// archiveName is the name of the archive of a platform, which release/install.sh knows too.
func archiveName(version, target string) string {
	return "trifecta_" + version + "_" + strings.ReplaceAll(target, "/", "_") + ".tar.gz"
}

// isVersion is semantic versioning without build metadata.
var isVersion = regexp.MustCompile(`^\d+\.\d+\.\d+(-[0-9A-Za-z.-]+)?$`)

// record builds a version of the commit that is checked out and writes what the next commit has to say of it.
func (r *releaser) record(ctx context.Context, version string) error {
	if !isVersion.MatchString(version) {
		return fmt.Errorf("%q is no version such as 1.2.3", version)
	}
	changed, err := r.output(ctx, "git", "status", "--porcelain")
	if err != nil {
		return err
	}
	if changed != "" {
		return errors.New("commit first: a release is built from a commit, and something has changed since")
	}
	commit, err := r.output(ctx, "git", "rev-parse", "HEAD")
	if err != nil {
		return err
	}
	sums, err := r.build(ctx, checksums{Version: version, Commit: commit, Go: runtime.Version()})
	if err != nil {
		return err
	}
	if r.partial {
		_, err := fmt.Fprint(r.say, sums)
		return err
	}
	action, err := os.ReadFile(filepath.Join(r.root, actionFile))
	if err != nil {
		return err
	}
	if action, err = installs(action, version); err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(r.root, actionFile), action, 0o644); err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Join(r.root, filepath.Dir(checksumsFile)), 0o755); err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(r.root, checksumsFile), []byte(sums.String()), 0o644); err != nil {
		return err
	}
	_, err = fmt.Fprintf(r.say, "git commit -m 'release: %s' %s %s && git tag v%s\n", version, checksumsFile, actionFile, version)
	return err
}

// check builds what the checksums are of and compares.
func (r *releaser) check(ctx context.Context) error {
	data, err := os.ReadFile(filepath.Join(r.root, checksumsFile))
	if err != nil {
		return err
	}
	want, err := readChecksums(string(data))
	if err != nil {
		return fmt.Errorf("%s: %w", checksumsFile, err)
	}
	if want.Go != runtime.Version() {
		return fmt.Errorf("%s is of %s, and this is %s: other bytes would come of it", checksumsFile, want.Go, runtime.Version())
	}
	got, err := r.build(ctx, checksums{Version: want.Version, Commit: want.Commit, Go: want.Go})
	if err != nil {
		return err
	}
	if !r.partial && len(got.Sums) != len(want.Sums) {
		return fmt.Errorf("%s is of %d archives, and a release has %d", checksumsFile, len(want.Sums), len(got.Sums))
	}
	for name, sum := range got.Sums {
		if want.Sums[name] != sum {
			return fmt.Errorf("%s has the checksum %s, and the commit says %s", name, sum, cmp.Or(want.Sums[name], "nothing of it"))
		}
	}
	_, err = fmt.Fprintf(r.say, "%d archives of %s are what the commit says\n", len(got.Sums), want.Version)
	return err
}

// versionDefault is the line of action.yml that says what it installs.
var versionDefault = regexp.MustCompile(`(?m)^(  version:\n(?:    .*\n)*?    default: ).*$`)

// installs returns action.yml with another default of its input version.
func installs(action []byte, version string) ([]byte, error) {
	if !versionDefault.Match(action) {
		return nil, errors.New(actionFile + " has no input version with a default")
	}
	return versionDefault.ReplaceAll(action, []byte("${1}"+version)), nil
}

// output returns what a program says, without the end of its last line.
func (r *releaser) output(ctx context.Context, name string, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir, cmd.Stderr = r.root, os.Stderr
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("%s %s: %w", name, strings.Join(args, " "), err)
	}
	return strings.TrimRight(string(out), "\n"), nil
}
