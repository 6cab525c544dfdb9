package ecosystem

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/trifecta-scanner/trifecta/inventory"
)

func TestCargoOrigin(t *testing.T) {
	for _, tt := range []struct {
		source string
		origin inventory.Origin
		commit string
	}{
		{"", inventory.OriginWorkspace, ""},
		{"registry+https://github.com/rust-lang/crates.io-index", inventory.OriginRegistry, ""},
		{"sparse+https://index" + ".crates.io/", inventory.OriginRegistry, ""},
		{"registry+https://registry.example/index", inventory.OriginPrivate, ""},
		{"sparse+https://registry.example/crates/", inventory.OriginPrivate, ""},
		{"git+https://git.example/x?rev=abc#abcdef", inventory.OriginGit, "abcdef"},
		{"git+https://git.example/x", inventory.OriginGit, ""},
		{"path+file:///x", inventory.OriginPath, ""},
		{"nonsense", inventory.OriginURL, ""},
	} {
		if origin, commit := cargoOrigin(tt.source); origin != tt.origin || commit != tt.commit {
			t.Errorf("cargoOrigin(%q) = %s, %q; want %s, %q", tt.source, origin, commit, tt.origin, tt.commit)
		}
	}
}

func TestCargoMay(t *testing.T) {
	for _, tt := range []struct {
		want, version string
		ok            bool
	}{
		{"1", "1.2.3", true}, {"^1.2", "1.9.0", true}, {"=2.0.1", "2.0.1", true}, {">= 1.0, < 2", "1.4.0", true},
		{"0.2", "0.2.12", true}, {"0.2", "0.3.0", false}, {"1", "2.0.0", false}, {"0", "0.3.0", false}, {"", "1.0.0", false},
	} {
		if ok := cargoMay(tt.want, tt.version); ok != tt.ok {
			t.Errorf("cargoMay(%q, %q) = %t, want %t", tt.want, tt.version, ok, tt.ok)
		}
	}
}

// treeOf returns a tree of the given files, name and content in turn.
func treeOf(tb testing.TB, files ...string) *inventory.Tree {
	tb.Helper()
	fsys := fstest.MapFS{}
	for i := 0; i+1 < len(files); i += 2 {
		fsys[files[i]] = &fstest.MapFile{Data: []byte(files[i+1])}
	}
	tree, err := inventory.NewTree(tb.Context(), fsys, inventory.Limits{})
	if err != nil {
		tb.Fatal(err)
	}
	return tree
}

// seed adds the files of that name below testdata/ECOSYSTEM to a fuzz target.
func seed(f *testing.F, ecosystem, name string) {
	f.Helper()
	found, err := filepath.Glob(filepath.Join("testdata", ecosystem, "*", name))
	if err != nil || len(found) == 0 {
		f.Fatalf("no %s below testdata/%s: %v", name, ecosystem, err)
	}
	for _, file := range found {
		data, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(string(data))
	}
}

// checkDocument fails where a reader broke its promises: entries have names, indices are in range, places are in the
// file.
func checkDocument(tb testing.TB, doc *Document) {
	tb.Helper()
	if doc == nil {
		return
	}
	for i, e := range doc.Entries {
		if e.Name == "" || e.Location.Path == "" || e.Location.Line < 1 || e.Scope == "" || e.Origin == "" {
			tb.Errorf("entry %d is incomplete: %+v", i, e)
		}
		for _, need := range e.Needs {
			if need < 0 || need >= len(doc.Entries) {
				tb.Errorf("entry %d needs %d of %d entries", i, need, len(doc.Entries))
			}
		}
		doc.ManifestOf(i)
	}
}

func FuzzCargoLock(f *testing.F) {
	seed(f, "crates.io", "Cargo.lock")
	manifest, err := os.ReadFile("testdata/crates.io/package/Cargo.toml")
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, lock string) {
		tree := treeOf(t, "Cargo.lock", lock, "Cargo.toml", string(manifest))
		doc, _ := readCargoLock(t.Context(), tree, "Cargo.lock")
		checkDocument(t, doc)
	})
}

func FuzzCargoTOML(f *testing.F) {
	seed(f, "crates.io", "Cargo.toml")
	lock, err := os.ReadFile("testdata/crates.io/package/Cargo.lock")
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, manifest string) {
		tree := treeOf(t, "Cargo.lock", string(lock), "Cargo.toml", manifest)
		doc, _ := readCargoLock(t.Context(), tree, "Cargo.lock")
		checkDocument(t, doc)
	})
}

// TestTOMLHostile reads files that are meant to exhaust a parser.
func TestTOMLHostile(t *testing.T) {
	for name, data := range map[string]string{
		"nested arrays":   "a = " + strings.Repeat("[", 1<<20),
		"nested tables":   "a = " + strings.Repeat("{a=", 1<<18),
		"long key":        strings.Repeat("a.", 1<<18) + "a = 1",
		"many values":     "a = [" + strings.Repeat("1,\n", maxTOMLValues+1) + "]",
		"many keys":       strings.Repeat("a = 1\n", 1<<18),
		"many bad lines":  strings.Repeat("[[package]]\na = \"\"\"\\\n", 1<<15),
		"endless line":    strings.Repeat("a", 2*maxTOMLLine),
		"not UTF-8":       "[[package]]\nname = \"\xff\"\n",
		"array and table": "package = 1\n[[package]]\nname = \"a\"\n",
		"conflict":        "[a]\nb = 1\n[[a]]\nb = 2\n[a.b.c]\n",
	} {
		t.Run(name, func(t *testing.T) {
			start := time.Now()
			f := parseTOML([]byte(data), "x.toml")
			if len(f.problems) == 0 {
				t.Error("no problem was reported")
			}
			if took := time.Since(start); took > 5*time.Second {
				t.Errorf("took %v", took)
			}
		})
	}
}

func FuzzTOML(f *testing.F) {
	seed(f, "crates.io", "Cargo.lock")
	seed(f, "crates.io", "Cargo.toml")
	f.Add("a.b = {c = [1, {d = 2}], e.f = \"\\u00e9\"}\r\n[x.'y z'] # comment\n")
	f.Fuzz(func(t *testing.T, data string) {
		file := parseTOML([]byte(data), "x.toml")
		var check func(v *tomlValue)
		check = func(v *tomlValue) {
			if v.start < 0 || v.end > len(data) {
				t.Fatalf("a value from %d to %d in %d bytes", v.start, v.end, len(data))
			}
			for _, item := range v.items {
				check(item)
			}
			if v.table != nil {
				for _, m := range v.table.members {
					if m.start < 0 || m.start > len(data) {
						t.Fatalf("a member at %d in %d bytes", m.start, len(data))
					}
					check(m.value)
				}
			}
		}
		for _, m := range file.root.members {
			check(m.value)
		}
	})
}

func BenchmarkCargoLock(b *testing.B) {
	var lock strings.Builder
	lock.WriteString("version = 4\n")
	const packages = 1000
	for i := range packages {
		fmt.Fprintf(&lock, "\n[[package]]\nname = \"crate-%d\"\nversion = \"1.%d.0\"\n", i, i)
		if i > 0 {
			fmt.Fprintf(&lock, "source = \"registry+https://github.com/rust-lang/crates.io-index\"\nchecksum = \"%064x\"\n", i)
		}
		lock.WriteString("dependencies = [\n")
		for j := 4*i + 1; j < min(4*i+5, packages); j++ {
			fmt.Fprintf(&lock, " \"crate-%d\",\n", j)
		}
		lock.WriteString("]\n")
	}
	tree := treeOf(b, "Cargo.lock", lock.String())
	b.SetBytes(int64(lock.Len()))
	b.ReportAllocs()
	for b.Loop() {
		doc, err := readCargoLock(b.Context(), tree, "Cargo.lock")
		if err != nil || len(doc.Entries) != packages {
			b.Fatal(len(doc.Entries), err)
		}
	}
}
