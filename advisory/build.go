package advisory

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"

	"github.com/klauspost/compress/zstd"
)

// blockSize is the size of a block of records before it is compressed. Records of one package stand side by side, so
// a match mostly unpacks one block for a package; larger blocks compress better and cost more for each match.
const blockSize = 8 << 10

// IndexOptions say what goes into an index. The zero value is a good default.
type IndexOptions struct {
	Ecosystems []string // only these; all of the folder where empty
	Extra      []byte   // carried along as it is: see Index.Extra
}

// BuildIndex compiles the records of dir, a folder in the layout of the OSV bucket, into the index file out. Records and archives that can't be read are
// counted in the index, which tells of them whenever it is asked about their ecosystem; see Index.Ecosystems.
//
// The same records give the same bytes. The file is written aside and renamed: a reader sees the old file or the new.
func BuildIndex(ctx context.Context, dir, out string, o IndexOptions) error {
	b, err := newBuilder(filepath.Dir(out))
	if err != nil {
		return err
	}
	defer b.discard()
	b.extra = o.Extra
	ecosystems := o.Ecosystems
	if len(ecosystems) == 0 {
		folder, err := OpenFolder(dir)
		if err != nil {
			return err
		}
		ecosystems = folder.ecosystems()
	}
	for _, name := range ecosystems {
		if err := b.addFolder(ctx, dir, name); err != nil {
			return err
		}
	}
	return b.write(ctx, out)
}

// builder collects records and writes an index of them. The texts of the records wait in a file beside the index.
type builder struct {
	mu      sync.Mutex
	spool   *os.File
	buffer  *bufio.Writer
	spooled int64
	records map[textID]*builtRecord
	keys    interner
	bodies  interner
	folders map[string]EcosystemInfo
	origin  string
	extra   []byte
}

// textID names one text of a record. A record stands in the archive of each ecosystem that it names, and the texts are
// not always the same there.
type textID struct {
	id  string
	sum uint32
}

// builtRecord is what must stay in memory of a record.
type builtRecord struct {
	id, modified string
	sum          uint32
	folders      []string
	aliases      []string
	affected     []builtAffected
	withdrawn    bool
	at           int64 // in the spool
	size         int
}

type builtAffected struct {
	key    uint32
	body   uint32
	suffix string
}

// interner numbers different byte strings in the order in which they come.
type interner struct {
	numbers map[string]uint32
	values  []string
}

func (n *interner) number(b []byte) uint32 {
	if i, ok := n.numbers[string(b)]; ok {
		return i
	}
	if n.numbers == nil {
		n.numbers = make(map[string]uint32)
	}
	s, i := string(b), uint32(len(n.values))
	n.numbers[s] = i
	n.values = append(n.values, s)
	return i
}

func newBuilder(dir string) (*builder, error) {
	spool, err := os.CreateTemp(dir, ".trifecta-*.spool")
	if err != nil {
		return nil, err
	}
	return &builder{
		spool: spool, buffer: bufio.NewWriterSize(spool, 1<<20),
		records: make(map[textID]*builtRecord), folders: make(map[string]EcosystemInfo),
	}, nil
}

// discard removes what the builder has put beside the index.
func (b *builder) discard() {
	_ = b.spool.Close()
	_ = os.Remove(b.spool.Name())
}

// addFolder adds the records of one ecosystem of a folder. The error is that of the context or of the spool.
func (b *builder) addFolder(ctx context.Context, dir, name string) error {
	var mu sync.Mutex
	var failed error
	var encoders sync.Pool
	stats, err := readEcosystem(ctx, dir, name, func(_ string, raw []byte) error {
		e, _ := encoders.Get().(*encoder)
		if e == nil {
			e = new(encoder)
		}
		defer encoders.Put(e)
		r, err := decodeRecord(raw)
		if err != nil {
			return err
		}
		if err := b.add(e, &stored{record: r, sum: crc32.ChecksumIEEE(raw), folders: []string{name}}); err != nil {
			mu.Lock()
			defer mu.Unlock()
			failed = cmp.Or(failed, err)
		}
		return nil
	})
	if err := cmp.Or(ctx.Err(), failed); err != nil {
		return err
	}
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	info := EcosystemInfo{Unreadable: stats.unreadable, Example: stats.example}
	if err != nil {
		info.Broken = reason(err)
	}
	b.folders[name] = info
	return nil
}

// reason returns what an error says without the path of a file, which would make the index depend on where it was
// built.
func reason(err error) string {
	var p *fs.PathError
	if errors.As(err, &p) {
		return p.Err.Error()
	}
	return err.Error()
}

// decodeRecord decodes a record and takes the spaces out of the parts that stay JSON.
func decodeRecord(raw []byte) (*Record, error) {
	r := new(Record)
	if err := json.Unmarshal(raw, r); err != nil {
		return nil, err
	}
	if r.ID == "" {
		return nil, errors.New("no id")
	}
	compact(&r.DatabaseSpecific)
	for i := range r.Affected {
		compact(&r.Affected[i].DatabaseSpecific)
		compact(&r.Affected[i].EcosystemSpecific)
	}
	return r, nil
}

func compact(raw *json.RawMessage) {
	if string(*raw) == "null" {
		*raw = nil
	}
	if bytes.IndexByte(*raw, '\n') < 0 {
		return
	}
	var out bytes.Buffer
	if json.Compact(&out, *raw) == nil {
		*raw = out.Bytes()
	}
}

// add adds a record, or a folder to a record whose text is known. It is safe for use by several goroutines, each with
// its own encoder.
func (b *builder) add(e *encoder, s *stored) error {
	r := s.record
	built := &builtRecord{id: r.ID, modified: r.Modified, sum: s.sum, folders: s.folders, aliases: r.Aliases, withdrawn: r.Withdrawn != ""}
	type pair struct {
		key, body []byte
		suffix    string
	}
	var pairs []pair
	if !built.withdrawn {
		for i := range r.Affected {
			a := &r.Affected[i]
			if len(a.Ranges) == 0 && len(a.Versions) == 0 {
				continue
			}
			var body encoder
			body.strings(a.Versions)
			body.ranges(a.Ranges)
			base, suffix := splitEcosystem(a.Package.Ecosystem)
			pairs = append(pairs, pair{[]byte(packageKey(base, NormalizeName(base, a.Package.Name))), body.b, suffix})
			var repos []string
			for _, g := range a.Ranges {
				if repo := normalizeRepo(g.Repo); g.Type == "GIT" && repo != "" && !slices.Contains(repos, repo) {
					repos = append(repos, repo)
					pairs = append(pairs, pair{[]byte(packageKey(gitEcosystem, repo)), body.b, a.Package.Ecosystem})
				}
			}
		}
	}
	e.b = e.b[:0]
	e.record(r)

	b.mu.Lock()
	defer b.mu.Unlock()
	id := textID{r.ID, s.sum}
	if known := b.records[id]; known != nil {
		for _, folder := range s.folders {
			if !slices.Contains(known.folders, folder) {
				known.folders = append(slices.Clone(known.folders), folder)
			}
		}
		return nil
	}
	b.records[id] = built
	for _, p := range pairs {
		built.affected = append(built.affected, builtAffected{b.keys.number(p.key), b.bodies.number(p.body), strings.Clone(p.suffix)})
	}
	built.at, built.size = b.spooled, len(e.b)
	b.spooled += int64(len(e.b))
	_, err := b.buffer.Write(e.b)
	return err
}

// write writes the index of all that was added.
func (b *builder) write(ctx context.Context, out string) (err error) {
	if err := b.buffer.Flush(); err != nil {
		return err
	}
	f, err := os.CreateTemp(filepath.Dir(out), ".trifecta-*.index")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			_ = f.Close()
			_ = os.Remove(f.Name())
		}
	}()
	w := newIndexWriter(f)
	records := b.sorted()
	if err := b.writeRecords(ctx, w, records); err != nil {
		return err
	}
	packages, err := b.writeKeys(w, records)
	if err != nil {
		return err
	}
	w.section(sectionExtra, b.extra)
	meta, err := json.Marshal(b.describe(records, packages))
	if err != nil {
		return err
	}
	w.section(sectionMeta, meta)
	if err := w.finish(); err != nil {
		return err
	}
	if err := f.Chmod(0o644); err != nil {
		return err
	}
	if err := f.Sync(); err != nil {
		return err
	}
	if err := f.Close(); err != nil {
		return err
	}
	return os.Rename(f.Name(), out)
}

// sorted returns the records in the order of the index: by their first package, then by id.
func (b *builder) sorted() []*builtRecord {
	first := func(r *builtRecord) string {
		if len(r.affected) == 0 {
			return ""
		}
		return b.keys.values[r.affected[0].key]
	}
	records := make([]*builtRecord, 0, len(b.records))
	for _, r := range b.records {
		slices.Sort(r.folders)
		records = append(records, r)
	}
	slices.SortFunc(records, func(x, y *builtRecord) int {
		return cmp.Or(strings.Compare(first(x), first(y)), strings.Compare(x.id, y.id), cmp.Compare(x.sum, y.sum))
	})
	return records
}

// batch is a number of records that become one block.
type batch struct {
	records []*builtRecord
	offsets []uint32
	packed  []byte
	size    uint32
	err     error
	done    chan struct{}
}

// writeRecords writes the blocks and the tables of where each record is.
func (b *builder) writeRecords(ctx context.Context, w *indexWriter, records []*builtRecord) error {
	var batches []*batch
	for from, to, size := 0, 0, 0; to < len(records); {
		size += records[to].size
		to++
		if size >= blockSize || to == len(records) {
			batches = append(batches, &batch{records: records[from:to], done: make(chan struct{})})
			from, size = to, 0
		}
	}
	// Workers compress ahead of the one that writes, by a bounded number of blocks.
	work := make(chan *batch)
	ahead := make(chan struct{}, 16*runtime.GOMAXPROCS(0))
	ctx, stop := context.WithCancel(ctx)
	var workers sync.WaitGroup
	defer func() { stop(); workers.Wait() }()
	workers.Go(func() {
		defer close(work)
		for _, t := range batches {
			select {
			case ahead <- struct{}{}:
			case <-ctx.Done():
				return
			}
			select {
			case work <- t:
			case <-ctx.Done():
				return
			}
		}
	})
	for range runtime.GOMAXPROCS(0) {
		workers.Go(func() {
			z, err := zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedDefault), zstd.WithEncoderConcurrency(1), zstd.WithEncoderCRC(false),
				zstd.WithWindowSize(1<<20), zstd.WithLowerEncoderMem(true))
			var e encoder
			for t := range work {
				if t.err = err; err == nil {
					t.err = b.pack(t, &e, z)
				}
				close(t.done)
			}
		})
	}
	recordTable := make([]byte, 0, 8*len(records))
	blockTable := make([]byte, 0, 16*len(batches))
	w.begin(sectionPack)
	for i, t := range batches {
		select {
		case <-t.done:
		case <-ctx.Done():
			return ctx.Err()
		}
		<-ahead
		if t.err != nil {
			return t.err
		}
		blockTable = binary.LittleEndian.AppendUint64(blockTable, w.offset-w.sections[sectionPack].offset)
		blockTable = binary.LittleEndian.AppendUint32(blockTable, uint32(len(t.packed)))
		blockTable = binary.LittleEndian.AppendUint32(blockTable, t.size)
		for _, offset := range t.offsets {
			recordTable = binary.LittleEndian.AppendUint32(recordTable, uint32(i))
			recordTable = binary.LittleEndian.AppendUint32(recordTable, offset)
		}
		if _, err := w.Write(t.packed); err != nil {
			return err
		}
		t.packed, t.offsets = nil, nil
	}
	w.end(sectionPack)
	w.section(sectionBlocks, blockTable)
	w.section(sectionRecords, recordTable)
	return w.err
}

// pack makes the block of a batch.
func (b *builder) pack(t *batch, e *encoder, z *zstd.Encoder) error {
	e.b = e.b[:0]
	var head encoder
	for _, r := range t.records {
		t.offsets = append(t.offsets, uint32(len(e.b)))
		head.b = head.b[:0]
		head.uint(uint64(r.sum))
		head.strings(r.folders)
		e.uint(uint64(len(head.b) + r.size))
		e.b = append(e.b, head.b...)
		at := len(e.b)
		e.b = slices.Grow(e.b, r.size)[:at+r.size]
		if _, err := b.spool.ReadAt(e.b[at:], r.at); err != nil {
			return fmt.Errorf("read back %s: %w", r.id, err)
		}
	}
	if len(e.b) > maxBlock {
		return fmt.Errorf("%s and its neighbours are larger than a block may be", t.records[0].id)
	}
	t.size = uint32(len(e.b))
	t.packed = z.EncodeAll(e.b, nil)
	return nil
}

// writeKeys writes the keys with their postings, and the bodies that these refer to. It returns the number of packages.
func (b *builder) writeKeys(w *indexWriter, records []*builtRecord) (int, error) {
	type posting struct {
		record uint32
		body   uint32
		suffix string
	}
	byKey := make([][]posting, len(b.keys.values))
	byID := make(map[string][]uint32)
	for i, r := range records {
		for _, a := range r.affected {
			// What an archive says of packages of other ecosystems is for their archives to say.
			base, _, _ := strings.Cut(b.keys.values[a.key], "\x00")
			if base != gitEcosystem && !slices.Contains(r.folders, base) {
				continue
			}
			byKey[a.key] = append(byKey[a.key], posting{uint32(i), a.body, a.suffix})
		}
		for _, id := range append([]string{r.id}, r.aliases...) {
			key := idKey(id)
			if list := byID[key]; len(list) == 0 || list[len(list)-1] != uint32(i) {
				byID[key] = append(list, uint32(i))
			}
		}
	}
	type key struct {
		name   string
		number int // in byKey; -1 for an id
	}
	var keys []key
	for i, name := range b.keys.values {
		if len(byKey[i]) > 0 { // a later version of a record may have left a package out
			keys = append(keys, key{name, i})
		}
	}
	packages := len(keys)
	for name := range byID {
		keys = append(keys, key{name, -1})
	}
	slices.SortFunc(keys, func(x, y key) int { return strings.Compare(x.name, y.name) })

	var names, nameAt, bodies encoder
	var postings, postAt encoder
	placed := make([]uint64, len(b.bodies.values)) // the offset of a body and one more; 0 is not yet placed
	for _, k := range keys {
		nameAt.b = binary.LittleEndian.AppendUint32(nameAt.b, uint32(len(names.b)))
		postAt.b = binary.LittleEndian.AppendUint32(postAt.b, uint32(len(postings.b)))
		names.b = append(names.b, k.name...)
		if k.number < 0 {
			list := byID[k.name]
			postings.uint(uint64(len(list)))
			for _, n := range list {
				postings.uint(uint64(n))
			}
			continue
		}
		postings.uint(uint64(len(byKey[k.number])))
		for _, p := range byKey[k.number] {
			if placed[p.body] == 0 {
				placed[p.body] = uint64(len(bodies.b)) + 1
				bodies.string(b.bodies.values[p.body])
			}
			postings.uint(uint64(p.record))
			postings.string(p.suffix)
			postings.uint(placed[p.body] - 1)
		}
	}
	if uint64(len(names.b)) > math.MaxUint32 || uint64(len(postings.b)) > math.MaxUint32 {
		return 0, errors.New("too many packages for one index")
	}
	nameAt.b = binary.LittleEndian.AppendUint32(nameAt.b, uint32(len(names.b)))
	postAt.b = binary.LittleEndian.AppendUint32(postAt.b, uint32(len(postings.b)))
	w.section(sectionKeyAt, nameAt.b)
	w.section(sectionKeys, names.b)
	w.section(sectionPostAt, postAt.b)
	w.section(sectionPostings, postings.b)
	w.section(sectionBodies, bodies.b)
	return packages, w.err
}

// describe counts what is in the index.
func (b *builder) describe(records []*builtRecord, packages int) indexMeta {
	meta := indexMeta{Packages: packages, Ecosystems: make(map[string]EcosystemInfo), Origin: b.origin}
	lines, times := make(map[string][]string), make(map[string][]string)
	distinct := make(map[string]bool, len(records))
	for name := range b.folders {
		lines[name] = nil
	}
	for _, r := range records {
		distinct[r.id] = true
		for _, folder := range r.folders {
			lines[folder] = append(lines[folder], digestLine(r.sum))
			times[folder] = append(times[folder], r.modified)
		}
	}
	digests := make(map[string]string)
	for name, list := range lines {
		info := b.folders[name]
		info.Records = len(list)
		info.Digest = digestOf(list)
		info.AsOf = newest(times[name])
		meta.AsOf = max(meta.AsOf, info.AsOf)
		digests[name] = info.Digest
		meta.Ecosystems[name] = info
	}
	meta.Records = len(distinct)
	meta.Digest = combinedDigest(digests)
	return meta
}

var _ io.Writer = (*indexWriter)(nil)
