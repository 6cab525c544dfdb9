package disk

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strings"
	"time"
)

// ext reads ext2, ext3 and ext4.
// Source: https://www.kernel.org/doc/html/latest/filesystems/ext4/
type ext struct {
	dev             io.ReaderAt
	blockSize       int64
	inodeSize       int64
	inodes          uint64
	inodesPerGroup  uint64
	blocksPerGroup  uint64
	firstData       uint64
	descriptorSize  int64
	firstMeta       uint64 // the first group of groups that have descriptors of their own
	metaGroups      bool
	sparse, sparse2 bool
	backups         [2]uint32
	kinds           bool // entries of folders say what they are
}

// The features that change how content is found. One that is not here does not (a journal of its own, checksums, ...).
const (
	extFileType    = 0x2
	extRecover     = 0x4
	extJournalOnly = 0x8
	extMetaGroups  = 0x10
	ext64Bit       = 0x80
	extKnown       = extFileType | extRecover | extMetaGroups | 0x40 /* extents */ | ext64Bit | 0x100 /* several mounts */ |
		0x200 /* flexible groups */ | 0x400 /* attributes in inodes */ | 0x2000 /* seed of checksums */ | 0x4000 /* large folders */ |
		0x8000 /* content in inodes */ | 0x10000 /* encrypted files */ | 0x20000 /* names without case */
)

// Flags of inodes.
const (
	extEncryptedFlag = 0x800
	extExtentsFlag   = 0x80000
	extInlineFlag    = 0x10000000
)

const extRoot = 2

// openExt opens an ext file system that begins at the first byte of a device.
func openExt(dev io.ReaderAt, super []byte) (*ext, error) {
	le := binary.LittleEndian
	incompatible, readOnly := le.Uint32(super[0x60:]), le.Uint32(super[0x64:])
	switch {
	case incompatible&extJournalOnly != 0:
		return nil, errors.New("it is the journal of another file system")
	case incompatible&^uint32(extKnown) != 0:
		return nil, fmt.Errorf("its features %#x are not known", incompatible&^uint32(extKnown))
	case le.Uint32(super[0x18:]) > 6:
		return nil, errCorrupt
	}
	e := &ext{
		dev: dev, blockSize: 1024 << le.Uint32(super[0x18:]), inodes: uint64(le.Uint32(super[0x0:])),
		firstData: uint64(le.Uint32(super[0x14:])), blocksPerGroup: uint64(le.Uint32(super[0x20:])), inodesPerGroup: uint64(le.Uint32(super[0x28:])),
		inodeSize: 128, descriptorSize: 32, firstMeta: uint64(le.Uint32(super[0x104:])), metaGroups: incompatible&extMetaGroups != 0,
		sparse: readOnly&1 != 0, sparse2: le.Uint32(super[0x5c:])&0x200 != 0, kinds: incompatible&extFileType != 0,
		backups: [2]uint32{le.Uint32(super[0x24c:]), le.Uint32(super[0x250:])},
	}
	if le.Uint32(super[0x4c:]) > 0 {
		e.inodeSize = int64(le.Uint16(super[0x58:]))
	}
	if size := int64(le.Uint16(super[0xfe:])); incompatible&ext64Bit != 0 && size >= 64 {
		e.descriptorSize = size
	}
	if e.inodesPerGroup == 0 || e.blocksPerGroup == 0 || e.inodeSize < 128 || e.inodeSize > e.blockSize || e.descriptorSize > 1024 {
		return nil, errCorrupt
	}
	return e, nil
}

func (e *ext) device() io.ReaderAt { return e.dev }
func (e *ext) root() uint64        { return extRoot }

// read reads bytes of the file system, all of them.
func (e *ext) read(size, at int64) ([]byte, error) { return readFull(e.dev, size, at) }

func readFull(dev io.ReaderAt, size, at int64) ([]byte, error) {
	data := make([]byte, size)
	if n, err := dev.ReadAt(data, at); int64(n) < size {
		if err == nil || errors.Is(err, io.EOF) {
			err = fmt.Errorf("%w: it ends at byte %d", errCorrupt, at+int64(n))
		}
		return nil, err
	}
	return data, nil
}

// descriptor returns the place of the descriptor of a group of blocks.
func (e *ext) descriptor(group uint64) int64 {
	perBlock := uint64(e.blockSize / e.descriptorSize)
	block := e.firstData + 1 + group/perBlock
	if meta := group / perBlock; e.metaGroups && meta >= e.firstMeta {
		first := meta * perBlock
		block = e.firstData + first*e.blocksPerGroup
		if e.hasSuper(first) {
			block++
		}
	}
	return int64(block)*e.blockSize + int64(group%perBlock)*e.descriptorSize
}

// hasSuper reports whether a group begins with a copy of the super block.
func (e *ext) hasSuper(group uint64) bool {
	switch {
	case group == 0:
		return true
	case e.sparse2:
		return group == uint64(e.backups[0]) || group == uint64(e.backups[1])
	case group == 1 || !e.sparse:
		return true
	}
	for _, base := range []uint64{3, 5, 7} {
		power := base
		for power < group {
			power *= base
		}
		if power == group {
			return true
		}
	}
	return false
}

func (e *ext) inode(number uint64) (*inode, error) {
	if number == 0 || number > e.inodes {
		return nil, errCorrupt
	}
	le := binary.LittleEndian
	group, index := (number-1)/e.inodesPerGroup, (number-1)%e.inodesPerGroup
	descriptor, err := e.read(e.descriptorSize, e.descriptor(group))
	if err != nil {
		return nil, err
	}
	table := int64(le.Uint32(descriptor[0x8:]))
	if e.descriptorSize >= 64 {
		table |= int64(le.Uint32(descriptor[0x28:])) << 32
	}
	if table <= 0 || table > 1<<48/e.blockSize {
		return nil, errCorrupt
	}
	raw, err := e.read(e.inodeSize, table*e.blockSize+int64(index)*e.inodeSize)
	if err != nil {
		return nil, err
	}
	i := &inode{
		number: number, mode: modeOf(le.Uint16(raw)), flags: le.Uint32(raw[0x20:]), fork: raw[0x28:0x64],
		size:     int64(le.Uint32(raw[0x4:])) | int64(le.Uint32(raw[0x6c:]))<<32,
		modified: time.Unix(int64(int32(le.Uint32(raw[0x10:]))), 0),
	}
	if i.size < 0 {
		return nil, errCorrupt
	}
	if i.flags&extInlineFlag != 0 {
		i.inline = append(bytes.Clone(i.fork), extInlineRest(raw)...)
		i.inline = i.inline[:min(int64(len(i.inline)), i.size)]
		i.size = int64(len(i.inline))
	}
	return i, nil
}

// extInlineRest returns the content of an inode that does not fit into its 60 bytes: the value of the attribute system.data
// behind them (https://www.kernel.org/doc/html/latest/filesystems/ext4/inlinedata.html).
func extInlineRest(raw []byte) []byte {
	le := binary.LittleEndian
	if len(raw) < 0x84 {
		return nil
	}
	at := 0x80 + int(le.Uint16(raw[0x80:]))
	if at+4 > len(raw) || le.Uint32(raw[at:]) != 0xea020000 {
		return nil
	}
	first := at + 4
	for at = first; at+16 <= len(raw); {
		length := int(raw[at])
		if length == 0 && raw[at+1] == 0 {
			break
		}
		name := at + 16
		if name+length > len(raw) {
			break
		}
		if raw[at+1] == 7 && string(raw[name:name+length]) == "data" {
			from, size := first+int(le.Uint16(raw[at+2:])), int(le.Uint32(raw[at+8:]))
			if size < 0 || from+size > len(raw) || from+size < from {
				return nil
			}
			return raw[from : from+size]
		}
		at = name + (length+3)&^3
	}
	return nil
}

func (e *ext) folder(i *inode) ([]entry, error) {
	if i.flags&extEncryptedFlag != 0 {
		return nil, errEncrypted
	}
	if i.inline != nil { // the number of the parent, then entries; those of the attribute begin anew
		parts := [][]byte{nil, nil}
		if len(i.inline) > 4 {
			parts[0] = i.inline[4:min(60, len(i.inline))]
		}
		if len(i.inline) > 60 {
			parts[1] = i.inline[60:]
		}
		return append(e.entries(parts[0], nil), e.entries(parts[1], nil)...), nil
	}
	data, err := readAll(e, i, maxFolder)
	if err != nil {
		return nil, err
	}
	// The index of a large folder lies in blocks that look as if they had one entry, which is not used.
	var list []entry
	for len(data) > 0 {
		block := data[:min(int64(len(data)), e.blockSize)]
		list = e.entries(block, list)
		data = data[len(block):]
	}
	return list, nil
}

// entries adds the entries of one block of a folder.
func (e *ext) entries(block []byte, list []entry) []entry {
	le := binary.LittleEndian
	for len(block) >= 8 {
		length, name := int(le.Uint16(block[4:])), int(block[6])
		if length == 0xffff || length == 0 && e.blockSize == 1<<16 { // blocks of 64 KiB do not fit into 16 bits
			length = len(block)
		}
		if !e.kinds {
			name = int(le.Uint16(block[6:]))
		}
		if length < 8 || length > len(block) || 8+name > length {
			break // what is behind it can't be found
		}
		if number := le.Uint32(block); number != 0 {
			one := entry{name: string(block[8 : 8+name]), inode: uint64(number), kind: fs.ModeIrregular}
			if e.kinds {
				one.kind = kindOf(block[7])
			}
			if one.name != "." && one.name != ".." {
				list = append(list, one)
			}
		}
		block = block[length:]
	}
	return list
}

func (e *ext) target(i *inode) (string, error) {
	if i.flags&extEncryptedFlag != 0 {
		return "", errEncrypted
	}
	if i.inline == nil && i.size < 60 && i.flags&extExtentsFlag == 0 {
		return strings.TrimRight(string(i.fork[:i.size]), "\x00"), nil
	}
	data, err := readAll(e, i, maxTarget)
	return string(data), err
}

func (e *ext) extents(i *inode) ([]extent, error) {
	if i.flags&extEncryptedFlag != 0 {
		return nil, errEncrypted
	}
	w := &extWalk{ext: e}
	var err error
	if i.flags&extExtentsFlag != 0 {
		err = w.tree(i.fork, -1)
	} else {
		err = w.map3(i)
	}
	if err == nil {
		err = inOrder(w.found)
	}
	return w.found, err
}

// extWalk collects the extents of one file.
type extWalk struct {
	*ext
	found  []extent
	walked int // blocks that were read on the way
}

var errScattered = fmt.Errorf("%w: a file lies in more than %d pieces", errCorrupt, maxExtents)

func (w *extWalk) add(logical, physical, blocks int64) error {
	x := extent{logical * w.blockSize, physical * w.blockSize, blocks * w.blockSize}
	if last := len(w.found) - 1; last >= 0 {
		if l := &w.found[last]; l.at+l.length == x.at && l.device+l.length == x.device {
			l.length += x.length
			return nil
		}
	}
	if len(w.found) >= maxExtents {
		return errScattered
	}
	w.found = append(w.found, x)
	return nil
}

// block reads a block that says where others are.
func (w *extWalk) block(number int64) ([]byte, error) {
	if w.walked++; w.walked > maxExtents {
		return nil, errScattered
	}
	if number > 1<<48/w.blockSize {
		return nil, errCorrupt
	}
	return w.ext.read(w.blockSize, number*w.blockSize)
}

// maxExtDepth is how deep a tree of extents can be.
const maxExtDepth = 5

// tree reads one node of a tree of extents; depth is what the node above promises, or -1 for the root.
func (w *extWalk) tree(node []byte, depth int) error {
	le := binary.LittleEndian
	if len(node) < 12 || le.Uint16(node) != 0xf30a {
		return errCorrupt
	}
	n, own := int(le.Uint16(node[2:])), int(le.Uint16(node[6:]))
	if depth >= 0 && own != depth || own > maxExtDepth || 12+n*12 > len(node) {
		return errCorrupt
	}
	for k := range n {
		x := node[12+k*12:]
		if own > 0 {
			below, err := w.block(int64(le.Uint32(x[4:])) | int64(le.Uint16(x[8:]))<<32)
			if err != nil {
				return err
			}
			if err := w.tree(below, own-1); err != nil {
				return err
			}
			continue
		}
		blocks := int64(le.Uint16(x[4:]))
		if blocks > 1<<15 { // set aside and never written
			continue
		}
		if err := w.add(int64(le.Uint32(x)), int64(le.Uint32(x[8:]))|int64(le.Uint16(x[6:]))<<32, blocks); err != nil {
			return err
		}
	}
	return nil
}

// map3 reads the older form: twelve blocks, then lists of blocks of up to three levels.
func (w *extWalk) map3(i *inode) error {
	total := (i.size + w.blockSize - 1) / w.blockSize
	at := int64(0)
	le := binary.LittleEndian
	for k := 0; k < 12 && at < total; k++ {
		if number := le.Uint32(i.fork[k*4:]); number != 0 {
			if err := w.add(at, int64(number), 1); err != nil {
				return err
			}
		}
		at++
	}
	for level := range 3 {
		if err := w.list(int64(le.Uint32(i.fork[(12+level)*4:])), level, &at, total); err != nil {
			return err
		}
	}
	return nil
}

// list reads a list of blocks, each of which is a list itself where level is not 0.
func (w *extWalk) list(number int64, level int, at *int64, total int64) error {
	if *at >= total {
		return nil
	}
	perBlock := w.blockSize / 4
	if number == 0 { // a hole
		span := int64(1)
		for range level + 1 {
			span *= perBlock
		}
		*at += span
		return nil
	}
	block, err := w.block(number)
	if err != nil {
		return err
	}
	for k := int64(0); k < perBlock && *at < total; k++ {
		next := int64(binary.LittleEndian.Uint32(block[k*4:]))
		if level > 0 {
			if err := w.list(next, level-1, at, total); err != nil {
				return err
			}
			continue
		}
		if next != 0 {
			if err := w.add(*at, next, 1); err != nil {
				return err
			}
		}
		*at++
	}
	return nil
}
