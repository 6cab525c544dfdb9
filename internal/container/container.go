// Package container opens container images: a folder in the OCI layout, an archive of docker save, or a reference that is pulled
// from a registry. It hands out their layers as tar archives and runs nothing. It is the home of go-containerregistry.
//
// What a registry answers is compared with the digests that name it. Credentials are those of the user's own configuration of
// Docker, or none.
package container

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/tarball"

	"github.com/trifecta-scanner/trifecta/internal/web"
)

// Image is a container image for one platform.
type Image struct {
	Digest string // of its manifest, as sha256:hex
	layers []v1.Layer
}

// maxLayers is what an image may have; container engines end at 127.
const maxLayers = 512

// DefaultPlatform is the one that is taken of an image for several.
const DefaultPlatform = "linux/amd64"

// ErrPlatform says that an image is not there for a platform.
var ErrPlatform = errors.New("the image is not there for this platform")

// IsLayout reports whether a folder is an image in the OCI layout
// (https://github.com/opencontainers/image-spec/blob/main/image-layout.md).
func IsLayout(dir string) bool {
	_, err := os.Stat(filepath.Join(dir, "oci-layout"))
	return err == nil
}

// IsReference reports whether a text can only be the reference of an image: with a registry in front, a tag or a digest.
func IsReference(text string) bool {
	if _, err := name.ParseReference(text); err != nil || strings.HasPrefix(text, ".") {
		return false
	}
	first, _, more := strings.Cut(text, "/")
	return more && (strings.ContainsAny(first, ".:") || first == "localhost") || strings.ContainsAny(text[strings.LastIndex(text, "/")+1:], ":@")
}

// OpenLayout opens an image in the OCI layout, and of an index the image for a platform.
func OpenLayout(dir, platform string) (*Image, error) {
	wanted, err := v1.ParsePlatform(platform)
	if err != nil {
		return nil, fmt.Errorf("%q is no platform such as %s", platform, DefaultPlatform)
	}
	index, err := layout.ImageIndexFromPath(dir)
	if err != nil {
		return nil, err
	}
	image, err := of(index, wanted, 0)
	if err != nil {
		return nil, err
	}
	return opened(image)
}

// of returns the image for a platform; an index of one image without a platform is that image.
func of(index v1.ImageIndex, wanted *v1.Platform, depth int) (v1.Image, error) {
	if depth > 4 {
		return nil, errors.New("indexes in indexes")
	}
	manifest, err := index.IndexManifest()
	if err != nil {
		return nil, err
	}
	for _, m := range manifest.Manifests {
		switch {
		case m.MediaType.IsIndex():
			below, err := index.ImageIndex(m.Digest)
			if err != nil {
				return nil, err
			}
			if image, err := of(below, wanted, depth+1); !errors.Is(err, ErrPlatform) {
				return image, err
			}
		case m.MediaType.IsImage() && (m.Platform == nil || m.Platform.Satisfies(*wanted)):
			return index.Image(m.Digest)
		}
	}
	return nil, fmt.Errorf("%w: %s", ErrPlatform, wanted)
}

// OpenArchive opens the one image of an archive that docker save writes.
func OpenArchive(file string) (*Image, error) {
	image, err := tarball.ImageFromPath(file, nil)
	if err != nil {
		return nil, err
	}
	return opened(image)
}

// Pull opens an image of a registry. Its layers are fetched when they are read.
func Pull(ctx context.Context, reference, platform string) (*Image, error) {
	ref, err := name.ParseReference(reference)
	if err != nil {
		return nil, fmt.Errorf("%q is no reference of an image: %w", reference, err)
	}
	wanted, err := v1.ParsePlatform(platform)
	if err != nil {
		return nil, fmt.Errorf("%q is no platform such as %s", platform, DefaultPlatform)
	}
	image, err := remote.Image(ref, remote.WithContext(ctx), remote.WithPlatform(*wanted), remote.WithTransport(web.NewTransport()),
		remote.WithAuthFromKeychain(authn.DefaultKeychain), remote.WithUserAgent("trifecta"))
	if err != nil {
		return nil, err
	}
	return opened(image)
}

func opened(image v1.Image) (*Image, error) {
	digest, err := image.Digest()
	if err != nil {
		return nil, err
	}
	layers, err := image.Layers()
	if err != nil {
		return nil, err
	}
	if len(layers) > maxLayers {
		return nil, fmt.Errorf("it has %d layers, more than %d", len(layers), maxLayers)
	}
	return &Image{digest.String(), layers}, nil
}

// Layers calls read with each layer as a tar archive, the lowest first.
func (i *Image) Layers(read func(io.Reader) error) error {
	for k, l := range i.layers {
		if err := layer(l, read); err != nil {
			return fmt.Errorf("layer %d of %d: %w", k+1, len(i.layers), err)
		}
	}
	return nil
}

func layer(l v1.Layer, read func(io.Reader) error) (err error) {
	r, err := l.Uncompressed()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, r.Close()) }()
	if err := read(r); err != nil {
		return err
	}
	// What is behind the archive is read as well: with the last byte the digest is checked.
	_, err = io.Copy(io.Discard, io.LimitReader(r, 1<<20))
	return err
}
