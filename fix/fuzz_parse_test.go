package fix

import (
	"bytes"
	"os"
	"path"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"
)

// seeds gives a fuzz target the files of the cases that a pattern names.
func seeds(f *testing.F, folder string, suffixes ...string) {
	f.Helper()
	archives, err := filepath.Glob(filepath.Join("testdata", folder, "*.txtar"))
	if err != nil || len(archives) == 0 {
		f.Fatalf("no cases in testdata/%s (%v)", folder, err)
	}
	for _, archive := range archives {
		data, err := os.ReadFile(archive)
		if err != nil {
			f.Fatal(err)
		}
		for _, file := range txtar.Parse(data).Files {
			for _, suffix := range suffixes {
				if strings.HasSuffix(file.Name, suffix) {
					f.Add(file.Data)
				}
			}
		}
	}
}

func FuzzParsePip(f *testing.F) {
	seeds(f, "pip", ".txt", ".in")
	f.Add([]byte("a==1 \\\r\n  --hash=sha256:0 # via\r\n# x"))
	f.Fuzz(func(t *testing.T, data []byte) {
		at := 0
		for _, line := range parsePip("requirements.txt", data).lines {
			if line.start < at || line.end < line.start || line.end > len(data) || line.tail > len(data) {
				t.Fatalf("line from %d to %d, tail %d, after %d of %d", line.start, line.end, line.tail, at, len(data))
			}
			at = line.end
			if !line.ok {
				continue
			}
			if got := string(data[line.textStart : line.textStart+len(line.text)]); got != line.text {
				t.Fatalf("text %q stands where %q is", line.text, got)
			}
			if got := line.text[line.req.specStart:line.req.specEnd]; line.req.url == "" && got != line.req.spec {
				t.Fatalf("specifiers %q stand where %q is", line.req.spec, got)
			}
		}
	})
}

func FuzzParseTOML(f *testing.F) {
	seeds(f, "uv", ".lock", ".toml")
	seeds(f, "cargo", ".lock", ".toml")
	f.Add([]byte("[a]\nb = [ 'c', # d\n]\n[[e]]\nf.g = {h = \"i\"}\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		file, err := parseTOML("x.toml", data)
		if err != nil {
			return
		}
		for _, leaf := range file.leaves {
			if leaf.start < 0 || leaf.end < leaf.start || leaf.end > len(data) {
				t.Fatalf("%v from %d to %d of %d", leaf.keys, leaf.start, leaf.end, len(data))
			}
		}
		e := file.addTo("x>=1", "tool", "uv", "override-dependencies")
		if e.start < 0 || e.end < e.start || e.end > len(data) {
			t.Fatalf("edit from %d to %d of %d", e.start, e.end, len(data))
		}
		pyAsks(file)
		cargoAsks(file)
		uvPackages(file)
		cargoPackages(file)
	})
}

func FuzzParsePOM(f *testing.F) {
	seeds(f, "maven", ".xml")
	f.Add([]byte("<project><artifactId>a</artifactId><dependencies><dependency><version>1<!-- x -->2</version></dependency></dependencies></project>"))
	f.Fuzz(func(t *testing.T, data []byte) {
		pom, err := parsePOM("pom.xml", data)
		if err != nil {
			return
		}
		for _, dep := range pom.dependencies {
			if v := dep.version; v.start > v.end || v.end > len(data) || v.start > 0 && string(data[v.start:v.end]) != v.text {
				t.Fatalf("version %q from %d to %d", v.text, v.start, v.end)
			}
		}
		r := &mavenReactor{poms: map[string]*pomFile{"pom.xml": pom}, members: []*pomFile{pom}, root: pom, tops: map[*pomFile]*pomFile{}}
		r.uses()
		if e := r.manage(Target{Package: "a:b", To: "1"}); e.start < 0 || e.end < e.start || e.end > len(data) {
			t.Fatalf("edit from %d to %d of %d", e.start, e.end, len(data))
		}
	})
}

func FuzzMarkers(f *testing.F) {
	for _, seed := range []string{`python_version < "3.8"`, `(os_name == 'nt' or "x" in platform_machine) and extra == "a"`, `extra not in "b"`, `a == "\"`} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, marker string) {
		linuxPython("3.11").holds(marker)
		if clean, ok := cleanMarker(marker); ok {
			if again, ok := cleanMarker(clean); !ok || again != clean {
				t.Fatalf("%q is written as %q, and that as %q", marker, clean, again)
			}
			if strings.ContainsAny(clean, "\n\r\\#") {
				t.Fatalf("%q is written as %q", marker, clean)
			}
		}
	})
}

// FuzzPNPMLock looks whether a lock file without a change is written as one that says the same.
func FuzzPNPMLock(f *testing.F) {
	seeds(f, "cases/pnpm", "pnpm-lock.yaml")
	f.Add([]byte("lockfileVersion: '9.0'\npackages:\n  'a@1.0.0':\n    resolution: {integrity: sha512-AA==}\nsnapshots:\n  a@1.0.0(b@2.0.0): {}\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		lock, err := parsePNPMLock(data)
		if err != nil {
			return
		}
		lock.importers(".")
		before := len(lock.graph.nodes)
		if _, err := lock.write(unchanged(lock.graph)); err != nil {
			return
		}
		again, err := parsePNPMLock(lock.text.data)
		if err != nil {
			t.Fatalf("%v in what became of it:\n%s", err, lock.text.data)
		}
		if len(again.graph.nodes) > before {
			t.Fatalf("%d packages became %d", before, len(again.graph.nodes))
		}
	})
}

// FuzzYarnLock does the same for yarn.
func FuzzYarnLock(f *testing.F) {
	seeds(f, "cases/yarn-classic", "yarn.lock")
	seeds(f, "cases/yarn-berry", "yarn.lock")
	f.Add([]byte("__metadata:\n  version: 8\n\n? \"a@npm:1, a@npm:2\"\n:\n  version: 1\n  resolution: \"a@npm:1\"\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		lock, err := parseYarnLock(data)
		if err != nil {
			return
		}
		manifest, err := parseJSON([]byte(`{"dependencies": {"lodash": "^4.17.0"}, "resolutions": {"a": "2"}}`))
		if err != nil {
			t.Fatal(err)
		}
		lock.connect([]*npmManifest{{path: "package.json", text: manifest}}, ".")
		if _, err := lock.write(unchanged(lock.graph)); err != nil {
			return
		}
		if _, err := parseYarnLock(lock.data); err != nil {
			t.Fatalf("%v in what became of it:\n%s", err, lock.data)
		}
	})
}

// FuzzBunLock does the same for bun.
func FuzzBunLock(f *testing.F) {
	seeds(f, "cases/bun", "bun.lock")
	f.Add([]byte(`{"packages": {"a": ["a@1.0.0", "", {"dependencies": {"b": "1"}, }, "sha512-AA=="], /* x */ "a/b": ["b@1.0.0", "", {}, ""],}}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		lock, err := parseBunLock(data)
		if err != nil {
			return
		}
		manifest, err := parseJSON([]byte(`{"dependencies": {"lodash": "^4.17.0"}}`))
		if err != nil {
			t.Fatal(err)
		}
		lock.connect([]*npmManifest{{path: "package.json", text: manifest}}, ".")
		if got, err := lock.write(unchanged(lock.graph)); err == nil && !bytes.Equal(got, data) {
			t.Fatalf("it became\n%s", got)
		}
	})
}

func unchanged(g *jsGraph) *jsChange {
	return &jsChange{jsGraph: g, job: &Job{Project: &Project{}}}
}

// TestUntouchedLocks looks whether lock files stay as they are, byte for byte, where nothing changes.
func TestUntouchedLocks(t *testing.T) {
	archives, err := filepath.Glob(filepath.Join("testdata", "cases", "*", "*.txtar"))
	if err != nil {
		t.Fatal(err)
	}
	looked := 0
	for _, name := range archives {
		data, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		archive := txtar.Parse(data)
		var manifest *jsonText
		for _, file := range archive.Files {
			if file.Name == "package.json" {
				manifest, _ = parseJSON(file.Data)
			}
		}
		for _, file := range archive.Files {
			for _, ending := range []string{"\n", "\r\n"} {
				want := strings.ReplaceAll(string(file.Data), "\n", ending)
				var got string
				switch path.Base(file.Name) {
				case "pnpm-lock.yaml":
					lock, err := parsePNPMLock([]byte(want))
					if err != nil {
						t.Fatalf("%s: %v", name, err)
					}
					lock.importers(".")
					if _, err := lock.write(unchanged(lock.graph)); err != nil {
						t.Fatalf("%s: %v", name, err)
					}
					got = string(lock.text.data)
				case "yarn.lock":
					lock, err := parseYarnLock([]byte(want))
					if err != nil {
						t.Fatalf("%s: %v", name, err)
					}
					lock.connect([]*npmManifest{{path: "package.json", text: manifest}}, ".")
					if _, err := lock.write(unchanged(lock.graph)); err != nil {
						t.Fatalf("%s: %v", name, err)
					}
					got = string(lock.data)
				case "bun.lock":
					lock, err := parseBunLock([]byte(want))
					if err != nil {
						t.Fatalf("%s: %v", name, err)
					}
					lock.connect([]*npmManifest{{path: "package.json", text: manifest}}, ".")
					if before := (arrangement)(lock.at); path.Dir(name) == "testdata/cases/bun" && !strings.Contains(name, "workspace") && !sameArrangement(before, lock.arrange()) {
						t.Errorf("%s: bun arranges %v, and we %v", name, sortedKeys(before), sortedKeys(lock.arrange()))
					}
					data, err := lock.write(unchanged(lock.graph))
					if err != nil {
						t.Fatalf("%s: %v", name, err)
					}
					got = string(data)
				default:
					continue
				}
				looked++
				if got != want {
					t.Errorf("%s, lines that end in %q: %s changed\n%s", name, ending, file.Name, cmp.Diff(want, got))
				}
			}
		}
	}
	if looked < 50 {
		t.Errorf("only %d lock files", looked)
	}
}
