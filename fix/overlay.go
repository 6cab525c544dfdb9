package fix

import (
	"bytes"
	"io"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"
	"time"
)

// overlay is a file system with some files of its own over those of another. Folders are those of the other; a file of
// a folder that is new there makes it.
type overlay struct {
	under fs.FS
	files map[string][]byte
}

func (o *overlay) Open(name string) (fs.File, error) {
	if data, ok := o.files[name]; ok {
		return &overlayFile{info: overlayInfo{name: path.Base(name), size: int64(len(data))}, Reader: bytes.NewReader(data)}, nil
	}
	return o.under.Open(name)
}

// ReadDir lists a folder with the files that are over it.
func (o *overlay) ReadDir(name string) ([]fs.DirEntry, error) {
	entries, err := fs.ReadDir(o.under, name)
	added := map[string]fs.DirEntry{}
	for file, data := range o.files {
		rest, ok := file, true
		if name != "." {
			rest, ok = strings.CutPrefix(file, name+"/")
		}
		if !ok {
			continue
		}
		first, _, folder := strings.Cut(rest, "/")
		info := overlayInfo{name: first, size: int64(len(data)), folder: folder}
		added[first] = fs.FileInfoToDirEntry(info)
	}
	if len(added) == 0 {
		return entries, err
	}
	all := map[string]fs.DirEntry{}
	for _, e := range entries {
		all[e.Name()] = e
	}
	for first, e := range added {
		if have, ok := all[first]; !ok || !have.IsDir() {
			all[first] = e
		}
	}
	return slices.SortedFunc(maps.Values(all), func(a, b fs.DirEntry) int { return strings.Compare(a.Name(), b.Name()) }), nil
}

type overlayInfo struct {
	name   string
	size   int64
	folder bool
}

func (i overlayInfo) Name() string { return i.name }
func (i overlayInfo) Size() int64  { return i.size }
func (i overlayInfo) Mode() fs.FileMode {
	if i.folder {
		return fs.ModeDir | 0o755
	}
	return 0o644
}
func (i overlayInfo) ModTime() time.Time { return time.Time{} }
func (i overlayInfo) IsDir() bool        { return i.folder }
func (i overlayInfo) Sys() any           { return nil }

type overlayFile struct {
	info overlayInfo
	*bytes.Reader
}

func (f *overlayFile) Stat() (fs.FileInfo, error) { return f.info, nil }
func (f *overlayFile) Close() error               { return nil }

var _ io.ReadSeeker = (*overlayFile)(nil)
