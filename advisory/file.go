package advisory

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"os"
	"sync/atomic"
)

// An index file is a header of one page, the sections, and a table with the checksum of each page:
//
//	0   magic "TRIADVIX"
//	8   version of the format, u32; a reader knows one version
//	12  CRC-32C of the header page with this field zero
//	16  size of the file, u64
//	24  offset of the page table, u64, on a page boundary
//	32  CRC-32C of the page table
//	36  number of sections, u32
//	40  offset and length of each section, u64 each
//
// All numbers are little-endian. Pages have 4,096 bytes; the last one before the table is filled with zeros. Every
// byte that is used is checked: opening checks the header and the table, and each page is checked when it is first
// read. So opening costs the same whatever the size, and a damaged file is an error and never a wrong answer.
const (
	indexMagic    = "TRIADVIX"
	indexVersion  = 1
	pageSize      = 4096
	maxIndexBytes = 1 << 40
)

// The sections of an index.
const (
	sectionMeta     = iota // JSON: meta
	sectionKeyAt           // u32 for each key and one more: where it begins in sectionKeys
	sectionKeys            // the keys in ascending order of their bytes
	sectionPostAt          // u32 for each key and one more: where its postings begin
	sectionPostings        // for each key: which records name it, and which body evaluates it
	sectionBodies          // ranges and versions
	sectionRecords         // for each record, 8 bytes: its block and its place in the unpacked block
	sectionBlocks          // for each block, 16 bytes: u64 offset in the file's pack, u32 size, u32 unpacked size
	sectionPack            // the blocks: records, compressed with zstd
	sectionExtra           // what the builder was given to carry along; see IndexOptions
	sectionCount
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// indexFile gives checked access to the sections of an index file.
type indexFile struct {
	data     []byte
	sums     []byte // the page table
	checked  []atomic.Uint32
	sections [sectionCount]span64
	unmap    func() error
}

type span64 struct{ offset, length uint64 }

// A DamageError says that an index file can't be used.
type DamageError struct {
	Path   string // empty where only the bytes are known
	Reason string
}

func (e *DamageError) Error() string {
	what := e.Path
	if what == "" {
		what = "the file"
	}
	return fmt.Sprintf("%s is no usable advisory index: %s; build it again with trifecta db build or trifecta db update", what, e.Reason)
}

func damage(format string, args ...any) error {
	return &DamageError{Reason: fmt.Sprintf(format, args...)}
}

// openIndexFile maps a file and checks its header and page table.
func openIndexFile(path string) (*indexFile, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() || info.Size() < pageSize || info.Size() > maxIndexBytes {
		return nil, &DamageError{Path: path, Reason: fmt.Sprintf("a file of %d bytes is none", info.Size())}
	}
	data, unmap, err := mapFile(f, int(info.Size()))
	if err != nil {
		return nil, fmt.Errorf("map %s: %w", path, err)
	}
	x, err := newIndexFile(data)
	if err != nil {
		_ = unmap()
		var d *DamageError
		if errors.As(err, &d) {
			d.Path = path
		}
		return nil, err
	}
	x.unmap = unmap
	return x, nil
}

// newIndexFile checks the header and page table of an index in memory.
func newIndexFile(data []byte) (*indexFile, error) {
	if len(data) < pageSize || string(data[:8]) != indexMagic {
		return nil, damage("it does not begin as one")
	}
	if v := binary.LittleEndian.Uint32(data[8:]); v != indexVersion {
		return nil, damage("it has version %d of the format, this program reads version %d", v, indexVersion)
	}
	if headerSum(data[:pageSize]) != binary.LittleEndian.Uint32(data[12:]) {
		return nil, damage("the checksum of its header is wrong")
	}
	if size := binary.LittleEndian.Uint64(data[16:]); size != uint64(len(data)) {
		return nil, damage("it has %d bytes and should have %d", len(data), size)
	}
	table := binary.LittleEndian.Uint64(data[24:])
	pages := table / pageSize
	if table%pageSize != 0 || table < pageSize || table > uint64(len(data)) || uint64(len(data))-table != pages*4 {
		return nil, damage("its page table is not where it should be")
	}
	x := &indexFile{data: data, sums: data[table:], checked: make([]atomic.Uint32, (pages+31)/32), unmap: func() error { return nil }}
	if crc32.Checksum(x.sums, castagnoli) != binary.LittleEndian.Uint32(data[32:]) {
		return nil, damage("the checksum of its page table is wrong")
	}
	if n := binary.LittleEndian.Uint32(data[36:]); n != sectionCount {
		return nil, damage("it has %d sections, this version has %d", n, sectionCount)
	}
	for i := range x.sections {
		s := span64{binary.LittleEndian.Uint64(data[40+16*i:]), binary.LittleEndian.Uint64(data[48+16*i:])}
		if s.offset < pageSize || s.offset > table || s.length > table-s.offset {
			return nil, damage("section %d lies outside the file", i)
		}
		x.sections[i] = s
	}
	return x, nil
}

func headerSum(page []byte) uint32 {
	sum := crc32.Checksum(page[:12], castagnoli)
	sum = crc32.Update(sum, castagnoli, []byte{0, 0, 0, 0})
	return crc32.Update(sum, castagnoli, page[16:])
}

// at returns n bytes of a section, checked. They must not be changed, and not be used after close.
func (x *indexFile) at(section int, offset, n uint64) ([]byte, error) {
	s := x.sections[section]
	if offset > s.length || n > s.length-offset {
		return nil, damage("%d bytes at %d are outside section %d", n, offset, section)
	}
	from := s.offset + offset
	if n == 0 {
		return nil, nil
	}
	for page := from / pageSize; page <= (from+n-1)/pageSize; page++ {
		if x.checked[page/32].Load()&(1<<(page%32)) != 0 {
			continue
		}
		if err := x.check(page); err != nil {
			return nil, err
		}
		x.checked[page/32].Or(1 << (page % 32))
	}
	return x.data[from : from+n : from+n], nil
}

func (x *indexFile) check(page uint64) error {
	at := page * pageSize
	if crc32.Checksum(x.data[at:at+pageSize], castagnoli) != binary.LittleEndian.Uint32(x.sums[page*4:]) {
		return damage("the checksum of page %d is wrong", page)
	}
	return nil
}

// verify checks every page.
func (x *indexFile) verify() error {
	for page := uint64(1); page < uint64(len(x.sums)/4); page++ {
		if err := x.check(page); err != nil {
			return err
		}
	}
	return nil
}

// u32 returns the i-th number of a section of them.
func (x *indexFile) u32(section int, i uint64) (uint32, error) {
	if i >= x.sections[section].length/4 {
		return 0, damage("there is no number %d in section %d", i, section)
	}
	b, err := x.at(section, i*4, 4)
	if err != nil {
		return 0, err
	}
	return binary.LittleEndian.Uint32(b), nil
}

func (x *indexFile) close() error {
	err := x.unmap()
	x.data, x.sums = nil, nil
	return err
}

// indexWriter writes an index file section by section.
type indexWriter struct {
	f        *os.File
	page     [pageSize]byte
	used     int // of page
	offset   uint64
	sums     []byte
	sections [sectionCount]span64
	err      error
}

func newIndexWriter(f *os.File) *indexWriter {
	w := &indexWriter{f: f, offset: pageSize, sums: make([]byte, 4)} // no sum for the header page: it has its own
	_, w.err = f.Seek(pageSize, io.SeekStart)
	return w
}

// begin starts a section; what is written until the next one belongs to it.
func (w *indexWriter) begin(section int) { w.sections[section].offset = w.offset }

func (w *indexWriter) end(section int) {
	w.sections[section].length = w.offset - w.sections[section].offset
}

func (w *indexWriter) section(section int, content []byte) {
	w.begin(section)
	_, _ = w.Write(content)
	w.end(section)
}

// Write implements io.Writer. The first error stays and ends the work of finish.
func (w *indexWriter) Write(p []byte) (int, error) {
	written := len(p)
	for len(p) > 0 && w.err == nil {
		n := copy(w.page[w.used:], p)
		p = p[n:]
		w.used += n
		w.offset += uint64(n)
		if w.used == pageSize {
			w.flush()
		}
	}
	return written, w.err
}

func (w *indexWriter) flush() {
	clear(w.page[w.used:])
	w.sums = binary.LittleEndian.AppendUint32(w.sums, crc32.Checksum(w.page[:], castagnoli))
	if w.err == nil {
		_, w.err = w.f.Write(w.page[:])
	}
	w.used = 0
}

// finish writes the page table and the header, which makes the file a whole one.
func (w *indexWriter) finish() error {
	if w.used > 0 {
		w.offset += pageSize - uint64(w.used)
		w.flush()
	}
	if w.err != nil {
		return w.err
	}
	if _, err := w.f.Write(w.sums); err != nil {
		return err
	}
	header := make([]byte, pageSize)
	copy(header, indexMagic)
	binary.LittleEndian.PutUint32(header[8:], indexVersion)
	binary.LittleEndian.PutUint64(header[16:], w.offset+uint64(len(w.sums)))
	binary.LittleEndian.PutUint64(header[24:], w.offset)
	binary.LittleEndian.PutUint32(header[32:], crc32.Checksum(w.sums, castagnoli))
	binary.LittleEndian.PutUint32(header[36:], sectionCount)
	for i, s := range w.sections {
		binary.LittleEndian.PutUint64(header[40+16*i:], s.offset)
		binary.LittleEndian.PutUint64(header[48+16*i:], s.length)
	}
	binary.LittleEndian.PutUint32(header[12:], headerSum(header))
	_, err := w.f.WriteAt(header, 0)
	return err
}
