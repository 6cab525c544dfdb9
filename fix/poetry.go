package fix

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/trifecta-scanner/trifecta/inventory"
	"github.com/trifecta-scanner/trifecta/scanner"
)

// Poetry writes poetry.lock (lock file versions 2.0 and 2.1). The file is edited here and no program runs: it lists every
// package with its hashes, so that what a new version needs can be settled from the index alone, and it is tied to the
// manifest by a hash whose making is known. Poetry itself would clone repositories and build source archives to lock.
// It has no overrides: a package that another one holds back stays.
var Poetry = &Manager{
	Name: "Poetry", Ecosystem: "PyPI",
	Claims:     func(_ *Workspace, name string) bool { return path.Base(name) == "poetry.lock" },
	Open:       openPoetry,
	Registry:   newPyPI,
	Admits:     poetryAdmits,
	Raise:      poetryRaise,
	Prerelease: pypiPrerelease,
	Runs:       pythonRuns,
	Ways:       []How{HowLock, HowAncestor},
	Write:      writePoetry,
}

// Pyproject writes a pyproject.toml that has no lock file: the lower bounds of what it asks for.
var Pyproject = &Manager{
	Name: "pyproject.toml", Ecosystem: "PyPI",
	Claims:     func(_ *Workspace, name string) bool { return path.Base(name) == "pyproject.toml" },
	Open:       openPyproject,
	Registry:   newPyPI,
	Admits:     poetryAdmits,
	Raise:      poetryRaise,
	Prerelease: pypiPrerelease,
	Runs:       pythonRuns,
	Write:      writePyproject,
}

func openPyproject(_ context.Context, ws *Workspace, name string) (*Project, error) {
	f, err := readTOML(ws, name)
	if err != nil {
		return nil, err
	}
	project := &Project{Path: name, Dir: path.Dir(name), Files: []string{name}}
	for _, ask := range pyAsks(f) {
		version, ok := onlyVersion(ask.constraint)
		if !ok {
			version = lowerBound(ask.constraint)
		}
		if ask.poetry && ask.constraint != "" && strings.Trim(ask.constraint, "0123456789.") == "" {
			version = ask.constraint
		}
		project.Packages = append(project.Packages, Locked{Name: ask.name, Version: version, Location: ask.place(), Direct: true, Origin: inventory.OriginRegistry})
		project.Requirements = append(project.Requirements, ask.requirement(ask.name))
	}
	if python := pythonOfManifest(f); python != "" {
		project.Runtime = []Need{{Name: "python", Constraint: python}}
	}
	return project, nil
}

func writePyproject(_ context.Context, job *Job) error {
	f, err := readTOML(job.Workspace, job.Project.Path)
	if err != nil {
		return err
	}
	edits, err := raiseAsks([]*tomlFile{f}, job.Targets)
	if err != nil {
		return err
	}
	return applyEdits(job.Workspace, edits)
}

// pythonOfManifest returns the Python that a project runs on as version specifiers; empty where it does not say, or has
// alternatives.
func pythonOfManifest(f *tomlFile) string {
	python := cmp.Or(f.at("project", "requires-python"), f.at("tool", "poetry", "dependencies", "python"), f.at("tool", "poetry", "dependencies", "python", "version"))
	alternatives, err := poetrySpecifiers(python)
	if err != nil || len(alternatives) != 1 {
		return ""
	}
	return alternatives[0]
}

// poetryPackage is one [[package]] of a lock file.
type poetryPackage struct {
	name, version string
	optional      bool
	groups        []string
	markers       string
	several       bool // it has markers for each of several groups
	source        string
	needs         []pyRequirement // url is empty; spec is as the lock file writes it
	place         inventory.Location
	start, end    int // of the whole block
	markersAt     tomlSpan
	groupsAt      tomlSpan
}

func (p *poetryPackage) key() string { return pypiName(p.name) }

// poetryLock is a lock file with the manifest beside it.
type poetryLock struct {
	file     *tomlFile
	manifest *tomlFile
	packages []poetryPackage
	version  string // of the shape of the file
	hash     tomlLeaf
}

func readPoetry(ws *Workspace, name string) (*poetryLock, error) {
	file, err := readTOML(ws, name)
	if err != nil {
		return nil, err
	}
	l := &poetryLock{file: file, version: file.at("metadata", "lock-version")}
	if l.version != "2.0" && l.version != "2.1" {
		return nil, fmt.Errorf("%s has the shape %s, and what can be written is 2.0 and 2.1; lock it with Poetry 1.5 or later", name, cmp.Or(l.version, "1"))
	}
	if l.manifest, err = readTOML(ws, path.Join(path.Dir(name), "pyproject.toml")); err != nil {
		return nil, fmt.Errorf("the manifest of the lock file: %w", err)
	}
	for _, leaf := range file.under("metadata", "content-hash") {
		l.hash = leaf
	}
	l.blocks()
	for _, leaf := range file.leaves {
		if leaf.item < 0 || leaf.keys[0] != "package" || leaf.item >= len(l.packages) || len(leaf.keys) < 2 {
			continue
		}
		l.packages[leaf.item].read(file, leaf)
	}
	for _, pair := range file.pairs {
		if pair.item < 0 || pair.item >= len(l.packages) || len(pair.keys) != 2 {
			continue
		}
		switch pair.keys[1] {
		case "markers":
			l.packages[pair.item].markersAt = pair
		case "groups":
			l.packages[pair.item].groupsAt = pair
		}
	}
	return l, nil
}

// blocks finds where each package begins and ends.
func (l *poetryLock) blocks() {
	end := len(l.file.data)
	for _, header := range slices.Backward(l.file.headers) {
		start := strings.LastIndexByte(string(l.file.data[:header.start]), '\n') + 1
		switch {
		case header.array && len(header.keys) == 1 && header.keys[0] == "package":
			l.packages = append(l.packages, poetryPackage{start: start, end: end})
			end = start
		case len(header.keys) == 1:
			end = start
		}
	}
	slices.Reverse(l.packages)
}

func (p *poetryPackage) read(f *tomlFile, leaf tomlLeaf) {
	if len(leaf.keys) == 2 {
		switch leaf.keys[1] {
		case "name":
			p.name, p.place = leaf.text, f.place(leaf.start-len("name = "), leaf.end)
		case "version":
			p.version = leaf.text
			end := f.place(leaf.start, leaf.end)
			p.place.EndLine, p.place.EndColumn = end.EndLine, end.EndColumn
		case "optional":
			p.optional = leaf.text == "true"
		case "markers":
			p.markers = leaf.text
		}
		return
	}
	switch leaf.keys[1] {
	case "groups":
		p.groups = append(p.groups, leaf.text)
	case "markers":
		p.several = true
	case "source":
		if leaf.keys[2] == "type" {
			p.source = leaf.text
		}
	case "dependencies":
		// name = ">=1", name = {version, extras, markers}, name = [{...}, {...}]
		name, rest := leaf.keys[2], leaf.keys[3:]
		again := len(p.needs) == 0 || p.needs[len(p.needs)-1].name != name
		if len(rest) > 0 && strings.HasPrefix(rest[0], "#") {
			again = again || len(rest) == 1 || rest[1] == "version"
			rest = rest[1:]
		}
		if again {
			p.needs = append(p.needs, pyRequirement{name: name})
		}
		need := &p.needs[len(p.needs)-1]
		switch {
		case len(rest) == 0 || rest[0] == "version":
			need.spec = leaf.text
		case rest[0] == "markers":
			need.marker = leaf.text
		case rest[0] == "extras":
			need.extras = append(need.extras, leaf.text)
		}
	}
}

func openPoetry(_ context.Context, ws *Workspace, name string) (*Project, error) {
	l, err := readPoetry(ws, name)
	if err != nil {
		return nil, err
	}
	project := &Project{Path: name, Dir: path.Dir(name), Data: l, Files: []string{name, l.manifest.path}}
	byKey := map[string][]int{}
	for i := range l.packages {
		p := &l.packages[i]
		project.Packages = append(project.Packages, Locked{Name: p.name, Version: p.version, Location: p.place, Origin: poetryOrigin(p.source)})
		byKey[p.key()] = append(byKey[p.key()], i)
	}
	for i := range l.packages {
		for _, need := range l.packages[i].needs {
			for _, to := range byKey[pypiName(need.name)] {
				project.Packages[i].Needs = append(project.Packages[i].Needs, Edge{To: to, Constraint: need.spec})
			}
		}
	}
	for _, ask := range pyAsks(l.manifest) {
		name := ask.name
		for _, i := range byKey[pypiName(ask.name)] {
			name = project.Packages[i].Name
			project.Packages[i].Direct = true
		}
		project.Requirements = append(project.Requirements, ask.requirement(name))
	}
	if python := pythonOfManifest(l.manifest); python != "" {
		project.Runtime = []Need{{Name: "python", Constraint: python}}
	}
	return project, nil
}

func poetryOrigin(source string) inventory.Origin {
	switch source {
	case "":
		return inventory.OriginRegistry
	case "legacy":
		return inventory.OriginPrivate
	case "git":
		return inventory.OriginGit
	case "url":
		return inventory.OriginURL
	}
	return inventory.OriginPath
}

// samples are environments of every kind that a project may be installed in: each Python that it admits, on three systems,
// two machines and two implementations.
func samples(python string) []pyEnvironment {
	var all []pyEnvironment
	for _, version := range pythonVersions {
		if ok, err := pypiAdmits(python, version); err != nil || !ok {
			continue
		}
		for _, system := range [][3]string{{"posix", "linux", "Linux"}, {"posix", "darwin", "Darwin"}, {"nt", "win32", "Windows"}} {
			for _, machine := range []string{"x86_64", "arm64"} {
				for _, implementation := range [][2]string{{"cpython", "CPython"}, {"pypy", "PyPy"}} {
					env := linuxPython(version)
					env.values["python_version"] = firstNumbers(version, 2)
					env.values["os_name"], env.values["sys_platform"], env.values["platform_system"] = system[0], system[1], system[2]
					env.values["platform_machine"] = machine
					env.values["implementation_name"], env.values["platform_python_implementation"] = implementation[0], implementation[1]
					all = append(all, env)
				}
			}
		}
	}
	return all
}

// graph returns what the lock file pins. What comes from elsewhere than the public index is never asked for.
func (l *poetryLock) graph(index *pypi, job *Job) *pyGraph {
	python := pythonOfManifest(l.manifest)
	g := &pyGraph{index: index, envs: samples(python), python: python, every: true, closed: true, now: job.Env.Now, pins: map[string]*pyPin{}}
	for i := range l.packages {
		p := &l.packages[i]
		if have := g.pins[p.key()]; have != nil {
			have.fixed = true // several versions under different markers: Poetry's own work
			continue
		}
		g.pins[p.key()] = &pyPin{name: p.name, version: p.version, apart: p.source != ""}
	}
	for i := range l.packages {
		for _, need := range l.packages[i].needs {
			if pin := g.pins[pypiName(need.name)]; pin != nil {
				pin.extras = union(pin.extras, need.extras)
			}
		}
	}
	return g
}

func writePoetry(ctx context.Context, job *Job) error {
	l, err := readPoetry(job.Workspace, job.Project.Path)
	if err != nil {
		return err
	}
	index, _ := job.Registry.(*pypi)
	if index == nil {
		return errors.New("a poetry.lock can't be changed without asking the package index")
	}
	before, err := poetryHashes(l.manifest.data)
	if err != nil {
		return err
	}
	way := slices.Index(before, l.hash.text)
	if way < 0 {
		return fmt.Errorf("%s was not made from the pyproject.toml beside it as it is now; lock it first", job.Project.Path)
	}
	edits, err := raiseAsks([]*tomlFile{l.manifest}, job.Targets)
	if err != nil {
		return err
	}
	trial := job.Workspace.Clone()
	if err := applyEdits(trial, edits); err != nil {
		return err
	}
	if l.manifest, err = readTOML(trial, l.manifest.path); err != nil {
		return err
	}
	after, err := poetryHashes(l.manifest.data)
	if err != nil {
		return err
	}
	graph := l.graph(index, job)
	for _, ask := range pyAsks(l.manifest) {
		pin := graph.pins[pypiName(ask.name)]
		if pin == nil {
			continue
		}
		pin.extras = union(pin.extras, ask.extras)
		if alternatives, err := poetrySpecifiers(ask.constraint); err == nil && len(alternatives) == 1 && ask.fixed == "" {
			pin.asked = append(pin.asked, alternatives[0])
		}
	}
	for _, leaf := range l.manifest.leaves { // extras in Poetry's own tables
		if len(leaf.keys) > 2 && leaf.keys[len(leaf.keys)-2] == "extras" && isPoetryAsk(leaf.keys) {
			for _, table := range poetryTables {
				if keysMatch(leaf.keys, table) && graph.pins[pypiName(leaf.keys[len(table)])] != nil {
					pin := graph.pins[pypiName(leaf.keys[len(table)])]
					pin.extras = union(pin.extras, []string{pypiName(leaf.text)})
				}
			}
		}
	}
	for _, t := range job.Targets {
		if pin := graph.pins[pypiName(t.Package)]; pin != nil && (pin.apart || pin.fixed) {
			return fmt.Errorf("%s is locked in several versions or from elsewhere than the index, which is left to Poetry", t.Package)
		}
		graph.set(t.Package, t.From, t.To)
	}
	if err := graph.settle(ctx); err != nil {
		return err
	}
	w := poetryWriter{ctx: ctx, lock: l, graph: graph, index: index, needs: map[string][]pyRequirement{}}
	if err := w.write(); err != nil {
		return err
	}
	hash, err := l.file.replace(l.hash, after[way])
	if err != nil {
		return err
	}
	if err := applyEdits(trial, append(w.edits, hash)); err != nil {
		return err
	}
	job.Workspace.adopt(trial)
	return nil
}

// poetryWriter turns a settled graph into edits of the lock file.
type poetryWriter struct {
	ctx   context.Context
	lock  *poetryLock
	graph *pyGraph
	index *pypi
	needs map[string][]pyRequirement // of every package as it will be
	edits []textEdit
}

func (w *poetryWriter) write() error {
	changed := w.graph.changed()
	for i := range w.lock.packages {
		w.needs[w.lock.packages[i].key()] = w.lock.packages[i].needs
	}
	for _, key := range changed {
		meta, err := w.index.describe(w.ctx, w.graph.pins[key].name, w.graph.pins[key].version)
		if err != nil {
			return err
		}
		w.needs[key] = meta.needs
	}
	gone := w.unreachable(changed)
	conditions := map[string]string{} // markers of packages that did not change themselves
	groups := map[string][]string{}
	for _, key := range changed {
		if err := w.followers(key, conditions, groups); err != nil {
			return err
		}
	}
	for i := range w.lock.packages {
		p := &w.lock.packages[i]
		pin := w.graph.pins[p.key()]
		switch {
		case gone[p.key()]:
			w.edits = append(w.edits, textEdit{w.lock.file.path, p.start, p.end, ""})
		case pin.from != "" && samePyPI(p.version, pin.from):
			if m, ok := conditions[p.key()]; ok {
				p.markers = m
			}
			if more, ok := groups[p.key()]; ok {
				p.groups = more
			}
			text, err := w.block(pin, p)
			if err != nil {
				return err
			}
			w.edits = append(w.edits, textEdit{w.lock.file.path, p.start, p.end, text})
		default:
			w.fields(p, conditions, groups)
		}
	}
	for _, key := range changed {
		if pin := w.graph.pins[key]; pin.added {
			if err := w.insert(pin); err != nil {
				return err
			}
		}
	}
	return nil
}

// fields edits the markers and groups of a package that did not change itself.
func (w *poetryWriter) fields(p *poetryPackage, conditions map[string]string, groups map[string][]string) {
	f := w.lock.file
	if m, ok := conditions[p.key()]; ok && m != p.markers {
		switch line := "markers = " + strconv.Quote(m); {
		case p.markersAt.end > 0 && m == "":
			w.edits = append(w.edits, textEdit{f.path, p.markersAt.start, nextLine(f.data, endOfLine(f.data, p.markersAt.end)), ""})
		case p.markersAt.end > 0:
			w.edits = append(w.edits, textEdit{f.path, p.markersAt.start, p.markersAt.end, line})
		case p.groupsAt.end > 0:
			w.edits = append(w.edits, textEdit{f.path, p.groupsAt.end, p.groupsAt.end, f.newline() + line})
		}
	}
	if more, ok := groups[p.key()]; ok && p.groupsAt.end > 0 {
		w.edits = append(w.edits, textEdit{f.path, p.groupsAt.start, p.groupsAt.end, "groups = " + quotedList(more)})
	}
}

// unreachable returns the packages that nobody needs any more, of those that somebody needed before.
func (w *poetryWriter) unreachable(changed []string) map[string]bool {
	reach := func(needs func(key string) []pyRequirement) map[string]bool {
		seen := map[string]bool{}
		var queue []string
		meet := func(key string) {
			if w.graph.pins[key] != nil && !seen[key] {
				seen[key] = true
				queue = append(queue, key)
			}
		}
		for _, ask := range pyAsks(w.lock.manifest) {
			meet(pypiName(ask.name))
		}
		for _, leaf := range w.lock.manifest.leaves { // tables without a version: git, path, url
			for _, table := range poetryTables {
				if keysMatch(leaf.keys, table) && len(leaf.keys) > len(table) {
					meet(pypiName(leaf.keys[len(table)]))
				}
			}
		}
		for at := 0; at < len(queue); at++ {
			for _, need := range needs(queue[at]) {
				meet(pypiName(need.name))
			}
		}
		return seen
	}
	old := map[string][]pyRequirement{}
	for i := range w.lock.packages {
		old[w.lock.packages[i].key()] = w.lock.packages[i].needs
	}
	before := reach(func(key string) []pyRequirement { return old[key] })
	after := reach(func(key string) []pyRequirement {
		var all []pyRequirement
		for _, need := range w.needs[key] {
			// A need under a condition that never holds brings nothing in; one of an extra does where it is asked for.
			if !slices.Contains(changed, key) || w.graph.holds(need.marker, w.graph.pins[key].extras) != pyFalse {
				all = append(all, need)
			}
		}
		return all
	})
	gone := map[string]bool{}
	for key := range before {
		if !after[key] && !w.graph.pins[key].added {
			gone[key] = true
		}
	}
	return gone
}

// followers settles the conditions and groups of what a changed package needs, where it needs it otherwise than before.
func (w *poetryWriter) followers(key string, conditions map[string]string, groups map[string][]string) error {
	if w.lock.version == "2.0" {
		return nil // these say nothing of conditions, and Poetry works them out when it installs
	}
	mine := w.find(key)
	for _, need := range w.needs[key] {
		next := w.find(pypiName(need.name))
		if next == nil || w.graph.holds(need.marker, w.graph.pins[key].extras) == pyFalse {
			continue
		}
		if mine != nil {
			all := union(next.groups, mine.groups)
			if have, ok := groups[next.key()]; ok {
				all = union(have, all)
			}
			if len(all) > len(next.groups) {
				groups[next.key()] = sortedGroups(all)
			}
		}
		if mine != nil && slices.Equal(w.needed(mine.needs, key, next.key()), w.needed(w.needs[key], key, next.key())) {
			continue
		}
		want, text, one := w.condition(next.key())
		if slices.Equal(want, w.vector(next.markers, nil)) && !next.several {
			continue
		}
		switch {
		case next.several:
			return fmt.Errorf("%s is needed under several conditions, which Poetry has to work out", next.name)
		case !slices.Contains(want, false):
			conditions[next.key()] = ""
		case one:
			conditions[next.key()] = text
		default:
			return fmt.Errorf("%s is needed under other conditions than before, which Poetry has to work out", next.name)
		}
	}
	return nil
}

// needed evaluates, by sample, where one package of the needs of another is needed.
func (w *poetryWriter) needed(needs []pyRequirement, by, key string) []bool {
	all := make([]bool, len(w.graph.envs))
	for _, need := range needs {
		if pypiName(need.name) != key {
			continue
		}
		for i, there := range w.vector(need.marker, w.graph.pins[by].extras) {
			all[i] = all[i] || there
		}
	}
	return all
}

// condition returns where a package is needed, by sample; and the one marker that says so, where there is one alone.
func (w *poetryWriter) condition(key string) (want []bool, marker string, one bool) {
	want = make([]bool, len(w.graph.envs))
	for _, ask := range pyAsks(w.lock.manifest) {
		if pypiName(ask.name) == key { // what the manifest asks for under a condition is Poetry's work
			return slices.Repeat([]bool{true}, len(want)), "", false
		}
	}
	by := 0
	for other, needs := range w.needs {
		pin := w.graph.pins[other]
		if pin == nil {
			continue
		}
		above := ""
		if p := w.find(other); p != nil {
			above = p.markers
		}
		for _, need := range needs {
			if pypiName(need.name) != key {
				continue
			}
			holds := w.vector(need.marker, pin.extras)
			if !slices.Contains(holds, true) {
				continue
			}
			by++
			marker, one = doubleQuoted(need.marker), by == 1 && above == ""
			for i, there := range w.vector(above, nil) {
				want[i] = want[i] || there && holds[i]
			}
		}
	}
	return want, marker, one
}

// vector evaluates a marker in every sample.
func (w *poetryWriter) vector(marker string, extras []string) []bool {
	values := make([]bool, len(w.graph.envs))
	for i, env := range w.graph.envs {
		env.extras = extras
		values[i] = env.holds(marker) != pyFalse
	}
	return values
}

func (w *poetryWriter) find(key string) *poetryPackage {
	for i := range w.lock.packages {
		if w.lock.packages[i].key() == key {
			return &w.lock.packages[i]
		}
	}
	return nil
}

// insert writes the block of a package that was added, in the order of names.
func (w *poetryWriter) insert(pin *pyPin) error {
	p := poetryPackage{name: pypiName(pin.name), optional: true}
	for _, by := range pin.by {
		above := w.find(pypiName(by))
		if above == nil { // it was added itself
			above = &poetryPackage{groups: []string{"main"}}
		}
		p.groups = union(p.groups, above.groups)
		p.optional = p.optional && above.optional
		if above.markers != "" || above.several {
			return fmt.Errorf("%s is needed by a package that is needed under a condition itself, which Poetry has to work out", pin.name)
		}
	}
	p.groups = sortedGroups(p.groups)
	p.markers = doubleQuoted(pin.marker)
	text, err := w.block(pin, &p)
	if err != nil {
		return err
	}
	at := -1
	for i := range w.lock.packages {
		if w.lock.packages[i].key() > p.name {
			at = w.lock.packages[i].start
			break
		}
		at = w.lock.packages[i].end
	}
	if at < 0 {
		return errors.New("the lock file has no packages")
	}
	w.edits = append(w.edits, textEdit{w.lock.file.path, at, at, text})
	return nil
}

// block writes one package.
func (w *poetryWriter) block(pin *pyPin, p *poetryPackage) (string, error) {
	meta, err := w.index.describe(w.ctx, pin.name, pin.version)
	if err != nil {
		return "", err
	}
	files, err := w.index.archives(w.ctx, pin.name, pin.version)
	if err != nil {
		return "", err
	}
	var b strings.Builder
	line := func(parts ...string) { b.WriteString(strings.Join(parts, "") + w.lock.file.newline()) }
	line("[[package]]")
	line("name = ", strconv.Quote(p.name))
	line("version = ", strconv.Quote(pin.version))
	line("description = ", strconv.Quote(scanner.Plain(strings.ToValidUTF8(meta.summary, ""))))
	line("optional = ", strconv.FormatBool(p.optional))
	line("python-versions = ", strconv.Quote(cmp.Or(meta.requiresPython, "*")))
	if w.lock.version != "2.0" {
		line("groups = ", quotedList(p.groups))
		if p.markers != "" {
			line("markers = ", strconv.Quote(p.markers))
		}
	}
	slices.SortFunc(files, func(a, b pypiFile) int { return strings.Compare(a.Name, b.Name) })
	line("files = [")
	for _, f := range files {
		line("    {file = ", strconv.Quote(f.Name), ", hash = \"sha256:", f.Hashes["sha256"], "\"},")
	}
	line("]")
	line()
	w.dependencies(meta, pin, line)
	return b.String(), nil
}

// dependencies writes the tables of what a package needs and of its extras. Of extras that nobody asks for, Poetry writes
// the second only, and what is needed on none of the project's Pythons it leaves out.
func (w *poetryWriter) dependencies(meta *pypiMetadata, pin *pyPin, line func(...string)) {
	byName := map[string][]pyRequirement{}
	var names []string
	for _, need := range meta.needs {
		if need.url != "" || w.graph.holds(need.marker, pin.extras) == pyFalse {
			continue
		}
		key := pypiName(need.name)
		if byName[key] == nil {
			names = append(names, key)
		}
		byName[key] = append(byName[key], need)
	}
	slices.Sort(names)
	if len(names) > 0 {
		line("[package.dependencies]")
		for _, key := range names {
			needs := byName[key]
			if len(needs) == 1 {
				line(needs[0].name, " = ", poetryNeed(needs[0]))
				continue
			}
			slices.SortStableFunc(needs, func(a, b pyRequirement) int { return strings.Compare(a.marker, b.marker) })
			line(needs[0].name, " = [")
			for _, need := range needs {
				line("    ", poetryNeed(need), ",")
			}
			line("]")
		}
		line()
	}
	extras := map[string][]string{}
	for _, extra := range meta.extras {
		env := pyEnvironment{values: map[string]string{}, extras: []string{extra}}
		for _, need := range meta.needs {
			if mentionsExtra(need.marker) && env.holds(need.marker) != pyFalse {
				text := need.name
				if need.spec != "" {
					text += " (" + inOrder(need.spec) + ")"
				}
				if rest := withoutExtra(need.marker); rest != "" {
					text += " ; " + doubleQuoted(rest)
				}
				extras[pypiName(extra)] = append(extras[pypiName(extra)], text)
			}
		}
	}
	if len(extras) > 0 {
		line("[package.extras]")
		for _, extra := range sortedKeys(extras) {
			slices.Sort(extras[extra])
			line(extra, " = ", quotedList(extras[extra]))
		}
		line()
	}
}

// poetryNeed writes one need: a string where it is a constraint alone.
func poetryNeed(need pyRequirement) string {
	version := strconv.Quote(poetryWritten(need.spec))
	if len(need.extras) == 0 && need.marker == "" {
		return version
	}
	parts := []string{"version = " + version}
	if len(need.extras) > 0 {
		extras := slices.Clone(need.extras)
		slices.Sort(extras)
		parts = append(parts, "extras = "+quotedList(extras))
	}
	if mentionsExtra(need.marker) {
		parts = append(parts, "optional = true")
	}
	if need.marker != "" {
		parts = append(parts, "markers = "+strconv.Quote(doubleQuoted(need.marker)))
	}
	return "{" + strings.Join(parts, ", ") + "}"
}

// inOrder writes version specifiers with lower bounds first and exclusions last.
func inOrder(spec string) string {
	clauses := strings.Split(strings.ReplaceAll(spec, " ", ""), ",")
	slices.SortStableFunc(clauses, func(a, b string) int { return cmp.Compare(clauseRank(a), clauseRank(b)) })
	return strings.Join(clauses, ",")
}

func clauseRank(clause string) int {
	switch {
	case strings.HasPrefix(clause, ">"), strings.HasPrefix(clause, "~"):
		return 0
	case strings.HasPrefix(clause, "<"):
		return 1
	}
	return 2
}

// withoutExtra returns what a marker asks for beside an extra.
func withoutExtra(marker string) string {
	tokens := markerTokens(marker)
	at := slices.Index(tokens, "extra")
	if at < 0 || at+2 >= len(tokens) {
		return ""
	}
	clause := marker[strings.LastIndex(marker, "extra"):]
	rest := strings.TrimSpace(strings.TrimSuffix(marker, clause))
	rest = strings.TrimSpace(strings.TrimSuffix(rest, "and"))
	if strings.HasPrefix(rest, "(") && strings.HasSuffix(rest, ")") && strings.Count(rest, "(") == 1 {
		rest = strings.Trim(rest, "()")
	}
	return rest
}

func doubleQuoted(marker string) string { return strings.ReplaceAll(marker, "'", `"`) }

func quotedList(items []string) string {
	quoted := make([]string, len(items))
	for i, item := range items {
		quoted[i] = strconv.Quote(item)
	}
	return "[" + strings.Join(quoted, ", ") + "]"
}

// sortedGroups puts groups into Poetry's order: what ships comes first.
func sortedGroups(groups []string) []string {
	groups = slices.Clone(groups)
	slices.SortFunc(groups, func(a, b string) int {
		return cmp.Or(cmp.Compare(notMain(a), notMain(b)), strings.Compare(a, b))
	})
	return groups
}

func notMain(group string) int {
	if group == "main" {
		return 0
	}
	return 1
}
