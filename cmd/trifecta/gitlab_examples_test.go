package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"gopkg.in/yaml.v3"
)

// pipelineExample is a pipeline of examples/gitlab.
type pipelineExample struct {
	Include   []map[string]string
	Variables map[string]string
	Scan      struct {
		Script   []string
		Parallel struct {
			Matrix []map[string][]string
		}
	}
	Report struct {
		When   string
		Script []string
	}
}

func readPipelineExample(t *testing.T, name string) pipelineExample {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(examples, "gitlab", name))
	if err != nil {
		t.Fatal(err)
	}
	var p pipelineExample
	if err := yaml.Unmarshal(data, &p); err != nil {
		t.Fatal(err)
	}
	return p
}

// The nightly pipeline sets what the job reads, and nothing that its own rules would take back on a schedule.
func TestGitLabNightlyExample(t *testing.T) {
	p := readPipelineExample(t, "nightly.gitlab-ci.yml")
	want := map[string]string{"INPUT_ISSUE": "true", "INPUT_FIX": "pull-request", "INPUT_FAIL_ON": "act", "TRIFECTA_IMAGE": p.Variables["TRIFECTA_IMAGE"]}
	if diff := cmp.Diff(want, p.Variables); diff != "" || !strings.HasSuffix(p.Variables["TRIFECTA_IMAGE"], "-fix") {
		t.Error(diff)
	}
	if diff := cmp.Diff([]map[string]string{{"local": "templates/trifecta.gitlab-ci.yml"}}, p.Include); diff != "" {
		t.Error(diff)
	}
	for _, variable := range []string{"INPUT_ISSUE", "INPUT_FIX", "INPUT_FAIL_ON"} {
		if err := applyInputs((&app{}).ciCommand().Flags(), func(name string) string {
			if name == variable {
				return want[variable]
			}
			return ""
		}); err != nil {
			t.Errorf("%s: %v", variable, err)
		}
	}
}

// The scripts of the organisation's pipeline, run as its runner does: each project is cloned and scanned without the
// token, and the report says which are missing.
func TestGitLabOrganisationExample(t *testing.T) {
	shell := tool(t, "sh")
	tool(t, "git")
	p := readPipelineExample(t, "organisation.gitlab-ci.yml")
	if len(p.Scan.Parallel.Matrix) != 1 || len(p.Scan.Parallel.Matrix[0]["REPOSITORY"]) != 3 || p.Report.When != "always" {
		t.Fatalf("%+v", p)
	}
	dir, server := t.TempDir(), t.TempDir()
	r := &ciRun{t: t, dir: server}
	for _, name := range []string{"web", "api"} {
		r.write("shop/"+name+".git/requirements.txt", "coin-words==0.4.1\n")
		at := filepath.Join(server, "shop", name+".git")
		r.git("-C", at, "init", "-q", "-b", "main")
		r.git("-C", at, "add", "-A")
		r.git("-C", at, "-c", "user.name=t", "-c", "user.email=t@registry.example", "commit", "-q", "-m", "a shop")
	}
	r.write("advisories/PyPI/TRI-0001.json", ciAdvisory)
	program, err := exec.LookPath("trifecta")
	if err != nil {
		t.Fatal(err)
	}
	// What the scan is given of the environment.
	r.write("bin/trifecta", "#!/bin/sh\nenv >>'"+filepath.Join(server, "environment")+"'\nexec '"+program+"' \"$@\" --offline\n")
	if err := os.Chmod(filepath.Join(server, "bin", "trifecta"), 0o755); err != nil {
		t.Fatal(err)
	}
	run := func(lines []string, path, repository string) (string, error) {
		cmd := exec.CommandContext(t.Context(), shell, "-e")
		cmd.Dir, cmd.Stdin = dir, strings.NewReader(strings.Join(lines, "\n")+"\n")
		cmd.Env = append(os.Environ(), "PATH="+path+string(os.PathListSeparator)+os.Getenv("PATH"), "HOME="+server, "CI_JOB_TOKEN="+canary,
			"CI_SERVER_URL=file://"+filepath.ToSlash(server), "TRIFECTA_DB="+filepath.Join(server, "advisories"), "REPOSITORY="+repository)
		out, err := cmd.CombinedOutput()
		if strings.Contains(string(out), canary) {
			t.Errorf("the token is in the log:\n%s", out)
		}
		return string(out), err
	}
	for repository, there := range map[string]bool{"shop/web": true, "shop/api": true, "shop/infrastructure": false} {
		if out, err := run(p.Scan.Script, filepath.Join(server, "bin"), repository); (err == nil) != there {
			t.Errorf("%s: %v\n%s", repository, err, out)
		}
	}
	if environment, err := os.ReadFile(filepath.Join(server, "environment")); err != nil || strings.Contains(string(environment), canary) {
		t.Errorf("the scan has the token, %v", err)
	}
	out, err := run(p.Report.Script, filepath.Dir(program), "")
	if err != nil || !strings.Contains(out, "not in this report:\nshop/infrastructure\n") {
		t.Fatalf("%v\n%s", err, out)
	}
	for name, want := range map[string]string{"not-scanned.txt": "shop/infrastructure\n", "organisation.csv": "TRI-0001", "organisation.html": "TRI-0001", "organisation.md": "web/requirements.txt"} {
		data, err := os.ReadFile(filepath.Join(dir, "report", name))
		if err != nil || !strings.Contains(string(data), want) {
			t.Errorf("%s: %v, no %q in\n%.2000s", name, err, want, data)
		}
	}
}

// What docs/gitlab.md shows to copy is YAML that sets what there is.
func TestGitLabPage(t *testing.T) {
	page, err := os.ReadFile(filepath.Join("..", "..", "docs", "gitlab.md"))
	if err != nil {
		t.Fatal(err)
	}
	inputs := readTemplate(t, "scan/template.yml").inputs
	snippets := strings.Split(string(page), "```yaml\n")[1:]
	if len(snippets) == 0 {
		t.Fatal("nothing to copy")
	}
	for _, snippet := range snippets {
		text, _, ok := strings.Cut(snippet, "```\n")
		var shown struct {
			Include []struct {
				Component string
				Inputs    map[string]any
			}
			Variables map[string]string
			Trifecta  struct {
				Variables map[string]string
			}
		}
		if err := yaml.Unmarshal([]byte(text), &shown); err != nil || !ok {
			t.Errorf("%v in:\n%s", err, text)
		}
		for _, variables := range []map[string]string{shown.Variables, shown.Trifecta.Variables} {
			for name := range variables {
				known := strings.HasPrefix(name, "AWS_") || slices.ContainsFunc(append([]string{pathInput}, ciInputs...), func(input string) bool { return inputVariable(input) == name })
				if !known {
					t.Errorf("nothing reads %s", name)
				}
			}
		}
		for _, include := range shown.Include {
			for name := range include.Inputs {
				if _, ok := inputs[name]; !ok {
					t.Errorf("the component has no input %s", name)
				}
			}
		}
	}
}
