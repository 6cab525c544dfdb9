package ecosystem

import (
	"context"
	"encoding/json"
	"fmt"
	"path"
	"strings"

	"github.com/trifecta-scanner/trifecta/inventory"
)

// pipfilePackage is one package of a Pipfile.lock.
// Source: https://pipenv.pypa.io/en/latest/pipfile.html and pipenv's utils/locking.py.
type pipfilePackage struct {
	Version string   `json:"version"`
	Hashes  []string `json:"hashes"`
	Index   string   `json:"index"`
	Git     string   `json:"git"`
	Hg      string   `json:"hg"`
	Ref     string   `json:"ref"`
	File    string   `json:"file"`
	Path    string   `json:"path"`
}

// readPipfileLock reads the lock file of Pipenv: one object of packages for each category of the Pipfile.
func readPipfileLock(_ context.Context, tree *inventory.Tree, name string) (*Document, error) {
	data, err := tree.ReadFile(name)
	if err != nil {
		return nil, err
	}
	d := newPythonDoc()
	d.Root = projectName("", name)
	var index []string
	seen := map[string]int{}
	r := newJSONReader(name, data)
	err = r.document(func(category string, _ int) error {
		if category == "_meta" {
			return nil
		}
		scope := inventory.ScopeDevelopment
		if category == "default" {
			scope = inventory.ScopeRuntime
		}
		return r.object(r.member(func(m jsonMember) error {
			d.Declared++
			if m.name == "" {
				return nil
			}
			if err := d.full(m.location()); err != nil {
				return err
			}
			var p pipfilePackage
			location := m.location()
			if err := json.Unmarshal(m.value, &p); err != nil {
				d.Notices = append(d.Notices, inventory.Notice{
					Code: "unreadable-entry", Message: fmt.Sprintf("the entry %q can't be read: %v", m.name, err), Location: &location,
				})
				return nil
			}
			e := Entry{Name: m.name, Location: location, Scope: scope}
			e.Version = strings.TrimLeft(p.Version, "=")
			switch {
			case p.Git != "":
				e.Origin, e.Commit = inventory.OriginGit, p.Ref
			case p.Hg != "":
				e.Origin = inventory.OriginGit
			case p.Path != "" || strings.HasPrefix(p.File, "file:") || strings.HasPrefix(p.File, "."):
				e.Origin = inventory.OriginPath
			case p.File != "":
				e.Origin = inventory.OriginURL
			}
			for _, text := range p.Hashes {
				if h, ok := pythonHash(text); ok {
					e.Hashes = append(e.Hashes, h)
				}
			}
			// What is needed at runtime and for development stands in both categories.
			key := normalizePyPI(m.name) + " " + e.Version
			if at, ok := seen[key]; ok {
				d.Declared--
				if scope == inventory.ScopeRuntime {
					d.Entries[at].Scope = scope
				}
				return nil
			}
			index = append(index, p.Index)
			seen[key] = d.add(e)
			return nil
		}))
	})
	d.pipfile(tree, path.Join(path.Dir(name), "Pipfile"))
	d.markPrivate(func(i int) string {
		if index[i] == "pypi" { // the name that pipenv gives to the public index
			return ""
		}
		return index[i]
	}, isPublicPyPI)
	d.Resolve()
	return d.Document, unlessFull(err)
}

// pipfile finds the lines of the Pipfile that ask for the packages.
func (d *pythonDoc) pipfile(tree *inventory.Tree, name string) {
	f, err := readTOML(tree, name)
	if err != nil {
		return
	}
	pipfileAsks(f, func(a pythonAsk) {
		scope := inventory.ScopeRuntime
		if a.dev {
			scope = inventory.ScopeDevelopment
		}
		d.askFor(a.name, "", a.where, scope)
	})
}

// pipfileAsks calls visit for each line that asks for a package. Every table but a few is a category of packages.
func pipfileAsks(f *tomlFile, visit func(pythonAsk)) {
	for _, category := range f.root.members {
		switch category.key {
		case "source", "requires", "scripts", "pipenv":
			continue
		}
		members := category.value.object().list()
		for i := range members {
			visit(pythonAsk{members[i].key, category.key, category.key != "packages", f.place(&members[i]), poetryWant(members[i].value)})
		}
	}
}
