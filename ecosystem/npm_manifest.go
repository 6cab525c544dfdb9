package ecosystem

import (
	"path"
	"strings"

	"github.com/bmatcuk/doublestar/v4"

	"github.com/trifecta-scanner/trifecta/inventory"
)

// packageJSON is the manifest of a JavaScript project.
// Source: https://docs.npmjs.com/cli/configuring-npm/package-json
type packageJSON struct {
	Name       string
	Version    string
	Licenses   []string
	Workspaces []string
	Wants      []packageWant // in the order of the file
	version    inventory.Location
	where      map[string]int
}

// packageWant is one package that a manifest asks for.
type packageWant struct {
	Name     string
	Spec     string // a version, a range, a tag, an address
	List     string // dependencies, devDependencies, optionalDependencies or peerDependencies
	Location inventory.Location
}

// readPackageJSON returns an empty manifest where there is none or where it can't be read: the lock file stands alone,
// and the format package.json says what is wrong with it.
func readPackageJSON(tree *inventory.Tree, name string) *packageJSON {
	m, _ := inventory.Parse(tree, name, "package.json", func(data []byte) (*packageJSON, error) {
		m, err := parsePackageJSON(name, data)
		return m, err
	})
	if m == nil {
		return &packageJSON{}
	}
	return m
}

// parsePackageJSON returns what could be read before an error together with it.
func parsePackageJSON(name string, data []byte) (*packageJSON, error) {
	m := &packageJSON{where: map[string]int{}}
	r := newJSONReader(name, data)
	err := r.document(func(key string, start int) error {
		switch key {
		case "name":
			return r.readString(&m.Name)
		case "version":
			err := r.readString(&m.Version)
			m.version = r.location(start)
			return err
		case "license", "licenses":
			return readNPMLicenses(r, &m.Licenses, 0)
		case "workspaces":
			return readNPMWorkspaces(r, &m.Workspaces)
		case "dependencies", "devDependencies", "optionalDependencies", "peerDependencies":
			return r.object(func(want string, start int) error {
				spec, err := r.str()
				if err != nil {
					return err
				}
				if len(m.Wants) == maxEntries {
					return nil
				}
				i := len(m.Wants)
				if at, ok := m.where[want]; !ok || m.Wants[at].List == "peerDependencies" { // the list that installs
					m.where[want] = i
				}
				m.Wants = append(m.Wants, packageWant{Name: want, Spec: spec, List: key, Location: r.location(start)})
				return nil
			})
		}
		return nil
	})
	return m, err
}

// Location returns the line that asks for a package, or the zero Location.
func (m *packageJSON) Location(name string) inventory.Location {
	if i, ok := m.where[name]; ok {
		return m.Wants[i].Location
	}
	return inventory.Location{}
}

// matchesWorkspace reports whether the folder dir, relative to the manifest with the patterns, is a member of the
// workspace. A pattern with ! takes folders out again; the last one that matches decides.
func matchesWorkspace(patterns []string, dir string) bool {
	member := false
	for _, pattern := range patterns {
		pattern, negated := strings.CutPrefix(pattern, "!")
		if ok, err := doublestar.Match(path.Clean(pattern), dir); ok && err == nil {
			member = !negated
		}
	}
	return member
}
