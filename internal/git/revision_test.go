package git

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/trifecta-scanner/trifecta/internal/git/gittest"
)

// open opens a revision that has one point of parting.
func open(dir, name string) (*Revision, error) {
	revisions, err := OpenRevisions(dir, name)
	if err != nil {
		return nil, err
	}
	if len(revisions) != 1 {
		return nil, fmt.Errorf("%d points of parting", len(revisions))
	}
	return revisions[0], nil
}

func TestOpenRevisions(t *testing.T) {
	r := gittest.New(t)
	first := r.Commit("a.txt", "one", "web/package.json", "{}")
	r.Git("tag", "v1")
	r.Git("switch", "-q", "-c", "feature")
	r.Commit("a.txt", "two")
	r.Git("switch", "-q", "main")
	main := r.Commit("main.txt", "later")
	r.Git("update-ref", "refs/remotes/origin/next", main)
	r.Git("switch", "-q", "feature")

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
			rev, err := open(r.Dir, tt.revision)
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
		r.Git("gc", "-q")
		rev, err := open(r.Dir, "main")
		if err != nil {
			t.Fatal(err)
		}
		if err := fstest.TestFS(rev.FS, "a.txt", "web/package.json"); err != nil {
			t.Error(err)
		}
	})
	t.Run("a folder of the repository", func(t *testing.T) {
		rev, err := open(filepath.Join(r.Dir, "web"), "main")
		if err != nil {
			t.Fatal(err)
		}
		if _, err := fs.Stat(rev.FS, "package.json"); err != nil {
			t.Error(err)
		}
	})
	t.Run("a folder that is new", func(t *testing.T) {
		dir := filepath.Join(r.Dir, "new")
		if err := os.MkdirAll(dir, 0o700); err != nil {
			t.Fatal(err)
		}
		rev, err := open(dir, "main")
		if err != nil {
			t.Fatal(err)
		}
		if entries, err := fs.ReadDir(rev.FS, "."); err != nil || len(entries) != 0 {
			t.Errorf("ReadDir = %v, %v", entries, err)
		}
	})
	t.Run("names of contents", func(t *testing.T) {
		rev, err := open(r.Dir, "main")
		if err != nil {
			t.Fatal(err)
		}
		got, err := rev.FS.(interface{ ContentName(string) (string, error) }).ContentName("web/package.json")
		if want := r.Git("rev-parse", first+":web/package.json"); err != nil || got != want {
			t.Errorf("ContentName = %q, %v; want %q", got, err, want)
		}
	})
	t.Run("no such revision", func(t *testing.T) {
		_, err := open(r.Dir, "origin/gone")
		var missing *MissingObjectsError
		if !errors.As(err, &missing) || !strings.Contains(missing.Hint(), "git fetch origin gone") {
			t.Errorf("OpenRevision = %v", err)
		}
	})
	t.Run("no repository", func(t *testing.T) {
		if _, err := open(t.TempDir(), "main"); err == nil {
			t.Error("a folder outside of a repository has a revision")
		}
	})
	t.Run("no common history", func(t *testing.T) {
		r.Git("switch", "-q", "--orphan", "alone")
		r.Commit("alone.txt", "x")
		rev, err := open(r.Dir, "main")
		if err != nil || rev.Commit != main {
			t.Errorf("OpenRevision = %+v, %v; want %s itself", rev, err, main)
		}
		r.Git("switch", "-q", "feature")
	})
	t.Run("merged", func(t *testing.T) {
		r.Git("merge", "-q", "-m", "merge", "main")
		rev, err := open(r.Dir, "main")
		if err != nil || rev.Commit != main {
			t.Errorf("OpenRevision = %+v, %v; want %s", rev, err, main)
		}
	})
	t.Run("shallow", func(t *testing.T) {
		clone := r.Clone("--depth", "1", "--branch", "feature")
		_, err := open(clone.Dir, "main")
		var missing *MissingObjectsError
		if !errors.As(err, &missing) || !missing.Shallow || !strings.Contains(missing.Hint(), "fetch-depth: 0") {
			t.Errorf("OpenRevision of a shallow clone = %v", err)
		}
	})
}

// TestRevisionLinks checks that links and submodules of a commit lead nowhere.
func TestRevisionLinks(t *testing.T) {
	r := gittest.New(t)
	if err := os.Symlink("/etc/passwd", filepath.Join(r.Dir, "link")); err != nil {
		t.Skip(err)
	}
	commit := r.Commit("a.txt", "x")
	r.Git("update-index", "--add", "--cacheinfo", "160000,"+commit+",module")
	r.Git("commit", "-q", "-m", "module")
	rev, err := open(r.Dir, "HEAD")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"link", "module", "module/a.txt", "absent"} {
		if _, err := rev.FS.Open(name); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("Open(%q): %v", name, err)
		}
	}
}
