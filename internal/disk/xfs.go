package disk

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strings"
	"time"
)

// xfs reads XFS, with and without checksums (versions 5 and 4).
// Source: https://docs.kernel.org/filesystems/xfs/ and "XFS Algorithms & Data Structures", 3rd edition.
type xfs struct {
	dev         io.ReaderAt
	blockSize   int64
	inodeSize   int64
	folderBlock int64 // bytes of a block of a folder
	groupBlocks int64 // blocks of an allocation group
	groups      int64
	first       uint64 // the inode of /
	groupLog    uint   // bits of a block's number within its group
	perBlockLog uint   // bits of an inode's number within its block
	five        bool
	kinds       bool
}

// Features without which content can be found all the same, or that are known here.
const (
	xfsFileType    = 0x1
	xfsNeedsRepair = 0x10
	xfsKnown       = xfsFileType | 0x2 /* sparse inodes */ | 0x4 /* another id */ | 0x8 /* times past 2038 */ | xfsNeedsRepair |
		0x20 /* large counts */ | 0x40 /* exchanged ranges */ | 0x80 /* parents */ | 0x100 /* folder of metadata */
)

// openXFS opens a file system whose super block is given.
func openXFS(dev io.ReaderAt, super []byte) (*xfs, error) {
	be := binary.BigEndian
	x := &xfs{
		dev: dev, blockSize: int64(be.Uint32(super[4:])), inodeSize: int64(be.Uint16(super[104:])), first: be.Uint64(super[56:]),
		groupBlocks: int64(be.Uint32(super[84:])), groups: int64(be.Uint32(super[88:])), groupLog: uint(super[124]), perBlockLog: uint(super[123]),
	}
	switch version := be.Uint16(super[100:]) & 0xf; version {
	case 4:
		x.kinds = be.Uint32(super[200:])&0x200 != 0
	case 5:
		x.five = true
		features := be.Uint32(super[216:])
		x.kinds = features&xfsFileType != 0
		if features&^uint32(xfsKnown) != 0 {
			return nil, fmt.Errorf("its features %#x are not known", features&^uint32(xfsKnown))
		}
	default:
		return nil, fmt.Errorf("version %d of XFS is not known", version)
	}
	folderLog := uint(super[192])
	if x.blockSize < 512 || x.blockSize > 1<<16 || x.inodeSize < 256 || x.inodeSize > x.blockSize || x.groupBlocks == 0 || x.groups == 0 ||
		x.groupLog > 31 || x.perBlockLog > 8 || folderLog > 7 || x.blockSize<<folderLog > 1<<16 || x.inodeSize<<x.perBlockLog > x.blockSize {
		return nil, errCorrupt
	}
	x.folderBlock = x.blockSize << folderLog
	return x, nil
}

func (x *xfs) device() io.ReaderAt { return x.dev }
func (x *xfs) root() uint64        { return x.first }

// block returns the place of a block, whose number has that of its allocation group in front.
func (x *xfs) block(number uint64) (int64, error) {
	group, in := number>>x.groupLog, int64(number&(1<<x.groupLog-1))
	if group >= uint64(x.groups) || in >= x.groupBlocks {
		return 0, errCorrupt
	}
	return (int64(group)*x.groupBlocks + in) * x.blockSize, nil
}

// The forms in which an inode has its content.
const (
	xfsLocal   = 1
	xfsExtents = 2
	xfsTree    = 3
)

func (x *xfs) inode(number uint64) (*inode, error) {
	at, err := x.block(number >> x.perBlockLog)
	if err != nil {
		return nil, err
	}
	raw, err := readFull(x.dev, x.inodeSize, at+int64(number&(1<<x.perBlockLog-1))*x.inodeSize)
	if err != nil {
		return nil, err
	}
	be := binary.BigEndian
	if be.Uint16(raw) != 0x494e { // IN
		return nil, errCorrupt
	}
	start := 100
	wide := false // counts of extents have 64 bits
	seconds := int64(int32(be.Uint32(raw[40:])))
	if raw[4] >= 3 {
		start = 176
		flags := be.Uint64(raw[120:])
		wide = flags&0x10 != 0
		if flags&0x8 != 0 { // nanoseconds since 1901
			seconds = int64(be.Uint64(raw[40:])/1e9) - 1<<31
		}
	}
	end := len(raw)
	if fork := int(raw[82]) * 8; fork > 0 {
		end = min(end, start+fork)
	}
	i := &inode{number: number, mode: modeOf(be.Uint16(raw[2:])), size: int64(be.Uint64(raw[56:])), modified: time.Unix(seconds, 0), flags: uint32(raw[5]), fork: raw[start:end]}
	if i.size < 0 {
		return nil, errCorrupt
	}
	switch i.flags {
	case xfsLocal:
		if i.size > int64(len(i.fork)) {
			return nil, errCorrupt
		}
		i.inline = i.fork[:i.size]
	case xfsExtents:
		count := uint64(be.Uint32(raw[76:]))
		if wide {
			count = be.Uint64(raw[24:])
		}
		if count*16 > uint64(len(i.fork)) || count > maxExtents {
			return nil, errCorrupt
		}
		i.fork = i.fork[:count*16]
	}
	return i, nil
}

func (x *xfs) extents(i *inode) ([]extent, error) {
	w := &xfsWalk{xfs: x}
	var err error
	switch i.flags {
	case xfsExtents:
		err = w.records(i.fork)
	case xfsTree:
		err = w.root(i.fork)
	default:
		err = errCorrupt
	}
	if err == nil {
		err = inOrder(w.found)
	}
	return w.found, err
}

// xfsWalk collects the extents of one file.
type xfsWalk struct {
	*xfs
	found  []extent
	walked int
}

// records adds extents of 128 bits each: a flag, 54 bits of the block in the file, 52 of the block, 21 of the count.
func (w *xfsWalk) records(data []byte) error {
	be := binary.BigEndian
	for ; len(data) >= 16; data = data[16:] {
		high, low := be.Uint64(data), be.Uint64(data[8:])
		if high>>63 != 0 { // set aside and never written
			continue
		}
		logical, number, count := high&(1<<63-1)>>9, high&0x1ff<<43|low>>21, int64(low&(1<<21-1))
		at, err := w.xfs.block(number)
		if err != nil || logical > 1<<46/uint64(w.blockSize)*2 {
			return errCorrupt
		}
		if len(w.found) >= maxExtents {
			return errScattered
		}
		w.found = append(w.found, extent{int64(logical) * w.blockSize, at, count * w.blockSize})
	}
	return nil
}

// maxXFSDepth is how deep a tree of extents can be.
const maxXFSDepth = 9

// root reads the root of a tree, which lies in the inode.
func (w *xfsWalk) root(fork []byte) error {
	be := binary.BigEndian
	if len(fork) < 4 {
		return errCorrupt
	}
	level, n, most := int(be.Uint16(fork)), int(be.Uint16(fork[2:])), (len(fork)-4)/16
	if level < 1 || level > maxXFSDepth || n > most {
		return errCorrupt
	}
	return w.below(fork[4+most*8:], n, level-1)
}

func (w *xfsWalk) below(pointers []byte, n, level int) error {
	for k := range n {
		if len(pointers) < (k+1)*8 {
			return errCorrupt
		}
		if err := w.node(binary.BigEndian.Uint64(pointers[k*8:]), level); err != nil {
			return err
		}
	}
	return nil
}

func (w *xfsWalk) node(number uint64, level int) error {
	if w.walked++; w.walked > maxExtents {
		return errScattered
	}
	at, err := w.xfs.block(number)
	if err != nil {
		return err
	}
	block, err := readFull(w.dev, w.blockSize, at)
	if err != nil {
		return err
	}
	be := binary.BigEndian
	header := 24
	switch string(block[:4]) {
	case "BMAP":
	case "BMA3":
		header = 72
	default:
		return errCorrupt
	}
	n, most := int(be.Uint16(block[6:])), (len(block)-header)/16
	if int(be.Uint16(block[4:])) != level || n > most {
		return errCorrupt
	}
	if level == 0 {
		return w.records(block[header : header+n*16])
	}
	return w.below(block[header+most*8:], n, level-1)
}

func (x *xfs) target(i *inode) (string, error) {
	if i.inline != nil {
		return string(i.inline), nil
	}
	if i.size > maxTarget {
		return "", errCorrupt
	}
	extents, err := x.extents(i)
	if err != nil {
		return "", err
	}
	var b strings.Builder
	for _, e := range extents {
		length := min(e.length, 1<<16)
		data, err := readFull(x.dev, length, e.device)
		if err != nil {
			return "", err
		}
		for len(data) > 0 {
			block := data[:min(x.blockSize, int64(len(data)))]
			data = data[len(block):]
			if x.five {
				if string(block[:4]) != "XSLM" {
					return "", errCorrupt
				}
				block = block[56:min(56+int64(binary.BigEndian.Uint32(block[8:])), int64(len(block)))]
			}
			b.Write(block[:min(int64(len(block)), i.size-int64(b.Len()))])
		}
	}
	return b.String(), nil
}

// folderEnd is where the entries of a folder end and its index begins.
const folderEnd = 32 << 30

func (x *xfs) folder(i *inode) ([]entry, error) {
	if i.inline != nil {
		return x.short(i.inline)
	}
	extents, err := x.extents(i)
	if err != nil {
		return nil, err
	}
	var data []extent
	size := int64(0)
	for _, e := range extents {
		if e.at < folderEnd {
			data = append(data, e)
			size += e.length
		}
	}
	if size > maxFolder {
		return nil, errors.New("the folder is too large")
	}
	var list []entry
	content := &runs{x.dev, data, folderEnd}
	done := int64(-1)
	for _, e := range data {
		for at := e.at / x.folderBlock * x.folderBlock; at < e.at+e.length; at += x.folderBlock {
			if at <= done {
				continue // a block that two extents share was read with the first
			}
			done = at
			block, err := readFull(content, x.folderBlock, at)
			if err != nil {
				return nil, err
			}
			if list, err = x.entries(block, list); err != nil {
				return nil, err
			}
		}
	}
	return list, nil
}

// short reads a folder that lies in its inode.
func (x *xfs) short(data []byte) ([]entry, error) {
	if len(data) < 2 {
		return nil, errCorrupt
	}
	number := 4
	n := int(data[0])
	if data[1] > 0 {
		number = 8
		n = int(max(data[0], data[1]))
	}
	if len(data) < 2+number {
		return nil, errCorrupt
	}
	data = data[2+number:]
	list := make([]entry, 0, n)
	for range n {
		if len(data) < 3 {
			return nil, errCorrupt
		}
		name := int(data[0])
		size := 3 + name + number
		if x.kinds {
			size++
		}
		if len(data) < size {
			return nil, errCorrupt
		}
		one := entry{name: string(data[3 : 3+name]), kind: fs.ModeIrregular}
		if x.kinds {
			one.kind = kindOf(data[3+name])
		}
		if number == 4 {
			one.inode = uint64(binary.BigEndian.Uint32(data[size-4:]))
		} else {
			one.inode = binary.BigEndian.Uint64(data[size-8:])
		}
		list = append(list, one)
		data = data[size:]
	}
	return list, nil
}

// entries adds the entries of one block of a folder.
func (x *xfs) entries(block []byte, list []entry) ([]entry, error) {
	be := binary.BigEndian
	at, end := 16, len(block)
	switch string(block[:4]) {
	case "XD2D":
	case "XDD3":
		at = 64
	case "XD2B", "XDB3": // the whole folder, with its index at the end
		if block[3] == '3' {
			at = 64
		}
		end = len(block) - 8 - int(min(be.Uint32(block[len(block)-8:]), 1<<16))*8
	case "\x00\x00\x00\x00": // a block that holds nothing
		return list, nil
	default:
		return list, errCorrupt
	}
	for at+12 <= end {
		if be.Uint16(block[at:]) == 0xffff { // free
			length := int(be.Uint16(block[at+2:]))
			if length < 8 {
				return list, errCorrupt
			}
			at += length
			continue
		}
		name := int(block[at+8])
		size := 8 + 1 + name + 2
		if x.kinds {
			size++
		}
		size = (size + 7) &^ 7
		if name == 0 || at+size > end {
			return list, errCorrupt
		}
		one := entry{name: string(block[at+9 : at+9+name]), inode: be.Uint64(block[at:]), kind: fs.ModeIrregular}
		if x.kinds {
			one.kind = kindOf(block[at+9+name])
		}
		if one.name != "." && one.name != ".." {
			list = append(list, one)
		}
		at += size
	}
	return list, nil
}
