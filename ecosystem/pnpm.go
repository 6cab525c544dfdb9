package ecosystem

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"path"
	"strconv"
	"strings"

	"gopkg.in/yaml.v3"

	"github.com/trifecta-scanner/trifecta/inventory"
)

// pnpmLock collects a pnpm-lock.yaml of lockfileVersion 5 to 9. A file may hold several documents: since version 10,
// pnpm keeps the packages of its own configuration in a first one.
// Source: https://github.com/pnpm/spec/tree/master/lockfile
type pnpmLock struct {
	tree  *inventory.Tree
	file  *yamlFile
	dir   string
	doc   *Document
	asker npmAsker

	// Of the document that is being read:
	version   float64
	byKey     map[string]int // key of packages, and what may stand for it in a reference -> entry
	importers map[string]int // folder of a member of the workspace -> entry
	missing   int            // references to packages that the document does not list
}

func readPNPMLock(_ context.Context, tree *inventory.Tree, name string) (*Document, error) {
	data, err := tree.ReadFile(name)
	if err != nil {
		return nil, err
	}
	file, err := parseYAML(name, data)
	l := &pnpmLock{tree: tree, file: file, dir: path.Dir(name), doc: &Document{}}
	l.asker.doc = l.doc
	l.doc.Root = projectName(readPackageJSON(tree, path.Join(l.dir, "package.json")).Name, name)
	for _, doc := range file.docs {
		if doc.Kind != yaml.MappingNode {
			err = &Error{Location: inventory.Location{Path: name, Line: doc.Line}, Err: errors.New("want a YAML mapping")}
			continue
		}
		if full := l.read(doc); full != nil {
			break
		}
	}
	l.doc.privateScopes(tree, l.dir)
	l.doc.Resolve()
	return l.doc, err
}

// read reads one document. Notices tell of references that lead nowhere, because a file that was cut off between two
// lines is still YAML.
func (l *pnpmLock) read(doc *yaml.Node) error {
	l.byKey, l.importers, l.missing = map[string]int{}, map[string]int{}, 0
	l.version, _ = strconv.ParseFloat(yamlText(doc, "lockfileVersion"), 64)
	var packages []*yaml.Node // of the entries that follow, in order
	first := len(l.doc.Entries)
	var full error
	yamlPairs(yamlGet(doc, "packages"), func(key, value *yaml.Node) {
		if full == nil {
			full = l.doc.full(l.file.location(key, value))
		}
		if full == nil && l.add(key, value) {
			packages = append(packages, value)
		}
	})
	importers := yamlGet(doc, "importers")
	yamlPairs(importers, func(key, value *yaml.Node) {
		if key.Value != "." {
			l.importer(key, value)
		}
	})
	for i, value := range packages {
		l.needs(first+i, value)
	}
	yamlPairs(yamlGet(doc, "snapshots"), func(key, value *yaml.Node) {
		if i, ok := l.find("", key.Value); ok {
			l.needs(i, value)
		} else {
			l.missing++
		}
	})
	if importers == nil {
		l.asks(".", doc)
	}
	yamlPairs(importers, func(key, value *yaml.Node) { l.asks(key.Value, value) })
	if l.missing > 0 && full == nil {
		l.doc.Notices = append(l.doc.Notices, inventory.Notice{
			Code:     "fewer-packages-than-declared",
			Message:  fmt.Sprintf("%s does not list %d of the packages that it refers to; it may have been cut off", l.file.path, l.missing),
			Location: &inventory.Location{Path: l.file.path, Line: doc.Line},
		})
	}
	return full
}

// add makes an entry of one package and reports whether it is one.
func (l *pnpmLock) add(key, value *yaml.Node) bool {
	l.doc.Declared++
	at := l.file.location(key, value)
	name, reference := pnpmKey(key.Value, l.version)
	resolution := yamlGet(value, "resolution")
	e := Entry{Name: cmp.Or(yamlText(value, "name"), name), Version: yamlText(value, "version"), Location: at}
	if e.Version == "" && startsWithDigit(reference) {
		e.Version = reference
	}
	tarball, directory := yamlText(resolution, "tarball"), yamlText(resolution, "directory")
	switch origin := npmOrigin(reference); {
	case yamlText(resolution, "commit") != "":
		e.Origin, e.Commit = inventory.OriginGit, yamlText(resolution, "commit")
	case directory != "", strings.HasPrefix(tarball, "file:"), origin == inventory.OriginPath:
		e.Origin = inventory.OriginPath
	case origin == inventory.OriginURL:
		e.Origin = origin
	default:
		e.Origin = resolvedOrigin(cmp.Or(tarball, reference))
	}
	if e.Origin == inventory.OriginGit && e.Commit == "" {
		e.Commit = npmCommit(cmp.Or(tarball, reference))
	}
	if h, ok := integrity(yamlText(resolution, "integrity")); ok {
		e.Hashes = []inventory.Hash{h}
	}
	switch yamlText(value, "dev") { // of versions 5 and 6
	case "true":
		e.Scope = inventory.ScopeDevelopment
	case "false":
		e.Scope = inventory.ScopeRuntime
	}
	if e.Name == "" || e.Version == "" && e.Origin == inventory.OriginRegistry {
		l.doc.Notices = append(l.doc.Notices, inventory.Notice{
			Code: "package-without-version", Location: &at,
			Message: fmt.Sprintf("%s gives no name and version for %q, which can't be matched", l.file.path, key.Value),
		})
		if e.Name == "" {
			return false
		}
	}
	i := len(l.doc.Entries)
	l.doc.Entries = append(l.doc.Entries, e)
	l.byKey[key.Value] = i
	if bare := pnpmBare(key.Value); bare != key.Value {
		if _, ok := l.byKey[bare]; !ok {
			l.byKey[bare] = i
		}
	}
	return true
}

// pnpmBare cuts the peers off a key or reference: name@1.0.0(react@18.0.0) of version 6 and later.
func pnpmBare(key string) string {
	bare, _, _ := strings.Cut(key, "(")
	return bare
}

// pnpmKey returns the name and the version or address that a key of packages stands for:
//
//	/name/1.0.0_peers, registry.example/name/1.0.0    version 5
//	/name@1.0.0(peers), registry.example/name@1.0.0   version 6
//	name@1.0.0, name@https://host/name.tgz            version 9
func pnpmKey(key string, version float64) (name, reference string) {
	key = pnpmBare(key)
	if strings.HasPrefix(key, "file:") || strings.HasPrefix(key, "link:") {
		return "", key
	}
	if version >= 9 {
		return yarnIdent(strings.TrimPrefix(key, "/"))
	}
	host, rest, ok := strings.Cut(key, "/")
	if !ok {
		return "", key
	}
	scope := ""
	if strings.HasPrefix(rest, "@") {
		var inScope bool
		if scope, rest, inScope = strings.Cut(rest, "/"); !inScope {
			return "", key
		}
		scope += "/"
	}
	i := strings.IndexAny(rest, "@/")
	if i <= 0 {
		return "", key
	}
	name, reference = scope+rest[:i], rest[i+1:]
	if rest[i] == '/' { // the peers of version 5
		reference, _, _ = strings.Cut(reference, "_")
		reference, _, _ = strings.Cut(reference, "/")
	}
	if !startsWithDigit(reference) && host != "" { // a repository: github.com/owner/name/commit
		return "", key
	}
	return name, reference
}

// find returns the entry that a reference stands for. name is that under which it is asked for.
func (l *pnpmLock) find(name, reference string) (int, bool) {
	for _, reference := range [...]string{reference, pnpmBare(reference)} {
		for _, key := range [...]string{reference, name + "@" + reference, "/" + name + "@" + reference, "/" + name + "/" + reference} {
			if i, ok := l.byKey[key]; ok {
				return i, true
			}
		}
	}
	return 0, false
}

// needs draws the edges from entry i that its package or snapshot states.
func (l *pnpmLock) needs(i int, value *yaml.Node) {
	for _, list := range [...]string{"dependencies", "optionalDependencies"} {
		yamlPairs(yamlGet(value, list), func(name, reference *yaml.Node) {
			j, ok := l.resolve(".", name.Value, yamlScalar(reference))
			if !ok {
				j = l.absent(name, reference, yamlScalar(reference))
			}
			if j >= 0 && j != i {
				l.doc.Entries[i].Needs = append(l.doc.Entries[i].Needs, j)
			}
		})
	}
}

// resolve returns the entry that a reference of the project in dir stands for, -1 where it is a folder that the file
// does not list.
func (l *pnpmLock) resolve(dir, name, reference string) (int, bool) {
	if at, ok := strings.CutPrefix(reference, "link:"); ok {
		if i, ok := l.importers[path.Join(dir, at)]; ok {
			return i, true
		}
		return -1, true
	}
	return l.find(name, reference)
}

// absent makes an entry of a package that the file refers to and does not list, and returns -1 where the reference
// names no version.
func (l *pnpmLock) absent(name, value *yaml.Node, reference string) int {
	l.missing++
	at := l.file.location(name, value)
	version, _, _ := strings.Cut(pnpmBare(reference), "_")
	if !startsWithDigit(version) || l.doc.full(at) != nil {
		return -1
	}
	i := len(l.doc.Entries)
	l.doc.Entries = append(l.doc.Entries, Entry{Name: name.Value, Version: version, Location: at, Origin: inventory.OriginRegistry})
	l.byKey[name.Value+"@"+reference] = i
	return i
}

// importer makes an entry of a member of the workspace.
func (l *pnpmLock) importer(key, value *yaml.Node) {
	manifest := readPackageJSON(l.tree, path.Join(l.dir, key.Value, "package.json"))
	i := len(l.doc.Entries)
	l.doc.Declared++
	l.doc.Entries = append(l.doc.Entries, Entry{
		Name: cmp.Or(manifest.Name, key.Value), Version: manifest.Version,
		Location: l.file.location(key, value), Origin: inventory.OriginWorkspace,
	})
	l.importers[path.Clean(key.Value)] = i
	l.asker.ask(i, "", inventory.ScopeRuntime, inventory.Location{})
}

// asks marks what the project or a member of its workspace asks for.
func (l *pnpmLock) asks(dir string, value *yaml.Node) {
	manifest := readPackageJSON(l.tree, path.Join(l.dir, dir, "package.json"))
	self, isMember := l.importers[path.Clean(dir)]
	member := ""
	if isMember {
		member = l.doc.Entries[self].Name
	}
	for _, list := range [...]string{"dependencies", "optionalDependencies", "devDependencies", "configDependencies", "packageManagerDependencies"} {
		yamlPairs(yamlGet(value, list), func(name, want *yaml.Node) {
			reference := yamlScalar(want)
			if want.Kind == yaml.MappingNode {
				reference = yamlText(want, "version")
			}
			i, ok := l.resolve(dir, name.Value, reference)
			if !ok {
				i = l.absent(name, want, reference)
			}
			if i < 0 || isMember && i == self {
				return
			}
			scope := npmScope(list)
			l.asker.ask(i, member, scope, manifest.Location(name.Value))
			if isMember && scope == inventory.ScopeRuntime {
				l.doc.Entries[self].Needs = append(l.doc.Entries[self].Needs, i)
			}
		})
	}
}
