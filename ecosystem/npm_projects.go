package ecosystem

import (
	"cmp"
	"path"
	"strings"

	"github.com/trifecta-scanner/trifecta/inventory"
)

// npmAsker notes in a document which entries the projects of a repository ask for.
type npmAsker struct {
	doc    *Document
	isRoot map[int]bool
}

// ask notes that a project asks for entry i. member is the name of a member of the workspace, or "" for the project
// that the lock file belongs to. What one project needs at run time is needed at run time.
func (a *npmAsker) ask(i int, member string, scope inventory.Scope, manifest inventory.Location) {
	e := &a.doc.Entries[i]
	e.Direct = true
	if e.Manifest.IsZero() {
		e.Manifest = manifest
	}
	if !a.isRoot[i] {
		if a.isRoot == nil {
			a.isRoot = map[int]bool{}
		}
		a.isRoot[i] = true
		a.doc.Roots = append(a.doc.Roots, i)
		e.Scope = cmp.Or(e.Scope, scope) // some files state it
		if member != "" {
			e.Chain = []string{a.doc.Root, member, e.Name}
		}
	} else if scope == inventory.ScopeRuntime {
		e.Scope = scope
	}
}

// askAll asks for everything that no entry needs, where no manifest says what the project asks for. What it is needed
// for stays unknown.
func (a *npmAsker) askAll() {
	needed := make([]bool, len(a.doc.Entries))
	for i := range a.doc.Entries {
		for _, need := range a.doc.Entries[i].Needs {
			needed[need] = true
		}
	}
	for i := range a.doc.Entries {
		a.doc.Entries[i].Scope = inventory.ScopeUnknown
		if !needed[i] {
			a.ask(i, "", inventory.ScopeUnknown, inventory.Location{})
		}
	}
}

// npmScope returns what the packages of a list of package.json are needed for.
func npmScope(list string) inventory.Scope {
	switch list {
	case "devDependencies", "configDependencies", "packageManagerDependencies":
		return inventory.ScopeDevelopment
	}
	return inventory.ScopeRuntime
}

// npmMember is one member of a workspace.
type npmMember struct {
	dir      string // relative to the workspace's root
	manifest *packageJSON
}

// name returns the member's name, or its folder where it has none.
func (m npmMember) name() string {
	if m.manifest.Name == "" {
		return m.dir
	}
	return m.manifest.Name
}

// npmMembers returns the members of the workspace whose root is dir, by their folders that match the patterns.
func npmMembers(tree *inventory.Tree, dir string, patterns []string) []npmMember {
	if len(patterns) == 0 {
		return nil
	}
	var members []npmMember
	for _, name := range tree.Named("package.json") {
		at, ok := below(dir, path.Dir(name))
		if !ok || at == "." || inNodeModules(at) || !matchesWorkspace(patterns, at) {
			continue
		}
		members = append(members, npmMember{dir: at, manifest: readPackageJSON(tree, name)})
	}
	return members
}

// below returns the path of name relative to dir, if it is dir or below it.
func below(dir, name string) (string, bool) {
	switch {
	case dir == ".":
		return name, true
	case name == dir:
		return ".", true
	}
	return strings.CutPrefix(name, dir+"/")
}

func inNodeModules(name string) bool {
	return strings.Contains("/"+name+"/", "/node_modules/")
}
