package ecosystem

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// seeds adds to f the files of testdata with one of these base names.
func seeds(f *testing.F, names ...string) {
	f.Helper()
	err := filepath.WalkDir("testdata", func(path string, d os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if !d.IsDir() && base(names...)(filepath.ToSlash(path)) {
			data, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			f.Add(data)
		}
		return nil
	})
	if err != nil {
		f.Fatal(err)
	}
}

// checkDocument fails the test where a document breaks a promise that holds for every input.
func checkPlaces(tb testing.TB, doc *Document, data []byte) {
	tb.Helper()
	if doc == nil {
		return
	}
	lines := bytes.Count(data, []byte("\n")) + 1
	for i, e := range doc.Entries {
		if e.Location.Line < 1 || e.Location.EndLine > lines || e.Location.EndLine < e.Location.Line {
			tb.Fatalf("entry %q has place %+v in a file of %d lines", e.Name, e.Location, lines)
		}
		if e.Scope == "" || e.Origin == "" {
			tb.Fatalf("entry %q has scope %q and origin %q", e.Name, e.Scope, e.Origin)
		}
		if len(e.Chain) > maxChain {
			tb.Fatalf("entry %q has a chain of %d", e.Name, len(e.Chain))
		}
		for _, need := range e.Needs {
			if need < 0 || need >= len(doc.Entries) {
				tb.Fatalf("entry %q needs entry %d of %d", e.Name, need, len(doc.Entries))
			}
		}
		doc.ManifestOf(i)
	}
}

func FuzzPackageLock(f *testing.F) {
	seeds(f, "package-lock.json", "npm-shrinkwrap.json")
	f.Fuzz(func(t *testing.T, data []byte) {
		doc, _ := readPackageLock(t.Context(), treeOf(t,
			"package-lock.json", string(data), "package.json", `{"name": "x", "dependencies": {"a": "*"}}`), "package-lock.json")
		checkPlaces(t, doc, data)
	})
}

func FuzzPackageJSON(f *testing.F) {
	seeds(f, "package.json")
	f.Fuzz(func(t *testing.T, data []byte) {
		if m, _ := parsePackageJSON("package.json", data); m == nil {
			t.Error("no manifest")
		}
	})
}

func TestPackageLockBadInput(t *testing.T) {
	deep := strings.Repeat(`{"dependencies":{"a":`, 3000) + `{"version":"1.0.0"}` + strings.Repeat(`}}`, 3000)
	tests := []struct {
		name    string
		data    string
		want    []string // name@version
		err     string
		notices []string
	}{
		{name: "empty", data: "", err: "package-lock.json:1: unexpected EOF"},
		{name: "not an object", data: "[]", err: "package-lock.json:1: want a JSON object"},
		{name: "null", data: "null", err: "package-lock.json:1: want a JSON object"},
		{
			name: "cut off",
			data: "{\"packages\": {\n\"node_modules/a\": {\"version\": \"1.0.0\"},\n\"node_modules/b\": {\"version\": \"2.0.0\", \"resol",
			want: []string{"a@1.0.0", "b@2.0.0"}, err: "package-lock.json:3: unexpected EOF",
		},
		{
			name: "merge conflict",
			data: "{\"packages\": {\n\"node_modules/a\": {\"version\": \"1.0.0\"},\n<<<<<<< HEAD\n\"node_modules/b\": {}}}",
			want: []string{"a@1.0.0"}, err: "package-lock.json:3: invalid character '<' at start of value",
		},
		{
			name: "two texts", data: "{\"dependencies\": {\"a\": {\"version\": \"1.0.0\"}}}\n{}",
			want: []string{"a@1.0.0"}, err: "package-lock.json:2: want nothing after the JSON object",
		},
		{name: "byte order mark", data: "\xef\xbb\xbf{\"dependencies\": {\"a\": {\"version\": \"1.0.0\"}}}", want: []string{"a@1.0.0"}},
		{name: "same name twice", data: `{"dependencies": {"a": {"version": "1.0.0"}, "a": {"version": "2.0.0"}}}`, want: []string{"a@1.0.0", "a@2.0.0"}},
		{
			name: "cyclic", data: `{"dependencies": {"a": {"version": "1.0.0", "requires": {"b": "*"}}, "b": {"version": "1.0.0", "requires": {"a": "*"}}}}`,
			want: []string{"a@1.0.0", "b@1.0.0"},
		},
		{name: "nested arrays", data: `{"packages":` + strings.Repeat("[", 100_000), err: "package-lock.json:1: exceeded max depth"},
		{
			name: "nested packages", data: `{"dependencies":{"a":` + deep + `}}`,
			want: slicesRepeat("a@", npmDepth), notices: []string{"entry-too-deep"},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			doc, err := readPackageLock(t.Context(), treeOf(t, "package-lock.json", tt.data), "package-lock.json")
			checkPlaces(t, doc, []byte(tt.data))
			var got []string
			for _, e := range doc.Entries {
				got = append(got, e.Name+"@"+e.Version)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("entries (-want +got):\n%s", diff)
			}
			if message := fmt.Sprint(err); err != nil && message != tt.err || err == nil && tt.err != "" {
				t.Errorf("got error %v, want %s", err, tt.err)
			}
			for _, code := range tt.notices {
				if !strings.Contains(fmt.Sprint(noticeCodes(doc)), code) {
					t.Errorf("no notice %s among %v", code, noticeCodes(doc))
				}
			}
		})
	}
}

func slicesRepeat(s string, n int) []string {
	all := make([]string, n)
	for i := range all {
		all[i] = s
	}
	return all
}

func noticeCodes(doc *Document) []string {
	var codes []string
	for _, n := range doc.Notices {
		codes = append(codes, n.Code)
	}
	return codes
}

// bigPackageLock makes a lock file of n packages, each of which needs the next two.
func bigPackageLock(n int) string {
	var b strings.Builder
	b.WriteString("{\n  \"name\": \"big\",\n  \"lockfileVersion\": 3,\n  \"packages\": {\n    \"\": {\n      \"dependencies\": {\"p0\": \"^1.0.0\"}\n    }")
	for i := range n {
		fmt.Fprintf(&b, `,
    "node_modules/p%d": {
      "version": "1.%d.0",
      "resolved": "https://registry.example/p%[1]d/-/p%[1]d-1.%[2]d.0.tgz",
      "integrity": "sha512-bC7ElrdJaJnPbAP+1EotYvqZsb3ecl5wi6Bfi6BJTUcNowp6cvspg0jXznRTKDjm/E7AdgFBVeAPVMNcKGsHMA==",
      "license": "MIT",
      "engines": {
        "node": ">=12"
      },
      "dependencies": {
        "p%[3]d": "^1.0.0",
        "p%[4]d": "^1.0.0"
      }
    }`, i, i%50, (i+1)%n, (i+2)%n)
	}
	b.WriteString("\n  }\n}\n")
	return b.String()
}

func BenchmarkPackageLock(b *testing.B) {
	for _, n := range []int{1_274, 12_740} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			data := bigPackageLock(n)
			tree := treeOf(b, "package-lock.json", data)
			b.SetBytes(int64(len(data)))
			b.ReportAllocs()
			for b.Loop() {
				doc, err := readPackageLock(b.Context(), tree, "package-lock.json")
				if err != nil || len(doc.Entries) != n {
					b.Fatalf("%d entries, %v", len(doc.Entries), err)
				}
			}
		})
	}
}
