package main

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"gopkg.in/yaml.v3"

	"github.com/trifecta-scanner/trifecta/scanner"
)

const examples = "../../examples"

// What we tell people to run in their clusters has no finding of ours, hardening included.
func TestOrganisationJobIsClean(t *testing.T) {
	cmd := exec.CommandContext(t.Context(), "trifecta", "scan", filepath.Join(examples, "organisation"), "--offline", "--fail-on", "none", "-o", "json")
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v\n%s", err, &stderr)
	}
	var res scanner.Result
	if err := json.Unmarshal(out, &res); err != nil {
		t.Fatal(err)
	}
	for _, f := range res.Findings {
		t.Errorf("%s:%d: %s", f.Location.Path, f.Location.Line, f.Message)
	}
	jobs := 0
	for _, r := range res.Resources {
		if strings.Contains(string(r.ID)+r.Type, "Job") {
			jobs++
		}
	}
	if jobs != 2 {
		t.Errorf("%d jobs were looked at: %+v", jobs, res.Resources)
	}
}

// The scripts of the organisation's workflow, run as its runner does: a list, and a report that says what is missing.
func TestOrganisationWorkflow(t *testing.T) {
	bash := tool(t, "bash")
	tool(t, "jq")
	data, err := os.ReadFile(filepath.Join(examples, "workflows", "organisation.yml"))
	if err != nil {
		t.Fatal(err)
	}
	var workflow struct {
		Jobs map[string]struct {
			Steps []struct {
				Env map[string]string
				Run string
			}
		}
	}
	if err := yaml.Unmarshal(data, &workflow); err != nil {
		t.Fatal(err)
	}
	script := func(job, variable string) string {
		for _, step := range workflow.Jobs[job].Steps {
			if _, ok := step.Env[variable]; ok && step.Run != "" {
				return step.Run
			}
		}
		t.Fatalf("the job %s has no script with %s", job, variable)
		return ""
	}
	dir := t.TempDir()
	write := func(name, text string, mode os.FileMode) {
		t.Helper()
		name = filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(text), mode); err != nil {
			t.Fatal(err)
		}
	}
	run := func(text string, env ...string) error {
		t.Helper()
		cmd := exec.CommandContext(t.Context(), bash, "--noprofile", "--norc", "-eo", "pipefail", "-c", text)
		cmd.Dir = dir
		cmd.Env = append(os.Environ(), append(env, "PATH="+dir+string(os.PathListSeparator)+os.Getenv("PATH"), "RUNNER_TEMP="+dir,
			"GITHUB_OUTPUT="+filepath.Join(dir, "output"), "GITHUB_STEP_SUMMARY="+filepath.Join(dir, "summary"))...)
		out, err := cmd.CombinedOutput()
		t.Logf("%s", out)
		return err
	}
	read := func(name string) string {
		t.Helper()
		data, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		return string(data)
	}

	list := script("list", "OWNER")
	write("gh", "#!/bin/sh\nprintf 'acme/web\\nacme/api\\nacme/gone\\n'\n", 0o755)
	if err := run(list, "OWNER=acme"); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff("repositories=[\"acme/api\",\"acme/gone\",\"acme/web\"]\n", read("output")); diff != "" {
		t.Error(diff)
	}
	for _, lines := range []string{"0", "257"} {
		write("gh", "#!/bin/sh\nfor i in $(seq "+lines+"); do echo acme/$i; done\n", 0o755)
		if run(list, "OWNER=acme") == nil {
			t.Errorf("%s repositories are a matrix", lines)
		}
	}

	program, err := exec.LookPath("trifecta")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(program, filepath.Join(dir, "trifecta")); err != nil {
		t.Skip(err)
	}
	for at, name := range map[string]string{"0": "api", "1": "web"} {
		write("results/result-"+at+"/result.json", `{"schema_version": "1", "target": {"path": ".", "repository": "https://github.example/acme/`+name+`.git"},
			"findings": [{"kind": "misconfiguration", "exposure": {"level": "unknown"}, "rule_id": "r", "severity": "high", "tier": "act", "status": "new", "fingerprint": "f",
			"location": {"path": "main.tf", "line": 1}, "message": "open"}]}`, 0o644)
	}
	if err := run(script("report", "REPOSITORIES"), `REPOSITORIES=["acme/api","acme/gone","acme/web"]`); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff("acme/gone\n", read("report/not-scanned.txt")); diff != "" {
		t.Error(diff)
	}
	for _, text := range []string{"- acme/gone\n", "api/main.tf", "web/main.tf"} {
		if !strings.Contains(read("summary"), text) {
			t.Errorf("the summary does not say %q:\n%s", text, read("summary"))
		}
	}
	for _, name := range []string{"organisation.csv", "organisation.json"} {
		if read("report/"+name) == "" {
			t.Errorf("%s is empty", name)
		}
	}
}

// The gates of the example let dev through, and stop in front of staging and production, each for its own reason.
func TestPipelineGates(t *testing.T) {
	for _, tt := range []struct {
		environment string
		code        int
		rule        string
	}{
		{"dev", exitOK, ""},
		{"staging", exitFindings, "aws-open-admin-port"},
		{"production", exitFindings, "exposed-and-exploitable"},
	} {
		var out, errs bytes.Buffer
		args := []string{"scan", filepath.Join(examples, "pipeline"), "--offline", "--environment", tt.environment, "--fail-on", "act", "-o", "json"}
		if code := run(t.Context(), args, streams{out: &out, err: &errs}, noEnvironment); code != tt.code {
			t.Errorf("%s: exit code %d, want %d: %s", tt.environment, code, tt.code, &errs)
		}
		var res scanner.Result
		if err := json.Unmarshal(out.Bytes(), &res); err != nil {
			t.Fatal(err)
		}
		var urgent []string
		for _, f := range res.Findings {
			if f.Tier == scanner.TierAct && f.Advisory == nil {
				urgent = append(urgent, f.RuleID)
			}
		}
		if got := strings.Join(urgent, " "); got != tt.rule {
			t.Errorf("%s: urgent are %q, want %q", tt.environment, got, tt.rule)
		}
	}
}
