package fix

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/trifecta-scanner/trifecta/inventory"
)

// Pip writes the requirements of pip (https://pip.pypa.io/en/stable/reference/requirements-file-format/), with hashes
// and without, written by hand or by pip-compile and uv. The files are edited here and no program runs: a file with
// hashes or `# via` comments lists every package, so that what a new version needs can be settled from the index alone.
// pip knows no overrides: a package that another one holds back stays.
var Pip = &Manager{
	Name: "pip", Ecosystem: "PyPI",
	Claims:     func(_ *Workspace, name string) bool { return isRequirements(name) },
	Open:       openPip,
	Registry:   newPyPI,
	Admits:     pypiAdmits,
	Raise:      pypiRaise,
	Prerelease: pypiPrerelease,
	Ways:       []How{HowLock, HowAncestor},
	Runs:       pythonRuns,
	Write:      writePip,
}

func isRequirements(name string) bool {
	dir, base := path.Split(name)
	return path.Ext(base) == ".txt" && (strings.Contains(base, "requirements") || path.Base(dir) == "requirements")
}

// pipFile is one requirements file, line by line with its offsets.
type pipFile struct {
	path  string
	data  []byte
	lines []pipLine
}

// pipLine is one logical line: a requirement or an option.
type pipLine struct {
	number     int // of the physical line where it begins, from 1
	start, end int // offsets of the whole of it with its line end and the comments below it
	text       string
	textStart  int // the offset of text
	tail       int // the offset behind the last option; a comment may follow
	req        pyRequirement
	ok         bool // req is one
	hashed     bool
	option     string
	value      string
	via        []string
	to         string // what it asks for after the change; empty where it stays
}

func (l *pipLine) key() string { return pypiName(l.req.name) }

// version returns the one version that a line pins.
func (l *pipLine) version() (string, bool) { return onlyVersion(l.req.spec) }

// onlyVersion returns the one version that specifiers allow: ==1.2 and ===1.2, not ==1.*.
func onlyVersion(spec string) (string, bool) {
	version, ok := strings.CutPrefix(spec, "==")
	version = strings.TrimSpace(strings.TrimPrefix(version, "="))
	return version, ok && version != "" && !strings.ContainsAny(version, ",*$ ")
}

const (
	maxPipFiles = 50
	maxPipFile  = 8 << 20
)

// parsePip reads the lines of a requirements file. What is neither requirement nor option is left alone.
func parsePip(name string, data []byte) *pipFile {
	f := &pipFile{path: name, data: data}
	number, at := 1, 0
	for at < len(data) {
		begin, first := at, number
		end := endOfLine(data, at)
		stripped := bytes.TrimLeft(data[at:end], " \t")
		if len(stripped) == 0 || stripped[0] == '#' {
			at, number = nextLine(data, end), number+1
			continue
		}
		for bytes.HasSuffix(data[at:end], []byte{'\\'}) && nextLine(data, end) < len(data) {
			at, number = nextLine(data, end), number+1
			end = endOfLine(data, at)
			if bytes.HasPrefix(bytes.TrimLeft(data[at:end], " \t"), []byte{'#'}) { // a comment ends a line that goes on
				break
			}
		}
		at, number = nextLine(data, end), number+1
		line := pipLine{number: first, start: begin}
		line.read(data, begin, end)
		for at < len(data) { // the comments below belong to it
			end := endOfLine(data, at)
			comment := bytes.TrimSpace(data[at:end])
			if len(comment) == 0 || comment[0] != '#' || data[at] == '#' {
				break
			}
			line.comment(string(comment))
			at, number = nextLine(data, end), number+1
		}
		line.end = at
		line.via = viaNames(line.via)
		f.lines = append(f.lines, line)
	}
	return f
}

func endOfLine(data []byte, at int) int {
	if i := bytes.IndexByte(data[at:], '\n'); i >= 0 {
		at += i
		if at > 0 && data[at-1] == '\r' {
			at--
		}
		return at
	}
	return len(data)
}

func nextLine(data []byte, end int) int {
	if end < len(data) && data[end] == '\r' {
		end++
	}
	return min(end+1, len(data))
}

// read splits the line into the requirement, its options and a comment.
func (l *pipLine) read(data []byte, begin, end int) {
	whole := string(data[begin:end])
	l.tail = end
	if i := commentAt(whole); i >= 0 {
		l.comment(whole[i:])
		l.tail = begin + i
		whole = whole[:i]
	}
	l.tail -= len(whole) - len(strings.TrimRight(whole, " \t\r\n"))
	whole = strings.TrimRight(whole, " \t\r\n")
	l.textStart = begin + len(whole) - len(strings.TrimLeft(whole, " \t"))
	l.text = strings.TrimLeft(whole, " \t")
	if strings.HasPrefix(l.text, "-") {
		l.option, l.value = pipOption(l.text)
		return
	}
	l.hashed = strings.Contains(l.text, "--hash=")
	cut := len(l.text)
	for _, sign := range []string{"\\\n", "\\\r\n", " --", "\t--"} {
		if i := strings.Index(l.text, sign); i >= 0 {
			cut = min(cut, i)
		}
	}
	l.text = strings.TrimRight(l.text[:cut], " \t")
	l.req, l.ok = parsePyRequirement(l.text)
}

func commentAt(line string) int {
	for i := range len(line) {
		if line[i] == '#' && (i == 0 || strings.IndexByte(" \t\n", line[i-1]) >= 0) {
			return i
		}
	}
	return -1
}

func pipOption(text string) (option, value string) {
	if strings.HasPrefix(text, "--") {
		end := strings.IndexAny(text, "= \t")
		if end < 0 {
			return text, ""
		}
		return text[:end], strings.Trim(strings.TrimLeft(text[end:], "= \t"), `"'`)
	}
	return text[:min(2, len(text))], strings.Trim(strings.TrimSpace(text[min(2, len(text)):]), `"'`)
}

// comment notes what a comment says; viaNames reads it when all are there.
func (l *pipLine) comment(text string) { l.via = append(l.via, text) }

// viaNames returns what `# via` comments name.
func viaNames(comments []string) []string {
	var names []string
	inside := false
	for _, comment := range comments {
		comment = strings.TrimSpace(strings.TrimLeft(comment, "# "))
		if rest, ok := strings.CutPrefix(comment, "via"); ok && (rest == "" || strings.ContainsRune(" :", rune(rest[0]))) {
			inside, comment = true, strings.Trim(rest, ": ")
		}
		if !inside {
			continue
		}
		for name := range strings.SplitSeq(comment, ",") {
			if name = strings.TrimSpace(name); name != "" {
				names = append(names, name)
			}
		}
	}
	return names
}

// pipProject is what Open found, for Write.
type pipProject struct {
	files    []*pipFile // the lock file, what it includes, and the files that pip-compile made it from
	sources  map[string]bool
	compiled bool
	hashed   bool
	python   string // the Python that it was made for, as version specifiers
}

func readPip(ws *Workspace, name string) (*pipProject, error) {
	p := &pipProject{sources: map[string]bool{}}
	if err := p.read(ws, name, 0); err != nil {
		return nil, err
	}
	lock := p.files[0]
	for _, line := range lock.lines {
		p.compiled = p.compiled || len(line.via) > 0
		p.hashed = p.hashed || line.hashed
		for _, via := range line.via {
			value, ok := strings.CutPrefix(via, "-r ")
			if !ok {
				continue
			}
			for up := path.Dir(name); ; up = path.Dir(up) {
				source := path.Join(up, value)
				if ws.Has(source) && source != name {
					p.sources[source] = true
					break
				}
				if up == "." {
					break
				}
			}
		}
	}
	for _, source := range sortedKeys(p.sources) {
		if err := p.read(ws, source, 0); err != nil {
			return nil, err
		}
	}
	p.python = pythonOf(ws, path.Dir(name), lock.data)
	return p, nil
}

// read reads a file and those that it includes, wherever in the tree they stand.
func (p *pipProject) read(ws *Workspace, name string, depth int) error {
	if p.file(name) != nil {
		return nil
	}
	if depth > 10 || len(p.files) >= maxPipFiles {
		return fmt.Errorf("%s includes too many files", name)
	}
	data, err := ws.ReadFile(name)
	if errors.Is(err, fs.ErrNotExist) && len(p.files) > 0 {
		return nil // the reader of packages says so
	}
	if err != nil {
		return err
	}
	if len(data) > maxPipFile || bytes.IndexByte(data, 0) >= 0 {
		return fmt.Errorf("%s is too large or no text in UTF-8, so that it is not edited", name)
	}
	f := parsePip(name, data)
	p.files = append(p.files, f)
	for _, line := range f.lines {
		switch line.option {
		case "-i", "--index-url":
			if !publicIndex(line.value) {
				return fmt.Errorf("%s:%d takes packages from an index of its own, which is not asked what it has", name, line.number)
			}
		case "--no-index":
			return fmt.Errorf("%s:%d takes packages from no index", name, line.number)
		case "-r", "--requirement", "-c", "--constraint":
			target := path.Join(path.Dir(name), line.value)
			if strings.Contains(line.value, "://") || !fs.ValidPath(target) {
				continue
			}
			constraint := line.option == "-c" || line.option == "--constraint"
			if !constraint && isRequirements(target) {
				continue // it is a project of its own
			}
			if err := p.read(ws, target, depth+1); err != nil {
				return err
			}
		}
	}
	return nil
}

func (p *pipProject) file(name string) *pipFile {
	for _, f := range p.files {
		if f.path == name {
			return f
		}
	}
	return nil
}

// publicIndex reports whether an address is that of the index that everybody uses.
func publicIndex(address string) bool {
	rest, ok := strings.CutPrefix(address, "https://")
	host, _, _ := strings.Cut(rest, "/")
	return ok && host == pypiHost
}

var (
	compiledFor  = regexp.MustCompile(`(?m)^#.*(?:with [Pp]ython |--python-version[= ]|--python[= ])(\d+\.\d+)`)
	versionInUse = regexp.MustCompile(`^(?:python-)?(\d+\.\d+)(?:\.\d+)?\s*$`)
)

// pythonOf finds the Python that requirements were made for: what the compiler says at their top, else the files that
// tools choose an interpreter by.
func pythonOf(ws *Workspace, dir string, lock []byte) string {
	if m := compiledFor.FindSubmatch(lock[:min(len(lock), 4096)]); m != nil {
		return "==" + string(m[1]) + ".*"
	}
	for _, name := range []string{".python-version", "runtime.txt"} {
		data, err := ws.ReadFile(path.Join(dir, name))
		if err != nil {
			continue
		}
		if m := versionInUse.FindSubmatch(bytes.TrimSpace(data)); m != nil {
			return "==" + string(m[1]) + ".*"
		}
	}
	return ""
}

func openPip(_ context.Context, ws *Workspace, name string) (*Project, error) {
	p, err := readPip(ws, name)
	if err != nil {
		return nil, err
	}
	project := &Project{Path: name, Dir: path.Dir(name), Data: p}
	at := map[string]int{}
	for _, f := range p.files {
		project.Files = append(project.Files, f.path)
		if p.sources[f.path] {
			continue
		}
		for _, line := range f.lines {
			if !line.ok {
				continue
			}
			version, pinned := line.version()
			if !pinned {
				version = lowerBound(line.req.spec)
			}
			l := Locked{Name: line.req.name, Version: version, Location: f.place(&line), Origin: inventory.OriginRegistry}
			if line.req.url != "" {
				l.Origin = inventory.OriginURL
			}
			l.Direct = !p.compiled || len(line.via) == 0 || slices.ContainsFunc(line.via, isViaFile)
			if _, twice := at[line.key()]; !twice {
				at[line.key()] = len(project.Packages)
			}
			project.Packages = append(project.Packages, l)
			if l.Direct && !p.asks(line.key()) {
				project.Requirements = append(project.Requirements, f.requirement(&line, line.req.name))
			}
		}
	}
	for _, f := range p.files {
		for _, line := range f.lines {
			if !line.ok {
				continue
			}
			if p.sources[f.path] {
				if i, ok := at[line.key()]; ok {
					project.Requirements = append(project.Requirements, f.requirement(&line, project.Packages[i].Name))
				}
				continue
			}
			for _, via := range line.via {
				if from, ok := at[pypiName(via)]; ok && !isViaFile(via) {
					project.Packages[from].Needs = append(project.Packages[from].Needs, Edge{To: at[line.key()]})
				}
			}
		}
	}
	if p.python != "" {
		project.Runtime = []Need{{Name: "python", Constraint: p.python}}
	}
	return project, nil
}

// asks reports whether one of the files that the lock file was made from asks for a package.
func (p *pipProject) asks(key string) bool {
	for _, f := range p.files {
		if p.sources[f.path] && slices.ContainsFunc(f.lines, func(l pipLine) bool { return l.ok && l.key() == key }) {
			return true
		}
	}
	return false
}

// isViaFile tells a file from a package in a `# via` comment.
func isViaFile(via string) bool { return strings.HasPrefix(via, "-") || strings.Contains(via, " (") }

func lowerBound(spec string) string {
	if strings.ContainsAny(spec, ",*$") {
		return ""
	}
	for _, operator := range []string{">=", "~=", "<="} {
		if version, ok := strings.CutPrefix(spec, operator); ok {
			return strings.TrimSpace(version)
		}
	}
	return ""
}

func (f *pipFile) place(l *pipLine) inventory.Location {
	first := bytes.LastIndexByte(f.data[:l.textStart], '\n') + 1
	return inventory.Location{
		Path: f.path, Line: l.number, Column: l.textStart - first + 1, EndLine: l.number, EndColumn: l.textStart - first + 1 + len(l.text),
	}
}

func (f *pipFile) requirement(l *pipLine, name string) Requirement {
	r := Requirement{Package: name, Constraint: l.req.spec, Location: f.place(l), List: "requirements"}
	if l.req.url != "" {
		r.Fixed = "it names an address"
	}
	if strings.Contains(l.req.spec, "$") {
		r.Fixed = "its version is a variable of the environment"
	}
	return r
}

func writePip(ctx context.Context, job *Job) error {
	p, err := readPip(job.Workspace, job.Project.Path)
	if err != nil {
		return err
	}
	index, _ := job.Registry.(*pypi)
	if index == nil && (p.hashed || p.compiled) {
		return errors.New("a file with hashes or of pip-compile can't be changed without asking the package index")
	}
	var edits []textEdit
	for _, t := range job.Targets {
		for _, r := range t.Lines {
			f := p.file(r.Location.Path)
			if f == nil {
				continue
			}
			for i := range f.lines {
				if l := &f.lines[i]; l.ok && l.number == r.Location.Line && l.key() == pypiName(t.Package) {
					edits = append(edits, textEdit{f.path, l.textStart + l.req.specStart, l.textStart + l.req.specEnd, r.To})
					l.to = r.To
				}
			}
		}
	}
	graph := p.graph(index, job)
	for _, t := range job.Targets {
		graph.set(t.Package, t.From, t.To)
	}
	if index != nil {
		if err := graph.settle(ctx); err != nil {
			return err
		}
	}
	for _, key := range graph.changed() {
		pin := graph.pins[key]
		if pin.added {
			e, err := p.insertion(ctx, index, pin)
			if err != nil {
				return err
			}
			edits = append(edits, e)
			continue
		}
		more, err := p.repin(ctx, index, key, pin)
		if err != nil {
			return err
		}
		edits = append(edits, more...)
	}
	return applyEdits(job.Workspace, edits)
}

// graph returns what the files pin. A package that is pinned twice, under different conditions, is left alone.
func (p *pipProject) graph(index *pypi, job *Job) *pyGraph {
	g := &pyGraph{index: index, envs: []pyEnvironment{linuxPython(exactPython(p.python))}, python: p.python, closed: p.compiled || p.hashed, now: job.Env.Now, pins: map[string]*pyPin{}}
	for _, f := range p.files {
		for i := range f.lines {
			line := &f.lines[i]
			if !line.ok || p.sources[f.path] {
				continue
			}
			version, pinned := line.version()
			have := g.pins[line.key()]
			switch {
			case have != nil:
				have.extras = union(have.extras, line.req.extras)
				have.fixed = have.fixed || pinned && !samePyPI(have.version, version)
			case pinned:
				g.pins[line.key()] = &pyPin{name: line.req.name, version: version, extras: line.req.extras}
			}
		}
	}
	for _, f := range p.files {
		for i := range f.lines {
			if line := &f.lines[i]; line.ok && p.sources[f.path] && g.pins[line.key()] != nil {
				pin := g.pins[line.key()]
				pin.asked = append(pin.asked, cmp.Or(line.to, line.req.spec))
				pin.extras = union(pin.extras, line.req.extras)
			}
		}
	}
	return g
}

// exactPython returns 3.11 for ==3.11.*, else nothing.
func exactPython(python string) string {
	version, ok := strings.CutPrefix(python, "==")
	version, star := strings.CutSuffix(version, ".*")
	if !ok || !star {
		return ""
	}
	return version
}

// repin writes a version, and the hashes of its archives, into every line that pins the old one.
func (p *pipProject) repin(ctx context.Context, index *pypi, key string, pin *pyPin) ([]textEdit, error) {
	var edits []textEdit
	for _, f := range p.files {
		for i := range f.lines {
			line := &f.lines[i]
			if !line.ok || line.key() != key || p.sources[f.path] {
				continue
			}
			version, pinned := line.version()
			switch {
			case pinned && samePyPI(version, pin.from):
				spec := strings.Replace(line.req.spec, version, pin.version, 1)
				edits = append(edits, textEdit{f.path, line.textStart + line.req.specStart, line.textStart + line.req.specEnd, spec})
			default:
				continue
			}
			if !line.hashed {
				continue
			}
			hashes, err := p.hashes(ctx, index, pin.name, pin.version)
			if err != nil {
				return nil, err
			}
			from := line.textStart + len(line.text)
			edits = append(edits, textEdit{f.path, from, line.tail, p.options(f, line, hashes)})
		}
	}
	return edits, nil
}

// hashes returns the digests of all archives of a release, sorted as pip-compile and uv write them.
func (p *pipProject) hashes(ctx context.Context, index *pypi, name, version string) ([]string, error) {
	if index == nil {
		return nil, errors.New("the package index was not asked for hashes")
	}
	files, err := index.archives(ctx, name, version)
	if err != nil {
		return nil, err
	}
	var hashes []string
	for _, f := range files {
		if f.yanked() == "" {
			hashes = append(hashes, "--hash=sha256:"+f.Hashes["sha256"])
		}
	}
	slices.Sort(hashes)
	return slices.Compact(hashes), nil
}

// options joins hashes as the line that they are for, or another one of the file, has them.
func (p *pipProject) options(f *pipFile, line *pipLine, hashes []string) string {
	separator := " "
	if line != nil {
		old := string(f.data[line.textStart+len(line.text) : line.tail])
		separator, _, _ = strings.Cut(old, "--hash=")
	}
	return separator + strings.Join(hashes, separator)
}

// insertion writes the line of a package that was added, in its place in the order of the file.
func (p *pipProject) insertion(ctx context.Context, index *pypi, pin *pyPin) (textEdit, error) {
	f := p.files[0]
	newline := "\n"
	if bytes.Contains(f.data, []byte("\r\n")) {
		newline = "\r\n"
	}
	text := pypiName(pin.name) + "==" + pin.version
	if pin.marker != "" {
		text += " ; " + pin.marker
	}
	var like *pipLine
	at := len(f.data)
	after := -1
	for i := range f.lines {
		line := &f.lines[i]
		if !line.ok {
			continue
		}
		if like == nil && line.hashed == p.hashed && len(line.via) > 0 == p.compiled {
			like = line
		}
		if line.key() < pypiName(pin.name) {
			after = line.end
		} else if after < 0 {
			after = line.start
		}
	}
	if after >= 0 {
		at = after
	}
	if p.hashed {
		hashes, err := p.hashes(ctx, index, pin.name, pin.version)
		if err != nil {
			return textEdit{}, err
		}
		text += p.options(f, like, hashes)
	}
	if p.compiled {
		text += newline + "    # via " + strings.Join(pin.by, ", ")
	}
	text += newline
	if at > 0 && f.data[at-1] != '\n' {
		text = newline + text
	}
	return textEdit{f.path, at, at, text}, nil
}
