package ecosystem

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"path"
	"regexp"
	"strings"

	"github.com/package-url/packageurl-go"

	"github.com/trifecta-scanner/trifecta/inventory"
)

// Packagist is the PHP registry with Composer.
var Packagist = &Ecosystem{
	Name: "Packagist",
	Formats: []Format{
		{Name: "composer.lock", Match: base("composer.lock"), LockFile: true, Read: readComposerLock},
		{Name: "installed.json", Match: isComposerInstalled, LockFile: true, Vendored: true, Installed: true, Read: readComposerInstalled},
		{Name: "composer.json", Match: base("composer.json"), Read: readUnlockedComposerJSON},
	},
	PURL: func(name, version string) packageurl.PackageURL {
		namespace, name := splitLast(strings.ToLower(name), "/")
		return packageurl.PackageURL{Type: packageurl.TypeComposer, Namespace: namespace, Name: name, Version: version}
	},
	Key: strings.ToLower,
}

// composerPackage is one package of a composer.lock (https://getcomposer.org/schema.json describes the same members).
type composerPackage struct {
	Name            string           `json:"name"`
	Version         string           `json:"version"`
	Source          composerArchive  `json:"source"`
	Dist            composerArchive  `json:"dist"`
	Require         composerRequires `json:"require"`
	Replace         composerRequires `json:"replace"`
	Provide         composerRequires `json:"provide"`
	License         composerLicenses `json:"license"`
	NotificationURL string           `json:"notification-url"`
}

type composerArchive struct {
	Type      string `json:"type"`
	Reference string `json:"reference"`
	Shasum    string `json:"shasum"`
}

// composerRequires maps names to wanted versions. PHP writes an empty object as an empty array.
type composerRequires map[string]string

func (r *composerRequires) UnmarshalJSON(data []byte) error {
	var m map[string]string
	if json.Unmarshal(data, &m) == nil {
		*r = m
	}
	return nil
}

// composerLicenses are SPDX expressions, in old files one without an array.
type composerLicenses []string

func (l *composerLicenses) UnmarshalJSON(data []byte) error {
	var one string
	if json.Unmarshal(data, &one) == nil {
		*l = composerLicenses{one}
		return nil
	}
	var many []string
	if json.Unmarshal(data, &many) == nil {
		*l = many
	}
	return nil
}

var errNoName = errors.New("it has no name")

// composerLock collects a composer.lock.
type composerLock struct {
	doc    *Document
	byName map[string]int // also by what a package replaces or provides
	meta   []composerPackage
}

func readComposerLock(_ context.Context, tree *inventory.Tree, name string) (*Document, error) {
	data, err := tree.ReadFile(name)
	if err != nil {
		return nil, err
	}
	l := &composerLock{doc: &Document{}, byName: map[string]int{}}
	r := newJSONReader(name, data)
	err = r.document(func(member string, _ int) error {
		switch member {
		case "packages":
			return l.packages(r, inventory.ScopeRuntime)
		case "packages-dev":
			return l.packages(r, inventory.ScopeDevelopment)
		}
		return nil
	})
	l.connect(readComposerJSON(tree, path.Join(path.Dir(name), "composer.json")), name)
	l.doc.Resolve()
	return l.doc, unlessFull(err)
}

func (l *composerLock) packages(r *jsonReader, scope inventory.Scope) error {
	return r.array(func(start int) error {
		l.doc.Declared++
		raw, at, err := r.raw()
		if err != nil {
			return err
		}
		location := r.location(start)
		if err := l.doc.full(location); err != nil {
			return err
		}
		var p composerPackage
		if err := json.Unmarshal(raw, &p); err != nil || p.Name == "" {
			l.doc.Notices = append(l.doc.Notices, inventory.Notice{
				Code: "unreadable-entry", Message: fmt.Sprintf("an entry of %s can't be read: %v", location.Path, cmp.Or(err, errNoName)), Location: &location,
			})
			return nil
		}
		e := Entry{Name: p.Name, Version: p.Version, Location: composerPlace(r, raw, at, location), Scope: scope, Licenses: p.License}
		e.Origin, e.Commit = p.origin()
		if isHex(p.Dist.Shasum, 40) {
			e.Hashes = []inventory.Hash{{Algorithm: "SHA-1", Value: strings.ToLower(p.Dist.Shasum)}}
		}
		l.byName[strings.ToLower(p.Name)] = len(l.doc.Entries)
		l.doc.Entries = append(l.doc.Entries, e)
		l.meta = append(l.meta, p)
		return nil
	})
}

// composerPlace returns the place of the name and version, which stand at the begin of a long entry.
func composerPlace(r *jsonReader, raw []byte, at int, whole inventory.Location) inventory.Location {
	start, end := -1, -1
	inner := &jsonReader{base: at, path: r.path, lines: r.lines}
	inner.reset(raw)
	_ = inner.object(inner.member(func(m jsonMember) error { // raw was read before
		switch m.name {
		case "name":
			start = m.start
			end = max(end, m.end)
		case "version":
			end = max(end, m.end)
		}
		return nil
	}))
	if start < 0 {
		return whole
	}
	return r.lines.Location(r.path, start, end)
}

// origin tells packages of a registry, which names the place where it counts downloads, from those of a repository.
func (p composerPackage) origin() (inventory.Origin, string) {
	commit := p.Source.Reference
	if !isHex(commit, 40) {
		commit = ""
	}
	switch {
	case p.Dist.Type == "path":
		return inventory.OriginPath, ""
	case strings.HasPrefix(p.Version, "dev-") || strings.HasSuffix(p.Version, "-dev"):
		return inventory.OriginGit, commit
	case p.NotificationURL == "" && p.Source.Type == "git":
		return inventory.OriginGit, commit
	case p.NotificationURL == "" && p.Source.Type == "" && p.Dist.Type != "":
		return inventory.OriginURL, ""
	}
	return inventory.OriginRegistry, ""
}

func (l *composerLock) connect(manifest *composerJSON, name string) {
	for i, p := range l.meta {
		for _, also := range []composerRequires{p.Replace, p.Provide} {
			for other := range also {
				if key := strings.ToLower(other); key != "" {
					if _, ok := l.byName[key]; !ok {
						l.byName[key] = i
					}
				}
			}
		}
	}
	edges := edges{doc: l.doc}
	for i, p := range l.meta {
		for _, need := range sortedKeys(p.Require) {
			if j, ok := l.byName[strings.ToLower(need)]; ok {
				edges.add(i, j)
			}
		}
	}
	l.doc.Root = projectName(manifest.name, name)
	isRoot := make([]bool, len(l.doc.Entries))
	for _, asked := range manifest.asked {
		i, ok := l.byName[strings.ToLower(asked.name)]
		if !ok {
			continue
		}
		e := &l.doc.Entries[i]
		if e.Manifest.IsZero() {
			e.Manifest = asked.where
		}
		if e.Scope == "" { // installed.json may not say
			e.Scope = inventory.ScopeRuntime
			if asked.dev {
				e.Scope = inventory.ScopeDevelopment
			}
		}
		if !isRoot[i] {
			isRoot[i] = true
			l.doc.Roots = append(l.doc.Roots, i)
		}
	}
}

// composerJSON is what a manifest asks for, first what ships.
type composerJSON struct {
	name  string
	asked []composerAsk
}

type composerAsk struct {
	name, want string
	dev        bool
	where      inventory.Location
}

// readComposerJSON returns an empty manifest where there is none; a broken one leaves the lock file alone.
func readComposerJSON(tree *inventory.Tree, name string) *composerJSON {
	data, err := tree.ReadFile(name)
	if err != nil {
		return &composerJSON{}
	}
	m, _ := parseComposerJSON(data, name)
	return m
}

func parseComposerJSON(data []byte, name string) (*composerJSON, error) {
	m := &composerJSON{}
	var dev []composerAsk
	r := newJSONReader(name, data)
	err := r.document(func(member string, _ int) error {
		switch member {
		case "name":
			return r.readString(&m.name)
		case "require", "require-dev":
			return r.object(r.member(func(p jsonMember) error {
				var want string
				if json.Unmarshal(p.value, &want) != nil {
					return nil //nolint:nilerr // a wish of another type asks for nothing
				}
				if member == "require" {
					m.asked = append(m.asked, composerAsk{p.name, want, false, p.location()})
				} else {
					dev = append(dev, composerAsk{p.name, want, true, p.location()})
				}
				return nil
			}))
		}
		return nil
	})
	m.asked = append(m.asked, dev...)
	return m, err
}

// composerExact matches one version (https://getcomposer.org/doc/articles/versions.md#exact-version-constraint).
var composerExact = regexp.MustCompile(`^\s*=?=?\s*(v?\d+(?:\.\d+){1,3}(?:[-.]?(?:alpha|beta|b|a|RC|rc|patch|pl|p)[.-]?\d*)?)(?:@\w+)?\s*$`)

// readUnlockedComposerJSON lists what a composer.json asks for where it has no lock file.
func readUnlockedComposerJSON(_ context.Context, tree *inventory.Tree, name string) (*Document, error) {
	if hasAny(tree, path.Dir(name), "composer.lock", "vendor/composer/installed.json") {
		return &Document{}, nil
	}
	data, err := tree.ReadFile(name)
	if err != nil {
		return nil, err
	}
	m, err := parseComposerJSON(data, name)
	var wishes []wish
	for _, a := range m.asked {
		if !strings.Contains(a.name, "/") { // php itself and its extensions
			continue
		}
		w := wish{Entry: Entry{Name: a.name, Location: a.where, Scope: inventory.ScopeRuntime}, spec: a.want}
		if a.dev {
			w.Scope = inventory.ScopeDevelopment
		}
		if exact := composerExact.FindStringSubmatch(a.want); exact != nil {
			w.Version = exact[1]
		}
		wishes = append(wishes, w)
	}
	return unlocked(projectName(m.name, name), name, wishes), err
}

func isComposerInstalled(p string) bool {
	return p == "vendor/composer/installed.json" || strings.HasSuffix(p, "/vendor/composer/installed.json")
}

// readComposerInstalled reads what Composer writes into a folder vendor. It speaks for a project that commits the
// folder and has no lock file.
func readComposerInstalled(_ context.Context, tree *inventory.Tree, name string) (*Document, error) {
	project := path.Dir(path.Dir(path.Dir(name)))
	if !tree.System() && hasAny(tree, project, "composer.lock") {
		return &Document{}, nil
	}
	data, err := tree.ReadFile(name)
	if err != nil {
		return nil, err
	}
	l := &composerLock{doc: &Document{}, byName: map[string]int{}}
	r := newJSONReader(name, data)
	dev := map[string]bool{}
	if r.dec.PeekKind() == '[' { // Composer 1
		err = l.packages(r, "")
	} else {
		err = r.document(func(member string, _ int) error {
			switch member {
			case "packages":
				return l.packages(r, "")
			case "dev-package-names":
				return r.array(func(int) error {
					name, err := r.str()
					dev[strings.ToLower(name)] = true
					return err
				})
			}
			return nil
		})
	}
	for i := range l.doc.Entries {
		if e := &l.doc.Entries[i]; dev[strings.ToLower(e.Name)] {
			e.Scope = inventory.ScopeDevelopment
		} else if len(dev) > 0 {
			e.Scope = inventory.ScopeRuntime
		}
	}
	l.connect(readComposerJSON(tree, path.Join(project, "composer.json")), path.Join(project, "composer.json"))
	if len(dev) == 0 {
		l.doc.scopes()
	}
	l.doc.Resolve()
	return l.doc, unlessFull(err)
}
