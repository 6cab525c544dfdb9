package fix

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/trifecta-scanner/trifecta/inventory"
)

// Workspace is a tree with changes that exist in memory alone. It is for one goroutine at a time.
type Workspace struct {
	tree    *inventory.Tree
	changed map[string][]byte // by clean path; what differs from the tree
	base    map[string][]byte // what they were when they were changed first; nil for what was not there
}

// NewWorkspace returns a workspace without changes.
func NewWorkspace(tree *inventory.Tree) *Workspace {
	return &Workspace{tree: tree, changed: map[string][]byte{}, base: map[string][]byte{}}
}

// Tree returns the tree as it was.
func (w *Workspace) Tree() *inventory.Tree { return w.tree }

// Has reports whether there is a file at the path.
func (w *Workspace) Has(name string) bool {
	name = path.Clean(name)
	_, ok := w.changed[name]
	return ok || w.tree.Has(name)
}

// ReadFile returns the content of a file with the changes so far. It belongs to the caller.
func (w *Workspace) ReadFile(name string) ([]byte, error) {
	if data, ok := w.changed[path.Clean(name)]; ok {
		return bytes.Clone(data), nil
	}
	return w.tree.ReadFile(name)
}

// WriteFile changes a file, or makes it. A path that leads out of the tree or into a folder of version control is an
// error.
func (w *Workspace) WriteFile(name string, data []byte) error {
	clean := path.Clean(name)
	if !fs.ValidPath(clean) || clean == "." || slices.ContainsFunc(strings.Split(clean, "/"), isVersionControl) {
		return fmt.Errorf("%s: %w", name, errOutside)
	}
	before, known := w.base[clean]
	if !known && w.tree.Has(clean) {
		var err error
		if before, err = w.tree.ReadFile(clean); err != nil {
			return err
		}
		before = append([]byte{}, before...) // not nil, however empty
	}
	w.base[clean] = before
	if before != nil && bytes.Equal(before, data) {
		delete(w.changed, clean)
		return nil
	}
	w.changed[clean] = bytes.Clone(data)
	return nil
}

var errOutside = errors.New("not a path that a change may write")

func isVersionControl(name string) bool { return strings.EqualFold(name, ".git") }

// Changed returns the paths that differ from the tree, sorted.
func (w *Workspace) Changed() []string { return slices.Sorted(maps.Keys(w.changed)) }

// Clone returns a workspace with the same changes, which can go a way of its own.
func (w *Workspace) Clone() *Workspace {
	return &Workspace{tree: w.tree, changed: maps.Clone(w.changed), base: maps.Clone(w.base)}
}

// adopt takes over the changes of a clone that went its own way.
func (w *Workspace) adopt(clone *Workspace) { w.changed, w.base = clone.changed, clone.base }

// FS returns the tree with the changes as a file system, to be walked like any other.
func (w *Workspace) FS() fs.FS { return &overlay{under: w.tree.FS(), files: w.changed} }

// Walk returns the tree with the changes, walked anew.
func (w *Workspace) Walk(ctx context.Context) (*inventory.Tree, error) {
	return w.tree.Over(ctx, w.FS())
}
