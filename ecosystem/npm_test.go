package ecosystem

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/trifecta-scanner/trifecta/inventory"
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

func TestNPMOrigin(t *testing.T) {
	for address, want := range map[string]inventory.Origin{
		"":                             inventory.OriginRegistry,
		"^1.2.3":                       inventory.OriginRegistry,
		">=1.0.0 <2.0.0 || 3":          inventory.OriginRegistry,
		"latest":                       inventory.OriginRegistry,
		"npm:lodash@4.17.15":           inventory.OriginRegistry,
		"owner/name":                   inventory.OriginGit,
		"owner/name#semver:^1.0.0":     inventory.OriginGit,
		"github:owner/name":            inventory.OriginGit,
		"git+ssh://git@host/a.git#abc": inventory.OriginGit,
		"git@host.example:owner/a.git": inventory.OriginGit,
		"https://host.example/a.git":   inventory.OriginGit,
		"https://host.example/owner/a/archive/0123456789abcdef0123456789abcdef01234567.tar.gz":     inventory.OriginGit,
		"https://host.example/owner/a/-/archive/0123456789abcdef0123456789abcdef01234567/a.tar.gz": inventory.OriginGit,
		"https://registry.example/a/-/a-1.0.0.tgz":                                                 inventory.OriginRegistry,
		"https://host.example/a.tgz":                                                               inventory.OriginURL,
		"file:../a":                                                                                inventory.OriginPath,
		"link:../a":                                                                                inventory.OriginPath,
		"portal:../a":                                                                              inventory.OriginPath,
		"../a":                                                                                     inventory.OriginPath,
		"~/a":                                                                                      inventory.OriginPath,
		"workspace:^":                                                                              inventory.OriginWorkspace,
	} {
		if got := npmOrigin(address); got != want {
			t.Errorf("npmOrigin(%q) = %s, want %s", address, got, want)
		}
	}
}

func TestNPMCommit(t *testing.T) {
	const sum = "0123456789abcdef0123456789abcdef01234567"
	for address, want := range map[string]string{
		"git+ssh://git@host.example/a.git#" + sum:                 sum,
		"https://host.example/a.git#commit=" + sum:                sum,
		"https://host.example/a.git#workspace=b&commit=" + sum:    sum,
		"https://host.example/owner/a/tar.gz/" + sum:              sum,
		"https://host.example/owner/a/archive/" + sum + ".tar.gz": sum,
		"owner/a#semver:^1.0.0":                                   "",
		"owner/a":                                                 "",
	} {
		if got := npmCommit(address); got != want {
			t.Errorf("npmCommit(%q) = %q, want %q", address, got, want)
		}
	}
}

func TestIntegrity(t *testing.T) {
	const sha512 = "sha512-bC7ElrdJaJnPbAP+1EotYvqZsb3ecl5wi6Bfi6BJTUcNowp6cvspg0jXznRTKDjm/E7AdgFBVeAPVMNcKGsHMA=="
	for value, want := range map[string]string{
		"sha1-2jmj7l5rSw0yVb/vlWAYkK/YBwk=":           "SHA-1 da39a3ee5e6b4b0d3255bfef95601890afd80709",
		"sha1-2jmj7l5rSw0yVb/vlWAYkK/YBwk=?a=b":       "SHA-1 da39a3ee5e6b4b0d3255bfef95601890afd80709",
		"sha1-2jmj7l5rSw0yVb/vlWAYkK/YBwk= " + sha512: "SHA-512 6c2ec496b7496899cf6c03fed44a2d62fa99b1bdde725e708ba05f8ba0494d470da30a7a72fb298348d7ce74532838e6fc4ec076014155e00f54c35c286b0730",
		"sha512-":                      "",
		"sha512-AAAA":                  "",
		"sha512-not base64":            "",
		"md5-1B2M2Y8AsgTpgAmY7PhCfg==": "",
		"":                             "",
	} {
		h, ok := integrity(value)
		if got := strings.TrimSpace(h.Algorithm + " " + h.Value); got != want || ok != (want != "") {
			t.Errorf("integrity(%q) = %q, %t, want %q", value, got, ok, want)
		}
	}
}

func TestMatchesWorkspace(t *testing.T) {
	patterns := []string{"packages/*", "./apps/**", "!packages/old", "tools/", "[broken"}
	for dir, want := range map[string]bool{
		"packages/a": true, "packages/old": false, "packages/a/b": false, "apps/a/b": true, "tools": true, "other": false,
	} {
		if got := matchesWorkspace(patterns, dir); got != want {
			t.Errorf("matchesWorkspace(%q) = %t, want %t", dir, got, want)
		}
	}
}

func TestInstalledPackage(t *testing.T) {
	for _, tt := range []struct {
		file, project, name string
		ok                  bool
	}{
		{"node_modules/a/package.json", ".", "a", true},
		{"web/node_modules/@s/a/package.json", "web", "@s/a", true},
		{"web/node_modules/a/node_modules/b/package.json", "web", "", true},
		{"node_modules/a/dist/package.json", "", "", false},
		{"node_modules/@s/package.json", "", "", false},
		{"node_modules/.bin/package.json", "", "", false},
		{"node_modules/package.json", "", "", false},
		{"a/package.json", "", "", false},
	} {
		project, name, ok := installedPackage(tt.file)
		if project != tt.project || name != tt.name || ok != tt.ok {
			t.Errorf("installedPackage(%q) = %q, %q, %t", tt.file, project, name, ok)
		}
	}
}
