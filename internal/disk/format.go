package disk

import (
	"archive/tar"
	"bytes"
	"compress/flate"
	"compress/zlib"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"path"
	"strings"

	"github.com/klauspost/compress/zstd"
)

// Image is a disk in a file.
type Image struct {
	io.ReaderAt
	Format string // raw, qcow2, VMDK, VHD
	Size   int64  // bytes of the disk
}

// Bounds of the formats of images.
const (
	maxDisk  = 1 << 46 // bytes: 64 TiB, the largest volume of EBS
	keptSize = 32 << 20
	maxDisks = 16 // of one OVA
)

// Open returns the disks that a file holds: one, and of an OVA as many as it has. What is no format that is known is a raw disk.
func Open(r io.ReaderAt, size int64) (disks []*Image, err error) {
	defer guard(&err)
	head := make([]byte, 1024)
	n, err := r.ReadAt(head, 0)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	head = head[:n]
	starts := func(magic string) bool { return bytes.HasPrefix(head, []byte(magic)) }
	var one *Image
	switch {
	case n < 512:
		return nil, errors.New("it is too small for a disk")
	case starts("QFI\xfb"):
		one, err = openQCOW2(r, size, head)
	case starts("KDMV"):
		one, err = openVMDK(r, size, head)
	case starts("# Disk DescriptorFile"):
		return nil, errors.New("it is the description of a VMDK whose content lies in other files; name the file that ends in -flat.vmdk")
	case starts("vhdxfile"):
		return nil, errors.New("VHDX is not read; convert it with qemu-img convert -O qcow2")
	case starts("\x1f\x8b"), starts("\xfd7zXZ\x00"), starts("BZh"), starts("\x28\xb5\x2f\xfd"), starts("PK\x03\x04"):
		return nil, errors.New("it is compressed; unpack it first")
	case n > 262 && string(head[257:262]) == "ustar":
		return openOVA(r, size)
	default:
		one, err = openVHD(r, size)
		if one == nil && err == nil {
			one = &Image{r, "raw", size}
		}
	}
	if err != nil {
		return nil, err
	}
	return []*Image{one}, nil
}

// qcow2 is a disk of QEMU in clusters that two levels of tables lead to.
// Source: https://www.qemu.org/docs/master/interop/qcow2.html
type qcow2 struct {
	file         io.ReaderAt
	cluster      int64
	bits         uint
	first        int64 // offset and entries of the first table
	firstEntries int64
	tables       io.ReaderAt // the file, by clusters
	zstandard    bool
}

func openQCOW2(r io.ReaderAt, size int64, head []byte) (*Image, error) {
	be := binary.BigEndian
	version, bits, disk := be.Uint32(head[4:]), uint(be.Uint32(head[20:])), be.Uint64(head[24:])
	q := &qcow2{file: r, bits: bits, first: int64(be.Uint64(head[40:])), firstEntries: int64(be.Uint32(head[36:]))}
	switch {
	case version != 2 && version != 3 || bits < 9 || bits > 21 || disk > maxDisk || q.first < 0:
		return nil, errDamaged("qcow2")
	case be.Uint64(head[8:]) != 0:
		return nil, errors.New("it holds only what differs from another image; merge the two with qemu-img convert")
	case be.Uint32(head[32:]) != 0:
		return nil, errors.New("it is encrypted")
	}
	if version == 3 {
		features := be.Uint64(head[72:])
		if features&^0xb != 0 {
			return nil, fmt.Errorf("features %#x of qcow2 are not known; convert it with qemu-img convert -O raw", features)
		}
		q.zstandard = features&8 != 0 && be.Uint32(head[100:]) > 104 && head[104] == 1
	}
	q.cluster = 1 << bits
	keep := int(max(keptSize/q.cluster, 4))
	q.tables = Blocks(size, q.cluster, keep/4, func(index int64) ([]byte, error) { return readUpTo(r, q.cluster, index*q.cluster) })
	return &Image{Blocks(int64(disk), q.cluster, keep, q.read), "qcow2", int64(disk)}, nil
}

func errDamaged(format string) error { return fmt.Errorf("the %s image is damaged", format) }

// readUpTo reads bytes of a file that may end before.
func readUpTo(r io.ReaderAt, size, at int64) ([]byte, error) {
	data := make([]byte, size)
	n, err := r.ReadAt(data, at)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	return data[:n], nil
}

func (q *qcow2) read(index int64) ([]byte, error) {
	const offset = 1<<56 - 1<<9 // the bits of an entry that are one
	perTable := q.cluster / 8
	entry := make([]byte, 8)
	if index/perTable >= q.firstEntries {
		return nil, nil
	}
	if _, err := q.file.ReadAt(entry, q.first+index/perTable*8); err != nil {
		return nil, errDamaged("qcow2")
	}
	table := int64(binary.BigEndian.Uint64(entry) & offset)
	if table == 0 {
		return nil, nil
	}
	if _, err := q.tables.ReadAt(entry, table+index%perTable*8); err != nil {
		return nil, errDamaged("qcow2")
	}
	e := binary.BigEndian.Uint64(entry)
	if e>>62&1 == 0 {
		if at := int64(e & offset); at != 0 && e&1 == 0 {
			return readUpTo(q.file, q.cluster, at)
		}
		return nil, nil
	}
	x := 62 - (q.bits - 8)
	at := int64(e & (1<<x - 1))
	size := (int64(e<<2>>2>>x)+1)*512 - at&511
	packed, err := readUpTo(q.file, size, at)
	if err != nil {
		return nil, err
	}
	if q.zstandard {
		decoder, err := zstd.NewReader(bytes.NewReader(packed), zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(64<<20))
		if err != nil {
			return nil, errDamaged("qcow2")
		}
		defer decoder.Close()
		return unpack(decoder, q.cluster, "qcow2")
	}
	return unpack(flate.NewReader(bytes.NewReader(packed)), q.cluster, "qcow2")
}

// unpack reads a block, which must be whole.
func unpack(r io.Reader, size int64, format string) ([]byte, error) {
	data := make([]byte, size)
	if n, err := io.ReadFull(r, data); err != nil {
		return nil, fmt.Errorf("%w: %d of %d bytes of a block", errDamaged(format), n, size)
	}
	return data, nil
}

// vmdk is a disk of VMware in grains, compressed where it was made for a transport.
// Source: "Virtual Disk Format 5.0", VMware 2011.
type vmdk struct {
	file       io.ReaderAt
	grain      int64 // bytes
	perTable   int64
	directory  int64 // offset
	tables     int64 // entries of the directory
	compressed bool
	pages      io.ReaderAt // the file, by pages
}

const sector = 512

func openVMDK(r io.ReaderAt, size int64, head []byte) (*Image, error) {
	le := binary.LittleEndian
	if le.Uint64(head[56:]) == 1<<64-1 { // the directory is told by a second header at the end
		end, err := readUpTo(r, sector, size-2*sector)
		if err != nil || len(end) < sector || string(end[:4]) != "KDMV" {
			return nil, errDamaged("VMDK")
		}
		head = end
	}
	v := &vmdk{file: r, grain: int64(le.Uint64(head[20:]) & 0xffff * sector), perTable: int64(le.Uint32(head[44:])), compressed: le.Uint32(head[8:])&(1<<16) != 0}
	capacity, directory := le.Uint64(head[12:]), le.Uint64(head[56:])
	if v.grain < 4<<10 || v.grain > 4<<20 || v.grain&(v.grain-1) != 0 || v.perTable < 1 || v.perTable > 1<<16 || capacity > maxDisk/sector || directory > uint64(size)/sector {
		return nil, errDamaged("VMDK")
	}
	disk := int64(capacity) * sector
	v.directory, v.tables = int64(directory)*sector, (disk+v.grain*v.perTable-1)/(v.grain*v.perTable)
	v.pages = Blocks(size, 4096, 1024, func(index int64) ([]byte, error) { return readUpTo(r, 4096, index*4096) })
	return &Image{Blocks(disk, v.grain, int(max(keptSize/v.grain, 4)), v.read), "VMDK", disk}, nil
}

// entry reads 32 bits of a table.
func (v *vmdk) entry(at int64) (int64, error) {
	b := make([]byte, 4)
	if n, _ := v.pages.ReadAt(b, at); n < 4 {
		return 0, errDamaged("VMDK")
	}
	return int64(binary.LittleEndian.Uint32(b)), nil
}

func (v *vmdk) read(index int64) ([]byte, error) {
	if index/v.perTable >= v.tables {
		return nil, nil
	}
	table, err := v.entry(v.directory + index/v.perTable*4)
	if err != nil || table == 0 {
		return nil, err
	}
	at, err := v.entry(table*sector + index%v.perTable*4)
	if err != nil || at < 2 { // 0: never written, 1: zeros
		return nil, err
	}
	if !v.compressed {
		return readUpTo(v.file, v.grain, at*sector)
	}
	marker, err := readUpTo(v.file, 12, at*sector) // the first sector of the grain, and its compressed size
	if err != nil || len(marker) < 12 {
		return nil, errDamaged("VMDK")
	}
	size := int64(binary.LittleEndian.Uint32(marker[8:]))
	if size > 2*v.grain {
		return nil, errDamaged("VMDK")
	}
	packed, err := readUpTo(v.file, size, at*sector+12)
	if err != nil {
		return nil, err
	}
	reader, err := zlib.NewReader(bytes.NewReader(packed))
	if err != nil {
		return nil, errDamaged("VMDK")
	}
	return unpack(reader, v.grain, "VMDK")
}

// openVHD opens a disk of Hyper-V; nil where the file is none, since a raw disk has no mark of its own.
// Source: "Virtual Hard Disk Image Format Specification", Microsoft 2006.
func openVHD(r io.ReaderAt, size int64) (*Image, error) {
	footer, err := readUpTo(r, sector, size-sector)
	if err != nil || len(footer) < sector || string(footer[:8]) != "conectix" {
		return nil, err
	}
	be := binary.BigEndian
	disk := be.Uint64(footer[48:])
	if disk > maxDisk {
		return nil, errDamaged("VHD")
	}
	switch be.Uint32(footer[60:]) {
	case 2:
		return &Image{r, "VHD", min(int64(disk), size-sector)}, nil
	case 3:
	case 4:
		return nil, errors.New("it holds only what differs from another image; merge the two first")
	default:
		return nil, errDamaged("VHD")
	}
	header, err := readUpTo(r, 1024, int64(be.Uint64(footer[16:])))
	if err != nil || len(header) < 1024 || string(header[:8]) != "cxsparse" {
		return nil, errDamaged("VHD")
	}
	table, entries, blockSize := int64(be.Uint64(header[16:])), int64(be.Uint32(header[28:])), int64(be.Uint32(header[32:]))
	if blockSize < sector || blockSize > 1<<28 || blockSize&(blockSize-1) != 0 || table < 0 {
		return nil, errDamaged("VHD")
	}
	bitmap := (blockSize/sector/8 + sector - 1) / sector * sector
	piece := min(blockSize, 64<<10)
	read := func(index int64) ([]byte, error) {
		at := index * piece
		if at/blockSize >= entries {
			return nil, nil
		}
		entry, err := readUpTo(r, 4, table+at/blockSize*4)
		if err != nil || len(entry) < 4 {
			return nil, errDamaged("VHD")
		}
		first := be.Uint32(entry)
		if first == 1<<32-1 {
			return nil, nil
		}
		return readUpTo(r, piece, int64(first)*sector+bitmap+at%blockSize)
	}
	return &Image{Blocks(int64(disk), piece, int(keptSize/piece), read), "VHD", int64(disk)}, nil
}

// openOVA opens the disks of an appliance, which is a tar archive of VMDKs with their description
// (https://www.dmtf.org/standards/ovf).
func openOVA(r io.ReaderAt, size int64) ([]*Image, error) {
	file := io.NewSectionReader(r, 0, size)
	var disks []*Image
	archive := tar.NewReader(file)
	for {
		h, err := archive.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, fmt.Errorf("read the archive: %w", err)
		}
		if strings.ToLower(path.Ext(h.Name)) != ".vmdk" || h.Typeflag != tar.TypeReg {
			continue
		}
		if len(disks) >= maxDisks {
			return nil, fmt.Errorf("it has more than %d disks", maxDisks)
		}
		at, err := file.Seek(0, io.SeekCurrent)
		if err != nil {
			return nil, err
		}
		inside, err := Open(io.NewSectionReader(r, at, h.Size), h.Size)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", h.Name, err)
		}
		disks = append(disks, inside...)
	}
	if len(disks) == 0 {
		return nil, errors.New("the archive has no VMDK")
	}
	return disks, nil
}
