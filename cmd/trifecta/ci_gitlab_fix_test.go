package main

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/trifecta-scanner/trifecta/internal/githubtest"
	"github.com/trifecta-scanner/trifecta/internal/gitlabtest"
)

// newGitLabFixRun is a gitlabRun on the branch main of a repository that the stand-in holds.
func newGitLabFixRun(t *testing.T) (r *gitlabRun, registry string) {
	t.Helper()
	tool(t, "git")
	r = newGitLabRun(t)
	registry = r.checkOutToFix(r.lab.Repository, r.bare)
	r.lab.Repository.SetPulls()
	r.env = append(r.env, "CI_MERGE_REQUEST_IID=", "CI_COMMIT_BRANCH=main", "CI_COMMIT_REF_NAME=main", "CI_COMMIT_SHA="+r.lab.Repository.Head("main"),
		"NPM_CONFIG_REGISTRY="+registry, "INPUT_FIX=pull-request")
	return r, registry
}

// fixed runs once more on what main is now and expects what comes of the one request.
func (r *gitlabRun) fixed(state string) githubtest.Pull {
	r.t.Helper()
	r.pull()
	log := r.run("CI_COMMIT_SHA=" + r.lab.Repository.Head("main"))
	if !strings.Contains(log, state+" !") {
		r.t.Fatalf("the log does not say %s:\n%s", state, log)
	}
	pulls := r.lab.Repository.Pulls()
	if len(pulls) != 1 {
		r.t.Fatalf("%d merge requests", len(pulls))
	}
	return pulls[0]
}

func (r *gitlabRun) commit(branch string, files map[string]string) {
	r.t.Helper()
	blobs := map[string]githubtest.Blob{}
	for name, text := range files {
		blobs[name] = githubtest.Blob{Content: text}
	}
	if _, err := r.lab.Repository.Commit(branch, blobs); err != nil {
		r.t.Fatal(err)
	}
}

// A merge request is opened, left alone, put on top of a newer base and closed when it is not needed any more.
func TestGitLabFixRequests(t *testing.T) {
	r, registry := newGitLabFixRun(t)
	request := r.fixed("opened")
	shows := func(more map[string]string) {
		t.Helper()
		files, parents, err := r.lab.Repository.Files(r.lab.Repository.Head(request.Branch))
		if err != nil {
			t.Fatal(err)
		}
		want := map[string]string{"shop/package.json": fixManifest, "shop/package-lock.json": fixLock(registry, "0.4.3", "BBBB")}
		for name, text := range more {
			want[name] = text
		}
		got := map[string]string{}
		for name, f := range files {
			got[name] = f.Content
		}
		if diff := cmp.Diff(want, got); diff != "" || !slices.Equal(parents, []string{r.lab.Repository.Head("main")}) {
			t.Errorf("the branch has %v on it: %s", parents, diff)
		}
	}
	shows(nil)
	for _, text := range []string{"TRI-0002", "0.4.3", "### Proof", "| Cleared | | 1 |", "Not wanted?"} {
		if !strings.Contains(request.Body, text) {
			t.Errorf("the text does not say %q:\n%s", text, request.Body)
		}
	}
	if !slices.Equal(request.Labels, []string{"security"}) || strings.Contains(request.Body, "@everyone") {
		t.Errorf("labels %v\n%s", request.Labels, request.Body)
	}

	requests := len(r.lab.Log())
	r.fixed("unchanged")
	for _, line := range r.lab.Log()[requests:] {
		if !strings.HasPrefix(line, "GET ") {
			t.Errorf("running twice sends %s", line)
		}
	}

	r.commit("main", map[string]string{"README.md": "a better shop\n"})
	r.fixed("updated")
	shows(map[string]string{"README.md": "a better shop\n"})

	// Somebody upgrades by hand: the request is not needed any more.
	r.commit("main", map[string]string{"shop/package-lock.json": fixLock(registry, "0.4.3", "BBBB")})
	if request = r.fixed("withdrawn"); request.State != "closed" || len(r.lab.Repository.Branches()) != 1 {
		t.Errorf("%+v, branches %v", request, r.lab.Repository.Branches())
	}
	if notes := r.lab.Notes(request.Number); len(notes) != 1 || !strings.Contains(notes[0].Body, "not needed any more") {
		t.Errorf("%+v", notes)
	}
}

// Requests that a group takes in are closed once it is open, and say which one it is.
func TestGitLabFixRequestsSuperseded(t *testing.T) {
	r, registry := newGitLabFixRun(t)
	r.commit("main", map[string]string{"shop/web/package.json": fixManifest, "shop/web/package-lock.json": fixLock(registry, "0.4.1", "AAAA")})
	r.pull()
	if log := r.run("CI_COMMIT_SHA=" + r.lab.Repository.Head("main")); strings.Count(log, "opened !") != 2 {
		t.Fatal(log)
	}
	r.commit("main", map[string]string{"shop/.trifecta.yaml": "fix:\n  grouping: all\n"})
	r.pull()
	if log := r.run("CI_COMMIT_SHA=" + r.lab.Repository.Head("main")); strings.Count(log, "opened !") != 1 || strings.Count(log, "withdrawn !") != 2 {
		t.Fatal(log)
	}
	pulls := r.lab.Repository.Pulls()
	if len(pulls) != 3 || pulls[2].State != "open" || len(r.lab.Repository.Branches()) != 2 {
		t.Fatalf("%+v, branches %v", pulls, r.lab.Repository.Branches())
	}
	for _, p := range pulls[:2] {
		notes := r.lab.Notes(p.Number)
		if p.State != "closed" || len(notes) != 1 || !strings.Contains(notes[0].Body, fmt.Sprintf("superseded by !%d", pulls[2].Number)) {
			t.Errorf("%s, %+v", p.State, notes)
		}
	}
}

// What a person closes stays closed, and what a person pushed to is theirs.
func TestGitLabFixRequestsOfPeople(t *testing.T) {
	t.Run("closed", func(t *testing.T) {
		r, _ := newGitLabFixRun(t)
		r.lab.Repository.Close(r.fixed("opened").Number)
		if request := r.fixed("refused"); request.State != "closed" {
			t.Errorf("%+v", request)
		}
	})
	t.Run("pushed to", func(t *testing.T) {
		r, _ := newGitLabFixRun(t)
		branch := r.fixed("opened").Branch
		r.commit(branch, map[string]string{"shop/test.js": "test\n"})
		theirs := r.lab.Repository.Head(branch)
		r.commit("main", map[string]string{"README.md": "a better shop\n"})
		r.fixed("touched")
		if r.lab.Repository.Head(branch) != theirs {
			t.Error("the commit of a person was lost")
		}
	})
}

// Where nothing is fixed the log says why, whatever the inputs say, and nothing is sent.
func TestGitLabFixRequestsLeftOut(t *testing.T) {
	for name, tt := range map[string]struct {
		env  []string
		want string
	}{
		"merge request": {[]string{"CI_MERGE_REQUEST_IID=7", "CI_COMMIT_BRANCH=", "INPUT_COMMENT=false"}, "is not fixed by another one"},
		"fork":          {[]string{"CI_MERGE_REQUEST_IID=7", "CI_MERGE_REQUEST_SOURCE_PROJECT_ID=43", "CI_COMMIT_BRANCH=", "INPUT_COMMENT=false"}, "is not fixed by another one"},
		"tag":           {[]string{"CI_COMMIT_BRANCH=", "CI_COMMIT_TAG=v1", "CI_COMMIT_REF_NAME=v1"}, "v1 is no branch"},
		"offline":       {[]string{"INPUT_OFFLINE=true"}, "offline opens no connection"},
		"job token":     {[]string{"TRIFECTA_TOKEN="}, "the token of a job may not propose them"},
	} {
		t.Run(name, func(t *testing.T) {
			r, _ := newGitLabFixRun(t)
			if log := r.run(tt.env...); !strings.Contains(log, tt.want) {
				t.Error(log)
			}
			if log := r.lab.Log(); len(log) > 0 || len(r.lab.Repository.Branches()) != 1 {
				t.Errorf("requests %q, branches %v", log, r.lab.Repository.Branches())
			}
		})
	}
}

// Whatever the host refuses, the job ends as the scan did: the reports are there, and each thing that is missing is named
// with what would allow it. What passes is waited for.
func TestGitLabRefusals(t *testing.T) {
	const persistent = 1 << 20
	for _, tt := range []struct {
		name   string
		status int
		times  int
		want   string // of each thing that was asked for; empty: it is done
	}{
		{"401", http.StatusUnauthorized, persistent, "refused with status 401; it needs a project access token"},
		{"403", http.StatusForbidden, persistent, "refused with status 403; it needs a project access token"},
		{"404", http.StatusNotFound, persistent, "refused with status 404; it needs a project access token"},
		{"409", http.StatusConflict, persistent, ": 409 {"},
		{"422", http.StatusUnprocessableEntity, persistent, "does not accept the request"},
		{"429", http.StatusTooManyRequests, 1, ""},
		{"500", http.StatusInternalServerError, 1, ""},
		{"cut off", 0, 1, ""},
	} {
		for what, env := range map[string][]string{
			"notes":          {"CI_MERGE_REQUEST_IID=7", "CI_COMMIT_BRANCH=", "INPUT_FIX=none"},
			"issues":         {"INPUT_ISSUE=true", "INPUT_FIX=none", "CI_DEFAULT_BRANCH=main"},
			"merge_requests": {"CI_COMMIT_BRANCH=main"},
		} {
			t.Run(tt.name+" "+what, func(t *testing.T) {
				r, _ := newGitLabFixRun(t)
				if what == "notes" {
					r.lab.Repository.SetPulls(githubtest.Pull{Number: gitlabRequest, Repository: "acme/shop", Branch: "change", Base: "main"})
				}
				n := 0
				r.lab.Fail = func(w http.ResponseWriter, req *http.Request) bool {
					if !strings.Contains(req.URL.Path, "/"+what) {
						return false
					}
					if n++; n > tt.times {
						return false
					}
					if tt.status == 0 {
						panic(http.ErrAbortHandler)
					}
					w.Header().Set("Retry-After", "0")
					if tt.status == http.StatusForbidden { // that header would make it a rate limit
						w.Header().Del("Retry-After")
					}
					w.WriteHeader(tt.status)
					_, _ = io.WriteString(w, `{"message":"no"}`) // whoever reads it is what is tested
					return true
				}
				log := r.run(env...)
				if strings.Contains(log, gitlabtest.Token) {
					t.Error("the token is in the log")
				}
				r.file("gl-dependency-scanning-report.json")
				if tt.want == "" {
					done := len(r.lab.Notes(gitlabRequest)) + len(r.lab.Issues()) + len(r.lab.Repository.Branches()) - 1
					if done != 1 || strings.Contains(log, "not everything went as asked") {
						t.Errorf("%d done:\n%s", done, log)
					}
					return
				}
				if strings.Count(log, tt.want) != 1 || !strings.Contains(log, "not everything went as asked") {
					t.Errorf("it does not say %q once:\n%s", tt.want, log)
				}
			})
		}
	}
}

// A night without a token of its own compares with the last pipeline that ended well; with one, with the last schedule.
func TestGitLabNights(t *testing.T) {
	tool(t, "git")
	for _, own := range []bool{true, false} {
		t.Run(fmt.Sprintf("own token %v", own), func(t *testing.T) {
			r := newGitLabRun(t)
			r.env = append(r.env, "CI_MERGE_REQUEST_IID=", "CI_COMMIT_BRANCH=main", "CI_PIPELINE_SOURCE=schedule", "CI_DEFAULT_BRANCH=main", "CI_JOB_NAME=trifecta")
			if !own {
				r.env = append(r.env, "TRIFECTA_TOKEN=")
			}
			night := func(day string, failed bool) string {
				t.Helper()
				log := r.run("INPUT_AS_OF="+day, "CI_PIPELINE_ID=100000")
				if strings.Contains(log, "not everything went as asked") {
					t.Error(log)
				}
				r.lab.AddJob(gitlabtest.Job{Name: "trifecta", Branch: "main", Source: "schedule", Failed: failed, Files: map[string]string{gitlabResult: r.file(gitlabResult)}})
				return log
			}
			if log := night("2026-01-16", false); strings.Contains(log, "Since ") || strings.Contains(log, "NEW SINCE") {
				t.Error(log)
			}
			if log := night("2026-01-17", true); !strings.Contains(log, "Since 2026-01-16 (the last ") || !strings.Contains(log, "): 0 new, 0 gone.") {
				t.Error(log)
			}
			r.write("advisories/PyPI/TRI-0003.json", shellAdvisory)
			r.write("workspace/shop/requirements.txt", "page-shell==3.0.2\ncoin-words==0.4.3\n")
			log := night("2026-01-18", false)
			last := "2026-01-17" // a job's token does not see the failed one
			if !own {
				last = "2026-01-16"
			}
			rest := log
			for _, want := range []string{"Since " + last, ": 1 new, 1 gone.", "NEW SINCE " + last, "page-shell", "GONE SINCE " + last, "TRI-0001"} {
				_, after, ok := strings.Cut(rest, want)
				if !ok {
					t.Fatalf("the log does not say %q, in this order:\n%s", want, log)
				}
				rest = after
			}
			if own == strings.Contains(log, "that ended well; TRIFECTA_TOKEN finds the last schedule") {
				t.Error(log)
			}
		})
	}
}

// One issue on the default branch: opened, brought up to date, closed.
func TestGitLabIssue(t *testing.T) {
	r := newGitLabRun(t)
	r.env = append(r.env, "CI_MERGE_REQUEST_IID=", "CI_COMMIT_BRANCH=main", "CI_PIPELINE_SOURCE=schedule", "CI_DEFAULT_BRANCH=main", "INPUT_ISSUE=true")
	night := func(day, state string, texts ...string) {
		t.Helper()
		log := r.run("INPUT_AS_OF=" + day)
		issues := r.lab.Issues()
		if len(issues) != 1 || issues[0].State != state || strings.Contains(log, "not everything went as asked") {
			t.Fatalf("%+v\n%s", issues, log)
		}
		rest := issues[0].Body
		for _, text := range texts {
			_, after, ok := strings.Cut(rest, text)
			if !ok {
				t.Errorf("the issue does not say %q, in this order:\n%s", text, issues[0].Body)
			}
			rest = after
		}
	}
	night("2026-01-16", "opened", "<!-- trifecta tracking shop -->\n", "All findings of the default branch", "TRI-0001")
	requests := len(r.lab.Log())
	night("2026-01-16", "opened", "All findings of the default branch")
	for _, line := range r.lab.Log()[requests:] {
		if !strings.HasPrefix(line, "GET ") {
			t.Errorf("running twice sends %s", line)
		}
	}
	r.write("advisories/PyPI/TRI-0003.json", shellAdvisory)
	night("2026-01-17", "opened", "Since 2026-01-16: 1 new, 0 gone.", "### New since 2026-01-16", "TRI-0003", "### There before", "TRI-0001")
	r.write("workspace/shop/requirements.txt", "page-shell==3.0.3\ncoin-words==0.4.3\n")
	night("2026-01-18", "closed", "Closed: nothing is left. The scan of 2026-01-18")

	// On the word of data that is too old nothing is closed.
	r.write("workspace/shop/requirements.txt", "page-shell==3.0.2\ncoin-words==0.4.3\n")
	night("2026-01-19", "opened", "1 new, 0 gone", "TRI-0003")
	r.write("workspace/shop/requirements.txt", "page-shell==3.0.3\ncoin-words==0.4.3\n")
	night("2026-03-20", "opened", "No finding is left, but this stays open", "The data is stale")
}

// The merge request of a fork: in the project it gets its note, and nothing of its tree is kept; in the fork itself
// there is no token, which is said once.
func TestGitLabFork(t *testing.T) {
	for name, tt := range map[string]struct {
		env   []string
		notes int
		want  string
	}{
		"in the project": {[]string{"CI_PROJECT_ID=42"}, 1, ""},
		"in the fork":    {[]string{"CI_PROJECT_ID=43", "TRIFECTA_TOKEN="}, 0, "write the note on merge request 7: not possible; it needs a project access token"},
	} {
		t.Run(name, func(t *testing.T) {
			r := newGitLabRun(t)
			kept := filepath.Join(r.dir, "kept")
			env := append(tt.env, "CI_MERGE_REQUEST_PROJECT_ID=42", "CI_MERGE_REQUEST_SOURCE_PROJECT_ID=43", "CI_MERGE_REQUEST_SOURCE_PROJECT_PATH=stranger/shop",
				"TRIFECTA_CACHE="+kept, "INPUT_FIX=pull-request", "INPUT_AWS=true", "AWS_SECRET_ACCESS_KEY="+canary)
			log := r.run(env...)
			if len(r.lab.Notes(gitlabRequest)) != tt.notes || tt.want != "" && strings.Count(log, tt.want) != 1 || !strings.Contains(log, "is not fixed by another one") {
				t.Errorf("%d notes:\n%s", len(r.lab.Notes(gitlabRequest)), log)
			}
			if entries, err := os.ReadDir(kept); err == nil && len(entries) > 0 {
				t.Errorf("%d things are kept of the tree of a stranger", len(entries))
			}
			r.file("gl-code-quality-report.json")
		})
	}
}

func TestGitLabNoIssue(t *testing.T) {
	for name, tt := range map[string]struct {
		env  []string
		want string
	}{
		"merge request":  {nil, "a change on its way there"},
		"tag":            {[]string{"CI_MERGE_REQUEST_IID=", "CI_COMMIT_TAG=v1"}, "this is a tag"},
		"another branch": {[]string{"CI_MERGE_REQUEST_IID=", "CI_COMMIT_BRANCH=topic"}, "the default branch main, and this is topic"},
		"job token":      {[]string{"CI_MERGE_REQUEST_IID=", "CI_COMMIT_BRANCH=main", "TRIFECTA_TOKEN="}, "because a job token may not do that"},
		"offline":        {[]string{"CI_MERGE_REQUEST_IID=", "CI_COMMIT_BRANCH=main", "INPUT_OFFLINE=true"}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			r := newGitLabRun(t)
			log := r.run(append(tt.env, "CI_DEFAULT_BRANCH=main", "INPUT_ISSUE=true", "INPUT_COMMENT=false")...)
			if strings.Contains(log, "tracking issue") != (tt.want != "") || !strings.Contains(log, tt.want) || len(r.lab.Issues()) > 0 {
				t.Error(log)
			}
		})
	}
}

// A server of a company: below a path, and with a certificate of its own authority, which the runner hands over or the
// user names. Without it nothing is sent and the job goes on.
func TestGitLabOwnAuthority(t *testing.T) {
	for variable, trusted := range map[string]bool{"CI_SERVER_TLS_CA_FILE": true, "SSL_CERT_FILE": true, "NOTHING": false} {
		t.Run(variable, func(t *testing.T) {
			r := newGitLabRun(t)
			address, authority, err := r.lab.StartTLS(t, "127.0.0.1")
			if err != nil {
				t.Fatal(err)
			}
			r.write("ca.pem", string(authority))
			log := r.run("CI_API_V4_URL="+address, variable+"="+filepath.Join(r.dir, "ca.pem"))
			if trusted && (len(r.lab.Notes(gitlabRequest)) != 1 || strings.Contains(log, "not everything went as asked")) {
				t.Error(log)
			}
			if !trusted && (len(r.lab.Log()) > 0 || !strings.Contains(log, "certificate signed by unknown authority")) {
				t.Errorf("sent %q:\n%s", r.lab.Log(), log)
			}
			r.file("gl-dependency-scanning-report.json")
		})
	}
}
