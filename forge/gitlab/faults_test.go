package gitlab

import (
	"context"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/trifecta-scanner/trifecta/forge"
	"github.com/trifecta-scanner/trifecta/forge/forgetest"
	"github.com/trifecta-scanner/trifecta/internal/gitlabtest"
)

// operation is something that ci does to the host.
type operation struct {
	prepare func(*testing.T, *host)
	run     func(context.Context, *host) error
}

// theRequest is the merge request that prepared ones are about.
const theRequest = 101

func proposed(t *testing.T, h *host) {
	t.Helper()
	h.Reachable("ann")
	p, err := h.Client(nil, nil).Propose(t.Context(), labelled(h))
	if err != nil || p.Number != theRequest {
		t.Fatalf("%+v, %v", p, err)
	}
}

func labelled(h *host) forge.PullRequest {
	pr := change(h)
	pr.Labels, pr.AskOwners = []string{"security"}, true
	pr.Files = append(pr.Files, forge.File{Path: "web/b", Content: []byte("\xff"), Executable: true})
	return pr
}

func note(ctx context.Context, h *host) error {
	_, err := h.Client(nil, nil).Comment(ctx, theRequest, marker, "one")
	return err
}

func issue(ctx context.Context, h *host) error {
	_, err := tracker{h}.Tracker(nil, nil).Track(ctx, forge.Tracking{Marker: marker, Title: "t", Body: "one", News: true})
	return err
}

// after prepares by another operation.
func after(prepare func(*testing.T, *host), run func(context.Context, *host) error) func(*testing.T, *host) {
	return func(t *testing.T, h *host) {
		t.Helper()
		prepare(t, h)
		if err := run(t.Context(), h); err != nil {
			t.Fatal(err)
		}
	}
}

func nothing(*testing.T, *host) {}

// operations are all that ci does to a host.
var operations = map[string]operation{
	"note": {proposed, note},
	"note gone": {after(proposed, note), func(ctx context.Context, h *host) error {
		_, err := h.Client(nil, nil).Comment(ctx, theRequest, marker, "")
		return err
	}},
	"issue": {nothing, issue},
	"issue closed": {after(nothing, issue), func(ctx context.Context, h *host) error {
		_, err := tracker{h}.Tracker(nil, nil).Track(ctx, forge.Tracking{Marker: marker, Title: "t", Body: "none", Done: true})
		return err
	}},
	"artifact": {func(_ *testing.T, h *host) {
		h.server.AddJob(gitlabtest.Job{Name: "trifecta", Branch: "main", Source: "schedule", Files: map[string]string{"f": "x"}})
	}, func(ctx context.Context, h *host) error {
		a, err := h.client(Options{Token: gitlabtest.Token}).LastArtifact(ctx, "main", "trifecta", 1<<30, "f")
		if err == nil && a.Content != nil && string(a.Content) != "x" { // none is what a host may say
			err = fmt.Errorf("it reads %q", a.Content)
		}
		return err
	}},
	"request": {func(_ *testing.T, h *host) { h.Reachable("ann") }, func(ctx context.Context, h *host) error {
		_, err := h.Client(nil, nil).Propose(ctx, labelled(h))
		return err
	}},
	"request updated": {proposed, func(ctx context.Context, h *host) error {
		pr := labelled(h)
		pr.Version, pr.Title, pr.Files[0].Content = "3", "a 3", []byte("3")
		_, err := h.Client(nil, nil).Propose(ctx, pr)
		return err
	}},
	"request withdrawn": {proposed, func(ctx context.Context, h *host) error {
		_, err := h.Client(nil, nil).Withdraw(ctx, forge.Proposal{Number: theRequest}, "it is gone")
		return err
	}},
}

// faults spoil one request or its answer.
var faults = map[string]struct {
	spoil func(http.ResponseWriter)
	after bool // the host has carried the request out
	fatal bool // the operation may end with an error; what it was to do is done by the next run
	// believed says that the status may also be the right answer: nobody can be asked for a review, or what was to be
	// removed is not there. Then a reviewer is missing, or a branch stays.
	believed bool
}{
	"401":                {spoil: answered(401), fatal: true},
	"403 for good":       {spoil: answered(403), fatal: true, believed: true},
	"404":                {spoil: answered(404), fatal: true, believed: true},
	"409":                {spoil: answered(409), fatal: true},
	"422":                {spoil: answered(422), fatal: true, believed: true},
	"429":                {spoil: answered(429, "Retry-After", "3")},
	"429 without a time": {spoil: answered(429)},
	"a limit as 403":     {spoil: answered(403, "Retry-After", "3")},
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

// left is what a host holds of all that operations write.
type left struct {
	Requests []forgetest.Request
	Notes    []string
	Issues   []string
	Branches map[string]map[string]forgetest.File
}

func leftOn(h *host) left {
	l := left{Requests: h.Requests(), Notes: h.Comments(theRequest), Branches: map[string]map[string]forgetest.File{}}
	for _, i := range h.server.Issues() {
		l.Issues = append(l.Issues, i.State+" "+i.Body)
	}
	for _, name := range h.server.Repository.Branches() {
		l.Branches[name], _ = h.Files(h.Head(name))
	}
	return l
}

// without leaves out what a host may have said is not there: reviewers, and the branches of requests that are closed.
func (l left) without() left {
	l.Requests, l.Branches = slices.Clone(l.Requests), maps.Clone(l.Branches)
	for i := range l.Requests {
		l.Requests[i].Reviewers = nil
		if !l.Requests[i].Open {
			delete(l.Branches, l.Requests[i].Branch)
		}
	}
	return l
}

// TestFaultMatrix lets every request of every operation meet every fault. Nothing is lost and nothing doubled.
func TestFaultMatrix(t *testing.T) {
	if testing.Short() {
		t.Skip("a thousand runs; they are for a run without -short")
	}
	for name, op := range operations {
		started := func(t *testing.T) *host {
			h := startHost(t)
			op.prepare(t, h)
			return h
		}
		h := started(t)
		at := len(h.server.Log())
		if err := op.run(t.Context(), h); err != nil {
			t.Fatal(err)
		}
		want, requests := leftOn(h), len(h.server.Log())-at
		for kind, fault := range faults {
			t.Run(name+" "+kind, func(t *testing.T) {
				for at := 1; at <= requests; at++ {
					h := started(t)
					var n atomic.Int64
					spoil := func(w http.ResponseWriter, _ *http.Request) bool {
						if n.Add(1) != int64(at) {
							return false
						}
						fault.spoil(w)
						return true
					}
					if fault.after {
						h.server.After = spoil
					} else {
						h.server.Fail = spoil
					}
					err := op.run(t.Context(), h)
					if err != nil && !fault.fatal {
						t.Errorf("at request %d of %d: %v", at, requests, err)
					}
					if err != nil || fault.believed {
						if err := op.run(t.Context(), h); err != nil {
							t.Errorf("after request %d of %d had failed: %v", at, requests, err)
						}
					}
					want, got := want, leftOn(h)
					if fault.believed {
						want, got = want.without(), got.without()
					}
					if diff := cmp.Diff(want, got); diff != "" {
						t.Errorf("at request %d of %d:\n%s", at, requests, diff)
					}
				}
			})
		}
	}
}

// A body that trickles is waited for, and one that never ends does not outlive the patience of the caller.
func TestSlowBody(t *testing.T) {
	h := startHost(t)
	trickle := true
	h.server.After = func(w http.ResponseWriter, r *http.Request) bool {
		if r.Method != http.MethodGet || r.URL.Query().Get("labels") == "" {
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
	if err := operations["issue"].run(t.Context(), h); err != nil {
		t.Error(err)
	}
	trickle = false
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if err := operations["issue closed"].run(ctx, h); err == nil {
		t.Error("an answer that never ended")
	}
	h.server.After = nil
	if err := operations["issue closed"].run(t.Context(), h); err != nil {
		t.Error(err)
	}
	if issues := h.server.Issues(); len(issues) != 1 || issues[0].State != "closed" {
		t.Errorf("%+v", issues)
	}
}
