package imports

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"github.com/trifecta-scanner/trifecta/inventory"
)

func tree(tb testing.TB, files map[string]string) *inventory.Tree {
	tb.Helper()
	fsys := fstest.MapFS{}
	for name, text := range files {
		fsys[name] = &fstest.MapFile{Data: []byte(text)}
	}
	t, err := inventory.NewTree(tb.Context(), fsys, inventory.Limits{})
	if err != nil {
		tb.Fatal(err)
	}
	return t
}

func TestAnswer(t *testing.T) {
	npm := map[string]string{
		"web/package.json": `{"scripts": {"start": "gunicorn-like serve"}, "dependencies": {"express": "4", "lodash": "4", "gone": "1", "serve": "1", "vue-loader": "1", "chai": "4"}}`,
		"web/server.js":    "const e = require('express')\nimport {\n  map\n} from \"lodash/fp\"\n",
		"web/webpack.js":   "module.exports = { loader: 'vue-loader' }\n",
		"web/test/a.js":    "import chai from 'chai'\n",
		"api/package.json": `{}`, "api/package-lock.json": "{}", "api/a.js": "require('gone')\n",
	}
	for _, tt := range []struct {
		name  string
		files map[string]string
		q     Question
		want  string // use, tests and line
	}{
		{"npm", npm, Question{"npm", "express", "web/package-lock.json", true}, "imported web/server.js:1"},
		{"a path inside a package", npm, Question{"npm", "lodash", "web/package-lock.json", true}, "imported web/server.js:4"},
		{"named nowhere, but in another project", npm, Question{"npm", "gone", "web/package-lock.json", true}, "not-imported"},
		{"a transitive one may be used by its parent", npm, Question{"npm", "gone", "web/package-lock.json", false}, "not-analysed"},
		{"a script runs it", npm, Question{"npm", "serve", "web/package-lock.json", true}, "not-analysed"},
		{"a configuration names it", npm, Question{"npm", "vue-loader", "web/package-lock.json", true}, "not-analysed"},
		{"tests only", npm, Question{"npm", "chai", "web/package-lock.json", true}, "not-imported tests web/test/a.js:1"},
		{"no sources", map[string]string{"package-lock.json": "{}"}, Question{"npm", "express", "package-lock.json", true}, "not-analysed"},
		{
			"Go", map[string]string{"go.mod": "module m\n\nrequire golang.org/x/text v0.3.0\n", "a.go": "package a\n\nimport _ \"golang.org/x/text/language\"\n"},
			Question{"Go", "golang.org/x/text", "go.mod", true}, "imported a.go:3",
		},
		{
			"Go, a longer name", map[string]string{"go.mod": "module m\n\nrequire golang.org/x/text v0.3.0\n", "a.go": "package a\n\nimport _ \"golang.org/x/textual\"\n"},
			Question{"Go", "golang.org/x/text", "go.mod", true}, "not-imported",
		},
		{
			"Python, another name", map[string]string{"poetry.lock": "", "a.py": "import os, yaml as y\n"},
			Question{"PyPI", "PyYAML", "poetry.lock", true}, "imported a.py:1",
		},
		{
			"Python, names unknown", map[string]string{"poetry.lock": "", "a.py": "import os\n"},
			Question{"PyPI", "some-thing", "poetry.lock", true}, "not-analysed",
		},
		{
			"Python, a setting", map[string]string{"poetry.lock": "", "settings.py": "INSTALLED_APPS = ['rest_framework']\n"},
			Question{"PyPI", "djangorestframework", "poetry.lock", true}, "not-analysed",
		},
		{
			"Python, run by a container", map[string]string{"poetry.lock": "", "a.py": "import os\n", "Dockerfile": "CMD [\"waitress-serve\"]\nRUN python -m waitress\n"},
			Question{"PyPI", "waitress", "poetry.lock", true}, "not-analysed",
		},
		{
			"Python, gone", map[string]string{"requirements.txt": "requests==2.0\n", "a.py": "import os\n"},
			Question{"PyPI", "requests", "requirements.txt", true}, "not-imported",
		},
		{
			"Java", map[string]string{"pom.xml": "<x/>", "src/main/java/A.java": "package a;\nimport org.apache.commons.text.StringSubstitutor;\n"},
			Question{"Maven", "org.apache.commons:commons-text", "pom.xml", true}, "imported src/main/java/A.java:2",
		},
		{
			"Java, what a framework loads", map[string]string{"pom.xml": "<x/>", "src/main/java/A.java": "package a;\n"},
			Question{"Maven", "org.apache.logging.log4j:log4j-core", "pom.xml", true}, "not-analysed",
		},
		{
			"Rust", map[string]string{"Cargo.lock": "", "src/main.rs": "use serde_json::Value;\n"},
			Question{"crates.io", "serde-json", "Cargo.lock", true}, "imported src/main.rs:1",
		},
		{
			"Rust, a macro", map[string]string{"Cargo.lock": "", "src/main.rs": "fn main() { smallvec![1]; }\n"},
			Question{"crates.io", "smallvec", "Cargo.lock", true}, "imported src/main.rs:1",
		},
		{
			"Ruby, all are loaded", map[string]string{"Gemfile.lock": "", "app.rb": "Bundler.require(:default)\n"},
			Question{"RubyGems", "nokogiri", "Gemfile.lock", true}, "not-analysed",
		},
		{"an ecosystem without sources", nil, Question{"Packagist", "a/b", "composer.lock", true}, "not-analysed"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			a := New(tree(t, tt.files)).Answer(t.Context(), tt.q)
			got := string(a.Use)
			if a.Tests {
				got += " tests"
			}
			if a.Location.Line > 0 {
				got += fmt.Sprintf(" %s:%d", a.Location.Path, a.Location.Line)
			}
			if got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

func TestImports(t *testing.T) {
	for _, tt := range []struct {
		lang *language
		text string
		want []string
	}{
		{&javascript, "import a from 'a'; export * from \"b/c\"\nconst d = await import(`@e/f/g`)\nimport './h'; require(\n  'i')\nfrom = 'j'", []string{"@e/f/g", "a", "b/c", "i"}},
		{&python, "import a.b, c as d\nfrom e.f import (g)\n  import h\n# no import x\nfrom . import i\n", []string{"a.b", "c", "e.f", "h"}},
		{&golang, "package a\nimport (\n\t\"b/c\"\n\td \"e\"\n)\n", []string{"b/c", "e"}},
		{&golang, "no go at all", nil},
		{&rust, "use a::b;\nextern crate c;\n#[d(e)]\nfn f() { g::h::i(); j!(); k.l(); }", []string{"a", "c", "d", "g", "j"}},
		{&java, "import a.b.C;\nimport static d.e.F.g;\nh.i.J x; k.l();", []string{"a.b.C", "d.e.F.g", "h.i.J"}},
		{&ruby, "require 'a'\nrequire_relative 'b'\nautoload :C, \"c/d\"\n", []string{"a", "c/d"}},
	} {
		got := map[string]bool{}
		tt.lang.imports([]byte(tt.text), func(module string, offset int) {
			got[module] = true
			if !strings.HasPrefix(tt.text[offset:], module) {
				t.Errorf("%s is not at %d of %q", module, offset, tt.text)
			}
		}, func(string) {})
		if diff := cmp.Diff(tt.want, slices.Sorted(maps.Keys(got))); diff != "" {
			t.Errorf("%q (-want +got):\n%s", tt.text, diff)
		}
	}
}

func FuzzImports(f *testing.F) {
	for _, seed := range []string{"import a from 'a'", "from a import b", "package a\nimport \"b\"", "use a::b;", "require 'a'", "import org.a.B;", "\xff\x00'"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		for _, lang := range languages {
			lang.imports(data, func(module string, offset int) {
				if module == "" || offset < 0 || offset > len(data) {
					t.Errorf("%s: %q at %d", lang.ecosystem, module, offset)
				}
			}, func(string) {})
		}
	})
}

func BenchmarkAnswer(b *testing.B) {
	files := map[string]string{"package.json": "{}"}
	for i := range 1000 {
		files[fmt.Sprintf("src/%d.js", i)] = "import a from 'a'\n" + strings.Repeat("const value = call('text', other)\n", 100)
	}
	tr := tree(b, files)
	for b.Loop() {
		if a := New(tr).Answer(b.Context(), Question{"npm", "a", "package-lock.json", true}); a.Use != Imported {
			b.Fatal(a)
		}
	}
}
