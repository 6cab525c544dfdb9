package ecosystem

import (
	"context"
	"path"
	"slices"
	"strings"

	"github.com/package-url/packageurl-go"

	"github.com/trifecta-scanner/trifecta/inventory"
)

// Cargo is the Rust registry crates.io with its package manager.
var Cargo = &Ecosystem{
	Name: "crates.io",
	Formats: []Format{
		{Name: "Cargo.lock", Match: base("Cargo.lock"), LockFile: true, Read: readCargoLock},
		{Name: "Cargo.toml", Match: base("Cargo.toml"), Read: readUnlockedCargoTOML},
	},
	PURL: func(name, version string) packageurl.PackageURL {
		return packageurl.PackageURL{Type: packageurl.TypeCargo, Name: name, Version: version}
	},
}

// cargoLock is a Cargo.lock of any version (https://doc.rust-lang.org/cargo/reference/resolver.html, and cargo's
// src/cargo/core/resolver/encode.rs for the shapes that the file has had).
type cargoLock struct {
	file   *tomlFile
	doc    *Document
	byName entryIndex
	source []string     // of each entry, "" for a package of the repository
	needs  [][]string   // of each entry, as the file words them
	own    []*cargoTOML // of each entry, its manifest where it is a package of the repository
	beside *cargoTOML   // the manifest beside the lock file, or nil
}

func readCargoLock(_ context.Context, tree *inventory.Tree, name string) (*Document, error) {
	data, err := tree.ReadFile(name)
	if err != nil {
		return nil, err
	}
	l := &cargoLock{file: parseTOML(data, name), doc: &Document{}, byName: entryIndex{}}
	l.doc.Declared = countHeaders(data, "[[package]]")
	l.read()
	l.connect(tree)
	notices, err := l.file.split()
	l.doc.Notices = append(l.doc.Notices, notices...)
	l.doc.Resolve()
	return l.doc, err
}

func (l *cargoLock) read() {
	root := l.file.root
	packages := l.file.packages(l.doc, "package")
	if v := root.get("root"); v != nil { // the oldest shape keeps the root package apart
		packages = append([]*tomlValue{v}, packages...)
		l.doc.Declared++
	}
	l.doc.Entries = make([]Entry, 0, len(packages))
	checksums := root.at("metadata").object()
	for _, p := range packages {
		name, version := p.table.string("name"), p.table.string("version")
		if name == "" {
			continue
		}
		source := p.table.string("source")
		entry := Entry{Name: name, Version: version, Location: l.file.packagePlace(p)}
		entry.Origin, entry.Commit = cargoOrigin(source)
		checksum := p.table.string("checksum")
		if checksum == "" && checksums != nil {
			checksum = checksums.string("checksum " + name + " " + version + " (" + source + ")")
		}
		if isHex(checksum, 64) {
			entry.Hashes = []inventory.Hash{{Algorithm: "SHA-256", Value: strings.ToLower(checksum)}}
		}
		l.byName.add(name, len(l.doc.Entries))
		l.doc.Entries = append(l.doc.Entries, entry)
		l.source = append(l.source, source)
		l.needs = append(l.needs, p.table.at("dependencies").strings())
	}
}

// cargoOrigin reads the source of a package: "registry+ADDRESS", "sparse+ADDRESS" or "git+ADDRESS#COMMIT". A package
// without one lies in the repository. crates.io is known by the name of its index, whichever way it is fetched.
func cargoOrigin(source string) (origin inventory.Origin, commit string) {
	kind, address, _ := strings.Cut(source, "+")
	switch kind {
	case "":
		return inventory.OriginWorkspace, ""
	case "git":
		_, commit, _ := strings.Cut(address, "#")
		return inventory.OriginGit, commit
	case "registry", "sparse":
		if strings.Contains(address, "/crates.io-index") || strings.HasSuffix(strings.TrimSuffix(address, "/"), ".crates.io") {
			return inventory.OriginRegistry, ""
		}
		return inventory.OriginPrivate, ""
	case "path", "directory", "local-registry":
		return inventory.OriginPath, ""
	}
	return inventory.OriginURL, ""
}

// find returns the entries that a line of "dependencies" means: "name", "name version" or "name version (source)".
func (l *cargoLock) find(want string) []int {
	name, rest, _ := strings.Cut(want, " ")
	version, source, _ := strings.Cut(rest, " ")
	source = strings.Trim(source, "()")
	found := l.byName[name]
	if version == "" {
		return found
	}
	var matching []int
	for _, i := range found {
		// The address of a git source is written without the commit here.
		if l.doc.Entries[i].Version == version && (source == "" || strings.HasPrefix(l.source[i], source)) {
			matching = append(matching, i)
		}
	}
	return matching
}

// connect draws the edges, finds the manifests of the repository's own packages, and with them what is asked for
// directly and what only tests need.
func (l *cargoLock) connect(tree *inventory.Tree) {
	entries := l.doc.Entries
	edges := edges{doc: l.doc}
	for i, needs := range l.needs {
		for _, want := range needs {
			for _, j := range l.find(want) {
				edges.add(i, j)
			}
		}
	}
	dir := path.Dir(l.file.path)
	l.beside = readCargoTOML(tree, path.Join(dir, "Cargo.toml"))
	l.doc.Root = projectName(l.beside.name(), l.file.path)
	l.findManifests(tree, dir)
	var own []int
	root := -1
	for i, source := range l.source {
		if source != "" {
			continue
		}
		own = append(own, i)
		if m := l.own[i]; m != nil {
			entries[i].Manifest = m.where()
			if m == l.beside {
				root = i
			}
		}
	}
	l.doc.workspace(own, root, func(own, need int) ask {
		if l.own[own] == nil {
			return ask{scope: inventory.ScopeUnknown}
		}
		asked := l.own[own].find(entries[need].Name, entries[need].Version, l.beside)
		switch {
		case !asked.found:
			return ask{scope: inventory.ScopeUnknown}
		case asked.dev:
			return ask{asked.where, inventory.ScopeDevelopment}
		}
		return ask{asked.where, inventory.ScopeRuntime}
	})
}

// findManifests gives each of the repository's own packages its Cargo.toml: the one below the lock file that has its
// name, else one elsewhere in the tree.
func (l *cargoLock) findManifests(tree *inventory.Tree, dir string) {
	l.own = make([]*cargoTOML, len(l.doc.Entries))
	for _, name := range tree.Named("Cargo.toml") {
		m := readCargoTOML(tree, name)
		below := dir == "." || strings.HasPrefix(name, dir+"/")
		for _, i := range l.byName[m.name()] {
			if l.source[i] == "" && (l.own[i] == nil || below && !l.own[i].below(dir)) {
				l.own[i] = m
			}
		}
	}
	for i, source := range l.source {
		if source == "" && l.own[i] == nil {
			l.doc.Entries[i].Origin = inventory.OriginPath
		}
	}
}

// cargoTOML is what a manifest says about packages (https://doc.rust-lang.org/cargo/reference/manifest.html).
type cargoTOML struct {
	file  *tomlFile
	asked map[string][]cargoAsk // by the package's own name, which `package =` may set apart from the key
	order []string              // the names in the order of the file, once for each line
	// workspace holds the members of [workspace.dependencies] by key, and keys the keys of those that are renamed there.
	workspace map[string]*tomlMember
	keys      map[string]string
}

// cargoAsk is one line that asks for a package.
type cargoAsk struct {
	key     string
	want    string // the version requirement
	dev     bool
	inherit bool // workspace = true
	where   inventory.Location
	found   bool
	origin  inventory.Origin
	commit  string
}

// readCargoTOML returns nil where there is no such file; nil is an empty manifest.
func readCargoTOML(tree *inventory.Tree, name string) *cargoTOML {
	m, err := inventory.Parse(tree, name, "Cargo.toml", func(data []byte) (*cargoTOML, error) {
		return parseCargoTOML(data, name), nil
	})
	if err != nil {
		return nil
	}
	return m
}

func parseCargoTOML(data []byte, name string) *cargoTOML {
	m := &cargoTOML{file: parseTOML(data, name), asked: map[string][]cargoAsk{}, workspace: map[string]*tomlMember{}, keys: map[string]string{}}
	root := m.file.root
	m.tables(root)
	for _, target := range root.list("target") {
		m.tables(target.value.object())
	}
	members := root.list("workspace", "dependencies")
	for i := range members {
		m.workspace[members[i].key] = &members[i]
		if name := members[i].value.object().string("package"); name != "" {
			m.keys[name] = members[i].key
		}
	}
	return m
}

// tables reads the tables of one platform. Old manifests write the names with an underscore. The tables that ship
// come first: a package that is asked for twice ships.
func (m *cargoTOML) tables(t *tomlTable) {
	for _, list := range []struct {
		name string
		dev  bool
	}{
		{"dependencies", false}, {"build-dependencies", false}, {"build_dependencies", false},
		{"dev-dependencies", true}, {"dev_dependencies", true},
	} {
		members := t.list(list.name)
		for i := range members {
			m.ask(&members[i], list.dev)
		}
	}
}

func (m *cargoTOML) ask(member *tomlMember, dev bool) {
	name := member.key
	table := member.value.object()
	if real := table.string("package"); real != "" {
		name = real
	}
	want := member.value.str()
	if table != nil {
		want = table.string("version")
	}
	asked := cargoAsk{key: member.key, want: want, dev: dev, inherit: table.true("workspace"), where: m.file.place(member), found: true}
	switch {
	case table.string("path") != "":
		asked.origin = inventory.OriginPath
	case table.string("git") != "":
		asked.origin = inventory.OriginGit
		if rev := table.string("rev"); isHex(rev, 40) {
			asked.commit = rev
		}
	case table.string("registry") != "":
		asked.origin = inventory.OriginPrivate
	}
	m.order = append(m.order, name)
	m.asked[name] = append(m.asked[name], asked)
}

func (m *cargoTOML) name() string {
	if m == nil {
		return ""
	}
	return m.file.root.string("package", "name")
}

// where returns the line that names the manifest's own package.
func (m *cargoTOML) where() inventory.Location {
	return m.file.place(m.file.root.at("package").object().member("name"))
}

func (m *cargoTOML) below(dir string) bool {
	return dir == "." || strings.HasPrefix(m.file.path, dir+"/")
}

// find returns the line that asks for a package in this version. A line that inherits from the workspace is replaced
// by the workspace's, where the version stands, if the manifest of the workspace is given.
func (m *cargoTOML) find(name, version string, workspace *cargoTOML) cargoAsk {
	asked := m.asked[name]
	if workspace != nil {
		if key, ok := workspace.keys[name]; ok && key != name {
			asked = append(slices.Clip(asked), m.asked[key]...)
		}
	}
	var best cargoAsk
	for _, a := range asked {
		if a.inherit && workspace != nil && workspace.workspace[a.key] != nil {
			from := workspace.workspace[a.key]
			a.where = workspace.file.place(from)
			a.want = from.value.str()
			if from.value.object() != nil {
				a.want = from.value.object().string("version")
			}
		}
		if cargoMay(a.want, version) {
			return a
		}
		if !best.found {
			best = a
		}
	}
	return best
}

// cargoMay reports whether a requirement such as "1.2" or "^0.3" may mean the version. It only has to choose between
// two lines that ask for the same package, so that the leading number is enough.
func cargoMay(want, version string) bool {
	want = strings.TrimLeft(want, "^~=>< v")
	major, _, _ := strings.Cut(want, ".")
	have, _, _ := strings.Cut(version, ".")
	if major == "0" && have == "0" {
		minor := func(s string) string { parts := strings.SplitN(s, ".", 3); return parts[min(1, len(parts)-1)] }
		return minor(want) == minor(version)
	}
	return major == have
}

// readUnlockedCargoTOML lists what a Cargo.toml asks for where neither it nor the workspace above has a lock file. Cargo
// takes a plain version for a range; only `=1.2.3` is one version.
func readUnlockedCargoTOML(_ context.Context, tree *inventory.Tree, name string) (*Document, error) {
	if hasAbove(tree, path.Dir(name), "Cargo.lock") {
		return &Document{}, nil
	}
	data, err := tree.ReadFile(name)
	if err != nil {
		return nil, err
	}
	m := parseCargoTOML(data, name)
	members := m.file.root.list("workspace", "dependencies")
	for i := range members {
		m.ask(&members[i], false)
	}
	var wishes []wish
	nth := map[string]int{}
	for _, pkg := range m.order {
		a := m.asked[pkg][nth[pkg]]
		nth[pkg]++
		if a.inherit { // the workspace's line says what is asked for
			continue
		}
		w := wish{Entry: Entry{Name: pkg, Location: a.where, Origin: a.origin, Commit: a.commit, Scope: inventory.ScopeRuntime}, spec: a.want}
		if a.dev {
			w.Scope = inventory.ScopeDevelopment
		}
		if version, ok := strings.CutPrefix(a.want, "="); ok && strings.Count(version, ".") == 2 && !strings.ContainsAny(version, ",*") {
			w.Version = strings.TrimSpace(version)
		}
		wishes = append(wishes, w)
	}
	doc := unlocked(projectName(m.name(), name), name, wishes)
	notices, err := m.file.split()
	doc.Notices = append(doc.Notices, notices...)
	return doc, err
}
