package fix

import (
	"io/fs"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"github.com/trifecta-scanner/trifecta/inventory"
)

func treeOf(t *testing.T, files map[string]string) *inventory.Tree {
	t.Helper()
	fsys := fstest.MapFS{}
	for name, text := range files {
		fsys[name] = &fstest.MapFile{Data: []byte(text)}
	}
	tree, err := inventory.NewTree(t.Context(), fsys, inventory.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	return tree
}

func TestWorkspace(t *testing.T) {
	ws := NewWorkspace(treeOf(t, map[string]string{"a/go.mod": "module a\n", "b/go.mod": "module b\n"}))
	for name, text := range map[string]string{"a/go.mod": "module changed\n", "new/deep/go.mod": "module new\n", "b/go.mod": "module b\n"} {
		if err := ws.WriteFile(name, []byte(text)); err != nil {
			t.Fatal(err)
		}
	}
	// What is written as it was is no change.
	if diff := cmp.Diff([]string{"a/go.mod", "new/deep/go.mod"}, ws.Changed()); diff != "" {
		t.Errorf("changed (-want +got):\n%s", diff)
	}
	tree, err := ws.Walk(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"a/go.mod", "b/go.mod", "new/deep/go.mod"}, tree.Named("go.mod")); diff != "" {
		t.Errorf("walked (-want +got):\n%s", diff)
	}
	if data, err := tree.ReadFile("a/go.mod"); err != nil || string(data) != "module changed\n" {
		t.Errorf("%q, %v", data, err)
	}
	if err := fstest.TestFS(ws.FS(), "a/go.mod", "b/go.mod"); err != nil {
		// fstest wants folders to be openable; those that only a change makes are read by ReadDir alone.
		if !strings.Contains(err.Error(), "new") {
			t.Error(err)
		}
	}
	other := ws.Clone()
	if err := other.WriteFile("b/go.mod", nil); err != nil {
		t.Fatal(err)
	}
	if len(ws.Changed()) != 2 {
		t.Error("a clone's change reached the original")
	}
}

func TestWorkspaceRefuses(t *testing.T) {
	ws := NewWorkspace(treeOf(t, nil))
	for _, name := range []string{"", ".", "..", "../x", "/etc/passwd", "a/../../x", ".git/config", "sub/.git/hooks/post-commit", ".GIT/config"} {
		if err := ws.WriteFile(name, []byte("x")); err == nil {
			t.Errorf("%q was written", name)
		}
	}
	if _, err := fs.Stat(ws.FS(), "x"); err == nil {
		t.Error("x is there")
	}
}
