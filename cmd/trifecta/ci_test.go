package main

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/spf13/cobra"
	"gopkg.in/yaml.v3"

	"github.com/trifecta-scanner/trifecta/internal/confine"
	"github.com/trifecta-scanner/trifecta/internal/shared"
	"github.com/trifecta-scanner/trifecta/inventory"
	"github.com/trifecta-scanner/trifecta/scanner"
)

// canary stands for every token; it must turn up nowhere.
const canary = "ghp_CANARY0000000000000000000000000000000"

func TestScanEnvironment(t *testing.T) {
	environ := []string{
		"PATH=/usr/bin", "HOME=/home/runner", "TMPDIR=/var/tmp", "LANG=C.UTF-8", "SSL_CERT_FILE=/etc/ca.pem", "SSL_CERT_DIR=/etc/ca",
		"HTTPS_PROXY=http://proxy.example:3128", "no_proxy=.example", "TRIFECTA_DB=/var/db", "SOURCE_DATE_EPOCH=1", "EMPTY=", "=C:=C:\\",
	}
	secret := []string{
		"GITHUB_TOKEN", "INPUT_TOKEN", "ACTIONS_RUNTIME_TOKEN", "ACTIONS_ID_TOKEN_REQUEST_TOKEN", "GH_TOKEN", "AWS_SECRET_ACCESS_KEY",
		"NPM_CONFIG__AUTH", "TRIFECTA_TOKEN", "TRIFECTA_GITHUB_TOKEN", "TRIFECTA_API_KEY", "trifecta_db", "GITHUB_STEP_SUMMARY",
		"GITHUB_OUTPUT", "GITHUB_ENV", "GITHUB_PATH", "LD_PRELOAD", "GODEBUG", "PATHS",
	}
	for _, name := range secret {
		environ = append(environ, name+"="+canary)
	}
	want := environ[:10]
	if diff := cmp.Diff(want, scanEnvironment(environ)); diff != "" {
		t.Error(diff)
	}
	if got := scanEnvironment(nil); got == nil {
		t.Error("nil: os/exec takes that for the whole environment")
	}
}

// tool finds a program of the system that stands for the scan.
func tool(t *testing.T, name string) string {
	t.Helper()
	if runtime.GOOS == "windows" {
		t.Skip("needs the tools of Unix")
	}
	path, err := exec.LookPath(name)
	if err != nil {
		t.Skip(err)
	}
	return path
}

// logTo returns the log of a scan process that ends up in b.
func logTo(b *strings.Builder) func(func(io.Writer) error) error {
	return func(write func(io.Writer) error) error { return write(b) }
}

func TestScanProcessEnvironment(t *testing.T) {
	var log strings.Builder
	p := scanProcess{executable: tool(t, "env"), environ: []string{"PATH=/bin", "GITHUB_TOKEN=" + canary, "TRIFECTA_DB=x", "TMPDIR=/elsewhere"}, log: logTo(&log), temp: t.TempDir()}
	if _, err := new(app).runScanProcess(t.Context(), p); err != nil {
		t.Fatal(err)
	}
	got := strings.Fields(log.String())
	slices.Sort(got)
	want := []string{"GOMAXPROCS=" + strconv.Itoa(runtime.GOMAXPROCS(0)), "PATH=/bin", "TMPDIR=" + p.temp, "TRIFECTA_DB=x"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// A scan process that was taken over gets no further than to what it was given: not to the tokens of its parent, not to
// files beside the tree, not to a program of the tree.
func TestScanProcessConfined(t *testing.T) {
	sh := tool(t, "sh")
	dir := t.TempDir()
	tree := filepath.Join(dir, "tree")
	if err := os.Mkdir(tree, 0o755); err != nil {
		t.Fatal(err)
	}
	for name, mode := range map[string]os.FileMode{"secret": 0o644, "tree/file": 0o644, "tree/program": 0o755} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte("#!/bin/sh\necho "+canary+"\n"), mode); err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv("HOME", dir)
	t.Setenv("XDG_CACHE_HOME", filepath.Join(dir, "cache"))
	a := &app{getenv: func(string) string { return "" }, streams: streams{err: io.Discard}}
	if err := confine.Start(exec.CommandContext(t.Context(), sh, "-c", "true"), confine.Policy{Execute: []string{sh}}); errors.Is(err, confine.ErrUnsupported) {
		t.Skip(err)
	}
	for _, tt := range []struct {
		name, script string
		ok           bool
	}{
		{"the tree", "read x <" + tree + "/file", true},
		{"its own folder", "echo x >$TMPDIR/file", true},
		{"our cache", "echo x >" + dir + "/cache/trifecta/file", true},
		{"the environment of ci", "read x </proc/$PPID/environ", false},
		{"a file beside the tree", "read x <" + dir + "/secret", false},
		{"the cache of others", "echo x >" + dir + "/cache/file", false},
		{"a change of the tree", "echo x >" + tree + "/file", false},
		{"a program of the tree", tree + "/program", false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var log strings.Builder
			outcome, err := a.runScanProcess(t.Context(), scanProcess{
				executable: sh, args: []string{"-c", tt.script}, log: logTo(&log), temp: t.TempDir(), policy: a.scanPolicy(tree, &scanOptions{offline: true}),
			})
			if err != nil {
				t.Fatal(err)
			}
			if (outcome.code == exitOK) != tt.ok {
				t.Errorf("exit code %d: %s", outcome.code, log.String())
			}
			if strings.Contains(log.String(), canary) {
				t.Errorf("the canary got out: %s", log.String())
			}
		})
	}
}

func TestScanProcessOutcome(t *testing.T) {
	sh := tool(t, "sh")
	tests := []struct {
		name, script string
		want         scanOutcome
	}{
		{"clean", "true", scanOutcome{}},
		{"findings", "echo trifecta: 2 findings >&2; exit 1", scanOutcome{1, "2 findings", ""}},
		{"usage", "echo noise; echo 'trifecta: no such folder' >&2; echo 'hint: name one' >&2; exit 2", scanOutcome{2, "no such folder", "name one"}},
		{"killed", "echo reading; kill -9 $$", scanOutcome{3, "reading; the scan process ended by signal: killed", ""}},
		{"crash", "exit 127", scanOutcome{3, "the scan process ended by exit status 127", ""}},
		{"much", "i=0; while [ $i -lt 2000 ]; do echo line $i; i=$((i+1)); done; exit 3", scanOutcome{3, "line 1999", ""}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var log strings.Builder
			got, err := new(app).runScanProcess(t.Context(), scanProcess{executable: sh, args: []string{"-c", tt.script}, log: logTo(&log)})
			if err != nil {
				t.Fatal(err)
			}
			if got != tt.want {
				t.Errorf("got %+v, want %+v", got, tt.want)
			}
		})
	}
	t.Run("not there", func(t *testing.T) {
		var log strings.Builder
		if _, err := new(app).runScanProcess(t.Context(), scanProcess{executable: filepath.Join(t.TempDir(), "none"), log: logTo(&log)}); err == nil {
			t.Error("no error for a program that does not exist")
		}
	})
	t.Run("stopped", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		var log strings.Builder
		if _, err := new(app).runScanProcess(ctx, scanProcess{executable: sh, args: []string{"-c", "sleep 60"}, log: logTo(&log)}); err == nil {
			t.Error("no error for a scan that was stopped")
		}
	})
}

func ciFlags(t *testing.T, getenv func(string) string, args ...string) (*cobra.Command, error) {
	t.Helper()
	a := &app{getenv: getenv}
	cmd := a.ciCommand()
	if err := cmd.ParseFlags(args); err != nil {
		t.Fatal(err)
	}
	return cmd, applyInputs(cmd.Flags(), getenv)
}

func TestScanArguments(t *testing.T) {
	inputs := map[string]string{
		"INPUT_FAIL_ON": "high, act\n", "INPUT_ONLY": "dependencies", "INPUT_OFFLINE": "true", "INPUT_CONFIG": " ", "INPUT_SUMMARY": "false",
		"INPUT_SARIF_FILE": "a.sarif", "INPUT_OUTPUT": "json=/etc/passwd", "RUNNER_DEBUG": "1",
	}
	getenv := func(name string) string { return inputs[name] }
	cmd, err := ciFlags(t, getenv, "--only=images", "--db=-x", "--base=main")
	if err != nil {
		t.Fatal(err)
	}
	got := (&app{getenv: getenv}).scanArguments(cmd.Flags(), "-dir", "r.json", "main", true, false)
	want := []string{
		"scan", "--output=json=r.json", "--fail-on-default=none", "--sealed",
		"--db=-x", "--fail-on=high", "--fail-on=act", "--offline=true", "--only=images", "--base=main", "--proposal", "--verbose", "--", "-dir",
	}
	slices.Sort(got[3:8])
	slices.Sort(want[3:8])
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestInputsBad(t *testing.T) {
	_, err := ciFlags(t, func(name string) string {
		if name == "INPUT_OFFLINE" {
			return "perhaps"
		}
		return ""
	})
	if err == nil || !strings.Contains(err.Error(), `input offline: "perhaps" can't be used`) {
		t.Errorf("got %v", err)
	}
}

func TestEventBase(t *testing.T) {
	const sha = "0123456789abcdef0123456789abcdef01234567"
	for _, tt := range []struct{ name, json, want string }{
		{"push", `{"before": "` + sha + `", "after": "` + sha + `"}`, ""},
		{"pull request", `{"number": 7, "pull_request": {"base": {"ref": "main", "sha": "` + sha + `"}}}`, sha},
		{"merge group", `{"merge_group": {"base_sha": "` + sha + `"}}`, sha},
		{"no commit", `{"pull_request": {"base": {"sha": "--upload-pack=x"}}}`, ""},
		{"schedule", `{"schedule": "0 4 * * *"}`, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			name := filepath.Join(t.TempDir(), "event.json")
			if err := os.WriteFile(name, []byte(tt.json), 0o644); err != nil {
				t.Fatal(err)
			}
			e, err := readEvent(name)
			if err != nil || e.base() != tt.want {
				t.Errorf("%q, %v; want %q", e.base(), err, tt.want)
			}
		})
	}
	if e, err := readEvent(""); err != nil || e.base() != "" {
		t.Errorf("no event: %+v, %v", e, err)
	}
	broken := filepath.Join(t.TempDir(), "event.json")
	if err := os.WriteFile(broken, []byte("{"), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := readEvent(broken); err == nil {
		t.Error("a broken event gives no error")
	}
}

func TestRelocate(t *testing.T) {
	at := func(path string) inventory.Location { return inventory.Location{Path: path, Line: 1} }
	manifest, notice := at("package.json"), at("bad")
	res := &scanner.Result{
		Packages: []inventory.Package{{Locations: []inventory.PackageLocation{{Location: at("package-lock.json"), Manifest: &manifest}}}},
		Images:   []inventory.Image{{Locations: []inventory.Location{at("Dockerfile")}}},
		Findings: []scanner.Finding{{
			Location: at("package-lock.json"), Related: []scanner.Related{{Location: at("package.json")}},
			Fix: &scanner.Fix{Upgrade: &scanner.Upgrade{Files: []string{"package.json"}}, Edits: []scanner.Edit{{Path: "main.tf"}}},
		}, {}},
		Fixed:   []scanner.Finding{{Location: at("go.mod")}},
		Notices: []inventory.Notice{{Location: &notice}, {}},
		Target:  scanner.Target{Path: "a/b"},
	}
	relocate(res, "a/b")
	data, err := json.Marshal(res)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"package-lock.json", "package.json", "Dockerfile", "main.tf", "go.mod", "bad"} {
		if strings.Contains(string(data), `"`+name) || !strings.Contains(string(data), `"a/b/`+name) {
			t.Errorf("%s was not moved everywhere: %s", name, data)
		}
	}
	if res.Findings[1].Location.Path != "" {
		t.Error("a finding without a place got one")
	}
}

func TestFolderIn(t *testing.T) {
	dir := t.TempDir()
	workspace := filepath.Join(dir, "workspace")
	for _, d := range []string{filepath.Join(workspace, "web", "shop"), filepath.Join(dir, "elsewhere")} {
		if err := os.MkdirAll(d, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink(workspace, filepath.Join(dir, "link")); err != nil {
		t.Skip(err)
	}
	for _, tt := range []struct{ workspace, dir, want, err string }{
		{workspace, workspace, "", ""},
		{workspace, filepath.Join(workspace, "web", "shop"), "web/shop", ""},
		{filepath.Join(dir, "link"), filepath.Join(workspace, "web"), "web", ""},
		{workspace, filepath.Join(dir, "elsewhere"), "", "is outside of the workspace"},
		{"", workspace, "", "GITHUB_WORKSPACE is not set"},
	} {
		got, err := folderIn(tt.workspace, tt.dir)
		if got != tt.want || (err == nil) != (tt.err == "") || err != nil && !strings.Contains(err.Error(), tt.err) {
			t.Errorf("%s in %s: %q, %v; want %q, %q", tt.dir, tt.workspace, got, err, tt.want, tt.err)
		}
	}
}

// A link in the checkout leads no report out of it.
func TestWriteReport(t *testing.T) {
	dir := t.TempDir()
	workspace := filepath.Join(dir, "workspace")
	if err := os.Mkdir(workspace, 0o755); err != nil {
		t.Fatal(err)
	}
	victim := filepath.Join(dir, "victim")
	if err := os.WriteFile(victim, []byte("before"), 0o644); err != nil {
		t.Fatal(err)
	}
	for link, target := range map[string]string{"trifecta.sarif": victim, "reports": dir} {
		if err := os.Symlink(target, filepath.Join(workspace, link)); err != nil {
			t.Skip(err)
		}
	}
	res := &scanner.Result{SchemaVersion: scanner.SchemaVersion}
	if err := writeReport(workspace, filepath.Join(workspace, "trifecta.sarif"), "sarif", res); err != nil {
		t.Errorf("a link in place of the file is replaced: %v", err)
	}
	if err := writeReport(workspace, filepath.Join(workspace, "reports", "victim"), "sarif", res); err == nil {
		t.Error("a folder that leads out of the workspace was followed")
	}
	if err := writeReport(workspace, filepath.Join(workspace, "new", "a.sarif"), "sarif", res); err != nil {
		t.Errorf("a new folder: %v", err)
	}
	if got, err := os.ReadFile(victim); err != nil || string(got) != "before" {
		t.Errorf("the file outside of the workspace is now %q, %v", got, err)
	}
}

type actionFile struct {
	Inputs  map[string]any `yaml:"inputs"`
	Outputs map[string]any `yaml:"outputs"`
	Runs    struct {
		Steps []struct {
			Uses string            `yaml:"uses"`
			Run  string            `yaml:"run"`
			Env  map[string]string `yaml:"env"`
		} `yaml:"steps"`
	} `yaml:"runs"`
}

func readAction(t *testing.T) (data []byte, action actionFile) {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("..", "..", "action.yml"))
	if err != nil {
		t.Fatal(err)
	}
	if err := yaml.Unmarshal(data, &action); err != nil {
		t.Fatal(err)
	}
	return data, action
}

// action.yml only translates: every input is a flag of ci, and no expression stands in a script.
func TestAction(t *testing.T) {
	_, action := readAction(t)
	env := map[string]string{}
	for _, step := range action.Runs.Steps {
		if strings.Contains(step.Run, "${{") {
			t.Errorf("an expression stands in the script %q", step.Run)
		}
		if _, version, ok := strings.Cut(step.Uses, "@"); ok && len(version) != 40 {
			t.Errorf("%s is not pinned by its commit", step.Uses)
		}
		for name, value := range step.Env {
			if strings.HasPrefix(name, "INPUT_") {
				env[name] = value
			}
		}
	}
	flags := (&app{}).ciCommand().Flags()
	want := map[string]string{}
	for input := range action.Inputs {
		if input == "version" { // of the program, which is not there yet
			continue
		}
		want[inputVariable(input)] = "${{ inputs." + input + " }}"
		if input == pathInput || inputVariable(input) == tokenVariable {
			continue
		}
		if flags.Lookup(input) == nil || !slices.Contains(ciInputs, input) {
			t.Errorf("input %s is no flag of ci that an input may set", input)
		}
	}
	if diff := cmp.Diff(want, env); diff != "" {
		t.Errorf("inputs and the environment of the scan step (-inputs +environment):\n%s", diff)
	}
	for _, input := range ciInputs {
		if flags.Lookup(input) == nil {
			t.Errorf("%s is no flag of ci", input)
		}
	}
}

func TestActionDocumented(t *testing.T) {
	_, action := readAction(t)
	page, err := os.ReadFile(filepath.Join("..", "..", "docs", "github-action.md"))
	if err != nil {
		t.Fatal(err)
	}
	for name := range action.Inputs {
		if !strings.Contains(string(page), "`"+name+"`") {
			t.Errorf("docs/github-action.md says nothing about the input %s", name)
		}
	}
	for name := range action.Outputs {
		if !strings.Contains(string(page), "`"+name+"`") {
			t.Errorf("docs/github-action.md says nothing about the output %s", name)
		}
	}
}

func TestActionSchema(t *testing.T) {
	data, _ := readAction(t)
	validate(t, "github-action.schema.json", data)
}

// The workflows that users copy use inputs and outputs that there are, and pin what is not ours.
func TestExampleWorkflows(t *testing.T) {
	_, action := readAction(t)
	names, err := filepath.Glob(filepath.Join("..", "..", "examples", "workflows", "*.yml"))
	if err != nil || len(names) == 0 {
		t.Fatalf("no examples: %v", err)
	}
	output := regexp.MustCompile(`steps\.trifecta\.outputs\.([a-z-]+)`)
	for _, name := range names {
		t.Run(filepath.Base(name), func(t *testing.T) {
			data, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			var workflow struct {
				Jobs map[string]struct {
					Steps []struct {
						Uses string         `yaml:"uses"`
						With map[string]any `yaml:"with"`
					} `yaml:"steps"`
				} `yaml:"jobs"`
			}
			if err := yaml.Unmarshal(data, &workflow); err != nil {
				t.Fatal(err)
			}
			used := false
			for _, job := range workflow.Jobs {
				for _, step := range job.Steps {
					if step.Uses == "" { // it runs a script
						continue
					}
					repository, version, _ := strings.Cut(step.Uses, "@")
					if repository == "actions/checkout" && strings.Contains(string(data), "workflow_run:") {
						t.Error("a workflow with the token of the default branch checks something out")
					}
					if repository != "trifecta-scanner/trifecta" {
						if len(version) != 40 {
							t.Errorf("%s is not pinned by its commit", step.Uses)
						}
						continue
					}
					used = true
					for input := range step.With {
						if action.Inputs[input] == nil {
							t.Errorf("the action has no input %s", input)
						}
					}
				}
			}
			if !used {
				t.Error("the action is not used")
			}
			for _, m := range output.FindAllStringSubmatch(string(data), -1) {
				if action.Outputs[m[1]] == nil {
					t.Errorf("the action has no output %s", m[1])
				}
			}
			validate(t, "github-workflow.schema.json", data)
		})
	}
}

// validate checks a YAML document against one of the schemas of GitHub's files.
func validate(t *testing.T, name string, data []byte) {
	t.Helper()
	schema, err := jsonschema.NewCompiler().Compile(filepath.Join(shared.Dir(t), "schemas", "github", name))
	if err != nil {
		t.Fatal(err)
	}
	var doc any
	if err := yaml.Unmarshal(data, &doc); err != nil {
		t.Fatal(err)
	}
	if err := schema.Validate(doc); err != nil {
		t.Error(err)
	}
}
