// Package gittest makes repositories for tests with the real git, so that packs, merges and shallow clones are what
// people have.
package gittest

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// Repository is a work tree whose checked-out branch is main at first. Its methods end the test where git fails.
type Repository struct {
	t   testing.TB
	Dir string
}

// New returns an empty repository, or skips the test where git is not installed.
func New(t testing.TB) Repository {
	t.Helper()
	if _, err := exec.LookPath("git"); err != nil {
		t.Skip("git is not installed")
	}
	r := Repository{t, t.TempDir()}
	r.Git("init", "-q", "-b", "main")
	return r
}

// Clone returns a clone made with the given options of git clone. It goes through git's transport, so that --depth
// and --filter mean what they mean over a network.
func (r Repository) Clone(options ...string) Repository {
	r.t.Helper()
	r.Git("config", "uploadpack.allowFilter", "true")
	clone := Repository{r.t, filepath.Join(r.t.TempDir(), "clone")}
	r.Git(append(append([]string{"clone", "-q"}, options...), "file://"+r.Dir, clone.Dir)...)
	return clone
}

// Git runs git in the work tree and returns what it prints. Nobody's settings and no clock have a part in it.
func (r Repository) Git(args ...string) string {
	r.t.Helper()
	cmd := exec.Command("git", args...)
	cmd.Dir = r.Dir
	cmd.Env = append(os.Environ(),
		"GIT_CONFIG_GLOBAL="+os.DevNull, "GIT_CONFIG_SYSTEM="+os.DevNull,
		"GIT_AUTHOR_NAME=a", "GIT_AUTHOR_EMAIL=a@shop.example", "GIT_COMMITTER_NAME=a", "GIT_COMMITTER_EMAIL=a@shop.example",
		"GIT_AUTHOR_DATE=2026-01-01T00:00:00Z", "GIT_COMMITTER_DATE=2026-01-01T00:00:00Z")
	out, err := cmd.CombinedOutput()
	if err != nil {
		r.t.Fatalf("git %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return strings.TrimSpace(string(out))
}

// Write writes files: name, content, name, content, ...
func (r Repository) Write(files ...string) {
	r.t.Helper()
	for i := 0; i < len(files); i += 2 {
		name := filepath.Join(r.Dir, filepath.FromSlash(files[i]))
		if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
			r.t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(files[i+1]), 0o600); err != nil {
			r.t.Fatal(err)
		}
	}
}

// Commit writes files as Write does, commits everything and returns the commit.
func (r Repository) Commit(files ...string) string {
	r.t.Helper()
	r.Write(files...)
	r.Git("add", "-A")
	r.Git("commit", "-q", "--allow-empty", "-m", fmt.Sprint(len(files)/2, " files"))
	return r.Git("rev-parse", "HEAD")
}
