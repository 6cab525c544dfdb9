package advisory

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/trifecta-scanner/trifecta/internal/web"
)

// cloud is a bucket in OSV's layout on a server of the test.
type cloud struct {
	*httptest.Server
	mu       sync.Mutex
	records  map[string]map[string]string // by ecosystem and id
	unlisted bool                         // there is no list of modified records
	fault    func(n int, path string) http.HandlerFunc
	requests []string // "path range"
}

func newCloud(t *testing.T, records map[string]map[string]string) *cloud {
	t.Helper()
	c := &cloud{records: records}
	c.Server = httptest.NewServer(c)
	t.Cleanup(c.Close)
	return c
}

func (c *cloud) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.requests = append(c.requests, strings.TrimSpace(r.URL.Path+" "+r.Header.Get("Range")))
	if c.fault != nil {
		if handler := c.fault(len(c.requests), r.URL.Path); handler != nil {
			handler(w, r)
			return
		}
	}
	content, ok := c.content(r.URL.Path)
	if !ok {
		http.NotFound(w, r)
		return
	}
	w.Header().Set("ETag", fmt.Sprintf(`"%x"`, sha256.Sum256(content)))
	http.ServeContent(w, r, "", time.Time{}, strings.NewReader(string(content)))
}

// calm ends the faults and forgets what was asked. Requests of an update that was given up may still be on their way.
func (c *cloud) calm() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.fault, c.requests = nil, nil
}

// count is asked for callers that are no handler.
func (c *cloud) count(suffix string) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.asked(suffix)
}

func (c *cloud) content(path string) ([]byte, bool) {
	ecosystem, name, _ := strings.Cut(strings.TrimPrefix(path, "/"), "/")
	records, ok := c.records[ecosystem]
	if !ok {
		return nil, false
	}
	switch name {
	case archiveName:
		files := make(map[string]string)
		for id, text := range records {
			files[id+".json"] = text
		}
		return pack(files), true
	case "modified_id.csv":
		var lines []string
		for id, text := range records {
			lines = append(lines, modifiedOf([]byte(text))+","+id+"\n")
		}
		slices.Sort(lines)
		slices.Reverse(lines)
		return []byte(strings.Join(lines, "")), !c.unlisted
	}
	text, ok := records[strings.TrimSuffix(name, ".json")]
	return []byte(text), ok
}

// asked returns how many requests there were for a path that ends so, and forgets all.
func (c *cloud) asked(suffix string) int {
	n := 0
	for _, r := range c.requests {
		path, _, _ := strings.Cut(r, " ")
		if strings.HasSuffix(path, suffix) {
			n++
		}
	}
	return n
}

func (c *cloud) updater() *Updater {
	return &Updater{Bucket: c.URL, Client: web.New(web.Options{
		Transport: &http.Transport{}, // no proxy: the server is here
		Timeout:   5 * time.Second,
		Sleep:     func(ctx context.Context, _ time.Duration) error { return ctx.Err() },
	})}
}

// text is a record of the package name, changed on a day of January 2024.
func text(id, ecosystem, name string, day int, fixed string) string {
	return fmt.Sprintf(`{"id":%q,"modified":"2024-01-%02dT00:00:00Z","affected":[{"package":{"ecosystem":%q,"name":%q},
		"ranges":[{"type":"SEMVER","events":[{"introduced":"0"},{"fixed":%q}]}]}],"details":%q}`, id, day, ecosystem, name, fixed, strings.Repeat(id+" ", 50))
}

func npmRecords(n int) map[string]string {
	records := make(map[string]string)
	for i := range n {
		id := fmt.Sprintf("GHSA-%04d", i)
		records[id] = text(id, "npm", fmt.Sprintf("package-%d", i), 1+i%20, "2.0.0")
	}
	return records
}

// same checks that the index at path has what one built anew from the bucket has.
func (c *cloud) same(t *testing.T, path string) {
	t.Helper()
	files := make(map[string]map[string]string)
	for ecosystem, records := range c.records {
		files[ecosystem] = make(map[string]string)
		for id, text := range records {
			files[ecosystem][id+".json"] = text
		}
	}
	want, got := open(t, build(t, bucket(t, files, func(string) bool { return true }))), open(t, path)
	if err := got.Verify(); err != nil {
		t.Error(err)
	}
	a, b := want.Info(), got.Info()
	a.Source, b.Source = "", ""
	if diff := cmp.Diff(a, b); diff != "" {
		t.Errorf("the index differs from one built anew (-anew +updated):\n%s", diff)
	}
	var queries []Query
	for i := range 50 {
		queries = append(queries, Query{Ecosystem: "npm", Name: fmt.Sprintf("package-%d", i), Version: "1.0.0"})
	}
	x, _, err1 := want.Match(t.Context(), queries)
	y, _, err2 := got.Match(t.Context(), queries)
	if diff := cmp.Diff(x, y); diff != "" || err1 != nil || err2 != nil {
		t.Errorf("%v, %v: matches differ (-anew +updated):\n%s", err1, err2, diff)
	}
	if _, err := os.Stat(path + ".update"); err == nil {
		t.Error("what was fetched is still there")
	}
}

func TestUpdate(t *testing.T) {
	c := newCloud(t, map[string]map[string]string{
		"npm":  npmRecords(400),
		"PyPI": {"PYSEC-1": text("PYSEC-1", "PyPI", "one", 3, "1.5"), "GHSA-0001": text("GHSA-0001", "PyPI", "two", 3, "1.5")},
	})
	path := filepath.Join(t.TempDir(), "cache", "advisories.index")
	update := func(ecosystems ...string) UpdateReport {
		t.Helper()
		c.requests = nil
		report, err := c.updater().Update(t.Context(), path, ecosystems...)
		if err != nil {
			t.Fatal(err)
		}
		return report
	}
	// What an index carries along stays.
	u := c.updater()
	u.Extra = []byte("carried along")
	if _, err := u.Update(t.Context(), path, "PyPI"); err != nil {
		t.Fatal(err)
	}

	report := update("npm", "PyPI", "Nowhere")
	if diff := cmp.Diff(UpdateReport{Archives: []string{"npm"}, Missing: []string{"Nowhere"}}, report); diff != "" {
		t.Errorf("at first (-want +got):\n%s", diff)
	}
	c.same(t, path)

	if report = update(); !report.Unchanged || c.asked(".zip") > 0 || c.asked(".json") > 0 {
		t.Errorf("nothing is new: %+v with the requests %v", report, c.requests)
	}

	npm := c.records["npm"]
	npm["GHSA-0007"] = text("GHSA-0007", "npm", "package-7", 25, "0.5.0")    // no longer affects 1.0.0
	npm["GHSA-0008"] = text("GHSA-0008", "npm", "package-8888", 25, "2.0.0") // another package
	npm["GHSA-new"] = text("GHSA-new", "npm", "package-9", 26, "2.0.0")      // new
	npm["GHSA-0010"] = strings.Replace(npm["GHSA-0010"], `"modified":"2024-01-11T00:00:00Z"`, `"modified":"2024-01-26T00:00:00Z","withdrawn":"2024-01-26T00:00:00Z"`, 1)
	report = update()
	if diff := cmp.Diff(UpdateReport{Records: 4}, report); diff != "" || c.asked(".zip") > 0 {
		t.Errorf("four changes (-want +got):\n%s\n%v", diff, c.requests)
	}
	c.same(t, path)

	// Listed, and gone when it is asked for.
	npm["GHSA-0011"] = text("GHSA-0011", "npm", "package-11", 27, "2.0.0")
	c.fault = func(_ int, path string) http.HandlerFunc {
		if strings.HasSuffix(path, "GHSA-0011.json") {
			return http.NotFound
		}
		return nil
	}
	update()
	c.fault = nil
	delete(npm, "GHSA-0011")
	x := open(t, path)
	if got, err := x.Lookup(t.Context(), "GHSA-0011"); err != nil || got != nil {
		t.Errorf("a record that the bucket has no more is there: %v, %v", ids(got), err)
	}

	for i := range 350 {
		id := fmt.Sprintf("GHSA-m%04d", i)
		npm[id] = text(id, "npm", id, 28, "1.0.0")
	}
	if report = update(); !slices.Equal(report.Archives, []string{"npm"}) || c.asked(".json") > 0 {
		t.Errorf("many changes: %+v", report)
	}
	c.same(t, path)

	c.unlisted = true
	if report = update(); !report.Unchanged || c.asked(".zip") != 2 {
		t.Errorf("without a list and nothing new: %+v, %v", report, c.requests)
	}
	npm["GHSA-0012"] = text("GHSA-0012", "npm", "package-12", 29, "0.1.0")
	if report = update(); !slices.Equal(report.Archives, []string{"npm"}) {
		t.Errorf("without a list and one change: %+v", report)
	}
	c.same(t, path)
	x = open(t, path)
	size, read := x.Extra()
	if extra, err := read(0, size); err != nil || string(extra) != "carried along" {
		t.Errorf("Extra is %q, %v", extra, err)
	}
}

// faults answers in the ways in which networks and servers fail.
var faults = map[string]http.HandlerFunc{
	"429": func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Retry-After", "0")
		w.WriteHeader(http.StatusTooManyRequests)
	},
	"500": func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusInternalServerError) },
	"503": func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusServiceUnavailable) },
	"reset": func(w http.ResponseWriter, _ *http.Request) {
		if conn, _, err := http.NewResponseController(w).Hijack(); err == nil {
			_ = conn.Close()
		}
	},
	"empty and cut": func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("Content-Length", "1000") },
}

func TestUpdateWithFaults(t *testing.T) {
	for name, fault := range faults {
		t.Run(name, func(t *testing.T) {
			c := newCloud(t, map[string]map[string]string{"npm": npmRecords(60)})
			seen := make(map[string]int)
			c.fault = func(_ int, path string) http.HandlerFunc {
				if seen[path]++; seen[path] <= 2 {
					return fault
				}
				return nil
			}
			path := filepath.Join(t.TempDir(), "index")
			if _, err := c.updater().Update(t.Context(), path, "npm"); err != nil {
				t.Fatal(err)
			}
			c.same(t, path)
			clear(seen)
			c.records["npm"]["GHSA-0007"] = text("GHSA-0007", "npm", "package-7", 25, "0.5.0")
			if _, err := c.updater().Update(t.Context(), path); err != nil {
				t.Fatal(err)
			}
			c.same(t, path)
		})
	}
}

// TestUpdateGoesOn ends updates half-way, by a truncated archive and by the context, and continues them.
func TestUpdateGoesOn(t *testing.T) {
	c := newCloud(t, map[string]map[string]string{"npm": npmRecords(200)})
	path := filepath.Join(t.TempDir(), "index")
	archive, _ := c.content("/npm/all.zip")
	half := func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("ETag", fmt.Sprintf(`"%x"`, sha256.Sum256(archive)))
		w.Header().Set("Content-Length", fmt.Sprint(len(archive)))
		_, _ = w.Write(archive[:len(archive)/2])
	}
	c.fault = func(_ int, path string) http.HandlerFunc {
		if strings.HasSuffix(path, archiveName) {
			if c.asked(archiveName) == 1 {
				return half
			}
			return faults["500"]
		}
		return nil
	}
	if _, err := c.updater().Update(t.Context(), path, "npm"); err == nil {
		t.Fatal("the archive never came, and Update gives no error")
	}
	if _, err := os.Stat(path); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("an index is there: %v", err)
	}
	c.calm()
	if _, err := c.updater().Update(t.Context(), path, "npm"); err != nil {
		t.Fatal(err)
	}
	if want := fmt.Sprintf("/npm/all.zip bytes=%d-", len(archive)/2); !slices.Contains(c.requests, want) {
		t.Errorf("the requests %q, want %q among them", c.requests, want)
	}
	c.same(t, path)

	// The archive changed in the meantime: the part is of no use.
	other := filepath.Join(t.TempDir(), "index")
	c.fault = func(_ int, path string) http.HandlerFunc {
		if strings.HasSuffix(path, archiveName) {
			if c.asked(archiveName) == 1 {
				return half
			}
			return faults["500"]
		}
		return nil
	}
	c.requests = nil
	if _, err := c.updater().Update(t.Context(), other, "npm"); err == nil {
		t.Fatal("the archive never came, and Update gives no error")
	}
	c.records["npm"]["GHSA-0007"] = text("GHSA-0007", "npm", "package-7", 25, "0.5.0")
	c.fault = nil
	if _, err := c.updater().Update(t.Context(), other, "npm"); err != nil {
		t.Fatal(err)
	}
	c.same(t, other)

	// Records that were fetched before the end are not fetched again.
	for i := range 20 {
		id := fmt.Sprintf("GHSA-r%d", i)
		c.records["npm"][id] = text(id, "npm", id, 28, "2.0.0")
	}
	ctx, cancel := context.WithCancel(t.Context())
	c.requests = nil
	c.fault = func(int, string) http.HandlerFunc {
		if c.asked(".json") == 12 {
			cancel()
		}
		return nil
	}
	if _, err := c.updater().Update(ctx, other); err == nil {
		t.Fatal("a cancelled Update gives no error")
	}
	c.calm()
	if _, err := c.updater().Update(t.Context(), other); err != nil {
		t.Fatal(err)
	}
	if n := c.count(".json"); n >= 20 {
		t.Errorf("all of %d records were fetched again", n)
	}
	c.same(t, other)
}

// TestUpdateTwice runs two updates and a reader at once.
func TestUpdateTwice(t *testing.T) {
	c := newCloud(t, map[string]map[string]string{"npm": npmRecords(100)})
	path := filepath.Join(t.TempDir(), "index")
	if _, err := c.updater().Update(t.Context(), path, "npm"); err != nil {
		t.Fatal(err)
	}
	c.records["npm"]["GHSA-0007"] = text("GHSA-0007", "npm", "package-7", 25, "0.5.0")
	var wg sync.WaitGroup
	for range 3 {
		wg.Go(func() {
			if _, err := c.updater().Update(t.Context(), path); err != nil {
				t.Error(err)
			}
		})
	}
	for range 50 {
		x, err := OpenIndex(path)
		if err != nil {
			t.Fatal(err)
		}
		if _, _, err := x.Match(t.Context(), []Query{{Ecosystem: "npm", Name: "package-1", Version: "1"}}); err != nil {
			t.Error(err)
		}
		if err := x.Close(); err != nil {
			t.Error(err)
		}
	}
	wg.Wait()
	c.same(t, path)
}

func TestUpdateRefuses(t *testing.T) {
	c := newCloud(t, map[string]map[string]string{"npm": npmRecords(3)})
	for name, tt := range map[string]struct {
		fault      http.HandlerFunc
		path       string // that the fault is for
		ecosystems []string
	}{
		"a page instead of the list": {func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "<html>, sign in") }, "modified_id.csv", []string{"npm"}},
		"a page instead of records":  {func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "<html>") }, archiveName, []string{"npm"}},
		"a path as ecosystem":        {nil, "", []string{"../npm"}},
	} {
		t.Run(name, func(t *testing.T) {
			c.fault = func(_ int, path string) http.HandlerFunc {
				if tt.fault != nil && strings.HasSuffix(path, tt.path) {
					return tt.fault
				}
				return nil
			}
			path := filepath.Join(t.TempDir(), "index")
			if _, err := c.updater().Update(t.Context(), path, tt.ecosystems...); err == nil {
				t.Error("Update gives no error")
			}
			if _, err := os.Stat(path); err == nil {
				t.Error("Update wrote an index")
			}
		})
	}
}

func TestMirror(t *testing.T) {
	small := build(t, bucket(t, smallDatabase, func(string) bool { return true }))
	content, err := os.ReadFile(small)
	if err != nil {
		t.Fatal(err)
	}
	modified := time.Date(2024, 5, 6, 7, 8, 9, 0, time.UTC)
	conditional := 0
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("If-Modified-Since") != "" {
			conditional++
		}
		if r.URL.Path == "/broken" {
			_, _ = w.Write(content[:len(content)-1])
			return
		}
		http.ServeContent(w, r, "", modified, strings.NewReader(string(content)))
	}))
	defer srv.Close()
	u := (&cloud{Server: srv}).updater()
	path := filepath.Join(t.TempDir(), "index")
	for _, want := range []bool{false, true} {
		report, err := u.Mirror(t.Context(), path, srv.URL+"/index")
		if err != nil || report.Unchanged != want {
			t.Errorf("Mirror: %+v, %v; want unchanged %t", report, err, want)
		}
	}
	if conditional != 1 {
		t.Errorf("%d conditional requests, want 1", conditional)
	}
	matchSmall(t, open(t, path))
	if _, err := u.Mirror(t.Context(), path, srv.URL+"/broken"); err == nil {
		t.Error("Mirror takes a broken index")
	}
	matchSmall(t, open(t, path))
	if left, err := filepath.Glob(filepath.Join(filepath.Dir(path), "*")); err != nil || len(left) != 2 {
		t.Errorf("beside the index and its lock there is more: %v, %v", left, err)
	}
}
