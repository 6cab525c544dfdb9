package ecosystem

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"
	"unicode/utf16"

	"github.com/trifecta-scanner/trifecta/inventory"
)

// The requirements of pip (https://pip.pypa.io/en/stable/reference/requirements-file-format/) are read here and not by
// osv-scalibr: its extractor knows the line of a package, but no columns, constraints, direct references or `# via`
// comments, and gives what an included file says the place of the include.

// isRequirements claims the files that osv-scanner and Syft take for requirements, and those in a folder of that name.
func isRequirements(p string) bool {
	dir, name := path.Split(p)
	return path.Ext(name) == ".txt" && (strings.Contains(name, "requirements") || path.Base(dir) == "requirements")
}

// Bounds that keep a hostile file from costing memory or time out of proportion.
const (
	maxIncludes            = 200
	maxRequirementProblems = 20
)

// requirementLine is one logical line: continued lines joined, the comment cut off.
type requirementLine struct {
	text     string
	place    inventory.Location // of the requirement or option itself, in the line where it begins
	comments []string           // its own comment and those in the lines below it
}

// requirementsReader reads one file and what it includes.
type requirementsReader struct {
	*pythonDoc
	tree     *inventory.Tree
	seen     map[string]bool
	pins     map[string]pythonPin // of constraints, by the normal form of the name
	loose    map[int]string       // entries whose version is not pinned, with what they ask for
	via      [][]string           // of each entry, what its `# via` comment names
	manifest []string             // of each entry, the folder of the file in which it stands
	problems int
}

// pythonPin is a version that a constraints file states.
type pythonPin struct {
	version string
	where   inventory.Location
}

func readRequirements(_ context.Context, tree *inventory.Tree, name string) (*Document, error) {
	r := &requirementsReader{
		pythonDoc: newPythonDoc(), tree: tree, seen: map[string]bool{}, pins: map[string]pythonPin{}, loose: map[int]string{},
	}
	r.Root = projectName("", name)
	if err := r.file(name, false); err != nil {
		return nil, err
	}
	r.constrain()
	r.connect()
	var open openVersions
	for i, e := range r.Entries {
		if spec, ok := r.loose[i]; ok {
			open.note(e, shorten(spec), true)
		}
	}
	r.Notices = append(r.Notices, open.notices(name)...)
	r.Resolve()
	return r.Document, nil
}

// file reads one file; constraints only says which versions are taken if a package is asked for elsewhere.
func (r *requirementsReader) file(name string, constraints bool) error {
	data, err := readText(r.tree, name)
	if err != nil {
		return err
	}
	r.seen[name] = true
	for line := range requirementLines(data, name) {
		if r.full(line.place) != nil {
			break
		}
		r.line(line, name, constraints)
	}
	return nil
}

func (r *requirementsReader) line(line requirementLine, file string, constraints bool) {
	text := line.text
	if strings.HasPrefix(text, "-") {
		option, value := requirementOption(text)
		switch option {
		case "-r", "--requirement":
			r.include(line, file, value, constraints)
			return
		case "-c", "--constraint":
			r.include(line, file, value, true)
			return
		case "-e", "--editable":
			text = value
		default:
			return // the other options say how packages are fetched, not which
		}
	}
	text, hashes := requirementHashes(text)
	req, ok := parseRequirement(text)
	if !ok {
		if req, ok = requirementFromAddress(text); !ok {
			if !isPythonPath(text) {
				r.problem(line.place, fmt.Sprintf("%q is no requirement that can be read", shorten(text)))
			}
			return
		}
	}
	key := normalizePyPI(req.name)
	version, pinned := req.version()
	if constraints {
		if _, ok := r.pins[key]; pinned && !ok {
			r.pins[key] = pythonPin{version, line.place}
		}
		return
	}
	e := Entry{Name: req.name, Version: version, Location: line.place, Scope: requirementsScope(file), Hashes: hashes}
	loose := !pinned
	if req.url != "" {
		e.Origin, e.Commit = pythonOrigin(req.url)
		e.Version, loose = archiveVersion(req.url), false
	} else if !pinned {
		e.Version = req.atLeast()
	}
	i := r.add(e)
	if loose {
		r.loose[i] = req.spec
	}
	r.via = append(r.via, viaComment(line.comments))
	r.manifest = append(r.manifest, path.Dir(file))
}

// include follows -r and -c. A requirements file that is claimed by its own name is read as a document of its own, so
// that each package is reported once, in the file in which it stands.
func (r *requirementsReader) include(line requirementLine, from, name string, constraints bool) {
	if strings.Contains(name, "://") {
		r.problem(line.place, fmt.Sprintf("%s includes %s, which is outside of the tree and is not looked at", from, shorten(name)))
		return
	}
	target := path.Join(path.Dir(from), strings.ReplaceAll(name, `\`, "/"))
	if r.seen[target] || !constraints && isRequirements(target) && r.tree.Has(target) {
		return
	}
	if len(r.seen) > maxIncludes {
		r.problem(line.place, fmt.Sprintf("%s is the include after %d others and is not looked at", target, maxIncludes))
		return
	}
	r.seen[target] = true
	err := r.file(target, constraints)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		r.problem(line.place, fmt.Sprintf("%s includes %s, which is not in the tree", from, shorten(name)))
	case err != nil:
		r.problem(line.place, fmt.Sprintf("%s includes %s, which can't be read: %v", from, shorten(name), err))
	}
}

func (r *requirementsReader) problem(at inventory.Location, message string) {
	r.problems++
	if r.problems > maxRequirementProblems {
		return
	}
	if r.problems == maxRequirementProblems {
		message += "; further lines like this are not listed"
	}
	r.Notices = append(r.Notices, inventory.Notice{Code: "unreadable-entry", Message: message, Location: &at})
}

// constrain gives packages without one version that of a constraints file. The constraint is then the line that locks
// the package, and the requirement the one that asks for it.
func (r *requirementsReader) constrain() {
	for i := range r.Entries {
		e := &r.Entries[i]
		pin, ok := r.pins[normalizePyPI(e.Name)]
		if _, loose := r.loose[i]; ok && loose {
			e.Version, e.Manifest, e.Location = pin.version, e.Location, pin.where
			delete(r.loose, i)
		}
	}
}

// connect tells direct packages from those that pip-compile and uv have added. These tools say in a comment for whom:
// `# via flask`, `# via -r requirements.in`, `# via project (pyproject.toml)`. Without such comments every line counts
// as asked for.
func (r *requirementsReader) connect() {
	compiled := slices.ContainsFunc(r.via, func(via []string) bool { return len(via) > 0 })
	lines := map[string]map[string]inventory.Location{}
	needs := make([][]int, len(r.Entries))
	count := 0
	for i := range r.Entries {
		e := &r.Entries[i]
		direct := !compiled || len(r.via[i]) == 0
		for _, via := range r.via[i] {
			source, isFile := viaFile(via)
			if !isFile {
				for _, from := range r.find(via, "") {
					if count++; count <= maxEdges {
						needs[from] = append(needs[from], i)
					}
				}
				continue
			}
			if source == "" {
				continue
			}
			direct = true
			if e.Manifest.IsZero() {
				e.Manifest = r.manifestLine(lines, r.manifest[i], source, e.Name)
			}
		}
		if direct {
			if e.Manifest.IsZero() {
				e.Manifest = e.Location
			}
			r.Roots = append(r.Roots, i)
		}
	}
	for from, to := range needs {
		for _, i := range to {
			r.edges.add(from, i)
		}
	}
}

// viaFile reads the source of a `# via` comment that is a file: "-r requirements.in", "name (pyproject.toml)". A
// constraint is a file that asks for nothing: source is "".
func viaFile(via string) (source string, ok bool) {
	if option, value := requirementOption(via); strings.HasPrefix(option, "-") {
		if option == "-r" {
			return value, true
		}
		return "", true
	}
	if name, file, found := strings.Cut(via, " ("); found && name != "" {
		return strings.TrimSuffix(file, ")"), true
	}
	return "", false
}

// manifestLine finds the line of a package in the file that a comment names. The tools write the name as it was given
// on their command line, so that it may count from the folder of the requirements or from one above.
func (r *requirementsReader) manifestLine(cache map[string]map[string]inventory.Location, dir, source, name string) inventory.Location {
	file := path.Join(dir, source)
	for up := dir; !r.tree.Has(file); up = path.Dir(up) {
		file = path.Join(up, source)
		if up == "." {
			break
		}
	}
	key := normalizePyPI(name)
	if path.Ext(file) == ".toml" {
		line, _ := readPyproject(r.tree, file).find(key)
		return line.where
	}
	if lines, ok := cache[file]; ok {
		return lines[key]
	}
	lines := map[string]inventory.Location{}
	cache[file] = lines
	if data, err := readText(r.tree, file); err == nil {
		for line := range requirementLines(data, file) {
			if req, ok := parseRequirement(line.text); ok {
				lines[normalizePyPI(req.name)] = line.place
			}
		}
	}
	return lines[key]
}

// requirementsScope reads what a file is for from its name, which is all there is: requirements-dev.txt,
// test_requirements.txt, requirements/docs.txt.
func requirementsScope(file string) inventory.Scope {
	words := strings.FieldsFunc(strings.ToLower(path.Base(file)), func(r rune) bool { return strings.ContainsRune("-_. ", r) })
	for _, word := range words {
		if slices.Contains(developmentWords, word) {
			return inventory.ScopeDevelopment
		}
	}
	return inventory.ScopeRuntime
}

// requirementOption splits "-r base.txt", "-rbase.txt", "--requirement=base.txt".
func requirementOption(text string) (option, value string) {
	if strings.HasPrefix(text, "--") {
		end := strings.IndexAny(text, "= \t")
		if end < 0 {
			return text, ""
		}
		return text[:end], unquote(strings.TrimLeft(text[end:], "= \t"))
	}
	if len(text) < 2 || text[0] != '-' {
		return "", text
	}
	return text[:2], unquote(strings.TrimSpace(text[2:]))
}

func unquote(s string) string {
	s = strings.TrimSpace(s)
	if len(s) >= 2 && (s[0] == '"' || s[0] == '\'') && s[len(s)-1] == s[0] {
		return s[1 : len(s)-1]
	}
	return s
}

// requirementHashes cuts the options of one requirement off and reads its --hash values.
func requirementHashes(text string) (string, []inventory.Hash) {
	end := len(text)
	for _, option := range []string{" --", "\t--", " -C", "\t-C"} {
		if i := strings.Index(text, option); i >= 0 {
			end = min(end, i)
		}
	}
	var hashes []inventory.Hash
	for field := range strings.FieldsSeq(text[end:]) {
		if value, ok := strings.CutPrefix(field, "--hash="); ok {
			if h, ok := pythonHash(value); ok && len(hashes) < maxHashes && !slices.Contains(hashes, h) {
				hashes = append(hashes, h)
			}
		}
	}
	return strings.TrimSpace(text[:end]), hashes
}

// requirementFromAddress reads a requirement that is only an address: `git+https://host/x#egg=name`, or an archive
// whose file name says what it is (https://packaging.python.org/en/latest/specifications/binary-distribution-format/).
func requirementFromAddress(text string) (requirement, bool) {
	address, marker, _ := strings.Cut(text, " ;")
	address = strings.TrimSpace(address)
	if _, fragment, ok := strings.Cut(address, "#"); ok {
		for part := range strings.SplitSeq(fragment, "&") {
			if egg, ok := strings.CutPrefix(part, "egg="); ok {
				r, ok := parseRequirement(egg)
				return requirement{name: r.name, extras: r.extras, url: address, marker: marker}, ok
			}
		}
	}
	if name, _, ok := archiveName(address); ok {
		return requirement{name: name, url: address, marker: marker}, true
	}
	return requirement{}, false
}

// archiveName reads name and version from the file name of a wheel or source archive.
func archiveName(address string) (name, version string, ok bool) {
	address, _, _ = strings.Cut(address, "#")
	address, _, _ = strings.Cut(address, "?")
	file := path.Base(address)
	if wheel, isWheel := strings.CutSuffix(file, ".whl"); isWheel {
		parts := strings.Split(wheel, "-")
		if len(parts) < 5 {
			return "", "", false
		}
		name, version = parts[0], parts[1]
		return name, version, name != "" && isAlphanumeric(name[0])
	}
	for _, suffix := range []string{".tar.gz", ".zip", ".tar.bz2", ".tgz"} {
		if stem, isArchive := strings.CutSuffix(file, suffix); isArchive {
			name, version = splitLast(stem, "-")
			return name, version, name != "" && startsWithDigit(version) && isAlphanumeric(name[0])
		}
	}
	return "", "", false
}

func archiveVersion(address string) string {
	_, version, _ := archiveName(address)
	return version
}

// isPythonPath reports whether a line names a folder or archive beside the file: the repository's own code.
func isPythonPath(text string) bool {
	return strings.HasPrefix(text, ".") || strings.ContainsAny(text, `/\`) && !strings.Contains(text, "://")
}

// viaComment reads what `# via` comments name, in one line or one a line.
func viaComment(comments []string) []string {
	var via []string
	inside := false
	for _, comment := range comments {
		comment = strings.TrimSpace(strings.TrimLeft(comment, "#"))
		rest, found := strings.CutPrefix(comment, "via")
		if found && (rest == "" || rest[0] == ' ' || rest[0] == ':') {
			inside, comment = true, strings.TrimLeft(rest, ": ")
		}
		if !inside {
			continue
		}
		for name := range strings.SplitSeq(comment, ",") {
			if name = strings.TrimSpace(name); name != "" {
				via = append(via, name)
			}
		}
	}
	return via
}

// shorten keeps a text from the file short enough for a message.
func shorten(s string) string {
	const most = 80
	if len(s) <= most {
		return s
	}
	return strings.ToValidUTF8(s[:most], "") + "…"
}

// requirementLines yields the logical lines of a requirements file. Comments below a line up to the next empty line
// belong to it.
func requirementLines(data []byte, name string) func(yield func(requirementLine) bool) {
	return func(yield func(requirementLine) bool) {
		data := bytes.TrimPrefix(fromUTF16(data), []byte("\uFEFF"))
		var current *requirementLine // waits for its comments
		var joined strings.Builder
		var place inventory.Location
		open := false // in a line that goes on
		flush := func() bool {
			if current == nil {
				return true
			}
			line := *current
			current = nil
			return yield(line)
		}
		end := func() {
			text, comment, hasComment := cutComment(joined.String())
			joined.Reset()
			open = false
			if text = strings.TrimSpace(text); text == "" {
				return
			}
			current = &requirementLine{text: text, place: place}
			if hasComment {
				current.comments = append(current.comments, comment)
			}
		}
		number := 0
		for raw := range bytes.Lines(data) {
			number++
			line := strings.TrimRight(string(raw), "\r\n")
			trimmed := strings.TrimLeft(line, " \t")
			if strings.HasPrefix(trimmed, "#") {
				if open { // a comment ends a line that goes on
					end()
				}
				if current != nil {
					current.comments = append(current.comments, strings.TrimSpace(trimmed))
				}
				continue
			}
			if !open {
				if !flush() {
					return
				}
				if strings.TrimSpace(line) == "" {
					continue
				}
				place = requirementPlace(name, number, line)
			}
			if before, goesOn := strings.CutSuffix(line, `\`); goesOn {
				open = true
				joined.WriteString(before)
				continue
			}
			joined.WriteString(line)
			end()
		}
		if open {
			end()
		}
		flush()
	}
}

// requirementPlace returns the place of the requirement in the first of its lines, without comment and options.
func requirementPlace(name string, number int, line string) inventory.Location {
	text, _, _ := cutComment(strings.TrimSuffix(line, `\`))
	start := len(text) - len(strings.TrimLeft(text, " \t"))
	if text[start:] != "" && text[start] != '-' {
		for _, option := range []string{" --", "\t--", " -C", "\t-C"} {
			if i := strings.Index(text, option); i > start {
				text = text[:i]
			}
		}
	}
	end := len(strings.TrimRight(text, " \t"))
	return inventory.Location{Path: name, Line: number, Column: start + 1, EndLine: number, EndColumn: max(start, end) + 1}
}

// cutComment cuts a line before a "#" that stands at its begin or after white space.
func cutComment(line string) (text, comment string, found bool) {
	for i := range len(line) {
		if line[i] == '#' && (i == 0 || line[i-1] == ' ' || line[i-1] == '\t') {
			return line[:i], line[i:], true
		}
	}
	return line, "", false
}

// fromUTF16 returns the text of a file that a byte order mark calls UTF-16, as PowerShell writes it; pip reads these
// too. Other files are returned as they are.
func fromUTF16(data []byte) []byte {
	var order binary.ByteOrder
	switch {
	case bytes.HasPrefix(data, []byte{0xff, 0xfe}):
		order = binary.LittleEndian
	case bytes.HasPrefix(data, []byte{0xfe, 0xff}):
		order = binary.BigEndian
	default:
		return data
	}
	data = data[2:]
	units := make([]uint16, len(data)/2)
	for i := range units {
		units[i] = order.Uint16(data[2*i:])
	}
	return []byte(string(utf16.Decode(units)))
}
