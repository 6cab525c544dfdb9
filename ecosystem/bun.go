package ecosystem

import (
	"context"
	"fmt"
	"path"
	"strings"

	"github.com/tidwall/jsonc"

	"github.com/trifecta-scanner/trifecta/inventory"
)

// bunLock collects a bun.lock, which is JSON with comments and commas at the end of lists.
// Source: https://bun.com/docs/install/lockfile
type bunLock struct {
	*npmLock
	asker      npmAsker
	workspaces []bunWorkspace
}

// bunWorkspace is the project, under "", or a member of its workspace.
type bunWorkspace struct {
	dir, name string
	wants     []packageWant
}

func readBunLock(_ context.Context, tree *inventory.Tree, name string) (*Document, error) {
	data, err := tree.ReadFile(name)
	if err != nil {
		return nil, err
	}
	l := &bunLock{npmLock: newNPMLock(name)}
	l.tree, l.dir, l.asker.doc = tree, path.Dir(name), l.doc
	r := newJSONReader(name, jsonc.ToJSON(data)) // of the same length, so that places stay
	err = r.document(func(key string, _ int) error {
		switch key {
		case "workspaces":
			return l.readWorkspaces(r)
		case "packages":
			return l.readPackages(r)
		}
		return nil
	})
	l.connect()
	l.doc.privateScopes(tree, l.dir)
	l.doc.Resolve()
	l.versions()
	return l.doc, unlessFull(err)
}

func (l *bunLock) readWorkspaces(r *jsonReader) error {
	return r.object(func(dir string, _ int) error {
		w := bunWorkspace{dir: dir}
		err := r.object(func(key string, _ int) error {
			switch key {
			case "name":
				return r.readString(&w.name)
			case "dependencies", "devDependencies", "optionalDependencies", "peerDependencies":
				return r.object(func(name string, _ int) error {
					spec, err := r.str()
					w.wants = append(w.wants, packageWant{Name: name, Spec: spec, List: key})
					return err
				})
			}
			return nil
		})
		l.workspaces = append(l.workspaces, w)
		return err
	})
}

// readPackages reads "packages": each is a list that begins with name@version or name@address, under the names of the
// packages whose folders it is in.
func (l *bunLock) readPackages(r *jsonReader) error {
	return r.object(func(key string, start int) error {
		if err := l.doc.full(r.location(start)); err != nil {
			return err
		}
		l.doc.Declared++
		var ident string
		var e npmEntry
		n := 0
		err := r.array(func(int) error {
			n++
			if r.dec.PeekKind() != '{' {
				s, err := r.str()
				if n == 1 {
					ident = s
				} else if strings.HasPrefix(s, "sha") {
					e.integrity = s
				}
				return err
			}
			return r.object(func(key string, _ int) error {
				switch key {
				case "dependencies", "optionalDependencies", "peerDependencies":
					return readNPMWants(r, &e.needs)
				}
				return nil
			})
		})
		l.add(r, key, start, ident, e)
		return err
	})
}

func (l *bunLock) add(r *jsonReader, key string, start int, ident string, e npmEntry) {
	at := r.location(start)
	names := BunPath(key)
	name, reference := yarnIdent(ident)
	if name == "" || len(names) > npmDepth {
		l.doc.Notices = append(l.doc.Notices, inventory.Notice{
			Code: "unreadable-entry", Message: fmt.Sprintf("the entry %q can't be read: want a list that begins with name@version", key), Location: &at,
		})
		return
	}
	folder := l.folders[""]
	for _, name := range names {
		folder = folder.module(name)
	}
	facts := npmFacts{folder: folder, needs: e.needs}
	origin := npmOrigin(reference)
	switch {
	case strings.HasPrefix(reference, "root:"):
		l.doc.Declared--
		return
	case origin == inventory.OriginRegistry && startsWithDigit(reference):
		e.version = reference
	case origin == inventory.OriginRegistry && strings.HasSuffix(reference, "gz"): // an archive beside the project
		origin = inventory.OriginPath
	case origin == inventory.OriginWorkspace:
		facts.path = strings.TrimPrefix(reference, "workspace:")
		e.version = readPackageJSON(l.tree, path.Join(l.dir, facts.path, "package.json")).Version
	}
	e.resolved = reference
	folder.entry = l.npmLock.add(at, name, origin, e, facts)
	l.doc.Entries[folder.entry].Scope = "" // the file does not tell
}

// BunPath splits a key of bun.lock such as a/@scope/b into the names of the packages.
func BunPath(key string) []string {
	parts := strings.Split(key, "/")
	var names []string
	for i := 0; i < len(parts); i++ {
		name := parts[i]
		if strings.HasPrefix(name, "@") && i+1 < len(parts) {
			i++
			name += "/" + parts[i]
		}
		names = append(names, name)
	}
	return names
}

// connect draws the edges and marks what the project and the members of its workspace ask for.
func (l *bunLock) connect() {
	members := map[string]int{} // folder -> entry
	for i, facts := range l.facts {
		l.need(i, facts.folder, facts.needs)
		if l.doc.Entries[i].Origin == inventory.OriginWorkspace {
			members[path.Clean(facts.path)] = i
			l.asker.ask(i, "", inventory.ScopeRuntime, inventory.Location{})
		}
	}
	l.doc.Root = projectName(readPackageJSON(l.tree, path.Join(l.dir, "package.json")).Name, l.path)
	for _, w := range l.workspaces {
		if w.dir == "" && w.name != "" {
			l.doc.Root = w.name
		}
	}
	for _, w := range l.workspaces {
		manifest := readPackageJSON(l.tree, path.Join(l.dir, w.dir, "package.json"))
		folder, member := l.folders[""], ""
		self, isMember := members[path.Clean(w.dir)]
		if isMember {
			folder, member = l.facts[self].folder, l.doc.Entries[self].Name
		}
		for _, want := range w.wants {
			i, ok := l.find(folder, want.Name)
			if !ok || isMember && i == self {
				continue
			}
			scope := npmScope(want.List)
			l.asker.ask(i, member, scope, manifest.Location(want.Name))
			l.byAddress(i, npmWant{want.Name, want.Spec})
			if isMember && scope == inventory.ScopeRuntime {
				l.doc.Entries[self].Needs = append(l.doc.Entries[self].Needs, i)
			}
		}
	}
}

// readBunLockb says that the older, binary lock file of bun is not read.
func readBunLockb(_ context.Context, tree *inventory.Tree, name string) (*Document, error) {
	if tree.Has(path.Join(path.Dir(name), "bun.lock")) {
		return &Document{}, nil
	}
	return &Document{Notices: []inventory.Notice{{
		Code:     "unsupported-lock-file",
		Message:  name + " is binary and was not read; write bun.lock with `bun install --save-text-lockfile`",
		Location: &inventory.Location{Path: name},
	}}}, nil
}
