package inventory

import (
	"maps"
	"testing"
	"testing/fstest"
)

// TestUnchanged asks a tree everything that a reader can, and changes one thing at a time.
func TestUnchanged(t *testing.T) {
	files := func(change func(fstest.MapFS)) *Tree {
		fsys := fstest.MapFS{
			"pom.xml": {Data: []byte("pom")}, "a/pom.xml": {Data: []byte("a")}, "b/b.csproj": {}, "other": {Data: []byte("x")},
			"lock": {Data: []byte("lock")},
		}
		change(fsys)
		tree, err := NewTree(t.Context(), fsys, Limits{})
		if err != nil {
			t.Fatal(err)
		}
		return tree
	}
	readings := map[string]func(*Tree){
		"content":  func(t *Tree) { _, _ = t.ReadFile("lock") },
		"absent":   func(t *Tree) { _, _ = t.ReadFile("gone") },
		"presence": func(t *Tree) { t.Has("gone") },
		"named":    func(t *Tree) { t.Named("pom.xml") },
		"suffix":   func(t *Tree) { t.WithSuffix(".csproj") },
		"files":    func(t *Tree) { t.Files() },
		"parse": func(t *Tree) {
			_, _ = Parse(t, "pom.xml", "pom", func(data []byte) (string, error) { return string(data), nil })
		},
		"derive": func(t *Tree) {
			Derive(t, "index", func() int {
				_, _ = Parse(t, "a/pom.xml", "pom", func(data []byte) (string, error) { return string(data), nil })
				return len(t.Named("lock"))
			})
		},
	}
	for _, tt := range []struct {
		name    string
		change  func(fstest.MapFS)
		touches []string // the readings that must notice
	}{
		{"nothing", func(fstest.MapFS) {}, nil},
		{"another file's content", func(f fstest.MapFS) { f["other"] = &fstest.MapFile{Data: []byte("y")} }, nil},
		{"another file", func(f fstest.MapFS) { f["README.md"] = &fstest.MapFile{} }, []string{"files"}},
		{"the content", func(f fstest.MapFS) { f["lock"] = &fstest.MapFile{Data: []byte("new")} }, []string{"content"}},
		{"a file that was missing", func(f fstest.MapFS) { f["gone"] = &fstest.MapFile{} }, []string{"absent", "presence", "files"}},
		{"one more of a name", func(f fstest.MapFS) { f["c/pom.xml"] = &fstest.MapFile{} }, []string{"named", "files"}},
		{"one more of an ending", func(f fstest.MapFS) { f["c/c.csproj"] = &fstest.MapFile{} }, []string{"suffix", "files"}},
		{"a parsed file", func(f fstest.MapFS) { f["pom.xml"] = &fstest.MapFile{Data: []byte("new")} }, []string{"parse"}},
		{"a file behind an index", func(f fstest.MapFS) { f["a/pom.xml"] = &fstest.MapFile{Data: []byte("new")} }, []string{"derive"}},
		{"a file that the index lists", func(f fstest.MapFS) { f["c/lock"] = &fstest.MapFile{} }, []string{"derive", "files"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			before, after := files(func(fstest.MapFS) {}), files(tt.change)
			want := map[string]bool{}
			for _, name := range tt.touches {
				want[name] = true
			}
			got := map[string]bool{}
			for range 2 { // the second reading finds parsed values and must depend on the same
				for name, read := range readings {
					view, inputs := before.Recording()
					read(view)
					if !before.Unchanged(inputs) {
						t.Errorf("%s: changed in its own tree", name)
					}
					if !after.Unchanged(inputs) {
						got[name] = true
					}
				}
				if !maps.Equal(got, want) {
					t.Errorf("changed: %v, want %v", got, want)
				}
			}
		})
	}
}
