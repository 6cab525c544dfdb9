package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/trifecta-scanner/trifecta/internal/container"
	"github.com/trifecta-scanner/trifecta/internal/disk"
	"github.com/trifecta-scanner/trifecta/report"
	"github.com/trifecta-scanner/trifecta/scanner"
)

// isImage reports whether what the user names is a container image: a file, a folder in the OCI layout, or nothing of this
// machine and the reference of an image.
func isImage(name string) bool {
	info, err := os.Stat(name)
	if err != nil {
		return errors.Is(err, os.ErrNotExist) && container.IsReference(name)
	}
	return !info.IsDir() || container.IsLayout(name)
}

// runImage writes the bill of materials of a container image.
func (a *app) runImage(ctx context.Context, name, platform string, outputs []report.Output) (err error) {
	shown := a.progress()
	defer shown.step("")
	shown.step("reading " + name)
	image, err := openImage(ctx, name, platform)
	if err != nil {
		return &exitError{code: exitUnable, err: fmt.Errorf("%s: %w", name, err)}
	}
	content, err := os.CreateTemp("", "trifecta-image-")
	if err != nil {
		return &exitError{code: exitUnable, err: err}
	}
	defer func() { err = errors.Join(err, content.Close(), os.Remove(content.Name())) }()
	layers := disk.NewLayers(content)
	if err := image.Layers(func(r io.Reader) error { return layers.Add(ctx, r) }); err != nil {
		return &exitError{code: exitUnable, err: fmt.Errorf("%s: %w", name, err)}
	}
	res, _, err := a.system(ctx, system{name: name, kind: scanner.ContainerTarget, digest: image.Digest, fsys: layers.FS()}, &scanOptions{noMatch: true}, shown)
	if err != nil {
		return err
	}
	return a.write(outputs, res)
}

func openImage(ctx context.Context, name, platform string) (*container.Image, error) {
	info, err := os.Stat(name)
	switch {
	case err != nil:
		return container.Pull(ctx, name, platform)
	case info.IsDir():
		return container.OpenLayout(name, platform)
	}
	return container.OpenArchive(name)
}
