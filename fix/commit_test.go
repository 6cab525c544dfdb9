package fix

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/trifecta-scanner/trifecta/inventory"
)

// folder makes a folder of files, opens it as a tree and returns a workspace that changes two of them and adds a third.
func folder(t *testing.T) (string, *os.Root, *Workspace) {
	t.Helper()
	dir := t.TempDir()
	for name, text := range before {
		if err := os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o640); err != nil {
			t.Fatal(err)
		}
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = root.Close() })
	tree, err := inventory.OpenTree(t.Context(), dir, inventory.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = tree.Close() })
	ws := NewWorkspace(tree)
	for name, text := range after {
		if err := ws.WriteFile(name, []byte(text)); err != nil {
			t.Fatal(err)
		}
	}
	return dir, root, ws
}

var (
	before = map[string]string{"package.json": "old manifest", "package-lock.json": "old lock", "web/go.mod": "module a\n"}
	after  = map[string]string{"package.json": "new manifest", "package-lock.json": "new lock", "web/go.mod": "module a\n", "web/go.sum": "sums\n"}
)

// contents reads what a folder holds, apart from what a stopped process may leave beside it.
func contents(t *testing.T, dir string) map[string]string {
	t.Helper()
	all := map[string]string{}
	err := filepath.WalkDir(dir, func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || strings.Contains(name, stage) {
			return err
		}
		data, err := os.ReadFile(name)
		rel, _ := filepath.Rel(dir, name) // it is below
		all[filepath.ToSlash(rel)] = string(data)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

var errStopped = errors.New("stopped")

// TestCommitStopped ends the process before each of its steps: after the next run the folder is as it was or as it was
// to be, and never in between.
func TestCommitStopped(t *testing.T) {
	_, root, ws := folder(t)
	var steps []string
	if err := ws.commit(root, func(step string) error { steps = append(steps, step); return nil }); err != nil {
		t.Fatal(err)
	}
	if len(steps) < 9 {
		t.Fatalf("only %d steps: %q", len(steps), steps)
	}
	for n, at := range steps {
		t.Run(fmt.Sprintf("%d %s", n, strings.ReplaceAll(at, "/", " ")), func(t *testing.T) {
			dir, root, ws := folder(t)
			i := 0
			err := ws.commit(root, func(string) error {
				if i++; i > n {
					return errStopped
				}
				return nil
			})
			if !errors.Is(err, errStopped) {
				t.Fatal(err)
			}
			if err := Recover(root); err != nil {
				t.Fatal(err)
			}
			got := contents(t, dir)
			if !maps.Equal(got, before) && !maps.Equal(got, after) {
				t.Errorf("between two states (-want +got):\n%s", cmp.Diff(after, got))
			}
			// Run again, the change is whole and nothing is left over.
			tree, err := inventory.OpenTree(t.Context(), dir, inventory.Limits{})
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = tree.Close() }() // it was only read
			again := NewWorkspace(tree)
			for name, text := range after {
				if err := again.WriteFile(name, []byte(text)); err != nil {
					t.Fatal(err)
				}
			}
			if err := again.Commit(root); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(after, contents(t, dir)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if _, err := root.Stat(stage); !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("%s is still there: %v", stage, err)
			}
		})
	}
}

func TestCommit(t *testing.T) {
	dir, root, ws := folder(t)
	if err := ws.Commit(root); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(after, contents(t, dir)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	info, err := root.Stat("package.json")
	if err != nil || info.Mode().Perm() != 0o640 {
		t.Errorf("permissions %v, %v", info.Mode(), err)
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	if i := slices.IndexFunc(entries, func(e os.DirEntry) bool { return strings.Contains(e.Name(), "trifecta") }); i >= 0 {
		t.Errorf("%s was left", entries[i].Name())
	}
}

// What somebody else did meanwhile is not overwritten: a file that changed, one that went, a link in the place of one.
func TestCommitMeanwhile(t *testing.T) {
	tests := []struct {
		name string
		do   func(dir string) error
	}{
		{"changed", func(dir string) error {
			return os.WriteFile(filepath.Join(dir, "package.json"), []byte("theirs"), 0o644)
		}},
		{"removed", func(dir string) error { return os.Remove(filepath.Join(dir, "package.json")) }},
		{"made", func(dir string) error {
			return os.WriteFile(filepath.Join(dir, "web", "go.sum"), []byte("theirs"), 0o644)
		}},
		{"linked", func(dir string) error {
			name := filepath.Join(dir, "package.json")
			return errors.Join(os.Remove(name), os.Symlink(filepath.Join(dir, "package-lock.json"), name))
		}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			dir, root, ws := folder(t)
			if err := test.do(dir); err != nil {
				t.Fatal(err)
			}
			want := contents(t, dir)
			var changed *ChangedError
			if err := ws.Commit(root); !errors.As(err, &changed) {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, contents(t, dir)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// A journal comes with the repository in the worst case: it must not move anything that is not part of a change.
func TestRecoverHostile(t *testing.T) {
	for _, text := range []string{
		`{"files":[{"path":"../outside","sha256":"x"}]}`, `{"files":[{"path":".git/config","sha256":"x"}]}`,
		`{"files":[{"path":"package.json","sha256":"x"}]}`, `not JSON`, `{"files":[{"path":"/etc/passwd","sha256":"x"}]}`,
	} {
		dir, root, _ := folder(t)
		if err := errors.Join(os.Mkdir(filepath.Join(dir, stage), 0o755), os.WriteFile(filepath.Join(dir, journalName), []byte(text), 0o644)); err != nil {
			t.Fatal(err)
		}
		if err := Recover(root); err == nil {
			t.Errorf("%s was taken", text)
		}
		if diff := cmp.Diff(before, contents(t, dir)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", text, diff)
		}
	}
}
