package github

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/http"
	"path"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/trifecta-scanner/trifecta/forge"
	"github.com/trifecta-scanner/trifecta/internal/githubtest"
	"github.com/trifecta-scanner/trifecta/internal/shared"
)

const commit = "0123456789012345678901234567890123456789"

// spec is GitHub's description of its API, read once: it is large. Without the shared data nothing is checked.
var spec = sync.OnceValues(func() (*githubtest.Spec, error) {
	dir, ok := shared.Find()
	if !ok {
		return nil, nil
	}
	return githubtest.LoadSpec(dir)
})

// waits notes how long was waited, without waiting.
type waits struct {
	mu  sync.Mutex
	all []time.Duration
}

func (w *waits) sleep(ctx context.Context, d time.Duration) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.all = append(w.all, d)
	return ctx.Err()
}

func start(t *testing.T) (*Client, *githubtest.Server, *waits) {
	t.Helper()
	description, err := spec()
	if err != nil {
		t.Fatal(err)
	}
	server := githubtest.NewServer(description)
	var w waits
	client, err := New(Options{BaseURL: server.Start(t).URL + "/api/v3", Repository: "acme/shop", Token: "ghs_secret", Sleep: w.sleep})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		for _, v := range server.Violations() {
			t.Error(v)
		}
		if description == nil {
			t.Log("requests and answers were not checked against GitHub's description: there is no shared test data")
		}
	})
	return client, server, &w
}

const marker = "<!-- trifecta -->"

func bodies(s *githubtest.Server) []string {
	var all []string
	for _, c := range s.Comments() {
		all = append(all, c.Body)
	}
	return all
}

func TestComment(t *testing.T) {
	client, server, _ := start(t)
	for i := range 120 { // more than a page of what others say
		server.AddComment(7, fmt.Sprint("comment ", i))
	}
	other := server.AddComment(8, marker+"\nof another pull request")
	comment := func(body string) string {
		t.Helper()
		address, err := client.Comment(t.Context(), 7, marker, body)
		if err != nil {
			t.Fatal(err)
		}
		return address
	}
	first := comment("one")
	requests := len(server.Log())
	if again := comment("one"); again != first {
		t.Errorf("the same body: %q, then %q", first, again)
	}
	for _, request := range server.Log()[requests:] {
		if !strings.HasPrefix(request, "GET ") {
			t.Errorf("saying the same again sends %s", request)
		}
	}
	comment("two")
	server.AddComment(7, marker+"\nof a run at the same time")
	comment("three")
	ours := func() []string {
		var all []string
		for _, c := range server.Comments() {
			if c.Number == 7 && strings.HasPrefix(c.Body, marker) {
				all = append(all, c.Body)
			}
		}
		return all
	}
	if diff := cmp.Diff([]string{marker + "\nthree"}, ours()); diff != "" {
		t.Errorf("comments (-want +got):\n%s", diff)
	}
	comment("")
	if left := ours(); len(left) != 0 {
		t.Errorf("comments with nothing to say: %q", left)
	}
	comment("")
	if n := len(server.Comments()); n != 121 {
		t.Errorf("%d comments of others are left, want 121", n)
	}
	_ = other
}

// TestFaults spoils requests and answers and checks that nothing is lost or doubled.
func TestFaults(t *testing.T) {
	reset := func(w http.ResponseWriter) {
		if conn, _, err := w.(http.Hijacker).Hijack(); err == nil {
			_ = conn.Close()
		}
	}
	plain := func(status int, header ...string) func(http.ResponseWriter) {
		return func(w http.ResponseWriter) {
			for i := 0; i < len(header); i += 2 {
				w.Header().Set(header[i], header[i+1])
			}
			w.Header().Set("Content-Type", "application/json")
			w.WriteHeader(status)
			_, _ = io.WriteString(w, `{"message": "no"}`)
		}
	}
	for _, tt := range []struct {
		name   string
		before func(http.ResponseWriter) // instead of doing it
		after  func(http.ResponseWriter) // having done it
		times  int
		waited time.Duration // at least, in all
	}{
		{name: "500 before", before: plain(500), times: 2},
		{name: "502 after", after: plain(502), times: 1},
		{name: "503 after, twice", after: plain(503), times: 2},
		{name: "reset before", before: reset, times: 1},
		{name: "reset after", after: reset, times: 1},
		{name: "429", before: plain(429, "Retry-After", "7"), times: 2, waited: 14 * time.Second},
		{name: "429 without Retry-After", before: plain(429), times: 1, waited: time.Second},
		{name: "secondary limit", before: plain(403, "Retry-After", "11"), times: 1, waited: 11 * time.Second},
	} {
		for _, method := range []string{http.MethodGet, http.MethodPost} {
			t.Run(tt.name+" on "+method, func(t *testing.T) {
				client, server, w := start(t)
				left := tt.times
				spoil := func(how func(http.ResponseWriter)) func(http.ResponseWriter, *http.Request) bool {
					return func(w http.ResponseWriter, r *http.Request) bool {
						if how == nil || r.Method != method || left == 0 {
							return false
						}
						left--
						how(w)
						return true
					}
				}
				server.Fail, server.After = spoil(tt.before), spoil(tt.after)
				if _, err := client.Comment(t.Context(), 7, marker, "one"); err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff([]string{marker + "\none"}, bodies(server)); diff != "" {
					t.Errorf("comments (-want +got):\n%s", diff)
				}
				var waited time.Duration
				for _, d := range w.all {
					waited += d
				}
				if tt.after == nil && left != 0 || waited < tt.waited { // what was done before it was spoiled is not done again
					t.Errorf("%d faults left, waited %v, want %v", left, waited, tt.waited)
				}
			})
		}
	}
}

func TestDenied(t *testing.T) {
	for _, tt := range []struct {
		status int
		do     func(*Client) error
		want   string
	}{
		{403, func(c *Client) error { _, err := c.Comment(t.Context(), 7, marker, "x"); return err }, "pull-requests: write"},
		{404, func(c *Client) error { _, err := c.Comment(t.Context(), 7, marker, "x"); return err }, "pull-requests: write"},
		{403, func(c *Client) error {
			_, err := c.UploadSARIF(t.Context(), "refs/heads/main", commit, []byte("{}"), 0)
			return err
		}, "security-events: write"},
		{404, func(c *Client) error { return c.SubmitSnapshot(t.Context(), snapshot()) }, "dependency graph"},
		{403, func(c *Client) error { return c.WriteCheck(t.Context(), Check{Name: "a", Commit: commit}, time.Now()) }, "checks: write"},
		{403, func(c *Client) error {
			_, err := c.Suggest(t.Context(), 7, commit, []Suggestion{{Path: "a", Line: 1, EndLine: 1}}, 1)
			return err
		}, "pull-requests: read"},
	} {
		client, server, _ := start(t)
		server.Fail = func(w http.ResponseWriter, _ *http.Request) bool {
			w.WriteHeader(tt.status)
			_, _ = io.WriteString(w, `{"message": "Resource not accessible by integration"}`)
			return true
		}
		err := tt.do(client)
		var refused *forge.DeniedError
		if !errors.As(err, &refused) || refused.Status != tt.status || !strings.Contains(refused.Missing, tt.want) {
			t.Errorf("status %d: %v, want one that names %s", tt.status, err, tt.want)
		}
		if strings.Contains(fmt.Sprint(err), "ghs_secret") {
			t.Errorf("the token stands in %v", err)
		}
	}
	t.Run("422 is no refusal", func(t *testing.T) {
		client, server, _ := start(t)
		server.Fail = func(w http.ResponseWriter, _ *http.Request) bool { w.WriteHeader(422); return true }
		_, err := client.Comment(t.Context(), 7, marker, "x")
		var refused *forge.DeniedError
		if err == nil || errors.As(err, &refused) {
			t.Errorf("Comment = %v", err)
		}
	})
	t.Run("a limit that lasts too long", func(t *testing.T) {
		client, server, w := start(t)
		server.Fail = func(w http.ResponseWriter, _ *http.Request) bool {
			w.Header().Set("X-RateLimit-Remaining", "0")
			w.Header().Set("X-RateLimit-Reset", fmt.Sprint(time.Now().Add(time.Hour).Unix()))
			w.WriteHeader(403)
			return true
		}
		_, err := client.Comment(t.Context(), 7, marker, "x")
		var refused *forge.DeniedError
		if err == nil || errors.As(err, &refused) || len(w.all) != 0 {
			t.Errorf("Comment = %v after waits %v", err, w.all)
		}
	})
}

func TestUploadSARIF(t *testing.T) {
	client, server, _ := start(t)
	upload, err := client.UploadSARIF(t.Context(), "refs/pull/7/merge", commit, []byte(`{"version": "2.1.0"}`), time.Minute)
	if err != nil || !upload.Complete || len(upload.Errors) != 0 {
		t.Fatalf("UploadSARIF = %+v, %v", upload, err)
	}
	got := server.Uploads()[upload.ID]
	if got.Ref != "refs/pull/7/merge" || got.Commit != commit || got.Polls != 2 {
		t.Errorf("upload = %+v", got)
	}
	packed, err := base64.StdEncoding.DecodeString(got.SARIF)
	if err != nil {
		t.Fatal(err)
	}
	zip, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		t.Fatal(err)
	}
	if data, err := io.ReadAll(zip); err != nil || string(data) != `{"version": "2.1.0"}` {
		t.Errorf("SARIF = %q, %v", data, err)
	}
	if upload, err := client.UploadSARIF(t.Context(), "refs/heads/main", commit, []byte("{}"), 0); err != nil || upload.Complete {
		t.Errorf("UploadSARIF without waiting = %+v, %v", upload, err)
	}
}

func TestSuggest(t *testing.T) {
	client, server, _ := start(t)
	server.SetFiles(githubtest.File{Name: "main.tf", Patch: "@@ -1,3 +1,4 @@ resource\n a\n-b\n+c\n d\n e\n@@ -20 +21 @@\n-x\n+y"}, githubtest.File{Name: "large.json"})
	all := []Suggestion{
		{Path: "main.tf", Line: 2, EndLine: 3, Marker: "<!-- 1 -->", Body: "closed", Text: "c\nd"},
		{Path: "main.tf", Line: 4, EndLine: 5, Marker: "<!-- 2 -->", Text: "leaves the hunk"},
		{Path: "main.tf", Line: 21, EndLine: 21, Marker: "<!-- 3 -->", Text: "a\n```\nb"},
		{Path: "other.tf", Line: 1, EndLine: 1, Marker: "<!-- 4 -->", Text: "not in the diff"},
	}
	for range 2 { // the second time everything is there
		if _, err := client.Suggest(t.Context(), 7, commit, all, 10); err != nil {
			t.Fatal(err)
		}
	}
	want := []githubtest.Review{
		{Path: "main.tf", StartLine: 2, Line: 3, Body: "<!-- 1 -->\nclosed\n\n```suggestion\nc\nd\n```"},
		{Path: "main.tf", Line: 21, Body: "<!-- 3 -->\n\n\n````suggestion\na\n```\nb\n````"},
	}
	got := server.Reviews()
	for i := range got {
		got[i].ID = 0
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("suggestions (-want +got):\n%s", diff)
	}
	client, server, _ = start(t)
	server.SetFiles(githubtest.File{Name: "main.tf", Patch: "@@ -1 +1,99 @@\n"})
	if n, err := client.Suggest(t.Context(), 7, commit, all[:2], 1); n != 1 || err != nil {
		t.Errorf("Suggest with a limit of 1 = %d, %v", n, err)
	}
}

// A stranger who knows the marker does not get our text into a comment of theirs.
func TestCommentOfStranger(t *testing.T) {
	client, server, _ := start(t)
	server.AddForeignComment(7, "<!-- m -->\nall is well")
	for range 2 {
		if _, err := client.Comment(t.Context(), 7, "<!-- m -->", "one finding"); err != nil {
			t.Fatal(err)
		}
	}
	var got []string
	for _, c := range server.Comments() {
		got = append(got, c.Body)
	}
	if diff := cmp.Diff([]string{"<!-- m -->\nall is well", "<!-- m -->\none finding"}, got); diff != "" {
		t.Error(diff)
	}
}

func TestWriteCheck(t *testing.T) {
	client, server, _ := start(t)
	check := Check{Name: "trifecta", Commit: commit, ExternalID: "job", Conclusion: "neutral", Title: "120 findings", Summary: "…"}
	for i := range 120 {
		check.Annotations = append(check.Annotations, CheckAnnotation{Path: "a.lock", Line: i + 1, EndLine: i + 1, Level: "warning", Title: "t", Message: fmt.Sprint(i)})
	}
	for range 2 {
		if err := client.WriteCheck(t.Context(), check, time.Unix(0, 0)); err != nil {
			t.Fatal(err)
		}
	}
	checks := server.Checks()
	if len(checks) != 1 || len(checks[0].Annotations) != 120 {
		t.Fatalf("%d checks, want one with 120 annotations: %+v", len(checks), checks)
	}
	if got := checks[0].Annotations[119]["message"]; got != "119" {
		t.Errorf("the last annotation says %v", got)
	}
}

func snapshot() *Snapshot {
	return &Snapshot{
		Job: SnapshotJob{ID: "1", Correlator: "scan"}, SHA: commit, Ref: "refs/heads/main", Scanned: "2026-01-01T00:00:00Z",
		Detector: SnapshotDetector{Name: "trifecta", Version: "1", URL: "https://trifecta.example"},
		Manifests: map[string]SnapshotManifest{"a.lock": {
			Name: "a.lock", File: SnapshotFile{SourceLocation: "a.lock"},
			Resolved: map[string]SnapshotDependency{"pkg:npm/a@1": {PackageURL: "pkg:npm/a@1", Relationship: "direct", Scope: "runtime", Dependencies: []string{}}},
		}},
	}
}

func TestSubmitSnapshot(t *testing.T) {
	client, server, _ := start(t)
	failures := 2
	server.After = func(w http.ResponseWriter, _ *http.Request) bool {
		if failures == 0 {
			return false
		}
		failures--
		w.WriteHeader(502)
		return true
	}
	if err := client.SubmitSnapshot(t.Context(), snapshot()); err != nil {
		t.Fatal(err)
	}
	if n := len(server.Snapshots()); n != 1 {
		t.Errorf("%d snapshots, want 1", n)
	}
}

func TestNew(t *testing.T) {
	for _, o := range []Options{{}, {Repository: "acme"}, {Repository: "a/b/c"}, {Repository: "a/b", BaseURL: "ftp://x.example"}, {Repository: "a/b", BaseURL: ":"}} {
		if _, err := New(o); err == nil {
			t.Errorf("New(%+v) succeeded", o)
		}
	}
}

func FuzzHunks(f *testing.F) {
	f.Add("@@ -1,3 +1,4 @@ resource\n a\n@@ -20 +21 @@\n")
	f.Fuzz(func(t *testing.T, patch string) {
		for _, r := range hunks(path.Clean(patch)) {
			if r.Last < r.First {
				t.Errorf("hunks(%q) = %v", patch, r)
			}
		}
	})
}
