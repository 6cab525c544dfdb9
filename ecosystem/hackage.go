package ecosystem

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"path"
	"regexp"
	"slices"
	"strconv"
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

// stackFile is a YAML file of stack with the places of its values.
type stackFile struct {
	path  string
	lines *inventory.Lines
	line  []int // the offset at which each line begins
	root  *yaml.Node
}

// yamlErrorLine finds the line in the messages of the YAML parser.
var yamlErrorLine = regexp.MustCompile(`^yaml: line (\d+): `)

// readStackFile reads one YAML document. Anchors are not expanded.
func readStackFile(tree *inventory.Tree, name string) (*stackFile, error) {
	data, err := tree.ReadFile(name)
	if err != nil {
		return nil, err
	}
	return parseStackFile(name, data)
}

// maxStackFile bounds what is given to the YAML parser, which needs many times the size of a file.
const maxStackFile = 8 << 20

func parseStackFile(name string, data []byte) (*stackFile, error) {
	f := &stackFile{path: name, lines: inventory.NewLines(data), line: []int{0}}
	if len(data) > maxStackFile {
		return f, &Error{Location: inventory.Location{Path: name}, Err: fmt.Errorf("larger than %d MiB", maxStackFile>>20)}
	}
	for i, b := range data {
		if b == '\n' {
			f.line = append(f.line, i+1)
		}
	}
	var document yaml.Node
	if err := yaml.Unmarshal(data, &document); err != nil {
		location := inventory.Location{Path: name}
		text := strings.TrimPrefix(err.Error(), "yaml: ")
		if m := yamlErrorLine.FindStringSubmatch(err.Error()); m != nil {
			location.Line, _ = strconv.Atoi(m[1])
			text = strings.TrimPrefix(err.Error(), m[0])
		}
		return f, &Error{Location: location, Err: errors.New(text)}
	}
	if len(document.Content) > 0 {
		f.root = document.Content[0]
	}
	return f, nil
}

// get returns the value of a key of a mapping, or nil.
func (f *stackFile) get(n *yaml.Node, key string) *yaml.Node {
	if n == nil || n.Kind != yaml.MappingNode {
		return nil
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		if n.Content[i].Value == key {
			return n.Content[i+1]
		}
	}
	return nil
}

func (f *stackFile) text(n *yaml.Node, key string) string {
	if v := f.get(n, key); v != nil && v.Kind == yaml.ScalarNode {
		return v.Value
	}
	return ""
}

// items returns the elements of a list under a key.
func (f *stackFile) items(n *yaml.Node, key string) []*yaml.Node {
	if v := f.get(n, key); v != nil && v.Kind == yaml.SequenceNode {
		return v.Content
	}
	return nil
}

// place returns the place of a value on its first line; the parser does not say where values end.
func (f *stackFile) place(n *yaml.Node) inventory.Location {
	start := 0
	if n.Line >= 1 && n.Line <= len(f.line) {
		start = f.line[n.Line-1] + n.Column - 1
	}
	end := start + len(n.Value)
	if n.Style&(yaml.DoubleQuotedStyle|yaml.SingleQuotedStyle) != 0 {
		end += 2
	}
	return f.lines.Location(f.path, start, end)
}

// stackEntry reads what stack calls an immutable package location: a version of Hackage, a commit or an archive.
// Source: https://docs.haskellstack.org/en/stable/topics/package_location/
func (f *stackFile) stackEntry(n *yaml.Node) (Entry, bool) {
	entry := Entry{Location: f.place(n), Origin: inventory.OriginRegistry, Scope: inventory.ScopeRuntime}
	text := n.Value
	if n.Kind == yaml.MappingNode {
		text = ""
		if v := f.get(n, "hackage"); v != nil && v.Kind == yaml.ScalarNode {
			text, entry.Location = v.Value, f.place(v)
		}
	}
	if m := stackHackage.FindStringSubmatch(text); m != nil {
		entry.Name, entry.Version = m[1], m[2]
		return entry, true
	}
	if n.Kind != yaml.MappingNode {
		return entry, false
	}
	entry.Name, entry.Version = f.text(n, "name"), f.text(n, "version")
	switch {
	case f.text(n, "git") != "" || f.text(n, "github") != "":
		entry.Origin, entry.Commit = inventory.OriginGit, f.text(n, "commit")
	case f.text(n, "url") != "" || f.text(n, "archive") != "" || f.text(n, "location") != "":
		entry.Origin = inventory.OriginURL
	default:
		return entry, false
	}
	if v := f.get(n, "name"); v != nil {
		entry.Location = f.place(v)
	}
	return entry, entry.Name != ""
}

// readStackLock lists the packages that stack.yaml adds to its snapshot. The packages of the snapshot itself are not
// in the tree, which is said.
// Source: https://docs.haskellstack.org/en/stable/topics/lock_files/
func readStackLock(_ context.Context, tree *inventory.Tree, name string) (*Document, error) {
	f, err := readStackFile(tree, name)
	if f == nil || f.root == nil {
		return salvageStackLock(tree, name), err
	}
	doc := &Document{Root: projectName("", name)}
	asked := map[string]inventory.Location{}
	if manifest, _ := readStackFile(tree, strings.TrimSuffix(name, ".lock")); manifest != nil {
		for _, n := range manifest.items(manifest.root, "extra-deps") {
			if e, ok := manifest.stackEntry(n); ok {
				asked[e.Name] = e.Location
			}
		}
	}
	for _, n := range f.items(f.root, "packages") {
		doc.Declared++
		completed := f.get(n, "completed")
		if completed == nil {
			completed = n
		}
		entry, ok := f.stackEntry(completed)
		if !ok {
			doc.unreadable(entry.Location, "an entry names no version of a package and was left out")
			continue
		}
		entry.Manifest = asked[entry.Name]
		doc.Roots = append(doc.Roots, len(doc.Entries))
		doc.Entries = append(doc.Entries, entry)
	}
	for _, n := range f.items(f.root, "snapshots") {
		if url := f.get(f.get(n, "completed"), "url"); url != nil && url.Kind == yaml.ScalarNode {
			place := f.place(url)
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

var stackPin = regexp.MustCompile(`\bhackage:\s*([A-Za-z0-9][A-Za-z0-9\-]*)-([0-9][0-9.]*)(?:[@\s}]|$)`)

// salvageStackLock finds the versions of Hackage in a lock file that is no YAML, such as one with a merge conflict.
func salvageStackLock(tree *inventory.Tree, name string) *Document {
	doc := &Document{Root: projectName("", name)}
	data, err := tree.ReadFile(name)
	if err != nil {
		return doc
	}
	lines := inventory.NewLines(data)
	seen := map[string]bool{} // a lock file has each entry twice, as completed and as original
	for _, m := range stackPin.FindAllSubmatchIndex(data, -1) {
		entry := Entry{
			Name: string(data[m[2]:m[3]]), Version: string(data[m[4]:m[5]]), Scope: inventory.ScopeRuntime,
			Location: lines.Location(name, m[2], m[5]), Origin: inventory.OriginRegistry,
		}
		if !seen[entry.Name+entry.Version] {
			seen[entry.Name+entry.Version] = true
			doc.Roots = append(doc.Roots, len(doc.Entries))
			doc.Entries = append(doc.Entries, entry)
		}
	}
	doc.Resolve()
	return doc
}

// readStackYAML lists the extra-deps of a project without a lock file, and those that a stale one lacks.
func readStackYAML(ctx context.Context, tree *inventory.Tree, name string) (*Document, error) {
	f, err := readStackFile(tree, name)
	if f == nil || f.root == nil {
		return &Document{}, err
	}
	var locked []string
	if lock := name + ".lock"; tree.Has(lock) {
		if doc, _ := readStackLock(ctx, tree, lock); doc != nil {
			for _, e := range doc.Entries {
				locked = append(locked, e.Name)
			}
		}
	}
	doc := &Document{Root: projectName("", name)}
	for _, n := range f.items(f.root, "extra-deps") {
		entry, ok := f.stackEntry(n)
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
