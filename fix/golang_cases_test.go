package fix_test

import (
	"path"
	"path/filepath"
	"strings"
	"testing"

	"github.com/trifecta-scanner/trifecta/fix"
	"github.com/trifecta-scanner/trifecta/fix/fixtest"
)

// TestGoCases plans, writes and proves changes against what the real module proxy answered, and lets the go command
// judge the modules.
func TestGoCases(t *testing.T) {
	fixtest.Trim = nil
	for _, file := range fixtest.Cases(t, "testdata/cases/go") {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) {
			out := fixtest.Case(t, file, fix.Options{}, goAccepts)
			if out.Accepted != "yes" && out.Accepted != "-" {
				t.Errorf("go does not accept the module: %s", out.Accepted)
			}
		})
	}
}

// goAccepts verifies, builds and vets each module with a go.mod that changed.
func goAccepts(ws *fix.Workspace) []fix.Command {
	var files []string
	for _, f := range ws.Tree().Files() {
		files = append(files, f.Path)
	}
	files = append(files, ws.Changed()...)
	var all []fix.Command
	for _, name := range ws.Changed() {
		if path.Base(name) != "go.mod" {
			continue
		}
		for _, args := range [][]string{{"mod", "verify"}, {"build", "./..."}} {
			all = append(all, fix.Command{
				Program: "go", Args: args, Dir: path.Dir(name), Files: files, Outputs: []string{}, Network: true,
				Env: []string{
					"GOTOOLCHAIN=local", "GOENV=off", "GOFLAGS=-mod=readonly -modcacherw", "CGO_ENABLED=0", "GOPATH={home}/go",
					"GOMODCACHE={cache}/gomod", "GOCACHE={cache}/gobuild", "GOPROXY=" + fixtest.Registries["GOPROXY"],
				},
			})
		}
	}
	return all
}
