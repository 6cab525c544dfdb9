package ecosystem

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/package-url/packageurl-go"
	"gopkg.in/yaml.v3"

	"github.com/trifecta-scanner/trifecta/inventory"
)

// Swift is the Swift package manager, which takes packages from their repositories; OSV names them by address.
var Swift = &Ecosystem{
	Name: "SwiftURL",
	Formats: []Format{
		{Name: "Package.resolved", Match: base("Package.resolved", ".package.resolved"), LockFile: true, Read: readPackageResolved},
		{Name: "Package.swift", Match: base("Package.swift"), Read: readUnlockedPackageSwift},
	},
	PURL: func(name, version string) packageurl.PackageURL {
		namespace, name := splitLast(name, "/")
		return packageurl.PackageURL{Type: packageurl.TypeSwift, Namespace: namespace, Name: name, Version: version}
	},
}

// swiftPin is one package of a Package.resolved of version 1 (package, repositoryURL) or 2 and 3 (identity, location).
// Source: https://github.com/swiftlang/swift-package-manager/blob/main/Sources/PackageGraph/ResolvedPackagesStore.swift
type swiftPin struct {
	Identity      string `json:"identity"`
	Package       string `json:"package"`
	Kind          string `json:"kind"`
	Location      string `json:"location"`
	RepositoryURL string `json:"repositoryURL"`
	State         struct {
		Version  string `json:"version"`
		Branch   string `json:"branch"`
		Revision string `json:"revision"`
	} `json:"state"`
}

// readPackageResolved reads a Package.resolved, which lists packages without their needs.
func readPackageResolved(_ context.Context, tree *inventory.Tree, name string) (*Document, error) {
	data, err := tree.ReadFile(name)
	if err != nil {
		return nil, err
	}
	doc := &Document{}
	r := newJSONReader(name, data)
	pins := func() error { return r.array(func(start int) error { return swiftEntry(doc, r, start) }) }
	err = r.document(func(member string, _ int) error {
		switch member {
		case "pins":
			return pins()
		case "object":
			return r.object(func(inner string, _ int) error {
				if inner == "pins" {
					return pins()
				}
				return nil
			})
		}
		return nil
	})
	swiftManifest(doc, tree, name)
	doc.Resolve()
	return doc, unlessFull(err)
}

func swiftEntry(doc *Document, r *jsonReader, start int) error {
	doc.Declared++
	raw, _, err := r.raw()
	if err != nil {
		return err
	}
	location := r.location(start)
	if err := doc.full(location); err != nil {
		return err
	}
	var pin swiftPin
	err = json.Unmarshal(raw, &pin)
	address := pin.Location + pin.RepositoryURL
	e := Entry{Name: swiftName(address), Version: pin.State.Version, Location: location, Commit: pin.State.Revision}
	if e.Name == "" {
		e.Name = pin.Identity + pin.Package
	}
	if err != nil || e.Name == "" {
		doc.Notices = append(doc.Notices, inventory.Notice{
			Code: "unreadable-entry", Message: fmt.Sprintf("an entry of %s can't be read", location.Path), Location: &location,
		})
		return nil //nolint:nilerr // the notice says it
	}
	switch {
	case pin.Kind == "localSourceControl" || pin.Kind == "fileSystem":
		e.Name = cmp.Or(pin.Identity+pin.Package, e.Name)
		e.Origin, e.Commit = inventory.OriginPath, ""
	case e.Version == "":
		e.Origin = inventory.OriginGit
	default:
		e.Commit = "" // the tag says it better
	}
	doc.Entries = append(doc.Entries, e)
	return nil
}

// swiftName makes the address of a repository the name that OSV uses: host and path, without scheme, user and ".git".
func swiftName(address string) string {
	address = strings.TrimSuffix(strings.TrimSuffix(address, "/"), ".git")
	if rest, ok := strings.CutPrefix(address, "git@"); ok {
		return strings.Replace(rest, ":", "/", 1)
	}
	if _, rest, ok := strings.Cut(address, "://"); ok {
		if user, host, ok := strings.Cut(rest, "@"); ok && !strings.Contains(user, "/") {
			rest = host
		}
		return rest
	}
	return address
}

var (
	swiftPackage = regexp.MustCompile(`\.package\s*\(([^()]*(?:\([^()]*\)[^()]*)*)\)`)
	swiftURL     = regexp.MustCompile(`url:\s*"([^"\n]+)"`)
	swiftTitle   = regexp.MustCompile(`Package\s*\(\s*name:\s*"([^"\n]+)"`)
)

// swiftManifest finds the lines of Package.swift that ask for packages. The file is a program; what it computes is not
// known. An Xcode project keeps the lock file inside the project, and what it asks for in a file of its own.
func swiftManifest(doc *Document, tree *inventory.Tree, lock string) {
	name := path.Join(path.Dir(lock), "Package.swift")
	doc.Root = projectName("", lock)
	data, err := readProgram(tree, name)
	if err != nil {
		return
	}
	if m := swiftTitle.FindSubmatch(data); m != nil {
		doc.Root = string(m[1])
	}
	where := map[string]inventory.Location{}
	for _, asked := range readPackageSwift(data, name) {
		where[strings.ToLower(asked.name)] = asked.where
	}
	for i := range doc.Entries {
		if at, ok := where[strings.ToLower(doc.Entries[i].Name)]; ok {
			doc.Entries[i].Manifest, doc.Entries[i].Scope = at, inventory.ScopeRuntime
			doc.Roots = append(doc.Roots, i)
		}
	}
}

// swiftAsk is a package that a Package.swift asks for.
type swiftAsk struct {
	name, text string
	where      inventory.Location
}

func readPackageSwift(data []byte, name string) []swiftAsk {
	lines := inventory.NewLines(data)
	var all []swiftAsk
	for _, m := range swiftPackage.FindAllIndex(data, -1) {
		if commented(data, m[0], "//") {
			continue
		}
		if url := swiftURL.FindSubmatch(data[m[0]:m[1]]); url != nil && swiftName(string(url[1])) != "" {
			all = append(all, swiftAsk{swiftName(string(url[1])), string(data[m[0]:m[1]]), lines.Location(name, m[0], m[1])})
		}
	}
	return all
}

var (
	swiftExact  = regexp.MustCompile(`\bexact(?::\s*|\(\s*)"(\d[^"\n]*)"`)
	swiftCommit = regexp.MustCompile(`\brevision(?::\s*|\(\s*)"([0-9a-f]{40})"`)
	swiftRange  = regexp.MustCompile(`"(\d[^"\n]*)"`)
)

// readUnlockedPackageSwift lists what a Package.swift asks for where it has no lock file.
func readUnlockedPackageSwift(_ context.Context, tree *inventory.Tree, name string) (*Document, error) {
	if hasAny(tree, path.Dir(name), "Package.resolved", ".package.resolved") {
		return &Document{}, nil
	}
	data, err := readProgram(tree, name)
	if err != nil {
		return nil, err
	}
	var wishes []wish
	for _, asked := range readPackageSwift(data, name) {
		w := wish{Entry: Entry{Name: asked.name, Location: asked.where, Scope: inventory.ScopeRuntime}}
		if m := swiftRange.FindStringSubmatch(asked.text); m != nil {
			w.spec = "from " + m[1]
		}
		if m := swiftExact.FindStringSubmatch(asked.text); m != nil {
			w.Version = m[1]
		} else if m := swiftCommit.FindStringSubmatch(asked.text); m != nil {
			w.Origin, w.Commit = inventory.OriginGit, m[1]
		}
		wishes = append(wishes, w)
	}
	root := ""
	if m := swiftTitle.FindSubmatch(data); m != nil {
		root = string(m[1])
	}
	return unlocked(projectName(root, name), name, wishes), nil
}

// CocoaPods is the registry of pods for Apple's platforms. OSV has no advisories for it.
var CocoaPods = &Ecosystem{
	Name: "CocoaPods",
	Formats: []Format{
		{Name: "Podfile.lock", Match: base("Podfile.lock"), LockFile: true, Read: readPodfileLock},
		{Name: "Podfile", Match: base("Podfile"), Read: readUnlockedPodfile},
	},
	PURL: func(name, version string) packageurl.PackageURL {
		name, subspec, _ := strings.Cut(name, "/")
		return packageurl.PackageURL{Type: packageurl.TypeCocoapods, Name: name, Version: version, Subpath: subspec}
	},
}

// readPodfileLock reads a Podfile.lock (https://guides.cocoapods.org/using/using-cocoapods.html#what-is-podfilelock).
// A pod with parts ("Firebase/Core") is listed part by part.
func readPodfileLock(_ context.Context, tree *inventory.Tree, name string) (*Document, error) {
	data, err := tree.ReadFile(name)
	if err != nil {
		return nil, err
	}
	f, err := parseSmallYAML(name, data)
	root := f.root()
	doc := &Document{Root: projectName("", name)}
	byName := map[string]int{}
	external, checkout := map[string]*yaml.Node{}, map[string]*yaml.Node{}
	for key, value := range yamlMembers(yamlAt(root, "EXTERNAL SOURCES")) {
		external[key.Value] = value
	}
	for key, value := range yamlMembers(yamlAt(root, "CHECKOUT OPTIONS")) {
		checkout[key.Value] = value
	}
	var needs [][]string
	for _, item := range yamlItems(yamlAt(root, "PODS")) {
		doc.Declared++
		title := yamlValue(item)
		var needed []string
		for key, value := range yamlMembers(item) {
			title = key
			for _, need := range yamlItems(value) {
				needed = append(needed, podName(need.Value))
			}
			break
		}
		if title.Kind != yaml.ScalarNode || podName(title.Value) == "" {
			continue
		}
		if doc.full(f.scalar(title)) != nil {
			break
		}
		e := Entry{Name: podName(title.Value), Location: f.scalar(title)}
		if _, rest, ok := strings.Cut(title.Value, " ("); ok {
			e.Version, _, _ = strings.Cut(rest, ")")
		}
		pod, _, _ := strings.Cut(e.Name, "/")
		if from := external[pod]; from != nil {
			switch {
			case yamlTextAt(from, ":git") != "":
				e.Origin, e.Commit = inventory.OriginGit, yamlTextAt(checkout[pod], ":commit")
			case yamlTextAt(from, ":path") != "":
				e.Origin = inventory.OriginPath
			default:
				e.Origin = inventory.OriginURL
			}
		}
		if _, ok := byName[e.Name]; !ok {
			byName[e.Name] = len(doc.Entries)
		}
		doc.Entries = append(doc.Entries, e)
		needs = append(needs, needed)
	}
	edges := edges{doc: doc}
	for i := range needs {
		for _, need := range needs[i] {
			if j, ok := byName[need]; ok {
				edges.add(i, j)
			}
		}
	}
	lines := readPodfile(tree, path.Join(path.Dir(name), "Podfile"))
	isRoot := map[int]bool{}
	for _, item := range yamlItems(yamlAt(root, "DEPENDENCIES")) {
		if i, ok := byName[podName(item.Value)]; ok && !isRoot[i] {
			isRoot[i] = true
			doc.Entries[i].Manifest, doc.Entries[i].Scope = lines[doc.Entries[i].Name], inventory.ScopeRuntime
			doc.Roots = append(doc.Roots, i)
		}
	}
	doc.Resolve()
	return doc, err
}

func podName(text string) string {
	name, _, _ := strings.Cut(text, " ")
	return name
}

var podfilePod = regexp.MustCompile(`^\s*pod[\s(]+['"]([^'"\n]+)['"]`)

// readPodfile finds the lines of a Podfile that ask for pods. It is a program; what it computes is not known.
func readPodfile(tree *inventory.Tree, name string) map[string]inventory.Location {
	data, err := readProgram(tree, name)
	if err != nil {
		return nil
	}
	found := map[string]inventory.Location{}
	number := 0
	for raw := range bytes.Lines(data) {
		number++
		line := strings.TrimRight(string(raw), "\r\n")
		if m := podfilePod.FindStringSubmatch(line); m != nil {
			if _, ok := found[m[1]]; !ok {
				found[m[1]] = lineLocation(name, number, line)
			}
		}
	}
	return found
}

var podfileExact = regexp.MustCompile(`^['"][^'"\n]+['"]\s*,\s*['"](?:=\s*)?(\d[0-9A-Za-z.-]*)['"]\s*(?:,\s*:?[a-z]|$|#)`)

// readUnlockedPodfile lists what a Podfile asks for where it has no lock file. A plain version is one version.
func readUnlockedPodfile(_ context.Context, tree *inventory.Tree, name string) (*Document, error) {
	if hasAny(tree, path.Dir(name), "Podfile.lock") {
		return &Document{}, nil
	}
	data, err := readProgram(tree, name)
	if err != nil {
		return nil, err
	}
	lines := bytes.Split(data, []byte("\n"))
	where := readPodfile(tree, name)
	var wishes []wish
	for _, pod := range sortedKeys(where) {
		w := wish{Entry: Entry{Name: pod, Location: where[pod], Scope: inventory.ScopeRuntime}}
		_, text, _ := strings.Cut(strings.TrimSpace(string(lines[w.Location.Line-1])), "pod")
		text = strings.TrimLeft(text, "( ")
		if m := podfileExact.FindStringSubmatch(text); m != nil {
			w.Version = m[1]
		}
		if strings.Contains(text, ":git") || strings.Contains(text, "git:") {
			w.Origin = inventory.OriginGit
		} else if strings.Contains(text, ":path") || strings.Contains(text, "path:") {
			w.Origin = inventory.OriginPath
		}
		wishes = append(wishes, w)
	}
	slices.SortFunc(wishes, func(a, b wish) int { return a.Location.Compare(b.Location) })
	return unlocked(projectName("", name), name, wishes), nil
}
