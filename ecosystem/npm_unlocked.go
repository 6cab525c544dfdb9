package ecosystem

import (
	"cmp"
	"context"
	"path"
	"regexp"
	"slices"
	"strings"

	"gopkg.in/yaml.v3"

	"github.com/trifecta-scanner/trifecta/inventory"
)

// npmLockFiles are the lock files that make a package.json's own versions matter no more.
var npmLockFiles = []string{"package-lock.json", "npm-shrinkwrap.json", "yarn.lock", "pnpm-lock.yaml", "bun.lock", "bun.lockb"}

// npmLocked reports whether a lock file speaks for the project in dir: one beside it, or one at the root of a
// workspace that the project is a member of.
func npmLocked(tree *inventory.Tree, dir string) bool {
	for up := dir; ; up = path.Dir(up) {
		for _, name := range npmLockFiles {
			if !tree.Has(path.Join(up, name)) {
				continue
			}
			at, _ := below(up, dir)
			if at == "." || matchesWorkspace(npmWorkspaces(tree, up), at) {
				return true
			}
		}
		if up == "." {
			return false
		}
	}
}

// npmWorkspaces returns the patterns of the members of the workspace whose root is dir.
func npmWorkspaces(tree *inventory.Tree, dir string) []string {
	patterns := readPackageJSON(tree, path.Join(dir, "package.json")).Workspaces
	name := path.Join(dir, "pnpm-workspace.yaml")
	if !tree.Has(name) {
		return patterns
	}
	more, _ := inventory.Parse(tree, name, "packages of pnpm-workspace.yaml", func(data []byte) ([]string, error) {
		file, err := parseYAML(name, data)
		var patterns []string
		for _, doc := range file.docs {
			if list := yamlGet(doc, "packages"); list != nil && list.Kind == yaml.SequenceNode {
				for _, n := range list.Content {
					patterns = append(patterns, yamlScalar(n))
				}
			}
		}
		return patterns, err
	})
	return append(slices.Clip(patterns), more...)
}

// npmExact matches what a manifest writes to ask for one version: https://semver.org without a range before it.
var npmExact = regexp.MustCompile(`^[v=]?\s*(\d+\.\d+\.\d+(?:-[0-9A-Za-z.-]+)?(?:\+[0-9A-Za-z.-]+)?)$`)

func isPackageJSON(name string) bool {
	return path.Base(name) == "package.json" && !inNodeModules(name)
}

// readUnlockedPackageJSON lists what a package.json asks for where no lock file says which versions are installed:
// exact versions, repositories and folders. What a range would be resolved to is not known without the registry; a
// notice counts those.
func readUnlockedPackageJSON(_ context.Context, tree *inventory.Tree, name string) (*Document, error) {
	if npmLocked(tree, path.Dir(name)) {
		return &Document{}, nil
	}
	data, err := tree.ReadFile(name)
	if err != nil {
		return nil, err
	}
	manifest, err := parsePackageJSON(name, data)
	doc := &Document{Root: projectName(manifest.Name, name)}
	var open openVersions
	for _, want := range manifest.Wants {
		if want.List == "peerDependencies" { // the project's users bring them
			continue
		}
		if tree.Has(path.Join(path.Dir(name), "node_modules", want.Name, "package.json")) { // says which version it is
			continue
		}
		e := Entry{Name: want.Name, Location: want.Location, Manifest: want.Location, Scope: npmScope(want.List)}
		spec := want.Spec
		if strings.HasPrefix(spec, "npm:") {
			e.Name, spec = npmAlias(spec, want.Name)
		}
		e.Origin = npmOrigin(spec)
		switch e.Origin {
		case inventory.OriginWorkspace:
			continue
		case inventory.OriginGit:
			e.Commit = npmCommit(spec)
		case inventory.OriginRegistry:
			m := npmExact.FindStringSubmatch(spec)
			if m == nil {
				open.note(e, spec, false)
				continue
			}
			e.Version = m[1]
		}
		doc.Roots = append(doc.Roots, len(doc.Entries))
		doc.Entries = append(doc.Entries, e)
	}
	doc.Notices = open.notices(name)
	doc.privateScopes(tree, path.Dir(name))
	doc.Resolve()
	return doc, err
}

// isInstalledPackage reports whether a file is the package.json of a package in a folder node_modules, and not one
// deeper inside of it.
func isInstalledPackage(name string) bool {
	_, _, ok := installedPackage(name)
	return ok
}

// installedPackage splits the path of the package.json of an installed package into the folder of the project and the
// name under which the package is installed. The name is empty for a package inside of another one's folder.
func installedPackage(file string) (project, name string, ok bool) {
	dir, base := path.Split("/" + file)
	i := strings.LastIndex(dir, "/node_modules/")
	if base != "package.json" || i < 0 {
		return "", "", false
	}
	name = strings.TrimSuffix(dir[i+len("/node_modules/"):], "/")
	scope, rest, scoped := strings.Cut(name, "/")
	if name == "" || strings.HasPrefix(name, ".") || scoped != strings.HasPrefix(scope, "@") || strings.Contains(rest, "/") {
		return "", "", false
	}
	first := strings.Index(dir, "/node_modules/")
	if first != i {
		name = ""
	}
	return cmp.Or(strings.TrimPrefix(dir[:first], "/"), "."), name, true
}

// readInstalledPackage lists one package of a committed node_modules that no lock file speaks for.
func readInstalledPackage(_ context.Context, tree *inventory.Tree, name string) (*Document, error) {
	dir, alias, ok := installedPackage(name)
	if !ok || !tree.System() && npmLocked(tree, dir) {
		return &Document{}, nil
	}
	data, err := tree.ReadFile(name)
	if err != nil {
		return nil, err
	}
	installed, err := parsePackageJSON(name, data)
	project := readPackageJSON(tree, path.Join(dir, "package.json"))
	doc := &Document{Root: projectName(project.Name, path.Join(dir, "package.json"))}
	if installed.Name == "" || installed.Version == "" {
		return doc, err
	}
	doc.Entries = []Entry{{
		Name: installed.Name, Version: installed.Version, Location: installed.version, Licenses: installed.Licenses,
	}}
	if i, ok := project.where[alias]; ok && alias != "" {
		doc.Entries[0].Manifest = project.Wants[i].Location
		doc.Entries[0].Scope = npmScope(project.Wants[i].List)
		doc.Roots = []int{0}
	}
	doc.privateScopes(tree, dir)
	doc.Resolve()
	return doc, err
}
