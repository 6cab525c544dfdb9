package main

import (
	"bytes"
	"context"
	"errors"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"gopkg.in/yaml.v3"
)

// TestDocumentedYAML holds every block of YAML that a document shows to what it is for: workflows, and steps of them, to
// actionlint; configuration to its schema; jobs of GitLab to the templates, and hooks of pre-commit to ours. e2e runs the
// workflows as well.
func TestDocumentedYAML(t *testing.T) {
	root, err := filepath.Abs(filepath.Join("..", ".."))
	if err != nil {
		t.Fatal(err)
	}
	t.Chdir(root)
	configuration, err := jsonschema.NewCompiler().Compile(filepath.Join("docs", "config.schema.json"))
	if err != nil {
		t.Fatal(err)
	}
	kinds := map[string]int{}
	for _, name := range documents(t) {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, block := range regexp.MustCompile("(?m)^```ya?ml\n((?s:.*?))^```\n").FindAllStringSubmatch(string(text), -1) {
			t.Run(filepath.ToSlash(name), func(t *testing.T) {
				kinds[snippet(t, block[1], configuration)]++
			})
		}
	}
	for _, kind := range []string{"workflow", "steps", "configuration", "GitLab", "pre-commit"} {
		if kinds[kind] == 0 {
			t.Errorf("no document shows YAML of the kind %s: %v", kind, kinds)
		}
	}
}

// snippet judges a block and returns what it is.
func snippet(t *testing.T, text string, configuration *jsonschema.Schema) string {
	t.Helper()
	var value any
	if err := yaml.Unmarshal([]byte(text), &value); err != nil {
		t.Fatalf("%v:\n%s", err, text)
	}
	fields, _ := value.(map[string]any)
	has := func(names ...string) bool {
		return slices.ContainsFunc(names, func(name string) bool { _, ok := fields[name]; return ok })
	}
	const job = "on: push\njobs:\n  scan:\n    runs-on: ubuntu-latest\n"
	indent := func(by string) string { return by + strings.ReplaceAll(strings.TrimSpace(text), "\n", "\n"+by) + "\n" }
	switch {
	case has("jobs"):
		lint(t, text)
		return "workflow"
	case has("steps"):
		lint(t, job+indent("    "))
		return "steps"
	case fields == nil: // a list of steps, perhaps as deep as in a workflow
		lint(t, job+"    steps:\n"+text)
		return "steps"
	case has("repos"):
		preCommit(t, text)
		return "pre-commit"
	case has("include", "stages") || slices.ContainsFunc(slices.Collect(maps.Values(fields)), isJob):
		gitLab(t, text)
		return "GitLab"
	}
	if err := configuration.Validate(plain(value)); err != nil {
		t.Errorf("this is neither a workflow, nor a job, nor a configuration: %v\n%s", err, text)
	}
	return "configuration"
}

// isJob reports whether a value is a job of GitLab.
func isJob(value any) bool {
	fields, _ := value.(map[string]any)
	for _, name := range []string{"script", "before_script", "extends", "id_tokens"} {
		if _, ok := fields[name]; ok {
			return true
		}
	}
	return false
}

// lint checks a workflow by actionlint, the one that make lint runs.
func lint(t *testing.T, workflow string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "go", "tool", "-modfile=tools/actionlint/go.mod", "actionlint", "-no-color", "-shellcheck=", "-pyflakes=", "-")
	cmd.Stdin = strings.NewReader(workflow)
	out, err := cmd.CombinedOutput()
	var exit *exec.ExitError
	switch {
	case err == nil:
	case errors.Is(t.Context().Err(), context.Canceled), !errors.As(err, &exit), !bytes.Contains(out, []byte("<stdin>")):
		t.Skipf("actionlint can't be run here: %v\n%s", err, out)
	default:
		t.Errorf("%s\n%s", out, workflow)
	}
}

// preCommit checks that the hooks are there and that their arguments are flags of ours.
func preCommit(t *testing.T, text string) {
	t.Helper()
	data, err := os.ReadFile(".pre-commit-hooks.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var hooks []struct{ ID, Entry string }
	if err := yaml.Unmarshal(data, &hooks); err != nil {
		t.Fatal(err)
	}
	entries := map[string]string{}
	for _, h := range hooks {
		entries[h.ID] = h.Entry
	}
	var file struct {
		Repos []struct {
			Hooks []struct {
				ID   string
				Args []string
			}
		}
	}
	if err := yaml.Unmarshal([]byte(text), &file); err != nil {
		t.Fatal(err)
	}
	for _, r := range file.Repos {
		for _, h := range r.Hooks {
			if entries[h.ID] == "" {
				t.Errorf("there is no hook %s", h.ID)
				continue
			}
			checkFlags(t, strings.Join(append([]string{entries[h.ID]}, h.Args...), " "))
		}
	}
}

// gitLab checks that included files and inputs of components are there, and that variables for us name flags.
func gitLab(t *testing.T, text string) {
	t.Helper()
	var file struct {
		Include []struct {
			Local     string
			Component string
			Inputs    map[string]any
		}
		Variables map[string]any
	}
	var jobs map[string]yaml.Node
	if err := errors.Join(yaml.Unmarshal([]byte(text), &file), yaml.Unmarshal([]byte(text), &jobs)); err != nil {
		t.Fatal(err)
	}
	for _, include := range file.Include {
		if include.Local != "" {
			if _, err := os.Stat(filepath.FromSlash(include.Local)); err != nil {
				t.Error(err)
			}
		}
		if include.Component == "" {
			continue
		}
		name := regexp.MustCompile(`/([a-z-]+)@`).FindStringSubmatch(include.Component)
		if name == nil {
			t.Errorf("%s names no component", include.Component)
			continue
		}
		data, err := os.ReadFile(filepath.Join("templates", name[1], "template.yml"))
		if err != nil {
			t.Fatal(err)
		}
		var component struct {
			Spec struct{ Inputs map[string]any }
		}
		if err := yaml.Unmarshal(data, &component); err != nil {
			t.Fatal(err)
		}
		for input := range include.Inputs {
			if _, ok := component.Spec.Inputs[input]; !ok {
				t.Errorf("the component has no input %s", input)
			}
		}
	}
	variables := slices.Collect(maps.Keys(file.Variables))
	for _, node := range jobs {
		var job struct{ Variables map[string]any }
		if node.Decode(&job) == nil { // what is no job has none
			variables = slices.AppendSeq(variables, maps.Keys(job.Variables))
		}
	}
	for _, name := range variables {
		if !strings.HasPrefix(name, "INPUT_") {
			continue
		}
		if !slices.ContainsFunc(append([]string{pathInput}, ciInputs...), func(input string) bool { return inputVariable(input) == name }) {
			t.Errorf("%s stands for no flag of ci", name)
		}
	}
}

// plain turns what yaml decodes into what the schema compares: dates are text in the configuration.
func plain(value any) any {
	switch v := value.(type) {
	case map[string]any:
		for key := range v {
			v[key] = plain(v[key])
		}
	case []any:
		for i := range v {
			v[i] = plain(v[i])
		}
	case interface{ Format(string) string }:
		return v.Format("2006-01-02")
	}
	return value
}
