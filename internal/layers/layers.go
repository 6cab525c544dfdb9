// Package layers checks who imports whom. Its test runs with every `go test ./...` and reads the imports of the whole
// module, so that an arrow that points the wrong way fails the build on a laptop as it does in CI.
//
// The rules are the tables of this file: layers for the arrows between our packages, homes for the large libraries.
// To add a package, put it into the row it belongs to; docs/architecture.md says what each layer is for.
//
// # Limitations
//
// Imports are read from the source, whatever their build tags say. Test files are held to the naming rules and may
// import what they like, apart from what rows of homes say.
package layers

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path"
	"slices"
	"strconv"
	"strings"
)

// layer is one level of the module. A package imports from the levels below its own, and from its own level only what
// among names.
type layer struct {
	// packages are folders relative to the module's root; "scanner/*" stands for every folder below scanner.
	packages []string
	// among lists the imports between packages of the level that are meant, as "from to".
	among []string
	why   string
}

// layers lists the levels from the bottom to the top.
var layers = []layer{
	{
		packages: []string{"inventory"},
		why:      "facts depend on nothing: a Package or a Location knows no rule, no report and no code host",
	},
	{
		packages: []string{"advisory", "aws", "ecosystem", "forge", "intel", "kube"},
		why:      "what one package manager, one advisory, one cloud or one code host is must be known without a scan",
	},
	{
		packages: []string{"inventory/*", "diagram", "join", "machine", "sbom", "network", "forge/*"},
		among:    []string{"diagram network"},
		why:      "sources only find facts; were one to see findings, facts and judgement would mix",
	},
	{
		packages: []string{"scanner"},
		why:      "Finding and Result are shared by all scanners and reports and can depend on none of them",
	},
	{
		packages: []string{"scanner/*", "report", "fix", "config"},
		why:      "scanners, reports and fixes meet in a Result only, so that each can be changed or left out alone",
	},
	{
		packages: []string{"fix/*"},
		why:      "what tests of fixes are made of stands on fixes",
	},
	{
		packages: []string{"cmd/*", "e2e/*"},
		why:      "the wiring: the only place that knows all of them",
	},
}

// ground is importable from every level and imports none of them.
const ground = "internal/*"

// testing lists packages that only tests may import, because they link package testing.
var testing = []string{"internal/shared", "internal/golden", "fix/fixtest"}

// home says where a large library may be imported. Its types stay there; the neighbours see ours.
type home struct {
	library string   // import path, with everything below it
	in      []string // folders, with everything below them
	tests   bool     // the rule holds for test files as well
	why     string
}

// forClouds is why parts of Syft stay out: see docs/adr/0001.
const forClouds = "it links go-getter with the clients of three clouds: 36 MB of binary and 7 ms of every start"

var homes = []home{
	{library: "github.com/anchore/syft", in: []string{"sbom"}, why: "Syft reads and writes bills of materials and costs 80 MB of binary"},
	{library: "github.com/anchore/syft/syft/pkg/cataloger/java", why: forClouds},
	{library: "github.com/anchore/syft/syft/format/cyclonedxjson", why: forClouds + "; write with CycloneDX/cyclonedx-go"},
	{library: "github.com/hashicorp/go-getter", why: forClouds},
	{library: "github.com/anchore/stereoscope", in: []string{"sbom"}, why: "it is what Syft's resolver is made of"},
	{library: "github.com/CycloneDX/cyclonedx-go", in: []string{"report", "sbom"}, why: "bills of materials are read by sbom and are one report format among others"},
	{library: "github.com/spdx/tools-golang", in: []string{"report", "sbom"}, why: "bills of materials are read by sbom and are one report format among others"},
	{library: "github.com/anchore/go-rpmdb", in: []string{"sbom"}, why: "the databases of rpm are read in one place"},
	{library: "modernc.org/sqlite", in: []string{"sbom"}, why: "rpm keeps its packages in SQLite, and nothing else here does"},
	{
		library: "github.com/google/osv-scalibr", in: []string{"ecosystem", "sbom", "advisory", "scanner/osv"},
		why: "extractors belong to readers of packages, its semantic package to the evaluation of version ranges",
	},
	{
		library: "github.com/google/osv-scanner", in: []string{"ecosystem", "sbom", "advisory", "scanner/osv", "e2e"},
		why: "its DoScan loads whole databases on each run and hides errors; it is a judge for e2e/compare",
	},
	{library: "github.com/google/go-containerregistry", in: []string{"internal/container"}, why: "images are opened in one place, and everybody else sees layers"},
	{library: "github.com/google/go-github", in: []string{"forge/github"}, tests: true, why: "GitHub's API is one forge among others"},
	{library: "gitlab.com/gitlab-org/api", in: []string{"forge/gitlab"}, tests: true, why: "GitLab's API is one forge among others"},
	{library: "github.com/sethvargo/go-githubactions", in: []string{"report", "cmd"}, why: "workflow commands are one way to report"},
	{library: "github.com/owenrumney/go-sarif", why: "report/sarif.go has the part of SARIF that is used, without a schema validator in the binary"},
	{library: "github.com/aws/aws-sdk-go-v2", in: []string{"internal/aws"}, tests: true, why: "the SDK is slow to build and keeps every operation it links"},
	{library: "github.com/hashicorp/hcl", in: []string{"inventory/terraform", "inventory/packer", "inventory/builds"}, why: "the network and the rules read the AWS model and never the language"},
	{library: "github.com/zclconf/go-cty", in: []string{"inventory/terraform", "inventory/packer", "inventory/builds"}, why: "values leave the evaluator as known or unknown with a reason, not as cty"},
	{library: "helm.sh/helm", in: []string{"inventory/kubernetes", "internal/chart"}, why: "charts are rendered in one place, over an in-memory file system"},
	{library: "helm.sh/helm/v3/pkg/engine", why: "it links client-go, and runs templates without a bound; internal/chart has its own"},
	{library: "helm.sh/helm/v3/pkg/chartutil", why: "it links client-go, 37 MB of binary"},
	{library: "k8s.io/client-go", why: "no cluster is asked"},
	{library: "sigs.k8s.io/kustomize", in: []string{"inventory/kubernetes"}, why: "kustomizations are rendered in one place, over an in-memory file system"},
	{library: "golang.org/x/vuln", in: []string{"inventory/calls"}, why: "it runs the go command over the tree, which only --called may"},
	{library: "github.com/spf13/cobra", in: []string{"cmd"}, why: "flags end where the pipeline begins"},
}

// vague names say nothing about what a package provides.
var vague = []string{"util", "utils", "common", "helper", "helpers", "types", "models", "base", "pkg", "misc", "shared"}

// kept are names that would be vague elsewhere: internal/shared is the folder that stands beside a checkout.
var kept = []string{"internal/shared"}

// silent are the packages that may be imported for their side effect.
var silent = []string{"embed", "modernc.org/sqlite"}

// Check reads the Go files of a module and returns what breaks the rules, in order of place. fsys is the folder of
// go.mod and module its path. Modules inside the module, testdata and hidden folders are left out.
func Check(fsys fs.FS, module string) ([]string, error) {
	c := checker{module: module}
	err := fs.WalkDir(fsys, ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if entry.IsDir() {
			if name != "." && leftOut(fsys, name) {
				return fs.SkipDir
			}
			return nil
		}
		if !strings.HasSuffix(name, ".go") {
			return nil
		}
		src, err := fs.ReadFile(fsys, name)
		if err != nil {
			return err
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, src, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		c.file(name, file, lines(src))
		return nil
	})
	return c.found, err
}

func leftOut(fsys fs.FS, dir string) bool {
	base := path.Base(dir)
	if base == "testdata" || base == "vendor" || strings.HasPrefix(base, ".") || strings.HasPrefix(base, "_") {
		return true
	}
	_, err := fs.Stat(fsys, path.Join(dir, "go.mod"))
	return err == nil
}

// lines returns a function from offsets to line numbers.
func lines(src []byte) func(token.Pos) int {
	return func(pos token.Pos) int { return 1 + strings.Count(string(src[:int(pos)-1]), "\n") }
}

type checker struct {
	module string
	found  []string
}

func (c *checker) report(name string, line int, format string, args ...any) {
	c.found = append(c.found, fmt.Sprintf("%s:%d: ", name, line)+fmt.Sprintf(format, args...))
}

func (c *checker) file(name string, file *ast.File, line func(token.Pos) int) {
	dir := path.Dir(name)
	test := strings.HasSuffix(name, "_test.go")
	if slices.Contains(vague, strings.TrimSuffix(file.Name.Name, "_test")) && !slices.Contains(kept, dir) {
		c.report(name, line(file.Name.Pos()), "package %s: name it for what it provides, in one word", file.Name.Name)
	}
	if _, ok := level(dir); !ok && !matches(ground, dir) {
		c.report(name, line(file.Name.Pos()), "folder %s is in no layer; put it into a row of internal/layers", dir)
	}
	for _, decl := range file.Decls {
		if f, ok := decl.(*ast.FuncDecl); ok && f.Recv == nil && f.Name.Name == "init" {
			c.report(name, line(f.Pos()), "func init runs at every start and in no visible order; list the value in a variable, or make it when it is asked for")
		}
	}
	for _, spec := range file.Imports {
		imported, err := strconv.Unquote(spec.Path.Value)
		if err != nil {
			continue // the parser has checked it
		}
		if spec.Name != nil && spec.Name.Name == "_" && !slices.Contains(silent, imported) {
			c.report(name, line(spec.Pos()), "%s is imported for its side effect; say in a list what exists, and in what order", imported)
		}
		if why := c.library(dir, imported, test); why != "" {
			c.report(name, line(spec.Pos()), "%s", why)
		}
		if own, ok := strings.CutPrefix(imported, c.module+"/"); ok && !test {
			if why := arrow(dir, own); why != "" {
				c.report(name, line(spec.Pos()), "%s", why)
			}
		}
	}
}

// library returns why a file in dir may not import a library, or nothing.
func (c *checker) library(dir, imported string, test bool) string {
	for _, h := range homes {
		if !below(h.library, imported) || test && !h.tests {
			continue
		}
		if !slices.ContainsFunc(h.in, func(folder string) bool { return below(folder, dir) }) {
			where := "only in " + strings.Join(h.in, ", ")
			if len(h.in) == 0 {
				where = "nowhere"
			}
			return fmt.Sprintf("%s is imported %s: %s", imported, where, h.why)
		}
	}
	return ""
}

// arrow returns why the package in folder from may not import the one in folder to, or nothing.
func arrow(from, to string) string {
	if slices.Contains(testing, to) && !slices.Contains(testing, from) {
		return fmt.Sprintf("%s is for tests; outside of them it would link package testing into the program", to)
	}
	if matches(ground, to) {
		return ""
	}
	if matches(ground, from) {
		return fmt.Sprintf("%s imports %s: packages below internal serve every layer and know none", from, to)
	}
	lower, ok := level(to)
	if !ok {
		return "" // reported where that folder is read
	}
	upper, ok := level(from)
	switch {
	case !ok, lower < upper:
		return ""
	case lower > upper:
		return fmt.Sprintf("%s imports %s, which stands above it: %s", from, to, layers[upper].why)
	case from == to, slices.Contains(layers[upper].among, from+" "+to):
		return ""
	}
	return fmt.Sprintf("%s imports its sibling %s; let the layer above hand over what it needs: %s", from, to, layers[upper].why)
}

// level returns the index of the layer that a folder belongs to.
func level(dir string) (int, bool) {
	for i, l := range layers {
		if slices.ContainsFunc(l.packages, func(pattern string) bool { return matches(pattern, dir) }) {
			return i, true
		}
	}
	return 0, false
}

// matches reports whether dir is the folder of a pattern; "a/*" stands for every folder below a.
func matches(pattern, dir string) bool {
	if parent, ok := strings.CutSuffix(pattern, "/*"); ok {
		return strings.HasPrefix(dir, parent+"/")
	}
	return pattern == dir
}

// below reports whether p is prefix or a path below it. A major version in p's next element changes nothing.
func below(prefix, p string) bool {
	rest, ok := strings.CutPrefix(p, prefix)
	return ok && (rest == "" || rest[0] == '/')
}
