package ecosystem

import (
	"bytes"
	"context"
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/package-url/packageurl-go"

	"github.com/trifecta-scanner/trifecta/inventory"
)

// Conan is the registry of C and C++ packages.
var Conan = &Ecosystem{
	Name: "ConanCenter",
	Formats: []Format{
		{Name: "conan.lock", Match: base("conan.lock"), LockFile: true, Read: readConanLock},
		{Name: "conanfile.txt", Match: base("conanfile.txt"), Read: readConanfile},
	},
	PURL: func(name, version string) packageurl.PackageURL {
		return packageurl.PackageURL{Type: packageurl.TypeConan, Name: name, Version: version}
	},
}

// conanReference splits NAME/VERSION[@USER[/CHANNEL]][#REVISION][:PACKAGE[#REVISION]][%TIME]. Recipes of ConanCenter
// have no user; those with one come from a server of somebody's own. A recipe that only uses packages has no name.
// Source: https://docs.conan.io/2/reference/conanfile/attributes.html
func conanReference(text string) (name, version string, origin inventory.Origin) {
	text, _, _ = strings.Cut(text, "%")
	text, _, _ = strings.Cut(text, "#")
	text, user, _ := strings.Cut(text, "@")
	if i := strings.Index(text, ":"); i >= 0 {
		text = text[:i]
	}
	user, _, _ = strings.Cut(user, ":")
	name, version, ok := strings.Cut(text, "/")
	if !ok {
		return "", text, inventory.OriginRegistry
	}
	origin = inventory.OriginRegistry
	if user, _, _ := strings.Cut(user, "/"); user != "" && user != "_" {
		origin = inventory.OriginPrivate
	}
	return name, version, origin
}

// conanNode is one node of the graph that Conan 1 writes.
type conanNode struct {
	entry    int  // -1 for one without a name
	consumer bool // the project itself
	isBuild  bool
	needs    []string
	builds   []string
}

// conanLock collects a conan.lock of Conan 1 (a graph) or Conan 2 (lists).
type conanLock struct {
	*jsonReader
	doc    *Document
	nodes  map[string]*conanNode
	order  []string
	isRoot map[int]bool
}

// readConanLock reads conan.lock.
// Source: https://docs.conan.io/1/versioning/lockfiles.html, https://docs.conan.io/2/tutorial/versioning/lockfiles.html
func readConanLock(_ context.Context, tree *inventory.Tree, name string) (*Document, error) {
	data, err := tree.ReadFile(name)
	if err != nil {
		return nil, err
	}
	l := &conanLock{jsonReader: newJSONReader(name, data), doc: &Document{Root: projectName("", name)}, nodes: map[string]*conanNode{}, isRoot: map[int]bool{}}
	manifest := readConanManifest(tree, path.Dir(name))
	err = l.document(func(member string, _ int) error {
		switch member {
		case "graph_lock":
			return l.object(func(member string, _ int) error {
				if member != "nodes" {
					return nil
				}
				return l.object(l.node)
			})
		case "requires":
			return l.list(inventory.ScopeRuntime, manifest)
		case "build_requires", "python_requires":
			return l.list(inventory.ScopeDevelopment, manifest)
		}
		return nil
	})
	l.connect(manifest)
	l.doc.Resolve()
	return l.doc, unlessFull(err)
}

// list reads the references of one kind; which of them needs which the file does not say.
func (l *conanLock) list(scope inventory.Scope, manifest map[string]inventory.Location) error {
	return l.array(func(start int) error {
		text, err := l.str()
		if err == nil {
			err = l.doc.full(l.location(start))
		}
		if err != nil {
			return err
		}
		if i := l.add(text, start, scope); i >= 0 {
			if place, ok := manifest[l.doc.Entries[i].Name]; ok {
				l.doc.Entries[i].Manifest = place
				l.doc.Roots = append(l.doc.Roots, i)
			}
		}
		return nil
	})
}

func (l *conanLock) add(text string, start int, scope inventory.Scope) int {
	name, version, origin := conanReference(text)
	if name == "" {
		return -1
	}
	l.doc.Entries = append(l.doc.Entries, Entry{Name: name, Version: version, Location: l.location(start), Scope: scope, Origin: origin})
	return len(l.doc.Entries) - 1
}

func (l *conanLock) node(key string, start int) error {
	var reference, old, consumer, side string
	node := &conanNode{entry: -1}
	keys := func(to *[]string) error {
		return l.array(func(int) error {
			key, err := l.str()
			*to = append(*to, key)
			return err
		})
	}
	err := l.object(func(field string, _ int) error {
		switch field {
		case "ref":
			return l.readString(&reference)
		case "pref": // lock files before 0.4
			return l.readString(&old)
		case "path":
			return l.readString(&consumer)
		case "context":
			return l.readString(&side)
		case "requires":
			return keys(&node.needs)
		case "build_requires":
			return keys(&node.builds)
		}
		return nil
	})
	if err == nil {
		err = l.doc.full(l.location(start))
	}
	if err != nil {
		return err
	}
	if reference == "" {
		reference = old
	}
	node.consumer = consumer != ""
	if node.entry = l.add(reference, start, ""); node.consumer && node.entry >= 0 {
		project := &l.doc.Entries[node.entry]
		project.Origin, project.Scope, project.Chain = inventory.OriginWorkspace, inventory.ScopeRuntime, []string{project.Name}
		l.doc.Root = project.Name
	}
	node.isBuild = side == "build"
	l.nodes[key] = node
	l.order = append(l.order, key)
	return nil
}

// connect draws the edges of a graph. What only the building of packages needs is for development.
func (l *conanLock) connect(manifest map[string]inventory.Location) {
	for _, key := range l.order {
		node := l.nodes[key]
		for i, need := range slices.Concat(node.needs, node.builds) {
			to := l.nodes[need]
			if to == nil || to.entry < 0 {
				continue
			}
			if node.entry >= 0 {
				l.doc.Entries[node.entry].Needs = append(l.doc.Entries[node.entry].Needs, to.entry)
			}
			if (node.consumer || node.entry < 0) && !l.isRoot[to.entry] {
				l.isRoot[to.entry] = true
				l.doc.Roots = append(l.doc.Roots, to.entry)
				entry := &l.doc.Entries[to.entry]
				entry.Manifest = manifest[entry.Name]
				if entry.Scope = inventory.ScopeRuntime; i >= len(node.needs) {
					entry.Scope = inventory.ScopeDevelopment
				}
			}
			if to.isBuild || i >= len(node.needs) {
				l.doc.Entries[to.entry].Scope = inventory.ScopeDevelopment
			}
		}
	}
}

var conanLiteral = regexp.MustCompile(`["']([a-z0-9_][a-z0-9_+.\-]*)/[^"'\s/]+(?:@[^"'\s]*)?["']`)

// readConanManifest finds the places at which a recipe beside a lock file names packages.
func readConanManifest(tree *inventory.Tree, dir string) map[string]inventory.Location {
	where := map[string]inventory.Location{}
	if name := path.Join(dir, "conanfile.txt"); tree.Has(name) {
		if data, err := tree.ReadFile(name); err == nil {
			conanRequires(data, func(line conanLine) {
				if pkg, _, _ := conanReference(line.text); pkg != "" {
					where[pkg] = inventory.NewLines(data).Location(name, line.start, line.start+len(line.text))
				}
			})
		}
	}
	if name := path.Join(dir, "conanfile.py"); tree.Has(name) {
		if data, err := tree.ReadFile(name); err == nil {
			lines := inventory.NewLines(data)
			for _, m := range conanLiteral.FindAllSubmatchIndex(data, -1) {
				if pkg := string(data[m[2]:m[3]]); where[pkg].IsZero() {
					where[pkg] = lines.Location(name, m[0], m[1])
				}
			}
		}
	}
	return where
}

// conanLine is one reference in a conanfile.txt.
type conanLine struct {
	text    string
	section string
	start   int
}

// conanRequires calls visit for each reference in the sections of a conanfile.txt that hold some.
// Source: https://docs.conan.io/2/reference/conanfile_txt.html
func conanRequires(data []byte, visit func(conanLine)) {
	at, section := 0, ""
	for raw := range bytes.Lines(data) {
		start := at
		at += len(raw)
		text, _, _ := strings.Cut(string(raw), " #")
		text = strings.TrimSpace(text)
		switch {
		case text == "" || text[0] == '#':
		case text[0] == '[':
			section = strings.Trim(text, "[]")
		case slices.Contains([]string{"requires", "build_requires", "tool_requires", "test_requires"}, section):
			visit(conanLine{text: text, section: section, start: start + bytes.Index(raw, []byte(text))})
		}
	}
}

// readConanfile lists what a conanfile.txt asks for and no lock file beside it pins.
func readConanfile(ctx context.Context, tree *inventory.Tree, name string) (*Document, error) {
	data, err := tree.ReadFile(name)
	if err != nil {
		return nil, err
	}
	locked := map[string]bool{}
	if lock := path.Join(path.Dir(name), "conan.lock"); tree.Has(lock) {
		if doc, _ := readConanLock(ctx, tree, lock); doc != nil {
			for _, e := range doc.Entries {
				locked[e.Name] = true
			}
		}
	}
	doc := &Document{Root: projectName("", name)}
	lines := inventory.NewLines(data)
	var open openVersions
	conanRequires(data, func(line conanLine) {
		place := lines.Location(name, line.start, line.start+len(line.text))
		pkg, version, origin := conanReference(line.text)
		if pkg == "" {
			doc.unreadable(place, fmt.Sprintf("%q is not NAME/VERSION and was left out", line.text))
			return
		}
		if locked[pkg] || doc.full(place) != nil {
			return
		}
		entry := Entry{Name: pkg, Version: version, Location: place, Origin: origin, Scope: inventory.ScopeRuntime}
		if line.section != "requires" {
			entry.Scope = inventory.ScopeDevelopment
		}
		if strings.HasPrefix(version, "[") { // a range: the newest version on the day of the build
			entry.Version = ""
		}
		open.note(entry, version, false)
		doc.Roots = append(doc.Roots, len(doc.Entries))
		doc.Entries = append(doc.Entries, entry)
	})
	doc.Notices = append(doc.Notices, open.notices(name)...)
	doc.Resolve()
	return doc, nil
}
