package github

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-git/go-git/v5/plumbing/filemode"

	"github.com/trifecta-scanner/trifecta/forge"
	"github.com/trifecta-scanner/trifecta/forge/forgetest"
	"github.com/trifecta-scanner/trifecta/internal/githubtest"
)

// host is the stand-in for GitHub as forgetest wants it.
type host struct {
	t       *testing.T
	server  *githubtest.Server
	address string
	pushes  bool // branches are moved by git's protocol
}

func startHost(t *testing.T, pushes bool) *host {
	t.Helper()
	description, err := spec()
	if err != nil {
		t.Fatal(err)
	}
	// The many runs of these say what the single ones say, whose requests and answers are checked.
	for _, matrix := range []string{"/cut_off/", "/two_at_once/", "TestProposeFaults", "TestProposeLostAnswers"} {
		if strings.Contains(t.Name(), matrix) {
			description = nil
		}
	}
	h := &host{t: t, server: githubtest.NewServer(description), pushes: pushes}
	if err := h.server.UseGit(t.TempDir()); err != nil {
		t.Fatal(err)
	}
	h.address = h.server.Start(t).URL
	h.Commit("main", forgetest.Start())
	t.Cleanup(func() {
		for _, v := range h.server.Violations() {
			t.Error(v)
		}
	})
	return h
}

func TestProposeByAPI(t *testing.T) {
	forgetest.Run(t, func(t *testing.T) forgetest.Host { return startHost(t, false) })
}

func TestProposeByPush(t *testing.T) {
	if _, err := exec.LookPath("git"); err != nil {
		t.Skip("git answers the pushes of this test: ", err)
	}
	forgetest.Run(t, func(t *testing.T) forgetest.Host { return startHost(t, true) })
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

func (h *host) Client(before func(int), after func(int) bool) forge.Forge {
	o := Options{
		BaseURL: h.address + "/api/v3", Repository: "acme/shop", Token: "ghs_secret", Transport: &watched{before: before, after: after},
		Sleep: func(ctx context.Context, _ time.Duration) error { return ctx.Err() },
	}
	if h.pushes {
		o.ServerURL = h.address
	}
	client, err := New(o)
	if err != nil {
		h.t.Fatal(err)
	}
	return client
}

func (h *host) Commit(branch string, files map[string]forgetest.File) string {
	blobs := map[string]githubtest.Blob{}
	for name, f := range files {
		b := githubtest.Blob{Content: f.Content, Mode: filemode.Regular}
		if f.Executable {
			b.Mode = filemode.Executable
		}
		blobs[name] = b
	}
	sha, err := h.server.Commit(branch, blobs)
	if err != nil {
		h.t.Fatal(err)
	}
	return sha
}

func (h *host) Head(branch string) string { return h.server.Head(branch) }

func (h *host) Files(commit string) (map[string]forgetest.File, []string) {
	blobs, parents, err := h.server.Files(commit)
	if err != nil {
		h.t.Fatal(err)
	}
	files := map[string]forgetest.File{}
	for name, b := range blobs {
		files[name] = forgetest.File{Content: b.Content, Executable: b.Mode == filemode.Executable}
	}
	return files, parents
}

func (h *host) Requests() []forgetest.Request {
	var all []forgetest.Request
	for _, p := range h.server.Pulls() {
		all = append(all, forgetest.Request{
			Number: p.Number, Branch: p.Branch, Base: p.Base, Title: p.Title, Body: p.Body, Open: p.State == "open", Merged: p.Merged,
			Labels: p.Labels, Reviewers: p.Reviewers,
		})
	}
	return all
}

func (h *host) Comments(number int) []string {
	var all []string
	for _, c := range h.server.Comments() {
		if c.Number == number {
			all = append(all, c.Body)
		}
	}
	return all
}

func (h *host) Close(number int) { h.server.Close(number) }

func (h *host) Merge(number int) {
	if err := h.server.Merge(number); err != nil {
		h.t.Fatal(err)
	}
}

func (h *host) Rename(number int, title string) {
	h.server.EditPull(number, func(p *githubtest.Pull) { p.Title = title })
}

func (h *host) Reachable(names ...string) { h.server.People = names }

// A person pushes between the look at the branch and the move of it. Git's protocol loses nothing.
func TestProposeLosesNoPush(t *testing.T) {
	if _, err := exec.LookPath("git"); err != nil {
		t.Skip(err)
	}
	h := startHost(t, true)
	pr := forge.PullRequest{
		Key: "npm/a", Version: "2", Base: "main", Commit: h.Head("main"), Title: "a 2", Files: []forge.File{{Path: "a", Content: []byte("2")}},
	}
	if _, err := h.Client(nil, nil).Propose(t.Context(), pr); err != nil {
		t.Fatal(err)
	}
	theirs := ""
	h.server.Fail = func(_ http.ResponseWriter, r *http.Request) bool {
		if strings.HasSuffix(r.URL.Path, "/git-receive-pack") && theirs == "" {
			theirs = h.Commit(pr.Branch(), map[string]forgetest.File{"test": {Content: "test"}})
		}
		return false
	}
	pr.Version, pr.Files[0].Content = "3", []byte("3")
	p, err := h.Client(nil, nil).Propose(t.Context(), pr)
	if err != nil || p.State != forge.Touched || theirs == "" || h.Head(pr.Branch()) != theirs {
		t.Errorf("%+v, %v; the branch is at %s, the person's commit is %s", p, err, h.Head(pr.Branch()), theirs)
	}
}

// Git's own client sees what was proposed.
func TestProposedBranchClones(t *testing.T) {
	git, err := exec.LookPath("git")
	if err != nil {
		t.Skip(err)
	}
	h := startHost(t, true)
	pr := forge.PullRequest{
		Key: "npm/a", Version: "2", Base: "main", Commit: h.Head("main"), Title: "a 2", Message: "a: 2\n\nClears GHSA-x.",
		Files: []forge.File{{Path: "run.sh", Content: []byte("#!/bin/sh\nexit\n")}, {Path: "README.md", Delete: true}},
	}
	for _, version := range []string{"2", "3"} { // the second moves the branch by a push
		pr.Version = version
		pr.Files[0].Content = []byte("#!/bin/sh\nexit " + version + "\n")
		if _, err := h.Client(nil, nil).Propose(t.Context(), pr); err != nil {
			t.Fatal(err)
		}
	}
	dir := filepath.Join(t.TempDir(), "clone")
	run := func(args ...string) string {
		cmd := exec.CommandContext(t.Context(), git, args...)
		cmd.Env = append(os.Environ(), "GIT_CONFIG_NOSYSTEM=1", "HOME="+t.TempDir(), "GIT_TERMINAL_PROMPT=0")
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("git %v: %v\n%s", args, err, out)
		}
		return string(out)
	}
	run("clone", "-q", "--branch", pr.Branch(), h.address+"/acme/shop.git", dir)
	if got := run("-C", dir, "diff", "--summary", "--stat=80", "origin/main", "HEAD"); !strings.Contains(got, "delete mode 100644 README.md") || strings.Contains(got, "mode change") {
		t.Errorf("the difference:\n%s", got)
	}
	if got := run("-C", dir, "log", "-1", "--format=%B"); !strings.HasPrefix(got, pr.Message+"\n\nTrifecta-Content: ") {
		t.Errorf("the message:\n%s", got)
	}
	run("-C", dir, "fsck", "--strict")
}

func TestProposeDenied(t *testing.T) {
	for _, tt := range []struct{ name, method, path, file, want string }{
		{"no contents", "POST", "/git/trees", "a", "contents: write"},
		{"no pull requests", "POST", "/pulls", "a", "lets Actions create pull requests"},
		{"workflows", "POST", "/git/refs", ".github/workflows/ci.yml", "workflows: write"},
		{"push", "POST", "/git-receive-pack", "a", "contents: write"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			h := startHost(t, true)
			pr := forge.PullRequest{Key: "a", Version: "1", Base: "main", Commit: h.Head("main"), Title: "a", Files: []forge.File{{Path: tt.file, Content: []byte("1")}}}
			if tt.name == "push" {
				if _, err := h.Client(nil, nil).Propose(t.Context(), pr); err != nil {
					t.Fatal(err)
				}
				pr.Files[0].Content = []byte("2")
			}
			h.server.Fail = func(w http.ResponseWriter, r *http.Request) bool {
				if r.Method != tt.method || !strings.HasSuffix(r.URL.Path, tt.path) {
					return false
				}
				w.WriteHeader(http.StatusForbidden)
				_, _ = io.WriteString(w, `{"message":"GitHub Actions is not permitted to create or approve pull requests."}`)
				return true
			}
			got, err := forge.Reconcile(t.Context(), h.Client(nil, nil), forge.Plan{Wanted: []forge.PullRequest{pr, {Key: "b"}}, Limit: 3})
			var denied *forge.DeniedError
			if !errors.As(err, &denied) || !strings.Contains(denied.Missing, tt.want) {
				t.Errorf("%v", err)
			}
			if len(got) != 2 || got[0].State != forge.Failed || got[1].State != forge.Failed {
				t.Errorf("%+v", got)
			}
		})
	}
}

// Each request of a proposal fails in each way, once and as long as it takes.
func TestProposeFaults(t *testing.T) {
	if testing.Short() {
		t.Skip("hundreds of runs; they are for a run without -short")
	}
	h := startHost(t, true)
	h.Reachable("ann")
	proposal := func() forge.PullRequest {
		return forge.PullRequest{
			Key: "a", Version: "1", Base: "main", Commit: h.Head("main"), Title: "a", Labels: []string{"security"}, AskOwners: true,
			Files: []forge.File{{Path: "web/a", Content: []byte("1")}, {Path: "web/b", Content: []byte("\xff")}},
		}
	}
	if _, err := h.Client(nil, nil).Propose(t.Context(), proposal()); err != nil {
		t.Fatal(err)
	}
	want := len(h.server.Log())
	for name, fail := range map[string]func(http.ResponseWriter) bool{
		"500": func(w http.ResponseWriter) bool { w.WriteHeader(500); return true },
		"502": func(w http.ResponseWriter) bool { w.WriteHeader(502); return true },
		"429": func(w http.ResponseWriter) bool {
			w.Header().Set("Retry-After", "3")
			w.WriteHeader(429)
			return true
		},
		"429 without a time": func(w http.ResponseWriter) bool { w.WriteHeader(429); return true },
		"secondary limit": func(w http.ResponseWriter) bool {
			w.Header().Set("Retry-After", "1")
			w.WriteHeader(403)
			return true
		},
		"409":   func(w http.ResponseWriter) bool { w.WriteHeader(409); return true },
		"reset": func(http.ResponseWriter) bool { panic(http.ErrAbortHandler) },
	} {
		for at := range want {
			h := startHost(t, true)
			h.Reachable("ann")
			var n atomic.Int64
			h.server.Fail = func(w http.ResponseWriter, _ *http.Request) bool { return n.Add(1) == int64(at+1) && fail(w) }
			pr := proposal()
			pr.Commit = h.Head("main")
			if _, err := h.Client(nil, nil).Propose(t.Context(), pr); err != nil {
				if name == "409" { // what the host calls a conflict is not asked again, and told
					if !strings.Contains(err.Error(), "409") {
						t.Errorf("%s at request %d: %v", name, at+1, err)
					}
					h.server.Fail = nil
					_, err = h.Client(nil, nil).Propose(t.Context(), pr)
				}
				if err != nil {
					t.Errorf("%s at request %d: %v", name, at+1, err)
					continue
				}
			}
			all := h.Requests()
			if len(all) != 1 || !all[0].Open || len(all[0].Labels) != 1 || len(all[0].Reviewers) != 1 {
				t.Errorf("%s at request %d: %+v", name, at+1, all)
			}
		}
	}
}

// Each request is carried out and its answer lost, once.
func TestProposeLostAnswers(t *testing.T) {
	if testing.Short() {
		t.Skip("hundreds of runs; they are for a run without -short")
	}
	lose := map[string]func(http.ResponseWriter){
		"reset": func(http.ResponseWriter) { panic(http.ErrAbortHandler) },
		"504":   func(w http.ResponseWriter) { w.WriteHeader(http.StatusGatewayTimeout) },
		"a body cut off": func(w http.ResponseWriter) {
			w.Header().Set("Content-Length", "1000")
			_, _ = io.WriteString(w, `{"`) // whoever reads it is what is tested
		},
	}
	for name, lose := range lose {
		for at := 1; ; at++ {
			h := startHost(t, false)
			h.Reachable("ann")
			var n atomic.Int64
			h.server.After = func(w http.ResponseWriter, _ *http.Request) bool {
				if n.Add(1) != int64(at) {
					return false
				}
				lose(w)
				return true
			}
			pr := forge.PullRequest{
				Key: "a", Version: "1", Base: "main", Commit: h.Head("main"), Title: "a", Labels: []string{"security"}, AskOwners: true,
				Files: []forge.File{{Path: "web/a", Content: []byte("1")}, {Path: "web/b", Content: []byte("\xff")}},
			}
			if _, err := h.Client(nil, nil).Propose(t.Context(), pr); err != nil {
				t.Errorf("%s after request %d: %v", name, at, err)
			}
			all := h.Requests()
			if len(all) != 1 || !all[0].Open || len(all[0].Labels) != 1 || len(all[0].Reviewers) != 1 {
				t.Errorf("%s after request %d: %+v", name, at, all)
			}
			if n.Load() < int64(at) {
				break
			}
		}
	}
}

// A host that answers from several machines may not know the branch yet that it has just made.
func TestProposeBranchNotSeenYet(t *testing.T) {
	h := startHost(t, false)
	left := 2
	h.server.Fail = func(w http.ResponseWriter, r *http.Request) bool {
		if r.Method != http.MethodPost || !strings.HasSuffix(r.URL.Path, "/pulls") || left == 0 {
			return false
		}
		left--
		w.WriteHeader(http.StatusUnprocessableEntity)
		_, _ = io.WriteString(w, `{"message": "Validation Failed", "errors": [{"resource": "PullRequest", "field": "head", "code": "invalid"}]}`)
		return true
	}
	pr := forge.PullRequest{Key: "a", Version: "1", Base: "main", Commit: h.Head("main"), Title: "a", Files: []forge.File{{Path: "a", Content: []byte("1")}}}
	p, err := h.Client(nil, nil).Propose(t.Context(), pr)
	if err != nil || p.State != forge.Opened || left != 0 {
		t.Errorf("%+v, %v", p, err)
	}
	tip := h.Head(pr.Branch())
	pr.Message = "other words"
	if p, err := h.Client(nil, nil).Propose(t.Context(), pr); err != nil || p.State != forge.Unchanged || h.Head(pr.Branch()) != tip {
		t.Errorf("other words for the same commit: %+v, %v", p, err)
	}
}

func TestReport(t *testing.T) {
	const ref = "refs/heads/x"
	line := func(s string) string { return fmt.Sprintf("%04x%s", len(s)+4, s) }
	for answer, want := range map[string]string{
		line("unpack ok\n") + line("ok refs/heads/x\n") + "0000":             "",
		line("unpack ok\n") + line("ng refs/heads/x fetch first\n") + "0000": "another run was faster: refs/heads/x: fetch first",
		line("unpack index-pack failed\n") + "0000":                          "push refs/heads/x: index-pack failed",
		"": "push refs/heads/x: the server gave no report", "0003": "push refs/heads/x: the server gave no report",
		"ffffunpack": "push refs/heads/x: the server gave no report", "zzzz": "push refs/heads/x: the server gave no report",
	} {
		got := ""
		if err := report(ref, []byte(answer)); err != nil {
			got = err.Error()
		}
		if got != want {
			t.Errorf("%q: %q, want %q", answer, got, want)
		}
	}
}
