// Package disk reads disk images without mounting them: what formats they are in, which partitions they have, and the files
// of their file systems as an fs.FS. It needs no rights and writes nothing.
//
// Formats are raw, qcow2, VMDK, VHD, VHDX where it says so, and OVA; tables of partitions are MBR and GPT; file systems are
// ext2, ext3, ext4 and XFS. Everything in an image is taken for hostile: sizes, depths and chains are bounded, and what can't be
// read is an error with a reason. To read one more kind of file system, write a layout and list it in open.
//
// # Limitations
//
// LVM, RAID, encryption, btrfs, ZFS and NTFS are recognised and not read. A journal is not replayed: what a machine that was
// running had not written back yet is as old as its last write.
package disk

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"strings"
)

// Volume is a partition of a disk, or a disk without partitions.
type Volume struct {
	Disk   int    // from 0, in the order in which they were given
	Number int    // as Linux counts partitions; 0: the whole disk
	Kind   string // ext4, xfs, lvm, swap, vfat, ...; empty where it is not known
	Type   string // of the partition, as its table says: a GUID, or two hexadecimal digits
	Size   int64  // bytes
	// The names by which a machine finds it; each is empty where there is none.
	UUID, Label, PartUUID, PartLabel string
	// Unclean says that the journal has changes that were not written back.
	Unclean bool

	fs    *FS
	empty bool  // it begins with nothing
	err   error // why a kind that is read elsewhere can't be read here
}

// FS returns the files of the volume. The error says why there are none.
func (v *Volume) FS() (*FS, error) {
	switch {
	case v.fs != nil:
		return v.fs, nil
	case v.err != nil:
		return nil, fmt.Errorf("%s: %w", v, v.err)
	case v.Kind == "":
		return nil, fmt.Errorf("%s: %w", v, errUnknown)
	}
	return nil, fmt.Errorf("%s: %w", v, errUnread)
}

var (
	errUnknown = errors.New("what it holds is not known")
	errUnread  = errors.New("this kind of volume is not read")
)

// String names a volume for people.
func (v *Volume) String() string {
	name := "the disk"
	if v.Number > 0 {
		name = fmt.Sprintf("partition %d", v.Number)
	}
	if v.Disk > 0 {
		name += fmt.Sprintf(" of disk %d", v.Disk+1)
	}
	if v.Kind != "" {
		name += " (" + v.Kind + ")"
	}
	return name
}

// Volumes returns the volumes of one disk whose bytes are those of dev. number is that of the disk.
func Volumes(dev io.ReaderAt, size int64, number int) (found []*Volume, err error) {
	defer guard(&err)
	whole := span{size: size}
	v := open(dev, whole)
	v.Disk = number
	if v.Kind != "" && v.Kind != kindFAT { // a boot sector of FAT looks as a table of partitions does
		return []*Volume{v}, nil
	}
	spans, err := partitions(dev, size)
	if err != nil {
		return nil, err
	}
	if len(spans) == 0 {
		return []*Volume{v}, nil
	}
	for _, s := range spans {
		v := open(io.NewSectionReader(dev, s.start, s.size), s)
		v.Disk = number
		found = append(found, v)
	}
	return found, nil
}

const kindFAT = "vfat"

// signature tells a kind by bytes at a place.
type signature struct {
	at    int64
	bytes string
	kind  string
}

// signatures of what is recognised and not read, as blkid knows them (https://github.com/util-linux/util-linux).
var signatures = []signature{
	{0, "LUKS\xba\xbe", "LUKS"}, {0, "hsqs", "squashfs"}, {3, "NTFS    ", "NTFS"}, {0x200 + 0x18, "LVM2 001", "LVM"}, {0x18, "LVM2 001", "LVM"},
	{0x10040, "_BHRfS_M", "btrfs"}, {4086, "SWAPSPACE2", "swap"}, {1024, "\xe2\xe1\xf5\xe0", "erofs"}, {0x8001, "CD001", "ISO 9660"},
	{0x1000, "\xfc\x4e\x2b\xa9", "RAID"}, {0, "\xfc\x4e\x2b\xa9", "RAID"}, {0x400, "\x10\x20\xf5\xf2", "f2fs"}, {54, "FAT1", kindFAT}, {82, "FAT32", kindFAT},
}

// open looks what a span of a disk holds. dev begins with it.
func open(dev io.ReaderAt, s span) *Volume {
	v := &Volume{Number: s.number, Size: s.size, Type: s.kind, PartUUID: s.id, PartLabel: s.label}
	super := make([]byte, 2048)
	n, err := dev.ReadAt(super, 0)
	if err != nil && !errors.Is(err, io.EOF) {
		v.err = err
		return v
	}
	super = super[:n]
	v.empty = len(bytes.Trim(super, "\x00")) == 0
	var l layout
	switch {
	case len(super) == 2048 && binary.LittleEndian.Uint16(super[1024+0x38:]) == 0xef53:
		super := super[1024:]
		v.Kind, v.UUID, v.Label = extKind(super), uuid(super[0x68:0x78]), text(super[0x78:0x88])
		v.Unclean = binary.LittleEndian.Uint32(super[0x60:])&extRecover != 0
		l, v.err = opened(openExt(dev, super))
	case len(super) >= 512 && string(super[:4]) == "XFSB":
		v.Kind, v.UUID, v.Label = "xfs", uuid(super[32:48]), text(super[108:120])
		l, v.err = opened(openXFS(dev, super))
	default:
		for _, known := range signatures {
			text := make([]byte, len(known.bytes))
			if n, _ := dev.ReadAt(text, known.at); n == len(text) && string(text) == known.bytes {
				v.Kind = known.kind
				return v
			}
		}
	}
	if l != nil {
		v.fs = newFS(l)
	}
	return v
}

// opened keeps a nil pointer from becoming a layout.
func opened[L layout](l L, err error) (layout, error) {
	if err != nil {
		return nil, err
	}
	return l, nil
}

// extKind tells the three generations apart by what they have: extents, a journal.
func extKind(super []byte) string {
	le := binary.LittleEndian
	switch {
	case le.Uint32(super[0x60:])&0x40 != 0:
		return "ext4"
	case le.Uint32(super[0x5c:])&0x4 != 0:
		return "ext3"
	}
	return "ext2"
}

func uuid(b []byte) string {
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:16])
}

func text(b []byte) string {
	b, _, _ = bytes.Cut(b, []byte{0})
	return strings.TrimSpace(string(b))
}
