package github

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/trifecta-scanner/trifecta/forge"
	"github.com/trifecta-scanner/trifecta/internal/githubtest"
)

// operations are all that ci does to a host apart from requests for changes, whose faults forgetest and
// TestProposeFaults go through.
var operations = map[string]func(context.Context, *Client) error{
	"comment": func(ctx context.Context, c *Client) error {
		_, err := c.Comment(ctx, 7, marker, "one")
		return err
	},
	"suggest": func(ctx context.Context, c *Client) error {
		_, err := c.Suggest(ctx, 7, commit, []Suggestion{{Path: "a", Line: 1, EndLine: 1, Marker: "<!-- s -->", Text: "x"}}, 3)
		return err
	},
	"issue": func(ctx context.Context, c *Client) error {
		_, err := c.Track(ctx, forge.Tracking{Marker: marker, Title: "t", Body: "one"})
		return err
	},
	"SARIF": func(ctx context.Context, c *Client) error {
		_, err := c.UploadSARIF(ctx, "refs/heads/main", commit, []byte("{}"), time.Minute)
		return err
	},
	"check": func(ctx context.Context, c *Client) error {
		check := Check{Name: "trifecta", Commit: commit, ExternalID: "1", Conclusion: "neutral", Title: "t", Summary: "s"}
		for i := range 120 {
			check.Annotations = append(check.Annotations, CheckAnnotation{Path: "a", Line: i + 1, EndLine: i + 1, Level: "notice", Title: "t", Message: fmt.Sprint(i)})
		}
		return c.WriteCheck(ctx, check, time.Unix(0, 0))
	},
	"snapshot": func(ctx context.Context, c *Client) error { return c.SubmitSnapshot(ctx, snapshot()) },
}

// faults spoil one request or its answer.
var faults = map[string]struct {
	spoil func(http.ResponseWriter)
	after bool // the host has carried the request out
	fatal bool // the operation may end with an error; what it was to do is done by the next run
}{
	"403 for good":       {spoil: answered(403), fatal: true},
	"404":                {spoil: answered(404), fatal: true},
	"409":                {spoil: answered(409), fatal: true},
	"422":                {spoil: answered(422), fatal: true},
	"429":                {spoil: answered(429, "Retry-After", "3")},
	"429 without a time": {spoil: answered(429)},
	"secondary limit":    {spoil: answered(403, "Retry-After", "3")},
	"500":                {spoil: answered(500)},
	"502 after":          {spoil: answered(502), after: true},
	"503":                {spoil: answered(503, "Retry-After", "3")},
	"reset":              {spoil: func(http.ResponseWriter) { panic(http.ErrAbortHandler) }},
	"reset after":        {spoil: func(http.ResponseWriter) { panic(http.ErrAbortHandler) }, after: true},
	"a body cut off after": {after: true, spoil: func(w http.ResponseWriter) {
		w.Header().Set("Content-Length", "1000")
		_, _ = io.WriteString(w, `[{"id": 1`) // whoever reads it is what is tested
	}},
}

func answered(status int, header ...string) func(http.ResponseWriter) {
	return func(w http.ResponseWriter) {
		for i := 0; i < len(header); i += 2 {
			w.Header().Set(header[i], header[i+1])
		}
		w.WriteHeader(status)
		_, _ = io.WriteString(w, `{"message": "no"}`) // as above
	}
}

// left is what a host holds of all that operations write. Ids differ from run to run, and an analysis that is sent
// twice replaces itself.
type left struct {
	Comments, Reviews []string
	Issues            []string
	Checks            []int // annotations of each
	Analyses          map[string]bool
	Snapshots         int
}

func leftOn(s *githubtest.Server) left {
	l := left{Comments: bodies(s), Analyses: map[string]bool{}, Snapshots: len(s.Snapshots())}
	for _, r := range s.Reviews() {
		l.Reviews = append(l.Reviews, r.Body)
	}
	for _, i := range s.Issues() {
		l.Issues = append(l.Issues, i.State+" "+i.Body)
	}
	for _, c := range s.Checks() {
		l.Checks = append(l.Checks, len(c.Annotations))
	}
	for _, u := range s.Uploads() {
		l.Analyses[u.Ref+" "+u.SARIF] = true
	}
	return l
}

// TestFaultMatrix lets every request of every operation meet every fault. Nothing is lost and nothing doubled.
func TestFaultMatrix(t *testing.T) {
	for operation, do := range operations {
		started := func(t *testing.T) (*Client, *githubtest.Server) {
			client, server, _ := start(t)
			server.SetFiles(githubtest.File{Name: "a", Patch: "@@ -1 +1 @@\n+x\n"})
			return client, server
		}
		client, server := started(t)
		if err := do(t.Context(), client); err != nil {
			t.Fatal(err)
		}
		want, requests := leftOn(server), len(server.Log())
		for name, fault := range faults {
			t.Run(operation+" "+name, func(t *testing.T) {
				for at := 1; at <= requests; at++ {
					client, server := started(t)
					var n atomic.Int64
					spoil := func(w http.ResponseWriter, _ *http.Request) bool {
						if n.Add(1) != int64(at) {
							return false
						}
						fault.spoil(w)
						return true
					}
					if fault.after {
						server.After = spoil
					} else {
						server.Fail = spoil
					}
					if err := do(t.Context(), client); err != nil {
						if !fault.fatal {
							t.Errorf("at request %d of %d: %v", at, requests, err)
						}
						if err := do(t.Context(), client); err != nil {
							t.Errorf("after request %d of %d had failed: %v", at, requests, err)
						}
					}
					if diff := cmp.Diff(want, leftOn(server)); diff != "" {
						t.Errorf("at request %d of %d:\n%s", at, requests, diff)
					}
				}
			})
		}
	}
}

// A body that trickles is waited for, and one that never ends does not outlive the patience of the caller.
func TestSlowBody(t *testing.T) {
	client, server, _ := start(t)
	trickle := true
	server.After = func(w http.ResponseWriter, r *http.Request) bool {
		if r.Method != http.MethodGet {
			return false
		}
		flush := http.NewResponseController(w).Flush
		for _, part := range []string{"[", " ", "]"} {
			_, _ = io.WriteString(w, part) // whoever reads it is what is tested
			_ = flush()
			if part == " " && !trickle {
				<-r.Context().Done()
				return true
			}
		}
		return true
	}
	if _, err := client.Comment(t.Context(), 7, marker, "one"); err != nil {
		t.Error(err)
	}
	trickle = false
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err := client.Comment(ctx, 7, marker, "two"); err == nil {
		t.Error("an answer that never ended")
	}
	server.After = nil
	if _, err := client.Comment(t.Context(), 7, marker, "two"); err != nil {
		t.Error(err)
	}
	if diff := cmp.Diff([]string{marker + "\ntwo"}, bodies(server)); diff != "" {
		t.Error(diff)
	}
}
