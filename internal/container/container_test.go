package container

import (
	"archive/tar"
	"bytes"
	"errors"
	"io"
	"log/slog"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/registry"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
)

// built returns an image with one layer for each name.
func built(t *testing.T, names ...string) v1.Image {
	t.Helper()
	image := empty.Image
	for _, n := range names {
		var b bytes.Buffer
		w := tar.NewWriter(&b)
		if err := w.WriteHeader(&tar.Header{Name: n, Mode: 0o644, Typeflag: tar.TypeReg, Size: int64(len(n))}); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write([]byte(n)); err != nil {
			t.Fatal(err)
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		layer, err := tarball.LayerFromOpener(func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(b.Bytes())), nil })
		if err != nil {
			t.Fatal(err)
		}
		if image, err = mutate.AppendLayers(image, layer); err != nil {
			t.Fatal(err)
		}
	}
	return image
}

// namesIn returns the names in each layer.
func namesIn(t *testing.T, i *Image) []string {
	t.Helper()
	var all []string
	err := i.Layers(func(r io.Reader) error {
		h, err := tar.NewReader(r).Next()
		if err == nil {
			all = append(all, h.Name)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func TestOpen(t *testing.T) {
	image := built(t, "a", "b")
	other := built(t, "arm")
	digest, err := image.Digest()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()

	folder := filepath.Join(dir, "layout")
	index := mutate.AppendManifests(empty.Index,
		mutate.IndexAddendum{Add: other, Descriptor: v1.Descriptor{Platform: &v1.Platform{OS: "linux", Architecture: "arm64"}}},
		mutate.IndexAddendum{Add: image, Descriptor: v1.Descriptor{Platform: &v1.Platform{OS: "linux", Architecture: "amd64"}}})
	if _, err := layout.Write(folder, index); err != nil {
		t.Fatal(err)
	}
	archive := filepath.Join(dir, "image.tar")
	tag, err := name.NewTag("registry.example/shop/api:1.4")
	if err != nil {
		t.Fatal(err)
	}
	if err := tarball.WriteToFile(archive, tag, image); err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(registry.New(registry.Logger(slog.NewLogLogger(slog.DiscardHandler, slog.LevelDebug))))
	t.Cleanup(server.Close)
	t.Setenv("DOCKER_CONFIG", dir)
	reference := strings.TrimPrefix(server.URL, "http://") + "/shop/api:1.4"
	pushed, err := name.ParseReference(reference)
	if err != nil {
		t.Fatal(err)
	}
	if err := remote.WriteIndex(pushed, index); err != nil {
		t.Fatal(err)
	}

	for _, tt := range []struct {
		name string
		open func() (*Image, error)
		want []string
	}{
		{"layout", func() (*Image, error) { return OpenLayout(folder, DefaultPlatform) }, []string{"a", "b"}},
		{"layout for arm64", func() (*Image, error) { return OpenLayout(folder, "linux/arm64") }, []string{"arm"}},
		{"archive", func() (*Image, error) { return OpenArchive(archive) }, []string{"a", "b"}},
		{"registry", func() (*Image, error) { return Pull(t.Context(), reference, DefaultPlatform) }, []string{"a", "b"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, err := tt.open()
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, namesIn(t, got)); diff != "" {
				t.Errorf("layers (-want +got):\n%s", diff)
			}
			if tt.name == "registry" && got.Digest != digest.String() {
				t.Errorf("digest %s, want %s", got.Digest, digest)
			}
		})
	}

	if _, err := OpenLayout(folder, "linux/s390x"); !errors.Is(err, ErrPlatform) {
		t.Errorf("a platform that is not there: %v", err)
	}
	if _, err := OpenLayout(folder, "a/b/c/d"); err == nil {
		t.Error("a platform that is none is taken")
	}
	if err := os.WriteFile(archive, []byte("no archive"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := OpenArchive(archive); err == nil {
		t.Error("a text is opened as an archive")
	}
}

func TestIsReference(t *testing.T) {
	for text, want := range map[string]bool{
		"nginx:1.25": true, "registry.example/shop/api": true, "localhost:5000/api:1": true, "shop/api@sha256:" + strings.Repeat("a", 64): true,
		"web": false, "web/api": false, "./web:1": false, "../x": false, "/abs/web": false, "UPPER:1": false, "": false, "web/": false,
	} {
		if got := IsReference(text); got != want {
			t.Errorf("IsReference(%q) = %v", text, got)
		}
	}
}
