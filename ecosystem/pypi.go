package ecosystem

import (
	"cmp"
	"context"
	"net/url"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/package-url/packageurl-go"

	"github.com/trifecta-scanner/trifecta/inventory"
)

// PyPI is the Python package index with the package managers that draw from it.
var PyPI = &Ecosystem{
	Name: "PyPI",
	Formats: []Format{
		{Name: "poetry.lock", Match: base("poetry.lock"), LockFile: true, Read: readPoetryLock},
		{Name: "uv.lock", Match: base("uv.lock"), LockFile: true, Read: readUVLock},
		{Name: "pdm.lock", Match: base("pdm.lock"), LockFile: true, Read: readPDMLock},
		{Name: "pylock.toml", Match: isPylock, LockFile: true, Read: readPylock},
		{Name: "Pipfile.lock", Match: base("Pipfile.lock"), LockFile: true, Read: readPipfileLock},
		{Name: "requirements.txt", Match: isRequirements, LockFile: true, Read: readRequirements},
		{Name: "pyproject.toml", Match: base("pyproject.toml"), Read: readUnlockedPyproject},
		{Name: "Pipfile", Match: base("Pipfile"), Read: readUnlockedPipfile},
		{Name: "site-packages", Match: isInstalledWheel, LockFile: true, Vendored: true, Installed: true, Read: readInstalledWheel},
		{Name: "setup.py", Match: base("setup.py"), Read: readSetupPy},
	},
	PURL: func(name, version string) packageurl.PackageURL {
		return packageurl.PackageURL{Type: packageurl.TypePyPi, Name: normalizePyPI(name), Version: version}
	},
	Key: normalizePyPI,
}

// normalizePyPI makes the spellings of a name equal: lower case, runs of "-", "_" and "." as one "-".
// Source: https://packaging.python.org/en/latest/specifications/name-normalization/
func normalizePyPI(name string) string {
	if !strings.ContainsAny(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZ_.") && !strings.Contains(name, "--") {
		return name
	}
	b := make([]byte, 0, len(name))
	for i := range len(name) {
		switch c := name[i]; {
		case c == '-' || c == '_' || c == '.':
			if len(b) == 0 || b[len(b)-1] != '-' {
				b = append(b, '-')
			}
		case 'A' <= c && c <= 'Z':
			b = append(b, c+'a'-'A')
		default:
			b = append(b, c)
		}
	}
	return string(b)
}

// requirement is one dependency specifier.
// Source: https://packaging.python.org/en/latest/specifications/dependency-specifiers/
type requirement struct {
	name   string   // as written
	extras []string // as written
	spec   string   // the version specifiers without parentheses, as written
	url    string   // of `name @ url`
	marker string
}

// parseRequirement reads a dependency specifier; ok is false where the text is none.
func parseRequirement(text string) (r requirement, ok bool) {
	text = strings.TrimSpace(text)
	end := 0
	for end < len(text) && isNameByte(text[end]) {
		end++
	}
	r.name = strings.TrimRight(text[:end], "-_.")
	if r.name == "" || !isAlphanumeric(r.name[0]) || len(r.name) != end {
		return requirement{}, false
	}
	rest := strings.TrimLeft(text[end:], " \t")
	if inner, found := strings.CutPrefix(rest, "["); found {
		extras, after, closed := strings.Cut(inner, "]")
		if !closed {
			return requirement{}, false
		}
		for extra := range strings.SplitSeq(extras, ",") {
			if extra = strings.TrimSpace(extra); extra != "" {
				r.extras = append(r.extras, extra)
			}
		}
		rest = strings.TrimLeft(after, " \t")
	}
	if address, found := strings.CutPrefix(rest, "@"); found {
		// A marker after an address needs white space before its semicolon, as an address may hold one.
		address = strings.TrimSpace(address)
		if i := strings.IndexAny(address, " \t"); i >= 0 {
			address, r.marker = address[:i], strings.TrimSpace(strings.TrimLeft(address[i:], " \t;"))
		}
		r.url = address
		return r, r.url != ""
	}
	spec, marker, _ := strings.Cut(rest, ";")
	r.marker = strings.TrimSpace(marker)
	spec = strings.TrimSpace(spec)
	if inner, found := strings.CutPrefix(spec, "("); found {
		spec = strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(inner), ")"))
	}
	if spec != "" && !strings.ContainsRune("=<>!~", rune(spec[0])) {
		return requirement{}, false
	}
	r.spec = spec
	return r, true
}

// version returns the one version that the specifiers allow: `==1.2` and `===1.2`, not `==1.*`.
func (r requirement) version() (string, bool) {
	if strings.ContainsAny(r.spec, ",*") {
		return "", false
	}
	for _, operator := range []string{"===", "=="} {
		if version, ok := strings.CutPrefix(r.spec, operator); ok {
			if version = strings.TrimSpace(version); isPythonVersion(version) {
				return version, true
			}
		}
	}
	return "", false
}

// isPythonVersion tells a version from a variable that pip takes from its environment.
func isPythonVersion(s string) bool { return s != "" && !strings.Contains(s, "$") }

// atLeast returns the version that a single lower bound names, for `>=`, `~=` and `<=`. It is what osv-scanner takes
// for the version of a requirement that pins none. It is empty where there is no such bound.
func (r requirement) atLeast() string {
	if strings.ContainsAny(r.spec, ",*") {
		return ""
	}
	for _, operator := range []string{">=", "~=", "<="} {
		if version, ok := strings.CutPrefix(r.spec, operator); ok {
			if version = strings.TrimSpace(version); isPythonVersion(version) {
				return version
			}
		}
	}
	return ""
}

func isAlphanumeric(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9'
}

func isNameByte(c byte) bool { return isAlphanumeric(c) || c == '-' || c == '_' || c == '.' }

// pythonOrigin reads the address of a direct reference (https://packaging.python.org/en/latest/specifications/direct-url/
// and pip's `git+https://host/path@revision#egg=name`).
func pythonOrigin(address string) (origin inventory.Origin, commit string) {
	scheme, rest, hasScheme := strings.Cut(address, ":")
	switch {
	case !hasScheme || strings.HasPrefix(address, "."):
		return inventory.OriginPath, ""
	case strings.HasPrefix(scheme, "git"):
		rest, _, _ = strings.Cut(rest, "#")
		if i := strings.LastIndex(rest, "@"); i > strings.LastIndex(rest, "/") {
			commit = rest[i+1:]
		}
		if !isHex(commit, 40) {
			commit = "" // a branch or a tag
		}
		return inventory.OriginGit, commit
	case strings.HasPrefix(scheme, "hg") || strings.HasPrefix(scheme, "svn") || strings.HasPrefix(scheme, "bzr"):
		return inventory.OriginGit, ""
	case scheme == "file":
		return inventory.OriginPath, ""
	}
	return inventory.OriginURL, ""
}

// pythonHash reads a digest as Python's tools write it: "sha256:abc…".
func pythonHash(text string) (inventory.Hash, bool) {
	algorithm, value, _ := strings.Cut(text, ":")
	for _, known := range []struct {
		name, cyclonedx string
		digits          int
	}{{"sha256", "SHA-256", 64}, {"sha512", "SHA-512", 128}, {"sha384", "SHA-384", 96}, {"sha1", "SHA-1", 40}, {"md5", "MD5", 32}} {
		if strings.EqualFold(algorithm, known.name) && isHex(value, known.digits) {
			return inventory.Hash{Algorithm: known.cyclonedx, Value: strings.ToLower(value)}, true
		}
	}
	return inventory.Hash{}, false
}

// maxHashes bounds the digests of one package. The largest have some hundred archives.
const maxHashes = 1000

// pythonHashes reads the digests of all archives of a package: tables with a `hash` and, in pylock.toml, `hashes`.
func pythonHashes(archives ...*tomlValue) []inventory.Hash {
	var hashes []inventory.Hash
	add := func(text string) {
		if h, ok := pythonHash(text); ok && len(hashes) < maxHashes && !slices.Contains(hashes, h) {
			hashes = append(hashes, h)
		}
	}
	for _, archive := range archives {
		if archive == nil {
			continue
		}
		add(archive.table.string("hash"))
		for _, m := range archive.table.list("hashes") {
			add(m.key + ":" + m.value.str())
		}
	}
	return hashes
}

// pythonDoc collects the entries of a lock file by the normal form of their names.
type pythonDoc struct {
	*Document
	byName entryIndex
	edges  edges
	isRoot map[int]bool
}

func newPythonDoc() *pythonDoc {
	doc := &Document{}
	return &pythonDoc{Document: doc, byName: entryIndex{}, edges: edges{doc: doc}, isRoot: map[int]bool{}}
}

func (d *pythonDoc) add(e Entry) int {
	d.byName.add(normalizePyPI(e.Name), len(d.Entries))
	d.Entries = append(d.Entries, e)
	return len(d.Entries) - 1
}

// find returns the entries of a package, only those of the version where one has it.
func (d *pythonDoc) find(name, version string) []int {
	found := d.byName[normalizePyPI(name)]
	if version == "" || len(found) < 2 {
		return found
	}
	var matching []int
	for _, i := range found {
		if d.Entries[i].Version == version {
			matching = append(matching, i)
		}
	}
	if matching == nil {
		return found
	}
	return matching
}

// need adds edges from entry i. All entries have been added by then.
func (d *pythonDoc) need(i int, name, version string) {
	for _, j := range d.find(name, version) {
		d.edges.add(i, j)
	}
}

// rootsFrom makes the packages that a manifest asks for the roots of the chains and gives them their lines. What is
// asked for at runtime comes first, so that it gives the line of a package that is asked for twice.
func (d *pythonDoc) rootsFrom(m *pyproject) {
	for _, dev := range []bool{false, true} {
		for _, a := range m.asked {
			if a.dev != dev {
				continue
			}
			scope := inventory.ScopeRuntime
			if dev {
				scope = inventory.ScopeDevelopment
			}
			d.askFor(a.name, "", a.where, scope)
		}
	}
}

// askFor makes the entries of a package roots. A root without a scope of its own gets the given one.
func (d *pythonDoc) askFor(name, version string, where inventory.Location, scope inventory.Scope) {
	for _, i := range d.find(name, version) {
		e := &d.Entries[i]
		if e.Manifest.IsZero() {
			e.Manifest = where
		}
		if e.Scope == "" {
			e.Scope = scope
		}
		if !d.isRoot[i] {
			d.isRoot[i] = true
			d.Roots = append(d.Roots, i)
		}
	}
}

// isPublicPyPI reports whether an address is that of the index at its own domain, or no address at all.
func isPublicPyPI(address string) bool {
	if address == "" {
		return true
	}
	u, err := url.Parse(address)
	return err == nil && slices.Contains([]string{"pypi", "pypi.python"}, strings.TrimSuffix(u.Hostname(), ".org"))
}

// pyproject is what a pyproject.toml asks for.
// Source: https://packaging.python.org/en/latest/specifications/pyproject-toml/ and, for groups,
// https://packaging.python.org/en/latest/specifications/dependency-groups/
type pyproject struct {
	name  string
	where inventory.Location // the line of the name
	asked []pythonAsk
	first map[string]int // normal form of a name -> the line of asked that counts most
}

// find returns the line that asks for a package; what ships wins over what is for development.
func (m *pyproject) find(name string) (pythonAsk, bool) {
	i, ok := m.first[normalizePyPI(name)]
	if !ok {
		return pythonAsk{}, false
	}
	return m.asked[i], true
}

func (m *pyproject) add(a pythonAsk) {
	key := normalizePyPI(a.name)
	if i, ok := m.first[key]; !ok || m.asked[i].dev && !a.dev {
		m.first[key] = len(m.asked)
	}
	m.asked = append(m.asked, a)
}

// pythonAsk is one line that asks for a package.
type pythonAsk struct {
	name  string
	group string // "" for what the project itself needs
	dev   bool
	where inventory.Location
	want  requirement // what is asked for; name and extras may be missing
}

// readPyproject returns an empty manifest where there is none: the lock file stands alone.
func readPyproject(tree *inventory.Tree, name string) *pyproject {
	m, err := inventory.Parse(tree, name, "pyproject.toml", func(data []byte) (*pyproject, error) {
		return parsePyproject(data, name), nil
	})
	if err != nil {
		return &pyproject{}
	}
	return m
}

func parsePyproject(data []byte, name string) *pyproject {
	f := parseTOML(data, name)
	m := &pyproject{first: map[string]int{}}
	for _, table := range [][]string{{"project"}, {"tool", "poetry"}} {
		if member := f.root.at(table...).object().member("name"); member != nil && m.name == "" {
			m.name, m.where = member.value.str(), f.place(member)
		}
	}
	m.specifiers(f, f.root.items("project", "dependencies"), "", false)
	for _, extra := range f.root.list("project", "optional-dependencies") {
		m.specifiers(f, extra.value.array(), extra.key, false)
	}
	poetry := f.root.at("tool", "poetry").object()
	m.table(f, poetry.list("dependencies"), "", false)
	m.table(f, poetry.list("dev-dependencies"), "dev", true)
	for _, group := range poetry.list("group") {
		m.table(f, group.value.object().list("dependencies"), group.key, group.key != "main")
	}
	for _, group := range f.root.list("dependency-groups") {
		m.specifiers(f, group.value.array(), group.key, true)
	}
	for _, group := range f.root.list("tool", "pdm", "dev-dependencies") {
		m.specifiers(f, group.value.array(), group.key, true)
	}
	m.specifiers(f, f.root.items("tool", "uv", "dev-dependencies"), "dev", true)
	return m
}

// specifiers reads an array of dependency specifiers. A group may include another one, whose lines are read there.
func (m *pyproject) specifiers(f *tomlFile, items []*tomlValue, group string, dev bool) {
	for _, item := range items {
		if r, ok := parseRequirement(item.str()); ok {
			m.add(pythonAsk{r.name, group, dev, f.placeOf(item), r})
		}
	}
}

// table reads a table of Poetry, which has the names as keys.
func (m *pyproject) table(f *tomlFile, members []tomlMember, group string, dev bool) {
	for i := range members {
		if members[i].key != "python" {
			m.add(pythonAsk{members[i].key, group, dev, f.place(&members[i]), poetryWant(members[i].value)})
		}
	}
}

// poetryWant reads what a table of Poetry or a Pipfile asks for (https://python-poetry.org/docs/dependency-specification/).
func poetryWant(v *tomlValue) requirement {
	spec := v.str()
	if t := v.object(); t != nil {
		spec = t.string("version")
		switch {
		case t.string("git") != "":
			return requirement{url: "git+" + t.string("git") + "@" + cmp.Or(t.string("rev"), t.string("ref"))}
		case t.string("url") != "":
			return requirement{url: t.string("url")}
		case t.string("path") != "" || t.string("file") != "":
			return requirement{url: "file:" + t.string("path")}
		}
	}
	if startsWithDigit(spec) { // without an operator it is one version
		spec = "==" + spec
	}
	return requirement{spec: spec}
}

// wish makes an entry of a line that asks for a package.
func (a pythonAsk) wish() wish {
	w := wish{Entry: Entry{Name: a.name, Location: a.where, Scope: inventory.ScopeRuntime}, spec: a.want.spec}
	if a.dev {
		w.Scope = inventory.ScopeDevelopment
	}
	if a.want.url != "" {
		w.Origin, w.Commit = pythonOrigin(a.want.url)
		w.Version = archiveVersion(a.want.url)
		return w
	}
	w.Version, _ = a.want.version()
	return w
}

// readUnlockedPyproject lists what a pyproject.toml asks for where no lock file speaks for it.
func readUnlockedPyproject(_ context.Context, tree *inventory.Tree, name string) (*Document, error) {
	dir := path.Dir(name)
	if hasAny(tree, dir, "poetry.lock", "uv.lock", "pdm.lock", "pylock.toml", "Pipfile.lock", "requirements.txt") || uvMember(tree, dir) {
		return &Document{}, nil
	}
	data, err := tree.ReadFile(name)
	if err != nil {
		return nil, err
	}
	m := readPyproject(tree, name)
	var wishes []wish
	for _, a := range m.asked {
		wishes = append(wishes, a.wish())
	}
	doc := unlocked(projectName(m.name, name), name, wishes)
	notices, err := parseTOML(data, name).split()
	doc.Notices = append(doc.Notices, notices...)
	return doc, err
}

// uvMember reports whether a uv.lock above a folder names it as a member.
func uvMember(tree *inventory.Tree, dir string) bool {
	for up := dir; up != "."; {
		up = path.Dir(up)
		lock := path.Join(up, "uv.lock")
		if !tree.Has(lock) {
			continue
		}
		at, _ := below(up, dir)
		members, _ := inventory.Parse(tree, lock, "members of uv.lock", func(data []byte) (map[string]bool, error) {
			members := map[string]bool{}
			for _, m := range uvMemberPath.FindAllSubmatch(data, -1) {
				members[string(m[1])] = true
			}
			return members, nil
		})
		if members[at] {
			return true
		}
	}
	return false
}

var uvMemberPath = regexp.MustCompile(`(?m)^source = \{ (?:editable|virtual) = "([^"\n]+)" \}`)

// readUnlockedPipfile lists what a Pipfile asks for where it has no lock file.
func readUnlockedPipfile(_ context.Context, tree *inventory.Tree, name string) (*Document, error) {
	if hasAny(tree, path.Dir(name), "Pipfile.lock") {
		return &Document{}, nil
	}
	f, err := readTOML(tree, name)
	if err != nil {
		return nil, err
	}
	var wishes []wish
	pipfileAsks(f, func(a pythonAsk) { wishes = append(wishes, a.wish()) })
	doc := unlocked(projectName("", name), name, wishes)
	notices, err := f.split()
	doc.Notices = append(doc.Notices, notices...)
	return doc, err
}

func isPylock(p string) bool {
	name := path.Base(p)
	inner, ok := strings.CutPrefix(name, "pylock.")
	return ok && (inner == "toml" || strings.HasSuffix(inner, ".toml") && strings.Count(inner, ".") == 1)
}

// setupPin matches a requirement of one version in a string of a setup.py.
var setupPin = regexp.MustCompile(`['"]([A-Za-z0-9][A-Za-z0-9._-]*)\s*(?:\[[^\]'"\n]*\])?\s*===?\s*([A-Za-z0-9][A-Za-z0-9.!+_-]*)\s*(?:;[^'"\n]*)?['"]`)

// readSetupPy finds the strings of a setup.py that ask for one version of a package. The file is a program; what it
// computes is not known, nor is the list that a string stands in.
func readSetupPy(_ context.Context, tree *inventory.Tree, name string) (*Document, error) {
	data, err := readProgram(tree, name)
	if err != nil {
		return nil, err
	}
	lines := inventory.NewLines(data)
	var wishes []wish
	for _, m := range setupPin.FindAllSubmatchIndex(data, -1) {
		if commented(data, m[0], "#") {
			continue
		}
		wishes = append(wishes, wish{Entry: Entry{
			Name: string(data[m[2]:m[3]]), Version: string(data[m[4]:m[5]]), Location: lines.Location(name, m[0], m[1]), Scope: inventory.ScopeUnknown,
		}})
	}
	return unlocked(projectName("", name), name, wishes), nil
}
