package inventory

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
)

// shop is a tree whose lock file says content.
func shop(t *testing.T, content string) *Tree {
	t.Helper()
	tree, err := NewTree(t.Context(), fstest.MapFS{"lock": {Data: []byte(content)}, "other": {}}, Limits{})
	if err != nil {
		t.Fatal(err)
	}
	return tree
}

// remember opens the memory in dir, which the test closes.
func remember(t *testing.T, dir string, o MemoryOptions) *Memory {
	t.Helper()
	m, err := OpenMemory(dir, o)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// lines is a reader of the lock file: the memory's, or its own reading that the memory keeps.
func lines(t *testing.T, m *Memory, tree *Tree) (got []string, recalled bool) {
	t.Helper()
	if m.Recall(tree, "lines", &got) {
		return got, true
	}
	view, inputs := tree.Recording()
	data, err := view.ReadFile("lock")
	if err != nil {
		t.Fatal(err)
	}
	got = strings.Fields(string(data))
	m.Keep("lines", inputs, got)
	return got, false
}

func TestMemory(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "new", "cache")
	build := MemoryOptions{Build: "1"}
	steps := []struct {
		name     string
		content  string
		options  MemoryOptions
		recalled bool
	}{
		{"the first run reads", "a b", build, false},
		{"the second one recalls", "a b", build, true},
		{"other content is read", "a b c", build, false},
		{"both states are kept", "a b", build, true},
		{"and the other one", "a b c", build, true},
		{"a run that may not write recalls", "a b", MemoryOptions{Build: "1", ReadOnly: true}, true},
		{"and reads what is not there", "z", MemoryOptions{Build: "1", ReadOnly: true}, false},
		{"without keeping it", "z", build, false},
		{"another build reads", "a b", MemoryOptions{Build: "2"}, false},
		{"and keeps its own", "a b", MemoryOptions{Build: "2"}, true},
		{"beside those of the first", "a b", build, true},
	}
	for _, step := range steps {
		m := remember(t, dir, step.options)
		got, recalled := lines(t, m, shop(t, step.content))
		if recalled != step.recalled {
			t.Errorf("%s: recalled %v", step.name, recalled)
		}
		if diff := cmp.Diff(strings.Fields(step.content), got); diff != "" {
			t.Errorf("%s: %s", step.name, diff)
		}
		if notices := m.Notices(); len(notices) > 0 {
			t.Errorf("%s: %v", step.name, notices)
		}
		if err := m.Close(); err != nil {
			t.Error(err)
		}
	}
	if _, err := os.Stat(filepath.Join(dir, "..", "..", "absent")); err == nil {
		t.Error("a file outside of the folder")
	}
	none, err := OpenMemory(filepath.Join(dir, "absent"), MemoryOptions{ReadOnly: true})
	if none != nil || err != nil {
		t.Errorf("a memory that is not there and may not be made: %v, %v", none, err)
	}
	if _, recalled := lines(t, none, shop(t, "a")); recalled || none.Notices() != nil || none.Close() != nil {
		t.Error("no memory remembers something")
	}
}

// What somebody or something has changed in the folder is not believed, is told, and is replaced.
func TestMemoryDamaged(t *testing.T) {
	whole := func(t *testing.T) (dir, file string) {
		t.Helper()
		dir = t.TempDir()
		m := remember(t, dir, MemoryOptions{Build: "1"})
		lines(t, m, shop(t, "a b"))
		if err := m.Close(); err != nil {
			t.Fatal(err)
		}
		return dir, filepath.Join(dir, m.file("lines"))
	}
	for name, damage := range map[string]func(file string, data []byte) error{
		"empty":   func(file string, _ []byte) error { return os.WriteFile(file, nil, 0o644) },
		"cut off": func(file string, data []byte) error { return os.WriteFile(file, data[:len(data)-1], 0o644) },
		"a bit": func(file string, data []byte) error {
			data[len(data)-1] ^= 1
			return os.WriteFile(file, data, 0o644)
		},
		"foreign": func(file string, _ []byte) error { return os.WriteFile(file, []byte(strings.Repeat("{}", 100)), 0o644) },
		"a folder": func(file string, _ []byte) error {
			return firstOf(os.Remove(file), os.Mkdir(file, 0o755))
		},
		"a link out": func(file string, _ []byte) error {
			return firstOf(os.Remove(file), os.Symlink("/etc/passwd", file))
		},
		"another build under its name": func(file string, _ []byte) error {
			other, err := OpenMemory(filepath.Dir(file), MemoryOptions{Build: "2"})
			if err != nil {
				return err
			}
			tree, err := NewTree(t.Context(), fstest.MapFS{"lock": {Data: []byte("a b")}}, Limits{})
			if err != nil {
				return err
			}
			view, inputs := tree.Recording()
			if _, err := view.ReadFile("lock"); err != nil {
				return err
			}
			other.Keep("lines", inputs, []string{"nothing"})
			return firstOf(os.Rename(filepath.Join(filepath.Dir(file), other.file("lines")), file), other.Close())
		},
	} {
		t.Run(name, func(t *testing.T) {
			dir, file := whole(t)
			data, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if err := damage(file, data); err != nil {
				t.Fatal(err)
			}
			m := remember(t, dir, MemoryOptions{Build: "1"})
			got, recalled := lines(t, m, shop(t, "a b"))
			if recalled || len(got) != 2 {
				t.Errorf("recalled %v: %v", recalled, got)
			}
			if notices := m.Notices(); len(notices) == 0 || notices[0].Code != MemoryNotice {
				t.Errorf("notices: %v", notices)
			}
			if err := m.Close(); err != nil {
				t.Error(err)
			}
		})
	}
}

// firstOf returns the first error.
func firstOf(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

func TestMemoryLimits(t *testing.T) {
	dir := t.TempDir()
	foreign := filepath.Join(dir, "notes.txt")
	if err := os.WriteFile(foreign, make([]byte, 4<<10), 0o644); err != nil {
		t.Fatal(err)
	}
	limits := MemoryLimits{File: 1 << 10, Folder: 2 << 10}
	m := remember(t, dir, MemoryOptions{Build: "1", Limits: limits})
	tree := shop(t, "a")
	_, inputs := tree.Recording()
	for _, name := range []string{"a", "b", "c", "d", "e", "f"} {
		m.Keep(name, inputs, strings.Repeat(name, 700))
	}
	m.Keep("large", inputs, strings.Repeat("x", 2<<10))
	if notices := m.Notices(); len(notices) != 1 {
		t.Errorf("a value above the limit: %v", notices)
	}
	m.Keep("function", inputs, struct{ F func() }{})
	if notices := m.Notices(); len(notices) != 2 {
		t.Errorf("a value that can't be kept: %v", notices)
	}
	if err := m.Close(); err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob(filepath.Join(dir, "*"+memoryEnd))
	if err != nil || len(files) == 0 || len(files) > 2 {
		t.Errorf("%d files are left, %v", len(files), err)
	}
	if _, err := os.Stat(foreign); err != nil {
		t.Errorf("a file that is not ours: %v", err)
	}
}

func TestWithin(t *testing.T) {
	dir := t.TempDir()
	if err := os.MkdirAll(filepath.Join(dir, "tree", "sub"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(filepath.Join(dir, "tree", "sub"), filepath.Join(dir, "link")); err != nil {
		t.Skip(err)
	}
	for name, want := range map[string]bool{
		"tree": true, "tree/sub": true, "tree/new/folder": true, "link": true, "link/new": true, "other": false, "": false, "treehouse": false,
	} {
		if got := Within(filepath.Join(dir, "tree"), filepath.Join(dir, name)); got != want {
			t.Errorf("%s: %v", name, got)
		}
	}
}
