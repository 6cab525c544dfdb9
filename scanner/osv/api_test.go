package osv

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
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

	"github.com/trifecta-scanner/trifecta/advisory"
	"github.com/trifecta-scanner/trifecta/internal/web"
)

// service is a stand-in for the OSV service.
type service struct {
	applies  map[string][]string // package name or commit -> ids
	records  map[string]string   // id -> record; an id without one is not found
	modified string
	page     int // ids a page; 0 is all
	// before answers instead of the service where it returns true; n counts requests to the same path from 1.
	before func(w http.ResponseWriter, r *http.Request, n int) bool

	mu      sync.Mutex
	calls   map[string]int
	batches []int // queries of each batch
	sent    []string
}

func (s *service) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	if s.calls == nil {
		s.calls = map[string]int{}
	}
	s.calls[r.URL.Path]++
	n := s.calls[r.URL.Path]
	s.mu.Unlock()
	if s.before != nil && s.before(w, r, n) {
		return
	}
	if id, ok := strings.CutPrefix(r.URL.Path, "/v1/vulns/"); ok {
		if s.records[id] == "" {
			http.Error(w, `{"code":5,"message":"Bug not found."}`, http.StatusNotFound)
			return
		}
		io.WriteString(w, s.records[id])
		return
	}
	var request struct{ Queries []wireQuery }
	body, _ := io.ReadAll(r.Body)
	if json.Unmarshal(body, &request) != nil || len(request.Queries) > 1000 {
		http.Error(w, `{"code":3,"message":"Too many queries."}`, http.StatusBadRequest)
		return
	}
	s.mu.Lock()
	s.batches = append(s.batches, len(request.Queries))
	s.sent = append(s.sent, string(body))
	s.mu.Unlock()
	results := make([]map[string]any, len(request.Queries))
	for i, q := range request.Queries {
		name := q.Commit
		if q.Package != nil {
			name = q.Package.Name
			if q.Package.Ecosystem == "Nowhere" {
				http.Error(w, `{"code":3,"message":"Invalid ecosystem."}`, http.StatusBadRequest)
				return
			}
		}
		ids := s.applies[name]
		from := 0
		fmt.Sscanf(q.PageToken, "from-%d", &from)
		results[i] = map[string]any{}
		ids = ids[min(from, len(ids)):]
		if s.page > 0 && len(ids) > s.page {
			ids = ids[:s.page]
			results[i]["next_page_token"] = fmt.Sprintf("from-%d", from+s.page)
		}
		var vulns []map[string]string
		for _, id := range ids {
			vulns = append(vulns, map[string]string{"id": id, "modified": s.modified})
		}
		if vulns != nil {
			results[i]["vulns"] = vulns
		}
	}
	json.NewEncoder(w).Encode(map[string]any{"results": results})
}

// start serves s and returns a database that asks it without waiting between tries.
func start(t *testing.T, s *service) *API {
	t.Helper()
	if s.modified == "" {
		s.modified = "2024-01-01T00:00:00Z"
	}
	srv := httptest.NewServer(s)
	t.Cleanup(srv.Close)
	return &API{BaseURL: srv.URL + "/", Client: quick(nil)}
}

func quick(change func(*web.Options)) *web.Client {
	o := web.Options{Transport: &http.Transport{}, Sleep: func(ctx context.Context, _ time.Duration) error { return ctx.Err() }}
	if change != nil {
		change(&o)
	}
	return web.New(o)
}

func record(id string, more ...string) string {
	return fmt.Sprintf(`{"id":%q,"modified":"2024-01-01T00:00:00Z","summary":"About %s"%s}`, id, id, strings.Join(append([]string{""}, more...), ","))
}

func ofNPM(names ...string) []advisory.Query {
	var all []advisory.Query
	for _, name := range names {
		all = append(all, advisory.Query{Ecosystem: "npm", Name: name, Version: "1.0.0"})
	}
	return all
}

// match asks and returns the summaries of the answer, an id alone where there is no summary, and the notices.
func match(t *testing.T, a *API, queries []advisory.Query) (found [][]string, told string) {
	t.Helper()
	matches, notices, err := a.Match(t.Context(), queries)
	if err != nil {
		t.Fatal(err)
	}
	for _, records := range matches {
		var one []string
		for _, r := range records {
			if r.Summary == "" {
				one = append(one, r.ID)
			} else {
				one = append(one, r.Summary)
			}
		}
		found = append(found, one)
	}
	return found, messages(notices)
}

func TestAPI(t *testing.T) {
	s := &service{
		applies: map[string][]string{"lodash": {"GHSA-2", "GHSA-1"}, "abc123": {"OSV-1"}, "old": {"GHSA-3"}},
		records: map[string]string{"GHSA-1": record("GHSA-1"), "GHSA-2": record("GHSA-2"), "OSV-1": record("OSV-1"), "GHSA-3": record("GHSA-3", `"withdrawn":"2024-01-01T00:00:00Z"`)},
	}
	a := start(t, s)
	queries := append(ofNPM("lodash", "clean", "old"), advisory.Query{Commit: "abc123"}, advisory.Query{Ecosystem: "npm", Name: "lodash", Version: "2.0.0", Commit: "abc123"})
	found, told := match(t, a, queries)
	want := [][]string{{"About GHSA-1", "About GHSA-2"}, nil, nil, {"About OSV-1"}, {"About GHSA-1", "About GHSA-2", "About OSV-1"}}
	if diff := cmp.Diff(want, found); diff != "" || told != "" {
		t.Errorf("%s\nnotices %q", diff, told)
	}
	if s.calls["/v1/vulns/GHSA-1"] != 1 {
		t.Errorf("calls %v", s.calls)
	}
	wantSent := `{"queries":[{"version":"1.0.0","package":{"name":"lodash","ecosystem":"npm"}},{"version":"1.0.0","package":{"name":"clean","ecosystem":"npm"}},` +
		`{"version":"1.0.0","package":{"name":"old","ecosystem":"npm"}},{"commit":"abc123"},{"commit":"abc123"},{"version":"2.0.0","package":{"name":"lodash","ecosystem":"npm"}}]}`
	if s.sent[0] != wantSent {
		t.Errorf("sent %s", s.sent[0])
	}
	if info := a.Info(); info.AsOf != "2024-01-01T00:00:00Z" || strings.HasSuffix(info.Source, "/") || info.Records != 4 {
		t.Errorf("info %+v", info)
	}
}

func TestAPIPages(t *testing.T) {
	s := &service{applies: map[string][]string{}, records: map[string]string{}, page: 2}
	var names []string
	for i := range 2500 {
		name := fmt.Sprintf("p%d", i)
		names = append(names, name)
		if i%500 == 0 {
			for j := range 5 {
				id := fmt.Sprintf("GHSA-%d-%d", i, j)
				s.applies[name] = append(s.applies[name], id)
				s.records[id] = record(id)
			}
		}
	}
	found, told := match(t, start(t, s), ofNPM(names...))
	for i, ids := range found {
		if want := len(s.applies[names[i]]); len(ids) != want {
			t.Errorf("%s has %d advisories, want %d", names[i], len(ids), want)
		}
	}
	slices.Sort(s.batches)
	if diff := cmp.Diff([]int{5, 5, 500, 1000, 1000}, s.batches); diff != "" || told != "" {
		t.Errorf("%s\nnotices %q", diff, told)
	}
}

func TestAPITroubles(t *testing.T) {
	always := func(code int) func(http.ResponseWriter, *http.Request, int) bool {
		return func(w http.ResponseWriter, _ *http.Request, _ int) bool { w.WriteHeader(code); return true }
	}
	on := func(part string, most int, answer http.HandlerFunc) func(http.ResponseWriter, *http.Request, int) bool {
		return func(w http.ResponseWriter, r *http.Request, n int) bool {
			if !strings.Contains(r.URL.Path, part) || n > most {
				return false
			}
			answer(w, r)
			return true
		}
	}
	text := func(s string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, s) }
	}
	reset := func(w http.ResponseWriter, _ *http.Request) {
		if conn, _, err := http.NewResponseController(w).Hijack(); err == nil {
			conn.Close()
		}
	}
	whole := [][]string{{"About GHSA-1"}, {"About GHSA-1", "About GHSA-2"}}
	none := [][]string{nil, nil}
	const ever = 1 << 20
	tests := []struct {
		name   string
		before func(http.ResponseWriter, *http.Request, int) bool
		want   [][]string
		told   string
	}{
		{"overload that passes", on("", 2, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Retry-After", "1")
			w.WriteHeader(http.StatusTooManyRequests)
		}), whole, ""},
		{"faults that pass", on("", 3, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusBadGateway) }), whole, ""},
		{"resets that pass", on("", 2, reset), whole, ""},
		{"down", always(http.StatusServiceUnavailable), none, "advisory-service-unavailable: 2 of 2 packages were not matched, because HOST did not answer: status 503 Service Unavailable; use a local database (--db)"},
		{"forbidden", always(http.StatusForbidden), none, "advisory-service-unavailable: 2 of 2 packages were not matched, because HOST did not answer: status 403 Forbidden; use a local database (--db)"},
		{"no JSON", on("querybatch", ever, text("<html>sign in</html>")), none, "advisory-service-unavailable: 2 of 2 packages were not matched, because HOST did not answer: read its answer: invalid character '<' looking for beginning of value; use a local database (--db)"},
		{"answers missing", on("querybatch", ever, text(`{"results":[{}]}`)), none, "advisory-service-unavailable: 2 of 2 packages were not matched, because HOST did not answer: it gave 1 answers to 2 questions; use a local database (--db)"},
		{"too large", on("querybatch", ever, text(`{"results":"`+strings.Repeat("x", 5000)+`"}`)), none, "advisory-service-unavailable: 2 of 2 packages were not matched, because HOST did not answer: the answer is too large: more than 0 MiB; use a local database (--db)"},
		{"a record that is none", on("GHSA-2", ever, text(`{"id":7}`)), [][]string{{"About GHSA-1"}, {"About GHSA-1", "GHSA-2"}}, "advisory-without-details: 1 advisory could not be read from HOST and is shown by id alone: GHSA-2"},
		{"another record", on("GHSA-2", ever, text(record("GHSA-9"))), [][]string{{"About GHSA-1"}, {"About GHSA-1", "GHSA-2"}}, "advisory-without-details: 1 advisory could not be read from HOST and is shown by id alone: GHSA-2"},
		{"a record too many", on("GHSA-2", ever, func(w http.ResponseWriter, r *http.Request) { http.NotFound(w, r) }), [][]string{{"About GHSA-1"}, {"About GHSA-1", "GHSA-2"}}, "advisory-without-details: 1 advisory could not be read from HOST and is shown by id alone: GHSA-2"},
		{"no details at all", on("vulns", ever, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusServiceUnavailable) }), [][]string{{"GHSA-1"}, {"GHSA-1", "GHSA-2"}}, "advisory-without-details: 2 advisories could not be read from HOST and are shown by id alone: GHSA-1, GHSA-2: status 503 Service Unavailable"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			s := &service{
				applies: map[string][]string{"a": {"GHSA-1"}, "b": {"GHSA-1", "GHSA-2"}},
				records: map[string]string{"GHSA-1": record("GHSA-1"), "GHSA-2": record("GHSA-2")}, before: test.before,
			}
			a := start(t, s)
			a.Client = quick(func(o *web.Options) { o.MaxBody = 4000 })
			found, told := match(t, a, ofNPM("a", "b"))
			if diff := cmp.Diff(test.want, found); diff != "" {
				t.Error(diff)
			}
			host := strings.TrimPrefix(a.base(), "http://")
			if told = strings.ReplaceAll(told, host, "HOST"); told != test.told {
				t.Errorf("notices %q\nwant    %q", told, test.told)
			}
		})
	}
}

func TestAPIRefuses(t *testing.T) {
	s := &service{applies: map[string][]string{"a": {"GHSA-1"}, "b": {"GHSA-1"}}, records: map[string]string{"GHSA-1": record("GHSA-1")}}
	queries := ofNPM("a", "x", "y", "b")
	queries[1].Ecosystem, queries[2].Ecosystem = "Nowhere", "Nowhere"
	a := start(t, s)
	found, told := match(t, a, queries)
	if diff := cmp.Diff([][]string{{"About GHSA-1"}, nil, nil, {"About GHSA-1"}}, found); diff != "" {
		t.Error(diff)
	}
	if !strings.HasSuffix(told, "does not understand 2 packages, which were not matched: x 1.0.0, y 1.0.0") {
		t.Errorf("notices %q", told)
	}

	var many []advisory.Query
	for i := range 3000 {
		many = append(many, advisory.Query{Ecosystem: "Nowhere", Name: fmt.Sprintf("p%d", i), Version: "1"})
	}
	_, told = match(t, a, many)
	if n := s.calls["/v1/querybatch"]; n > 1000 || !strings.Contains(told, "did not answer") {
		t.Errorf("%d requests, notices %q", n, told)
	}
}

func TestAPINobodyThere(t *testing.T) {
	srv := httptest.NewServer(http.NotFoundHandler())
	srv.Close()
	found, told := match(t, &API{BaseURL: srv.URL, Client: quick(nil)}, ofNPM("a", "b"))
	if diff := cmp.Diff([][]string{nil, nil}, found); diff != "" || strings.Count(told, "\n") != 0 || !strings.HasSuffix(told, "did not answer: connect: connection refused; use a local database (--db)") {
		t.Errorf("%s\nnotices %q", diff, told)
	}
}

func TestAPITimeLimit(t *testing.T) {
	stop := make(chan struct{})
	s := &service{before: func(_ http.ResponseWriter, r *http.Request, _ int) bool {
		_, _ = io.Copy(io.Discard, r.Body)
		select {
		case <-r.Context().Done():
		case <-stop:
		}
		return true
	}}
	a := start(t, s)
	defer close(stop)
	a.Limit = 30 * time.Millisecond
	if _, told := match(t, a, ofNPM("a")); !strings.Contains(told, "did not answer: out of time") {
		t.Errorf("notices %q", told)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, _, err := a.Match(ctx, ofNPM("a")); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
}

func TestAPICache(t *testing.T) {
	s := &service{applies: map[string][]string{"a": {"GHSA-1", "weird id/.."}}, records: map[string]string{"GHSA-1": record("GHSA-1"), "weird id/..": record("weird id/..")}}
	a := start(t, s)
	a.Cache = filepath.Join(t.TempDir(), "deep", "cache")
	want := [][]string{{"About GHSA-1", "About weird id/.."}}
	for range 3 {
		if found, told := match(t, a, ofNPM("a")); cmp.Diff(want, found) != "" || told != "" {
			t.Errorf("%v, notices %q", found, told)
		}
	}
	file := filepath.Join(a.Cache, "GHSA-1.json")
	if s.calls["/v1/vulns/GHSA-1"] != 1 || s.calls["/v1/vulns/weird id/.."] != 3 {
		t.Errorf("calls %v", s.calls)
	}
	entries, err := os.ReadDir(a.Cache)
	if err != nil || len(entries) != 1 {
		t.Errorf("cache holds %v, %v", entries, err)
	}

	// A change announced by the service, and a file that is damaged, are fetched again.
	s.modified = "2024-02-02T00:00:00Z"
	match(t, a, ofNPM("a"))
	if err := os.WriteFile(file, []byte(`{"modified":"2024-02-02T00:00:00Z","record":{"id":"GHSA-2"}}`), 0o600); err != nil {
		t.Fatal(err)
	}
	if found, _ := match(t, a, ofNPM("a")); cmp.Diff(want, found) != "" {
		t.Errorf("%v", found)
	}
	if s.calls["/v1/vulns/GHSA-1"] != 3 {
		t.Errorf("calls %v", s.calls)
	}

	// A cache that can't be written costs time only.
	a.Cache = filepath.Join(file, "below-a-file")
	if found, told := match(t, a, ofNPM("a")); cmp.Diff(want, found) != "" || told != "" {
		t.Errorf("%v, notices %q", found, told)
	}
}

func FuzzAPI(f *testing.F) {
	f.Add([]byte(`{"results":[{"vulns":[{"id":"GHSA-1","modified":"2024-01-01T00:00:00Z"}],"next_page_token":"x"}]}`), []byte(record("GHSA-1")))
	f.Add([]byte(`{"results":[{}]}`), []byte(`{}`))
	f.Add([]byte(`{"results":null}`), []byte(`[`))
	f.Fuzz(func(t *testing.T, batch, vuln []byte) {
		transport := roundTrip(func(r *http.Request) (*http.Response, error) {
			body := vuln
			if strings.HasSuffix(r.URL.Path, "/querybatch") {
				body = batch
			}
			return &http.Response{StatusCode: http.StatusOK, Body: io.NopCloser(strings.NewReader(string(body))), Request: r}, nil
		})
		a := &API{BaseURL: "https://osv.example", Client: quick(func(o *web.Options) { o.Transport = transport })}
		matches, _, err := a.Match(t.Context(), ofNPM("a"))
		if err != nil || len(matches) != 1 {
			t.Fatalf("%v, %v", matches, err)
		}
		for _, r := range matches[0] {
			merged([]*advisory.Record{r})
		}
	})
}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }
