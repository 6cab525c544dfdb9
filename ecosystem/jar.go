package ecosystem

import (
	"archive/zip"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"path"
	"slices"
	"strings"

	"github.com/trifecta-scanner/trifecta/inventory"
)

// jarFormat reads archives of Java classes that lie in the tree, with the archives inside of them.
var jarFormat = Format{Name: "jar", Match: isJar, LockFile: true, Vendored: true, Installed: true, Read: readJar}

func isJar(name string) bool {
	return slices.Contains([]string{".jar", ".war", ".ear"}, path.Ext(name)) && !buildTools[path.Base(name)]
}

// buildTools are archives that start a build and are no part of what is built.
var buildTools = map[string]bool{"gradle-wrapper.jar": true, "maven-wrapper.jar": true}

// Bounds of one archive: real ones hold some thousand files and a few hundred archives.
const (
	maxJarDepth = 4
	maxJarFiles = 200_000
	maxJarBytes = 512 << 20 // unpacked, of the archives inside
	maxJarProps = 64 << 10
)

// readJar reads the coordinates that Maven leaves in an archive, META-INF/maven/GROUP/ARTIFACT/pom.properties
// (https://maven.apache.org/shared/maven-archiver/). An archive without them has a name and no coordinates, and is told
// by a notice: who published it can't be known from a file name.
func readJar(ctx context.Context, tree *inventory.Tree, name string) (*Document, error) {
	data, err := tree.ReadFile(name)
	if err != nil {
		return nil, err
	}
	j := jar{ctx: ctx, doc: &Document{Root: path.Base(name)}, place: inventory.Location{Path: name}, left: maxJarBytes}
	err = j.archive(data, path.Base(name), nil)
	if len(j.unknown) > 0 {
		j.doc.Notices = append(j.doc.Notices, inventory.Notice{
			Code: "archive-without-coordinates", Location: &inventory.Location{Path: name},
			Message: fmt.Sprintf("%s holds archives without Maven coordinates, which can't be matched: %s", name, firstOf(j.unknown)),
		})
	}
	j.doc.Resolve()
	return j.doc, err
}

type jar struct {
	ctx     context.Context
	doc     *Document
	place   inventory.Location
	left    int64 // bytes that may still be unpacked
	files   int
	unknown []string // archives without coordinates
}

// archive reads one archive; chain names those around it.
func (j *jar) archive(data []byte, name string, chain []string) error {
	zip, err := zip.NewReader(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	chain = append(slices.Clip(chain), name)
	known, classes := false, false
	var inner []func() error
	for _, f := range zip.File {
		if j.files++; j.files > maxJarFiles {
			return fmt.Errorf("%s: more than %d files", name, maxJarFiles)
		}
		if err := j.ctx.Err(); err != nil {
			return err
		}
		switch {
		case strings.HasPrefix(f.Name, "META-INF/maven/") && path.Base(f.Name) == "pom.properties":
			text, err := j.unpack(f, maxJarProps)
			if err != nil {
				return fmt.Errorf("%s: %w", f.Name, err)
			}
			known = j.coordinates(text, chain) || known
		case path.Ext(f.Name) == ".class":
			classes = true
		case isJar(f.Name) && len(chain) < maxJarDepth:
			inner = append(inner, func() error {
				data, err := j.unpack(f, j.left)
				if err != nil {
					return fmt.Errorf("%s: %w", f.Name, err)
				}
				return j.archive(data, path.Base(f.Name), chain)
			})
		}
	}
	if !known && classes {
		j.unknown = append(j.unknown, name)
	}
	for _, read := range inner {
		if err := read(); err != nil {
			return err
		}
	}
	return nil
}

var errJarTooLarge = errors.New("unpacks to more than the limit")

// unpack returns the content of a file, whatever size its header claims.
func (j *jar) unpack(f *zip.File, limit int64) ([]byte, error) {
	limit = min(limit, j.left)
	r, err := f.Open()
	if err != nil {
		return nil, err
	}
	defer func() { _ = r.Close() }() // it was only read
	data, err := io.ReadAll(io.LimitReader(r, limit+1))
	if err != nil {
		return nil, err
	}
	if int64(len(data)) > limit {
		return nil, errJarTooLarge
	}
	j.left -= int64(len(data))
	return data, nil
}

// coordinates adds the package that a pom.properties names.
func (j *jar) coordinates(text []byte, chain []string) bool {
	fields := map[string]string{}
	for line := range strings.Lines(string(text)) {
		name, value, ok := strings.Cut(strings.TrimSpace(line), "=")
		if ok && !strings.HasPrefix(name, "#") {
			fields[strings.TrimSpace(name)] = strings.TrimSpace(value)
		}
	}
	group, artifact, version := fields["groupId"], fields["artifactId"], fields["version"]
	if group == "" || artifact == "" || version == "" {
		return false
	}
	full := group + ":" + artifact
	j.doc.Entries = append(j.doc.Entries, Entry{
		Name: full, Version: version, Location: j.place, Scope: inventory.ScopeRuntime, Origin: inventory.OriginRegistry,
		Chain: append(slices.Clip(chain), full),
	})
	return true
}
