package inventory

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"
	"sync"
)

// Limits bound what one tree may cost. The zero value stands for DefaultLimits.
type Limits struct {
	FileSize int64 // bytes of a file that is read whole
	Files    int   // files in the tree
	Depth    int   // folders inside each other
}

// DefaultLimits are far above real repositories: the largest lock files known are below 40 MB.
var DefaultLimits = Limits{FileSize: 64 << 20, Files: 2_000_000, Depth: 256}

// File is one regular file of the walk.
type File struct {
	Path     string // relative to the root, with slashes
	Size     int64
	Vendored bool // below node_modules, vendor or another folder that holds copies of foreign code
}

// Base returns the last element of the path.
func (f File) Base() string { return path.Base(f.Path) }

// Tree is a repository as one walk found it. Reads never leave the root: links are listed as notices where they point
// outside and are not followed. A Tree is safe for use by several goroutines.
type Tree struct {
	fsys    fs.FS
	limits  Limits
	skip    []string
	system  bool
	files   []File
	byBase  map[string][]int
	byPath  map[string]int
	notices []Notice
	parsed  *sync.Map // parseKey -> *parseOnce
	digests *digests
	close   func() error
	inputs  *recorder // of a view that Recording made; nil elsewhere
}

// OpenTree walks the folder dir once. Files that git ignores are left out, as are version control folders. Folders and
// files that can't be read are notices; the error is for dir itself.
func OpenTree(ctx context.Context, dir string, limits Limits, skip ...string) (*Tree, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", dir, err)
	}
	tree, err := NewTree(ctx, root.FS(), limits, skip...)
	if err != nil {
		return nil, errors.Join(err, root.Close())
	}
	tree.close = root.Close
	return tree, nil
}

// NewTree walks fsys as OpenTree does. skip holds patterns in the syntax of .gitignore that are left out on top.
func NewTree(ctx context.Context, fsys fs.FS, limits Limits, skip ...string) (*Tree, error) {
	return walk(ctx, &Tree{fsys: fsys, limits: limits, skip: skip})
}

// NewSystem walks the root file system of a machine or of a container image. Nothing in it says what is left out: neither
// a .gitignore nor the name of a folder. Links are not looked at; fsys keeps them inside.
func NewSystem(ctx context.Context, fsys fs.FS, limits Limits, skip ...string) (*Tree, error) {
	return walk(ctx, &Tree{fsys: fsys, limits: limits, skip: skip, system: true})
}

func walk(ctx context.Context, t *Tree) (*Tree, error) {
	t.byBase, t.byPath, t.parsed, t.digests = map[string][]int{}, map[string]int{}, new(sync.Map), new(digests)
	if t.limits == (Limits{}) {
		t.limits = DefaultLimits
	}
	w := walker{tree: t, ctx: ctx}
	var none *ignores
	if err := w.folder(".", nil, none.with(t.skip, nil), false); err != nil {
		return nil, err
	}
	slices.SortFunc(t.files, func(a, b File) int { return strings.Compare(a.Path, b.Path) })
	for i, f := range t.files {
		t.byPath[f.Path] = i
		t.byBase[f.Base()] = append(t.byBase[f.Base()], i)
	}
	return t, nil
}

// Over walks another file system by the limits and patterns of this tree: one that has some of its files changed.
func (t *Tree) Over(ctx context.Context, fsys fs.FS) (*Tree, error) {
	return walk(ctx, &Tree{fsys: fsys, limits: t.limits, skip: t.skip, system: t.system})
}

// System reports whether the tree is the root file system of a machine: what lies in it is installed, whereas a repository
// says what will be.
func (t *Tree) System() bool { return t.system }

// Close releases the root folder.
func (t *Tree) Close() error {
	if t.close == nil {
		return nil
	}
	return t.close()
}

// Files returns the files in order of their paths. The slice belongs to the tree. A reader that looks for files of
// one name or ending asks Named or WithSuffix, so that what it finds need not be found again when others change.
func (t *Tree) Files() []File {
	t.inputs.add(input{kind: inputFiles}, t)
	return t.files
}

// WithSuffix returns the files whose paths end so, in order.
func (t *Tree) WithSuffix(suffix string) []File {
	t.inputs.add(input{inputSuffix, suffix}, t)
	var files []File
	for _, f := range t.files {
		if strings.HasSuffix(f.Path, suffix) {
			files = append(files, f)
		}
	}
	return files
}

// Notices returns what the walk could not look at.
func (t *Tree) Notices() []Notice { return t.notices }

// Named returns the paths of the files with this base name, in order.
func (t *Tree) Named(base string) []string {
	t.inputs.add(input{inputNamed, base}, t)
	paths := make([]string, 0, len(t.byBase[base]))
	for _, i := range t.byBase[base] {
		paths = append(paths, t.files[i].Path)
	}
	return paths
}

// Has reports whether the walk found a file at this path.
func (t *Tree) Has(name string) bool {
	name = path.Clean(name)
	t.inputs.add(input{inputPresence, name}, t)
	_, ok := t.byPath[name]
	return ok
}

// FS returns the tree as a file system for libraries that want one. It is not bounded by the walk's ignore rules.
func (t *Tree) FS() fs.FS { return t.fsys }

// Open opens a file of the walk, for readers that need a few bytes of a large one. It may be an io.ReaderAt. What is read
// of it is not bounded, and Recording does not know of it.
func (t *Tree) Open(name string) (fs.File, error) {
	i, ok := t.byPath[path.Clean(name)]
	if !ok {
		return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
	}
	return t.fsys.Open(t.files[i].Path)
}

// ErrTooLarge is returned for a file above Limits.FileSize.
var ErrTooLarge = errors.New("file is larger than the limit")

// ReadFile returns the content of a file of the walk. It never reads more than Limits.FileSize bytes.
func (t *Tree) ReadFile(name string) ([]byte, error) {
	data, err := t.readFile(name)
	if t.inputs != nil {
		t.inputs.content(path.Clean(name), data, err)
	}
	return data, err
}

func (t *Tree) readFile(name string) ([]byte, error) {
	i, ok := t.byPath[path.Clean(name)]
	if !ok {
		return nil, &fs.PathError{Op: "read", Path: name, Err: fs.ErrNotExist}
	}
	if size := t.files[i].Size; size > t.limits.FileSize {
		return nil, &fs.PathError{Op: "read", Path: name, Err: fmt.Errorf("%w of %d MiB", ErrTooLarge, t.limits.FileSize>>20)}
	}
	f, err := t.fsys.Open(t.files[i].Path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	buf := bytes.NewBuffer(make([]byte, 0, t.files[i].Size+bytes.MinRead))
	n, err := buf.ReadFrom(io.LimitReader(f, t.limits.FileSize+1))
	if err != nil {
		return nil, err
	}
	if n > t.limits.FileSize { // it grew since the walk
		return nil, &fs.PathError{Op: "read", Path: name, Err: ErrTooLarge}
	}
	return buf.Bytes(), nil
}

type parseKey struct {
	path   string
	parser string
}

type parseOnce struct {
	once   sync.Once
	value  any
	err    error
	inputs *Inputs // what the value was made from, where that is recorded
}

// Parse returns what parse makes of the file at path, and calls it once for each path and parser however many ask.
// It is for files that several others refer to, such as a parent pom.xml; the value is kept as long as the tree.
func Parse[T any](t *Tree, name, parser string, parse func(data []byte) (T, error)) (T, error) {
	entry, _ := t.parsed.LoadOrStore(parseKey{path.Clean(name), parser}, &parseOnce{})
	once := entry.(*parseOnce)
	once.once.Do(func() {
		once.inputs = t.inputs.within(func() {
			data, err := t.ReadFile(name)
			if err != nil {
				once.err = err
				return
			}
			once.value, once.err = parse(data)
		})
	})
	t.inputs.share(once.inputs)
	value, _ := once.value.(T)
	return value, once.err
}

// Derive returns what build makes of the tree as a whole, such as an index of its projects by name, and calls it once
// for each name however many ask. build may use Parse, but not Derive with the same name.
func Derive[T any](t *Tree, name string, build func() T) T {
	entry, _ := t.parsed.LoadOrStore(parseKey{parser: name}, &parseOnce{})
	once := entry.(*parseOnce)
	once.once.Do(func() {
		once.inputs = t.inputs.within(func() { once.value = build() })
	})
	t.inputs.share(once.inputs)
	value, _ := once.value.(T)
	return value
}

// walker is one pass over the folders of a tree.
type walker struct {
	tree *Tree
	ctx  context.Context
}

// versionControl folders hold no files of the repository itself.
var versionControl = map[string]bool{".git": true, ".hg": true, ".svn": true, ".jj": true, ".bzr": true}

// vendored folders hold copies of foreign code: their lock files say nothing about this repository.
var vendored = map[string]bool{"node_modules": true, "vendor": true, "bower_components": true, "Pods": true, "site-packages": true}

func (w *walker) folder(dir string, parts []string, ignore *ignores, inVendored bool) error {
	if err := w.ctx.Err(); err != nil {
		return err
	}
	if len(parts) > w.tree.limits.Depth {
		w.notice("folder-too-deep", dir, fmt.Sprintf("%s is more than %d folders deep and was not looked at", dir, w.tree.limits.Depth))
		return nil
	}
	entries, err := fs.ReadDir(w.tree.fsys, dir)
	if err != nil {
		if dir == "." {
			return fmt.Errorf("read the root of the tree: %w", err)
		}
		w.notice("unreadable-folder", dir, fmt.Sprintf("%s can't be read: %v", dir, cause(err)))
		return nil
	}
	for _, e := range entries {
		if e.Name() == ".gitignore" && e.Type().IsRegular() && !w.tree.system {
			ignore = w.ignoreFile(path.Join(dir, e.Name()), parts, ignore)
		}
	}
	for _, e := range entries {
		name := path.Join(dir, e.Name())
		under := append(slices.Clip(parts), e.Name())
		if ignore.ignored(under, e.IsDir()) {
			continue
		}
		switch {
		case e.IsDir():
			if versionControl[e.Name()] && !w.tree.system {
				continue
			}
			if err := w.folder(name, under, ignore, inVendored || vendored[e.Name()]); err != nil {
				return err
			}
		case e.Type()&fs.ModeSymlink != 0:
			if !w.tree.system {
				w.link(name)
			}
		case e.Type().IsRegular():
			if err := w.file(name, e, inVendored); err != nil {
				return err
			}
		}
	}
	return nil
}

func (w *walker) file(name string, e fs.DirEntry, inVendored bool) error {
	if len(w.tree.files) >= w.tree.limits.Files {
		return fmt.Errorf("the tree has more than %d files; name a smaller folder or use skip", w.tree.limits.Files)
	}
	info, err := e.Info()
	if err != nil {
		w.notice("unreadable-file", name, fmt.Sprintf("%s can't be read: %v", name, cause(err)))
		return nil
	}
	w.tree.files = append(w.tree.files, File{Path: name, Size: info.Size(), Vendored: inVendored})
	return nil
}

// link says where a link leads nowhere that may be looked at. A link to a place inside the tree needs no notice: the
// walk finds its target under the target's own name.
func (w *walker) link(name string) {
	if _, err := fs.Stat(w.tree.fsys, name); err != nil && !errors.Is(err, fs.ErrNotExist) {
		w.notice("link-not-followed", name, fmt.Sprintf("%s is a link that leads out of the tree and was not followed", name))
	}
}

// maxIgnoreFile bounds a .gitignore; a larger one is not written by people.
const maxIgnoreFile = 1 << 20

func (w *walker) ignoreFile(name string, parts []string, ignore *ignores) *ignores {
	f, err := w.tree.fsys.Open(name)
	if err != nil {
		return ignore
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxIgnoreFile))
	if err != nil {
		return ignore
	}
	return ignore.with(ignoreLines(string(data)), parts)
}

func (w *walker) notice(code, name, message string) {
	w.tree.notices = append(w.tree.notices, Notice{Code: code, Message: message, Location: &Location{Path: name}})
}

// cause returns the reason inside a path error, whose path the message names already.
func cause(err error) error {
	if pathErr := (*fs.PathError)(nil); errors.As(err, &pathErr) {
		return pathErr.Err
	}
	return err
}
