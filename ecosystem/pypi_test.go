package ecosystem

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/trifecta-scanner/trifecta/inventory"
)

func TestNormalizePyPI(t *testing.T) {
	for name, want := range map[string]string{
		"requests": "requests", "Flask_Login": "flask-login", "zope.interface": "zope-interface", "A--B__.c": "a-b-c",
		"": "", "-": "-", "é": "é",
	} {
		if got := normalizePyPI(name); got != want {
			t.Errorf("normalizePyPI(%q) = %q, want %q", name, got, want)
		}
	}
}

func TestParseRequirement(t *testing.T) {
	for _, tt := range []struct {
		text string
		want requirement
		ok   bool
	}{
		{"requests", requirement{name: "requests"}, true},
		{"requests [security,tests] >= 2.8.1, == 2.8.* ; python_version < \"2.7\"",
			requirement{name: "requests", extras: []string{"security", "tests"}, spec: ">= 2.8.1, == 2.8.*", marker: `python_version < "2.7"`}, true},
		{"Flask (>=3.0,<4.0)", requirement{name: "Flask", spec: ">=3.0,<4.0"}, true},
		{"a@https://files.example/a;b ; os_name=='nt'", requirement{name: "a", url: "https://files.example/a;b", marker: "os_name=='nt'"}, true},
		{"a @ ", requirement{}, false},
		{"name[open", requirement{}, false},
		{"-e .", requirement{}, false},
		{"two words", requirement{}, false},
		{"", requirement{}, false},
	} {
		got, ok := parseRequirement(tt.text)
		if ok != tt.ok {
			t.Errorf("parseRequirement(%q) is read: %t, want %t", tt.text, ok, tt.ok)
		}
		if diff := cmp.Diff(tt.want, got, cmp.AllowUnexported(requirement{})); ok && diff != "" {
			t.Errorf("parseRequirement(%q) (-want +got):\n%s", tt.text, diff)
		}
	}
}

func TestRequirementVersion(t *testing.T) {
	for _, tt := range []struct{ spec, pinned, least string }{
		{"==1.0", "1.0", ""}, {"=== 1.0", "1.0", ""}, {"==1.*", "", ""}, {"==1.0,!=2", "", ""}, {"", "", ""}, {"==${V}", "", ""},
		{">=2", "", "2"}, {"~= 2.1", "", "2.1"}, {"<=3", "", "3"}, {"<3", "", ""}, {">=2,<3", "", ""}, {">2", "", ""},
	} {
		r := requirement{spec: tt.spec}
		pinned, _ := r.version()
		least := r.atLeast()
		if pinned != tt.pinned || least != tt.least {
			t.Errorf("%q: pinned %q, at least %q; want %q and %q", tt.spec, pinned, least, tt.pinned, tt.least)
		}
	}
}

func TestPythonOrigin(t *testing.T) {
	const commit = "0123456789abcdef0123456789abcdef01234567"
	for _, tt := range []struct {
		address string
		origin  inventory.Origin
		commit  string
	}{
		{"git+https://git.example/x@" + commit + "#egg=x", inventory.OriginGit, commit},
		{"git+ssh://git@git.example/x@v1", inventory.OriginGit, ""},
		{"git+ssh://git@git.example/x", inventory.OriginGit, ""},
		{"https://files.example/x.whl", inventory.OriginURL, ""},
		{"file:///x.whl", inventory.OriginPath, ""},
		{"./x.whl", inventory.OriginPath, ""},
		{"hg+https://hg.example/x", inventory.OriginGit, ""},
	} {
		if origin, commit := pythonOrigin(tt.address); origin != tt.origin || commit != tt.commit {
			t.Errorf("pythonOrigin(%q) = %s, %q; want %s, %q", tt.address, origin, commit, tt.origin, tt.commit)
		}
	}
}

func TestIsRequirements(t *testing.T) {
	for path, want := range map[string]bool{
		"requirements.txt": true, "a/requirements-dev.txt": true, "dev-requirements.txt": true, "myrequirements2.txt": true,
		"requirements/base.txt": true, "a/requirements/dev.txt": true, "requirements.in": false, "constraints.txt": false,
		"requirements/base.in": false, "requirements.txt/x": false, "README.txt": false,
	} {
		if got := isRequirements(path); got != want {
			t.Errorf("isRequirements(%q) = %t, want %t", path, got, want)
		}
	}
}

func TestRequirementsScope(t *testing.T) {
	for path, want := range map[string]inventory.Scope{
		"requirements.txt": inventory.ScopeRuntime, "requirements-dev.txt": inventory.ScopeDevelopment,
		"test/requirements.txt": inventory.ScopeRuntime, "requirements/docs.txt": inventory.ScopeDevelopment,
		"device_requirements.txt": inventory.ScopeRuntime,
	} {
		if got := requirementsScope(path); got != want {
			t.Errorf("requirementsScope(%q) = %s, want %s", path, got, want)
		}
	}
}

// TestRequirementsCycle reads files that include each other, deeply and many times.
func TestRequirementsCycle(t *testing.T) {
	files := []string{"requirements.txt", "-r a.in\n-r requirements.txt\n", "a.in", "-r b.in\nflask==1.0\n", "b.in", "-r a.in\n-c b.in\ndjango==2.0\n"}
	for i := range 2 * maxIncludes {
		files = append(files, fmt.Sprintf("chain%d.in", i), fmt.Sprintf("-r chain%d.in\np%d==1\n", i+1, i))
	}
	files[1] += "-r chain0.in\n"
	doc, err := readRequirements(t.Context(), treeOf(t, files...), "requirements.txt")
	if err != nil {
		t.Fatal(err)
	}
	if len(doc.Entries) < 2 || len(doc.Entries) > maxIncludes+2 {
		t.Errorf("%d entries", len(doc.Entries))
	}
	if len(doc.Notices) != 1 || !strings.Contains(doc.Notices[0].Message, "include after") {
		t.Errorf("notices %+v, want one about the includes that were left out", doc.Notices)
	}
	checkDocument(t, doc)
}

func FuzzRequirements(f *testing.F) {
	seed(f, "pypi", "*requirements*.txt")
	f.Fuzz(func(t *testing.T, data string) {
		tree := treeOf(t, "requirements.txt", data, "base.in", data, "constraints.txt", "urllib3==1.26.5\n")
		doc, _ := readRequirements(t.Context(), tree, "requirements.txt")
		checkDocument(t, doc)
		for _, e := range doc.Entries {
			if normal := normalizePyPI(e.Name); normalizePyPI(normal) != normal {
				t.Errorf("the normal form of %q is not stable", e.Name)
			}
		}
	})
}

func FuzzPythonLocks(f *testing.F) {
	for _, name := range []string{"poetry.lock", "uv.lock", "pdm.lock", "pylock.toml", "Pipfile.lock"} {
		seed(f, "pypi", name)
	}
	f.Fuzz(func(t *testing.T, data string) {
		tree := treeOf(t, "poetry.lock", data, "uv.lock", data, "pdm.lock", data, "pylock.toml", data, "Pipfile.lock", data,
			"Pipfile", data, "pyproject.toml", data)
		for _, format := range PyPI.Formats[:5] {
			doc, _ := format.Read(t.Context(), tree, format.Name)
			checkDocument(t, doc)
		}
	})
}

func FuzzPyproject(f *testing.F) {
	seed(f, "pypi", "pyproject.toml")
	f.Fuzz(func(t *testing.T, data string) {
		for _, a := range parsePyproject([]byte(data), "pyproject.toml").asked {
			if a.name == "" || a.where.Line < 1 {
				t.Errorf("incomplete: %+v", a)
			}
		}
	})
}

func BenchmarkUVLock(b *testing.B) {
	var lock strings.Builder
	const packages = 500
	lock.WriteString("version = 1\n")
	for i := range packages {
		fmt.Fprintf(&lock, "\n[[package]]\nname = \"package-%d\"\nversion = \"1.%d\"\nsource = { registry = \"https://registry.example/simple\" }\ndependencies = [\n", i, i)
		for j := 3*i + 1; j < min(3*i+4, packages); j++ {
			fmt.Fprintf(&lock, "    { name = \"package-%d\", marker = \"os_name == 'nt'\" },\n", j)
		}
		lock.WriteString("]\nwheels = [\n")
		for j := range 12 {
			fmt.Fprintf(&lock, "    { url = \"https://registry.example/packages/package_%d-1.0-cp3%d.whl\", hash = \"sha256:%064x\", size = %d },\n", i, j, i*100+j, i)
		}
		lock.WriteString("]\n")
	}
	tree := treeOf(b, "uv.lock", lock.String())
	b.SetBytes(int64(lock.Len()))
	b.ReportAllocs()
	for b.Loop() {
		if doc, err := readUVLock(b.Context(), tree, "uv.lock"); err != nil || len(doc.Entries) != packages {
			b.Fatal(len(doc.Entries), err)
		}
	}
}

func BenchmarkPoetryLock(b *testing.B) {
	var lock strings.Builder
	const packages = 500
	for i := range packages {
		fmt.Fprintf(&lock, "[[package]]\nname = \"package-%d\"\nversion = \"1.%d\"\noptional = false\ngroups = [\"main\"]\nfiles = [\n", i, i)
		for j := range 8 {
			fmt.Fprintf(&lock, "    {file = \"package_%d-1.0-cp3%d.whl\", hash = \"sha256:%064x\"},\n", i, j, i*100+j)
		}
		fmt.Fprintf(&lock, "]\n\n[package.dependencies]\npackage-%d = \">=1\"\n\n", (7*i)%packages)
	}
	tree := treeOf(b, "poetry.lock", lock.String())
	b.SetBytes(int64(lock.Len()))
	b.ReportAllocs()
	for b.Loop() {
		if doc, err := readPoetryLock(b.Context(), tree, "poetry.lock"); err != nil || len(doc.Entries) != packages {
			b.Fatal(len(doc.Entries), err)
		}
	}
}

func BenchmarkRequirements(b *testing.B) {
	var lines strings.Builder
	const packages = 500
	for i := range packages {
		fmt.Fprintf(&lines, "package-%d==1.%d \\\n    --hash=sha256:%064x \\\n    --hash=sha256:%064x\n    # via package-%d\n", i, i, i, i+1, i/2)
	}
	tree := treeOf(b, "requirements.txt", lines.String())
	b.SetBytes(int64(lines.Len()))
	b.ReportAllocs()
	for b.Loop() {
		if doc, err := readRequirements(b.Context(), tree, "requirements.txt"); err != nil || len(doc.Entries) != packages {
			b.Fatal(len(doc.Entries), err)
		}
	}
}
