package kubernetes

import (
	"context"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"sigs.k8s.io/kustomize/kyaml/filesys"
	"sigs.k8s.io/yaml"

	"github.com/trifecta-scanner/trifecta/inventory"
)

// folders are the folders of a tree.
type folders map[string]bool

func newFolders(tree *inventory.Tree) folders {
	f := folders{".": true}
	for _, file := range tree.Files() {
		for dir := path.Dir(file.Path); !f[dir]; dir = path.Dir(dir) {
			f[dir] = true
		}
	}
	return f
}

// buildFiles is the tree as one build sees it: read only, with kustomizations that name nothing outside of it, and with a
// bound on what is read.
type buildFiles struct {
	ctx            context.Context
	tree           *inventory.Tree
	folders        folders
	kustomizations map[string]*kustomization
	root           string
	tracked        bool // the library notes where objects come from
	reads, bytes   int
	read           map[string]bool // files that the build took in
	seen           map[string]bool // folders of kustomizations that it took in
	documents      map[string][]inventory.Document
	patchList      []string          // made when the build is done
	images         []inventory.Value // likewise
}

var _ filesys.FileSystem = (*buildFiles)(nil)

// absolute returns a path of the tree as the build sees it: no absolute path is taken for the address of a repository.
func absolute(name string) string { return path.Join("/", name) }

func inTree(name string) string {
	if name = strings.TrimPrefix(path.Clean(filepath.ToSlash(name)), "/"); name == "" {
		return "."
	}
	return name
}

// ReadFile returns a file of the tree.
func (b *buildFiles) ReadFile(name string) ([]byte, error) {
	if err := b.ctx.Err(); err != nil {
		return nil, err
	}
	name = inTree(name)
	if b.reads++; b.reads > maxBuildReads || b.bytes > maxBuildBytes {
		return nil, errBuild
	}
	if k := b.kustomizations[path.Dir(name)]; k != nil && k.file == name {
		if k.err != nil {
			return nil, k.err
		}
		b.seen[k.dir] = true
		content := k.content
		if k.dir == b.root { // only the outermost one says which annotations there are
			content = maps.Clone(k.content)
			delete(content, "buildMetadata")
			if b.tracked || len(content) == 0 { // an empty file is refused
				content["buildMetadata"] = []any{"originAnnotations"}
			}
		}
		return yaml.Marshal(content)
	}
	data, err := b.tree.ReadFile(name)
	if err != nil {
		return nil, err
	}
	b.bytes += len(data)
	if strings.HasSuffix(name, ".yaml") || strings.HasSuffix(name, ".yml") || strings.HasSuffix(name, ".json") {
		// The library has no bound for aliases and depth.
		for _, doc := range b.parsed(name, data) {
			if doc.Err != nil {
				return nil, fmt.Errorf("%s:%d: %w", name, doc.Line, doc.Err)
			}
		}
	}
	b.read[name] = true
	return data, nil
}

func (b *buildFiles) parsed(name string, data []byte) []inventory.Document {
	docs, ok := b.documents[name]
	if !ok {
		if docs = inventory.ReadYAML(name, data); strings.HasSuffix(name, ".json") {
			docs = inventory.ReadJSON(name, data)
		}
		b.documents[name] = docs
	}
	return docs
}

// Exists reports whether there is a file or folder.
func (b *buildFiles) Exists(name string) bool {
	return b.IsDir(name) || b.tree.Has(inTree(name))
}

// IsDir reports whether there is a folder.
func (b *buildFiles) IsDir(name string) bool { return b.folders[inTree(name)] }

// CleanedAbs returns the folder and the name of a file; the name is empty for a folder.
func (b *buildFiles) CleanedAbs(name string) (filesys.ConfirmedDir, string, error) {
	clean := inTree(name)
	if b.folders[clean] {
		return filesys.ConfirmedDir(absolute(clean)), "", nil
	}
	if !b.tree.Has(clean) {
		return "", "", &fs.PathError{Op: "open", Path: clean, Err: fs.ErrNotExist}
	}
	return filesys.ConfirmedDir(absolute(path.Dir(clean))), path.Base(clean), nil
}

// ReadDir returns the names in a folder.
func (b *buildFiles) ReadDir(name string) ([]string, error) {
	dir := inTree(name)
	if !b.folders[dir] {
		return nil, &fs.PathError{Op: "read", Path: dir, Err: fs.ErrNotExist}
	}
	var names []string
	for _, f := range b.tree.Files() {
		if path.Dir(f.Path) == dir {
			names = append(names, f.Base())
		}
	}
	for folder := range b.folders {
		if folder != "." && path.Dir(folder) == dir {
			names = append(names, path.Base(folder))
		}
	}
	slices.Sort(names)
	return names, nil
}

// Glob returns the files that a pattern matches.
func (b *buildFiles) Glob(pattern string) ([]string, error) {
	var names []string
	for _, f := range b.tree.Files() {
		ok, err := path.Match(inTree(pattern), f.Path)
		if err != nil {
			return nil, err
		}
		if ok {
			names = append(names, absolute(f.Path))
		}
	}
	return names, nil
}

func refused(op, name string) error {
	return &fs.PathError{Op: op, Path: inTree(name), Err: fs.ErrPermission}
}

// Create is refused.
func (b *buildFiles) Create(name string) (filesys.File, error) { return nil, refused("create", name) }

// Open is refused; files are read whole.
func (b *buildFiles) Open(name string) (filesys.File, error) { return nil, refused("open", name) }

// Mkdir is refused.
func (b *buildFiles) Mkdir(name string) error { return refused("mkdir", name) }

// MkdirAll is refused.
func (b *buildFiles) MkdirAll(name string) error { return refused("mkdir", name) }

// RemoveAll is refused.
func (b *buildFiles) RemoveAll(name string) error { return refused("remove", name) }

// WriteFile is refused.
func (b *buildFiles) WriteFile(name string, _ []byte) error { return refused("write", name) }

// Walk is refused.
func (b *buildFiles) Walk(name string, _ filepath.WalkFunc) error { return refused("walk", name) }
