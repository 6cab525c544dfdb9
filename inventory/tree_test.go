package inventory

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
)

func paths(t *Tree) []string {
	var all []string
	for _, f := range t.Files() {
		all = append(all, f.Path)
	}
	return all
}

func codes(notices []Notice) []string {
	var all []string
	for _, n := range notices {
		all = append(all, n.Code+" "+n.Location.Path)
	}
	return all
}

func TestWalk(t *testing.T) {
	fsys := fstest.MapFS{
		".git/config":                     {},
		".gitignore":                      {Data: []byte("# comment\n\n*.log\n/build/\n!keep.log\r\n")},
		"a.log":                           {},
		"keep.log":                        {},
		"build/package-lock.json":         {},
		"web/build/package-lock.json":     {},
		"web/.gitignore":                  {Data: []byte("secret*\n")},
		"web/secret.json":                 {},
		"secret.json":                     {},
		"node_modules/a/package.json":     {},
		"go/vendor/modules.txt":           {},
		"third-party/x/package-lock.json": {},
	}
	tree, err := NewTree(t.Context(), fsys, Limits{}, "third-party/")
	if err != nil {
		t.Fatal(err)
	}
	want := []string{
		".gitignore", "go/vendor/modules.txt", "keep.log", "node_modules/a/package.json", "secret.json",
		"web/.gitignore", "web/build/package-lock.json",
	}
	if diff := cmp.Diff(want, paths(tree)); diff != "" {
		t.Errorf("files (-want +got):\n%s", diff)
	}
	for _, f := range tree.Files() {
		if want := strings.Contains(f.Path, "vendor") || strings.Contains(f.Path, "node_modules"); f.Vendored != want {
			t.Errorf("%s: vendored %v, want %v", f.Path, f.Vendored, want)
		}
	}
	if diff := cmp.Diff([]string{"web/build/package-lock.json"}, tree.Named("package-lock.json")); diff != "" {
		t.Errorf("Named (-want +got):\n%s", diff)
	}
	if !tree.Has("web/./build/package-lock.json") || tree.Has("build/package-lock.json") {
		t.Error("Has does not follow the walk")
	}
	if _, err := tree.ReadFile("build/package-lock.json"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a file that the walk left out can be read: %v", err)
	}
}

func TestLinksAreNotFollowedOut(t *testing.T) {
	outside := t.TempDir()
	write(t, filepath.Join(outside, "secret"), "secret")
	dir := t.TempDir()
	write(t, filepath.Join(dir, "in", "file"), "x")
	for link, target := range map[string]string{
		"out": outside, "out-file": filepath.Join(outside, "secret"), "up": "..", "inside": "in", "gone": "nowhere", "loop": "loop",
	} {
		if err := os.Symlink(target, filepath.Join(dir, link)); err != nil {
			t.Skip(err)
		}
	}
	tree, err := OpenTree(t.Context(), dir, Limits{})
	if err != nil {
		t.Fatal(err)
	}
	defer tree.Close()
	if diff := cmp.Diff([]string{"in/file"}, paths(tree)); diff != "" {
		t.Errorf("files (-want +got):\n%s", diff)
	}
	var out []string
	for _, n := range tree.Notices() {
		if n.Code == "link-not-followed" {
			out = append(out, n.Location.Path)
		}
	}
	for _, want := range []string{"out", "out-file", "up"} {
		if !strings.Contains(strings.Join(out, " ")+" ", want+" ") {
			t.Errorf("no notice of the link %s: %v", want, out)
		}
	}
	if f, err := tree.FS().Open("out-file"); err == nil {
		f.Close()
		t.Error("the file system of the tree follows links out of it")
	}
}

func TestUnreadable(t *testing.T) {
	if os.Getuid() == 0 {
		t.Skip("root reads everything")
	}
	dir := t.TempDir()
	write(t, filepath.Join(dir, "closed", "file"), "x")
	write(t, filepath.Join(dir, "open"), "x")
	closed := filepath.Join(dir, "closed")
	if err := os.Chmod(closed, 0); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.Chmod(closed, 0o700) })
	tree, err := OpenTree(t.Context(), dir, Limits{})
	if err != nil {
		t.Fatal(err)
	}
	defer tree.Close()
	if diff := cmp.Diff([]string{"unreadable-folder closed"}, codes(tree.Notices())); diff != "" {
		t.Errorf("notices (-want +got):\n%s", diff)
	}
}

// brokenFS fails to list one folder, as a folder without permission does for everybody but root.
type brokenFS struct {
	fstest.MapFS
	folder string
}

func (b brokenFS) ReadDir(name string) ([]fs.DirEntry, error) {
	if name == b.folder {
		return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrPermission}
	}
	return b.MapFS.ReadDir(name)
}

func TestLimits(t *testing.T) {
	t.Run("folder that can't be listed", func(t *testing.T) {
		tree, err := NewTree(t.Context(), brokenFS{fstest.MapFS{"closed/a": {}, "open": {}}, "closed"}, Limits{})
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff([]string{"unreadable-folder closed"}, codes(tree.Notices())); diff != "" {
			t.Errorf("notices (-want +got):\n%s", diff)
		}
		if diff := cmp.Diff([]string{"open"}, paths(tree)); diff != "" {
			t.Errorf("files (-want +got):\n%s", diff)
		}
	})
	t.Run("depth", func(t *testing.T) {
		tree, err := NewTree(t.Context(), fstest.MapFS{"a/b/c/d/e": {}, "a/f": {}}, Limits{FileSize: 10, Files: 10, Depth: 2})
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff([]string{"folder-too-deep a/b/c"}, codes(tree.Notices())); diff != "" {
			t.Errorf("notices (-want +got):\n%s", diff)
		}
	})
	t.Run("files", func(t *testing.T) {
		if _, err := NewTree(t.Context(), fstest.MapFS{"a": {}, "b": {}, "c": {}}, Limits{FileSize: 10, Files: 2, Depth: 2}); err == nil {
			t.Error("a tree with more files than the limit was walked")
		}
	})
	t.Run("size", func(t *testing.T) {
		tree, err := NewTree(t.Context(), fstest.MapFS{"a": {Data: []byte("12345678901")}, "b": {Data: []byte("1234567890")}}, Limits{FileSize: 10, Files: 10, Depth: 2})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := tree.ReadFile("a"); !errors.Is(err, ErrTooLarge) {
			t.Errorf("ReadFile of a large file: %v", err)
		}
		if data, err := tree.ReadFile("b"); err != nil || len(data) != 10 {
			t.Errorf("ReadFile = %q, %v", data, err)
		}
	})
	t.Run("cancelled", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if _, err := NewTree(ctx, fstest.MapFS{"a": {}}, Limits{}); !errors.Is(err, context.Canceled) {
			t.Errorf("NewTree after cancel: %v", err)
		}
	})
}

func TestOpenTreeOfNothing(t *testing.T) {
	if _, err := OpenTree(t.Context(), filepath.Join(t.TempDir(), "absent"), Limits{}); err == nil {
		t.Error("a folder that is not there was opened")
	}
}

func TestParseOnce(t *testing.T) {
	tree, err := NewTree(t.Context(), fstest.MapFS{"pom.xml": {Data: []byte("x")}}, Limits{})
	if err != nil {
		t.Fatal(err)
	}
	calls := 0
	var group sync.WaitGroup
	for range 8 {
		group.Go(func() {
			got, err := Parse(tree, "./pom.xml", "length", func(data []byte) (int, error) {
				calls++
				return len(data), nil
			})
			if err != nil || got != 1 {
				t.Errorf("Parse = %d, %v", got, err)
			}
		})
	}
	group.Wait()
	if calls != 1 {
		t.Errorf("parsed %d times, want once", calls)
	}
	if _, err := Parse(tree, "absent", "length", func([]byte) (int, error) { return 0, nil }); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("Parse of an absent file: %v", err)
	}
}

func TestLines(t *testing.T) {
	l := NewLines([]byte("ab\ncd\n\ne"))
	for offset, want := range map[int][2]int{0: {1, 1}, 2: {1, 3}, 3: {2, 1}, 6: {3, 1}, 7: {4, 1}, 8: {4, 2}, 99: {4, 2}, -1: {1, 1}} {
		if line, column := l.Position(offset); line != want[0] || column != want[1] {
			t.Errorf("Position(%d) = %d, %d, want %v", offset, line, column, want)
		}
	}
	want := Location{Path: "f", Line: 1, Column: 2, EndLine: 2, EndColumn: 3}
	if got := l.Location("f", 1, 5); got != want {
		t.Errorf("Location = %+v, want %+v", got, want)
	}
}

func write(t *testing.T, name, data string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(data), 0o600); err != nil {
		t.Fatal(err)
	}
}

func BenchmarkWalk(b *testing.B) {
	dir := b.TempDir()
	for i := range 100 {
		for j := range 50 {
			name := filepath.Join(dir, fmt.Sprintf("d%d", i), fmt.Sprintf("e%d", j%5), fmt.Sprintf("f%d.go", j))
			if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
				b.Fatal(err)
			}
			if err := os.WriteFile(name, nil, 0o600); err != nil {
				b.Fatal(err)
			}
		}
	}
	if err := os.WriteFile(filepath.Join(dir, ".gitignore"), []byte(strings.Repeat("*.log\n/build/\nnode_modules/\n", 10)), 0o600); err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		tree, err := OpenTree(b.Context(), dir, Limits{})
		if err != nil {
			b.Fatal(err)
		}
		if len(tree.Files()) != 5001 || path.Base(tree.Files()[0].Path) != ".gitignore" {
			b.Fatal(len(tree.Files()))
		}
		tree.Close()
	}
}
