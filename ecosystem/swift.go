package ecosystem

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"path"
	"regexp"
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
	return doc, err
}

func swiftEntry(doc *Document, r *jsonReader, start int) error {
	doc.Declared++
	raw, _, err := r.raw()
	if err != nil {
		return err
	}
	location := r.location(start)
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
		return nil
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
	data, err := tree.ReadFile(name)
	if err != nil {
		return
	}
	if m := swiftTitle.FindSubmatch(data); m != nil {
		doc.Root = string(m[1])
	}
	lines := inventory.NewLines(data)
	where := map[string]inventory.Location{}
	for _, m := range swiftPackage.FindAllIndex(data, -1) {
		if bytes.Contains(data[bytes.LastIndexByte(data[:m[0]], '\n')+1:m[0]], []byte("//")) {
			continue
		}
		if url := swiftURL.FindSubmatch(data[m[0]:m[1]]); url != nil {
			where[strings.ToLower(swiftName(string(url[1])))] = lines.Location(name, m[0], m[1])
		}
	}
	for i := range doc.Entries {
		if at, ok := where[strings.ToLower(doc.Entries[i].Name)]; ok {
			doc.Entries[i].Manifest, doc.Entries[i].Scope = at, inventory.ScopeRuntime
			doc.Roots = append(doc.Roots, i)
		}
	}
}

// CocoaPods is the registry of pods for Apple's platforms. OSV has no advisories for it.
var CocoaPods = &Ecosystem{
	Name: "CocoaPods",
	Formats: []Format{
		{Name: "Podfile.lock", Match: base("Podfile.lock"), LockFile: true, Read: readPodfileLock},
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
	f, err := parseYAML(name, data)
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
	data, err := tree.ReadFile(name)
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
