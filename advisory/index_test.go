package advisory

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/trifecta-scanner/trifecta/internal/shared"
)

// build makes an index of a folder in a new folder of the test.
func build(t testing.TB, dir string, ecosystems ...string) string {
	t.Helper()
	out := filepath.Join(t.TempDir(), "index")
	if err := BuildIndex(t.Context(), dir, out, IndexOptions{Ecosystems: ecosystems}); err != nil {
		t.Fatal(err)
	}
	return out
}

func open(t testing.TB, path string) *Index {
	t.Helper()
	x, err := OpenIndex(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := x.Close(); err != nil {
			t.Error(err)
		}
	})
	return x
}

func TestIndex(t *testing.T) {
	dir := bucket(t, smallDatabase, func(string) bool { return true })
	path := build(t, dir)
	x := open(t, path)
	matchSmall(t, x)
	if err := x.Verify(); err != nil {
		t.Error(err)
	}
	want := Info{Source: path, AsOf: "2024-03-02T00:00:00Z", Digest: x.Info().Digest, Records: 7, Ecosystems: map[string]int{"npm": 5, "PyPI": 1, "OSS-Fuzz": 1}}
	if diff := cmp.Diff(want, x.Info()); diff != "" {
		t.Errorf("Info (-want +got):\n%s", diff)
	}

	folder, err := OpenFolder(dir)
	if err != nil {
		t.Fatal(err)
	}
	queries := make([]Query, len(smallQueries))
	for i, q := range smallQueries {
		queries[i] = q.query
	}
	fromFolder, _, err := folder.Match(t.Context(), queries)
	if err != nil {
		t.Fatal(err)
	}
	fromIndex, _, err := x.Match(t.Context(), queries)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(fromFolder, fromIndex); diff != "" {
		t.Errorf("records of the folder and of the index differ (-folder +index):\n%s", diff)
	}
	if a, b := folder.Info().Digest, x.Info().Digest; a != b {
		t.Errorf("the digest of the folder is %s, of its index %s", a, b)
	}

	entries, err := os.ReadDir(filepath.Dir(path))
	if err != nil || len(entries) != 1 {
		t.Errorf("beside the index there is more: %v, %v", entries, err)
	}
}

func TestIndexLookup(t *testing.T) {
	x := open(t, build(t, bucket(t, smallDatabase, func(string) bool { return true })))
	for id, want := range map[string][]string{"GHSA-aaaa": {"GHSA-aaaa"}, "cve-2024-0001": {"GHSA-aaaa"}, "GHSA-gone": {"GHSA-gone"}, "CVE-0": nil} {
		got, err := x.Lookup(t.Context(), id)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, ids(got)); diff != "" {
			t.Errorf("Lookup(%s) (-want +got):\n%s", id, diff)
		}
	}
}

func TestIndexIsDeterministic(t *testing.T) {
	archived := bucket(t, smallDatabase, func(string) bool { return true })
	loose := bucket(t, smallDatabase, func(string) bool { return false })
	var first []byte
	for _, dir := range []string{archived, archived, loose} {
		content, err := os.ReadFile(build(t, dir))
		if err != nil {
			t.Fatal(err)
		}
		if first == nil {
			first = content
		}
		if !bytes.Equal(first, content) {
			t.Errorf("the same records give different bytes")
		}
	}
}

// TestIndexTellsWhatIsMissing builds from a folder that is not whole: scans with the index tell it.
func TestIndexTellsWhatIsMissing(t *testing.T) {
	dir := bucket(t, smallDatabase, func(string) bool { return true })
	write(t, filepath.Join(dir, "Maven", "all.zip"), []byte("no archive"))
	write(t, filepath.Join(dir, "Hex", "x.json"), []byte("{"))
	x := open(t, build(t, dir))
	_, notices, err := x.Match(t.Context(), []Query{
		{Ecosystem: "npm", Name: "left", Version: "1"}, {Ecosystem: "Maven", Name: "a:b", Version: "1"},
		{Ecosystem: "Hex", Name: "a", Version: "1"}, {Ecosystem: "Pub", Name: "a", Version: "1"},
	})
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"advisory-unreadable: Hex", "database-incomplete: Maven", "database-incomplete: Pub"}
	if diff := cmp.Diff(want, codes(notices, "Hex", "Maven", "Pub")); diff != "" {
		t.Errorf("notices (-want +got):\n%s", diff)
	}
}

// TestIndexOfOneRecordInTwoEcosystems checks that the text in an ecosystem's own archive counts for its packages.
func TestIndexOfOneRecordInTwoEcosystems(t *testing.T) {
	text := func(modified, fixed string) string {
		return `{"id":"GHSA-two","modified":"` + modified + `","affected":[
			{"package":{"ecosystem":"npm","name":"two"},"ranges":[{"type":"SEMVER","events":[{"introduced":"0"},{"fixed":"` + fixed + `"}]}]},
			{"package":{"ecosystem":"Maven","name":"g:two"},"ranges":[{"type":"ECOSYSTEM","events":[{"introduced":"0"},{"fixed":"` + fixed + `"}]}]}]}`
	}
	older, newer := text("2024-01-01T00:00:00Z", "1.0"), text("2024-02-01T00:00:00Z", "2.0")
	queries := []Query{{Ecosystem: "npm", Name: "two", Version: "1.5"}, {Ecosystem: "Maven", Name: "g:two", Version: "1.5"}}
	for _, tt := range []struct {
		npm, maven string
		want       []int
	}{{older, newer, []int{0, 1}}, {newer, older, []int{1, 0}}, {newer, newer, []int{1, 1}}} {
		dir := bucket(t, map[string]map[string]string{"npm": {"GHSA-two.json": tt.npm}, "Maven": {"GHSA-two.json": tt.maven}}, func(string) bool { return true })
		x := open(t, build(t, dir))
		folder, err := OpenFolder(dir)
		if err != nil {
			t.Fatal(err)
		}
		for _, db := range []Database{x, folder} {
			found, _, err := db.Match(t.Context(), queries)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, []int{len(found[0]), len(found[1])}); diff != "" {
				t.Errorf("%T (-want +got):\n%s", db, diff)
			}
		}
		if info := x.Info(); info.Records != 1 || info.Ecosystems["npm"] != 1 || info.Ecosystems["Maven"] != 1 {
			t.Errorf("Info() = %+v", info)
		}
	}
}

// TestIndexDamaged flips and cuts every part of a file: each is told as damage or makes no difference.
func TestIndexDamaged(t *testing.T) {
	content, err := os.ReadFile(build(t, bucket(t, smallDatabase, func(string) bool { return true })))
	if err != nil {
		t.Fatal(err)
	}
	queries := []Query{{Ecosystem: "npm", Name: "left", Version: "1.2.0"}}
	x, err := newIndexFrom(content)
	if err != nil {
		t.Fatal(err)
	}
	want, _, err := x.Match(t.Context(), queries)
	if err != nil {
		t.Fatal(err)
	}
	check := func(name string, content []byte) {
		x, err := newIndexFrom(content)
		var got [][]*Record
		if err == nil {
			got, _, err = x.Match(context.Background(), queries)
		}
		var d *DamageError
		if err != nil && !errors.As(err, &d) {
			t.Errorf("%s: error %v, want a DamageError", name, err)
		}
		if err == nil && cmp.Diff(want, got) != "" {
			t.Errorf("%s: a wrong answer and no error", name)
		}
	}
	for at := 0; at < len(content); at += 7 {
		broken := slices.Clone(content)
		broken[at] ^= 0x55
		check("flipped", broken)
	}
	for size := 0; size < len(content); size += 509 {
		check("cut", content[:size])
	}
	if _, err := OpenIndex(filepath.Join(t.TempDir(), "absent")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("OpenIndex of a file that does not exist: %v", err)
	}
	other := filepath.Join(t.TempDir(), "other")
	write(t, other, []byte(strings.Repeat("no index", 1000)))
	_, err = Open(t.Context(), other)
	var d *DamageError
	if !errors.As(err, &d) || d.Path != other {
		t.Errorf("Open of another file: %v", err)
	}
}

func newIndexFrom(content []byte) (*Index, error) {
	file, err := newIndexFile(content)
	if err != nil {
		return nil, err
	}
	return newIndex(file)
}

// TestIndexCutWhileRead shortens the file under an open index: an error, not the end of the process.
func TestIndexCutWhileRead(t *testing.T) {
	path := build(t, bucket(t, smallDatabase, func(string) bool { return true }))
	x := open(t, path)
	if err := os.Truncate(path, 0); err != nil {
		t.Skip(err)
	}
	_, _, err := x.Match(t.Context(), []Query{{Ecosystem: "npm", Name: "left", Version: "1.2.0"}})
	var d *DamageError
	if !errors.As(err, &d) {
		t.Errorf("Match: %v, want a DamageError", err)
	}
}

// FuzzIndex changes and cuts a good index. An edit is three bytes of place and one of value; the fuzzer gets behind the
// checksums where reseal makes them right again. Whatever comes of it: no panic, no read out of bounds, no endless loop.
func FuzzIndex(f *testing.F) {
	good, err := os.ReadFile(build(f, bucket(f, smallDatabase, func(string) bool { return true })))
	if err != nil {
		f.Fatal(err)
	}
	f.Add([]byte{0, 0, 9, 2}, uint32(len(good)), "left", false)
	f.Add([]byte{0, 16, 9, 200, 0, 32, 0, 255, 0, 48, 1, 7}, uint32(len(good)), "right", true)
	f.Add([]byte{0, 0, 36, 1, 0, 0, 24, 1}, uint32(5000), "GHSA-aaaa", true)
	f.Fuzz(func(t *testing.T, edits []byte, size uint32, name string, reseal bool) {
		content := slices.Clone(good[:min(int(size), len(good))])
		for ; len(edits) >= 4 && len(content) > 0; edits = edits[4:] {
			content[(int(edits[0])<<16|int(edits[1])<<8|int(edits[2]))%len(content)] = edits[3]
		}
		if reseal {
			seal(content)
		}
		x, err := newIndexFrom(content)
		if err != nil {
			return
		}
		defer x.Close()
		for _, ecosystem := range []string{"npm", "PyPI", "GIT"} {
			_, _, _ = x.Match(t.Context(), []Query{{Ecosystem: ecosystem, Name: name, Version: "1.2.0"}, {Ecosystem: ecosystem, Name: "left", Version: "1.2.0"}})
		}
		_, _ = x.Lookup(t.Context(), name)
		_ = x.all(t.Context(), func(*stored) error { return nil })
		_ = x.Verify()
	})
}

// TestSharedIndex builds an index of the shared test data and compares it with the folder.
func TestSharedIndex(t *testing.T) {
	if testing.Short() {
		t.Skip("takes some ten seconds")
	}
	dir := filepath.Join(shared.Dir(t), "osv")
	x := open(t, build(t, dir))
	if err := x.Verify(); err != nil {
		t.Error(err)
	}
	folder, err := OpenFolder(dir)
	if err != nil {
		t.Fatal(err)
	}
	// Each package that the index knows, at a version of one of its records.
	seen := make(map[Query]bool)
	var queries []Query
	var mu sync.Mutex
	err = x.all(t.Context(), func(s *stored) error {
		if s.sum%5 != 0 {
			return nil
		}
		mu.Lock()
		defer mu.Unlock()
		for _, a := range s.record.Affected {
			q := Query{Ecosystem: a.Package.Ecosystem, Name: a.Package.Name, Version: "1.0.0"}
			if len(a.Versions) > 0 {
				q.Version = a.Versions[len(a.Versions)/2]
			}
			if len(queries) < 4000 && !seen[q] {
				seen[q] = true
				queries = append(queries, q)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	fromIndex, noticesIndex, err := x.Match(t.Context(), queries)
	if err != nil {
		t.Fatal(err)
	}
	fromFolder, noticesFolder, err := folder.Match(t.Context(), queries)
	if err != nil {
		t.Fatal(err)
	}
	matches := 0
	for i := range queries {
		matches += len(fromIndex[i])
		for j := range min(len(fromIndex[i]), len(fromFolder[i])) {
			a, b := normal(fromFolder[i][j]), normal(fromIndex[i][j])
			if !bytes.Equal(a, b) {
				t.Fatalf("%+v (-folder +index):\n%s", queries[i], cmp.Diff(newDecoder(a).record(nil), newDecoder(b).record(nil)))
			}
		}
		if len(fromIndex[i]) != len(fromFolder[i]) {
			t.Errorf("%+v: folder %v, index %v", queries[i], ids(fromFolder[i]), ids(fromIndex[i]))
		}
	}
	if len(noticesIndex) != len(noticesFolder) {
		t.Errorf("notices of the folder %v, of the index %v", noticesFolder, noticesIndex)
	}
	t.Logf("%d queries, %d matches", len(queries), matches)
	a, b := folder.Info(), x.Info()
	a.Source, b.Source, a.Records, b.Records = "", "", 0, 0
	if diff := cmp.Diff(a, b); diff != "" && len(a.Ecosystems) == len(b.Ecosystems) {
		t.Errorf("Info (-folder +index):\n%s", diff)
	}
}

// normal returns what an index keeps of a record: no empty lists and no spaces in JSON.
func normal(r *Record) []byte {
	var e encoder
	copied := *r
	copied.Affected = slices.Clone(r.Affected)
	compact(&copied.DatabaseSpecific)
	for i := range copied.Affected {
		compact(&copied.Affected[i].DatabaseSpecific)
		compact(&copied.Affected[i].EcosystemSpecific)
	}
	e.record(&copied)
	return e.b
}

// seal makes the checksums of a changed file right, so that the fuzzer gets behind them.
func seal(content []byte) {
	if len(content) < pageSize {
		return
	}
	table := binary.LittleEndian.Uint64(content[24:])
	if table > uint64(len(content)) || table < pageSize {
		return
	}
	for page := uint64(1); page < table/pageSize && table+page*4+4 <= uint64(len(content)); page++ {
		binary.LittleEndian.PutUint32(content[table+page*4:], crc32.Checksum(content[page*pageSize:(page+1)*pageSize], castagnoli))
	}
	binary.LittleEndian.PutUint32(content[32:], crc32.Checksum(content[table:], castagnoli))
	binary.LittleEndian.PutUint32(content[12:], headerSum(content[:pageSize]))
}

func BenchmarkBuild(b *testing.B) {
	dir := filepath.Join(shared.Dir(b), "osv")
	out := filepath.Join(b.TempDir(), "index")
	before := cpuTime(b)
	for b.Loop() {
		if err := BuildIndex(b.Context(), dir, out, IndexOptions{}); err != nil {
			b.Fatal(err)
		}
	}
	reportCPU(b, before)
	info, err := os.Stat(out)
	if err != nil {
		b.Fatal(err)
	}
	b.ReportMetric(float64(info.Size())/1e6, "MB")
}

// BenchmarkOpenAndMatch opens an index and asks it 2,000 questions: packages of every ecosystem that it has, and a
// tenth that it does not have. Cold leaves nothing checked or mapped from the round before.
func BenchmarkOpenAndMatch(b *testing.B) {
	path := build(b, filepath.Join(shared.Dir(b), "osv"))
	queries := someQueries(b, open(b, path), 2000)
	matches, before := 0, cpuTime(b)
	for b.Loop() {
		x, err := OpenIndex(path)
		if err != nil {
			b.Fatal(err)
		}
		found, _, err := x.Match(b.Context(), queries)
		if err != nil {
			b.Fatal(err)
		}
		matches = 0
		for _, f := range found {
			matches += len(f)
		}
		if err := x.Close(); err != nil {
			b.Fatal(err)
		}
	}
	reportCPU(b, before)
	b.ReportMetric(float64(matches), "matches")
}

// someQueries returns n questions about packages spread over an index, the same for the same index.
func someQueries(b *testing.B, x *Index, n int) []Query {
	b.Helper()
	keys := x.file.sections[sectionKeyAt].length/4 - 1
	var queries []Query
	for i := uint64(0); i < keys && len(queries) < n; i += max(1, keys/uint64(n)) {
		if len(queries)%10 == 9 {
			queries = append(queries, Query{Ecosystem: "npm", Name: fmt.Sprintf("not-there-%d", i), Version: "1.0.0"})
			continue
		}
		key, err := x.slice(sectionKeyAt, sectionKeys, i)
		if err != nil {
			b.Fatal(err)
		}
		base, name, ok := strings.Cut(string(key), "\x00")
		if ok {
			queries = append(queries, Query{Ecosystem: base, Name: name, Version: "1.0.0"})
		}
	}
	return queries
}

func BenchmarkIndexNPM(b *testing.B) {
	path := build(b, filepath.Join(shared.Dir(b), "osv"))
	queries := npmQueries(b)
	before := cpuTime(b)
	for b.Loop() {
		x, err := OpenIndex(path)
		if err != nil {
			b.Fatal(err)
		}
		if _, _, err = x.Match(b.Context(), queries); err != nil {
			b.Fatal(err)
		}
		if err := x.Close(); err != nil {
			b.Fatal(err)
		}
	}
	reportCPU(b, before)
}
