package automation

import (
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"github.com/trifecta-scanner/trifecta/inventory"
)

func read(tb testing.TB, files map[string]string) *inventory.Inventory {
	tb.Helper()
	fsys := fstest.MapFS{}
	for name, text := range files {
		fsys[name] = &fstest.MapFile{Data: []byte(text)}
	}
	tree, err := inventory.NewTree(tb.Context(), fsys, inventory.Limits{})
	if err != nil {
		tb.Fatal(err)
	}
	inv, err := Source{}.Read(tb.Context(), tree)
	if err != nil {
		tb.Fatal(err)
	}
	return inv
}

func TestRead(t *testing.T) {
	const workflow, action = "on: push\njobs: {}\n", "runs: {using: composite, steps: []}\n"
	inv := read(t, map[string]string{
		"Dockerfile": "FROM alpine\n", "web/Dockerfile.prod": "FROM alpine\n", "api.Dockerfile": "FROM alpine\n", "Containerfile": "FROM alpine\n",
		"Dockerfile.dockerignore": "x\n", "Dockerfile.md": "# how\n", "node_modules/a/Dockerfile": "FROM alpine\n", "empty/Dockerfile": "",
		".github/workflows/ci.yml": workflow, "sub/.github/workflows/ci.yml": workflow, ".github/workflows/notes.txt": workflow, ".github/workflows/other.yaml": "a: b\n",
		"action.yml": action, "tools/action.yaml": action, "tools/action.json": action, "docs/action.yml": "a: b\n",
		"broken/Dockerfile": "FROM alpine\n{{ if }}\n", ".github/workflows/broken.yml": "on: push\njobs: [\n",
	})
	got := map[string]string{}
	for _, r := range inv.Automation {
		got[string(r.ID)] = string(r.Language)
	}
	want := map[string]string{
		"Dockerfile": "dockerfile", "web/Dockerfile.prod": "dockerfile", "api.Dockerfile": "dockerfile", "Containerfile": "dockerfile", "broken/Dockerfile": "dockerfile",
		".github/workflows/ci.yml": "workflow", "action.yml": "action", "tools/action.yaml": "action",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	places := map[string]int{}
	for _, n := range inv.Notices {
		places[n.Location.Path] = n.Location.Line
	}
	if diff := cmp.Diff(map[string]int{"broken/Dockerfile": 2, ".github/workflows/broken.yml": 2}, places); diff != "" {
		t.Errorf("notices: %s\n%+v", diff, inv.Notices)
	}
}

// TestPipelines reads pipelines of GitLab by their names, and what they include of the tree whatever its name.
func TestPipelines(t *testing.T) {
	inv := read(t, map[string]string{
		".gitlab-ci.yml":     "include:\n- /ci/build.yml\n- local: ci/test.yml\n- https://ci.example/other.yml\n- local: ci/*.yml\n- ../outside.yml\njob: {script: make}\n",
		"ci/build.yml":       "include: {local: /ci/deep.yml}\nbuild: {script: make}\n",
		"ci/test.yml":        "include: ci/test.yml\ntest: {script: make}\n",
		"ci/deep.yml":        "spec:\n  inputs: {stage: {default: test}}\n---\ndeep: {script: [!reference [build, script]]}\n",
		"ci/alone.yml":       "alone: {script: make}\n",
		"job.gitlab-ci.yml":  "- no\n- pipeline\n",
		"late.gitlab-ci.yml": "a: [\n",
	})
	var got []string
	for _, r := range inv.Automation {
		got = append(got, string(r.Language)+" "+string(r.ID)+" "+r.Values.Fields()[len(r.Values.Fields())-1].Name)
	}
	want := []string{"gitlab-ci .gitlab-ci.yml job", "gitlab-ci ci/build.yml include", "gitlab-ci ci/deep.yml deep", "gitlab-ci ci/test.yml test"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if len(inv.Notices) != 1 || inv.Notices[0].Location.Path != "late.gitlab-ci.yml" {
		t.Errorf("%+v", inv.Notices)
	}
}

func TestDockerfile(t *testing.T) {
	inv := read(t, map[string]string{"Dockerfile": "ARG V\nFROM base:$V AS build\nRUN --mount=type=secret,id=a x \\\n  y\nFROM build\n"})
	stages := inv.Automation[0].Get("stages").Elements()
	if len(stages) != 2 {
		t.Fatalf("%d stages", len(stages))
	}
	base := stages[0].Get("base")
	if !base.IsUnknown() || !cmp.Equal(base.Reasons(), []inventory.Reason{{Code: inventory.ParamNoDefault, Ref: "V"}}) {
		t.Errorf("base %+v", base)
	}
	run := stages[0].Get("instructions")
	if text, _ := run.Get("text").Text(); text != "x    y" || run.Get("text").Location() != (inventory.Location{Path: "Dockerfile", Line: 3, EndLine: 4}) {
		t.Errorf("%q at %v", text, run.Get("text").Location())
	}
	if parent, ok := stages[1].Get("parent").Int(); !ok || parent != 0 {
		t.Errorf("parent %d, %v", parent, ok)
	}
}
