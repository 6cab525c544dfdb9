package ecosystem

import (
	"cmp"
	"context"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"path"
	"strings"

	"github.com/package-url/packageurl-go"

	"github.com/trifecta-scanner/trifecta/inventory"
)

// NPM is the JavaScript registry with the package managers that write package-lock.json.
var NPM = &Ecosystem{
	Name: "npm",
	Formats: []Format{
		{Name: "package-lock.json", Match: base("package-lock.json"), LockFile: true, Read: readPackageLock},
	},
	PURL: func(name, version string) packageurl.PackageURL {
		namespace, name := splitLast(name, "/")
		return packageurl.PackageURL{Type: packageurl.TypeNPM, Namespace: namespace, Name: name, Version: version}
	},
}

// npmPackage is one entry of a package-lock.json, of "packages" (versions 2 and 3) or "dependencies" (version 1).
// Source: https://docs.npmjs.com/cli/configuring-npm/package-lock-json
type npmPackage struct {
	Name         string          `json:"name"`
	Version      string          `json:"version"`
	Resolved     string          `json:"resolved"`
	Integrity    string          `json:"integrity"`
	Link         bool            `json:"link"`
	Dev          bool            `json:"dev"`
	Optional     bool            `json:"optional"`
	License      json.RawMessage `json:"license"`
	Requires     npmRequires     `json:"requires"`
	Dependencies npmRequires     `json:"dependencies"`
	DevDeps      npmRequires     `json:"devDependencies"`
	OptionalDeps npmRequires     `json:"optionalDependencies"`
	PeerDeps     npmRequires     `json:"peerDependencies"`
	Workspaces   json.RawMessage `json:"workspaces"`
}

// npmRequires maps names to wanted versions. Version 1 writes `"requires": true` at the top and nests whole packages
// in "dependencies"; both are read elsewhere, so that anything but a string is left out here.
type npmRequires map[string]string

func (r *npmRequires) UnmarshalJSON(data []byte) error {
	var loose map[string]any
	if json.Unmarshal(data, &loose) != nil {
		return nil // a boolean or another shape that names no packages
	}
	*r = make(npmRequires, len(loose))
	for name, want := range loose {
		if s, ok := want.(string); ok {
			(*r)[name] = s
		}
	}
	return nil
}

// npmLock collects a package-lock.json by the install path of each package, as node finds packages by folders.
type npmLock struct {
	path   string
	lines  *inventory.Lines
	doc    *Document
	at     map[string]int        // install path -> entry
	meta   map[string]npmPackage // install path -> what the file says, the root under ""
	links  map[string]string     // install path of a link -> the folder it stands for
	order  []string
	lockV1 bool
}

func readPackageLock(_ context.Context, tree *inventory.Tree, name string) (*Document, error) {
	data, err := tree.ReadFile(name)
	if err != nil {
		return nil, err
	}
	lock := &npmLock{
		path: name, lines: inventory.NewLines(data), doc: &Document{},
		at: map[string]int{}, meta: map[string]npmPackage{}, links: map[string]string{},
	}
	err = lock.read(data)
	lock.connect(readPackageJSON(tree, path.Join(path.Dir(name), "package.json")))
	lock.doc.Resolve()
	return lock.doc, err
}

// read fills the entries. "packages" wins where a version 2 file has both shapes.
func (l *npmLock) read(data []byte) error {
	var nested []jsonMember
	var hasPackages bool
	err := jsonObject(data, l.path, l.lines, func(m jsonMember) error {
		switch m.name {
		case "name":
			_ = json.Unmarshal(m.value, &l.doc.Root) // a name of another type is no name
		case "packages":
			hasPackages = true
			return l.packages(m)
		case "dependencies":
			nested = append(nested, m)
		}
		return nil
	})
	if hasPackages {
		return err
	}
	l.lockV1 = true
	for _, m := range nested {
		err = errors.Join(err, l.nested(m, ""))
	}
	return err
}

func (l *npmLock) packages(m jsonMember) error {
	return m.members(func(p jsonMember) error {
		var meta npmPackage
		if err := json.Unmarshal(p.value, &meta); err != nil {
			return l.broken(p, err)
		}
		l.meta[p.name] = meta
		if p.name == "" {
			l.doc.Root = meta.Name
			return nil
		}
		l.doc.Declared++
		if meta.Link {
			l.links[p.name] = meta.Resolved
			return nil
		}
		name := meta.Name
		if i := strings.LastIndex(p.name, "node_modules/"); i >= 0 {
			if name == "" {
				name = p.name[i+len("node_modules/"):]
			}
			l.add(p, p.name, name, meta, npmOrigin(meta))
			return nil
		}
		if name == "" {
			name = path.Base(p.name)
		}
		l.add(p, p.name, name, meta, inventory.OriginWorkspace)
		return nil
	})
}

// nested reads the packages of a version 1 file, which hold each other as folders do.
func (l *npmLock) nested(m jsonMember, below string) error {
	return m.members(func(p jsonMember) error {
		l.doc.Declared++
		var meta npmPackage
		if err := json.Unmarshal(p.value, &meta); err != nil {
			return l.broken(p, err)
		}
		meta.Dependencies = meta.Requires
		at := below + "node_modules/" + p.name
		name := p.name
		if alias, ok := strings.CutPrefix(meta.Version, "npm:"); ok {
			if i := strings.LastIndex(alias, "@"); i > 0 {
				name, meta.Version = alias[:i], alias[i+1:]
			}
		}
		origin := npmOrigin(meta)
		if rest, ok := strings.CutPrefix(meta.Version, "file:"); ok {
			origin, meta.Version = inventory.OriginPath, rest
		}
		l.meta[at] = meta
		l.add(p, at, name, meta, origin)
		return p.members(func(inner jsonMember) error {
			if inner.name == "dependencies" {
				return l.nested(inner, at+"/")
			}
			return nil
		})
	})
}

func (l *npmLock) broken(p jsonMember, err error) error {
	location := p.location()
	l.doc.Notices = append(l.doc.Notices, inventory.Notice{
		Code:     "unreadable-entry",
		Message:  fmt.Sprintf("the entry %q can't be read: %v", p.name, err),
		Location: &location,
	})
	return nil
}

func (l *npmLock) add(p jsonMember, at, name string, meta npmPackage, origin inventory.Origin) {
	entry := Entry{Name: name, Version: meta.Version, Location: p.location(), Origin: origin, Licenses: npmLicenses(meta.License)}
	entry.Scope = inventory.ScopeRuntime
	if meta.Dev {
		entry.Scope = inventory.ScopeDevelopment
	}
	if origin == inventory.OriginGit {
		_, entry.Commit, _ = strings.Cut(cmp.Or(meta.Resolved, meta.Version), "#")
	}
	if h, ok := integrity(meta.Integrity); ok {
		entry.Hashes = []inventory.Hash{h}
	}
	l.at[at] = len(l.doc.Entries)
	l.order = append(l.order, at)
	l.doc.Entries = append(l.doc.Entries, entry)
}

// connect draws the edges between the entries and marks what the project and its workspaces ask for.
func (l *npmLock) connect(manifest *packageJSON) {
	root := l.meta[""]
	if l.lockV1 {
		root = npmPackage{Dependencies: manifest.wants("dependencies"), DevDeps: manifest.wants("devDependencies"), OptionalDeps: manifest.wants("optionalDependencies")}
	}
	if l.doc.Root == "" {
		l.doc.Root = cmp.Or(manifest.Name, path.Base(path.Dir(l.path)))
	}
	seen := map[int]bool{}
	root1 := func(name, from string) {
		if i, ok := l.find(from, name); ok && !seen[i] {
			seen[i] = true
			l.doc.Roots = append(l.doc.Roots, i)
			if from == "" {
				l.doc.Entries[i].Manifest = manifest.location(name)
			}
		}
	}
	for _, names := range []npmRequires{root.Dependencies, root.OptionalDeps, root.DevDeps, root.PeerDeps} {
		for _, name := range sortedKeys(names) {
			root1(name, "")
		}
	}
	for i, at := range l.order {
		meta := l.meta[at]
		lists := []npmRequires{meta.Dependencies, meta.OptionalDeps, meta.PeerDeps}
		if l.doc.Entries[i].Origin == inventory.OriginWorkspace {
			lists = append(lists, meta.DevDeps)
			seen[i] = true
			l.doc.Roots = append(l.doc.Roots, i)
		}
		for _, names := range lists {
			for _, name := range sortedKeys(names) {
				if j, ok := l.find(at, name); ok {
					l.doc.Entries[i].Needs = append(l.doc.Entries[i].Needs, j)
				}
			}
		}
	}
}

// find looks a package up as node does: in the node_modules of the asking folder, then of each folder above.
func (l *npmLock) find(from, name string) (int, bool) {
	for {
		at := path.Join(from, "node_modules", name)
		if target, ok := l.links[at]; ok {
			at = target
		}
		if i, ok := l.at[at]; ok {
			return i, true
		}
		if from == "" {
			return 0, false
		}
		if i := strings.LastIndex(from, "/node_modules/"); i >= 0 {
			from = from[:i]
		} else {
			from = ""
		}
	}
}

// npmOrigin tells registries, repositories, archives and folders apart by the address that the lock file gives. An
// entry without one comes from the registry: npm leaves the address out with omit-lockfile-registry-resolved.
func npmOrigin(meta npmPackage) inventory.Origin {
	address := meta.Resolved
	if address == "" && !startsWithDigit(meta.Version) {
		address = meta.Version
	}
	switch {
	case address == "":
		return inventory.OriginRegistry
	case strings.HasPrefix(address, "git") || strings.HasPrefix(address, "github:"):
		return inventory.OriginGit
	case strings.HasPrefix(address, "file:"):
		return inventory.OriginPath
	case strings.Contains(address, "/-/"): // the registry protocol's path of an archive
		return inventory.OriginRegistry
	case strings.HasPrefix(address, "http:") || strings.HasPrefix(address, "https:"):
		return inventory.OriginURL
	}
	return inventory.OriginRegistry
}

// npmLicenses reads the spellings that package.json has had for licences over the years.
func npmLicenses(raw json.RawMessage) []string {
	var one string
	var object struct{ Type string }
	var many []json.RawMessage
	switch {
	case len(raw) == 0:
		return nil
	case json.Unmarshal(raw, &one) == nil:
		if one == "" {
			return nil
		}
		return []string{one}
	case json.Unmarshal(raw, &many) == nil:
		var all []string
		for _, r := range many {
			all = append(all, npmLicenses(r)...)
		}
		return all
	case json.Unmarshal(raw, &object) == nil && object.Type != "":
		return []string{object.Type}
	}
	return nil
}

// integrity reads the strongest digest of a Subresource Integrity value (https://www.w3.org/TR/SRI/).
func integrity(value string) (inventory.Hash, bool) {
	names := []struct{ prefix, name string }{{"sha512-", "SHA-512"}, {"sha384-", "SHA-384"}, {"sha256-", "SHA-256"}, {"sha1-", "SHA-1"}}
	fields := strings.Fields(value)
	for _, n := range names {
		for _, field := range fields {
			if encoded, ok := strings.CutPrefix(field, n.prefix); ok {
				if sum, err := base64.StdEncoding.DecodeString(encoded); err == nil {
					return inventory.Hash{Algorithm: n.name, Value: hex.EncodeToString(sum)}, true
				}
			}
		}
	}
	return inventory.Hash{}, false
}

// packageJSON is the manifest of a JavaScript project with the place of each package it asks for.
type packageJSON struct {
	Name  string
	lists map[string]map[string]string // dependencies, devDependencies, ... -> name -> wanted version
	where map[string]inventory.Location
}

// readPackageJSON returns an empty manifest where there is none or where it can't be read: the lock file stands alone.
func readPackageJSON(tree *inventory.Tree, name string) *packageJSON {
	m := &packageJSON{lists: map[string]map[string]string{}, where: map[string]inventory.Location{}}
	data, err := tree.ReadFile(name)
	if err != nil {
		return m
	}
	lines := inventory.NewLines(data)
	_ = jsonObject(data, name, lines, func(member jsonMember) error {
		switch member.name {
		case "name":
			_ = json.Unmarshal(member.value, &m.Name)
		case "dependencies", "devDependencies", "optionalDependencies", "peerDependencies":
			list := map[string]string{}
			m.lists[member.name] = list
			return member.members(func(p jsonMember) error {
				var want string
				_ = json.Unmarshal(p.value, &want)
				list[p.name] = want
				if _, ok := m.where[p.name]; !ok {
					m.where[p.name] = p.location()
				}
				return nil
			})
		}
		return nil
	})
	return m
}

func (m *packageJSON) wants(list string) npmRequires           { return m.lists[list] }
func (m *packageJSON) location(name string) inventory.Location { return m.where[name] }
