package ecosystem

import (
	"context"
	"path"
	"strings"

	"golang.org/x/mod/modfile"

	"github.com/trifecta-scanner/trifecta/inventory"
)

// goWork is what a go.work says.
// Source: https://go.dev/ref/mod#go-work-file
type goWork struct {
	modules  map[string]bool // paths of the modules used
	dirs     map[string]bool // their folders in the tree
	replaced goReplacements
	doc      *Document
}

// readGoWork lists the modules of a workspace, which are the repository's own. What they require is in their go.mod.
func readGoWork(_ context.Context, tree *inventory.Tree, name string) (*Document, error) {
	work, err := parsedGoWork(tree, name)
	if work == nil {
		return nil, err
	}
	return work.doc, err
}

func parsedGoWork(tree *inventory.Tree, name string) (*goWork, error) {
	return inventory.Parse(tree, name, "go.work", func(data []byte) (*goWork, error) {
		dir := path.Dir(name)
		lines := inventory.NewLines(data)
		w := &goWork{modules: map[string]bool{}, dirs: map[string]bool{}, doc: &Document{Root: projectName("", name)}}
		file, err := parseGoFile(name, data, w.doc, modfile.ParseWork)
		if file == nil {
			return w, err
		}
		w.replaced = newGoReplacements(file.Replace, lines, name)
		for _, use := range file.Use {
			at := lines.Location(name, use.Syntax.Start.Byte, use.Syntax.End.Byte)
			used := path.Join(dir, use.Path)
			data, err := tree.ReadFile(path.Join(used, "go.mod"))
			if err != nil || path.IsAbs(use.Path) {
				w.doc.Notices = append(w.doc.Notices, inventory.Notice{
					Code: "missing-module", Message: name + " uses " + use.Path + ", which is no module of the tree", Location: &at,
				})
				continue
			}
			module := modfile.ModulePath(data)
			w.dirs[used] = true
			w.modules[module] = true
			if module != "" {
				w.doc.Roots = append(w.doc.Roots, len(w.doc.Entries))
				w.doc.Entries = append(w.doc.Entries, Entry{
					Name: module, Location: at, Scope: inventory.ScopeRuntime, Origin: inventory.OriginWorkspace,
				})
			}
		}
		w.doc.Resolve()
		return w, err
	})
}

// workspaceOf returns the workspace that the module in dir belongs to, or nil: that of the nearest go.work, if it uses
// the module.
func workspaceOf(tree *inventory.Tree, dir string) *goWork {
	for up := dir; ; up = path.Dir(up) {
		if name := path.Join(up, "go.work"); tree.Has(name) {
			if work, _ := parsedGoWork(tree, name); work != nil && work.dirs[dir] {
				return work
			}
			return nil
		}
		if up == "." || up == "/" || strings.HasPrefix(up, "..") {
			return nil
		}
	}
}

func (w *goWork) has(module string) bool { return w != nil && w.modules[module] }
