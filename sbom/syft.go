package sbom

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"io/fs"
	"path"
	"strings"
	"sync"

	"github.com/anchore/syft/syft/file"
	"github.com/anchore/syft/syft/pkg"
	"github.com/anchore/syft/syft/pkg/cataloger/golang"
	"github.com/anchore/syft/syft/pkg/cataloger/javascript"
	"github.com/anchore/syft/syft/pkg/cataloger/python"
	"github.com/anchore/syft/syft/pkg/cataloger/rust"
	"github.com/bmatcuk/doublestar/v4"

	"github.com/trifecta-scanner/trifecta/inventory"
)

// catalogers are Syft's readers of lock files and manifests, made when the first file asks for them. Each is built
// with everything switched off that would run a program or open a connection: Go's package loader runs the go command
// by default, and the others may ask registries for licences. Java's cataloger is left out: it links a downloader with
// the clients of three clouds, which more than doubles the program and its start-up, and knows less of a pom.xml than
// package ecosystem does.
var catalogers = sync.OnceValue(func() []pkg.Cataloger {
	goConfig := golang.CatalogerConfig{} // not the default: it starts the go command in the scanned folder
	npmConfig := javascript.DefaultCatalogerConfig()
	npmConfig.SearchRemoteLicenses = false
	npmConfig.IncludeDevDependencies = true // left out by default
	pythonConfig := python.DefaultCatalogerConfig()
	pythonConfig.SearchRemoteLicenses = false
	return []pkg.Cataloger{
		javascript.NewLockCataloger(npmConfig),
		golang.NewGoModuleFileCataloger(goConfig),
		python.NewPackageCataloger(pythonConfig),
		rust.NewCargoLockCataloger(),
	}
})

// secondPackage is a package as Syft sees it.
type secondPackage struct {
	name, version, purl string
	licenses            []string
}

// maxSecondReading bounds the files that are given to Syft, whose readers take time with the square of what they read.
const maxSecondReading = 2 << 20

// secondReading returns what Syft's catalogers find in one file of the tree.
func secondReading(ctx context.Context, tree *inventory.Tree, name string) (found []secondPackage, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("syft gave up: %v", p)
		}
	}()
	if data, err := tree.ReadFile(name); err != nil || len(data) > maxSecondReading {
		return nil, err
	}
	resolver := &oneFile{tree: tree, path: name}
	for _, c := range catalogers() {
		pkgs, _, catalogErr := c.Catalog(ctx, resolver)
		if catalogErr != nil {
			err = catalogErr
		}
		for _, p := range pkgs {
			second := secondPackage{name: p.Name, version: p.Version, purl: p.PURL}
			for _, l := range p.Licenses.ToSlice() {
				second.licenses = append(second.licenses, l.Value)
			}
			found = append(found, second)
		}
	}
	return found, err
}

// oneFile is a file.Resolver that offers one file of a tree to Syft's catalogers and lets them open others (go.sum, a
// parent pom.xml) by name. Nothing outside of the tree has a name in it.
type oneFile struct {
	tree *inventory.Tree
	path string
}

func (r *oneFile) location(name string) file.Location { return file.NewLocation(name) }

func (r *oneFile) FileContentsByLocation(l file.Location) (io.ReadCloser, error) {
	data, err := r.tree.ReadFile(strings.TrimPrefix(l.RealPath, "/"))
	if err != nil {
		return nil, err
	}
	return io.NopCloser(bytes.NewReader(data)), nil
}

func (r *oneFile) FileMetadataByLocation(l file.Location) (file.Metadata, error) {
	return file.Metadata{Path: l.RealPath}, nil
}

func (r *oneFile) HasPath(name string) bool { return r.tree.Has(strings.TrimPrefix(name, "/")) }

func (r *oneFile) FilesByPath(names ...string) ([]file.Location, error) {
	var found []file.Location
	for _, name := range names {
		if name = strings.TrimPrefix(name, "/"); r.tree.Has(name) {
			found = append(found, r.location(path.Clean(name)))
		}
	}
	return found, nil
}

func (r *oneFile) FilesByGlob(patterns ...string) ([]file.Location, error) {
	for _, pattern := range patterns {
		if ok, err := doublestar.Match(strings.TrimPrefix(pattern, "/"), r.path); err != nil {
			return nil, err
		} else if ok {
			return []file.Location{r.location(r.path)}, nil
		}
	}
	return nil, nil
}

func (r *oneFile) FilesByMIMEType(...string) ([]file.Location, error) { return nil, nil }

func (r *oneFile) RelativeFileByPath(_ file.Location, name string) *file.Location {
	name = path.Clean(strings.TrimPrefix(name, "/"))
	if !fs.ValidPath(name) || !r.tree.Has(name) {
		return nil
	}
	l := r.location(name)
	return &l
}

func (r *oneFile) AllLocations(ctx context.Context) <-chan file.Location {
	locations := make(chan file.Location, 1)
	locations <- r.location(r.path)
	close(locations)
	return locations
}
