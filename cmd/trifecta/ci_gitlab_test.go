package main

import (
	"bytes"
	"errors"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"gopkg.in/yaml.v3"

	"github.com/trifecta-scanner/trifecta/internal/githubtest"
	"github.com/trifecta-scanner/trifecta/internal/gitlabtest"
)

// gitlabRun runs `trifecta ci` as a job of GitLab, in a checkout of its own and beside a GitLab of its own.
type gitlabRun struct {
	*ciRun
	lab  *gitlabtest.Server
	bare string // the folder of its repository
}

// gitlabRequest is the merge request that the job belongs to.
const gitlabRequest = 7

func newGitLabRun(t *testing.T) *gitlabRun {
	t.Helper()
	bare := t.TempDir()
	server, err := gitlabtest.NewServer(bare)
	if err != nil {
		t.Fatal(err)
	}
	server.Repository.SetPulls(githubtest.Pull{Number: gitlabRequest, Repository: "acme/shop", Branch: "change", Base: "main"})
	r := &gitlabRun{&ciRun{t: t, dir: t.TempDir()}, server, bare}
	r.write("workspace/shop/requirements.txt", "page-shell==3.0.2\ncoin-words==0.4.1\n")
	r.write("advisories/PyPI/TRI-0001.json", ciAdvisory)
	r.env = append(scanEnvironment(os.Environ()),
		"HOME="+r.dir, "XDG_CACHE_HOME="+filepath.Join(r.dir, "cache"), "TRIFECTA_DB="+filepath.Join(r.dir, "advisories"),
		"GITLAB_CI=true", "CI_PROJECT_ID=42", "CI_PROJECT_DIR="+filepath.Join(r.dir, "workspace"), "CI_PROJECT_URL=https://gitlab.example/gitlab/acme/shop",
		"CI_API_V4_URL="+server.Start(t), "CI_COMMIT_SHA="+strings.Repeat("b", 40), "CI_COMMIT_REF_NAME=change", "CI_JOB_TOKEN=job-"+canary,
		"CI_MERGE_REQUEST_IID=7", "CI_MERGE_REQUEST_PROJECT_ID=42", "CI_MERGE_REQUEST_SOURCE_PROJECT_ID=42",
		"TRIFECTA_TOKEN="+gitlabtest.Token, "INPUT_PATH=shop",
	)
	return r
}

func (r *gitlabRun) file(name string) string {
	r.t.Helper()
	data, err := os.ReadFile(filepath.Join(r.dir, "workspace", name))
	if err != nil {
		r.t.Fatal(err)
	}
	return string(data)
}

// Two jobs leave one note and the reports; when the change is clean the note goes.
func TestPublishOnGitLab(t *testing.T) {
	r := newGitLabRun(t)
	for range 2 {
		if log := r.run(); strings.Contains(log, "not everything went as asked") || strings.Contains(log, gitlabtest.Token) {
			t.Error(log)
		}
		notes := r.lab.Notes(gitlabRequest)
		if len(notes) != 1 || !strings.Contains(notes[0].Body, "TRI-0001") || !strings.HasPrefix(notes[0].Body, "<!-- trifecta shop -->\n") {
			t.Fatalf("notes: %+v", notes)
		}
	}
	for name, want := range map[string]string{
		"gl-dependency-scanning-report.json": `"file": "shop/requirements.txt"`,
		"gl-container-scanning-report.json":  `"vulnerabilities": []`,
		"gl-sast-report.json":                `"vulnerabilities": []`,
		"gl-code-quality-report.json":        `"path": "shop/requirements.txt"`,
		"gl-sbom.cdx.json":                   `"value": "shop/requirements.txt"`,
		"trifecta-result.json":               `"commit": "` + strings.Repeat("b", 40),
		"trifecta-report.html":               "TRI-0001",
	} {
		if text := r.file(name); !strings.Contains(text, want) || strings.Contains(text, gitlabtest.Token) {
			t.Errorf("%s does not hold %s:\n%s", name, want, text)
		}
	}
	r.write("workspace/shop/requirements.txt", "page-shell==3.0.2\ncoin-words==0.4.3\n")
	r.run()
	if notes := r.lab.Notes(gitlabRequest); len(notes) != 0 {
		t.Errorf("a note stays although there is nothing to say: %+v", notes)
	}
}

// Without a token of its own the job writes its reports, says once why there is no note, and goes on.
func TestGitLabJobToken(t *testing.T) {
	r := newGitLabRun(t)
	log := r.run("TRIFECTA_TOKEN=")
	if strings.Count(log, "project access token") != 1 {
		t.Error(log)
	}
	if len(r.lab.Log()) != 0 {
		t.Errorf("requests: %q", r.lab.Log())
	}
	r.file("gl-dependency-scanning-report.json")
}

// A branch, a tag and a schedule have no merge request: reports only, and no word about tokens. Only a schedule asks for
// something, which is what the last one left.
func TestGitLabBranch(t *testing.T) {
	for _, test := range []struct {
		variables []string
		requests  int
	}{
		{[]string{"CI_COMMIT_BRANCH=main"}, 0},
		{[]string{"CI_COMMIT_TAG=v1"}, 0},
		{[]string{"CI_COMMIT_BRANCH=main", "CI_PIPELINE_SOURCE=schedule"}, 1},
		{[]string{"CI_COMMIT_BRANCH=main", "CI_PIPELINE_SOURCE=schedule", "INPUT_OFFLINE=true"}, 0},
	} {
		r := newGitLabRun(t)
		log := r.run(append(test.variables, "CI_MERGE_REQUEST_IID=", "TRIFECTA_TOKEN=")...)
		if strings.Contains(log, "not everything went as asked") || len(r.lab.Log()) != test.requests {
			t.Errorf("%q: %q\n%s", test.variables, r.lab.Log(), log)
		}
		r.file("gl-dependency-scanning-report.json")
	}
}

// Findings at the threshold fail the job, after everything was shown.
func TestGitLabFailOn(t *testing.T) {
	r := newGitLabRun(t)
	cmd := exec.CommandContext(t.Context(), "trifecta", "ci")
	cmd.Dir, cmd.Env = filepath.Join(r.dir, "workspace"), append(r.env, "INPUT_FAIL_ON=low")
	out, err := cmd.CombinedOutput()
	if err == nil || cmd.ProcessState.ExitCode() != exitFindings || bytes.Contains(out, []byte(canary)) {
		t.Errorf("%v\n%s", err, out)
	}
	if len(r.lab.Notes(gitlabRequest)) != 1 {
		t.Error("no note")
	}
}

func TestReadPipeline(t *testing.T) {
	base := strings.Repeat("c", 40)
	for _, test := range []struct {
		name      string
		variables map[string]string
		number    int
		base      string
		foreign   bool
	}{
		{"branch", map[string]string{"CI_PROJECT_ID": "42", "CI_COMMIT_BRANCH": "main"}, 0, "", false},
		{"merge request", map[string]string{
			"CI_PROJECT_ID": "42", "CI_MERGE_REQUEST_IID": "7", "CI_MERGE_REQUEST_PROJECT_ID": "42", "CI_MERGE_REQUEST_SOURCE_PROJECT_ID": "42", "CI_MERGE_REQUEST_DIFF_BASE_SHA": base,
		}, 7, base, false},
		{"fork, in the project", map[string]string{
			"CI_PROJECT_ID": "42", "CI_MERGE_REQUEST_IID": "7", "CI_MERGE_REQUEST_PROJECT_ID": "42", "CI_MERGE_REQUEST_SOURCE_PROJECT_ID": "43", "CI_MERGE_REQUEST_DIFF_BASE_SHA": base,
		}, 7, base, true},
		{"fork, in the fork", map[string]string{
			"CI_PROJECT_ID": "43", "CI_MERGE_REQUEST_IID": "7", "CI_MERGE_REQUEST_PROJECT_ID": "42", "CI_MERGE_REQUEST_SOURCE_PROJECT_ID": "43",
		}, 7, "", true},
		{"a fork that is gone", map[string]string{"CI_PROJECT_ID": "42", "CI_MERGE_REQUEST_IID": "7"}, 7, "", true},
		{"no commit", map[string]string{
			"CI_PROJECT_ID": "42", "CI_MERGE_REQUEST_IID": "7", "CI_MERGE_REQUEST_SOURCE_PROJECT_ID": "42", "CI_MERGE_REQUEST_DIFF_BASE_SHA": "--output=x",
		}, 7, "", false},
	} {
		p := readPipeline(func(name string) string { return test.variables[name] })
		if p.request.number != test.number || p.request.base != test.base || p.foreign() != test.foreign {
			t.Errorf("%s: number %d, base %q, foreign %v", test.name, p.request.number, p.request.base, p.foreign())
		}
	}
}

// What the template and the component hand over is what ci writes, and what they set is what ci reads.
func TestGitLabTemplates(t *testing.T) {
	want := map[string]string{
		"dependency_scanning": "gl-dependency-scanning-report.json", "container_scanning": "gl-container-scanning-report.json",
		"sast": "gl-sast-report.json", "codequality": "gl-code-quality-report.json", "cyclonedx": gitlabBill,
	}
	var written []string
	for _, f := range gitlabReports {
		written = append(written, f.name)
	}
	written = append(written, gitlabBill)
	if diff := cmp.Diff(slices.Sorted(maps.Values(want)), slices.Sorted(slices.Values(written))); diff != "" {
		t.Errorf("reports (-handed over +written):\n%s", diff)
	}
	for _, file := range []string{"trifecta.gitlab-ci.yml", "scan/template.yml"} {
		data, err := os.ReadFile(filepath.Join("..", "..", "templates", filepath.FromSlash(file)))
		if err != nil {
			t.Fatal(err)
		}
		var last map[string]struct {
			Script    []string
			Variables map[string]string
			Artifacts struct {
				When    string
				Paths   []string
				Reports map[string]string
			}
		}
		for decoder := yaml.NewDecoder(bytes.NewReader(data)); ; {
			var document yaml.Node // the last one is the job
			err := decoder.Decode(&document)
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				t.Fatalf("%s: %v", file, err)
			}
			last = nil
			if err := document.Decode(&last); err != nil {
				t.Fatalf("%s: %v", file, err)
			}
		}
		if len(last) != 1 {
			t.Fatalf("%s has %d jobs", file, len(last))
		}
		for name, job := range last {
			if diff := cmp.Diff(want, job.Artifacts.Reports); diff != "" {
				t.Errorf("%s: %s", file, diff)
			}
			if job.Artifacts.When != "always" || !slices.Equal(job.Artifacts.Paths, []string{gitlabResult}) || !slices.Equal(job.Script, []string{"trifecta ci"}) {
				t.Errorf("%s: %+v", file, job)
			}
			for variable := range job.Variables {
				isInput := func(input string) bool { return inputVariable(input) == variable }
				if variable != "GIT_DEPTH" && !slices.ContainsFunc(append([]string{pathInput}, ciInputs...), isInput) {
					t.Errorf("%s: %s sets %s, which nothing reads", file, name, variable)
				}
			}
		}
	}
}
