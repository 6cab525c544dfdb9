package ecosystem

import (
	"context"
	"path"
	"regexp"
	"strings"

	"github.com/package-url/packageurl-go"
	"gopkg.in/yaml.v3"

	"github.com/trifecta-scanner/trifecta/inventory"
)

// Pub is the registry of Dart and Flutter.
var Pub = &Ecosystem{
	Name: "Pub",
	Formats: []Format{
		{Name: "pubspec.lock", Match: base("pubspec.lock"), LockFile: true, Read: readPubspecLock},
		{Name: "pubspec.yaml", Match: base("pubspec.yaml", "pubspec.yml"), Read: readUnlockedPubspec},
	},
	PURL: func(name, version string) packageurl.PackageURL {
		return packageurl.PackageURL{Type: packageurl.TypePub, Name: name, Version: version}
	},
}

// readPubspecLock reads a pubspec.lock (https://dart.dev/tools/pub/glossary#lockfile; the shape is that of
// dart-lang/pub lib/src/lock_file.dart). It tells direct packages from others, but not which package needs which.
func readPubspecLock(_ context.Context, tree *inventory.Tree, name string) (*Document, error) {
	data, err := tree.ReadFile(name)
	if err != nil {
		return nil, err
	}
	f, err := parseSmallYAML(name, data)
	root := f.root()
	doc := &Document{}
	manifest := readPubspec(tree, path.Join(path.Dir(name), "pubspec.yaml"))
	doc.Root = projectName(manifest.name, name)
	var host []string
	for key, p := range yamlMembers(yamlAt(root, "packages")) {
		doc.Declared++
		if key.Value == "" {
			continue
		}
		if doc.full(f.scalar(key)) != nil {
			break
		}
		e := Entry{Name: key.Value, Version: yamlTextAt(p, "version"), Location: f.scalar(key)}
		at := yamlTextAt(p, "description", "url")
		switch yamlTextAt(p, "source") {
		case "git":
			e.Origin, e.Commit = inventory.OriginGit, yamlTextAt(p, "description", "resolved-ref")
		case "path":
			e.Origin = inventory.OriginPath
		case "sdk": // a part of Flutter or Dart, which carries no version of its own
			e.Origin = inventory.OriginURL
			if e.Version == "0.0.0" {
				e.Version = ""
			}
		}
		if sum := yamlTextAt(p, "description", "sha256"); isHex(sum, 64) {
			e.Hashes = []inventory.Hash{{Algorithm: "SHA-256", Value: strings.ToLower(sum)}}
		}
		kind := yamlTextAt(p, "dependency")
		if strings.HasPrefix(kind, "direct") {
			e.Manifest = manifest.where[e.Name]
			e.Scope = inventory.ScopeRuntime
			if strings.HasSuffix(kind, " dev") {
				e.Scope = inventory.ScopeDevelopment
			}
			doc.Roots = append(doc.Roots, len(doc.Entries))
		}
		host = append(host, at)
		doc.Entries = append(doc.Entries, e)
	}
	doc.markPrivate(func(i int) string { return host[i] }, isPublicPub)
	doc.Resolve()
	return doc, err
}

func isPublicPub(address string) bool {
	_, host, _ := strings.Cut(strings.TrimSuffix(address, "/"), "://")
	return host == "pub"+".dev"
}

// pubspec is what a pubspec.yaml asks for.
type pubspec struct {
	name  string
	where map[string]inventory.Location
}

func readPubspec(tree *inventory.Tree, name string) pubspec {
	m := pubspec{where: map[string]inventory.Location{}}
	data, err := tree.ReadFile(name)
	if err != nil {
		return m
	}
	f, _ := parseSmallYAML(name, data) // a broken manifest leaves the lock file alone
	root := f.root()
	m.name = yamlTextAt(root, "name")
	for _, list := range []string{"dependencies", "dev_dependencies", "dependency_overrides"} {
		for key, value := range yamlMembers(yamlAt(root, list)) {
			if _, ok := m.where[key.Value]; !ok && key.Kind == yaml.ScalarNode {
				m.where[key.Value] = f.member(key, value)
			}
		}
	}
	return m
}

var pubExact = regexp.MustCompile(`^\d+\.\d+\.\d+[0-9A-Za-z.+-]*$`)

// readUnlockedPubspec lists what a pubspec.yaml asks for where neither it nor the workspace above has a lock file. A
// plain version is one version.
func readUnlockedPubspec(_ context.Context, tree *inventory.Tree, name string) (*Document, error) {
	if hasAbove(tree, path.Dir(name), "pubspec.lock") {
		return &Document{}, nil
	}
	data, err := tree.ReadFile(name)
	if err != nil {
		return nil, err
	}
	f, err := parseSmallYAML(name, data)
	var wishes []wish
	for _, list := range []string{"dependencies", "dev_dependencies"} {
		for key, value := range yamlMembers(yamlAt(f.root(), list)) {
			if key.Value == "" || yamlAt(value, "sdk") != nil {
				continue
			}
			w := wish{Entry: Entry{Name: key.Value, Location: f.member(key, value), Scope: inventory.ScopeRuntime}, spec: yamlScalar(value)}
			if list == "dev_dependencies" {
				w.Scope = inventory.ScopeDevelopment
			}
			switch {
			case yamlAt(value, "git") != nil:
				w.Origin = inventory.OriginGit
				if ref := yamlTextAt(value, "git", "ref"); isHex(ref, 40) {
					w.Commit = ref
				}
			case yamlAt(value, "path") != nil:
				w.Origin = inventory.OriginPath
			case w.spec == "":
				w.spec = yamlTextAt(value, "version")
			}
			if pubExact.MatchString(w.spec) {
				w.Version = w.spec
			}
			wishes = append(wishes, w)
		}
	}
	return unlocked(projectName(yamlTextAt(f.root(), "name"), name), name, wishes), err
}
