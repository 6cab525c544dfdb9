package git

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"
)

// repository is a repository made by the real git, so that packs, shallow clones and merges are what people have.
type repository struct {
	t   *testing.T
	dir string
}

func newRepository(t *testing.T) repository {
	t.Helper()
	if _, err := exec.LookPath("git"); err != nil {
		t.Skip("git is not installed")
	}
	r := repository{t, t.TempDir()}
	r.git("init", "-q", "-b", "main")
	return r
}

func (r repository) git(args ...string) string {
	r.t.Helper()
	cmd := exec.Command("git", args...)
	cmd.Dir = r.dir
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

// commit writes files (name, content, ...) and returns the new commit.
func (r repository) commit(files ...string) string {
	r.t.Helper()
	for i := 0; i < len(files); i += 2 {
		name := filepath.Join(r.dir, files[i])
		if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
			r.t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(files[i+1]), 0o600); err != nil {
			r.t.Fatal(err)
		}
	}
	r.git("add", "-A")
	r.git("commit", "-q", "--allow-empty", "-m", fmt.Sprint(files))
	return r.git("rev-parse", "HEAD")
}

func TestOpenRevision(t *testing.T) {
	r := newRepository(t)
	first := r.commit("a.txt", "one", "web/package.json", "{}")
	r.git("tag", "v1")
	r.git("switch", "-q", "-c", "feature")
	r.commit("a.txt", "two")
	r.git("switch", "-q", "main")
	main := r.commit("main.txt", "later")
	r.git("update-ref", "refs/remotes/origin/next", main)
	r.git("switch", "-q", "feature")

	for _, tt := range []struct{ name, revision, want string }{
		{"a branch that went on parts at the common commit", "main", first},
		{"a tag", "v1", first},
		{"a commit", first, first},
		{"an abbreviated commit", first[:10], first},
		{"an ancestor", "HEAD~1", first},
		{"a branch of the remote by its short name", "next", first},
		{"a branch by its full name", "refs/heads/main", first},
	} {
		t.Run(tt.name, func(t *testing.T) {
			rev, err := OpenRevision(r.dir, tt.revision)
			if err != nil {
				t.Fatal(err)
			}
			if rev.Commit != tt.want {
				t.Errorf("commit %s, want %s", rev.Commit, tt.want)
			}
			data, err := fs.ReadFile(rev.FS, "a.txt")
			if err != nil || string(data) != "one" {
				t.Errorf("a.txt = %q, %v", data, err)
			}
		})
	}

	t.Run("packed", func(t *testing.T) {
		r.git("gc", "-q")
		rev, err := OpenRevision(r.dir, "main")
		if err != nil {
			t.Fatal(err)
		}
		if err := fstest.TestFS(rev.FS, "a.txt", "web/package.json"); err != nil {
			t.Error(err)
		}
	})
	t.Run("a folder of the repository", func(t *testing.T) {
		rev, err := OpenRevision(filepath.Join(r.dir, "web"), "main")
		if err != nil {
			t.Fatal(err)
		}
		if _, err := fs.Stat(rev.FS, "package.json"); err != nil {
			t.Error(err)
		}
	})
	t.Run("a folder that is new", func(t *testing.T) {
		dir := filepath.Join(r.dir, "new")
		if err := os.MkdirAll(dir, 0o700); err != nil {
			t.Fatal(err)
		}
		rev, err := OpenRevision(dir, "main")
		if err != nil {
			t.Fatal(err)
		}
		if entries, err := fs.ReadDir(rev.FS, "."); err != nil || len(entries) != 0 {
			t.Errorf("ReadDir = %v, %v", entries, err)
		}
	})
	t.Run("names of contents", func(t *testing.T) {
		rev, err := OpenRevision(r.dir, "main")
		if err != nil {
			t.Fatal(err)
		}
		got, err := rev.FS.(interface{ ContentName(string) (string, error) }).ContentName("web/package.json")
		if want := r.git("rev-parse", first+":web/package.json"); err != nil || got != want {
			t.Errorf("ContentName = %q, %v; want %q", got, err, want)
		}
	})
	t.Run("no such revision", func(t *testing.T) {
		_, err := OpenRevision(r.dir, "origin/gone")
		var missing *MissingObjectsError
		if !errors.As(err, &missing) || !strings.Contains(missing.Hint(), "git fetch origin gone") {
			t.Errorf("OpenRevision = %v", err)
		}
	})
	t.Run("no repository", func(t *testing.T) {
		if _, err := OpenRevision(t.TempDir(), "main"); err == nil {
			t.Error("a folder outside of a repository has a revision")
		}
	})
	t.Run("no common history", func(t *testing.T) {
		r.git("switch", "-q", "--orphan", "alone")
		r.commit("alone.txt", "x")
		rev, err := OpenRevision(r.dir, "main")
		if err != nil || rev.Commit != main {
			t.Errorf("OpenRevision = %+v, %v; want %s itself", rev, err, main)
		}
		r.git("switch", "-q", "feature")
	})
	t.Run("merged", func(t *testing.T) {
		r.git("merge", "-q", "-m", "merge", "main")
		rev, err := OpenRevision(r.dir, "main")
		if err != nil || rev.Commit != main {
			t.Errorf("OpenRevision = %+v, %v; want %s", rev, err, main)
		}
	})
	t.Run("shallow", func(t *testing.T) {
		shallow := repository{t, filepath.Join(t.TempDir(), "clone")}
		clone := repository{t, t.TempDir()}
		clone.git("clone", "-q", "--depth", "1", "--branch", "feature", "file://"+r.dir, shallow.dir)
		_, err := OpenRevision(shallow.dir, "main")
		var missing *MissingObjectsError
		if !errors.As(err, &missing) || !missing.Shallow || !strings.Contains(missing.Hint(), "fetch-depth: 0") {
			t.Errorf("OpenRevision of a shallow clone = %v", err)
		}
	})
}

// TestRevisionLinks checks that links and submodules of a commit lead nowhere.
func TestRevisionLinks(t *testing.T) {
	r := newRepository(t)
	if err := os.Symlink("/etc/passwd", filepath.Join(r.dir, "link")); err != nil {
		t.Skip(err)
	}
	commit := r.commit("a.txt", "x")
	r.git("update-index", "--add", "--cacheinfo", "160000,"+commit+",module")
	r.git("commit", "-q", "-m", "module")
	rev, err := OpenRevision(r.dir, "HEAD")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"link", "module", "module/a.txt", "absent"} {
		if _, err := rev.FS.Open(name); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("Open(%q): %v", name, err)
		}
	}
}
