package disk

import (
	"archive/tar"
	"bytes"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// layerOf makes a tar archive of lines: NAME=CONTENT, NAME/, NAME->TARGET, NAME=>OTHER for another name of a file.
func layerOf(tb testing.TB, lines ...string) []byte {
	tb.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, line := range lines {
		h := &tar.Header{Mode: 0o644}
		content := ""
		switch {
		case strings.Contains(line, "->"):
			h.Typeflag = tar.TypeSymlink
			h.Name, h.Linkname, _ = strings.Cut(line, "->")
		case strings.Contains(line, "=>"):
			h.Typeflag = tar.TypeLink
			h.Name, h.Linkname, _ = strings.Cut(line, "=>")
		case strings.HasSuffix(line, "/"):
			h.Name, h.Typeflag = line, tar.TypeDir
		default:
			h.Typeflag = tar.TypeReg
			h.Name, content, _ = strings.Cut(line, "=")
			h.Size = int64(len(content))
		}
		if err := w.WriteHeader(h); err != nil {
			tb.Fatal(err)
		}
		if _, err := w.Write([]byte(content)); err != nil {
			tb.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		tb.Fatal(err)
	}
	return b.Bytes()
}

func layersIn(tb testing.TB) *Layers {
	tb.Helper()
	f, err := os.Create(filepath.Join(tb.TempDir(), "content"))
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = f.Close() })
	return NewLayers(f)
}

func TestLayers(t *testing.T) {
	for _, tt := range []struct {
		name   string
		layers [][]string
		want   []string
	}{
		{"files of two layers", [][]string{{"etc/a=1", "etc/b=2"}, {"etc/b=3", "opt/c=4"}}, []string{"etc/a=1", "etc/b=3", "opt/c=4"}},
		{"removed", [][]string{{"etc/a=1", "etc/b=2", "lib/x/y=3"}, {"etc/.wh.a=", "lib/.wh.x="}}, []string{"etc/b=2"}},
		{"a folder that hides what is below", [][]string{{"etc/a=1", "etc/d/b=2"}, {"etc/d/new=3", "etc/.wh..wh..opq=", "etc/c=4"}}, []string{"etc/c=4", "etc/d/new=3"}},
		{"through links", [][]string{{"usr/lib/", "lib->usr/lib", "abs->/usr/lib"}, {"lib/a=1", "abs/b=2"}}, []string{"abs->/usr/lib", "lib->usr/lib", "usr/lib/a=1", "usr/lib/b=2"}},
		{"two names", [][]string{{"a=1", "b=>a"}, {"a=2"}}, []string{"a=2", "b=1"}},
		{"out of the image", [][]string{{"../../etc/a=1", "/b=2", "up->../../..", "up/c=3"}}, []string{"b=2", "c=3", "etc/a=1", "up->../../.."}},
		{"a file becomes a folder", [][]string{{"a=1"}, {"a/b=2"}}, []string{"a/b=2"}},
		{"a folder becomes a file", [][]string{{"a/b=1"}, {"a=2"}}, []string{"a=2"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			l := layersIn(t)
			for _, lines := range tt.layers {
				if err := l.Add(t.Context(), bytes.NewReader(layerOf(t, lines...))); err != nil {
					t.Fatal(err)
				}
			}
			fsys := l.FS()
			var got []string
			err := fs.WalkDir(fsys, ".", func(name string, e fs.DirEntry, err error) error {
				switch {
				case err != nil:
					return err
				case e.Type()&fs.ModeSymlink != 0:
					target, err := fsys.ReadLink(name)
					got = append(got, name+"->"+target)
					return err
				case !e.IsDir():
					data, err := fs.ReadFile(fsys, name)
					got = append(got, name+"="+string(data))
					return err
				}
				return nil
			})
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("files (-want +got):\n%s", diff)
			}
		})
	}
}

func FuzzLayers(f *testing.F) {
	f.Add(layerOf(f, "etc/a=1", "lib->usr", "lib/b=2"), layerOf(f, ".wh.etc=", "a->a", "a/b=1", "x=>lib/b"))
	file, err := os.Create(filepath.Join(f.TempDir(), "content"))
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() { _ = file.Close() })
	f.Fuzz(func(t *testing.T, below, above []byte) {
		l := NewLayers(file)
		for _, layer := range [][]byte{below, above} {
			if err := l.Add(t.Context(), bytes.NewReader(layer)); err != nil {
				return
			}
		}
		n := 0
		_ = fs.WalkDir(l.FS(), ".", func(string, fs.DirEntry, error) error {
			if n++; n > 100_000 {
				t.Fatal("the walk has no end")
			}
			return nil
		})
	})
}
