package peers_test

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/trifecta-scanner/trifecta/internal/peers"
)

func archive(t *testing.T, headers ...*tar.Header) string {
	t.Helper()
	var b bytes.Buffer
	zipped := gzip.NewWriter(&b)
	files := tar.NewWriter(zipped)
	for _, h := range headers {
		content := []byte("content of " + h.Name)
		if h.Typeflag != tar.TypeReg {
			content = nil
		}
		h.Size, h.Mode = int64(len(content)), 0o644
		if err := files.WriteHeader(h); err != nil {
			t.Fatal(err)
		}
		if _, err := files.Write(content); err != nil {
			t.Fatal(err)
		}
	}
	if err := files.Close(); err != nil {
		t.Fatal(err)
	}
	if err := zipped.Close(); err != nil {
		t.Fatal(err)
	}
	name := filepath.Join(t.TempDir(), "a.tar.gz")
	if err := os.WriteFile(name, b.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
	return name
}

func TestUnpack(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "out")
	in := archive(t,
		&tar.Header{Name: "a/b.txt", Typeflag: tar.TypeReg},
		&tar.Header{Name: "a/link", Typeflag: tar.TypeSymlink, Linkname: "/etc/passwd"},
	)
	if err := peers.Unpack(in, dir); err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile(filepath.Join(dir, "a", "b.txt"))
	if err != nil || string(got) != "content of a/b.txt" {
		t.Errorf("a/b.txt holds %q, %v", got, err)
	}
	if _, err := os.Lstat(filepath.Join(dir, "a", "link")); err == nil {
		t.Error("a link was unpacked")
	}
}

func TestUnpackStaysInside(t *testing.T) {
	for _, name := range []string{"../out.txt", "a/../../out.txt", "/out.txt"} {
		parent := t.TempDir()
		err := peers.Unpack(archive(t, &tar.Header{Name: name, Typeflag: tar.TypeReg}), filepath.Join(parent, "in"))
		if err == nil {
			t.Errorf("%s: no error", name)
		}
		if _, err := os.Stat(filepath.Join(parent, "out.txt")); err == nil {
			t.Errorf("%s was written outside of the folder", name)
		}
	}
}

func TestReplace(t *testing.T) {
	name := filepath.Join(t.TempDir(), "d.md")
	write := func(text string) {
		t.Helper()
		if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	write("before\n<!-- x: begin -->\nold\n<!-- x: end -->\nafter\n")
	for range 2 { // a second time changes nothing
		if err := peers.Replace(name, "x", "new\n"); err != nil {
			t.Fatal(err)
		}
		got, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff("before\n<!-- x: begin -->\n\nnew\n\n<!-- x: end -->\nafter\n", string(got)); diff != "" {
			t.Error(diff)
		}
	}
	write("no markers\n")
	if err := peers.Replace(name, "x", "new"); err == nil {
		t.Error("no error without markers")
	}
}
