package sbom_test

import (
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"github.com/trifecta-scanner/trifecta/inventory"
	"github.com/trifecta-scanner/trifecta/sbom"
)

// A scan that recalls what an earlier one has read finds the same, whatever changed in between.
func TestMemory(t *testing.T) {
	dir := t.TempDir()
	lock := `{"lockfileVersion": 3, "packages": {"": {"dependencies": {"a": "1"}}, "node_modules/a": {"version": "1.0.0", "resolved": "https://registry.example/a-1.0.0.tgz", "license": "MIT"}}}`
	start := func() fstest.MapFS {
		return fstest.MapFS{
			"web/package-lock.json": {Data: []byte(lock)},
			"web/package.json":      {Data: []byte(`{"dependencies": {"a": "1"}}`)},
			"py/requirements.txt":   {Data: []byte("b==1\n-r more.txt\n")},
			"py/more.txt":           {Data: []byte("c==2\n")},
			"bad/package-lock.json": {Data: []byte("{")},
			"README":                {Data: []byte("hello")},
		}
	}
	for _, step := range []struct {
		name     string
		change   func(fstest.MapFS)
		recalled bool
	}{
		{"first", func(fstest.MapFS) {}, false},
		{"again", func(fstest.MapFS) {}, true},
		{"what nobody reads", func(f fstest.MapFS) {
			f["README"] = &fstest.MapFile{Data: []byte("bye")}
			f["new.md"] = &fstest.MapFile{}
		}, true},
		{"an included file", func(f fstest.MapFS) { f["py/more.txt"] = &fstest.MapFile{Data: []byte("c==3\n")} }, false},
		{"a manifest that moves lines", func(f fstest.MapFS) {
			f["web/package.json"] = &fstest.MapFile{Data: []byte("{\n\n\"dependencies\": {\"a\": \"1\"}}")}
		}, false},
		{"one file less", func(f fstest.MapFS) { delete(f, "py/requirements.txt") }, false},
		{"as at first", func(fstest.MapFS) {}, true},
	} {
		t.Run(step.name, func(t *testing.T) {
			fsys := start()
			step.change(fsys)
			read := func(memory *inventory.Memory) *inventory.Inventory {
				tree, err := inventory.NewTree(t.Context(), fsys, inventory.Limits{})
				if err != nil {
					t.Fatal(err)
				}
				inv, err := sbom.Source{Memory: memory}.Read(t.Context(), tree)
				if err != nil {
					t.Fatal(err)
				}
				return inv
			}
			want := read(nil)
			memory, err := inventory.OpenMemory(dir, inventory.MemoryOptions{Build: "1"})
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = memory.Close() }() // the next step would find what is missing
			if diff := cmp.Diff(want, read(memory)); diff != "" {
				t.Error(diff)
			}
			if len(memory.Notices()) > 0 {
				t.Error(memory.Notices())
			}
			if kept := memory.Kept(); (kept == 0) != step.recalled {
				t.Errorf("%d values were kept", kept)
			}
		})
	}
}
