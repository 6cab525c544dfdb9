package advisory

import (
	"cmp"
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"maps"
	"runtime/debug"
	"slices"
	"strings"
	"sync"

	"github.com/klauspost/compress/zstd"

	"github.com/trifecta-scanner/trifecta/inventory"
)

// maxBlock bounds what one block unpacks to: one record larger than the usual block, with its parts.
const maxBlock = maxRecord + 1<<20

// Index is a database in one compact, immutable file, read through a memory map: BuildIndex makes it. Opening it and
// asking it cost the same whatever its size. It is safe for use by several goroutines.
//
// The file is checked page by page as it is read. A damaged one is a DamageError from OpenIndex or Match, never a
// wrong answer.
type Index struct {
	path string
	file *indexFile
	meta indexMeta

	decoder *zstd.Decoder
}

// indexMeta is the part of an index that describes it.
type indexMeta struct {
	AsOf       string                   `json:"as_of"`
	Digest     string                   `json:"digest"`
	Records    int                      `json:"records"`
	Packages   int                      `json:"packages"`
	Ecosystems map[string]EcosystemInfo `json:"ecosystems"`
	Origin     string                   `json:"origin,omitempty"`
}

// EcosystemInfo describes the records of one folder of the bucket in an index.
type EcosystemInfo struct {
	Records int    `json:"records"`
	AsOf    string `json:"as_of"` // the newest modification, RFC 3339
	Digest  string `json:"digest"`
	// Unreadable counts records that could not be decoded, of which Example names one; Broken says why the archive
	// could not be read. Each scan that asks about the ecosystem tells them.
	Unreadable int    `json:"unreadable,omitempty"`
	Example    string `json:"example,omitempty"`
	Broken     string `json:"broken,omitempty"`
	// Where an update took the records from and how far it got: the newest modification that the bucket's list had.
	ETag  string `json:"etag,omitempty"`
	Until string `json:"until,omitempty"`
}

func (e EcosystemInfo) broken() error {
	if e.Broken == "" {
		return nil
	}
	return errors.New(e.Broken)
}

// OpenIndex opens an index file. The error is a *DamageError if the file is none.
func OpenIndex(path string) (*Index, error) {
	file, err := openIndexFile(path)
	if err != nil {
		return nil, err
	}
	x, err := newIndex(file)
	if err != nil {
		_ = file.close()
		return nil, withPath(err, path)
	}
	x.path = path
	return x, nil
}

func withPath(err error, path string) error {
	var d *DamageError
	if errors.As(err, &d) && d.Path == "" {
		d.Path = path
	}
	return err
}

func newIndex(file *indexFile) (x *Index, err error) {
	defer guard(&err)()
	x = &Index{file: file}
	raw, err := file.at(sectionMeta, 0, file.sections[sectionMeta].length)
	if err != nil {
		return nil, err
	}
	if err := json.Unmarshal(raw, &x.meta); err != nil {
		return nil, damage("its description can't be read: %v", err)
	}
	keys := file.sections[sectionKeyAt].length / 4
	if keys == 0 || file.sections[sectionPostAt].length/4 != keys {
		return nil, damage("its tables of keys differ in length")
	}
	x.decoder, err = zstd.NewReader(nil, zstd.WithDecoderConcurrency(0), zstd.WithDecoderMaxMemory(maxBlock))
	return x, err
}

// guard turns the fault of a mapped file that became shorter while it is read into an error. Use it as
// defer guard(&err)().
func guard(err *error) func() {
	old := debug.SetPanicOnFault(true)
	return func() {
		debug.SetPanicOnFault(old)
		r := recover()
		if r == nil {
			return
		}
		if _, ok := r.(interface{ Addr() uintptr }); ok {
			*err = damage("it was cut short while it was read")
			return
		}
		panic(r) //nolint:forbidigo // it was not ours
	}
}

// Close gives the file back. Records that Match returned stay valid.
func (x *Index) Close() error {
	x.decoder.Close()
	return x.file.close()
}

// Info describes the whole index.
func (x *Index) Info() Info {
	info := Info{Source: x.path, AsOf: x.meta.AsOf, Digest: x.meta.Digest, Records: x.meta.Records, Ecosystems: make(map[string]int)}
	for name, e := range x.meta.Ecosystems {
		info.Ecosystems[name] = e.Records
	}
	return info
}

// Ecosystems describes each ecosystem of the index by its name.
func (x *Index) Ecosystems() map[string]EcosystemInfo { return maps.Clone(x.meta.Ecosystems) }

// Packages returns how many packages and repositories the index can be asked about.
func (x *Index) Packages() int { return x.meta.Packages }

// Origin returns the address of the bucket that an update filled the index from, or "".
func (x *Index) Origin() string { return x.meta.Origin }

// Size returns the size of the file in bytes.
func (x *Index) Size() int64 { return int64(len(x.file.data)) }

// Sum returns a checksum of the whole file, which opening it does not compute anew: it names the file in a cache.
func (x *Index) Sum() string { return fmt.Sprintf("%08x", crc32.Checksum(x.file.sums, castagnoli)) }

// Extra returns the length of what the builder was given to carry along, and a function that returns a copy of n bytes of
// it from an offset.
func (x *Index) Extra() (size uint64, read func(offset, n uint64) ([]byte, error)) {
	return x.file.sections[sectionExtra].length, func(offset, n uint64) (b []byte, err error) {
		defer guard(&err)()
		b, err = x.file.at(sectionExtra, offset, n)
		return slices.Clone(b), withPath(err, x.path)
	}
}

// Verify reads the whole file and reports whether it is what the builder wrote.
func (x *Index) Verify() (err error) {
	defer guard(&err)()
	return withPath(x.file.verify(), x.path)
}

// Match implements Database.
func (x *Index) Match(ctx context.Context, queries []Query) (found [][]*Record, notices []inventory.Notice, err error) {
	found, undecided, err := x.matchGuarded(ctx, queries, keeper(queries))
	if err != nil {
		return nil, nil, withPath(err, x.path)
	}
	return found, append(x.notices(queries), undecidedNotices(undecided)...), nil
}

func (x *Index) matchGuarded(ctx context.Context, queries []Query, keep func(Package) bool) (found [][]*Record, undecided map[string]int, err error) {
	defer guard(&err)()
	return x.match(ctx, queries, keep)
}

// notices tells what of the ecosystems in question the index does not hold.
func (x *Index) notices(queries []Query) []inventory.Notice {
	asked := make(map[string]bool)
	for _, q := range queries {
		base, _ := splitEcosystem(q.Ecosystem)
		asked[cmp.Or(base, gitEcosystem)] = true
	}
	if asked[gitEcosystem] {
		for name := range x.meta.Ecosystems {
			asked[name] = true
		}
	}
	var notices []inventory.Notice
	for _, name := range sortedKeys(asked) {
		e, ok := x.meta.Ecosystems[name]
		if !ok {
			notices = append(notices, missingEcosystem(x.path, name))
			continue
		}
		s := readStats{records: e.Records + e.Unreadable, unreadable: e.Unreadable, example: e.Example}
		notices = append(notices, s.notices(x.path, name, e.broken())...)
	}
	return notices
}

func (x *Index) match(ctx context.Context, queries []Query, keep func(Package) bool) ([][]*Record, map[string]int, error) {
	hits := make([][]uint32, len(queries))
	undecided := make(map[string]int)
	wanted := make(map[uint32]*stored)
	var memory arena
	for i, q := range queries {
		if i%64 == 0 && ctx.Err() != nil {
			return nil, nil, ctx.Err()
		}
		question := newQuestion(q)
		numbers, vague, err := x.ask(question, &memory)
		if err != nil {
			return nil, nil, err
		}
		if vague > 0 {
			undecided[q.Ecosystem] += vague
		}
		hits[i] = numbers
		for _, n := range numbers {
			wanted[n] = nil
		}
	}
	if err := x.load(ctx, wanted, keep); err != nil {
		return nil, nil, err
	}
	found := make([][]*Record, len(queries))
	for i, numbers := range hits {
		if len(numbers) == 0 {
			continue
		}
		found[i] = make([]*Record, len(numbers))
		for j, n := range numbers {
			found[i][j] = wanted[n].record
		}
		found[i] = newestByID(found[i])
	}
	return found, undecided, nil
}

// packageKey is the key of a package or repository, idKey that of a record's id or alias. Both sort apart.
func packageKey(base, name string) string { return base + "\x00" + name }
func idKey(id string) string              { return "\x01" + strings.ToUpper(id) }

// ask returns the numbers of the records that apply, ascending, and for how many that is undecided.
func (x *Index) ask(q *question, memory *arena) (numbers []uint32, vague int, err error) {
	postings, err := x.postings(packageKey(q.base, q.name))
	if err != nil || postings == nil {
		return nil, 0, err
	}
	d := newDecoder(postings)
	current, answer := uint32(0), unaffected
	flush := func() {
		switch answer {
		case affected:
			numbers = append(numbers, current)
		case undecided:
			vague++
		}
		answer = unaffected
	}
	for n := d.uint(); n > 0 && d.err == nil; n-- {
		number, suffix, body := d.uint(), d.string(), d.uint()
		if d.err != nil || number > 1<<32-1 {
			break
		}
		if uint32(number) != current {
			flush()
			current = uint32(number)
		}
		if answer == affected || q.base != gitEcosystem && !sameRelease(suffix, q.suffix) {
			continue
		}
		v, err := x.evaluate(q, suffix, body, memory)
		if err != nil {
			return nil, 0, err
		}
		answer = max(answer, v)
	}
	flush()
	if d.err != nil {
		return nil, 0, damage("the entries of %s %s can't be read", q.base, q.name)
	}
	return numbers, vague, nil
}

// evaluate evaluates the ranges and versions of one affected entry.
func (x *Index) evaluate(q *question, suffix string, body uint64, memory *arena) (verdict, error) {
	section := x.file.sections[sectionBodies]
	if body >= section.length {
		return 0, damage("there are no ranges at %d", body)
	}
	head, err := x.file.at(sectionBodies, body, min(binary.MaxVarintLen64, section.length-body))
	if err != nil {
		return 0, err
	}
	size, n := binary.Uvarint(head)
	if n <= 0 {
		return 0, damage("the ranges at %d can't be read", body)
	}
	raw, err := x.file.at(sectionBodies, body+uint64(n), size)
	if err != nil {
		return 0, err
	}
	d := newDecoder(raw)
	d.arena = memory
	// The list of versions first, and without making texts of them: it is what most often decides.
	for n := d.count(1); n > 0; n-- {
		if q.is(d.string()) {
			return affected, d.err
		}
	}
	ecosystem := q.base
	if suffix != "" {
		ecosystem += ":" + suffix
	}
	a := Affected{Package: Package{Ecosystem: ecosystem}, Ranges: d.ranges()}
	if d.err != nil {
		return 0, damage("the ranges at %d can't be read", body)
	}
	return q.affected(&a), nil
}

// find returns the number of a key, or false.
func (x *Index) find(key string) (uint64, bool, error) {
	low, high := uint64(0), x.file.sections[sectionKeyAt].length/4-1
	for low < high {
		mid := (low + high) / 2
		at, err := x.slice(sectionKeyAt, sectionKeys, mid)
		if err != nil {
			return 0, false, err
		}
		switch c := cmp.Compare(string(at), key); {
		case c == 0:
			return mid, true, nil
		case c < 0:
			low = mid + 1
		default:
			high = mid
		}
	}
	return 0, false, nil
}

// slice returns the i-th piece of a section whose pieces begin at the offsets of another one.
func (x *Index) slice(offsets, section int, i uint64) ([]byte, error) {
	from, err := x.file.u32(offsets, i)
	if err != nil {
		return nil, err
	}
	to, err := x.file.u32(offsets, i+1)
	if err != nil {
		return nil, err
	}
	if to < from {
		return nil, damage("piece %d of section %d ends before it begins", i, section)
	}
	return x.file.at(section, uint64(from), uint64(to-from))
}

func (x *Index) postings(key string) ([]byte, error) {
	i, ok, err := x.find(key)
	if err != nil || !ok {
		return nil, err
	}
	return x.slice(sectionPostAt, sectionPostings, i)
}

// Lookup returns the records with an id or alias, withdrawn ones included, ordered by id. Letter case does not matter.
func (x *Index) Lookup(ctx context.Context, id string) ([]*Record, error) {
	found, err := x.lookup(ctx, id)
	if err != nil {
		return nil, withPath(err, x.path)
	}
	var records []*Record
	for _, s := range found {
		records = append(records, s.record)
	}
	return newestByID(records), nil
}

func (x *Index) lookup(ctx context.Context, id string) (found []*stored, err error) {
	defer guard(&err)()
	postings, err := x.postings(idKey(id))
	if err != nil || postings == nil {
		return nil, err
	}
	d := newDecoder(postings)
	wanted := make(map[uint32]*stored)
	for n := d.count(1); n > 0; n-- {
		wanted[uint32(d.uint())] = nil
	}
	if d.err != nil {
		return nil, damage("the entries of %s can't be read", id)
	}
	if err := x.load(ctx, wanted, nil); err != nil {
		return nil, err
	}
	return slices.Collect(maps.Values(wanted)), nil
}

// place is where a record is.
type place struct{ number, block, offset uint32 }

// byBlock cuts a list that is sorted by block into one list for each block.
func byBlock(places []place) [][]place {
	var groups [][]place
	for from, to := 0, 1; from < len(places); to++ {
		if to == len(places) || places[to].block != places[from].block {
			groups = append(groups, places[from:to])
			from = to
		}
	}
	return groups
}

// load fills in the records by their numbers, with those affected entries that keep says. Each block is unpacked once, several at a time.
func (x *Index) load(ctx context.Context, wanted map[uint32]*stored, keep func(Package) bool) error {
	places := make([]place, 0, len(wanted))
	for n := range wanted {
		b, err := x.file.at(sectionRecords, uint64(n)*8, 8)
		if err != nil {
			return err
		}
		places = append(places, place{n, binary.LittleEndian.Uint32(b), binary.LittleEndian.Uint32(b[4:])})
	}
	slices.SortFunc(places, func(a, b place) int { return cmp.Or(cmp.Compare(a.block, b.block), cmp.Compare(a.offset, b.offset)) })
	groups := byBlock(places)
	var mu sync.Mutex
	var failed error
	parallel(ctx, len(groups), 4, func(next func() (int, bool)) {
		err := x.loadGroups(groups, next, keep, func(number uint32, s *stored) {
			mu.Lock()
			defer mu.Unlock()
			wanted[number] = s
		})
		if err != nil {
			mu.Lock()
			defer mu.Unlock()
			failed = cmp.Or(failed, err)
		}
	})
	return cmp.Or(failed, ctx.Err())
}

func (x *Index) loadGroups(groups [][]place, next func() (int, bool), keep func(Package) bool, each func(uint32, *stored)) (err error) {
	defer guard(&err)()
	var memory arena
	var block []byte // of the round before: its records have copies of their parts
	for i, ok := next(); ok; i, ok = next() {
		block, err = x.block(uint64(groups[i][0].block), block)
		if err != nil {
			return err
		}
		for _, p := range groups[i] {
			s, err := readStored(block, uint64(p.offset), keep, &memory)
			if err != nil {
				return err
			}
			each(p.number, s)
		}
	}
	return nil
}

// block unpacks a block into the memory of old, or into new memory where that is too small.
func (x *Index) block(i uint64, old []byte) ([]byte, error) {
	b, err := x.file.at(sectionBlocks, i*16, 16)
	if err != nil {
		return nil, err
	}
	packed, err := x.file.at(sectionPack, binary.LittleEndian.Uint64(b), uint64(binary.LittleEndian.Uint32(b[8:])))
	if err != nil {
		return nil, err
	}
	size := binary.LittleEndian.Uint32(b[12:])
	if size > maxBlock {
		return nil, damage("block %d claims %d bytes", i, size)
	}
	// The claim is believed as far as memory of that size goes; more than it is an error.
	raw, err := x.decoder.DecodeAll(packed, slices.Grow(old[:0], int(size)))
	if err != nil || len(raw) != int(size) {
		return nil, damage("block %d can't be unpacked", i)
	}
	return raw, nil
}

// stored is a record with what updates need to know of its text.
type stored struct {
	record  *Record
	sum     uint32   // CRC-32 of the text it was decoded from
	folders []string // of the bucket that it was found in
}

func readStored(block []byte, offset uint64, keep func(Package) bool, memory *arena) (*stored, error) {
	if offset > uint64(len(block)) {
		return nil, damage("there is no record at %d of its block", offset)
	}
	d := newDecoder(block[offset:])
	if n := d.uint(); n <= uint64(len(d.b)) {
		d.b = strings.Clone(d.b[:n])
	} else {
		d.fail()
	}
	d.arena = memory
	s := &stored{sum: uint32(d.uint()), folders: d.strings()}
	s.record = d.record(keep)
	if d.err != nil || s.record.ID == "" {
		return nil, damage("the record at %d of its block can't be read", offset)
	}
	return s, nil
}

// all calls each with every record of the index, several at once and in no order, until the first error.
func (x *Index) all(ctx context.Context, each func(*stored) error) error {
	n := x.file.sections[sectionRecords].length / 8
	places := make([]place, n)
	for i := range n {
		b, err := x.file.at(sectionRecords, i*8, 8)
		if err != nil {
			return err
		}
		places[i] = place{uint32(i), binary.LittleEndian.Uint32(b), binary.LittleEndian.Uint32(b[4:])}
	}
	groups := byBlock(places)
	var mu sync.Mutex
	var failed error
	fail := func(err error) {
		mu.Lock()
		defer mu.Unlock()
		failed = cmp.Or(failed, err)
	}
	parallel(ctx, len(groups), 4, func(next func() (int, bool)) {
		err := x.loadGroups(groups, next, nil, func(_ uint32, s *stored) {
			if err := each(s); err != nil {
				fail(err)
			}
		})
		if err != nil {
			fail(err)
		}
	})
	return cmp.Or(failed, ctx.Err())
}
