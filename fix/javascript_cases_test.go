package fix_test

import (
	"bytes"
	"path"
	"path/filepath"
	"strings"
	"testing"

	"github.com/trifecta-scanner/trifecta/fix"
	"github.com/trifecta-scanner/trifecta/fix/fixtest"
)

// javascriptCases plans, writes and proves changes against what the real registry answered, and lets the package manager
// judge the lock files.
func javascriptCases(t *testing.T, dir string, accept func(ws *fix.Workspace) []fix.Command) {
	t.Helper()
	fixtest.Trim = trimNPM
	for _, file := range fixtest.Cases(t, dir) {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) {
			out := fixtest.Case(t, file, fix.Options{}, accept)
			if out.Accepted != "yes" && out.Accepted != "-" {
				t.Errorf("the lock file is not accepted: %s", out.Accepted)
			}
		})
	}
}

func TestPNPMCases(t *testing.T) { javascriptCases(t, "testdata/cases/pnpm", pnpmAccepts) }

// pnpmAccepts returns an installation from each lock file that changed, and only from it.
func pnpmAccepts(ws *fix.Workspace) []fix.Command {
	return installs(ws, "pnpm-lock.yaml", func(lock []byte) (*fix.NodePackage, []string) {
		p := fix.PNPM10
		if bytes.Contains(lock, []byte("lockfileVersion: '6")) {
			p = fix.PNPM8
		}
		return p, []string{
			"install", "--frozen-lockfile", "--ignore-scripts", "--ignore-pnpmfile", "--config.manage-package-manager-versions=false",
			"--config.store-dir={cache}/pnpm-store", "--config.cache-dir={cache}/pnpm", "--registry=" + fixtest.Registries["NPM_CONFIG_REGISTRY"],
		}
	})
}

// installs returns a run of a package for each lock file that changed.
func installs(ws *fix.Workspace, name string, with func(lock []byte) (*fix.NodePackage, []string)) []fix.Command {
	var all []fix.Command
	for _, lock := range ws.Tree().Named(name) {
		dir := path.Dir(lock)
		var files []string
		for _, f := range ws.Tree().Files() {
			if dir == "." || strings.HasPrefix(f.Path, dir+"/") {
				files = append(files, f.Path)
			}
		}
		data, err := ws.ReadFile(lock)
		if err != nil {
			continue
		}
		p, args := with(data)
		known := *p
		known.Address = fixtest.Registries["NPM_CONFIG_REGISTRY"] + known.Name + "/-/" + path.Base(known.Name) + "-" + known.Version + ".tgz"
		all = append(all, fix.Command{Program: "node", Package: &known, Dir: dir, Files: files, Outputs: []string{}, Network: true, Args: args})
	}
	return all
}

func TestYarnClassicCases(t *testing.T) {
	javascriptCases(t, "testdata/cases/yarn-classic", func(ws *fix.Workspace) []fix.Command {
		return installs(ws, "yarn.lock", func([]byte) (*fix.NodePackage, []string) {
			return fix.Yarn1, []string{"install", "--frozen-lockfile", "--ignore-scripts", "--ignore-engines", "--non-interactive", "--cache-folder={cache}/yarn1"}
		})
	})
}

func TestYarnBerryCases(t *testing.T) {
	javascriptCases(t, "testdata/cases/yarn-berry", func(ws *fix.Workspace) []fix.Command {
		all := installs(ws, "yarn.lock", func(lock []byte) (*fix.NodePackage, []string) {
			if bytes.Contains(lock, []byte("\n  version: 8")) {
				return fix.Yarn4, []string{"install", "--immutable", "--mode=skip-build"}
			}
			return fix.Yarn3, []string{"install", "--immutable", "--mode=skip-build"}
		})
		for i := range all {
			all[i].Env = []string{
				"YARN_IGNORE_PATH=1", "YARN_ENABLE_TELEMETRY=0", "YARN_GLOBAL_FOLDER={cache}/yarn", "YARN_ENABLE_GLOBAL_CACHE=1",
				"YARN_NPM_REGISTRY_SERVER=" + strings.TrimSuffix(fixtest.Registries["NPM_CONFIG_REGISTRY"], "/"),
			}
		}
		return all
	})
}

func TestBunCases(t *testing.T) {
	javascriptCases(t, "testdata/cases/bun", func(ws *fix.Workspace) []fix.Command {
		all := installs(ws, "bun.lock", func([]byte) (*fix.NodePackage, []string) {
			return fix.PNPM10, []string{"install", "--frozen-lockfile", "--ignore-scripts", "--no-progress"}
		})
		for i := range all { // bun is no program of Node.js
			all[i].Program, all[i].Package = "bun", nil
			all[i].Env = []string{"BUN_INSTALL_CACHE_DIR={cache}/bun", "BUN_CONFIG_REGISTRY=" + fixtest.Registries["NPM_CONFIG_REGISTRY"]}
		}
		return all
	})
}
