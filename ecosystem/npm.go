package ecosystem

import (
	"cmp"
	"context"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"net/url"
	"path"
	"regexp"
	"strings"

	"github.com/package-url/packageurl-go"

	"github.com/trifecta-scanner/trifecta/inventory"
)

// NPM is the JavaScript registry with the package managers that draw from it.
var NPM = &Ecosystem{
	Name: "npm",
	Formats: []Format{
		{Name: "package-lock.json", Match: base("package-lock.json"), LockFile: true, Read: readPackageLock},
		{Name: "npm-shrinkwrap.json", Match: base("npm-shrinkwrap.json"), LockFile: true, Read: readPackageLock},
		{Name: "yarn.lock", Match: base("yarn.lock"), LockFile: true, Read: readYarnLock},
		{Name: "pnpm-lock.yaml", Match: base("pnpm-lock.yaml"), LockFile: true, Read: readPNPMLock},
		{Name: "bun.lock", Match: base("bun.lock"), LockFile: true, Read: readBunLock},
		{Name: "bun.lockb", Match: base("bun.lockb"), LockFile: true, Read: readBunLockb},
		{Name: "package.json", Match: isPackageJSON, Read: readUnlockedPackageJSON},
		{Name: "node_modules", Match: isInstalledPackage, LockFile: true, Vendored: true, Installed: true, Read: readInstalledPackage},
	},
	PURL: func(name, version string) packageurl.PackageURL {
		namespace, name := splitLast(name, "/")
		return packageurl.PackageURL{Type: packageurl.TypeNPM, Namespace: namespace, Name: name, Version: version}
	},
}

// npmLock collects a package-lock.json or npm-shrinkwrap.json as the folders that npm would make of it, because node
// finds packages by folders.
// Source: https://docs.npmjs.com/cli/configuring-npm/package-lock-json
type npmLock struct {
	tree    *inventory.Tree
	path    string
	dir     string // of the file
	doc     *Document
	folders map[string]*npmFolder // those that are not in a node_modules, by path; the project itself is ""
	facts   []npmFacts            // for each entry of doc
	project npmFacts              // the entry "" of versions 2 and 3
	members []string              // the patterns of the project's workspaces
}

// npmFolder is one installed package, or a folder of the project.
type npmFolder struct {
	above    *npmFolder // whose node_modules holds this folder
	modules  map[string]*npmFolder
	entry    int    // in doc.Entries; -1 where the file says nothing about it
	linked   bool   // it stands for another folder:
	linkedTo string // path of that folder
}

// npmFacts is what the file says about one package beyond its Entry.
type npmFacts struct {
	folder *npmFolder
	path   string // of a folder of the project
	needs  []npmWant
	dev    []npmWant // devDependencies
}

// npmWant is one name with the version, range or address that is asked for.
type npmWant struct{ name, spec string }

// npmDepth bounds how many node_modules inside each other are understood; file systems allow fewer.
const npmDepth = 256

func readPackageLock(_ context.Context, tree *inventory.Tree, name string) (*Document, error) {
	dir := path.Dir(name)
	if path.Base(name) == "package-lock.json" && tree.Has(path.Join(dir, "npm-shrinkwrap.json")) {
		return &Document{}, nil // npm reads the shrinkwrap file alone
	}
	data, err := tree.ReadFile(name)
	if err != nil {
		return nil, err
	}
	lock, err := parsePackageLock(name, data)
	lock.tree, lock.dir = tree, dir
	lock.connect(err == nil && len(lock.doc.Entries) < maxEntries)
	lock.doc.privateScopes(tree, dir)
	lock.doc.Resolve()
	lock.versions()
	return lock.doc, err
}

func newNPMLock(name string) *npmLock {
	l := &npmLock{path: name, doc: &Document{}, folders: map[string]*npmFolder{}}
	l.folders[""] = &npmFolder{entry: -1}
	return l
}

// parsePackageLock reads the entries. "packages" (versions 2 and 3) wins where a file has "dependencies" (version 1)
// too. What was read before an error is returned with it.
func parsePackageLock(name string, data []byte) (*npmLock, error) {
	r := newJSONReader(name, data)
	flat, nested := newNPMLock(name), newNPMLock(name)
	var root string
	var hasPackages bool
	err := r.document(func(key string, _ int) error {
		switch key {
		case "name":
			return r.readString(&root)
		case "packages":
			hasPackages = true
			return flat.readPackages(r)
		case "dependencies":
			if hasPackages {
				return nil
			}
			return nested.readNested(r, nested.folders[""], 1)
		}
		return nil
	})
	lock := nested
	if hasPackages {
		lock = flat
	}
	lock.doc.Root = cmp.Or(root, lock.doc.Root)
	return lock, unlessFull(err)
}

// npmEntry is one package of a lock file as it is written.
type npmEntry struct {
	name, version, resolved, integrity string
	link, dev                          bool
	licenses                           []string
	needs, devNeeds                    []npmWant
	workspaces                         []string
}

// read reads the members of an entry that both shapes of the file share.
func (e *npmEntry) read(r *jsonReader, key string) error {
	switch key {
	case "name":
		return r.readString(&e.name)
	case "version":
		return r.readString(&e.version)
	case "resolved":
		return r.readString(&e.resolved)
	case "integrity":
		return r.readString(&e.integrity)
	case "link":
		return r.readTrue(&e.link)
	case "dev":
		return r.readTrue(&e.dev)
	case "license", "licenses":
		return readNPMLicenses(r, &e.licenses, 0)
	}
	return nil
}

// readPackages reads "packages": one flat list, each under the path of its folder.
func (l *npmLock) readPackages(r *jsonReader) error {
	return r.object(func(at string, start int) error {
		if err := l.doc.full(r.location(start)); err != nil {
			return err
		}
		var e npmEntry
		err := r.object(func(key string, _ int) error {
			switch key {
			case "dependencies", "optionalDependencies", "peerDependencies":
				return readNPMWants(r, &e.needs)
			case "devDependencies":
				return readNPMWants(r, &e.devNeeds)
			case "workspaces":
				return readNPMWorkspaces(r, &e.workspaces)
			}
			return e.read(r, key)
		})
		if at == "" {
			l.doc.Root, l.members = e.name, e.workspaces
			l.project = npmFacts{folder: l.folders[""], needs: e.needs, dev: e.devNeeds}
			return err
		}
		l.addFlat(r, at, start, e)
		return err
	})
}

func (l *npmLock) addFlat(r *jsonReader, at string, start int, e npmEntry) {
	segments := strings.Split("/"+at, "/node_modules/")
	if len(segments) > npmDepth {
		l.doc.Declared++
		l.tooDeep(r.location(start))
		return
	}
	dir := strings.TrimPrefix(segments[0], "/")
	folder := l.folder(dir)
	for _, name := range segments[1:] {
		folder = folder.module(name)
	}
	if e.link {
		folder.linked, folder.linkedTo = true, path.Clean(e.resolved)
		return
	}
	l.doc.Declared++
	facts := npmFacts{folder: folder, needs: e.needs, dev: e.devNeeds}
	origin := resolvedOrigin(e.resolved)
	name := cmp.Or(e.name, segments[len(segments)-1])
	if len(segments) == 1 {
		facts.path = dir
		origin = inventory.OriginPath
		if matchesWorkspace(l.members, dir) {
			origin = inventory.OriginWorkspace
		}
		name = cmp.Or(e.name, folderPackage(dir))
	}
	folder.entry = l.add(r.location(start), name, origin, e, facts)
}

// folderPackage returns the name that npm takes a package to have from its folder.
func folderPackage(dir string) string {
	scope, name := path.Base(path.Dir(dir)), path.Base(dir)
	if strings.HasPrefix(scope, "@") {
		return scope + "/" + name
	}
	return name
}

// readNested reads "dependencies" of a version 1 file, in which packages hold each other as folders do.
func (l *npmLock) readNested(r *jsonReader, in *npmFolder, depth int) error {
	return r.object(func(key string, start int) error {
		if err := l.doc.full(r.location(start)); err != nil {
			return err
		}
		l.doc.Declared++
		if depth > npmDepth {
			if err := r.skip(); err != nil {
				return err
			}
			l.tooDeep(r.location(start))
			return nil
		}
		folder := in.module(key)
		at := l.add(inventory.Location{}, key, "", npmEntry{}, npmFacts{folder: folder})
		folder.entry = at
		var e npmEntry
		err := r.object(func(key string, _ int) error {
			switch key {
			case "requires":
				return readNPMWants(r, &e.needs)
			case "dependencies":
				return l.readNested(r, folder, depth+1)
			}
			return e.read(r, key)
		})
		name, origin := key, resolvedOrigin(e.resolved)
		switch wanted := npmOrigin(e.version); {
		case wanted != inventory.OriginRegistry: // the file says where the package is, not which version it has
			origin = wanted
			e.resolved, e.version = cmp.Or(e.version, e.resolved), ""
		case strings.HasPrefix(e.version, "npm:"):
			name, e.version = npmAlias(e.version, key)
		}
		l.doc.Entries[at] = l.entry(r.location(start), name, origin, e)
		l.facts[at].needs = e.needs
		return err
	})
}

func (l *npmLock) tooDeep(at inventory.Location) {
	l.doc.Notices = append(l.doc.Notices, inventory.Notice{
		Code: "entry-too-deep", Location: &at,
		Message: fmt.Sprintf("%s nests packages more than %d deep; those further down were not read", l.path, npmDepth),
	})
}

func (l *npmLock) entry(at inventory.Location, name string, origin inventory.Origin, e npmEntry) Entry {
	entry := Entry{Name: name, Version: e.version, Location: at, Origin: origin, Licenses: e.licenses, Scope: inventory.ScopeRuntime}
	if e.dev {
		entry.Scope = inventory.ScopeDevelopment
	}
	if origin == inventory.OriginGit {
		entry.Commit = npmCommit(e.resolved)
	}
	if h, ok := integrity(e.integrity); ok {
		entry.Hashes = []inventory.Hash{h}
	}
	return entry
}

func (l *npmLock) add(at inventory.Location, name string, origin inventory.Origin, e npmEntry, facts npmFacts) int {
	l.doc.Entries = append(l.doc.Entries, l.entry(at, name, origin, e))
	l.facts = append(l.facts, facts)
	return len(l.doc.Entries) - 1
}

// versions says which packages of a registry the file gives no version for: nothing can be said about them.
func (l *npmLock) versions() {
	for _, e := range l.doc.Entries {
		if e.Version == "" && e.Origin == inventory.OriginRegistry {
			l.doc.Notices = append(l.doc.Notices, inventory.Notice{
				Code: "package-without-version", Location: &e.Location,
				Message: fmt.Sprintf("%s gives no version for %s, which can't be matched", l.path, e.Name),
			})
		}
	}
}

// folder returns the folder of the project at a path, made where it is new.
func (l *npmLock) folder(dir string) *npmFolder {
	f, ok := l.folders[dir]
	if !ok {
		f = &npmFolder{entry: -1}
		l.folders[dir] = f
	}
	return f
}

// module returns the folder of a package in the node_modules of f, made where it is new.
func (f *npmFolder) module(name string) *npmFolder {
	m, ok := f.modules[name]
	if !ok {
		if f.modules == nil {
			f.modules = map[string]*npmFolder{}
		}
		m = &npmFolder{above: f, entry: -1}
		f.modules[name] = m
	}
	return m
}

// find looks a package up as node does: in the node_modules of the asking folder, then of each folder above.
func (l *npmLock) find(from *npmFolder, name string) (int, bool) {
	for range npmDepth {
		if from == nil {
			break
		}
		if m, ok := from.modules[name]; ok {
			if m.linked {
				m = l.folders[m.linkedTo]
			}
			if m != nil && m.entry >= 0 {
				return m.entry, true
			}
		}
		from = from.above
	}
	return 0, false
}

// connect draws the edges between the entries and marks what the project and its workspaces ask for. whole says that
// the file was read to its end.
func (l *npmLock) connect(whole bool) {
	for dir, f := range l.folders { // a folder of the project sees the node_modules of the folders around it
		up := dir
		for range npmDepth {
			if up == "" || strings.HasPrefix(up, "..") || f.above != nil {
				break
			}
			up, _ = splitLast(up, "/")
			f.above = l.folders[up]
		}
	}
	manifest := readPackageJSON(l.tree, path.Join(l.dir, "package.json"))
	l.doc.Root = projectName(cmp.Or(l.doc.Root, manifest.Name), l.path)
	for i := range l.facts {
		facts := &l.facts[i]
		l.need(i, facts.folder, facts.needs)
		if l.doc.Entries[i].Origin.Own() {
			l.need(i, facts.folder, facts.dev)
		}
	}
	seen := map[int]bool{}
	root := func(i int) {
		if !seen[i] {
			seen[i] = true
			l.doc.Roots = append(l.doc.Roots, i)
		}
	}
	asked := append(l.project.needs, l.project.dev...)
	if l.project.folder == nil { // version 1 does not repeat the manifest
		for _, want := range manifest.Wants {
			asked = append(asked, npmWant{want.Name, want.Spec})
		}
	}
	for _, want := range asked {
		if i, ok := l.find(l.folders[""], want.name); ok {
			root(i)
			l.asks(i, want, manifest)
		}
	}
	for i, facts := range l.facts {
		if l.doc.Entries[i].Origin == inventory.OriginWorkspace {
			root(i)
			l.ofMember(facts)
		}
	}
	if whole && l.project.folder == nil && len(manifest.Wants) == 0 {
		l.unneeded(root)
	}
}

// need draws the edges from entry i.
func (l *npmLock) need(i int, folder *npmFolder, wants []npmWant) {
	for _, want := range wants {
		if j, ok := l.find(folder, want.name); ok && j != i {
			l.doc.Entries[i].Needs = append(l.doc.Entries[i].Needs, j)
			l.byAddress(j, want)
		}
	}
}

// asks notes that a manifest asks for entry i.
func (l *npmLock) asks(i int, want npmWant, manifest *packageJSON) {
	e := &l.doc.Entries[i]
	e.Direct = true
	if e.Manifest.IsZero() {
		e.Manifest = manifest.Location(want.name)
	}
	l.byAddress(i, want)
}

// byAddress notes that a package is asked for by the address of an archive.
func (l *npmLock) byAddress(i int, want npmWant) {
	if e := &l.doc.Entries[i]; e.Origin == inventory.OriginRegistry && npmOrigin(want.spec) == inventory.OriginURL {
		e.Origin = inventory.OriginURL
	}
}

// ofMember marks what a member of the workspace asks for in its own manifest.
func (l *npmLock) ofMember(member npmFacts) {
	manifest := readPackageJSON(l.tree, path.Join(l.dir, member.path, "package.json"))
	for _, wants := range [][]npmWant{member.needs, member.dev} {
		for _, want := range wants {
			if i, ok := l.find(member.folder, want.name); ok {
				l.asks(i, want, manifest)
			}
		}
	}
}

// unneeded takes what no package needs to be what the project asks for, where there is no manifest to say so: npm
// leaves nothing in a lock file that nobody asks for.
func (l *npmLock) unneeded(root func(int)) {
	needed := make([]bool, len(l.doc.Entries))
	for _, e := range l.doc.Entries {
		for _, i := range e.Needs {
			needed[i] = true
		}
	}
	for i, n := range needed {
		if !n && l.facts[i].folder.above == l.folders[""] {
			root(i)
		}
	}
}

// maxWants bounds what one package is read to need; each is looked up in all folders above.
const maxWants = 10_000

// readNPMWants reads an object of names and wanted versions. Version 1 also writes `"requires": true`, which names
// nothing.
func readNPMWants(r *jsonReader, to *[]npmWant) error {
	return r.object(func(name string, _ int) error {
		spec, err := r.str()
		if len(*to) < maxWants {
			*to = append(*to, npmWant{name, spec})
		}
		return err
	})
}

// maxWorkspaces bounds the patterns of one workspace; each is tried on each folder.
const maxWorkspaces = 1_000

// readNPMWorkspaces reads both spellings of "workspaces": a list, or an object with the list in "packages".
func readNPMWorkspaces(r *jsonReader, to *[]string) error {
	list := func() error {
		return r.array(func(int) error {
			pattern, err := r.str()
			if pattern != "" && len(*to) < maxWorkspaces {
				*to = append(*to, pattern)
			}
			return err
		})
	}
	if r.dec.PeekKind() == '[' {
		return list()
	}
	return r.object(func(key string, _ int) error {
		if key == "packages" {
			return list()
		}
		return nil
	})
}

// readNPMLicenses reads the spellings that package.json has had for licences over the years: an SPDX expression, an
// object with a type, a list of either.
func readNPMLicenses(r *jsonReader, to *[]string, depth int) error {
	switch kind := r.dec.PeekKind(); {
	case kind == '"':
		license, err := r.str()
		if license != "" {
			*to = append(*to, license)
		}
		return err
	case kind == '{':
		return r.object(func(key string, _ int) error {
			if key == "type" || key == "name" {
				return readNPMLicenses(r, to, depth+1)
			}
			return nil
		})
	case kind == '[' && depth == 0:
		return r.array(func(int) error { return readNPMLicenses(r, to, depth+1) })
	}
	return r.skip()
}

// npmAlias splits an alias such as npm:@scope/name@1.2.3 into the real name and the version or range.
func npmAlias(spec, alias string) (name, version string) {
	target := strings.TrimPrefix(spec, "npm:")
	if i := strings.LastIndex(target, "@"); i > 0 {
		return target[:i], target[i+1:]
	}
	if strings.HasPrefix(target, "@") || !startsWithDigit(target) {
		return cmp.Or(target, alias), ""
	}
	return alias, target
}

// npmShorthand is owner/repository, which stands for a repository at GitHub.
var npmShorthand = regexp.MustCompile(`^[\w-]+/[\w.-]+(#.*)?$`)

// npmOrigin tells registries, repositories, archives and folders apart by an address or a wanted version. None at all
// means the registry: npm leaves the address out with omit-lockfile-registry-resolved.
// Source: https://docs.npmjs.com/cli/configuring-npm/package-json#dependencies
func npmOrigin(address string) inventory.Origin {
	if strings.HasPrefix(address, "./") || strings.HasPrefix(address, "../") || strings.HasPrefix(address, "/") || strings.HasPrefix(address, "~/") {
		return inventory.OriginPath
	}
	scheme, rest, _ := strings.Cut(address, ":")
	switch scheme {
	case "file", "link", "portal":
		return inventory.OriginPath
	case "workspace":
		return inventory.OriginWorkspace
	case "git", "github", "gitlab", "bitbucket", "gist", "ssh":
		return inventory.OriginGit
	case "http", "https":
		repository, _, _ := strings.Cut(rest, "#")
		switch {
		case strings.Contains(rest, "/-/") && !strings.Contains(rest, "/-/archive/"): // the registry protocol's path of an archive
			return inventory.OriginRegistry
		case strings.HasSuffix(repository, ".git") || gitArchive.MatchString(rest):
			return inventory.OriginGit
		}
		return inventory.OriginURL
	}
	switch {
	case strings.HasPrefix(scheme, "git+"), strings.HasPrefix(scheme, "git@"):
		return inventory.OriginGit
	case strings.Contains(scheme, "/") && npmShorthand.MatchString(address):
		return inventory.OriginGit
	}
	return inventory.OriginRegistry
}

// resolvedOrigin is npmOrigin for the place that a package was taken from. An archive at some address says nothing:
// registries keep their archives under paths of their own choosing.
func resolvedOrigin(address string) inventory.Origin {
	if origin := npmOrigin(address); origin != inventory.OriginURL {
		return origin
	}
	return inventory.OriginRegistry
}

// gitArchive is the address of an archive of one commit at the large hosts of repositories.
var gitArchive = regexp.MustCompile(`/(?:(?:legacy\.)?tar\.gz|tarball|zipball|archive|get)/([0-9a-f]{40})(?:\.tar\.gz|\.tgz|\.zip)?$|/-/archive/([0-9a-f]{40})/`)

// npmCommit returns the commit that an address of a repository names, or "".
func npmCommit(address string) string {
	if m := gitArchive.FindStringSubmatch(address); m != nil {
		return cmp.Or(m[1], m[2])
	}
	_, fragment, _ := strings.Cut(address, "#")
	if values, err := url.ParseQuery(fragment); err == nil && values.Get("commit") != "" { // as yarn writes it
		fragment = values.Get("commit")
	}
	if strings.HasPrefix(fragment, "semver:") {
		return ""
	}
	return fragment
}

// integrity reads the strongest digest of a Subresource Integrity value (https://www.w3.org/TR/SRI/).
func integrity(value string) (inventory.Hash, bool) {
	names := [...]struct {
		prefix, name string
		size         int
	}{{"sha512-", "SHA-512", 64}, {"sha384-", "SHA-384", 48}, {"sha256-", "SHA-256", 32}, {"sha1-", "SHA-1", 20}}
	for _, n := range names {
		for field := range strings.FieldsSeq(value) {
			encoded, ok := strings.CutPrefix(field, n.prefix)
			if !ok {
				continue
			}
			encoded, _, _ = strings.Cut(encoded, "?") // options
			if sum, err := base64.StdEncoding.DecodeString(encoded); err == nil && len(sum) == n.size {
				return inventory.Hash{Algorithm: n.name, Value: hex.EncodeToString(sum)}, true
			}
		}
	}
	return inventory.Hash{}, false
}
