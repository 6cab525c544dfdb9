package gitlab

import (
	"context"
	"errors"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-git/go-git/v5/plumbing/filemode"
	"github.com/google/go-cmp/cmp"

	"github.com/trifecta-scanner/trifecta/forge"
	"github.com/trifecta-scanner/trifecta/forge/forgetest"
	"github.com/trifecta-scanner/trifecta/internal/githubtest"
	"github.com/trifecta-scanner/trifecta/internal/gitlabtest"
)

// host is the stand-in for GitLab as forgetest wants it.
type host struct {
	t       *testing.T
	server  *gitlabtest.Server
	address string
}

// startEmpty starts a project without a commit.
func startEmpty(t *testing.T) *host {
	t.Helper()
	server, err := gitlabtest.NewServer(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	return &host{t: t, server: server, address: server.Start(t)}
}

func startHost(t *testing.T) *host {
	t.Helper()
	h := startEmpty(t)
	h.Commit("main", forgetest.Start())
	return h
}

func TestPropose(t *testing.T) {
	forgetest.Run(t, func(t *testing.T) forgetest.Host { return startHost(t) })
}

// watched calls around each request.
type watched struct {
	before func(int)
	after  func(int) bool
	mu     sync.Mutex
	n      int
}

var errCut = errors.New("the connection was cut")

func (w *watched) RoundTrip(req *http.Request) (*http.Response, error) {
	w.mu.Lock()
	w.n++
	n := w.n
	w.mu.Unlock()
	if w.before != nil {
		w.before(n)
	}
	if req.Context().Err() != nil {
		return nil, req.Context().Err()
	}
	res, err := http.DefaultTransport.RoundTrip(req)
	if w.after != nil && !w.after(n) {
		if err == nil {
			_, _ = io.Copy(io.Discard, res.Body) // the host has carried it out
			_ = res.Body.Close()
		}
		return nil, errCut
	}
	return res, err
}

func atOnce(ctx context.Context, _ time.Duration) error { return ctx.Err() }

func (h *host) Client(before func(int), after func(int) bool) forge.Forge {
	return h.client(Options{Token: gitlabtest.Token, Transport: &watched{before: before, after: after}})
}

func (h *host) client(o Options) *Client {
	o.BaseURL, o.Sleep = h.address, atOnce
	if o.Project == "" {
		o.Project = "42"
	}
	client, err := New(o)
	if err != nil {
		h.t.Fatal(err)
	}
	return client
}

// The owners of files stand elsewhere on GitLab.
const ownersThere, ownersHere = ".github/CODEOWNERS", ".gitlab/CODEOWNERS"

func (h *host) Commit(branch string, files map[string]forgetest.File) string {
	blobs := map[string]githubtest.Blob{}
	for name, f := range files {
		b := githubtest.Blob{Content: f.Content, Mode: filemode.Regular}
		if f.Executable {
			b.Mode = filemode.Executable
		}
		if name == ownersThere {
			name = ownersHere
		}
		blobs[name] = b
	}
	sha, err := h.server.Repository.Commit(branch, blobs)
	if err != nil {
		h.t.Fatal(err)
	}
	return sha
}

func (h *host) Head(branch string) string { return h.server.Repository.Head(branch) }

func (h *host) Files(commit string) (map[string]forgetest.File, []string) {
	blobs, parents, err := h.server.Repository.Files(commit)
	if err != nil {
		h.t.Fatal(err)
	}
	files := map[string]forgetest.File{}
	for name, b := range blobs {
		if name == ownersHere {
			name = ownersThere
		}
		files[name] = forgetest.File{Content: b.Content, Executable: b.Mode == filemode.Executable}
	}
	return files, parents
}

func (h *host) Requests() []forgetest.Request {
	var all []forgetest.Request
	for _, p := range h.server.Repository.Pulls() {
		all = append(all, forgetest.Request{
			Number: p.Number, Branch: p.Branch, Base: p.Base, Title: p.Title, Body: p.Body, Open: p.State == "open", Merged: p.Merged,
			Labels: p.Labels, Reviewers: p.Reviewers,
		})
	}
	return all
}

func (h *host) Comments(number int) []string {
	var all []string
	for _, n := range h.server.Notes(number) {
		all = append(all, n.Body)
	}
	return all
}

func (h *host) Close(number int) { h.server.Repository.Close(number) }

func (h *host) Merge(number int) {
	if err := h.server.Repository.Merge(number); err != nil {
		h.t.Fatal(err)
	}
}

func (h *host) Rename(number int, title string) {
	h.server.Repository.EditPull(number, func(p *githubtest.Pull) { p.Title = title })
}

func (h *host) Reachable(names ...string) { h.server.People = names }

// request opens a merge request to write notes on.
func (h *host) request() int {
	p, err := h.Client(nil, nil).Propose(h.t.Context(), change(h))
	if err != nil {
		h.t.Fatal(err)
	}
	return p.Number
}

func change(h *host) forge.PullRequest {
	return forge.PullRequest{
		Key: "npm/a", Version: "2", Base: "main", Commit: h.Head("main"), Title: "a 2", Files: []forge.File{{Path: "a", Content: []byte("2")}},
	}
}

const marker = "<!-- trifecta . -->"

func TestComment(t *testing.T) {
	h := startHost(t)
	number := h.request()
	h.server.AddNote(number, marker+"\nnot ours")
	for _, step := range []struct {
		body string
		want []string
	}{
		{"", nil},
		{"one", []string{marker + "\none"}},
		{"one", []string{marker + "\none"}},
		{"two", []string{marker + "\ntwo"}},
		{"", nil},
	} {
		address, err := h.Client(nil, nil).Comment(t.Context(), number, marker, step.body)
		if err != nil {
			t.Fatal(err)
		}
		if has := strings.Contains(address, "/-/merge_requests/"); has != (step.body != "") {
			t.Errorf("%q: address %q", step.body, address)
		}
		want := append([]string{marker + "\nnot ours"}, step.want...)
		if diff := cmp.Diff(want, h.Comments(number)); diff != "" {
			t.Errorf("%q (-want +got):\n%s", step.body, diff)
		}
	}
}

// An answer that is lost leaves one note.
func TestCommentLostAnswers(t *testing.T) {
	for at := 1; at <= 4; at++ {
		h := startHost(t)
		number := h.request()
		cut := func(n int) bool { return n != at }
		if _, err := h.Client(nil, cut).Comment(t.Context(), number, marker, "one"); err != nil {
			t.Errorf("answer %d: %v", at, err)
		}
		if diff := cmp.Diff([]string{marker + "\none"}, h.Comments(number)); diff != "" {
			t.Errorf("answer %d (-want +got):\n%s", at, diff)
		}
	}
}

// The project can be named by its path, whose slash is no folder of the API.
func TestProjectByPath(t *testing.T) {
	h := startHost(t)
	number := h.request()
	if _, err := h.client(Options{Token: gitlabtest.Token, Project: "acme/shop"}).Comment(t.Context(), number, marker, "one"); err != nil {
		t.Fatal(err)
	}
	if !slices.ContainsFunc(h.server.Log(), func(line string) bool { return strings.Contains(line, "/projects/acme%2Fshop/") }) {
		t.Errorf("requests: %q", h.server.Log())
	}
}

// A job's token can do nothing of this, which is said without asking for it.
func TestJobToken(t *testing.T) {
	h := startHost(t)
	number := h.request()
	before := len(h.server.Log())
	client := h.client(Options{Token: "job-secret", JobToken: true})
	_, commented := client.Comment(t.Context(), number, marker, "one")
	_, proposed := client.Propose(t.Context(), change(h))
	_, listed := client.Proposals(t.Context(), "")
	_, withdrawn := client.Withdraw(t.Context(), forge.Proposal{Number: number}, "it is gone")
	for _, err := range []error{commented, proposed, listed, withdrawn} {
		var denied *forge.DeniedError
		if !errors.As(err, &denied) || !strings.Contains(err.Error(), "project access token") || strings.Contains(err.Error(), "secret") {
			t.Errorf("error %v", err)
		}
	}
	if after := len(h.server.Log()); after != before {
		t.Errorf("%d requests were sent", after-before)
	}
}

func TestFaults(t *testing.T) {
	const persistent = 1 << 20
	for _, test := range []struct {
		name   string
		status int
		header map[string]string
		times  int
		denied bool
		err    string // empty: it is done in the end
	}{
		{"overload", http.StatusBadGateway, nil, 2, false, ""},
		{"broken", http.StatusInternalServerError, nil, persistent, false, "500"},
		{"rate limit", http.StatusTooManyRequests, map[string]string{"Retry-After": "3"}, 2, false, ""},
		{"rate limit without a time", http.StatusTooManyRequests, nil, 1, false, ""},
		{"rate limit for hours", http.StatusTooManyRequests, map[string]string{"Retry-After": "7200"}, persistent, false, "429"},
		{"no permission", http.StatusForbidden, nil, persistent, true, "project access token"},
		{"bad token", http.StatusUnauthorized, nil, persistent, true, "project access token"},
		{"not visible", http.StatusNotFound, nil, persistent, true, "project access token"},
		{"not accepted", http.StatusUnprocessableEntity, nil, persistent, false, "does not accept"},
	} {
		t.Run(test.name, func(t *testing.T) {
			h := startHost(t)
			number := h.request()
			left := test.times
			h.server.Fail = func(w http.ResponseWriter, _ *http.Request) bool {
				if left--; left < 0 {
					return false
				}
				for name, value := range test.header {
					w.Header().Set(name, value)
				}
				w.WriteHeader(test.status)
				_, _ = io.WriteString(w, `{"message":"no"}`)
				return true
			}
			_, err := h.Client(nil, nil).Comment(t.Context(), number, marker, "one")
			var denied *forge.DeniedError
			if errors.As(err, &denied) != test.denied {
				t.Errorf("error %v, denied %v", err, test.denied)
			}
			if test.err == "" && err != nil || test.err != "" && (err == nil || !strings.Contains(err.Error(), test.err)) {
				t.Errorf("error %v, want %q", err, test.err)
			}
			if err != nil && strings.Contains(err.Error(), gitlabtest.Token) {
				t.Error("the error holds the token")
			}
		})
	}
}

// The token does not go along to another host.
func TestRedirect(t *testing.T) {
	h := startHost(t)
	number := h.request()
	thief := startHost(t)
	before := len(thief.server.Log())
	h.server.Fail = func(w http.ResponseWriter, r *http.Request) bool {
		http.Redirect(w, r, thief.address+"/user", http.StatusFound)
		return true
	}
	if _, err := h.Client(nil, nil).Comment(t.Context(), number, marker, "one"); err == nil {
		t.Error("no error")
	}
	if after := len(thief.server.Log()); after != before {
		t.Error("the token went to another host")
	}
}

func TestNew(t *testing.T) {
	for _, o := range []Options{
		{BaseURL: "", Project: "1"}, {BaseURL: "gitlab.example/api/v4", Project: "1"}, {BaseURL: "ftp://gitlab.example/api/v4", Project: "1"},
		{BaseURL: "https://user:password@gitlab.example/api/v4", Project: "1"}, {BaseURL: "https://gitlab.example/api/v4"},
	} {
		if _, err := New(o); err == nil {
			t.Errorf("%+v: no error", o)
		}
	}
}
