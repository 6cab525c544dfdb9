package disk

import (
	"archive/tar"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"strings"
	"time"
)

// Layers is the root file system of a container image in the making: the layers are added from the lowest to the highest.
// Contents are written one behind the other to a file, which belongs to the caller and is read as long as the FS is.
//
// Source: https://github.com/opencontainers/image-spec/blob/main/layer.md
type Layers struct {
	file  File
	nodes []*node // by their numbers; the first is none, the second the root
	layer int
	size  int64 // written to the file
	read  int64 // of the archives
}

// File is where the contents of layers are kept.
type File interface {
	io.ReaderAt
	io.WriterAt
}

// node is a file of a layer.
type node struct {
	number   uint64
	mode     fs.FileMode
	size, at int64
	target   string
	modified time.Time
	children map[string]*node // of a folder
	layer    int              // that wrote it last
}

// Bounds of an image: the largest that are published unpack to some 30 GB.
const (
	maxLayerBytes = 32 << 30
	maxNodes      = 4_000_000
	maxNodePath   = 4096
)

// NewLayers returns an empty root file system.
func NewLayers(file File) *Layers {
	l := &Layers{file: file, nodes: []*node{nil}}
	l.add(&node{mode: fs.ModeDir | 0o755})
	return l
}

// FS returns what the layers so far make.
func (l *Layers) FS() *FS { return newFS(l) }

func (l *Layers) add(n *node) *node {
	n.number, n.layer = uint64(len(l.nodes)), l.layer
	if n.mode.IsDir() {
		n.children = map[string]*node{}
	}
	l.nodes = append(l.nodes, n)
	return n
}

// Add puts a layer, which is a tar archive, over those before.
func (l *Layers) Add(ctx context.Context, r io.Reader) error {
	l.layer++
	archive := tar.NewReader(&counted{r, &l.read})
	for {
		h, err := archive.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		if len(l.nodes) > maxNodes {
			return fmt.Errorf("more than %d files", maxNodes)
		}
		if len(h.Name) > maxNodePath {
			return fmt.Errorf("a name of more than %d bytes", maxNodePath)
		}
		if err := l.entry(h, archive); err != nil {
			return fmt.Errorf("%q: %w", h.Name, err)
		}
	}
}

// counted counts what is read of an archive.
type counted struct {
	io.Reader
	n *int64
}

func (c *counted) Read(p []byte) (int, error) {
	n, err := c.Reader.Read(p)
	*c.n += int64(n)
	return n, err
}

// The marks of what a layer removes.
const (
	whiteout = ".wh."
	opaque   = ".wh..wh..opq"
)

func (l *Layers) entry(h *tar.Header, content io.Reader) error {
	dir, base := path.Split(path.Clean("/" + h.Name))
	if base == "" { // the root itself
		return nil
	}
	parent, err := l.folderAt(dir)
	if err != nil {
		return err
	}
	switch {
	case base == opaque:
		l.hide(parent)
		return nil
	case strings.HasPrefix(base, whiteout):
		delete(parent.children, strings.TrimPrefix(base, whiteout))
		return nil
	}
	n := &node{mode: h.FileInfo().Mode(), modified: h.ModTime}
	switch h.Typeflag {
	case tar.TypeDir:
		if have := parent.children[base]; have != nil && have.mode.IsDir() {
			have.mode, have.modified, have.layer = n.mode, n.modified, l.layer
			return nil
		}
	case tar.TypeSymlink:
		if len(h.Linkname) > maxTarget {
			return fmt.Errorf("a link of more than %d bytes", maxTarget)
		}
		n.target = h.Linkname
	case tar.TypeLink: // another name of a file
		have, err := l.nodeAt(path.Clean("/" + h.Linkname))
		if err != nil || have.mode.IsDir() {
			return fmt.Errorf("is another name of %q, which is not there", h.Linkname)
		}
		parent.children[base] = have
		return nil
	case tar.TypeReg:
		n.at = l.size
		written, err := io.Copy(&appender{l}, content)
		if err != nil {
			return err
		}
		n.size = written
	}
	parent.children[base] = l.add(n)
	return nil
}

// hide removes from a folder what the layers below put there.
func (l *Layers) hide(n *node) {
	for name, child := range n.children {
		switch {
		case child.layer < l.layer:
			delete(n.children, name)
		case child.mode.IsDir():
			l.hide(child)
		}
	}
}

// appender writes behind what is in the file.
type appender struct{ *Layers }

func (a *appender) Write(p []byte) (int, error) {
	if a.size+int64(len(p)) > a.read { // an archive can write a terabyte of zeros in a few bytes
		return 0, errors.New("a file with holes, which layers do not have")
	}
	if a.size+int64(len(p)) > maxLayerBytes {
		return 0, fmt.Errorf("the image unpacks to more than %d GiB", maxLayerBytes>>30)
	}
	n, err := a.file.WriteAt(p, a.size)
	a.size += int64(n)
	return n, err
}

// folderAt returns a folder, made where it is not there. Links on the way lead to where they lead inside the image.
func (l *Layers) folderAt(dir string) (*node, error) {
	return l.walk(dir, true)
}

func (l *Layers) nodeAt(name string) (*node, error) {
	dir, base := path.Split(name)
	parent, err := l.walk(dir, false)
	if err != nil {
		return nil, err
	}
	if n := parent.children[base]; n != nil {
		return n, nil
	}
	return nil, fs.ErrNotExist
}

func (l *Layers) walk(dir string, makes bool) (*node, error) {
	at := l.nodes[1]
	way := []*node{}
	links := 0
	for todo := strings.Split(dir, "/"); len(todo) > 0; {
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
		next := at.children[part]
		switch {
		case next != nil && next.mode&fs.ModeSymlink != 0:
			if links++; links > maxLinks {
				return nil, errManyLinks
			}
			if strings.HasPrefix(next.target, "/") {
				at, way = l.nodes[1], way[:0]
			}
			todo = append(strings.Split(next.target, "/"), todo...)
			continue
		case next != nil && next.mode.IsDir():
		case !makes:
			return nil, fs.ErrNotExist
		default: // what is no folder gives way to one
			next = l.add(&node{mode: fs.ModeDir | 0o755})
			at.children[part] = next
		}
		if makes {
			next.layer = l.layer // it has something of this layer, whatever the layer hides
		}
		way = append(way, at)
		at = next
	}
	return at, nil
}

func (l *Layers) root() uint64        { return 1 }
func (l *Layers) device() io.ReaderAt { return l.file }

func (l *Layers) inode(number uint64) (*inode, error) {
	if number == 0 || number >= uint64(len(l.nodes)) {
		return nil, errCorrupt
	}
	n := l.nodes[number]
	return &inode{number: number, mode: n.mode, size: n.size, modified: n.modified}, nil
}

func (l *Layers) folder(i *inode) ([]entry, error) {
	n := l.nodes[i.number]
	list := make([]entry, 0, len(n.children))
	for name, child := range n.children {
		list = append(list, entry{name, child.number, child.mode.Type()})
	}
	return list, nil
}

func (l *Layers) target(i *inode) (string, error) { return l.nodes[i.number].target, nil }

func (l *Layers) extents(i *inode) ([]extent, error) {
	n := l.nodes[i.number]
	if n.size == 0 {
		return nil, nil
	}
	return []extent{{0, n.at, n.size}}, nil
}
