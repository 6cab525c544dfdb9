package ecosystem

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	goversion "go/version"
	"path"
	"strings"

	"github.com/package-url/packageurl-go"
	"golang.org/x/mod/modfile"
	"golang.org/x/mod/module"

	"github.com/trifecta-scanner/trifecta/inventory"
)

// Golang is the ecosystem of Go modules. Versions are as OSV has them, without the leading v; package URLs have it, as
// those of other tools do. The standard library is the package stdlib, at the version of the toolchain that the module
// asks for, as in https://go.dev/doc/security/vuln/database.
//
// # Limitations
//
// go.mod does not say which module needs which, so that indirect modules have no chain, nor which ones only tests and
// tools need, so that all of them count as runtime. The h1 sums of go.sum are not digests of an archive and are left
// out.
var Golang = &Ecosystem{
	Name: "Go",
	Formats: []Format{
		{Name: "go.mod", Match: base("go.mod"), LockFile: true, Read: readGoMod},
		{Name: "go.work", Match: base("go.work"), Read: readGoWork},
		{Name: "vendor/modules.txt", Match: isVendorModules, LockFile: true, Vendored: true, Read: readVendorModules},
		{Name: "Go binary", Match: isExecutable, LockFile: true, Installed: true, Binary: true, Read: readGoBinary},
	},
	PURL: func(name, version string) packageurl.PackageURL {
		namespace, base := splitLast(name, "/")
		if name != goStdlib && startsWithDigit(version) {
			version = "v" + version
		}
		return packageurl.PackageURL{Type: packageurl.TypeGolang, Namespace: namespace, Name: base, Version: version}
	},
}

// goSelectsToolchain is the version from which on the go line of a go.mod names a toolchain. Before, it named the
// language that the module is written in, and was built with any later toolchain (https://go.dev/doc/toolchain).
const goSelectsToolchain = "go1.21"

// goStdlib is OSV's name of the standard library.
const goStdlib = "stdlib"

// goModReader reads one go.mod.
// Source: https://go.dev/ref/mod#go-mod-file
type goModReader struct {
	tree  *inventory.Tree
	path  string
	dir   string
	lines *inventory.Lines
	work  *goWork // the workspace that the module belongs to; nil for none
	doc   *Document
}

func readGoMod(_ context.Context, tree *inventory.Tree, name string) (*Document, error) {
	data, err := tree.ReadFile(name)
	if err != nil {
		return nil, err
	}
	dir := path.Dir(name)
	r := &goModReader{
		tree: tree, path: name, dir: dir, lines: inventory.NewLines(data),
		work: workspaceOf(tree, dir), doc: &Document{},
	}
	file, err := parseGoFile(name, data, r.doc, modfile.Parse)
	if file == nil {
		return r.doc, err
	}
	r.read(file)
	r.doc.Resolve()
	return r.doc, err
}

func (r *goModReader) read(file *modfile.File) {
	if file.Module != nil {
		r.doc.Root = file.Module.Mod.Path
	}
	r.doc.Root = projectName(r.doc.Root, r.path)
	excluded := map[module.Version]bool{}
	for _, e := range file.Exclude {
		excluded[e.Mod] = true
	}
	replaced := newGoReplacements(file.Replace, r.lines, r.path)
	for _, require := range file.Require {
		if r.doc.full(r.location(require.Syntax)) != nil {
			return
		}
		if excluded[require.Mod] {
			r.notice("excluded-requirement", require.Syntax, fmt.Sprintf("%s requires %s and excludes it; the version that is built can't be known", r.path, require.Mod))
			continue
		}
		r.require(require, replaced)
	}
	version, line := goToolchain(file)
	if version != "" {
		at := r.location(line)
		entry := Entry{Name: goStdlib, Version: version, Location: at, Manifest: at, Scope: inventory.ScopeRuntime}
		if goversion.Compare("go"+version, goSelectsToolchain) < 0 {
			entry.Version = ""
			r.notice("version-unknown", line, fmt.Sprintf(
				"%s says go %s, which names the language and no toolchain, so that its standard library can't be matched; name the toolchain that builds it", r.path, version))
		}
		r.add(entry, true)
	}
	if version != "" && goversion.Compare("go"+version, "go1.17") < 0 {
		r.readSum()
	}
}

func (r *goModReader) require(require *modfile.Require, replaced goReplacements) {
	at := r.location(require.Syntax)
	e := Entry{
		Name: require.Mod.Path, Version: strings.TrimPrefix(require.Mod.Version, "v"),
		Location: at, Scope: inventory.ScopeRuntime, Origin: inventory.OriginRegistry,
	}
	if !require.Indirect {
		e.Manifest = at
	}
	if r.work.has(e.Name) {
		e.Origin = inventory.OriginWorkspace
	} else if to, ok := r.replacement(require.Mod, replaced); ok {
		e.Location = to.location
		if modfile.IsDirectoryPath(to.mod.Path) {
			e.Origin = inventory.OriginPath
		} else {
			e.Name, e.Version = to.mod.Path, strings.TrimPrefix(to.mod.Version, "v")
		}
	}
	r.add(e, !require.Indirect)
}

// replacement returns what is built in a module's place; go.work goes before go.mod.
func (r *goModReader) replacement(mod module.Version, replaced goReplacements) (goReplacement, bool) {
	if r.work != nil {
		if to, ok := r.work.replaced.of(mod); ok {
			return to, true
		}
	}
	return replaced.of(mod)
}

func (r *goModReader) add(e Entry, direct bool) {
	if direct {
		r.doc.Roots = append(r.doc.Roots, len(r.doc.Entries))
	}
	r.doc.Entries = append(r.doc.Entries, e)
}

func (r *goModReader) location(line *modfile.Line) inventory.Location {
	return r.lines.Location(r.path, line.Start.Byte, line.End.Byte)
}

func (r *goModReader) notice(code string, line *modfile.Line, message string) {
	at := r.location(line)
	r.doc.Notices = append(r.doc.Notices, inventory.Notice{Code: code, Message: message, Location: &at})
}

// goToolchain returns the version of the standard library that the module is built with at least, and the line that
// says so: that of the directive toolchain, else that of the directive go.
func goToolchain(file *modfile.File) (version string, line *modfile.Line) {
	if file.Go != nil {
		version, line = file.Go.Version, file.Go.Syntax
	}
	if file.Toolchain != nil {
		name, _, _ := strings.Cut(file.Toolchain.Name, "-")
		if v, ok := strings.CutPrefix(name, "go"); ok && startsWithDigit(v) {
			version, line = v, file.Toolchain.Syntax
		}
	}
	return version, line
}

// readSum adds what go.sum knows beyond go.mod. Before Go 1.17 go.mod left out what only other modules need; go.sum
// has it, along with versions that were looked at and not chosen.
func (r *goModReader) readSum() {
	name := path.Join(r.dir, "go.sum")
	data, err := r.tree.ReadFile(name)
	if err != nil {
		if r.tree.Has(name) {
			r.doc.Notices = append(r.doc.Notices, inventory.Notice{
				Code: "unreadable-file", Message: fmt.Sprintf("%s can't be read: %v", name, err), Location: &inventory.Location{Path: name},
			})
		}
		return
	}
	known := make(map[module.Version]bool, len(r.doc.Entries))
	for _, e := range r.doc.Entries {
		known[module.Version{Path: e.Name, Version: e.Version}] = true
	}
	lines := inventory.NewLines(data)
	start := 0
	for line := range bytes.Lines(data) {
		text := bytes.TrimRight(line, "\r\n")
		at := lines.Location(name, start, start+len(text))
		start += len(line)
		fields := strings.Fields(string(text))
		switch {
		case len(fields) == 0:
			continue
		case len(fields) != 3:
			r.doc.Notices = append(r.doc.Notices, inventory.Notice{
				Code: "unreadable-entry", Message: name + " has a line that is not a module, a version and a sum", Location: &at,
			})
			return
		case strings.HasSuffix(fields[1], "/go.mod"): // the sum of the module's go.mod, which may be all that was read of it
			continue
		}
		mod := module.Version{Path: fields[0], Version: strings.TrimPrefix(fields[1], "v")}
		if !known[mod] {
			if r.doc.full(at) != nil {
				return
			}
			known[mod] = true
			r.add(Entry{Name: mod.Path, Version: mod.Version, Location: at, Origin: inventory.OriginRegistry}, false)
		}
	}
}

// goReplacement is what a directive replace puts in a module's place.
type goReplacement struct {
	mod      module.Version
	location inventory.Location
}

// goReplacements are directives replace by what they replace; those for all versions have no version.
type goReplacements map[module.Version]goReplacement

func newGoReplacements(directives []*modfile.Replace, lines *inventory.Lines, name string) goReplacements {
	all := goReplacements{}
	for _, d := range directives {
		all[d.Old] = goReplacement{mod: d.New, location: lines.Location(name, d.Syntax.Start.Byte, d.Syntax.End.Byte)}
	}
	return all
}

// of returns the replacement of a module; one for this very version goes before one for all.
func (g goReplacements) of(mod module.Version) (goReplacement, bool) {
	to, ok := g[mod]
	if !ok {
		to, ok = g[module.Version{Path: mod.Path}]
	}
	return to, ok
}

// goFile is a go.mod or a go.work.
type goFile interface {
	modfile.File | modfile.WorkFile
}

// maxGoErrors bounds how many broken lines of a file are told.
const maxGoErrors = 20

// parseGoFile parses a go.mod or go.work. Lines that can't be understood become notices of doc, and the rest is read
// without them; a file that breaks off inside of a block is read up to that place, with an error.
func parseGoFile[F goFile](name string, data []byte, doc *Document, parse func(string, []byte, modfile.VersionFixer) (*F, error)) (*F, error) {
	rounds := min(max(64<<20/(len(data)+1), 2), 50)
	var brokenOff error
	data = bytes.Clone(data)
	for range rounds {
		file, err := parse(name, data, nil)
		if err == nil {
			return file, brokenOff
		}
		var list modfile.ErrorList
		if !errors.As(err, &list) || len(list) == 0 {
			return nil, err
		}
		for _, e := range list {
			at := &inventory.Location{Path: name, Line: e.Pos.Line, Column: e.Pos.LineRune}
			if !blankLine(data, e.Pos.Byte) {
				if brokenOff != nil {
					return nil, brokenOff
				}
				brokenOff = &Error{Location: *at, Err: e.Err}
				data = append(data, "\n)\n"...)
				continue
			}
			if len(doc.Notices) < maxGoErrors {
				doc.Notices = append(doc.Notices, inventory.Notice{
					Code: "unreadable-entry", Message: fmt.Sprintf("%s has a line that can't be understood: %v", name, e.Err), Location: at,
				})
			}
		}
	}
	return nil, &Error{Location: inventory.Location{Path: name, Line: 1}, Err: errors.New("too many lines can't be understood")}
}

// blankLine overwrites the line of data at offset with spaces and reports whether there was anything to overwrite.
func blankLine(data []byte, offset int) bool {
	if offset < 0 || offset >= len(data) {
		return false
	}
	start := bytes.LastIndexByte(data[:offset], '\n') + 1
	blanked := false
	for i := start; i < len(data) && data[i] != '\n'; i++ {
		blanked = blanked || data[i] != ' ' && data[i] != '\r' && data[i] != '\t'
		data[i] = ' '
	}
	return blanked
}
