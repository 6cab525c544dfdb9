// Package peers gets and runs the programs that trifecta is compared with, and unpacks the real repositories that they
// are compared on. It serves e2e/compare and e2e/bench; nothing of it is in the program.
package peers

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"strings"
	"time"
)

// The peers, at the versions that the documents speak of.
const (
	OSVScanner = "github.com/google/osv-scanner/v2/cmd/osv-scanner@v2.5.1"
	Syft       = "github.com/anchore/syft/cmd/syft@v1.44.0"
)

// Install builds a program with go install into the user's cache and returns its path; a second call finds it there.
func Install(ctx context.Context, program string) (string, error) {
	module, version, ok := strings.Cut(program, "@")
	if !ok {
		return "", fmt.Errorf("%s names no version", program)
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", err
	}
	dir := filepath.Join(cache, "trifecta", "peers", path.Base(module)+"-"+version)
	bin := filepath.Join(dir, path.Base(module))
	if _, err := os.Stat(bin); err == nil {
		return bin, nil
	}
	cmd := exec.CommandContext(ctx, "go", "install", program)
	cmd.Env = append(os.Environ(), "GOBIN="+dir, "GOFLAGS=", "GOWORK=off")
	cmd.Stderr = os.Stderr
	if err := cmd.Run(); err != nil {
		return "", fmt.Errorf("go install %s: %w", program, err)
	}
	return bin, nil
}

// Database makes the folder in which osv-scanner looks for a database in the layout of the OSV bucket. The folder has
// to stand before osv-scanner runs: it makes an empty one otherwise, and reports nothing.
func Database(bucket string) (dir string, err error) {
	bucket, err = filepath.Abs(bucket)
	if err != nil {
		return "", err
	}
	dir, err = os.MkdirTemp("", "trifecta-peers-")
	if err != nil {
		return "", err
	}
	return dir, os.Symlink(bucket, filepath.Join(dir, "osv-scalibr"))
}

// OSVScannerCommand returns the call of osv-scanner that answers the same question as `trifecta scan --offline`: every
// folder, no program that is run for call analysis.
func OSVScannerCommand(ctx context.Context, bin, database, dir string, more ...string) *exec.Cmd {
	args := append([]string{
		"scan", "source", "--offline", "--format", "json", "--no-call-analysis", "all", "--allow-no-lockfiles", "--no-ignore", "--recursive",
	}, more...)
	cmd := exec.CommandContext(ctx, bin, append(args, dir)...)
	cmd.Env = append(os.Environ(), "OSV_SCALIBR_LOCAL_DB_CACHE_DIRECTORY="+database)
	return cmd
}

// SyftCommand returns the call of Syft that writes one of its formats, as "cyclonedx-json". Its other options are
// variables of the environment.
func SyftCommand(ctx context.Context, bin, dir, format string, env ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, bin, "scan", "dir:"+dir, "-o", format, "--quiet")
	cmd.Env = append(append(os.Environ(), "SYFT_CHECK_FOR_APP_UPDATE=false"), env...)
	return cmd
}

// Cost is what one run of a program took.
type Cost struct {
	Wall time.Duration
	CPU  time.Duration // user and system
	Peak int64         // bytes in memory at most; mapped files count
}

// Run runs a command and returns its standard output. Exit codes in accept are no error; 0 never is.
func Run(cmd *exec.Cmd, accept ...int) ([]byte, Cost, error) {
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	start := time.Now() //nolint:forbidigo // it measures time
	err := cmd.Run()
	cost := Cost{Wall: time.Since(start)}
	if state := cmd.ProcessState; state != nil {
		cost.CPU = state.UserTime() + state.SystemTime()
		cost.Peak = peak(state)
	}
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		for _, code := range accept {
			if exit.ExitCode() == code {
				err = nil
			}
		}
	}
	if err != nil {
		err = fmt.Errorf("%s: %w\n%s", strings.Join(cmd.Args, " "), err, errs.String())
	}
	return out.Bytes(), cost, err
}

// maxUnpacked bounds one file of an archive in bytes.
const maxUnpacked = 256 << 20

// Unpack writes the regular files of a tar.gz archive into dir, which is made. Nothing is written outside of it.
func Unpack(archive, dir string) error {
	f, err := os.Open(archive)
	if err != nil {
		return err
	}
	defer f.Close()
	zipped, err := gzip.NewReader(f)
	if err != nil {
		return fmt.Errorf("%s: %w", archive, err)
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return err
	}
	defer root.Close()
	for files := tar.NewReader(zipped); ; {
		header, err := files.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("%s: %w", archive, err)
		}
		if header.Typeflag != tar.TypeReg {
			continue
		}
		name := path.Clean(header.Name)
		if err := root.MkdirAll(path.Dir(name), 0o755); err != nil {
			return fmt.Errorf("%s: %w", archive, err)
		}
		if err := unpackFile(root, name, io.LimitReader(files, maxUnpacked)); err != nil {
			return fmt.Errorf("%s: %w", archive, err)
		}
	}
}

func unpackFile(root *os.Root, name string, content io.Reader) error {
	out, err := root.Create(name)
	if err != nil {
		return err
	}
	_, err = io.Copy(out, content)
	return errors.Join(err, out.Close())
}

// Replace puts text between the two markers of a document that say where `name` writes.
func Replace(document, name, text string) error {
	content, err := os.ReadFile(document)
	if err != nil {
		return err
	}
	begin, end := "<!-- "+name+": begin -->\n", "<!-- "+name+": end -->\n"
	before, rest, ok := strings.Cut(string(content), begin)
	if !ok {
		return fmt.Errorf("%s has no line %q", document, strings.TrimSpace(begin))
	}
	_, after, ok := strings.Cut(rest, end)
	if !ok {
		return fmt.Errorf("%s has no line %q", document, strings.TrimSpace(end))
	}
	return os.WriteFile(document, []byte(before+begin+"\n"+strings.TrimSpace(text)+"\n\n"+end+after), 0o644)
}
