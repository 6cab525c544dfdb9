package main

import (
	"encoding/json"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"github.com/trifecta-scanner/trifecta/inventory"
)

const syftAnswer = `{"artifacts":[
	{"name":"@scope/a","version":"1.0.0","type":"npm","purl":"pkg:npm/%40scope/a@1.0.0","locations":[{"path":"/web/package-lock.json"}]},
	{"name":"web","version":"UNKNOWN","type":"java-archive","purl":"pkg:maven/org.example/web","locations":[{"path":"/pom.xml"}]},
	{"name":"Flask_X","version":"1.0","type":"python","purl":"pkg:pypi/flask-x@1.0","locations":[{"path":"/requirements.txt"}]},
	{"name":"registry.example/hashicorp/aws","version":"4.19.0","type":"terraform","locations":[{"path":"/.terraform.lock.hcl"}]}]}`

func TestParseSyft(t *testing.T) {
	s, err := parseSyft(strings.NewReader(syftAnswer))
	if err != nil {
		t.Fatal(err)
	}
	want := map[entry]inventory.PackageLocation{
		{"web/package-lock.json", "npm", "@scope/a", "1.0.0"}:                            {},
		{"pom.xml", "Maven", "org.example:web", ""}:                                      {},
		{"requirements.txt", "PyPI", "flask-x", "1.0"}:                                   {},
		{".terraform.lock.hcl", "Terraform", "registry.example/hashicorp/aws", "4.19.0"}: {},
	}
	if diff := cmp.Diff(want, s.packages, cmp.AllowUnexported(entry{})); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

// listed is a package of a test, at a place of ours.
type listed struct {
	entry
	place inventory.PackageLocation
}

func scanOf(list ...listed) *scan {
	s := newScan()
	for _, l := range list {
		s.add(l.entry, l.place)
	}
	return s
}

func at(file, ecosystem, name, version string) listed {
	return listed{entry: entry{file, ecosystem, name, version}, place: inventory.PackageLocation{LockFile: true}}
}

func (l listed) of(origin inventory.Origin) listed {
	l.place.Origin = origin
	if origin == inventory.OriginGit {
		l.place.Commit = "0123abc"
	}
	return l
}

func (l listed) line(n int) listed {
	l.place.Line = n
	return l
}

func (l listed) manifest() listed {
	l.place.LockFile = false
	return l
}

func TestComparePackages(t *testing.T) {
	tree := fstest.MapFS{
		"package-lock.json": {Data: []byte(`{"name":"shop","version":"1.0.0","lockfileVersion":1,"dependencies":{"a":{"version":"2.0.0","dependencies":{"a":{"version":"1.0.0"}}}}}`)},
		"mix.lock":          {Data: []byte("%{\n  \"hpack\": {:hex, :hpack_erl, \"0.3.0\", \"24\"},\n}\n")},
		"go.mod": {Data: []byte("module m.example/m\n\ngo 1.24\n\nrequire m.example/used v1.0.0\n\n" +
			"replace m.example/used => m.example/fork v1.0.1\nreplace m.example/idle => m.example/idle v1.2.0\n")},
		"go.sum":           {Data: []byte("m.example/tests v0.7.0 h1:x\n")},
		"requirements.txt": {Data: []byte("flask>=1.0\njinja2==3.0\n")},
	}
	tests := []struct {
		name                string
		peer, ours          []listed
		wantPeer, wantOurs  string // the class on each side; empty where the other side has it
		wantBoth, wantCount int
	}{
		{"same", []listed{at("package-lock.json", "npm", "a", "2.0.0")}, []listed{at("package-lock.json", "npm", "a", "2.0.0")}, "", "", 1, 0},
		{"the root of a lock file", []listed{at("package-lock.json", "npm", "shop", "1.0.0")}, nil, "the project itself", "", 0, 0},
		{"another version of the root's name", []listed{at("package-lock.json", "npm", "shop", "2.0.0")}, nil, unexplained, "", 0, 1},
		{"a workspace member", []listed{at("yarn.lock", "npm", "m", "0.0.0-use.local")}, []listed{at("yarn.lock", "npm", "m", "1.0.0").of(inventory.OriginWorkspace)}, "the project itself", "the project itself", 0, 0},
		{"a commit", []listed{at("package-lock.json", "npm", "g", "git+https://host.example/g.git#0123abc")}, []listed{at("package-lock.json", "npm", "g", "").of(inventory.OriginGit)}, "a commit", "a commit", 0, 0},
		{"a floating version", []listed{at("a.csproj", "NuGet", "P", "3.*")}, []listed{at("a.csproj", "NuGet", "P", "").manifest()}, "a floating version", "a floating version", 0, 0},
		{"the lower end of a range", []listed{at("pom.xml", "Maven", "g:a", "[3.0,4.0)")}, []listed{at("pom.xml", "Maven", "g:a", "3.0").manifest()}, "a floating version", "a floating version", 0, 0},
		{"another end of a range", []listed{at("pom.xml", "Maven", "g:a", "[3.0,4.0)")}, []listed{at("pom.xml", "Maven", "g:a", "4.0")}, unexplained, unexplained, 0, 2},
		{"a range that we miss", []listed{at("pom.xml", "Maven", "g:a", "[3.0,4.0)")}, nil, unexplained, "", 0, 1},
		{"another version", []listed{at("pom.xml", "Maven", "g:a", "3.1")}, []listed{at("pom.xml", "Maven", "g:a", "3.0")}, unexplained, unexplained, 0, 2},
		{"a platform", []listed{at("Gemfile.lock", "RubyGems", "ffi", "1.17.4-arm64-darwin")}, []listed{at("Gemfile.lock", "RubyGems", "ffi", "1.17.4")}, "a platform in the version", "a platform in the version", 0, 0},
		{"an application", []listed{at("mix.lock", "Hex", "hpack", "0.3.0")}, []listed{at("mix.lock", "Hex", "hpack_erl", "0.3.0")}, "an application's name", "an application's name", 0, 0},
		{"an application that we miss", []listed{at("mix.lock", "Hex", "hpack", "0.3.0")}, nil, unexplained, "", 0, 1},
		{"an idle replacement", []listed{at("go.mod", "Go", "m.example/idle", "1.2.0")}, nil, "a replacement that nothing asks for", "", 0, 0},
		{"a replacement that is used", []listed{at("go.mod", "Go", "m.example/fork", "1.0.1")}, nil, unexplained, "", 0, 1},
		{"only in go.sum", []listed{at("go.mod", "Go", "m.example/tests", "0.7.0")}, nil, "a module outside of the build", "", 0, 0},
		{"required and missed", []listed{at("go.mod", "Go", "m.example/used", "1.0.0")}, nil, unexplained, "", 0, 1},
		{"the standard library", nil, []listed{at("go.mod", "Go", "stdlib", "1.24")}, "", "the standard library of Go", 0, 0},
		{"below another", []listed{at("package-lock.json", "npm", "a", "2.0.0")}, []listed{at("package-lock.json", "npm", "a", "2.0.0"), at("package-lock.json", "npm", "a", "1.0.0")}, "", "a version below another package", 1, 0},
		{"in another pom.xml", []listed{at("pom.xml", "Maven", "g:a", ""), at("b/pom.xml", "Maven", "g:b", "1")},
			[]listed{at("pom.xml", "Maven", "g:a", ""), at("b/pom.xml", "Maven", "g:a", ""), at("b/pom.xml", "Maven", "g:b", "1")}, "", "a package of several pom.xml", 2, 0},
		{"a range in another pom.xml", []listed{at("pom.xml", "Maven", "g:a", "(3.0,4.0]"), at("b/pom.xml", "Maven", "g:b", "1")},
			[]listed{at("pom.xml", "Maven", "g:a", "3.0"), at("b/pom.xml", "Maven", "g:a", "3.0"), at("b/pom.xml", "Maven", "g:b", "1")}, "a floating version", "a package of several pom.xml", 1, 0},
		{"a manifest without a version", []listed{at("a.csproj", "NuGet", "b", "1")}, []listed{at("a.csproj", "NuGet", "b", "1"), at("a.csproj", "NuGet", "c", "").manifest()}, "", "a line without an exact version", 1, 0},
		{"a manifest", nil, []listed{at("package.json", "npm", "a", "1.0.0").manifest()}, "", "a manifest", 0, 0},
		{"no exact version", nil, []listed{at("requirements.txt", "PyPI", "flask", "1.0").line(1)}, "", "a line without an exact version", 0, 0},
		{"an exact version", []listed{at("requirements.txt", "PyPI", "x", "1")}, []listed{at("requirements.txt", "PyPI", "x", "1"), at("requirements.txt", "PyPI", "jinja2", "3.0").line(2)}, "", unexplained, 1, 1},
		{"a lock file that the peer does not read", nil, []listed{at("uv.lock", "PyPI", "a", "1")}, "", "a file that the peer does not read", 0, 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c := comparePackages("Syft", scanOf(tt.peer...), scanOf(tt.ours...), tree)
			class := func(list []packageDifference) string {
				if len(list) == 0 {
					return ""
				}
				return list[0].class
			}
			if got := class(c.missing); got != tt.wantPeer {
				t.Errorf("only the peer's: %q, want %q", got, tt.wantPeer)
			}
			if got := class(c.extra); got != tt.wantOurs {
				t.Errorf("only ours: %q, want %q", got, tt.wantOurs)
			}
			if c.both != tt.wantBoth || c.notExplained != tt.wantCount {
				t.Errorf("%d of both and %d not explained, want %d and %d", c.both, c.notExplained, tt.wantBoth, tt.wantCount)
			}
		})
	}
}

func TestRenderPackages(t *testing.T) {
	ours, err := parseOurs(json.NewDecoder(strings.NewReader(ourAnswer)))
	if err != nil {
		t.Fatal(err)
	}
	c := comparison{repository: "o/r", packages: []packageComparison{comparePackages("Syft", newScan(), ours, fstest.MapFS{})}}
	table := renderPackages([]comparison{c})
	for _, want := range []string{"| o/r | 0 | 0 | 2 |", "| **all** | 0 | 0 | 2 |", "| the standard library of Go | Syft | Go | 0 | 1 |"} {
		if !strings.Contains(table, want) {
			t.Errorf("%q is missing in\n%s", want, table)
		}
	}
}
