package ecosystem

import (
	"path"

	"github.com/trifecta-scanner/trifecta/inventory"
)

// wish is a package that a manifest asks for where no lock file says which version is installed. The entry has a
// version if the manifest asks for exactly one.
type wish struct {
	Entry
	spec string // what the manifest asks for, for people
}

// unlocked makes the document of a manifest without a lock file: exact versions, repositories and archives. What a
// range would be resolved to is not known without the registry; a notice counts those.
func unlocked(root, file string, wishes []wish) *Document {
	doc := &Document{Root: root}
	var open openVersions
	for _, w := range wishes {
		w.Manifest = w.Location
		switch {
		case w.Origin.Own():
			continue
		case w.Version == "" && (w.Origin == "" || w.Origin == inventory.OriginRegistry):
			open.note(w.Entry, shorten(w.spec), false)
			continue
		}
		if doc.full(w.Location) != nil {
			break
		}
		doc.Roots = append(doc.Roots, len(doc.Entries))
		doc.Entries = append(doc.Entries, w.Entry)
	}
	doc.Notices = append(doc.Notices, open.notices(file)...)
	doc.Resolve()
	return doc
}

// hasAny reports whether a folder has a file of one of the names.
func hasAny(tree *inventory.Tree, dir string, names ...string) bool {
	for _, name := range names {
		if tree.Has(path.Join(dir, name)) {
			return true
		}
	}
	return false
}

// hasAbove reports whether a folder or one above it has a file of the name.
func hasAbove(tree *inventory.Tree, dir, name string) bool {
	for up := dir; ; up = path.Dir(up) {
		if tree.Has(path.Join(up, name)) {
			return true
		}
		if up == "." {
			return false
		}
	}
}
