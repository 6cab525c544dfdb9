package fix_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/trifecta-scanner/trifecta/fix"
	"github.com/trifecta-scanner/trifecta/inventory"
)

// counting runs programs and counts them.
type counting struct {
	fix.Runner
	runs int
}

func (c *counting) Run(ctx context.Context, ws *fix.Workspace, cmd fix.Command) ([]byte, error) {
	c.runs++
	return c.Runner.Run(ctx, ws, cmd)
}

// The configuration of cargo, go and uv can name programs, registries and whole releases of themselves. The real ones run
// over a repository that does, in vain; where a trap is one that the program itself would step into, it does so first, to
// show that it is one.
func TestCanariesTools(t *testing.T) {
	const cargoLock = "version = 4\n\n[[package]]\nname = \"shop\"\nversion = \"0.1.0\"\ndependencies = [\n \"words\",\n]\n\n[[package]]\nname = \"words\"\nversion = \"1.0.0\"\n" +
		"source = \"registry+https://github.com/rust-lang/crates.io-index\"\nchecksum = \"0000000000000000000000000000000000000000000000000000000000000000\"\n"
	const cargoManifest = "[package]\nname = \"shop\"\nversion = \"0.1.0\"\nedition = \"2021\"\nbuild = \"build.rs\"\n\n[dependencies]\nwords = \"1\"\n"
	const evil = "#!/bin/sh\ntouch CANARY\nexit 1\n"
	tests := []struct {
		name    string
		manager *fix.Manager
		path    string
		files   map[string]string
		target  fix.Target
		env     map[string]string
		trap    []string // the program's own call that steps into the trap
		refused bool     // the repository alone is the reason that nothing runs
	}{
		{
			name: "cargo: wrappers, sources, credentials and a toolchain", manager: fix.Cargo, path: "Cargo.lock",
			files: map[string]string{
				"Cargo.toml": cargoManifest, "Cargo.lock": cargoLock, "src/main.rs": "fn main() {}\n", "build.rs": "fn main() { std::fs::write(\"CANARY\", \"\").unwrap() }\n", "evil.sh": evil,
				"rust-toolchain.toml": "[toolchain]\npath = \"DIR/evil\"\n", "evil/bin/cargo": evil, "evil/bin/rustc": evil,
				".cargo/config.toml": "[build]\nrustc = \"EVIL\"\nrustc-wrapper = \"EVIL\"\nrustc-workspace-wrapper = \"EVIL\"\n[source.crates-io]\nreplace-with = \"evil\"\n[source.evil]\nregistry = \"sparse+HOSTILE/\"\n" +
					"[registry]\nglobal-credential-providers = [\"EVIL\"]\n[net]\ngit-fetch-with-cli = true\nretry = 0\n[alias]\nupdate-all = \"run\"\n",
			},
			target: fix.Target{Package: "words", From: "1.0.0", To: "1.0.1", How: fix.HowLock},
			trap:   []string{"cargo", "update", "--quiet", "-p", "words@1.0.0", "--precise", "1.0.1"},
		},
		{
			name: "cargo: a package from a repository", manager: fix.Cargo, path: "Cargo.lock", refused: true,
			files: map[string]string{
				"Cargo.toml": cargoManifest + "evil = { git = \"HOSTILE/evil.git\" }\n", "Cargo.lock": cargoLock + "\n[[package]]\nname = \"evil\"\nversion = \"0.1.0\"\nsource = \"git+HOSTILE/evil.git#0123456789012345678901234567890123456789\"\n", "src/main.rs": "", "build.rs": "",
			},
			target: fix.Target{Package: "words", From: "1.0.0", To: "1.0.1", How: fix.HowLock},
		},
		{
			name: "go: another release of go", manager: fix.Go, path: "go.mod",
			files: map[string]string{
				"go.mod": "module shop.example/shop\n\ngo 1.99.9\n\ntoolchain go1.99.9\n\nrequire words.example/words v1.0.0\n", "go.sum": "", "main.go": "package main\n\nimport _ \"words.example/words\"\n\nfunc main() {}\n",
			},
			target: fix.Target{Package: "words.example/words", From: "1.0.0", To: "1.0.1", How: fix.HowDirect},
			trap:   []string{"go", "mod", "download"},
		},
		{
			name: "go: a module from a repository, generators and a vendor folder of sources", manager: fix.Go, path: "go.mod",
			files: map[string]string{
				"go.mod": "module shop.example/shop\n\ngo 1.21\n\nrequire (\n\twords.example/words v1.0.0\n\tevil.example/evil.git v1.0.0\n)\n", "go.sum": "", "go.env": "GOPROXY=HOSTILE\nGOFLAGS=-toolexec=EVIL\n", ".netrc": "default login a password SECRET\n",
				"main.go": "package main\n\n//go:generate EVIL\n\n// #cgo LDFLAGS: -fplugin=EVIL\nimport \"C\"\nimport _ \"words.example/words\"\n\nfunc main() {}\n", "evil.sh": evil,
			},
			target: fix.Target{Package: "words.example/words", From: "1.0.0", To: "1.0.1", How: fix.HowDirect},
		},
		{
			name: "uv: settings, a build backend and an interpreter", manager: fix.UV, path: "uv.lock", env: map[string]string{"UV_DEFAULT_INDEX": "REGISTRY"},
			files: map[string]string{
				"pyproject.toml": "[project]\nname = \"shop\"\nversion = \"0.1.0\"\nrequires-python = \">=3.8\"\ndependencies = [\"words\"]\n\n[build-system]\nrequires = []\nbuild-backend = \"evil\"\nbackend-path = [\".\"]\n",
				"uv.toml":        "index-url = \"HOSTILE/simple\"\nfind-links = [\"HOSTILE/links\"]\nkeyring-provider = \"subprocess\"\npython-preference = \"only-managed\"\n",
				"setup.py":       "open('CANARY', 'w')\n", "evil.py": "open('CANARY', 'w')\n", "setup.cfg": "[metadata]\nversion = attr: evil.x\n", ".python-version": "DIR/evil.sh\n", "evil.sh": evil,
				"keyring": evil, "sitecustomize.py": "open('CANARY', 'w')\n",
				"uv.lock": "version = 1\nrequires-python = \">=3.8\"\n\n[[package]]\nname = \"shop\"\nversion = \"0.1.0\"\nsource = { editable = \".\" }\ndependencies = [\n    { name = \"words\" },\n]\n\n[package.metadata]\nrequires-dist = [{ name = \"words\" }]\n\n" +
					"[[package]]\nname = \"words\"\nversion = \"1.0.0\"\nsource = { registry = \"REGISTRY\" }\nsdist = { url = \"HOSTILE/words-1.0.0.tar.gz\", hash = \"sha256:0000000000000000000000000000000000000000000000000000000000000000\" }\n",
			},
			target: fix.Target{Package: "words", From: "1.0.0", To: "1.0.1", How: fix.HowLock},
			trap:   []string{"uv", "lock", "--upgrade-package", "words==1.0.1"},
		},
		{
			name: "uv: a package from a repository", manager: fix.UV, path: "uv.lock", refused: true, env: map[string]string{"UV_DEFAULT_INDEX": "REGISTRY"},
			files: map[string]string{
				"pyproject.toml": "[project]\nname = \"shop\"\nversion = \"0.1.0\"\nrequires-python = \">=3.8\"\ndependencies = [\"words\", \"evil\"]\n\n[tool.uv.sources]\nevil = { git = \"HOSTILE/evil.git\" }\n",
				"uv.lock":        "version = 1\nrequires-python = \">=3.8\"\n\n[[package]]\nname = \"evil\"\nversion = \"0.1.0\"\nsource = { git = \"HOSTILE/evil.git#0123456789012345678901234567890123456789\" }\n",
			},
			target: fix.Target{Package: "words", From: "1.0.0", To: "1.0.1", How: fix.HowLock},
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			program := strings.ToLower(test.manager.Name)
			if _, err := exec.LookPath(program); err != nil {
				t.Skip("needs " + program + ", which is what must not be led astray")
			}
			dir, tr := t.TempDir(), newTrap(t)
			// Whatever is asked of the internet ends here.
			closed := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "no internet", http.StatusForbidden) }))
			t.Cleanup(closed.Close)
			names := strings.NewReplacer("CANARY", tr.canary, "EVIL", filepath.Join(dir, "evil.sh"), "HOSTILE", tr.hostile.URL, "REGISTRY", tr.registry.URL, "DIR", dir)
			for name, text := range test.files {
				path := filepath.Join(dir, filepath.FromSlash(name))
				if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, []byte(names.Replace(text)), 0o755)); err != nil {
					t.Fatal(err)
				}
			}
			if len(test.trap) > 0 {
				tr.spring(t, dir, closed.URL, test.trap)
			}
			tree, err := inventory.OpenTree(t.Context(), dir, inventory.Limits{})
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = tree.Close() }() // it was only read
			env := tr.env(t, dir)
			asked := env.Getenv
			env.Getenv = func(name string) string {
				switch value, ok := test.env[name]; {
				case ok:
					return names.Replace(value)
				case name == "GOPROXY":
					return tr.registry.URL
				case name == "GOSUMDB":
					return "off"
				}
				return asked(name)
			}
			runner := &counting{Runner: &fix.Contained{Outside: dir, Timeout: time.Minute, Cache: t.TempDir(), Getenv: func(name string) string {
				if strings.HasSuffix(strings.ToLower(name), "_proxy") {
					if strings.EqualFold(name, "NO_PROXY") {
						return "127.0.0.1"
					}
					return closed.URL
				}
				return os.Getenv(name)
			}}}
			env.Runner = runner
			ws := fix.NewWorkspace(tree)
			project, err := test.manager.Open(t.Context(), ws, test.path)
			if err != nil {
				if !test.refused {
					t.Fatal(err)
				}
				tr.check(t)
				return
			}
			project.Manager = test.manager
			test.target.Lines = project.Requirements[:0:0]
			err = test.manager.Write(t.Context(), &fix.Job{Env: env, Workspace: ws, Project: project, Targets: []fix.Target{test.target}, CoolDown: fix.DefaultCoolDown})
			t.Logf("%d runs, %v", runner.runs, err)
			tr.check(t)
			if (runner.runs == 0) != test.refused {
				t.Errorf("%d runs of the program", runner.runs)
			}
			tr.mu.Lock()
			defer tr.mu.Unlock()
			for _, path := range tr.asked {
				if strings.Contains(path, "toolchain") {
					t.Errorf("another release of the program was asked for: %s", path)
				}
			}
		})
	}
}

// spring lets a program step into a trap, and puts the trap up again. Where it does not, the test tests nothing.
func (tr *trap) spring(t *testing.T, dir, proxy string, args []string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), args[0], args[1:]...)
	cmd.Dir = dir
	home := t.TempDir()
	cmd.Env = []string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + home, "CARGO_HOME=" + home, "RUSTUP_HOME=" + os.Getenv("RUSTUP_HOME"), "UV_CACHE_DIR=" + filepath.Join(home, "uv"), "GOPATH=" + filepath.Join(home, "go"), "GOFLAGS=-modcacherw",
		"GOPROXY=" + tr.hostile.URL, "GOTOOLCHAIN=auto", "GOSUMDB=off", "HTTPS_PROXY=" + proxy, "https_proxy=" + proxy, "NO_PROXY=127.0.0.1", "no_proxy=127.0.0.1",
	}
	out, _ := cmd.CombinedOutput() // it fails, as it should
	_, missing := os.Lstat(tr.canary)
	tr.mu.Lock()
	defer tr.mu.Unlock()
	if missing != nil && len(tr.fired) == 0 {
		t.Fatalf("the trap is none for %s:\n%s", args[0], out)
	}
	tr.fired, tr.asked = nil, nil
	if missing == nil {
		if err := os.Remove(tr.canary); err != nil {
			t.Fatal(err)
		}
	}
}
