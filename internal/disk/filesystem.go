package disk

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"slices"
	"strings"
	"sync"
	"time"
)

// layout is what one kind of file system knows: where an inode is, and what is in it. Its methods may be called by several
// goroutines at once.
type layout interface {
	root() uint64
	inode(number uint64) (*inode, error)
	// folder returns the entries of a folder, without those of itself and of its parent.
	folder(*inode) ([]entry, error)
	// target returns what a symbolic link says.
	target(*inode) (string, error)
	// extents returns where the content of a file lies, in order. What lies in none of them is zero.
	extents(*inode) ([]extent, error)
	device() io.ReaderAt
}

// inode is a file, folder or link.
type inode struct {
	number   uint64
	mode     fs.FileMode
	size     int64
	modified time.Time
	fork     []byte // of the layout: where the content lies, or the content itself
	flags    uint32 // of the layout
	inline   []byte // the content, where the inode holds all of it; nil elsewhere
}

// entry is a name in a folder. The type is fs.ModeIrregular where only the inode knows it.
type entry struct {
	name  string
	inode uint64
	kind  fs.FileMode
}

// extent is a run of bytes of a file.
type extent struct {
	at     int64 // in the file
	device int64 // in the file system
	length int64
}

// Bounds of one file system. Real ones are far below: a folder of 100,000 names is some 4 MB.
const (
	maxFolder  = 64 << 20 // bytes of one folder
	maxExtents = 1 << 18  // of one file
	maxLinks   = 40       // links on the way to a file, as Linux has it
	maxTarget  = 4096     // bytes of a link
	maxKept    = 1 << 20  // names of folders that are remembered
)

var (
	errCorrupt   = errors.New("the file system is damaged")
	errManyLinks = errors.New("too many levels of symbolic links")
	errEncrypted = errors.New("the file is encrypted")
	errTwice     = errors.New("the folder is in two places, so the file system is damaged")
)

// FS is a file system in an image, as an fs.FS that can only be read. Links are followed inside of it: an absolute one starts
// at its root, and .. ends there. Devices and sockets are names without content. It is safe for use by several goroutines as
// far as what it lies on is.
type FS struct {
	layout layout

	mu      sync.Mutex
	folders map[uint64]map[string]entry
	kept    int               // names in folders
	places  map[uint64]string // where each folder was first found
	mounts  map[string]*FS    // by the path of the folder that they hide
}

var (
	_ fs.ReadDirFS  = (*FS)(nil)
	_ fs.StatFS     = (*FS)(nil)
	_ fs.ReadLinkFS = (*FS)(nil)
)

func newFS(l layout) *FS {
	return &FS{layout: l, folders: map[uint64]map[string]entry{}, places: map[uint64]string{}, mounts: map[string]*FS{}}
}

// mount puts another file system over the folder at a path, which hides what is below it. It is for an FS that nobody reads yet.
func (f *FS) mount(at string, other *FS) { f.mounts[at] = other }

// guard turns a panic into an error, so that what is wrong with a reader is not the end of a scan. Everything in an image is
// somebody else's.
func guard(err *error) {
	if p := recover(); p != nil {
		*err = fmt.Errorf("%w: %v", errCorrupt, p)
	}
}

// names returns the entries of a folder by name.
func (f *FS) names(i *inode) (names map[string]entry, err error) {
	f.mu.Lock()
	names, ok := f.folders[i.number]
	f.mu.Unlock()
	if ok {
		return names, nil
	}
	list, err := f.layout.folder(i)
	if err != nil {
		return nil, err
	}
	names = make(map[string]entry, len(list))
	for _, e := range list {
		if e.name == "" || e.name == "." || e.name == ".." || strings.ContainsAny(e.name, "/\x00") {
			continue
		}
		if _, twice := names[e.name]; !twice {
			names[e.name] = e
		}
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.kept += len(names); f.kept > maxKept {
		clear(f.folders)
		f.kept = len(names)
	}
	f.folders[i.number] = names
	return names, nil
}

// spot is a file in one of the file systems.
type spot struct {
	fs    *FS
	inode *inode
	path  string // from the root of all, without links
}

// find walks to a file. follow says whether a link at the end is followed too.
func (f *FS) find(name string, follow bool) (at spot, err error) {
	defer guard(&err)
	if name != "." && (name == "" || path.Clean("/" + name)[1:] != name) {
		return spot{}, fs.ErrInvalid
	}
	root, err := f.layout.inode(f.layout.root())
	if err != nil {
		return spot{}, err
	}
	start := spot{f, root, "."}
	at = start
	var way []spot // the folders above at
	todo := strings.Split(name, "/")
	links := 0
	for len(todo) > 0 {
		part := todo[0]
		todo = todo[1:]
		switch part {
		case "", ".":
			continue
		case "..":
			if len(way) > 0 {
				at, way = way[len(way)-1], way[:len(way)-1]
			}
			continue
		}
		if !at.inode.mode.IsDir() {
			return spot{}, fs.ErrNotExist
		}
		names, err := at.fs.names(at.inode)
		if err != nil {
			return spot{}, err
		}
		e, ok := names[part]
		if !ok {
			return spot{}, fs.ErrNotExist
		}
		i, err := at.fs.layout.inode(e.inode)
		if err != nil {
			return spot{}, err
		}
		if i.mode&fs.ModeSymlink != 0 && (follow || len(todo) > 0) {
			if links++; links > maxLinks {
				return spot{}, errManyLinks
			}
			target, err := at.fs.layout.target(i)
			if err != nil {
				return spot{}, err
			}
			if strings.HasPrefix(target, "/") {
				at, way = start, nil
			}
			todo = append(strings.Split(target, "/"), todo...)
			continue
		}
		next := spot{at.fs, i, path.Join(at.path, part)}
		if over := f.mounts[next.path]; over != nil && i.mode.IsDir() {
			root, err := over.layout.inode(over.layout.root())
			if err != nil {
				return spot{}, err
			}
			next.fs, next.inode = over, root
		}
		way = append(way, at)
		at = next
	}
	return at, nil
}

// once makes sure that a folder is in one place only: one that contains a folder above it has no end.
func (s spot) once() error {
	s.fs.mu.Lock()
	defer s.fs.mu.Unlock()
	if known, ok := s.fs.places[s.inode.number]; ok && known != s.path {
		return errTwice
	}
	s.fs.places[s.inode.number] = s.path
	return nil
}

// ReadDir returns the entries of a folder in order of their names.
func (f *FS) ReadDir(name string) (list []fs.DirEntry, err error) {
	defer guard(&err)
	at, err := f.find(name, true)
	if err != nil {
		return nil, &fs.PathError{Op: "readdir", Path: name, Err: err}
	}
	if !at.inode.mode.IsDir() {
		return nil, &fs.PathError{Op: "readdir", Path: name, Err: errors.New("not a folder")}
	}
	if err := at.once(); err != nil {
		return nil, &fs.PathError{Op: "readdir", Path: name, Err: err}
	}
	names, err := at.fs.names(at.inode)
	if err != nil {
		return nil, &fs.PathError{Op: "readdir", Path: name, Err: err}
	}
	list = make([]fs.DirEntry, 0, len(names))
	for _, e := range names {
		if e.kind == fs.ModeIrregular {
			if i, err := at.fs.layout.inode(e.inode); err == nil {
				e.kind = i.mode.Type()
			}
		}
		list = append(list, dirEntry{at.fs, e})
	}
	slices.SortFunc(list, func(a, b fs.DirEntry) int { return strings.Compare(a.Name(), b.Name()) })
	return list, nil
}

type dirEntry struct {
	fs *FS
	entry
}

func (e dirEntry) Name() string      { return e.name }
func (e dirEntry) IsDir() bool       { return e.kind.IsDir() }
func (e dirEntry) Type() fs.FileMode { return e.kind }
func (e dirEntry) Info() (info fs.FileInfo, err error) {
	defer guard(&err)
	i, err := e.fs.layout.inode(e.inode)
	if err != nil {
		return nil, err
	}
	return fileInfo{e.name, i}, nil
}

type fileInfo struct {
	name string
	*inode
}

func (i fileInfo) Name() string       { return i.name }
func (i fileInfo) Size() int64        { return i.size }
func (i fileInfo) Mode() fs.FileMode  { return i.mode }
func (i fileInfo) ModTime() time.Time { return i.modified }
func (i fileInfo) IsDir() bool        { return i.mode.IsDir() }
func (i fileInfo) Sys() any           { return nil }

// Stat describes the file that a name leads to.
func (f *FS) Stat(name string) (fs.FileInfo, error) { return f.stat("stat", name, true) }

// Lstat describes a file, or the link of that name.
func (f *FS) Lstat(name string) (fs.FileInfo, error) { return f.stat("lstat", name, false) }

func (f *FS) stat(op, name string, follow bool) (fs.FileInfo, error) {
	at, err := f.find(name, follow)
	if err != nil {
		return nil, &fs.PathError{Op: op, Path: name, Err: err}
	}
	return fileInfo{path.Base(name), at.inode}, nil
}

// ReadLink returns what a link says, whether or not that is there.
func (f *FS) ReadLink(name string) (target string, err error) {
	defer guard(&err)
	at, err := f.find(name, false)
	if err == nil && at.inode.mode&fs.ModeSymlink == 0 {
		err = fs.ErrInvalid
	}
	if err == nil {
		target, err = at.fs.layout.target(at.inode)
	}
	if err != nil {
		return "", &fs.PathError{Op: "readlink", Path: name, Err: err}
	}
	return target, nil
}

// Open opens a file for reading; a regular one is an io.ReaderAt and an io.Seeker as well.
func (f *FS) Open(name string) (file fs.File, err error) {
	defer guard(&err)
	at, err := f.find(name, true)
	if err != nil {
		return nil, &fs.PathError{Op: "open", Path: name, Err: err}
	}
	info := fileInfo{path.Base(name), at.inode}
	switch {
	case at.inode.mode.IsDir():
		list, err := f.ReadDir(name)
		if err != nil {
			return nil, err
		}
		return &folder{info: info, list: list}, nil
	case !at.inode.mode.IsRegular():
		return nil, &fs.PathError{Op: "open", Path: name, Err: errors.New("a device has no content")}
	}
	content, err := at.fs.content(at.inode)
	if err != nil {
		return nil, &fs.PathError{Op: "open", Path: name, Err: err}
	}
	return &regular{io.NewSectionReader(content, 0, at.inode.size), info}, nil
}

// content returns the bytes of an inode.
func (f *FS) content(i *inode) (io.ReaderAt, error) { return contentOf(f.layout, i) }

func contentOf(l layout, i *inode) (io.ReaderAt, error) {
	if i.inline != nil {
		return strings.NewReader(string(i.inline)), nil
	}
	extents, err := l.extents(i)
	if err != nil {
		return nil, err
	}
	return &runs{l.device(), extents, i.size}, nil
}

// runs is the content of a file that lies in extents.
type runs struct {
	device  io.ReaderAt
	extents []extent
	size    int64
}

// ReadAt reads as io.ReaderAt has it.
func (r *runs) ReadAt(p []byte, off int64) (n int, err error) {
	defer guard(&err)
	if off < 0 {
		return 0, fs.ErrInvalid
	}
	if off >= r.size {
		return 0, io.EOF
	}
	want := int64(len(p))
	if left := r.size - off; want > left {
		want, err = left, io.EOF
	}
	p = p[:want]
	k, _ := slices.BinarySearchFunc(r.extents, off, func(e extent, off int64) int { return cmp.Compare(e.at+e.length, off+1) })
	for len(p) > 0 {
		var part int64
		if k < len(r.extents) && r.extents[k].at <= off {
			e := r.extents[k]
			part = min(int64(len(p)), e.at+e.length-off)
			if got, err := r.device.ReadAt(p[:part], e.device+off-e.at); int64(got) < part {
				if err == nil || errors.Is(err, io.EOF) {
					err = fmt.Errorf("%w: a file ends behind the end of the image", errCorrupt)
				}
				return n + got, err
			}
			k++
		} else { // a hole
			part = int64(len(p))
			if k < len(r.extents) {
				part = min(part, r.extents[k].at-off)
			}
			clear(p[:part])
		}
		p, off, n = p[part:], off+part, n+int(part)
	}
	return n, err
}

// inOrder checks that extents follow each other, which the search relies on.
func inOrder(extents []extent) error {
	end := int64(0)
	for _, e := range extents {
		if e.at < end || e.length <= 0 || e.device < 0 || e.at+e.length < e.at {
			return errCorrupt
		}
		end = e.at + e.length
	}
	return nil
}

// readAll returns the content of an inode of at most limit bytes.
func readAll(l layout, i *inode, limit int64) ([]byte, error) {
	if i.size < 0 || i.size > limit {
		return nil, errCorrupt
	}
	content, err := contentOf(l, i)
	if err != nil {
		return nil, err
	}
	data := make([]byte, i.size)
	if n, err := content.ReadAt(data, 0); int64(n) < i.size {
		return nil, cmp.Or(err, io.ErrUnexpectedEOF)
	}
	return data, nil
}

type regular struct {
	*io.SectionReader
	info fileInfo
}

func (r *regular) Stat() (fs.FileInfo, error) { return r.info, nil }
func (r *regular) Close() error               { return nil }

type folder struct {
	info fileInfo
	list []fs.DirEntry
}

func (d *folder) Stat() (fs.FileInfo, error) { return d.info, nil }
func (d *folder) Close() error               { return nil }
func (d *folder) Read([]byte) (int, error) {
	return 0, &fs.PathError{Op: "read", Path: d.info.name, Err: errors.New("is a folder")}
}

// ReadDir returns the next entries, as fs.ReadDirFile has it.
func (d *folder) ReadDir(n int) ([]fs.DirEntry, error) {
	if n <= 0 || n > len(d.list) {
		if n > 0 && len(d.list) == 0 {
			return nil, io.EOF
		}
		n = len(d.list)
	}
	list := d.list[:n]
	d.list = d.list[n:]
	return list, nil
}

// modeOf returns the mode of an inode as Unix writes it.
func modeOf(m uint16) fs.FileMode {
	mode := fs.FileMode(m & 0o777)
	if m&0o1000 != 0 {
		mode |= fs.ModeSticky
	}
	if m&0o2000 != 0 {
		mode |= fs.ModeSetgid
	}
	if m&0o4000 != 0 {
		mode |= fs.ModeSetuid
	}
	switch m & 0xf000 {
	case 0x8000:
		return mode
	case 0x4000:
		return mode | fs.ModeDir
	case 0xa000:
		return mode | fs.ModeSymlink
	case 0x6000:
		return mode | fs.ModeDevice
	case 0x2000:
		return mode | fs.ModeDevice | fs.ModeCharDevice
	case 0x1000:
		return mode | fs.ModeNamedPipe
	case 0xc000:
		return mode | fs.ModeSocket
	}
	return mode | fs.ModeIrregular
}

// kindOf returns the type of an entry as both kinds of folders write it.
func kindOf(b byte) fs.FileMode {
	switch b {
	case 1:
		return 0
	case 2:
		return fs.ModeDir
	case 3:
		return fs.ModeDevice | fs.ModeCharDevice
	case 4:
		return fs.ModeDevice
	case 5:
		return fs.ModeNamedPipe
	case 6:
		return fs.ModeSocket
	case 7:
		return fs.ModeSymlink
	}
	return fs.ModeIrregular
}
