package fix

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"go/parser"
	"go/token"
	goversion "go/version"
	"path"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/mod/modfile"
	"golang.org/x/mod/module"
	"golang.org/x/mod/semver"

	"github.com/trifecta-scanner/trifecta/inventory"
)

// Go writes go.mod and go.sum, in workspaces, too.
//
// Go builds with the highest version that any module asks for, so that every fix is a requirement: a direct one is
// raised, an indirect one written down. The go command resolves it in a copy with go.mod and go.sum, where each package
// of the module is a stub: its package clause and its imports, which is all that go mod tidy looks at. A module that
// was tidy stays tidy; in one that was not, nothing but what the new versions need is changed. The module proxy and the
// checksum database are asked, version control never.
var Go = &Manager{
	Name:      "Go",
	Ecosystem: "Go",
	Claims: func(_ *Workspace, name string) bool {
		return slices.Contains([]string{"go.mod", "go.work", "go.sum"}, path.Base(name))
	},
	Open:       openGo,
	Registry:   newGoRegistry,
	Admits:     func(constraint, version string) (bool, error) { return constraint == version, nil },
	Prerelease: func(version string) bool { return semver.Prerelease("v"+version) != "" },
	// Another major version has another path, and 0.x is how half of the ecosystem numbers what it keeps compatible.
	Major:  func(string, string) bool { return false },
	Raises: goWants,
	Beside: goToolchain,
	Sparse: true,
	Ways:   []How{HowLock},
	Write:  writeGo,
}

// goStdlib is the name of the standard library in advisories.
const goStdlib = "stdlib"

// goProject is what openGo keeps for writeGo.
type goProject struct {
	dir    string
	work   string   // the go.work that uses the module; empty for none
	others []string // folders of modules of the tree that this one replaces others by
}

func openGo(_ context.Context, ws *Workspace, name string) (*Project, error) {
	data, err := ws.ReadFile(name)
	if err != nil {
		return nil, err
	}
	if path.Base(name) == "go.work" {
		return openGoWork(ws, name, data)
	}
	dir := path.Dir(name)
	sum := path.Base(name) == "go.sum"
	mod := path.Join(dir, "go.mod")
	if sum { // it names what a go.mod of old does not
		if data, err = ws.ReadFile(mod); err != nil {
			return nil, err
		}
	}
	file, err := modfile.ParseLax(mod, data, nil)
	if err != nil {
		return nil, err
	}
	if strict, err := modfile.Parse(mod, data, nil); err == nil {
		file = strict // with replace and exclude
	}
	if ws.Has(path.Join(dir, "vendor", "modules.txt")) {
		return nil, fmt.Errorf("the module has its dependencies in a folder vendor, which only go mod vendor can make anew")
	}
	own := &goProject{dir: dir}
	p := &Project{Path: name, Dir: dir, Files: []string{mod, path.Join(dir, "go.sum")}, Group: mod, Refused: map[string]string{}, Data: own}
	for _, e := range file.Exclude {
		p.Refused[e.Mod.Path+" "+strings.TrimPrefix(e.Mod.Version, "v")] = fmt.Sprintf("%s excludes %s %s", mod, e.Mod.Path, e.Mod.Version)
	}
	if own.work = goWorkOf(ws, dir); own.work != "" {
		p.Group = own.work
		p.Files = append(p.Files, own.work, own.work+".sum")
		p.Files = append(p.Files, goMembers(ws, own.work)...)
	}
	replaced := map[string]*modfile.Replace{}
	for _, r := range file.Replace {
		replaced[r.Old.Path] = r
		if modfile.IsDirectoryPath(r.New.Path) {
			if at := path.Join(dir, r.New.Path); !path.IsAbs(r.New.Path) && !strings.HasPrefix(at, "..") {
				own.others = append(own.others, at)
				p.Files = append(p.Files, path.Join(at, "go.mod"), path.Join(at, "go.sum"))
			}
			continue
		}
		p.add(r.New, r.Syntax, "replace", true)
	}
	for _, r := range file.Require {
		if replaced[r.Mod.Path] != nil {
			continue
		}
		p.add(r.Mod, r.Syntax, "require", !r.Indirect)
	}
	if file.Go != nil {
		p.Runtime = []Need{{Name: "go", Constraint: file.Go.Version}}
	}
	slices.Sort(p.Files)
	p.Files = slices.Compact(p.Files)
	if sum {
		return p, p.sums(ws)
	}
	version, line := goLine(file)
	if line != nil {
		p.Packages = append(p.Packages, Locked{Name: goStdlib, Version: version, Direct: true, Location: inventory.Location{Path: name, Line: line.Start.Line}})
		p.Requirements = append(p.Requirements, Requirement{Package: goStdlib, Constraint: version, List: "go", Location: inventory.Location{Path: name, Line: line.Start.Line}})
	}
	return p, nil
}

// sums makes the packages of the project those of its go.sum, in place of those that go.mod names.
func (p *Project) sums(ws *Workspace) error {
	data, err := ws.ReadFile(p.Path)
	if err != nil {
		return err
	}
	p.Packages, p.Requirements = nil, nil
	n := 0
	for line := range strings.Lines(string(data)) {
		n++
		fields := strings.Fields(line)
		if len(fields) != 3 || strings.HasSuffix(fields[1], "/go.mod") {
			continue
		}
		p.Packages = append(p.Packages, Locked{Name: fields[0], Version: strings.TrimPrefix(fields[1], "v"), Location: inventory.Location{Path: p.Path, Line: n}})
	}
	return nil
}

// goToolchain returns the toolchain that a release wants, where that is later than what the project states and has
// findings of its own: a later one of the same language is suggested then.
func goToolchain(p *Project, r Release, fixed func(name, version string) string) []Target {
	for _, e := range r.Engines {
		for _, have := range p.Runtime {
			if e.Name != "go" || have.Name != "go" || !goWants(have.Constraint, e.Constraint) {
				continue
			}
			if to := fixed(goStdlib, e.Constraint); to != "" {
				return []Target{{Package: goStdlib, From: e.Constraint, To: to, How: HowLock}}
			}
		}
	}
	return nil
}

// add notes one module with its line.
func (p *Project) add(mod module.Version, line *modfile.Line, list string, direct bool) {
	at := inventory.Location{Path: p.Path, Line: line.Start.Line}
	version := strings.TrimPrefix(mod.Version, "v")
	p.Packages = append(p.Packages, Locked{Name: mod.Path, Version: version, Direct: direct, Location: at})
	if direct {
		p.Requirements = append(p.Requirements, Requirement{Package: mod.Path, Constraint: version, List: list, Location: at})
	}
}

// goLine returns the version of the standard library that a module is built with at least: that of the line toolchain,
// else of the line go.
func goLine(file *modfile.File) (string, *modfile.Line) {
	if file.Toolchain != nil && file.Toolchain.Name != "default" {
		return strings.TrimPrefix(file.Toolchain.Name, "go"), file.Toolchain.Syntax
	}
	if file.Go != nil {
		return file.Go.Version, file.Go.Syntax
	}
	return "", nil
}

// openGoWork reads a workspace, whose replacements are its own.
func openGoWork(ws *Workspace, name string, data []byte) (*Project, error) {
	file, err := modfile.ParseWork(name, data, nil)
	if err != nil {
		return nil, err
	}
	p := &Project{Path: name, Dir: path.Dir(name), Group: name, Files: []string{name, name + ".sum"}, Data: &goProject{dir: path.Dir(name), work: name}}
	p.Files = append(p.Files, goMembers(ws, name)...)
	for _, r := range file.Replace {
		if !modfile.IsDirectoryPath(r.New.Path) {
			p.add(r.New, r.Syntax, "replace", true)
		}
	}
	return p, nil
}

// goWorkOf returns the go.work that uses the module in dir, or nothing.
func goWorkOf(ws *Workspace, dir string) string {
	for up := dir; ; up = path.Dir(up) {
		if name := path.Join(up, "go.work"); ws.Has(name) {
			if slices.Contains(goMembers(ws, name), path.Join(dir, "go.mod")) {
				return name
			}
			return ""
		}
		if up == "." {
			return ""
		}
	}
}

// goMembers returns go.mod and go.sum of each module that a workspace uses, as far as they are in the tree.
func goMembers(ws *Workspace, name string) []string {
	data, err := ws.ReadFile(name)
	if err != nil {
		return nil
	}
	file, err := modfile.ParseWork(name, data, nil)
	if err != nil {
		return nil
	}
	var all []string
	for _, use := range file.Use {
		at := path.Join(path.Dir(name), use.Path)
		if path.IsAbs(use.Path) || strings.HasPrefix(at, "..") || !ws.Has(path.Join(at, "go.mod")) {
			continue
		}
		all = append(all, path.Join(at, "go.mod"), path.Join(at, "go.sum"))
	}
	return all
}

func writeGo(ctx context.Context, job *Job) error {
	own := job.Project.Data.(*goProject)
	var queries []string
	lines := false
	toolchain := ""
	for _, t := range job.Targets {
		if t.Package == goStdlib && len(t.Lines) == 0 {
			toolchain = t.To
			continue
		}
		if t.Package == goStdlib || slices.ContainsFunc(t.Lines, func(r Requirement) bool { return r.List == "replace" }) {
			if err := writeGoLine(job.Workspace, t); err != nil {
				return err
			}
			lines = lines || t.Package != goStdlib
			continue
		}
		if module.CheckPath(t.Package) != nil || !semver.IsValid("v"+t.To) {
			return fmt.Errorf("%s %s is no module", t.Package, t.To)
		}
		queries = append(queries, t.Package+"@v"+t.To)
	}
	if len(queries) == 0 && !lines {
		return nil
	}
	if job.Env.Runner == nil {
		return &ToolError{Program: "go", Missing: true}
	}
	stubs, err := goStubs(job.Workspace, own)
	if err != nil {
		return err
	}
	run := func(ws *Workspace, args ...string) error {
		cmd := goCommand(job.Env, args...)
		cmd.Dir, cmd.Files, cmd.Extra = own.dir, job.Project.Files, stubs
		cmd.Outputs = goOutputs(own)
		if own.work == "" {
			cmd.Env = append(cmd.Env, "GOWORK=off")
		}
		_, err := job.Env.Runner.Run(ctx, ws, cmd)
		return err
	}
	if err := raiseGoWork(ctx, job, own); err != nil {
		return err
	}
	// Whether the module was tidy is asked of the workspace as it is. One that can't be tidied, because it needs what no
	// proxy has, was not.
	trial := job.Workspace.Clone()
	tidy := run(trial, "mod", "tidy") == nil && len(differing(job.Workspace, trial)) == 0
	if len(queries) > 0 {
		data, err := job.Workspace.ReadFile(path.Join(own.dir, "go.mod"))
		if err != nil {
			return err
		}
		if file, err := modfile.Parse("go.mod", data, nil); err == nil && file.Toolchain == nil {
			queries = append(queries, "toolchain@none") // go get would write down its own
		}
		if err := run(job.Workspace, append([]string{"get"}, queries...)...); err != nil {
			return err
		}
	}
	if toolchain != "" {
		if err := setToolchain(job.Workspace, path.Join(own.dir, "go.mod"), toolchain); err != nil {
			return err
		}
	}
	if tidy || lines {
		return run(job.Workspace, "mod", "tidy")
	}
	// The packages of the module with what they now import; nothing is raised that need not be.
	return run(job.Workspace, "list", "-deps", "-test", "-f", "{{.ImportPath}}", "./...")
}

// raiseGoWork raises the line go of a workspace to what the targets want: a workspace may not say less than its modules.
func raiseGoWork(ctx context.Context, job *Job, own *goProject) error {
	if own.work == "" || job.Registry == nil {
		return nil
	}
	data, err := job.Workspace.ReadFile(own.work)
	if err != nil {
		return err
	}
	file, err := modfile.ParseWork(own.work, data, nil)
	if err != nil {
		return err
	}
	for _, t := range job.Targets {
		r, err := job.Registry.Describe(ctx, t.Package, t.To)
		if err != nil {
			continue // go get says it better
		}
		for _, e := range r.Engines {
			if file.Go != nil && goWants(file.Go.Version, e.Constraint) {
				if err := file.AddGoStmt(e.Constraint); err != nil {
					return err
				}
			}
		}
	}
	file.Cleanup()
	return job.Workspace.WriteFile(own.work, modfile.Format(file.Syntax))
}

// setToolchain suggests a toolchain in a go.mod that asks for an older one.
func setToolchain(ws *Workspace, name, version string) error {
	data, err := ws.ReadFile(name)
	if err != nil {
		return err
	}
	file, err := modfile.Parse(name, data, nil)
	if err != nil {
		return err
	}
	if file.Go == nil || !goWants(file.Go.Version, version) || file.Toolchain != nil && !goWants(strings.TrimPrefix(file.Toolchain.Name, "go"), version) {
		return nil
	}
	if err := file.AddToolchainStmt("go" + version); err != nil {
		return err
	}
	file.Cleanup()
	return ws.WriteFile(name, modfile.Format(file.Syntax))
}

// goOutputs are the files that may come back: those of the module, and of its workspace the sums.
func goOutputs(own *goProject) []string {
	all := []string{path.Join(own.dir, "go.mod"), path.Join(own.dir, "go.sum")}
	if own.work != "" {
		all = append(all, own.work+".sum")
	}
	return all
}

// writeGoLine changes a version in a line that go get does not write: go, toolchain or replace.
func writeGoLine(ws *Workspace, t Target) error {
	for _, r := range t.Lines {
		data, err := ws.ReadFile(r.Location.Path)
		if err != nil {
			return err
		}
		lines := bytes.SplitAfter(data, []byte("\n"))
		i := r.Location.Line - 1
		if i < 0 || i >= len(lines) {
			return fmt.Errorf("%s has no line %d", r.Location.Path, r.Location.Line)
		}
		code, comment, commented := bytes.Cut(lines[i], []byte("//"))
		at := bytes.LastIndex(code, []byte(r.Constraint))
		if at < 0 {
			return fmt.Errorf("%s:%d no longer says %s", r.Location.Path, r.Location.Line, r.Constraint)
		}
		changed := slices.Concat(code[:at], []byte(r.To), code[at+len(r.Constraint):])
		if commented {
			changed = slices.Concat(changed, []byte("//"), comment)
		}
		lines[i] = changed
		if err := ws.WriteFile(r.Location.Path, bytes.Join(lines, nil)); err != nil {
			return err
		}
	}
	return nil
}

// goCommand returns a run of go that takes modules from the proxy alone.
func goCommand(env *Env, args ...string) Command {
	proxy := []string{}
	for _, address := range strings.FieldsFunc(env.getenv("GOPROXY"), func(r rune) bool { return r == ',' || r == '|' }) {
		if address != "direct" && address != "off" {
			proxy = append(proxy, address)
		}
	}
	cmd := Command{
		Program: "go", Args: args, Network: true,
		Env: []string{
			"GOTOOLCHAIN=local", "GOENV=off", "GOFLAGS=-mod=mod -modcacherw", "GOVCS=*:off", "GOTELEMETRY=off", "CGO_ENABLED=0",
			"GOPATH={home}/go", "GOMODCACHE={cache}/gomod", "GOCACHE={cache}/gobuild", "GONOPROXY=none", "GOPRIVATE=",
		},
	}
	if len(proxy) > 0 {
		cmd.Env = append(cmd.Env, "GOPROXY="+strings.Join(proxy, ","))
	}
	for _, name := range []string{"GOSUMDB", "GONOSUMDB"} {
		if value := env.getenv(name); value != "" {
			cmd.Env = append(cmd.Env, name+"="+value)
		}
	}
	return cmd
}

const (
	maxGoFiles  = 50_000  // of one module
	maxGoSource = 4 << 20 // bytes of one file that is read for its imports
)

// goStubs returns a file for each package of the module, and of the modules that stand in for others, with the package
// clause and the imports of all of its files: what depends on a file's other lines does not matter to go mod tidy,
// which looks at files whatever their build constraints, apart from those that say ignore.
func goStubs(ws *Workspace, own *goProject) (map[string]string, error) {
	type stub struct {
		name    string
		imports map[string]bool
		tests   map[string]bool
	}
	roots := append([]string{own.dir}, own.others...)
	if own.work != "" {
		for _, name := range goMembers(ws, own.work) {
			roots = append(roots, path.Dir(name))
		}
	}
	stubs := map[string]*stub{}
	n := 0
	for _, f := range ws.Tree().WithSuffix(".go") {
		dir := path.Dir(f.Path)
		if f.Vendored || f.Size > maxGoSource || !slices.ContainsFunc(roots, func(root string) bool { return goFolder(ws, root, dir) }) {
			continue
		}
		if n++; n > maxGoFiles {
			return nil, fmt.Errorf("the module has more than %d files", maxGoFiles)
		}
		data, err := ws.ReadFile(f.Path)
		if err != nil {
			continue // the walk has a notice for it
		}
		if base := path.Base(f.Path); strings.HasPrefix(base, "_") || strings.HasPrefix(base, ".") || goIgnored(data) {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), f.Path, data, parser.ImportsOnly)
		if err != nil || file.Name == nil {
			continue
		}
		s := stubs[dir]
		if s == nil {
			s = &stub{imports: map[string]bool{}, tests: map[string]bool{}}
			stubs[dir] = s
		}
		to := s.imports
		if strings.HasSuffix(f.Path, "_test.go") {
			to = s.tests
			s.name = cmp.Or(s.name, strings.TrimSuffix(file.Name.Name, "_test"))
		} else {
			s.name = file.Name.Name
		}
		for _, spec := range file.Imports {
			if imported, err := strconv.Unquote(spec.Path.Value); err == nil && imported != "C" && module.CheckImportPath(imported) == nil {
				to[imported] = true
			}
		}
	}
	all := map[string]string{}
	for dir, s := range stubs {
		all[path.Join(dir, "trifecta_stub.go")] = goStub(s.name, s.imports)
		if len(s.tests) > 0 {
			all[path.Join(dir, "trifecta_stub_test.go")] = goStub(s.name+"_test", s.tests)
		}
	}
	return all, nil
}

func goStub(name string, imports map[string]bool) string {
	var b strings.Builder
	fmt.Fprintf(&b, "package %s\n", name)
	for _, imported := range sortedKeys(imports) {
		fmt.Fprintf(&b, "import _ %q\n", imported)
	}
	return b.String()
}

// goFolder reports whether a folder belongs to the module in root: it is there or below, no other module is between,
// and the go command does not leave it out.
func goFolder(ws *Workspace, root, dir string) bool {
	if root != "." && dir != root && !strings.HasPrefix(dir, root+"/") {
		return false
	}
	for at := dir; at != root; at = path.Dir(at) {
		base := path.Base(at)
		if base == "testdata" || strings.HasPrefix(base, "_") || strings.HasPrefix(base, ".") && base != "." || ws.Has(path.Join(at, "go.mod")) {
			return false
		}
		if at == "." {
			break
		}
	}
	return true
}

// goIgnored reports whether a file says that it belongs to no package: //go:build ignore.
func goIgnored(data []byte) bool {
	for line := range bytes.Lines(data) {
		line = bytes.TrimSpace(line)
		if bytes.HasPrefix(line, []byte("package ")) {
			return false
		}
		if rest, ok := bytes.CutPrefix(line, []byte("//go:build ")); ok && bytes.Equal(bytes.TrimSpace(rest), []byte("ignore")) {
			return true
		}
	}
	return false
}

// goWants says that a release needs a later Go than the project states; what it states is raised then.
func goWants(runtime, engine string) bool {
	return goversion.Compare("go"+engine, "go"+runtime) > 0
}
