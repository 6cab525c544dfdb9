package advisory

import (
	"archive/zip"
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/klauspost/compress/flate"

	"github.com/trifecta-scanner/trifecta/inventory"
)

// maxRecord bounds the size of one record, unpacked. The largest of the public bucket have a few megabytes.
const maxRecord = 32 << 20

// archiveName is the file of the bucket that holds all records of an ecosystem.
const archiveName = "all.zip"

// Folder is a database in the layout of the public OSV bucket: for each ecosystem a folder of its name with all.zip,
// or with one JSON file for each record, or both. Match reads those ecosystems that are asked about; Index is the form
// that answers fast.
type Folder struct {
	dir     string
	info    Info
	digests map[string]string // by ecosystem

	cache   string // folder of indexes, "" for none
	indexes map[string]*Index
}

// OpenFolder opens a folder of records, of which nothing is kept: each call of Match reads it again. It is an error if dir is not a folder; whether the ecosystems in it are
// readable shows when they are asked about.
func OpenFolder(dir string) (*Folder, error) {
	info, err := os.Stat(dir)
	if err != nil {
		return nil, err
	}
	if !info.IsDir() {
		return nil, fmt.Errorf("%s is not a folder", dir)
	}
	return &Folder{dir: dir, info: Info{Source: dir}}, nil
}

// Close closes what is open of indexes.
func (f *Folder) Close() error {
	var err error
	for _, x := range f.indexes {
		if x != nil {
			err = errors.Join(err, x.Close())
		}
	}
	f.indexes = nil
	return err
}

// Info describes the ecosystems that Match has read so far: Records counts all records of their archives, AsOf is the
// newest modification among them (see newest), and Digest covers the checksums of these records.
func (f *Folder) Info() Info {
	if f.digests == nil {
		f.digests = make(map[string]string)
	}
	for name := range f.info.Ecosystems {
		if _, ok := f.digests[name]; !ok {
			f.digests[name] = f.digest(name)
		}
	}
	info := f.info
	info.Ecosystems = maps.Clone(f.info.Ecosystems)
	info.Digest = combinedDigest(f.digests)
	return info
}

// Match implements Database. Each ecosystem is read once; a record is decoded only if the name of a wanted package
// occurs in it. What can't be read is told by a notice for each ecosystem, and all the rest is matched.
func (f *Folder) Match(ctx context.Context, queries []Query) ([][]*Record, []inventory.Notice, error) {
	found := make([][]*Record, len(queries))
	asked := make(map[string]*wanted)
	for i, q := range queries {
		x := newQuestion(q)
		w := asked[x.base]
		if w == nil {
			w = &wanted{base: x.base, names: make(map[string][]asking)}
			asked[x.base] = w
		}
		w.names[x.name] = append(w.names[x.name], asking{question: x, index: i})
	}
	var notices []inventory.Notice
	for _, base := range sortedKeys(asked) {
		folders := []string{base}
		if base == gitEcosystem {
			// Commits are named by records of every ecosystem.
			folders = append(folders, f.ecosystems()...)
		}
		for i, folder := range folders {
			if slices.Contains(folders[:i], folder) {
				continue
			}
			told, ok, err := f.readCached(ctx, folder, asked[base], queries, found)
			if !ok && err == nil {
				told, err = f.read(ctx, folder, asked[base], found)
			}
			if err != nil {
				return nil, nil, err
			}
			notices = append(notices, told...)
		}
	}
	keep := keeper(queries)
	for i := range found {
		found[i] = newestByID(found[i])
		for _, r := range found[i] {
			if keep != nil {
				r.Affected = slices.DeleteFunc(r.Affected, func(a Affected) bool { return !keep(a.Package) })
			}
		}
	}
	counts := make(map[string]int)
	for _, w := range asked {
		for ecosystem, n := range w.undecided {
			counts[ecosystem] += n
		}
	}
	return found, append(notices, undecidedNotices(counts)...), nil
}

// wanted is what is asked about one ecosystem.
type wanted struct {
	base  string
	names map[string][]asking

	mu        sync.Mutex
	undecided map[string]int // packages by ecosystem whose versions could not be compared
}

type asking struct {
	*question
	index int
}

// has reports whether a package of this name, as a record spells it, is wanted.
func (w *wanted) has(name []byte) bool {
	if _, ok := w.names[string(name)]; ok {
		return true
	}
	_, ok := w.names[NormalizeName(w.base, string(name))]
	return ok
}

// notEcosystem is a folder that may stand among the ecosystems: intelligence, which package intel reads.
const notEcosystem = "intel"

// ecosystems returns the names of the folders of ecosystems below the root.
func (f *Folder) ecosystems() []string {
	entries, err := os.ReadDir(f.dir)
	if err != nil {
		return nil
	}
	var names []string
	for _, e := range entries {
		if info, err := os.Stat(filepath.Join(f.dir, e.Name())); err == nil && info.IsDir() && e.Name() != notEcosystem {
			names = append(names, e.Name())
		}
	}
	return names
}

// read matches one ecosystem's records against what is wanted. The error is that of the context.
func (f *Folder) read(ctx context.Context, folder string, w *wanted, found [][]*Record) ([]inventory.Notice, error) {
	var mu sync.Mutex
	visit := func(_ string, raw []byte) error {
		relevant, err := w.mayConcern(raw)
		if err != nil || !relevant {
			return err
		}
		r := new(Record)
		if err := json.Unmarshal(raw, r); err != nil {
			return err
		}
		if r.ID == "" {
			return errors.New("no id")
		}
		if r.Withdrawn != "" {
			return nil
		}
		for _, i := range w.match(r) {
			mu.Lock()
			found[i] = append(found[i], r)
			mu.Unlock()
		}
		return nil
	}
	stats, err := readEcosystem(ctx, f.dir, folder, visit)
	if ctxErr := ctx.Err(); ctxErr != nil {
		return nil, ctxErr
	}
	f.note(folder, stats)
	return stats.notices(f.dir, folder, err), nil
}

// readCached does what read does with an index of the ecosystem, if there is one. The error is that of the context.
func (f *Folder) readCached(ctx context.Context, folder string, w *wanted, queries []Query, found [][]*Record) ([]inventory.Notice, bool, error) {
	x := f.cached(ctx, folder)
	if x == nil {
		return nil, false, ctx.Err()
	}
	var indexes []int
	var subset []Query
	for _, list := range w.names {
		for _, a := range list {
			indexes = append(indexes, a.index)
		}
	}
	slices.Sort(indexes)
	for _, i := range indexes {
		subset = append(subset, queries[i])
	}
	some, undecided, err := x.matchGuarded(ctx, subset, keeper(queries))
	if ctx.Err() != nil {
		return nil, false, ctx.Err()
	}
	if err != nil {
		f.forget(folder)
		return nil, false, nil //nolint:nilerr // the file is read instead, and says what is wrong with it
	}
	for i, records := range some {
		found[indexes[i]] = append(found[indexes[i]], records...)
	}
	if w.undecided == nil {
		w.undecided = make(map[string]int)
	}
	for ecosystem, n := range undecided {
		w.undecided[ecosystem] += n
	}
	info := x.meta.Ecosystems[folder]
	stats := readStats{records: info.Records + info.Unreadable, unreadable: info.Unreadable, example: info.Example, modified: x.meta.AsOf}
	f.note(folder, stats)
	if f.digests == nil {
		f.digests = make(map[string]string)
	}
	f.digests[folder] = info.Digest
	return stats.notices(f.dir, folder, info.broken()), true, nil
}

// note adds what was read to the description of the folder.
func (f *Folder) note(folder string, s readStats) {
	if s.records == 0 || f.info.Ecosystems[folder] > 0 {
		return
	}
	if f.info.Ecosystems == nil {
		f.info.Ecosystems = make(map[string]int)
	}
	f.info.Ecosystems[folder] = s.records
	f.info.Records += s.records
	f.info.AsOf = max(f.info.AsOf, s.modified)
}

// match returns the indexes of the queries that a record applies to.
func (w *wanted) match(r *Record) []int {
	var indexes []int
	ask := func(name string) {
		for _, a := range w.names[name] {
			if slices.Contains(indexes, a.index) {
				continue
			}
			x := *a.question // its own copy: the parsed versions in it are not safe for several goroutines
			switch x.evaluate(r) {
			case affected:
				indexes = append(indexes, a.index)
			case undecided:
				w.mu.Lock()
				if w.undecided == nil {
					w.undecided = make(map[string]int)
				}
				w.undecided[a.Ecosystem]++
				w.mu.Unlock()
			}
		}
	}
	for i := range r.Affected {
		a := &r.Affected[i]
		if base, _ := splitEcosystem(a.Package.Ecosystem); base == w.base {
			ask(NormalizeName(base, a.Package.Name))
		}
		if w.base == gitEcosystem {
			for _, g := range a.Ranges {
				ask(normalizeRepo(g.Repo))
			}
		}
	}
	return indexes
}

// mayConcern reports whether a wanted name occurs in the text of a record, without decoding it. A record in which no
// name can be found that way is decoded, so that a broken one is told.
func (w *wanted) mayConcern(raw []byte) (bool, error) {
	text := bytes.TrimSpace(raw)
	if len(text) < 2 || text[0] != '{' || text[len(text)-1] != '}' {
		return false, errors.New("not a JSON object")
	}
	// Letters written as escapes (\u006e) hide keys and names from a search of the text.
	for rest := text; ; {
		i := bytes.Index(rest, []byte(`\u00`))
		if i < 0 || i+4 >= len(rest) {
			break
		}
		if c := rest[i+4]; c >= '4' && c <= '7' {
			return true, nil
		}
		rest = rest[i+4:]
	}
	any := false
	keys := [][]byte{[]byte(`"name"`)}
	if w.base == gitEcosystem {
		keys = append(keys, []byte(`"repo"`))
	}
	for _, key := range keys {
		for rest := text; ; {
			value, after, ok := nextString(rest, key)
			if !ok {
				break
			}
			any = true
			if value == nil || w.has(value) {
				return true, nil
			}
			rest = after
		}
	}
	return !any, nil
}

// nextString finds the next key of a text with a string as its value, and returns the value and the text behind the
// key. The value is nil where it holds an escape and can't be taken from the text.
func nextString(text, key []byte) (value, rest []byte, ok bool) {
	for {
		i := bytes.Index(text, key)
		if i < 0 {
			return nil, nil, false
		}
		text = text[i+len(key):]
		after := bytes.TrimLeft(text, " \t\r\n")
		if len(after) == 0 || after[0] != ':' {
			continue
		}
		after = bytes.TrimLeft(after[1:], " \t\r\n")
		if len(after) == 0 || after[0] != '"' {
			continue
		}
		after = after[1:]
		end := bytes.IndexAny(after, `"\`)
		if end < 0 || after[end] == '\\' {
			return nil, after, true
		}
		return after[:end], after, true
	}
}

// readStats says what was read of one ecosystem.
type readStats struct {
	records    int    // in the archive and beside it
	unreadable int    // of these, records that could not be read or decoded
	example    string // the first of them by name, with the reason
	modified   string // the newest modification: see newest
	times      []string
}

// notices tells what is wrong with an ecosystem of which nothing (err) or not everything could be read.
func (s readStats) notices(dir, folder string, err error) []inventory.Notice {
	var notices []inventory.Notice
	switch {
	case errors.Is(err, fs.ErrNotExist):
		notices = append(notices, missingEcosystem(dir, folder))
	case err != nil:
		notices = append(notices, inventory.Notice{Code: "database-incomplete", Message: fmt.Sprintf(
			"the advisories of %s in %s can't be read: %v; its packages were matched only against what was readable", folder, dir, err)})
	}
	if s.unreadable > 0 {
		notices = append(notices, inventory.Notice{Code: "advisory-unreadable", Message: fmt.Sprintf(
			"%d of %d advisories of %s can't be read and were not matched, the first is %s", s.unreadable, s.records, folder, s.example)})
	}
	return notices
}

func missingEcosystem(source, ecosystem string) inventory.Notice {
	return inventory.Notice{Code: "database-incomplete", Message: fmt.Sprintf(
		"%s has no advisories of the ecosystem %s; its packages were not matched", source, ecosystem)}
}

// undecidedNotices tells for how many pairs of package and record the versions could not be compared.
func undecidedNotices(counts map[string]int) []inventory.Notice {
	var notices []inventory.Notice
	for _, ecosystem := range sortedKeys(counts) {
		notices = append(notices, inventory.Notice{Code: "version-not-comparable", Message: fmt.Sprintf(
			"%d times the version of a package of %s can't be compared with the range of an advisory that names it; whether it applies is not known",
			counts[ecosystem], ecosystem)})
	}
	return notices
}

// readEcosystem calls visit for each record of an ecosystem, several at once and in no order. The raw text belongs to
// the caller of visit and is valid until it returns. An error of visit counts the record as unreadable. The returned
// error says that the ecosystem as a whole, or its archive, can't be read; fs.ErrNotExist is among its causes if there
// is nothing of that name.
func readEcosystem(ctx context.Context, dir, folder string, visit func(name string, raw []byte) error) (readStats, error) {
	var stats readStats
	if !isFolderName(folder) {
		return stats, fs.ErrNotExist
	}
	root := filepath.Join(dir, folder)
	entries, err := os.ReadDir(root)
	if err != nil {
		return stats, err
	}
	var mu sync.Mutex
	told := func(name string, raw []byte) {
		err := visit(name, raw)
		at := modifiedOf(raw)
		mu.Lock()
		defer mu.Unlock()
		stats.times = append(stats.times, at)
		if err != nil {
			stats.broken(name, err)
		}
	}
	broken := func(name string, err error) {
		mu.Lock()
		defer mu.Unlock()
		stats.broken(name, err)
	}
	var loose []string
	hasArchive := false
	for _, e := range entries {
		switch {
		case e.Name() == archiveName:
			hasArchive = true
		case strings.HasSuffix(e.Name(), ".json") && !e.IsDir():
			loose = append(loose, e.Name())
		}
	}
	if !hasArchive && len(loose) == 0 {
		return stats, fs.ErrNotExist
	}
	var archiveErr error
	if hasArchive {
		var n int
		n, archiveErr = readArchive(ctx, filepath.Join(root, archiveName), told, broken)
		stats.records += n
	}
	stats.records += len(loose)
	parallel(ctx, len(loose), 16, func(next func() (int, bool)) {
		for i, ok := next(); ok; i, ok = next() {
			raw, err := readLimited(filepath.Join(root, loose[i]))
			if err != nil {
				broken(loose[i], err)
				continue
			}
			told(loose[i], raw)
		}
	})
	stats.modified, stats.times = newest(stats.times), nil
	return stats, archiveErr
}

// newest returns the last of some times, leaving out the last thousandth, but not more than ten: among tens of
// thousands of records there are always some whose date is a mistake and lies in the future.
func newest(times []string) string {
	if len(times) == 0 {
		return ""
	}
	slices.Sort(times)
	return times[len(times)-1-min(10, len(times)/1000)]
}

// isFolderName reports whether an ecosystem can be a folder of the bucket: its name is part of a path.
func isFolderName(ecosystem string) bool {
	return filepath.IsLocal(ecosystem) && !strings.ContainsAny(ecosystem, `/\`) && ecosystem != "."
}

// broken counts an unreadable record. The example is the first by name, whatever the order of reading.
func (s *readStats) broken(name string, err error) {
	s.unreadable++
	if example := fmt.Sprintf("%s (%v)", name, err); s.example == "" || example < s.example {
		s.example = example
	}
}

// modifiedOf returns the newest value of a key "modified" in a record's text. It is enough for the age of a database.
func modifiedOf(raw []byte) string {
	var newest string
	for rest := raw; ; {
		value, after, ok := nextString(rest, []byte(`"modified"`))
		if !ok {
			return newest
		}
		// 2026-08-21T10:00:00Z: text in this form sorts by time.
		if len(value) >= len("2006-01-02T15:04:05Z") && value[4] == '-' && value[10] == 'T' && value[len(value)-1] == 'Z' {
			newest = max(newest, string(value))
		}
		rest = after
	}
}

func readLimited(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	raw, err := io.ReadAll(io.LimitReader(f, maxRecord+1))
	if err == nil && len(raw) > maxRecord {
		err = errTooLarge
	}
	return raw, err
}

var errTooLarge = fmt.Errorf("larger than %d MiB", maxRecord>>20)

// readArchive calls visit for each JSON file of an archive and broken for each that can't be unpacked, and returns how
// many there are.
func readArchive(ctx context.Context, path string, visit func(name string, raw []byte), broken func(name string, err error)) (int, error) {
	file, err := os.Open(path)
	if err != nil {
		return 0, err
	}
	defer file.Close()
	archive, err := openZip(file)
	if err != nil {
		return 0, err
	}
	files := slices.DeleteFunc(archive.File, func(f *zip.File) bool { return !strings.HasSuffix(f.Name, ".json") })
	parallel(ctx, len(files), 64, func(next func() (int, bool)) {
		var u unpacker
		for i, ok := next(); ok; i, ok = next() {
			raw, err := u.unpack(files[i])
			if err != nil {
				broken(files[i].Name, err)
				continue
			}
			visit(files[i].Name, raw)
		}
	})
	return len(files), nil
}

func openZip(file *os.File) (*zip.Reader, error) {
	info, err := file.Stat()
	if err != nil {
		return nil, err
	}
	archive, err := zip.NewReader(file, info.Size())
	// Names are only labels here, nothing is written under them.
	if errors.Is(err, zip.ErrInsecurePath) {
		err = nil
	}
	return archive, err
}

// parallel shares n items, a few at a time, among as many workers as there are processors.
func parallel(ctx context.Context, n, batch int, work func(next func() (int, bool))) {
	var taken atomic.Int64
	var wg sync.WaitGroup
	for range min(runtime.GOMAXPROCS(0), (n+batch-1)/batch) {
		wg.Go(func() {
			at, end := 0, 0
			work(func() (int, bool) {
				if at == end {
					end = int(taken.Add(int64(batch)))
					at = end - batch
					end = min(end, n)
					if at >= end || ctx.Err() != nil {
						at, end = 0, 0
						return 0, false
					}
				}
				at++
				return at - 1, true
			})
		})
	}
	wg.Wait()
}

// unpacker unpacks the files of an archive into one buffer: the text of a file is valid until the next one.
type unpacker struct {
	packed  []byte
	text    bytes.Buffer
	source  bytes.Reader
	inflate io.ReadCloser
}

func (u *unpacker) unpack(f *zip.File) ([]byte, error) {
	if f.UncompressedSize64 > maxRecord || f.CompressedSize64 > maxRecord {
		return nil, errTooLarge
	}
	section, err := f.OpenRaw()
	if err != nil {
		return nil, err
	}
	u.packed = slices.Grow(u.packed[:0], int(f.CompressedSize64))[:f.CompressedSize64]
	if _, err := io.ReadFull(section, u.packed); err != nil {
		return nil, err
	}
	var raw []byte
	switch f.Method {
	case zip.Store:
		raw = u.packed
	case zip.Deflate:
		u.source.Reset(u.packed)
		if u.inflate == nil {
			u.inflate = flate.NewReader(&u.source)
		} else if err := u.inflate.(flate.Resetter).Reset(&u.source, nil); err != nil {
			return nil, err
		}
		u.text.Reset()
		u.text.Grow(int(f.UncompressedSize64) + bytes.MinRead)
		// The size in the directory is a claim: read one byte more than is allowed and compare.
		if _, err := u.text.ReadFrom(io.LimitReader(u.inflate, maxRecord+1)); err != nil {
			return nil, err
		}
		raw = u.text.Bytes()
	default:
		return nil, zip.ErrAlgorithm
	}
	if uint64(len(raw)) != f.UncompressedSize64 || crc32.ChecksumIEEE(raw) != f.CRC32 {
		return nil, zip.ErrChecksum
	}
	return raw, nil
}

// digest returns the digest of one ecosystem's records: of the sorted CRC-32 checksums of their texts, one on a line, as
// archives state them. It is "" where they can't be read.
func (f *Folder) digest(folder string) string {
	root := filepath.Join(f.dir, folder)
	entries, err := os.ReadDir(root)
	if err != nil {
		return ""
	}
	var lines []string
	for _, e := range entries {
		switch {
		case e.Name() == archiveName:
			more, err := archiveLines(filepath.Join(root, archiveName))
			if err != nil {
				return ""
			}
			lines = append(lines, more...)
		case strings.HasSuffix(e.Name(), ".json"):
			raw, err := readLimited(filepath.Join(root, e.Name()))
			if err != nil {
				return ""
			}
			lines = append(lines, digestLine(crc32.ChecksumIEEE(raw)))
		}
	}
	return digestOf(lines)
}

func archiveLines(path string) ([]string, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	archive, err := openZip(file)
	if err != nil {
		return nil, err
	}
	var lines []string
	for _, f := range archive.File {
		if strings.HasSuffix(f.Name, ".json") {
			lines = append(lines, digestLine(f.CRC32))
		}
	}
	return lines, nil
}

func digestLine(sum uint32) string { return fmt.Sprintf("%08x\n", sum) }

func digestOf(lines []string) string {
	slices.Sort(lines)
	h := sha256.New()
	for _, line := range lines {
		io.WriteString(h, line)
	}
	return "sha256:" + hex.EncodeToString(h.Sum(nil))
}

// combinedDigest returns the digest of several ecosystems from those of each.
func combinedDigest(digests map[string]string) string {
	var lines []string
	for name, digest := range digests {
		lines = append(lines, name+" "+digest+"\n")
	}
	return digestOf(lines)
}

// newestByID orders records by id. Of several with the same id (a record stands in the archive of each ecosystem that
// it names) the last modified stays.
func newestByID(records []*Record) []*Record {
	slices.SortFunc(records, func(a, b *Record) int {
		return cmp.Or(strings.Compare(a.ID, b.ID), strings.Compare(b.Modified, a.Modified))
	})
	return slices.CompactFunc(records, func(a, b *Record) bool { return a.ID == b.ID })
}
