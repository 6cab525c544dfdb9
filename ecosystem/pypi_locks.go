package ecosystem

import (
	"cmp"
	"context"
	"path"
	"slices"
	"strings"

	"github.com/trifecta-scanner/trifecta/inventory"
)

// openPythonLock reads a lock file whose packages stand in the array of tables key.
func openPythonLock(tree *inventory.Tree, name, key string) (*tomlFile, *pythonDoc, []*tomlValue, error) {
	data, err := tree.ReadFile(name)
	if err != nil {
		return nil, nil, nil, err
	}
	f, d := parseTOML(data, name), newPythonDoc()
	d.Declared = countHeaders(data, "[["+key+"]]")
	return f, d, f.packages(d.Document, key), nil
}

// readPoetryLock reads the lock file of Poetry 1 and 2 (https://python-poetry.org/docs/; poetry/packages/locker.py).
func readPoetryLock(_ context.Context, tree *inventory.Tree, name string) (*Document, error) {
	f, d, packages, err := openPythonLock(tree, name, "package")
	if err != nil {
		return nil, err
	}
	sources := make([]string, 0, len(packages))
	for _, p := range packages {
		e := Entry{Name: p.table.string("name"), Version: p.table.string("version"), Location: f.packagePlace(p)}
		e.Hashes = pythonHashes(slices.Concat(p.table.items("files"), f.root.items("metadata", "files", e.Name))...)
		// Groups are stated since Poetry 2, and until 1.4 in one word as the category.
		groups := p.table.at("groups").strings()
		if category := p.table.string("category"); category != "" {
			groups = append(groups, category)
		}
		if len(groups) > 0 {
			e.Scope = inventory.ScopeDevelopment
			if slices.Contains(groups, "main") {
				e.Scope = inventory.ScopeRuntime
			}
		}
		source := p.table.at("source").object()
		switch source.string("type") {
		case "git":
			e.Origin, e.Commit = inventory.OriginGit, source.string("resolved_reference")
		case "url":
			e.Origin = inventory.OriginURL
		case "directory", "file":
			e.Origin = inventory.OriginPath
		default:
			e.Origin = inventory.OriginRegistry
		}
		sources = append(sources, source.string("url"))
		d.add(e)
	}
	for i, p := range packages {
		for _, m := range p.table.list("dependencies") {
			d.need(i, m.key, "")
		}
	}
	d.markPrivate(func(i int) string { return sources[i] }, isPublicPyPI)
	return d.finish(f, readPyproject(tree, path.Join(path.Dir(name), "pyproject.toml")))
}

// finish adds what the manifest says and resolves the document.
func (d *pythonDoc) finish(f *tomlFile, m *pyproject) (*Document, error) {
	d.Root = projectName(m.name, f.path)
	d.rootsFrom(m)
	notices, err := f.split()
	d.Notices = append(d.Notices, notices...)
	d.Resolve()
	return d.Document, err
}

// readUVLock reads the lock file of uv (https://docs.astral.sh/uv/concepts/projects/layout/#the-lockfile; the shape is
// that of uv-resolver/src/lock/mod.rs).
func readUVLock(_ context.Context, tree *inventory.Tree, name string) (*Document, error) {
	f, d, packages, err := openPythonLock(tree, name, "package")
	if err != nil {
		return nil, err
	}
	u := &uvLock{pythonDoc: d, file: f, packages: packages, tree: tree, dir: path.Dir(name)}
	for _, p := range u.packages {
		u.entry(p)
	}
	u.connect()
	u.markPrivate(func(i int) string { return u.packages[i].table.string("source", "registry") }, isPublicPyPI)
	u.Root = projectName(cmp.Or(readPyproject(tree, path.Join(u.dir, "pyproject.toml")).name, u.project), name)
	notices, err := u.file.split()
	u.Notices = append(u.Notices, notices...)
	u.Resolve()
	return u.Document, err
}

type uvLock struct {
	*pythonDoc
	file     *tomlFile
	tree     *inventory.Tree
	dir      string
	packages []*tomlValue
	own      map[int]*pyproject // entries of the repository's own packages with their manifests
	project  string             // the package whose folder is that of the lock file
}

func (u *uvLock) entry(p *tomlValue) {
	e := Entry{Name: p.table.string("name"), Version: p.table.string("version"), Location: u.file.packagePlace(p)}
	for _, m := range p.table.list("source") {
		switch m.key {
		case "registry":
			e.Origin = inventory.OriginRegistry
		case "git":
			e.Origin = inventory.OriginGit
			_, e.Commit, _ = strings.Cut(m.value.str(), "#")
		case "url":
			e.Origin = inventory.OriginURL
		case "path":
			e.Origin = inventory.OriginPath
		case "virtual", "editable", "directory":
			e.Origin = inventory.OriginPath
			manifest := readPyproject(u.tree, path.Join(u.dir, m.value.str(), "pyproject.toml"))
			if manifest.name != "" {
				e.Origin, e.Manifest = inventory.OriginWorkspace, manifest.where
			}
			if u.own == nil {
				u.own = map[int]*pyproject{}
			}
			u.own[len(u.Entries)] = manifest
		}
	}
	e.Hashes = pythonHashes(append([]*tomlValue{p.table.get("sdist")}, p.table.items("wheels")...)...)
	u.add(e)
}

// connect draws the edges. Each package lists what it needs, what its extras need and, as one of the repository's
// own, what its groups need for development.
func (u *uvLock) connect() {
	dev := map[[2]int]bool{}
	var own []int
	root := -1
	for i, p := range u.packages {
		u.needs(i, p.table.items("dependencies"))
		for _, extra := range p.table.list("optional-dependencies") {
			u.needs(i, extra.value.array())
		}
		if _, ok := u.own[i]; !ok {
			continue
		}
		own = append(own, i)
		for _, kind := range []string{"virtual", "editable", "directory"} {
			if p.table.string("source", kind) == "." {
				root, u.project = i, u.Entries[i].Name
			}
		}
		ships := len(u.Entries[i].Needs)
		for _, group := range p.table.list("dev-dependencies") {
			u.needs(i, group.value.array())
		}
		for _, need := range u.Entries[i].Needs[ships:] {
			dev[[2]int{i, need}] = true
		}
	}
	u.workspace(own, root, func(own, need int) ask {
		a := ask{scope: inventory.ScopeRuntime}
		if dev[[2]int{own, need}] {
			a.scope = inventory.ScopeDevelopment
		}
		if line, ok := u.own[own].find(u.Entries[need].Name); ok {
			a.where = line.where
		}
		return a
	})
}

func (u *uvLock) needs(i int, dependencies []*tomlValue) {
	for _, dependency := range dependencies {
		u.need(i, dependency.table.string("name"), dependency.table.string("version"))
	}
}

// readPDMLock reads the lock file of PDM (https://pdm-project.org/en/latest/usage/lockfile/). A package is listed once
// more for each set of its extras; that is the same package again.
func readPDMLock(_ context.Context, tree *inventory.Tree, name string) (*Document, error) {
	f, d, packages, err := openPythonLock(tree, name, "package")
	if err != nil {
		return nil, err
	}
	entryOf := make([]int, len(packages))
	first := map[string]int{}
	for i, p := range packages {
		e := Entry{Name: p.table.string("name"), Version: p.table.string("version"), Location: f.packagePlace(p)}
		key := normalizePyPI(e.Name) + " " + e.Version
		if at, ok := first[key]; ok {
			entryOf[i] = at
			d.Declared--
			continue
		}
		e.Hashes = pythonHashes(slices.Concat(p.table.items("files"), f.root.items("metadata", "files", e.Name+" "+e.Version))...)
		if groups := p.table.at("groups").strings(); len(groups) > 0 {
			e.Scope = pdmScope(groups, tree, path.Dir(name))
		}
		switch {
		case p.table.string("git") != "":
			e.Origin, e.Commit = inventory.OriginGit, p.table.string("revision")
		case p.table.string("path") != "":
			e.Origin = inventory.OriginPath
		case p.table.string("url") != "":
			e.Origin = inventory.OriginURL
		}
		entryOf[i] = d.add(e)
		first[key] = entryOf[i]
	}
	for i, p := range packages {
		for _, want := range p.table.at("dependencies").strings() {
			if r, ok := parseRequirement(want); ok {
				version, _ := r.version()
				d.need(entryOf[i], r.name, version)
			}
		}
	}
	return d.finish(f, readPyproject(tree, path.Join(path.Dir(name), "pyproject.toml")))
}

// pdmScope reads the groups of a package. "default" ships; another group ships where it is one of the project's extras.
func pdmScope(groups []string, tree *inventory.Tree, dir string) inventory.Scope {
	if slices.Contains(groups, "default") {
		return inventory.ScopeRuntime
	}
	for _, a := range readPyproject(tree, path.Join(dir, "pyproject.toml")).asked {
		if !a.dev && a.group != "" && slices.Contains(groups, a.group) {
			return inventory.ScopeRuntime
		}
	}
	return inventory.ScopeDevelopment
}

// readPylock reads a pylock.toml (https://packaging.python.org/en/latest/specifications/pylock-toml/).
func readPylock(_ context.Context, tree *inventory.Tree, name string) (*Document, error) {
	f, d, packages, err := openPythonLock(tree, name, "packages")
	if err != nil {
		return nil, err
	}
	index := make([]string, len(packages))
	m := readPyproject(tree, path.Join(path.Dir(name), "pyproject.toml"))
	for i, p := range packages {
		e := Entry{Name: p.table.string("name"), Version: p.table.string("version"), Location: f.packagePlace(p)}
		index[i] = p.table.string("index")
		archive := p.table.get("archive")
		switch {
		case p.table.get("vcs") != nil:
			e.Origin, e.Commit = inventory.OriginGit, p.table.string("vcs", "commit-id")
		case p.table.get("directory") != nil:
			e.Origin = inventory.OriginPath
			if normalizePyPI(e.Name) == normalizePyPI(m.name) {
				e.Origin, e.Scope = inventory.OriginWorkspace, inventory.ScopeRuntime
			}
		case archive != nil && archive.table.string("path") != "":
			e.Origin = inventory.OriginPath
		case archive != nil:
			e.Origin = inventory.OriginURL
		}
		archives := append([]*tomlValue{p.table.get("sdist"), archive}, p.table.items("wheels")...)
		e.Hashes = pythonHashes(archives...)
		// A marker that asks for a group says what the package is for; PDM calls the project itself a group, too.
		if marker := strings.ReplaceAll(p.table.string("marker"), "'", `"`); strings.Contains(marker, " in dependency_groups") {
			e.Scope = inventory.ScopeDevelopment
			if strings.Contains(marker, `"default" in dependency_groups`) {
				e.Scope = inventory.ScopeRuntime
			}
		}
		d.add(e)
	}
	for i, p := range packages {
		for _, dependency := range p.table.items("dependencies") {
			d.need(i, dependency.table.string("name"), dependency.table.string("version"))
		}
	}
	d.markPrivate(func(i int) string { return index[i] }, isPublicPyPI)
	return d.finish(f, m)
}
