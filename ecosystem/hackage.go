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
	"gopkg.in/yaml.v3"

	"github.com/trifecta-scanner/trifecta/inventory"
)

// Hackage is the registry of Haskell packages.
var Hackage = &Ecosystem{
	Name: "Hackage",
	Formats: []Format{
		{Name: "cabal.project.freeze", Match: base("cabal.project.freeze"), LockFile: true, Read: readCabalFreeze},
		{Name: "stack.yaml.lock", Match: base("stack.yaml.lock"), LockFile: true, Read: readStackLock},
		{Name: "stack.yaml", Match: base("stack.yaml"), Read: readStackYAML},
	},
	PURL: func(name, version string) packageurl.PackageURL {
		return packageurl.PackageURL{Type: packageurl.TypeHackage, Name: name, Version: version}
	},
}

var cabalPin = regexp.MustCompile(`\bany\.([A-Za-z0-9][A-Za-z0-9\-]*)\s*==\s*([0-9][0-9.]*)`)

// readCabalFreeze lists the constraints that pin one version: any.NAME ==VERSION.
// Source: https://cabal.readthedocs.io/en/stable/cabal-commands.html#cabal-freeze
func readCabalFreeze(_ context.Context, tree *inventory.Tree, name string) (*Document, error) {
	data, err := tree.ReadFile(name)
	if err != nil {
		return nil, err
	}
	doc := &Document{Root: projectName("", name)}
	lines := inventory.NewLines(data)
	manifest, own := readCabalFiles(tree, path.Dir(name))
	for start, line := range cabalLines(data) {
		doc.Declared += bytes.Count(line, []byte("any."))
		for _, m := range cabalPin.FindAllSubmatchIndex(line, -1) {
			entry := Entry{
				Name: string(line[m[2]:m[3]]), Version: string(line[m[4]:m[5]]),
				Location: lines.Location(name, start+m[0], start+m[1]),
			}
			if asked, ok := manifest[entry.Name]; ok {
				entry.Manifest, entry.Scope = asked.place, inventory.ScopeRuntime
				if asked.test {
					entry.Scope = inventory.ScopeDevelopment
				}
				doc.Roots = append(doc.Roots, len(doc.Entries))
			}
			if doc.full(entry.Location) != nil {
				break
			}
			if own[entry.Name] {
				entry.Origin = inventory.OriginWorkspace
			}
			doc.Entries = append(doc.Entries, entry)
		}
	}
	doc.Resolve()
	return doc, nil
}

// cabalLines yields the lines that are no comments with their offsets.
func cabalLines(data []byte) func(yield func(int, []byte) bool) {
	return func(yield func(int, []byte) bool) {
		at := 0
		for line := range bytes.Lines(data) {
			if !bytes.HasPrefix(bytes.TrimSpace(line), []byte("--")) && !yield(at, line) {
				return
			}
			at += len(line)
		}
	}
}

// cabalAsk is a package in a build-depends field.
type cabalAsk struct {
	place inventory.Location
	test  bool // only tests and benchmarks ask for it
}

var (
	cabalField = regexp.MustCompile(`^(\s*)([A-Za-z][A-Za-z0-9\-]*)\s*:`)
	cabalItem  = regexp.MustCompile(`^\s*,?\s*([A-Za-z0-9][A-Za-z0-9\-]*)`)
)

// maxCabalFiles bounds how many packages of one project are looked through for who asks for what.
const maxCabalFiles = 500

// readCabalFiles finds what the packages at and below a folder ask for, and the names of these packages.
// Source: https://cabal.readthedocs.io/en/stable/cabal-package-description-file.html
func readCabalFiles(tree *inventory.Tree, dir string) (asks map[string]cabalAsk, own map[string]bool) {
	asks, own = map[string]cabalAsk{}, map[string]bool{}
	files := 0
	for _, f := range tree.Files() {
		if path.Ext(f.Path) != ".cabal" || f.Vendored || dir != "." && !strings.HasPrefix(f.Path, dir+"/") {
			continue
		}
		if files++; files > maxCabalFiles {
			break
		}
		if data, err := tree.ReadFile(f.Path); err == nil {
			own[strings.TrimSuffix(f.Base(), ".cabal")] = true
			parseCabal(f.Path, data, asks)
		}
	}
	return asks, own
}

func parseCabal(name string, data []byte, asks map[string]cabalAsk) {
	lines := inventory.NewLines(data)
	test, inDepends, indent := false, false, 0
	for start, line := range cabalLines(data) {
		text := strings.TrimSpace(string(line))
		if text == "" {
			continue
		}
		m := cabalField.FindSubmatchIndex(line)
		here := len(line) - len(bytes.TrimLeft(line, " \t"))
		switch {
		case m == nil && here == 0: // the head of a stanza
			stanza, _, _ := strings.Cut(strings.ToLower(text), " ")
			test, inDepends = stanza == "test-suite" || stanza == "benchmark", false
			continue
		case m != nil && (!inDepends || here <= indent):
			inDepends, indent = strings.EqualFold(string(line[m[4]:m[5]]), "build-depends"), here
			start, line = start+m[1], line[m[1]:]
		case here <= indent:
			inDepends = false
		}
		if !inDepends {
			continue
		}
		for len(line) > 0 {
			item := line
			if i := bytes.IndexByte(line, ','); i >= 0 {
				item = line[:i+1]
			}
			if m := cabalItem.FindSubmatchIndex(item); m != nil {
				pkg := string(item[m[2]:m[3]])
				if old, twice := asks[pkg]; !twice || old.test && !test {
					end := m[2] + len(bytes.TrimRight(item[m[2]:], ", \t\r\n"))
					asks[pkg] = cabalAsk{lines.Location(name, start+m[2], start+end), test}
				}
			}
			start, line = start+len(item), line[len(item):]
		}
	}
}

var stackHackage = regexp.MustCompile(`^([A-Za-z0-9][A-Za-z0-9\-]*)-([0-9][0-9.]*)(?:@.*)?$`)

// readStackFile reads a YAML file of stack; it is empty where there is none.
func readStackFile(tree *inventory.Tree, name string) (*yamlFile, error) {
	data, err := tree.ReadFile(name)
	if err != nil {
		return &yamlFile{}, err
	}
	f, err := parseYAML(name, data)
	if f == nil {
		f = &yamlFile{}
	}
	return f, err
}

// stackEntry reads what stack calls an immutable package location: a version of Hackage, a commit or an archive.
// Source: https://docs.haskellstack.org/en/stable/topics/package_location/
func stackEntry(f *yamlFile, n *yaml.Node) (Entry, bool) {
	entry := Entry{Location: f.scalar(n), Origin: inventory.OriginRegistry, Scope: inventory.ScopeRuntime}
	text := n.Value
	if n.Kind == yaml.MappingNode {
		text = ""
		if v := yamlAt(n, "hackage"); yamlScalar(v) != "" {
			text, entry.Location = yamlScalar(v), f.scalar(v)
		}
	}
	if m := stackHackage.FindStringSubmatch(text); m != nil {
		entry.Name, entry.Version = m[1], m[2]
		return entry, true
	}
	if n.Kind != yaml.MappingNode {
		return entry, false
	}
	entry.Name, entry.Version = yamlTextAt(n, "name"), yamlTextAt(n, "version")
	switch {
	case yamlTextAt(n, "git") != "" || yamlTextAt(n, "github") != "":
		entry.Origin, entry.Commit = inventory.OriginGit, yamlTextAt(n, "commit")
	case yamlTextAt(n, "url") != "" || yamlTextAt(n, "archive") != "" || yamlTextAt(n, "location") != "":
		entry.Origin = inventory.OriginURL
	default:
		return entry, false
	}
	if v := yamlAt(n, "name"); v != nil {
		entry.Location = f.scalar(v)
	}
	return entry, entry.Name != ""
}

// readStackLock lists the packages that stack.yaml adds to its snapshot. The packages of the snapshot itself are not
// in the tree, which is said.
// Source: https://docs.haskellstack.org/en/stable/topics/lock_files/
func readStackLock(_ context.Context, tree *inventory.Tree, name string) (*Document, error) {
	f, err := readStackFile(tree, name)
	doc := &Document{Root: projectName("", name)}
	asked := map[string]inventory.Location{}
	manifest, _ := readStackFile(tree, strings.TrimSuffix(name, ".lock"))
	for _, n := range yamlItems(yamlAt(manifest.root(), "extra-deps")) {
		if e, ok := stackEntry(manifest, n); ok {
			asked[e.Name] = e.Location
		}
	}
	for _, n := range yamlItems(yamlAt(f.root(), "packages")) {
		doc.Declared++
		completed := yamlAt(n, "completed")
		if completed == nil {
			completed = n
		}
		entry, ok := stackEntry(f, completed)
		if !ok {
			doc.unreadable(entry.Location, "an entry names no version of a package and was left out")
			continue
		}
		entry.Manifest = asked[entry.Name]
		doc.Roots = append(doc.Roots, len(doc.Entries))
		doc.Entries = append(doc.Entries, entry)
	}
	for _, n := range yamlItems(yamlAt(f.root(), "snapshots")) {
		if url := yamlAt(n, "completed", "url"); yamlScalar(url) != "" {
			place := f.scalar(url)
			doc.Notices = append(doc.Notices, inventory.Notice{
				Code:     "snapshot-not-in-tree",
				Message:  fmt.Sprintf("%s takes all other versions from %s, which is not in the tree; a cabal.project.freeze would name them", name, url.Value),
				Location: &place,
			})
		}
	}
	doc.Resolve()
	return doc, err
}

// readStackYAML lists the extra-deps of a project without a lock file, and those that a stale one lacks.
func readStackYAML(ctx context.Context, tree *inventory.Tree, name string) (*Document, error) {
	f, err := readStackFile(tree, name)
	var locked []string
	if lock := name + ".lock"; tree.Has(lock) {
		if doc, _ := readStackLock(ctx, tree, lock); doc != nil {
			for _, e := range doc.Entries {
				locked = append(locked, e.Name)
			}
		}
	}
	doc := &Document{Root: projectName("", name)}
	for _, n := range yamlItems(yamlAt(f.root(), "extra-deps")) {
		entry, ok := stackEntry(f, n)
		switch {
		case !ok && n.Kind == yaml.ScalarNode:
			continue // a folder of the project or an archive, which names no package
		case !ok && n.Kind == yaml.MappingNode && (entry.Origin == inventory.OriginGit || entry.Origin == inventory.OriginURL):
			continue // the packages in a repository or archive have no names here; the lock file has them
		case !ok:
			doc.unreadable(entry.Location, "an entry names no version of a package and was left out")
			continue
		}
		if !slices.Contains(locked, entry.Name) {
			doc.Roots = append(doc.Roots, len(doc.Entries))
			doc.Entries = append(doc.Entries, entry)
		}
	}
	doc.Resolve()
	return doc, err
}
