package fix

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha512"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"strings"
)

// The releases of package managers that lock files are completed with: the last ones that write each version of a lock
// file and run on Node.js 18. A lock file keeps its version.
var (
	pnpm8 = NodePackage{Name: "pnpm", Called: "pnpm", Version: "8.15.9", Main: "dist/pnpm.cjs",
		SHA512: "499434c9d8fdd1a2794ebf4552b3b25c0a633abcee5bb15e7b5de90f32f47b513aca98cd5cfd001c31f0db454bc3804edccd578501e4ca293a6816166bbd9f81"}
	pnpm10 = NodePackage{Name: "pnpm", Called: "pnpm", Version: "10.34.9", Main: "dist/pnpm.cjs",
		SHA512: "f49b5a8ea0fdedb44bb3c0c1d6575092a53c2950d95b7ad15df11f17974877a2de3a01c07e934e9b28ce716e51c09a94962c7306d09be2e1e4b18a8c8762fd32"}
	yarn3 = NodePackage{Name: "@yarnpkg/cli-dist", Called: "yarn", Version: "3.8.7", Main: "bin/yarn.js",
		SHA512: "60ca0094b47d7fe9315e32bbda0801222762dee95042b429312c73acb52dd0e524f5776cb76bf6e8b0526059733a6fbb291356818209a458c0f2e4670a0079c5"}
	yarn4 = NodePackage{Name: "@yarnpkg/cli-dist", Called: "yarn", Version: "4.12.0", Main: "bin/yarn.js",
		SHA512: "af40157e92945c86e06a3285634c163192f0668bbe0899adaadf98e4b4e299b3da03bf2cac8d129cb2484b88a43c4d66bfc6133d0ee6a9151da0307b5be9030c"}
)

// at returns the package with its address in a registry.
func (p NodePackage) at(registry *npmRegistry) *NodePackage {
	p.Address = registry.base + p.Name + "/-/" + path.Base(p.Name) + "-" + p.Version + ".tgz"
	return &p
}

const (
	maxNodePackage      = 64 << 20  // bytes of an archive
	maxNodePackageFiles = 256 << 20 // bytes of what is in it
)

// unpack puts a program into the folder of a run. The archive stays in the cache, to which programs may write: it is
// looked at anew each time.
func (c *Contained) unpack(ctx context.Context, b box, p *NodePackage) error {
	kept := filepath.Join(b.cache, "node-"+p.SHA512[:32]+".tgz")
	data, err := os.ReadFile(kept)
	if err != nil || !p.is(data) {
		if c.Client == nil {
			return &ToolError{Program: p.Called, Missing: true, Err: errors.New("programs are not fetched")}
		}
		if data, err = c.Client.Get(ctx, p.Address); err != nil {
			return &ToolError{Program: p.Called, Err: fmt.Errorf("fetch %s %s: %w", p.Name, p.Version, err)}
		}
		if !p.is(data) {
			return &ToolError{Program: p.Called, Err: fmt.Errorf("the registry's archive of %s %s is not the one that we know", p.Name, p.Version)}
		}
		_ = os.WriteFile(kept, data, 0o600) // else it is fetched again
	}
	z, err := gzip.NewReader(bytes.NewReader(data))
	if err != nil {
		return err
	}
	if err := os.MkdirAll(b.tool, 0o700); err != nil {
		return err
	}
	root, err := os.OpenRoot(b.tool)
	if err != nil {
		return err
	}
	defer func() { _ = root.Close() }()
	r := tar.NewReader(io.LimitReader(z, maxNodePackageFiles))
	for {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("unpack %s: %w", p.Name, err)
		}
		_, name, ok := strings.Cut(path.Clean(h.Name), "/") // the first folder is called package
		if !ok || h.Typeflag != tar.TypeReg || !neededFile(name) {
			continue
		}
		text, err := io.ReadAll(r)
		if err != nil {
			return fmt.Errorf("unpack %s: %w", p.Name, err)
		}
		if err := put(root, name, text); err != nil {
			return err
		}
	}
}

// neededFile leaves out what lock files are not made with: programs of other systems, maps of sources, node-gyp.
func neededFile(name string) bool {
	for _, part := range []string{"node_modules/", "vendor/", "templates/", "node-gyp-bin/"} {
		if strings.Contains(name, "/"+part) {
			return false
		}
	}
	return !strings.HasSuffix(name, ".map") && !strings.HasSuffix(name, ".node")
}

// is reports whether the bytes are the archive.
func (p *NodePackage) is(data []byte) bool {
	sum := sha512.Sum512(data)
	return len(data) <= maxNodePackage && hex.EncodeToString(sum[:]) == p.SHA512
}
