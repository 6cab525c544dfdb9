package main

import (
	"bytes"
	"fmt"
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

// gitlabTemplate is what a file of templates/ says, whose last document holds one job.
type gitlabTemplate struct {
	inputs    map[string]templateInput
	variables map[string]string // of the pipeline
	job       map[string]any
}

type templateInput struct {
	Type, Description string
	Default           any
}

// readTemplate reads a template as GitLab does: with the default of each input in its place.
func readTemplate(t *testing.T, file string) gitlabTemplate {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("..", "..", "templates", filepath.FromSlash(file)))
	if err != nil {
		t.Fatal(err)
	}
	var template gitlabTemplate
	if head, body, ok := strings.Cut(string(data), "\n---\n"); ok {
		var spec struct {
			Spec struct {
				Inputs map[string]templateInput
			}
		}
		if err := yaml.Unmarshal([]byte(head), &spec); err != nil {
			t.Fatal(err)
		}
		template.inputs = spec.Spec.Inputs
		for name, input := range template.inputs {
			body = strings.ReplaceAll(body, "$[[ inputs."+name+" ]]", fmt.Sprint(input.Default))
		}
		data = []byte(body)
	}
	if strings.Contains(string(data), "$[[") {
		t.Errorf("%s uses an input that it does not declare", file)
	}
	var all map[string]map[string]any
	if err := yaml.Unmarshal(data, &all); err != nil {
		t.Fatal(err)
	}
	for name, value := range all["variables"] {
		if template.variables == nil {
			template.variables = map[string]string{}
		}
		template.variables[name] = fmt.Sprint(value)
	}
	delete(all, "variables")
	if len(all) != 1 || all["trifecta"] == nil {
		t.Fatalf("%s has the jobs %q", file, slices.Sorted(maps.Keys(all)))
	}
	template.job = all["trifecta"]
	return template
}

// What the template hands over is what ci writes.
func TestGitLabTemplateReports(t *testing.T) {
	want := map[string]any{
		"dependency_scanning": "gl-dependency-scanning-report.json", "container_scanning": "gl-container-scanning-report.json",
		"sast": "gl-sast-report.json", "codequality": "gl-code-quality-report.json", "cyclonedx": gitlabBill,
	}
	var names, written []string
	for _, name := range want {
		names = append(names, name.(string))
	}
	for _, f := range gitlabReports {
		written = append(written, f.name)
	}
	slices.Sort(names)
	if diff := cmp.Diff(names, slices.Sorted(slices.Values(append(written, gitlabBill)))); diff != "" {
		t.Errorf("reports (-handed over +written):\n%s", diff)
	}
	artifacts := readTemplate(t, "trifecta.gitlab-ci.yml").job["artifacts"].(map[string]any)
	if diff := cmp.Diff(want, artifacts["reports"]); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]any{gitlabPage, gitlabResult}, artifacts["paths"]); diff != "" || artifacts["when"] != "always" {
		t.Errorf("%v, %s", artifacts["when"], diff)
	}
}

// The component with the defaults of its inputs is the include; each input is one of ci, and says what its flag does.
func TestGitLabComponentIsTheInclude(t *testing.T) {
	include, component := readTemplate(t, "trifecta.gitlab-ci.yml"), readTemplate(t, "scan/template.yml")
	include.job["image"] = include.variables["TRIFECTA_IMAGE"]
	given := component.job["variables"].(map[string]any)
	for name, input := range component.inputs {
		if input.Description == "" {
			t.Errorf("the input %s has no description", name)
		}
		if name == "image" || name == "stage" || name == "job-name" {
			continue
		}
		if value, ok := given[inputVariable(name)]; !ok || value != fmt.Sprint(input.Default) {
			t.Errorf("the input %s, %v by default, is passed on as %v", name, input.Default, value)
		}
		flag := new(app).ciCommand().Flags().Lookup(name)
		switch {
		case name == pathInput:
		case flag == nil || !slices.Contains(ciInputs, name):
			t.Errorf("there is no input %s of ci", name)
		case fmt.Sprint(input.Default) != flag.DefValue && fmt.Sprint(input.Default) != "" && flag.DefValue != "":
			t.Errorf("the input %s is %v by default, and the flag %s", name, input.Default, flag.DefValue)
		case (input.Type == "boolean") != (flag.Value.Type() == "bool"):
			t.Errorf("the input %s has the type %q, and the flag %s", name, input.Type, flag.Value.Type())
		}
		delete(given, inputVariable(name))
	}
	if diff := cmp.Diff(include.job, component.job); diff != "" {
		t.Errorf("(-include +component):\n%s", diff)
	}
}

// What the action offers the component offers too, but for what is about GitHub.
func TestGitLabComponentHasTheInputsOfTheAction(t *testing.T) {
	data, err := os.ReadFile(filepath.Join("..", "..", "action.yml"))
	if err != nil {
		t.Fatal(err)
	}
	var action struct{ Inputs map[string]any }
	if err := yaml.Unmarshal(data, &action); err != nil {
		t.Fatal(err)
	}
	left := map[string]string{
		"summary": "GitLab has no summary", "annotations": "code quality does that", "suggestions": "reviews", "upload-sarif": "code scanning",
		"check": "check runs", "dependency-snapshot": "the dependency graph", "from": "workflow_run", "sbom-file": "it is a report under a name of GitLab's",
		"token": "an input can be read by everybody", "version": "the image has it",
	}
	has := readTemplate(t, "scan/template.yml").inputs
	for name := range action.Inputs {
		if _, ok := has[name]; ok == (left[name] != "") {
			t.Errorf("the input %s of the action: in the component %v, left out because of %q", name, ok, left[name])
		}
	}
}

// The rules decide once which pipelines have the job, and what is about a branch stays away from proposals.
func TestGitLabTemplateRules(t *testing.T) {
	rules := readTemplate(t, "trifecta.gitlab-ci.yml").job["rules"].([]any)
	for i, rule := range rules {
		r := rule.(map[string]any)
		variables, _ := r["variables"].(map[string]any) // absent is none
		if strings.Contains(r["if"].(string), "merge_request_event") {
			if diff := cmp.Diff(map[string]any{"INPUT_AWS": "false", "INPUT_FIX": "none", "INPUT_ISSUE": "false"}, variables); diff != "" {
				t.Error(diff)
			}
		}
		for name := range variables {
			if !slices.ContainsFunc(ciInputs, func(input string) bool { return inputVariable(input) == name }) {
				t.Errorf("rule %d sets %s, which nothing reads", i, name)
			}
		}
	}
}
