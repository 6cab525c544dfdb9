// Package imports says whether the sources of a project import a package that its lock file lists: at all, by its tests
// only, or not. It is evidence for ranking and for VEX, and it is careful: "not imported" is said of a package only where
// everything that could name it was read and nothing does.
//
// Sources are scanned for their import statements, not parsed, so that a whole repository takes some milliseconds. A
// language lives in a file of its own and is listed in languages.
//
// # Limitations
//
// A package that another package needs (a transitive one) is imported by code that is not in the tree, so that nothing is
// said of it unless the project imports it itself. What an import leads to is not followed: see the call analysis of
// --called for Go. Code that is generated while building, or loaded by a name that is put together at run time, is not
// seen; languages where that is usual (Ruby with Bundler.require, Java frameworks) have answers for some packages only.
package imports

import (
	"bytes"
	"context"
	"path"
	"slices"
	"strings"
	"sync"
	"unicode/utf8"

	"github.com/trifecta-scanner/trifecta/inventory"
)

// Use is the answer for one package in one project.
type Use string

// The answers, in the words of a finding.
const (
	Imported    Use = "imported"     // by code that is no test
	NotImported Use = "not-imported" // nothing in the project names it, or its tests alone do
	NotAnalysed Use = "not-analysed" // it can't be told
)

// Question asks for one package where one file lists it.
type Question struct {
	Ecosystem string // OSV's name
	Name      string
	Path      string // of the lock file or manifest that lists it
	Direct    bool   // the project asks for it itself
}

// Answer says how a project uses a package.
type Answer struct {
	Use Use
	// Tests says that tests import it and nothing else does.
	Tests bool
	// Location is the first import, if there is one.
	Location inventory.Location
}

// The bounds of what is read for one project. A project beyond them has no answer "not imported".
const (
	maxFile    = 1 << 20   // bytes of one source file; larger ones are bundles, which programs write
	maxProject = 256 << 20 // bytes of all of them
	maxFiles   = 50_000
)

// language is how the sources of one ecosystem name packages.
type language struct {
	ecosystem string
	sources   []string // endings of source files
	// owns are the base names of files that make a folder a project of its own.
	owns []string
	// imports calls found for each module that a source imports, with the offset of its name, and named for each text that
	// could name a module for a loader.
	imports func(data []byte, found func(module string, offset int), named func(module string))
	// module returns the modules under which a package is imported, and whether these are all.
	modules func(name string) (modules []string, all bool)
	// within reports whether importing a module imports the package that provides "of".
	within func(module, of string) bool
	test   func(name string) bool
	// loads reports whether a source loads packages that it does not name.
	loads func(data []byte) bool
}

var languages = []*language{&javascript, &python, &golang, &java, &rust, &ruby}

// Reader answers questions about one tree. It reads a project when it is first asked about. It is safe for use by
// several goroutines.
type Reader struct {
	tree     *inventory.Tree
	mu       sync.Mutex
	projects map[projectKey]*project
}

type projectKey struct{ ecosystem, dir string }

// New returns a reader of the tree.
func New(tree *inventory.Tree) *Reader {
	return &Reader{tree: tree, projects: map[projectKey]*project{}}
}

// Answer answers one question. A context that is done ends in NotAnalysed.
func (r *Reader) Answer(ctx context.Context, q Question) Answer {
	i := slices.IndexFunc(languages, func(l *language) bool { return l.ecosystem == q.Ecosystem })
	if i < 0 {
		return Answer{Use: NotAnalysed}
	}
	lang := languages[i]
	p := r.project(ctx, lang, path.Dir(q.Path))
	modules, all := lang.modules(q.Name)
	var tests *place
	named := false
	for _, m := range modules {
		use, found := p.find(lang, m)
		if use.production != nil {
			return Answer{Use: Imported, Location: use.production.location(r.tree)}
		}
		if tests == nil {
			tests = use.test
		}
		named = named || found && use.test == nil
	}
	switch {
	case !q.Direct || !all || !p.complete || named:
		return Answer{Use: NotAnalysed}
	case p.mentions(r.tree, q, modules):
		return Answer{Use: NotAnalysed}
	case tests != nil:
		return Answer{Use: NotImported, Tests: true, Location: tests.location(r.tree)}
	}
	return Answer{Use: NotImported}
}

// project is what the sources below one folder import.
type project struct {
	once     sync.Once
	dir      string
	modules  map[string]*uses // by the module as the sources write it
	sorted   []string
	complete bool // all of it was read, and it loads nothing without naming it
	others   []string
	mu       sync.Mutex
	text     map[string][]byte // of other files that may name packages
}

// uses are the first imports of one module. Both are nil where a text alone names it.
type uses struct{ production, test *place }

type place struct {
	path   string
	offset int
	length int
}

// location finds the line of a place. It is asked of few.
func (p *place) location(tree *inventory.Tree) inventory.Location {
	data, err := tree.ReadFile(p.path)
	if err != nil || p.offset > len(data) {
		return inventory.Location{Path: p.path}
	}
	line := 1 + bytes.Count(data[:p.offset], []byte("\n"))
	column := p.offset - bytes.LastIndexByte(data[:p.offset], '\n')
	return inventory.Location{Path: p.path, Line: line, Column: column, EndLine: line, EndColumn: column + p.length}
}

func (r *Reader) project(ctx context.Context, lang *language, dir string) *project {
	r.mu.Lock()
	p, ok := r.projects[projectKey{lang.ecosystem, dir}]
	if !ok {
		p = &project{dir: dir, modules: map[string]*uses{}}
		r.projects[projectKey{lang.ecosystem, dir}] = p
	}
	r.mu.Unlock()
	p.once.Do(func() { p.read(ctx, r.tree, lang) })
	return p
}

func (p *project) read(ctx context.Context, tree *inventory.Tree, lang *language) {
	prefix := p.dir + "/"
	if p.dir == "." {
		prefix = ""
	}
	foreign := p.nested(tree, lang, prefix)
	p.complete = true
	files, size := 0, int64(0)
	for _, f := range tree.Files() {
		if !strings.HasPrefix(f.Path, prefix) || f.Vendored || foreign(f.Path) {
			continue
		}
		if !slices.ContainsFunc(lang.sources, func(end string) bool { return strings.HasSuffix(f.Path, end) }) {
			p.others = append(p.others, f.Path)
			continue
		}
		files++
		size += f.Size
		if ctx.Err() != nil || files > maxFiles || size > maxProject {
			p.complete = false
			break
		}
		if f.Size > maxFile {
			p.complete = false
			continue
		}
		data, err := tree.ReadFile(f.Path)
		if err != nil {
			p.complete = false
			continue
		}
		test := lang.test(f.Path)
		found := func(module string, offset int) { p.add(module, &place{f.Path, offset, len(module)}, test) }
		lang.imports(data, found, func(module string) { p.name(module) })
		if lang.loads != nil && lang.loads(data) {
			p.complete = false
		}
	}
	if files == 0 { // a lock file without sources says nothing
		p.complete = false
	}
	p.sorted = make([]string, 0, len(p.modules))
	for m := range p.modules {
		p.sorted = append(p.sorted, m)
	}
	slices.Sort(p.sorted)
}

// nested returns whether a path lies in a project of its own inside of this one.
func (p *project) nested(tree *inventory.Tree, lang *language, prefix string) func(name string) bool {
	var dirs []string
	for _, base := range lang.owns {
		for _, name := range tree.Named(base) {
			if dir := path.Dir(name); dir != p.dir && strings.HasPrefix(name, prefix) {
				dirs = append(dirs, dir+"/")
			}
		}
	}
	return func(name string) bool {
		return slices.ContainsFunc(dirs, func(dir string) bool { return strings.HasPrefix(name, dir) })
	}
}

// name notes that a text names a module.
func (p *project) name(module string) *uses {
	u := p.modules[module]
	if u == nil {
		u = &uses{}
		p.modules[strings.Clone(module)] = u
	}
	return u
}

func (p *project) add(module string, at *place, test bool) {
	u := p.name(module)
	switch {
	case test && u.test == nil:
		u.test = at
	case !test && u.production == nil:
		u.production = at
	}
}

// find returns the first imports of a module or of something within it, and whether anything names it.
func (p *project) find(lang *language, module string) (first uses, found bool) {
	i, _ := slices.BinarySearch(p.sorted, module)
	for _, name := range p.sorted[i:] {
		if !strings.HasPrefix(name, module) {
			break
		}
		if !lang.within(name, module) {
			continue
		}
		u := p.modules[name]
		if u.production != nil {
			return *u, true
		}
		if first.test == nil {
			first.test = u.test
		}
		found = true
	}
	return first, found
}

// skipped are files that name packages without using them.
var skipped = map[string]bool{
	"package-lock.json": true, "npm-shrinkwrap.json": true, "yarn.lock": true, "pnpm-lock.yaml": true, "bun.lock": true,
	"poetry.lock": true, "uv.lock": true, "Pipfile.lock": true, "pdm.lock": true, "Cargo.lock": true, "go.sum": true, "Gemfile.lock": true,
	"LICENSE": true, "NOTICE": true,
}

// mentions reports whether a file other than sources and lock files names the package or one of its modules: a script,
// a Dockerfile, a configuration that a framework reads. A manifest names it once where it asks for it.
func (p *project) mentions(tree *inventory.Tree, q Question, modules []string) bool {
	names := append([]string{q.Name}, modules...)
	if bare := path.Base(q.Name); len(bare) > 2 && q.Ecosystem == "npm" {
		names = append(names, bare)
	}
	p.mu.Lock()
	if p.text == nil {
		p.text = map[string][]byte{}
		for _, name := range p.others {
			base := path.Base(name)
			if skipped[base] || documentation(name) {
				continue
			}
			if data, err := tree.ReadFile(name); err == nil && len(data) <= maxFile && utf8.Valid(data[:min(len(data), 512)]) {
				p.text[name] = data
			}
		}
	}
	p.mu.Unlock()
	for name, data := range p.text {
		count := 0
		for _, word := range slices.Compact(slices.Sorted(slices.Values(names))) {
			count = max(count, words(data, word))
		}
		if name == q.Path || isManifest(path.Base(name)) {
			count--
		}
		if count > 0 {
			return true
		}
	}
	return false
}

func documentation(name string) bool {
	switch strings.ToLower(path.Ext(name)) {
	case ".md", ".rst", ".adoc", ".svg", ".png", ".jpg", ".html", ".css", ".map":
		return true
	}
	return false
}

func isManifest(base string) bool {
	switch base {
	case "package.json", "pyproject.toml", "go.mod", "pom.xml", "Cargo.toml", "Gemfile", "Pipfile", "setup.cfg":
		return true
	}
	return strings.HasPrefix(base, "requirements") && strings.HasSuffix(base, ".txt")
}

// words counts how often data holds a name that is no part of a longer one.
func words(data []byte, name string) int {
	n := 0
	for at := 0; ; {
		i := bytes.Index(data[at:], []byte(name))
		if i < 0 {
			return n
		}
		start, end := at+i, at+i+len(name)
		if (start == 0 || !wordByte(data[start-1])) && (end == len(data) || !wordByte(data[end])) {
			n++
		}
		at = end
	}
}

func wordByte(c byte) bool {
	return c == '_' || c == '-' || c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= 0x80
}

// identifiers calls found for each identifier with dots: a run of letters, digits, underscores and dots that starts with
// a letter or an underscore.
func identifiers(data []byte, found func(start, end int)) {
	for i := 0; i < len(data); {
		c := data[i]
		if !letter(c) {
			i++
			if c >= '0' && c <= '9' { // a number ends where its letters do
				for i < len(data) && (letter(data[i]) || data[i] >= '0' && data[i] <= '9') {
					i++
				}
			}
			continue
		}
		start := i
		for i < len(data) && (letter(data[i]) || data[i] == '.' || data[i] >= '0' && data[i] <= '9') {
			i++
		}
		found(start, i)
	}
}

func letter(c byte) bool { return c == '_' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' }

// inFolder reports whether one of the elements of a path is a name for tests.
func inFolder(name string, folders ...string) bool {
	for dir := range strings.SplitSeq(path.Dir(name), "/") {
		if slices.Contains(folders, strings.ToLower(dir)) {
			return true
		}
	}
	return false
}
