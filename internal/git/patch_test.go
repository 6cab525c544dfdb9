package git

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestWritePatch(t *testing.T) {
	files := []FileChange{
		{"web/a.txt", []byte("1\n2\n3\n4\n5\n6\n7\n8\n9\n"), []byte("1\n2\n3\n4\nfive\n6\n7\n8\n9\n10\n")},
		{"dos.txt", []byte("one\r\ntwo\r\n"), []byte("one\r\n2\r\n")},
		{"new.txt", nil, []byte("new\n")},
		{"end.txt", []byte("no\nline end"), []byte("still\nnone")},
	}
	var buf bytes.Buffer
	if err := WritePatch(&buf, "", files); err != nil {
		t.Fatal(err)
	}
	program, err := exec.LookPath("git")
	if err != nil {
		t.Skip("needs git, which reads the patch")
	}
	dir := t.TempDir()
	for _, f := range files {
		name := filepath.Join(dir, filepath.FromSlash(f.Path))
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		if f.Before == nil {
			continue
		}
		if err := os.WriteFile(name, f.Before, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.CommandContext(t.Context(), program, "apply", "-")
	cmd.Dir, cmd.Stdin = dir, bytes.NewReader(buf.Bytes())
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s\n%s", err, out, buf.Bytes())
	}
	for _, f := range files {
		got, err := os.ReadFile(filepath.Join(dir, filepath.FromSlash(f.Path)))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(string(f.After), string(got)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", f.Path, diff)
		}
	}
}
