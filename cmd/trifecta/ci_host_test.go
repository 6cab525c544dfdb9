package main

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/trifecta-scanner/trifecta/internal/githubtest"
	"github.com/trifecta-scanner/trifecta/internal/shared"
	"github.com/trifecta-scanner/trifecta/inventory"
	"github.com/trifecta-scanner/trifecta/scanner"
)

// description is GitHub's own of its API, read once; without the shared test data nothing is checked against it.
var description = sync.OnceValues(func() (*githubtest.Spec, error) {
	dir, ok := shared.Find()
	if !ok {
		return nil, nil
	}
	return githubtest.LoadSpec(dir)
})

// ciRun runs `trifecta ci` as a process in a repository of its own, beside a GitHub of its own.
type ciRun struct {
	t      *testing.T
	server *githubtest.Server
	dir    string
	env    []string
}

const ciAdvisory = `{
  "schema_version": "1.7.0", "id": "TRI-0001", "modified": "2026-01-15T00:00:00Z", "summary": "coin-words runs what a price says",
  "affected": [{"package": {"ecosystem": "PyPI", "name": "coin-words"}, "ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": "0.4.3"}]}]}],
  "severity": [{"type": "CVSS_V3", "score": "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H"}]
}`

func newCIRun(t *testing.T) *ciRun {
	t.Helper()
	spec, err := description()
	if err != nil {
		t.Fatal(err)
	}
	r := &ciRun{t: t, server: githubtest.NewServer(spec), dir: t.TempDir()}
	t.Cleanup(func() {
		for _, v := range r.server.Violations() {
			t.Error(v)
		}
	})
	r.write("workspace/shop/requirements.txt", "page-shell==3.0.2\ncoin-words==0.4.1\n")
	r.write("advisories/PyPI/TRI-0001.json", ciAdvisory)
	r.write("temp/.keep", "")
	r.write("event.json", `{"number": 7, "pull_request": {"number": 7, "head": {"sha": "`+strings.Repeat("a", 40)+`"}}}`)
	r.env = append(scanEnvironment(os.Environ()),
		"HOME="+r.dir, "XDG_CACHE_HOME="+filepath.Join(r.dir, "cache"), "TRIFECTA_DB="+filepath.Join(r.dir, "advisories"),
		"GITHUB_ACTIONS=true", "GITHUB_EVENT_NAME=pull_request", "GITHUB_REPOSITORY=acme/shop", "GITHUB_REF=refs/pull/7/merge",
		"GITHUB_SHA="+strings.Repeat("b", 40), "GITHUB_WORKFLOW=trifecta", "GITHUB_JOB=scan", "GITHUB_RUN_ID=12",
		"GITHUB_API_URL="+r.server.Start(t).URL+"/api/v3",
		"GITHUB_WORKSPACE="+filepath.Join(r.dir, "workspace"), "RUNNER_TEMP="+filepath.Join(r.dir, "temp"),
		"GITHUB_EVENT_PATH="+filepath.Join(r.dir, "event.json"), "GITHUB_OUTPUT="+filepath.Join(r.dir, "output"),
		"GITHUB_STEP_SUMMARY="+filepath.Join(r.dir, "summary"), "INPUT_PATH=shop", "INPUT_TOKEN="+canary,
	)
	return r
}

func (r *ciRun) write(name, text string) {
	r.t.Helper()
	name = filepath.Join(r.dir, filepath.FromSlash(name))
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		r.t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
		r.t.Fatal(err)
	}
}

// getenv looks into the environment of the run.
func (r *ciRun) getenv(name string) string {
	for _, v := range slices.Backward(r.env) {
		if value, ok := strings.CutPrefix(v, name+"="); ok {
			return value
		}
	}
	return ""
}

// run returns the log of a run that has to succeed.
func (r *ciRun) run(env ...string) string {
	r.t.Helper()
	cmd := exec.CommandContext(r.t.Context(), "trifecta", "ci")
	cmd.Dir = filepath.Join(r.dir, "workspace")
	cmd.Env = append(r.env, env...)
	out, err := cmd.CombinedOutput()
	if err != nil {
		r.t.Fatalf("%v\n%s", err, out)
	}
	if bytes.Contains(out, []byte(canary)) {
		r.t.Errorf("the token is in the log:\n%s", out)
	}
	return string(out)
}

// Two runs leave one comment and one analysis; when the change is clean the comment goes.
func TestPublishOnGitHub(t *testing.T) {
	r := newCIRun(t)
	for range 2 {
		if log := r.run("INPUT_DEPENDENCY_SNAPSHOT=true"); strings.Contains(log, "not everything went as asked") {
			t.Error(log)
		}
		comments := r.server.Comments()
		if len(comments) != 1 || comments[0].Number != 7 || !strings.Contains(comments[0].Body, "TRI-0001") ||
			!strings.HasPrefix(comments[0].Body, "<!-- trifecta shop -->\n") {
			t.Fatalf("comments: %+v", comments)
		}
	}
	for id, upload := range r.server.Uploads() {
		if upload.Ref != "refs/pull/7/merge" || upload.Commit != strings.Repeat("b", 40) {
			t.Errorf("upload %s is for %s of %s", id, upload.Commit, upload.Ref)
		}
		if sarif := unpack(t, upload.SARIF); !strings.Contains(sarif, "shop/requirements.txt") {
			t.Errorf("upload %s does not name the file: %s", id, sarif)
		}
	}
	if n := len(r.server.Uploads()); n == 0 {
		t.Error("nothing was uploaded")
	}
	snapshots := r.server.Snapshots()
	if len(snapshots) != 1 || !strings.Contains(string(snapshots["trifecta scan shop"]), `pkg:pypi/coin-words@0.4.1`) {
		t.Errorf("snapshots: %s", snapshots)
	}

	r.write("workspace/shop/requirements.txt", "page-shell==3.0.2\ncoin-words==0.4.3\n")
	r.run()
	if comments := r.server.Comments(); len(comments) != 0 {
		t.Errorf("a comment stays although there is nothing to say: %+v", comments)
	}
	err := filepath.WalkDir(r.dir, func(name string, entry os.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		data, err := os.ReadFile(name)
		if bytes.Contains(data, []byte(canary)) {
			t.Errorf("the token is in %s", name)
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
}

func unpack(t *testing.T, sarif string) string {
	t.Helper()
	z, err := gzip.NewReader(base64.NewDecoder(base64.StdEncoding, strings.NewReader(sarif)))
	if err != nil {
		t.Fatal(err)
	}
	data, err := io.ReadAll(z)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// The read-only token of a fork: one notice with what is missing, and everything else as usual.
func TestPublishReadOnly(t *testing.T) {
	r := newCIRun(t)
	r.server.Fail = func(w http.ResponseWriter, req *http.Request) bool {
		if req.Method == http.MethodGet {
			return false
		}
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusForbidden)
		_, _ = io.WriteString(w, `{"message": "Resource not accessible by integration", "documentation_url": "https://docs.github.com/rest"}`)
		return true
	}
	log := r.run()
	if n := strings.Count(log, "not everything went as asked"); n != 1 {
		t.Errorf("%d notices:\n%s", n, log)
	}
	for _, want := range []string{"pull-requests: write", "security-events: write", "file=shop/requirements.txt,line=2"} {
		if !strings.Contains(log, want) {
			t.Errorf("the log lacks %q:\n%s", want, log)
		}
	}
	if data, err := os.ReadFile(filepath.Join(r.dir, "summary")); err != nil || !bytes.Contains(data, []byte("TRI-0001")) {
		t.Errorf("summary: %s, %v", data, err)
	}
}

// The head of pull_request_target is what was scanned; GITHUB_SHA is not.
func TestPublishTarget(t *testing.T) {
	r := newCIRun(t)
	r.run("GITHUB_EVENT_NAME=pull_request_target", "GITHUB_REF=refs/heads/main")
	for id, upload := range r.server.Uploads() {
		if upload.Ref != "refs/pull/7/head" || upload.Commit != strings.Repeat("a", 40) {
			t.Errorf("upload %s is for %s of %s", id, upload.Commit, upload.Ref)
		}
	}
}

// The check stands on the head of the pull request, and is one however often it is sent within a run.
func TestCheckOnGitHub(t *testing.T) {
	r := newCIRun(t)
	for range 2 {
		if log := r.run("INPUT_CHECK=true"); strings.Contains(log, "not everything went as asked") {
			t.Error(log)
		}
		checks := r.server.Checks()
		if len(checks) != 1 {
			t.Fatalf("checks: %+v", checks)
		}
		c := checks[0]
		if c.Name != "trifecta shop" || c.Commit != strings.Repeat("a", 40) || c.Conclusion != "neutral" || !strings.Contains(c.Summary, "TRI-0001") {
			t.Errorf("%+v", c)
		}
		if n := len(c.Annotations); n != 1 || c.Annotations[0]["path"] != "shop/requirements.txt" || c.Annotations[0]["start_line"] != 2.0 {
			t.Errorf("%d annotations: %v", n, c.Annotations)
		}
	}
	var many scanner.Result
	for line := range 510 {
		many.Findings = append(many.Findings, scanner.Finding{
			RuleID: "r", Tier: scanner.TierAct, Status: scanner.StatusNew, Location: inventory.Location{Path: "a", Line: line + 1}, Message: "open",
		})
	}
	for name, tt := range map[string]struct {
		publisher
		res         scanner.Result
		want        githubtest.Check
		annotations int
	}{
		"clean": {want: githubtest.Check{Conclusion: "success", Title: "0 findings", Summary: "Nothing to say about this change."}},
		"many":  {publisher{compared: true}, many, githubtest.Check{Conclusion: "neutral", Title: "510 new findings"}, 500},
		"failed": {
			publisher: publisher{failed: true},
			want:      githubtest.Check{Conclusion: "failure", Title: "0 findings", Summary: "Nothing to say about this change."},
		},
	} {
		t.Run(name, func(t *testing.T) {
			r := newCIRun(t)
			p := tt.publisher
			p.getenv, p.opts = r.getenv, &ciOptions{check: true}
			if trouble := p.host(t.Context(), "", &tt.res); len(trouble) > 0 {
				t.Fatal(trouble)
			}
			got := r.server.Checks()
			if len(got) != 1 {
				t.Fatalf("checks: %+v", got)
			}
			tt.want.ID, tt.want.Name, tt.want.Commit, tt.want.ExternalID = got[0].ID, "trifecta", strings.Repeat("b", 40), "12//scan/"
			if n := len(got[0].Annotations); n != tt.annotations {
				t.Errorf("%d annotations, want %d", n, tt.annotations)
			}
			got[0].Annotations = nil
			if tt.annotations > 0 {
				if intro := "The 500 worst lines are annotated; 10 findings on other lines.\n\n"; !strings.HasPrefix(got[0].Summary, intro) {
					t.Errorf("summary: %.200s", got[0].Summary)
				}
				got[0].Summary = ""
			}
			if diff := cmp.Diff(tt.want, got[0]); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// The result of a fork's run becomes a comment on the pull request that has its commit, and nothing else. What the
// result says about itself does not count.
func TestPublishFromFork(t *testing.T) {
	head := strings.Repeat("c", 40)
	pull := githubtest.Pull{Number: 9, Repository: "stranger/shop", Branch: "topic", Commit: head}
	other, moved, stranger := pull, pull, pull
	other.Number, moved.Commit, stranger.Repository = 10, strings.Repeat("d", 40), "stranger/other"
	for name, tt := range map[string]struct {
		pulls  []githubtest.Pull
		notice string
	}{
		"its pull request": {pulls: []githubtest.Pull{pull, moved, stranger}},
		"moved on":         {pulls: []githubtest.Pull{moved}, notice: "no open pull request has the commit"},
		"another fork":     {pulls: []githubtest.Pull{stranger}, notice: "no open pull request has the commit"},
		"not clear which":  {pulls: []githubtest.Pull{pull, other}, notice: "2 pull requests have the commit"},
		"there is none":    {notice: "no open pull request has the commit"},
	} {
		t.Run(name, func(t *testing.T) {
			r := newCIRun(t)
			r.server.SetPulls(tt.pulls...)
			r.write("event.json", `{"workflow_run": {"event": "pull_request", "head_sha": "`+head+`", "head_branch": "topic",
				"head_repository": {"full_name": "stranger/shop"}, "pull_requests": []}}`)
			r.write("artifact/result.json", `{"schema_version": "1", "findings": [{"kind": "vulnerability", "exposure": {"level": "unknown"}, "rule_id": "TRI-0001", "severity": "high", "tier": "act", "status": "new",
				"fingerprint": "f", "location": {"path": "a", "line": 1}, "message": "@all <img src=x>", "fix": {"edits": [{"path": "a", "line": 1, "text": "evil"}]}}]}`)
			for range 2 {
				log := r.run("GITHUB_EVENT_NAME=workflow_run", "INPUT_FROM="+filepath.Join(r.dir, "artifact", "result.json"), "INPUT_CHECK=true", "INPUT_DEPENDENCY_SNAPSHOT=true")
				if !strings.Contains(log, tt.notice) || (tt.notice == "") != (log == "") {
					t.Error(log)
				}
			}
			comments := r.server.Comments()
			if tt.notice != "" {
				if len(comments) > 0 {
					t.Errorf("%+v", comments)
				}
				return
			}
			if len(comments) != 1 || comments[0].Number != 9 || !strings.Contains(comments[0].Body, foreignNote) ||
				!strings.Contains(comments[0].Body, "TRI-0001") || strings.Contains(comments[0].Body, "<img") || strings.Contains(comments[0].Body, "@all") {
				t.Errorf("%+v", comments)
			}
			if len(r.server.Uploads())+len(r.server.Checks())+len(r.server.Reviews())+len(r.server.Snapshots()) > 0 {
				t.Errorf("more than a comment was sent: %q", r.server.Log())
			}
		})
	}
}

func TestReadForeign(t *testing.T) {
	dir := t.TempDir()
	secret := filepath.Join(t.TempDir(), "secret.json")
	if err := os.WriteFile(secret, []byte(`{"schema_version": "1"}`), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(secret, filepath.Join(dir, "result.json")); err != nil {
		t.Skip(err)
	}
	for _, name := range []string{"result.json", "none.json", "."} {
		if res, err := readForeign(filepath.Join(dir, name)); err == nil {
			t.Errorf("%s: %+v", name, res)
		}
	}
}

// A fix of one edit on a line of the pull request is suggested once, however often ci runs.
func TestSuggestOnGitHub(t *testing.T) {
	r := newCIRun(t)
	r.server.SetFiles(githubtest.File{Name: "infra/main.tf", Patch: "@@ -1,2 +1,4 @@\n one\n+two\n+three\n four"})
	fix := func(print string, edits ...scanner.Edit) scanner.Finding {
		return scanner.Finding{
			RuleID: "aws-open-admin-port", Tier: scanner.TierAct, Status: scanner.StatusNew, Message: "@all: <b>open</b> to the world",
			Fingerprint: print, Fix: &scanner.Fix{Edits: edits},
		}
	}
	edit := scanner.Edit{Path: "infra/main.tf", Line: 2, EndLine: 3, Text: "closed\n"}
	outside := scanner.Edit{Path: "infra/main.tf", Line: 90, EndLine: 90, Text: "closed\n"}
	res := &scanner.Result{Findings: []scanner.Finding{fix("f1", edit), fix("f2", outside), fix("f3", edit, outside), fix("f4")}}
	p := publisher{getenv: r.getenv, opts: &ciOptions{suggestions: true}}
	p.event.PullRequest.Number = 7
	p.event.PullRequest.Head.SHA = strings.Repeat("a", 40)
	for range 2 {
		if trouble := p.host(t.Context(), "", res); len(trouble) > 0 {
			t.Fatal(trouble)
		}
	}
	reviews := r.server.Reviews()
	if len(reviews) != 1 {
		t.Fatalf("%d suggestions: %+v", len(reviews), reviews)
	}
	if got := reviews[0]; got.Path != "infra/main.tf" || got.StartLine != 2 || got.Line != 3 ||
		!strings.Contains(got.Body, "```suggestion\nclosed\n```") || strings.Contains(got.Body, "<b>") || strings.Contains(got.Body, "@all") {
		t.Errorf("%+v", got)
	}
}

// Nothing is sent where nobody wants it, and without a token only what was asked for is missed.
func TestPublishNothing(t *testing.T) {
	for name, env := range map[string][]string{
		"offline":          {"INPUT_OFFLINE=true"},
		"switched off":     {"INPUT_COMMENT=false", "INPUT_UPLOAD_SARIF=false"},
		"without a token":  {"INPUT_TOKEN="},
		"token is missing": {"INPUT_TOKEN=", "INPUT_COMMENT=true"},
	} {
		t.Run(name, func(t *testing.T) {
			r := newCIRun(t)
			log := r.run(env...)
			if sent := r.server.Log(); len(sent) > 0 {
				t.Errorf("sent %q", sent)
			}
			if missed := strings.Contains(log, "INPUT_TOKEN is not set"); missed != (name == "token is missing") {
				t.Error(log)
			}
		})
	}
}
