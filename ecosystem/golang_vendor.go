package ecosystem

import (
	"bytes"
	"context"
	"path"
	"strings"

	"golang.org/x/mod/modfile"
	"golang.org/x/mod/module"

	"github.com/trifecta-scanner/trifecta/inventory"
)

func isVendorModules(name string) bool {
	return path.Base(name) == "modules.txt" && path.Base(path.Dir(name)) == "vendor"
}

// readVendorModules lists the modules copied into a folder vendor that the go.mod beside it does not name: all of them
// where there is none, and those that only other modules need where it is of a Go before 1.17.
// Source: https://go.dev/ref/mod#go-mod-vendor
func readVendorModules(ctx context.Context, tree *inventory.Tree, name string) (*Document, error) {
	data, err := tree.ReadFile(name)
	if err != nil {
		return nil, err
	}
	dir := path.Dir(path.Dir(name))
	doc := &Document{Root: path.Base(dir)}
	known := map[module.Version]bool{}
	if goMod := path.Join(dir, "go.mod"); tree.Has(goMod) {
		listed, _ := readGoMod(ctx, tree, goMod) // go.mod's own reading tells of errors
		if listed != nil {
			doc.Root = listed.Root
			for _, e := range listed.Entries {
				known[module.Version{Path: e.Name, Version: e.Version}] = true
			}
		}
	}
	lines := inventory.NewLines(data)
	start := 0
	var last *Entry // the module whose annotations follow
	for line := range bytes.Lines(data) {
		text := strings.TrimRight(string(line), "\r\n")
		at := lines.Location(name, start, start+len(text))
		start += len(line)
		if annotations, ok := strings.CutPrefix(text, "## "); ok && last != nil {
			for field := range strings.SplitSeq(annotations, ";") {
				last.Direct = last.Direct || strings.TrimSpace(field) == "explicit"
			}
			continue
		}
		header, ok := strings.CutPrefix(text, "# ")
		if !ok {
			continue
		}
		last = nil
		mod, path, ok := vendoredModule(header)
		if !ok || known[mod] {
			continue
		}
		known[mod] = true
		e := Entry{Name: mod.Path, Version: mod.Version, Location: at, Scope: inventory.ScopeRuntime, Origin: inventory.OriginRegistry}
		if path {
			e.Origin = inventory.OriginPath
		}
		doc.Entries = append(doc.Entries, e)
		last = &doc.Entries[len(doc.Entries)-1]
	}
	for i, e := range doc.Entries {
		if e.Direct {
			doc.Roots = append(doc.Roots, i)
		}
	}
	doc.Resolve()
	return doc, nil
}

// vendoredModule reads a header "path version", with "=> path [version]" where the module is replaced. A header without
// a version of its own repeats a directive replace for all versions and names nothing that is vendored.
func vendoredModule(header string) (mod module.Version, isPath, ok bool) {
	old, replacement, replaced := strings.Cut(header, " => ")
	fields := strings.Fields(old)
	if len(fields) != 2 {
		return module.Version{}, false, false
	}
	mod = module.Version{Path: fields[0], Version: strings.TrimPrefix(fields[1], "v")}
	if replaced {
		to := strings.Fields(replacement)
		switch {
		case len(to) == 2 && !modfile.IsDirectoryPath(to[0]):
			mod = module.Version{Path: to[0], Version: strings.TrimPrefix(to[1], "v")}
		case len(to) > 0:
			isPath = true
		}
	}
	return mod, isPath, true
}
