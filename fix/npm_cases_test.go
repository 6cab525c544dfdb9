package fix_test

import (
	"encoding/json"
	"path"
	"path/filepath"
	"strings"
	"testing"

	"github.com/trifecta-scanner/trifecta/fix"
	"github.com/trifecta-scanner/trifecta/fix/fixtest"
)

// trimNPM keeps of an answer what fixes read.
func trimNPM(address string, body []byte) []byte {
	var doc struct {
		Name     string                     `json:"name,omitempty"`
		Tags     map[string]string          `json:"dist-tags,omitempty"`
		Versions map[string]map[string]any  `json:"versions,omitempty"`
		Other    map[string]json.RawMessage `json:"-"`
	}
	if json.Unmarshal(body, &doc) != nil || len(doc.Versions) == 0 {
		return body
	}
	keep := map[string]bool{
		"dependencies": true, "optionalDependencies": true, "peerDependencies": true, "peerDependenciesMeta": true, "engines": true,
		"deprecated": true, "dist": true, "os": true, "cpu": true, "libc": true, "bin": true, "funding": true, "license": true,
		"bundleDependencies": true, "bundledDependencies": true, "hasInstallScript": true, "_hasShrinkwrap": true,
	}
	for _, v := range doc.Versions {
		scripts := installing(v["scripts"])
		for name := range v {
			if !keep[name] {
				delete(v, name)
			}
		}
		if len(scripts) > 0 {
			v["scripts"] = scripts
		}
		if dist, ok := v["dist"].(map[string]any); ok {
			for name := range dist {
				if name != "integrity" && name != "shasum" && name != "tarball" {
					delete(dist, name)
				}
			}
		}
	}
	short, err := json.Marshal(doc)
	if err != nil {
		return body
	}
	return short
}

// installing returns the scripts that make a difference to lock files, without what else they run.
func installing(scripts any) map[string]any {
	all, _ := scripts.(map[string]any)
	kept := map[string]any{}
	for name, script := range all {
		text, _ := script.(string)
		switch {
		case strings.Contains(text, "node-gyp"):
			kept[name] = "node-gyp"
		case name == "preinstall", name == "install", name == "postinstall":
			kept[name] = "exit"
		}
	}
	return kept
}

// TestNPMCases plans, writes and proves changes against what the real registry answered, and lets npm itself judge the
// lock files.
func TestNPMCases(t *testing.T) {
	fixtest.Trim = trimNPM
	for _, file := range fixtest.Cases(t, "testdata/cases/npm") {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) {
			out := fixtest.Case(t, file, fix.Options{}, npmAccepts)
			if out.Accepted != "yes" && out.Accepted != "-" {
				t.Errorf("npm does not accept the lock file: %s", out.Accepted)
			}
		})
	}
}

// npmAccepts returns npm ci for each lock file that changed.
func npmAccepts(ws *fix.Workspace) []fix.Command {
	var all []fix.Command
	for _, name := range ws.Changed() {
		base := path.Base(name)
		if base != "package-lock.json" && base != "npm-shrinkwrap.json" {
			continue
		}
		dir := path.Dir(name)
		files := []string{name}
		for _, manifest := range ws.Tree().Named("package.json") {
			if dir == "." || strings.HasPrefix(manifest, dir+"/") {
				files = append(files, manifest)
			}
		}
		all = append(all, fix.Command{
			Program: "npm", Beside: []string{"node"}, Dir: dir, Files: files, Outputs: []string{}, Network: true,
			Args: []string{"ci", "--ignore-scripts", "--no-audit", "--no-fund", "--cache={cache}/npm", "--registry=" + fixtest.Registries["NPM_CONFIG_REGISTRY"], "--userconfig={home}/npmrc", "--globalconfig={home}/npmrc-global"},
		})
	}
	return all
}
