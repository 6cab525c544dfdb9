package advisory

import (
	"archive/zip"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/trifecta-scanner/trifecta/internal/shared"
	"github.com/trifecta-scanner/trifecta/inventory"
)

// records of a small database, by ecosystem and file name.
var smallDatabase = map[string]map[string]string{
	"npm": {
		"GHSA-aaaa.json": `{"id":"GHSA-aaaa","modified":"2024-01-02T00:00:00Z","aliases":["CVE-2024-0001"],"summary":"first",
			"affected":[{"package":{"ecosystem":"npm","name":"left"},"ranges":[{"type":"SEMVER","events":[{"introduced":"0"},{"fixed":"1.3.0"}]}]}]}`,
		"GHSA-bbbb.json": `{"id":"GHSA-bbbb","modified":"2024-03-02T00:00:00Z","details":"second",
			"affected":[{"package":{"ecosystem":"npm","name":"left"},"versions":["1.2.0"]},{"package":{"ecosystem":"npm","name":"right"},"versions":["2.0.0"]}],
			"references":[{"type":"WEB","url":"https://advisories.example/b"}],"database_specific":{"severity":"HIGH"}}`,
		"GHSA-gone.json": `{"id":"GHSA-gone","modified":"2024-01-02T00:00:00Z","withdrawn":"2024-01-03T00:00:00Z",
			"affected":[{"package":{"ecosystem":"npm","name":"left"},"ranges":[{"type":"SEMVER","events":[{"introduced":"0"}]}]}]}`,
		"GHSA-escape.json": `{"id":"GHSA-escape","modified":"2024-01-02T00:00:00Z",
			"affected":[{"package":{"ecosystem":"npm","n\u0061me":"\u006ceft"},"ranges":[{"type":"SEMVER","events":[{"introduced":"0"}]}]}]}`,
		"GHSA-slash.json": `{"id":"GHSA-slash","modified":"2024-01-02T00:00:00Z",
			"affected":[{"package":{"ecosystem":"npm","name":"@scope\/left"},"ranges":[{"type":"SEMVER","events":[{"introduced":"0"}]}]}]}`,
		"README.txt": "not a record",
	},
	"PyPI": {
		"PYSEC-1.json": `{"id":"PYSEC-1","modified":"2023-01-02T00:00:00.5Z",
			"affected":[{"package":{"ecosystem":"PyPI","name":"Big_Name"},"ranges":[{"type":"GIT","repo":"https://git.example/big","events":[{"introduced":"0"}]},
			{"type":"ECOSYSTEM","events":[{"introduced":"1"},{"last_affected":"1.9"}]}],"versions":["1.0"]}]}`,
	},
	"OSS-Fuzz": {
		"OSV-1.json": `{"id":"OSV-1","modified":"2023-01-02T00:00:00Z",
			"affected":[{"package":{"ecosystem":"OSS-Fuzz","name":"fuzzed"},"ranges":[{"type":"ECOSYSTEM","events":[{"introduced":"1"}]}]}]}`,
	},
}

// pack returns an archive. Writing to memory does not fail.
func pack(files map[string]string) []byte {
	var buf bytes.Buffer
	w := zip.NewWriter(&buf)
	for _, name := range sortedKeys(files) {
		f, err := w.Create(name)
		if err == nil {
			_, err = f.Write([]byte(files[name]))
		}
		if err != nil {
			panic(err)
		}
	}
	if err := w.Close(); err != nil {
		panic(err)
	}
	return buf.Bytes()
}

func write(t testing.TB, path string, content []byte) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, content, 0o644); err != nil {
		t.Fatal(err)
	}
}

// bucket writes a database in the layout of the bucket; archived says for which ecosystems as archives.
func bucket(t testing.TB, db map[string]map[string]string, archived func(ecosystem string) bool) string {
	t.Helper()
	dir := t.TempDir()
	for ecosystem, files := range db {
		if archived(ecosystem) {
			write(t, filepath.Join(dir, ecosystem, "all.zip"), pack(files))
			continue
		}
		for name, content := range files {
			write(t, filepath.Join(dir, ecosystem, name), []byte(content))
		}
	}
	return dir
}

func ids(records []*Record) []string {
	var ids []string
	for _, r := range records {
		ids = append(ids, r.ID)
	}
	return ids
}

var smallQueries = []struct {
	query Query
	want  []string
}{
	{Query{Ecosystem: "npm", Name: "left", Version: "1.2.0"}, []string{"GHSA-aaaa", "GHSA-bbbb", "GHSA-escape"}},
	{Query{Ecosystem: "npm", Name: "left", Version: "1.3.0"}, []string{"GHSA-escape"}},
	{Query{Ecosystem: "npm", Name: "right", Version: "2.0.0"}, []string{"GHSA-bbbb"}},
	{Query{Ecosystem: "npm", Name: "@scope/left", Version: "2.0.0"}, []string{"GHSA-slash"}},
	{Query{Ecosystem: "npm", Name: "elsewhere", Version: "2.0.0"}, nil},
	{Query{Ecosystem: "npm", Name: "left", Version: ""}, nil},
	{Query{Ecosystem: "PyPI", Name: "big-name", Version: "1.5"}, []string{"PYSEC-1"}},
	{Query{Ecosystem: "PyPI", Name: "BIG.NAME", Version: "2.0"}, nil},
	{Query{Ecosystem: "GIT", Name: "https://git.example/big.git", Version: "v1.0"}, []string{"PYSEC-1"}},
	{Query{Ecosystem: "OSS-Fuzz", Name: "fuzzed", Version: "2"}, nil},
	{Query{Ecosystem: "Hex", Name: "absent", Version: "2"}, nil},
	{Query{Ecosystem: "../npm", Name: "left", Version: "1.2.0"}, nil},
}

// matchSmall asks a database of smallDatabase and compares the answers and the codes of the notices.
func matchSmall(t *testing.T, db Database) {
	t.Helper()
	queries := make([]Query, len(smallQueries))
	for i, q := range smallQueries {
		queries[i] = q.query
	}
	found, notices, err := db.Match(context.Background(), queries)
	if err != nil {
		t.Fatal(err)
	}
	for i, q := range smallQueries {
		if diff := cmp.Diff(q.want, ids(found[i])); diff != "" {
			t.Errorf("%+v (-want +got):\n%s", q.query, diff)
		}
	}
	want := []string{
		"database-incomplete: ../npm", "database-incomplete: GIT", "database-incomplete: Hex", "version-not-comparable: OSS-Fuzz",
	}
	if diff := cmp.Diff(want, codes(notices, "../npm", "GIT", "Hex", "OSS-Fuzz", "npm")); diff != "" {
		t.Errorf("notices (-want +got):\n%s", diff)
	}
}

// codes returns the codes of notices with the first of the words that each message holds.
func codes(notices []inventory.Notice, words ...string) []string {
	var out []string
	for _, n := range notices {
		i := slices.IndexFunc(words, func(w string) bool {
			return strings.Contains(n.Message, " "+w+" ") || strings.Contains(n.Message, " "+w+";")
		})
		if i < 0 {
			out = append(out, n.Code+": "+n.Message)
			continue
		}
		out = append(out, n.Code+": "+words[i])
	}
	slices.Sort(out)
	return out
}

func TestFolder(t *testing.T) {
	layouts := map[string]func(string) bool{
		"archives": func(string) bool { return true },
		"loose":    func(string) bool { return false },
		"both":     func(e string) bool { return e == "npm" },
	}
	digests := make(map[string]bool)
	for name, archived := range layouts {
		t.Run(name, func(t *testing.T) {
			dir, cache := bucket(t, smallDatabase, archived), filepath.Join(t.TempDir(), "cache")
			blocked := filepath.Join(t.TempDir(), "file")
			write(t, blocked, nil)
			// Without a cache, with an empty one, with a full one, and with one that can't be written.
			for _, use := range []string{"", cache, cache, filepath.Join(blocked, "cache")} {
				db, err := OpenFolder(dir)
				if err != nil {
					t.Fatal(err)
				}
				db.useCache(use)
				matchSmall(t, db)
				info := db.Info()
				digests[info.Digest] = true
				if info.AsOf != "2024-03-02T00:00:00Z" || info.Ecosystems["npm"] != 5 || info.Records != 7 {
					t.Errorf("Info() = %+v", info)
				}
				if err := db.Close(); err != nil {
					t.Error(err)
				}
			}
			kept, err := os.ReadDir(cache)
			if err != nil || len(kept) != 3 {
				t.Errorf("the cache holds %v, %v; want one index for each ecosystem", kept, err)
			}
		})
	}
	if len(digests) != 1 {
		t.Errorf("the same records give the digests %v", digests)
	}
}

// TestFolderCacheFollowsContent changes a record and damages a cached index: neither gives an old or wrong answer.
func TestFolderCacheFollowsContent(t *testing.T) {
	dir, cache := bucket(t, smallDatabase, func(string) bool { return true }), t.TempDir()
	match := func() []string {
		t.Helper()
		db, err := OpenFolder(dir)
		if err != nil {
			t.Fatal(err)
		}
		defer db.Close()
		db.useCache(cache)
		found, _, err := db.Match(t.Context(), []Query{{Ecosystem: "npm", Name: "right", Version: "2.0.0"}})
		if err != nil {
			t.Fatal(err)
		}
		return ids(found[0])
	}
	want := []string{"GHSA-bbbb"}
	if diff := cmp.Diff(want, match()); diff != "" {
		t.Errorf("at first (-want +got):\n%s", diff)
	}
	kept, err := filepath.Glob(filepath.Join(cache, "*.index"))
	if err != nil || len(kept) != 1 {
		t.Fatal(kept, err)
	}
	content, err := os.ReadFile(kept[0])
	if err != nil {
		t.Fatal(err)
	}
	for _, at := range []int{0, pageSize + 10, len(content) - 1} {
		write(t, kept[0], flip(content, at))
		if diff := cmp.Diff(want, match()); diff != "" {
			t.Errorf("with a cached index that is damaged at %d (-want +got):\n%s", at, diff)
		}
	}
	write(t, filepath.Join(dir, "npm", "all.zip"), pack(map[string]string{"GHSA-aaaa.json": smallDatabase["npm"]["GHSA-aaaa.json"]}))
	if diff := cmp.Diff([]string(nil), match()); diff != "" {
		t.Errorf("after the archive changed (-want +got):\n%s", diff)
	}
}

func TestFolderBroken(t *testing.T) {
	good := smallDatabase["npm"]
	with := func(name, content string) map[string]string {
		files := map[string]string{name: content}
		for k, v := range good {
			files[k] = v
		}
		return files
	}
	archive := pack(good)
	tests := map[string]struct {
		archive []byte
		want    []string
		codes   []string
	}{
		"not an archive":    {[]byte("nothing of the kind"), nil, []string{"database-incomplete: npm"}},
		"empty":             {nil, nil, []string{"database-incomplete: npm"}},
		"truncated":         {archive[:len(archive)/2], nil, []string{"database-incomplete: npm"}},
		"a record cut off":  {pack(with("x.json", good["GHSA-aaaa.json"][:200])), []string{"GHSA-aaaa", "GHSA-bbbb", "GHSA-escape"}, []string{"advisory-unreadable: npm"}},
		"a record of lists": {pack(with("x.json", `{"id":["x"],"affected":[{"package":{"name":"left"}}]}`)), []string{"GHSA-aaaa", "GHSA-bbbb", "GHSA-escape"}, []string{"advisory-unreadable: npm"}},
		"an empty record":   {pack(with("x.json", "")), []string{"GHSA-aaaa", "GHSA-bbbb", "GHSA-escape"}, []string{"advisory-unreadable: npm"}},
		"no id":             {pack(with("x.json", `{"affected":[{"package":{"ecosystem":"npm","name":"left"}}]}`)), []string{"GHSA-aaaa", "GHSA-bbbb", "GHSA-escape"}, []string{"advisory-unreadable: npm"}},
		"a record that unpacks to 40 MB": {pack(with("x.json", strings.Repeat(" ", 40<<20))), []string{"GHSA-aaaa", "GHSA-bbbb", "GHSA-escape"},
			[]string{"advisory-unreadable: npm"}},
		"a flipped bit": {flip(archive, 100), []string{"GHSA-bbbb", "GHSA-escape"}, []string{"advisory-unreadable: npm"}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			dir := bucket(t, map[string]map[string]string{"PyPI": smallDatabase["PyPI"]}, func(string) bool { return true })
			write(t, filepath.Join(dir, "npm", "all.zip"), tt.archive)
			db, err := OpenFolder(dir)
			if err != nil {
				t.Fatal(err)
			}
			found, notices, err := db.Match(context.Background(), []Query{
				{Ecosystem: "npm", Name: "left", Version: "1.2.0"}, {Ecosystem: "PyPI", Name: "big-name", Version: "1.5"},
			})
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, ids(found[0])); diff != "" {
				t.Errorf("npm (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff([]string{"PYSEC-1"}, ids(found[1])); diff != "" {
				t.Errorf("PyPI, which is whole (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(tt.codes, codes(notices, "npm")); diff != "" {
				t.Errorf("notices (-want +got):\n%s", diff)
			}
		})
	}
}

// flip returns a copy in which one byte of the first record is damaged.
func flip(archive []byte, at int) []byte {
	archive = slices.Clone(archive)
	archive[at] ^= 0x10
	return archive
}

func TestOpenMissing(t *testing.T) {
	if _, err := Open(context.Background(), filepath.Join(t.TempDir(), "absent")); err == nil {
		t.Error("Open of a folder that does not exist gives no error")
	}
}

func TestMatchCancelled(t *testing.T) {
	db, err := OpenFolder(bucket(t, smallDatabase, func(string) bool { return true }))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, _, err := db.Match(ctx, []Query{{Ecosystem: "npm", Name: "left", Version: "1.2.0"}}); err == nil {
		t.Error("Match with a cancelled context gives no error")
	}
}

// BenchmarkFolder matches the packages of a lock file of 1,274 entries; it needs the shared test data.
func BenchmarkFolder(b *testing.B) {
	dir := filepath.Join(shared.Dir(b), "osv")
	queries := npmQueries(b)
	for b.Loop() {
		db, err := OpenFolder(dir)
		if err != nil {
			b.Fatal(err)
		}
		found, _, err := db.Match(context.Background(), queries)
		if err != nil {
			b.Fatal(err)
		}
		n := 0
		for _, f := range found {
			n += len(f)
		}
		b.ReportMetric(float64(n), "matches")
	}
}

// npmQueries returns the packages of the largest npm lock file at TRIFECTA_LOCKFILE.
func npmQueries(b *testing.B) []Query {
	b.Helper()
	path := os.Getenv("TRIFECTA_LOCKFILE")
	if path == "" {
		b.Skip("set TRIFECTA_LOCKFILE to a package-lock.json of version 1")
	}
	raw, err := os.ReadFile(path)
	if err != nil {
		b.Fatal(err)
	}
	type node struct {
		Version      string
		Dependencies map[string]json.RawMessage
	}
	var queries []Query
	var walk func(raw json.RawMessage)
	walk = func(raw json.RawMessage) {
		var n node
		if err := json.Unmarshal(raw, &n); err != nil {
			b.Fatal(err)
		}
		for _, name := range sortedKeys(n.Dependencies) {
			var d node
			if err := json.Unmarshal(n.Dependencies[name], &d); err != nil {
				b.Fatal(err)
			}
			queries = append(queries, Query{Ecosystem: "npm", Name: name, Version: d.Version})
			walk(n.Dependencies[name])
		}
	}
	walk(raw)
	if len(queries) == 0 {
		b.Fatal(fmt.Errorf("%s has no packages", path))
	}
	return queries
}
