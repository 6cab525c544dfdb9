package ecosystem

import (
	"context"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/trifecta-scanner/trifecta/inventory"
)

// gradleCatalog is a version catalog: the packages that build scripts refer to by aliases.
// Source: https://docs.gradle.org/current/userguide/version_catalogs.html#sec:version-catalog-declaration
type gradleCatalog struct {
	libraries []gradleLibrary
	byAlias   map[string][]int // the alias as scripts write it; a bundle has several
	notices   []inventory.Notice
}

// gradleLibrary is one package of a catalog; the plug-ins are packages too.
type gradleLibrary struct {
	accessor string
	name     string
	want     string
	plugin   bool
	place    inventory.Location
}

// readCatalog reads a catalog once however many projects use it.
func readCatalog(tree *inventory.Tree, name string) (*gradleCatalog, error) {
	file, err := readTOML(tree, name)
	if err != nil {
		return nil, err
	}
	c := &gradleCatalog{byAlias: map[string][]int{}}
	c.notices, err = file.split()
	versions := file.root.at("versions").object()
	add := func(accessor, name, want string, plugin bool, m *tomlMember) {
		c.byAlias[accessor] = append(c.byAlias[accessor], len(c.libraries))
		c.libraries = append(c.libraries, gradleLibrary{accessor: accessor, name: name, want: want, plugin: plugin, place: file.place(m)})
	}
	for _, table := range []string{"libraries", "plugins"} {
		members := file.root.list(table)
		for i := range members {
			m := &members[i]
			name, want := gradleCoordinates(m.value, versions, table == "plugins")
			if table == "plugins" && name != "" && (want == "" || want == "unspecified") {
				continue // a plug-in of the build itself, or one whose version stands elsewhere
			}
			if name == "" {
				place := file.place(m)
				if len(c.notices) < maxUnreadable {
					c.notices = append(c.notices, inventory.Notice{Code: "unreadable-entry", Message: fmt.Sprintf("the entry %q names no package", m.key), Location: &place})
				}
				continue
			}
			accessor := gradleAlias(m.key)
			if table == "plugins" {
				accessor = "plugins." + accessor
			}
			add(accessor, name, want, table == "plugins", m)
		}
	}
	for _, bundle := range file.root.list("bundles") {
		accessor := "bundles." + gradleAlias(bundle.key)
		for _, alias := range bundle.value.strings() {
			c.byAlias[accessor] = append(c.byAlias[accessor], c.byAlias[gradleAlias(alias)]...)
		}
	}
	return c, err
}

// gradleAlias turns a key of the catalog into what scripts write.
func gradleAlias(key string) string { return strings.NewReplacer("-", ".", "_", ".").Replace(key) }

// find returns the packages that an accessor stands for; what follows it in the script, such as get(), is cut off.
func (c *gradleCatalog) find(accessor string) []gradleLibrary {
	if c == nil {
		return nil
	}
	for {
		if indices, ok := c.byAlias[accessor]; ok {
			libraries := make([]gradleLibrary, len(indices))
			for i, index := range indices {
				libraries[i] = c.libraries[index]
			}
			return libraries
		}
		shorter, _ := splitLast(accessor, ".")
		if shorter == "" {
			return nil
		}
		accessor = shorter
	}
}

// gradleCoordinates returns the package that an entry stands for and the version that it asks for.
func gradleCoordinates(value *tomlValue, versions *tomlTable, plugin bool) (name, want string) {
	if text := value.str(); text != "" {
		parts := strings.SplitN(text, ":", 3)
		switch {
		case plugin && len(parts) == 2:
			return gradlePluginName(parts[0]), parts[1]
		case !plugin && len(parts) == 2:
			return text, ""
		case !plugin && len(parts) == 3:
			return parts[0] + ":" + parts[1], parts[2]
		}
		return "", ""
	}
	table := value.object()
	switch {
	case plugin && table.string("id") != "":
		name = gradlePluginName(table.string("id"))
	case plugin:
		return "", ""
	case strings.Count(table.string("module"), ":") == 1:
		name = table.string("module")
	case table.string("group") != "" && table.string("name") != "":
		name = table.string("group") + ":" + table.string("name")
	default:
		return "", ""
	}
	return name, gradleWant(table.get("version"), versions, 0)
}

// gradleWant returns the version of an entry: a text, a reference to [versions], or a rich version, whose strict
// version wins over the required one, and in which a range with a preferred version gives that.
func gradleWant(value *tomlValue, versions *tomlTable, depth int) string {
	if text := value.str(); text != "" {
		return text
	}
	table := value.object()
	if ref := table.string("ref"); ref != "" && depth == 0 {
		return gradleWant(versions.get(ref), versions, 1)
	}
	strict, required, preferred := table.string("strictly"), table.string("require"), table.string("prefer")
	want := strict
	if want == "" {
		want = required
	}
	if version, isRange := gradleVersion(want); preferred != "" && (version == "" || isRange) {
		return preferred
	}
	return want
}

// gradleVersion returns the version that a requirement names, or the lower end of a range; 1.+ and latest.release pin
// nothing.
// Source: https://docs.gradle.org/current/userguide/dependency_versions.html
func gradleVersion(want string) (version string, isRange bool) {
	want = strings.TrimSuffix(want, "!!")
	if strings.Contains(want, "+") && strings.HasSuffix(want, "+") || strings.HasPrefix(want, "latest.") {
		return "", false
	}
	if want == "" || want[0] != '[' && want[0] != '(' && want[0] != ']' {
		return want, false
	}
	lower, _, hasUpper := strings.Cut(strings.TrimRight(want[1:], "])["), ",")
	lower = strings.TrimSpace(lower)
	return lower, hasUpper && lower != ""
}

// gradleCatalogsAbove returns the catalogs of the build that a folder belongs to, by the names that scripts use.
func gradleCatalogsAbove(tree *inventory.Tree, dir string) map[string]*gradleCatalog {
	catalogs := map[string]*gradleCatalog{}
	for {
		for _, file := range filesIn(tree, path.Join(dir, "gradle")) {
			if isGradleCatalog(file) {
				name := strings.TrimSuffix(path.Base(file), ".versions.toml")
				catalogs[name], _ = inventory.Parse(tree, file, "gradle catalog", func([]byte) (*gradleCatalog, error) {
					return readCatalog(tree, file)
				})
			}
		}
		if len(catalogs) > 0 || dir == "." {
			return catalogs
		}
		dir = path.Dir(dir)
	}
}

// readGradleCatalog lists the packages of a catalog that no lock file of the build lists, which has the versions that
// are really used.
func readGradleCatalog(_ context.Context, tree *inventory.Tree, name string) (*Document, error) {
	catalog, err := readCatalog(tree, name)
	if catalog == nil {
		return nil, err
	}
	root := path.Dir(path.Dir(name))
	doc := &Document{Root: gradleBuildOf(tree, root).project, Notices: catalog.notices}
	locked := gradleLocked(tree, root)
	uses := gradleUses(tree)
	prefix := strings.TrimSuffix(path.Base(name), ".versions.toml") + "."
	scopes := map[string][]string{}
	for accessor, configurations := range uses {
		if accessor, ok := strings.CutPrefix(accessor, prefix); ok {
			for _, library := range catalog.find(accessor) {
				scopes[library.accessor] = append(scopes[library.accessor], configurations...)
			}
		}
	}
	var open openVersions
	for _, library := range catalog.libraries {
		if locked[library.name] {
			continue
		}
		entry := Entry{Name: library.name, Location: library.place, Scope: gradleScope(scopes[library.accessor])}
		if library.plugin {
			entry.Scope = inventory.ScopeDevelopment
		}
		var isRange bool
		entry.Version, isRange = gradleVersion(library.want)
		open.note(entry, library.want, isRange)
		doc.Roots = append(doc.Roots, len(doc.Entries))
		doc.Entries = append(doc.Entries, entry)
	}
	doc.Notices = append(doc.Notices, open.notices(name)...)
	doc.Resolve()
	return doc, err
}

// gradleLocked returns the packages in the lock files at and below a folder.
func gradleLocked(tree *inventory.Tree, root string) map[string]bool {
	locked := map[string]bool{}
	for _, f := range tree.Files() {
		if !isGradleLock(f.Path) || f.Vendored || root != "." && !strings.HasPrefix(f.Path, root+"/") {
			continue
		}
		if data, err := tree.ReadFile(f.Path); err == nil {
			gradleLines(data, func(line gradleLine, ok bool) {
				if ok {
					locked[line.name] = true
				}
			})
		}
	}
	return locked
}

// gradleUses returns the configurations to which the build scripts of the tree add the accessors of catalogs, such as
// testImplementation for libs.junit.
func gradleUses(tree *inventory.Tree) map[string][]string {
	return inventory.Derive(tree, "gradle uses", func() map[string][]string {
		uses := map[string][]string{}
		for _, f := range tree.Files() {
			if f.Vendored || f.Base() != "build.gradle" && f.Base() != "build.gradle.kts" {
				continue
			}
			data, err := tree.ReadFile(f.Path)
			if err != nil || len(data) > gradleMaxScript {
				continue
			}
			for _, m := range gradleUse.FindAllSubmatch(withoutComments(data), -1) {
				accessor, configuration := string(m[2]), string(m[1])
				if !slices.Contains(uses[accessor], configuration) {
					uses[accessor] = append(uses[accessor], configuration)
				}
			}
		}
		return uses
	})
}
