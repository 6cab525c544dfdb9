package fix_test

import (
	"context"
	"errors"
	"net/http"
	"path"
	"slices"
	"strings"
	"testing"

	"github.com/trifecta-scanner/trifecta/fix"
	"github.com/trifecta-scanner/trifecta/fix/fixtest"
	"github.com/trifecta-scanner/trifecta/internal/web"
)

// watcher is a Runner that looks at what a program would get and runs none.
type watcher struct {
	t    *testing.T
	runs []fix.Command
	seen []map[string]bool // the files of each run that are there
}

var errWatched = errors.New("nothing runs in this test")

func (w *watcher) Run(_ context.Context, ws *fix.Workspace, cmd fix.Command) ([]byte, error) {
	seen := map[string]bool{}
	for _, name := range cmd.Files {
		if ws.Has(name) {
			seen[name] = true
		}
	}
	w.runs, w.seen = append(w.runs, cmd), append(w.seen, seen)
	return nil, errWatched
}

// TestProgramsSeeManifestsOnly looks at the copy that uv and cargo get of a hostile repository.
func TestProgramsSeeManifestsOnly(t *testing.T) {
	for _, test := range []struct {
		archive  string
		manager  *fix.Manager
		lock     string
		target   fix.Target
		want     []string
		argument string
	}{
		{"testdata/uv/canary.txtar", fix.UV, "uv.lock", fix.Target{Package: "certifi", From: "2022.12.7", To: "2024.7.4", How: fix.HowLock}, []string{"pyproject.toml", "uv.lock"}, "--no-build"},
		{"testdata/cargo/canary.txtar", fix.Cargo, "Cargo.lock", fix.Target{Package: "regex", From: "1.5.4", To: "1.5.5", How: fix.HowLock}, []string{"Cargo.lock", "Cargo.toml"}, "--precise"},
	} {
		t.Run(test.manager.Name, func(t *testing.T) {
			ws := fix.NewWorkspace(fixtest.Tree(t, readCase(t, test.archive).files))
			project, err := test.manager.Open(t.Context(), ws, test.lock)
			if err != nil {
				t.Fatal(err)
			}
			w := &watcher{t: t}
			env := &fix.Env{Runner: w, Getenv: func(name string) string {
				return map[string]string{"UV_DEFAULT_INDEX": "https://pypi.registry.example/simple", "UV_INDEX_PASSWORD": "secret", "CARGO_REGISTRY_TOKEN": "secret", "GITHUB_TOKEN": "secret"}[name]
			}}
			err = test.manager.Write(t.Context(), &fix.Job{Env: env, Workspace: ws, Project: project, Targets: []fix.Target{test.target}})
			if !errors.Is(err, errWatched) {
				t.Fatalf("error %v, want that of the runner", err)
			}
			if len(ws.Changed()) != 0 {
				t.Errorf("changed %v although the program failed", ws.Changed())
			}
			for i, cmd := range w.runs {
				var seen []string
				for name := range w.seen[i] {
					seen = append(seen, name)
				}
				if slices.Sort(seen); !slices.Equal(seen, test.want) {
					t.Errorf("the program sees %v, want %v", seen, test.want)
				}
				if !slices.Contains(cmd.Args, test.argument) {
					t.Errorf("arguments %v lack %s", cmd.Args, test.argument)
				}
				for name, text := range cmd.Extra {
					if text != "" || path.Ext(name) != ".rs" {
						t.Errorf("the copy gets %s with %q", name, text)
					}
				}
				if all := strings.Join(slices.Concat(cmd.Args, cmd.Env), " "); strings.Contains(all, "secret") || strings.Contains(all, "evil") {
					t.Errorf("the program is told %s", all)
				}
			}
			if len(w.runs) == 0 {
				t.Error("no program was asked for")
			}
		})
	}
}

// TestRefusals are repositories that ask for something from elsewhere: nothing of it may be fetched, and the plan says why
// their files stay.
func TestRefusals(t *testing.T) {
	const project = "[project]\nname = \"shop\"\nversion = \"1\"\n"
	const uvLock = "version = 1\n\n[[package]]\nname = \"shop\"\nversion = \"1\"\nsource = { virtual = \".\" }\n\n"
	const crate = "[package]\nname = \"shop\"\nversion = \"0.1.0\"\n\n"
	const cargoLock = "version = 4\n\n[[package]]\nname = \"shop\"\nversion = \"0.1.0\"\n\n"
	for _, test := range []struct {
		name    string
		manager *fix.Manager
		lock    string
		files   map[string]string
		want    string
	}{
		{"uv index", fix.UV, "uv.lock", map[string]string{"uv.lock": uvLock, "pyproject.toml": project + "[[tool.uv.index]]\nurl = \"https://evil.registry.example/simple\"\n"}, "names an index of its own"},
		{"uv extra index", fix.UV, "uv.lock", map[string]string{"uv.lock": uvLock, "pyproject.toml": project + "[tool.uv]\nextra-index-url = [\"https://evil.registry.example/simple\"]\n"}, "names an index of its own"},
		{"uv find-links", fix.UV, "uv.lock", map[string]string{"uv.lock": uvLock, "pyproject.toml": project + "[tool.uv]\nfind-links = [\"/etc\"]\n"}, "names an index of its own"},
		{"uv git source", fix.UV, "uv.lock", map[string]string{"uv.lock": uvLock, "pyproject.toml": project + "[tool.uv.sources]\nx = { git = \"https://evil.example/x\" }\n"}, "takes a package from elsewhere than the public index (git)"},
		{"uv path source", fix.UV, "uv.lock", map[string]string{"uv.lock": uvLock, "pyproject.toml": project + "[tool.uv.sources]\nx = { path = \"../../etc\" }\n"}, "takes a package from elsewhere than the public index (path)"},
		{"uv address", fix.UV, "uv.lock", map[string]string{"uv.lock": uvLock, "pyproject.toml": "[project]\nname = \"shop\"\ndependencies = [\"x @ git+https://evil.example/x\"]\n"}, "takes a package from an address"},
		{"uv locked git", fix.UV, "uv.lock", map[string]string{"uv.lock": uvLock + "[[package]]\nname = \"x\"\nversion = \"1\"\nsource = { git = \"https://evil.example/x#0\" }\n", "pyproject.toml": project}, "x comes from a repository or an archive (git)"},
		{"uv member outside", fix.UV, "uv.lock", map[string]string{"uv.lock": uvLock + "[[package]]\nname = \"x\"\nversion = \"1\"\nsource = { editable = \"../../x\" }\n", "pyproject.toml": project}, "there is no pyproject.toml there in the tree"},
		{"uv absolute member", fix.UV, "uv.lock", map[string]string{"uv.lock": uvLock + "[[package]]\nname = \"x\"\nversion = \"1\"\nsource = { editable = \"/etc\" }\n", "pyproject.toml": project, "etc/pyproject.toml": project}, "there is no pyproject.toml there in the tree"},
		{"uv two indexes", fix.UV, "uv.lock", map[string]string{"uv.lock": uvLock + "[[package]]\nname = \"x\"\nversion = \"1\"\nsource = { registry = \"https://a.example/simple\" }\n\n[[package]]\nname = \"y\"\nversion = \"1\"\nsource = { registry = \"https://b.example/simple\" }\n", "pyproject.toml": project}, "y comes from an index of its own"},
		{"cargo git", fix.Cargo, "Cargo.lock", map[string]string{"Cargo.lock": cargoLock, "Cargo.toml": crate + "[dependencies]\nx = { git = \"https://evil.example/x\" }\n"}, "takes a package from elsewhere than crates.io (git)"},
		{"cargo patch", fix.Cargo, "Cargo.lock", map[string]string{"Cargo.lock": cargoLock, "Cargo.toml": crate + "[patch.crates-io]\nx = { git = \"https://evil.example/x\" }\n"}, "takes a package from elsewhere than crates.io (git)"},
		{"cargo registry", fix.Cargo, "Cargo.lock", map[string]string{"Cargo.lock": cargoLock, "Cargo.toml": crate + "[dependencies]\nx = { version = \"1\", registry-index = \"https://evil.example\" }\n"}, "takes a package from elsewhere than crates.io (registry-index)"},
		{"cargo locked git", fix.Cargo, "Cargo.lock", map[string]string{"Cargo.lock": cargoLock + "[[package]]\nname = \"x\"\nversion = \"1.0.0\"\nsource = \"git+https://evil.example/x#0\"\n", "Cargo.toml": crate}, "x comes from a repository"},
		{"cargo locked registry", fix.Cargo, "Cargo.lock", map[string]string{"Cargo.lock": cargoLock + "[[package]]\nname = \"x\"\nversion = \"1.0.0\"\nsource = \"registry+https://evil.example/index\"\n", "Cargo.toml": crate}, "x comes from a registry of its own"},
		{"cargo path outside", fix.Cargo, "Cargo.lock", map[string]string{"Cargo.lock": cargoLock, "Cargo.toml": crate + "[dependencies]\nx = { path = \"../../x\" }\n"}, "takes a package from a folder that is not in the tree"},
		{"cargo absolute path", fix.Cargo, "Cargo.lock", map[string]string{"Cargo.lock": cargoLock, "Cargo.toml": crate + "[dependencies]\nx = { path = \"/etc\" }\n", "etc/Cargo.toml": crate}, "takes a package from a folder that is not in the tree"},
		{"cargo member outside", fix.Cargo, "Cargo.lock", map[string]string{"Cargo.lock": cargoLock, "Cargo.toml": crate + "[workspace]\nmembers = [\"../*\"]\n"}, "names a member outside of the tree"},
		{"pip index", fix.Pip, "requirements.txt", map[string]string{"requirements.txt": "-i https://evil.registry.example/simple\nx==1\n"}, "takes packages from an index of its own"},
		{"pip no index", fix.Pip, "requirements.txt", map[string]string{"requirements.txt": "--no-index\n--find-links /etc\nx==1\n"}, "takes packages from no index"},
		{"pip index of an include", fix.Pip, "requirements.txt", map[string]string{"requirements.txt": "-r more.in\nx==1\n", "more.in": "--index-url=https://evil.registry.example/simple\n"}, "more.in:1 takes packages from an index of its own"},
	} {
		t.Run(test.name, func(t *testing.T) {
			ws := fix.NewWorkspace(fixtest.Tree(t, test.files))
			project, err := test.manager.Open(t.Context(), ws, test.lock)
			w := &watcher{t: t}
			if err == nil {
				target := fix.Target{Package: "x", From: "1.0.0", To: "1.0.1", How: fix.HowLock}
				err = test.manager.Write(t.Context(), &fix.Job{Env: &fix.Env{Runner: w}, Workspace: ws, Project: project, Targets: []fix.Target{target}})
			}
			if len(w.runs) > 0 {
				t.Fatalf("%s was to run", w.runs[0].Program)
			}
			if err == nil {
				t.Fatal("written, want a refusal")
			}
			if !strings.Contains(err.Error(), test.want) {
				t.Errorf("error %q, want %q", err, test.want)
			}
		})
	}
}

// TestCargoTargetsOutside are targets whose sources lie outside of the tree: no stub is made there.
func TestCargoTargetsOutside(t *testing.T) {
	lock := "version = 4\n\n[[package]]\nname = \"shop\"\nversion = \"0.1.0\"\n\n[[package]]\nname = \"x\"\nversion = \"1.0.0\"\nsource = \"registry+https://github.com/rust-lang/crates.io-index\"\n"
	manifest := "[package]\nname = \"shop\"\nversion = \"0.1.0\"\n\n[lib]\npath = \"/etc/lib.rs\"\n\n[[bin]]\nname = \"../../evil\"\npath = \"../../evil.rs\"\n\n[[test]]\nname = \"ok\"\n"
	ws := fix.NewWorkspace(fixtest.Tree(t, map[string]string{"Cargo.lock": lock, "Cargo.toml": manifest}))
	project, err := fix.Cargo.Open(t.Context(), ws, "Cargo.lock")
	if err != nil {
		t.Fatal(err)
	}
	w := &watcher{t: t}
	target := fix.Target{Package: "x", From: "1.0.0", To: "1.0.1", How: fix.HowLock}
	if err := fix.Cargo.Write(t.Context(), &fix.Job{Env: &fix.Env{Runner: w}, Workspace: ws, Project: project, Targets: []fix.Target{target}}); !errors.Is(err, errWatched) {
		t.Fatalf("error %v, want that of the runner", err)
	}
	var stubs []string
	for name := range w.runs[0].Extra {
		stubs = append(stubs, name)
	}
	slices.Sort(stubs)
	if want := []string{"src/lib.rs", "src/main.rs", "tests/ok.rs"}; !slices.Equal(stubs, want) {
		t.Errorf("stubs %v, want %v", stubs, want)
	}
}

// onlyIndex answers every request with nothing and notes the hosts.
type onlyIndex struct{ hosts []string }

func (o *onlyIndex) RoundTrip(req *http.Request) (*http.Response, error) {
	o.hosts = append(o.hosts, req.URL.Host)
	return &http.Response{StatusCode: http.StatusNotFound, Header: http.Header{}, Body: http.NoBody, Request: req}, nil
}

// TestNativeManagersRunNothing writes files of managers that run no program, in repositories that would like to be run,
// and looks whom they ask.
func TestNativeManagersRunNothing(t *testing.T) {
	for _, test := range []struct {
		name    string
		manager *fix.Manager
		path    string
		files   map[string]string
		target  fix.Target
	}{
		{
			"pip", fix.Pip, "requirements.txt", map[string]string{
				"requirements.txt": "--extra-index-url https://evil.registry.example/simple\n--find-links https://evil.registry.example/\nx==1.0\n", "setup.py": "raise SystemExit", "pip.conf": "[global]\nindex-url = https://evil.registry.example/",
			}, fix.Target{Package: "x", From: "1.0", To: "1.1", How: fix.HowDirect},
		},
		{
			"poetry", fix.Poetry, "poetry.lock", map[string]string{
				"poetry.toml": "[repositories.evil]\nurl = \"https://evil.registry.example/\"\n",
				"pyproject.toml": "[tool.poetry]\nname = \"shop\"\n[tool.poetry.dependencies]\npython = \"^3.9\"\nx = \"1.0\"\ny = {git = \"https://evil.example/y\"}\n[tool.poetry.requires-plugins]\nevil = \"*\"\n" +
					"[[tool.poetry.source]]\nname = \"evil\"\nurl = \"https://evil.registry.example/simple\"\n[build-system]\nrequires = [\"evil\"]\nbuild-backend = \"evil\"\n",
				"poetry.lock": "[[package]]\nname = \"x\"\nversion = \"1.0\"\n\n[[package]]\nname = \"secret-part\"\nversion = \"1.0\"\n\n[package.source]\ntype = \"legacy\"\nurl = \"https://evil.registry.example/simple\"\n\n" +
					"[metadata]\nlock-version = \"2.1\"\ncontent-hash = \"\"\n",
			}, fix.Target{Package: "x", From: "1.0", To: "1.1", How: fix.HowDirect},
		},
		{
			"maven", fix.Maven, "pom.xml", readCase(t, "testdata/maven/canary.txtar").files,
			fix.Target{Package: "org.yaml:snakeyaml", From: "1.30", To: "2.0", How: fix.HowDirect},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			ws := fix.NewWorkspace(fixtest.Tree(t, test.files))
			project, err := test.manager.Open(t.Context(), ws, test.path)
			if err != nil {
				t.Fatal(err)
			}
			for _, r := range project.Requirements {
				if r.Package == test.target.Package {
					r.To = test.target.To
					test.target.Lines = append(test.target.Lines, r)
				}
			}
			asked := &onlyIndex{}
			w := &watcher{t: t}
			env := &fix.Env{
				Client: web.New(web.Options{Transport: asked, Tries: 1}), Runner: w, Now: fixtest.Now, Getenv: func(name string) string { return fixtest.Registries[name] },
			}
			registry, err := test.manager.Registry(t.Context(), env)
			if err != nil {
				t.Fatal(err)
			}
			// Whether the change is possible without an index is not the question.
			_ = test.manager.Write(t.Context(), &fix.Job{Env: env, Workspace: ws, Project: project, Targets: []fix.Target{test.target}, Registry: registry})
			if len(w.runs) > 0 {
				t.Errorf("%s was to run", w.runs[0].Program)
			}
			for _, host := range asked.hosts {
				if !slices.Contains([]string{"pypi.registry.example", "maven.registry.example"}, host) {
					t.Errorf("%s was asked", host)
				}
			}
		})
	}
}
