package main

import (
	"archive/tar"
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strings"
)

// checksums are what release/checksums.txt says: which archives, built from what by what.
type checksums struct {
	Version, Commit, Go string
	Sums                map[string]string // archive to SHA-256 in hexadecimal digits
}

// String writes the file in the form that sha256sum -c reads.
func (c checksums) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "# trifecta %s, commit %s, built with %s\n", c.Version, c.Commit, c.Go)
	for _, name := range slices.Sorted(maps.Keys(c.Sums)) {
		fmt.Fprintf(&b, "%s  %s\n", c.Sums[name], name)
	}
	return b.String()
}

// readChecksums reads what String wrote.
func readChecksums(text string) (checksums, error) {
	c := checksums{Sums: map[string]string{}}
	lines := bufio.NewScanner(strings.NewReader(text))
	if !lines.Scan() {
		return c, errors.New("it is empty")
	}
	if n, err := fmt.Sscanf(strings.ReplaceAll(lines.Text(), ",", ""), "# trifecta %s commit %s built with %s", &c.Version, &c.Commit, &c.Go); n != 3 || !isVersion.MatchString(c.Version) {
		return c, fmt.Errorf("its first line does not say what it is of: %w", err)
	}
	for lines.Scan() {
		sum, name, ok := strings.Cut(lines.Text(), "  ")
		if raw, err := hex.DecodeString(sum); err != nil || len(raw) != sha256.Size || !ok || name != path.Base(name) || c.Sums[name] != "" {
			return c, fmt.Errorf("%q is no checksum of a file", lines.Text())
		}
		c.Sums[name] = sum
	}
	return c, lines.Err()
}

// build makes the archives of all targets and returns what they are, with their checksums.
func (r *releaser) build(ctx context.Context, c checksums) (checksums, error) {
	c.Sums = map[string]string{}
	if err := os.MkdirAll(r.out, 0o755); err != nil {
		return c, err
	}
	for _, target := range r.targets {
		archive, err := r.archive(ctx, target, c)
		if err != nil {
			return c, fmt.Errorf("%s: %w", target, err)
		}
		name := archiveName(c.Version, target)
		if err := os.WriteFile(filepath.Join(r.out, name), archive, 0o644); err != nil {
			return c, err
		}
		sum := sha256.Sum256(archive)
		c.Sums[name] = hex.EncodeToString(sum[:])
	}
	return c, nil
}

// program is the package that a release is of.
const program = "./cmd/trifecta"

// archive builds the program for a target and packs it.
func (r *releaser) archive(ctx context.Context, target string, c checksums) ([]byte, error) {
	system, machine, ok := strings.Cut(target, "/")
	if !ok {
		return nil, errors.New("want GOOS/GOARCH")
	}
	temp, err := os.MkdirTemp("", "release-")
	if err != nil {
		return nil, err
	}
	defer func() { _ = os.RemoveAll(temp) }() // it is in the folder for temporary files
	name := "trifecta"
	if system == "windows" {
		name += ".exe"
	}
	// Nothing of the environment of a machine gets into the program but where it finds modules and its cache.
	environ := append(os.Environ(), "GOOS="+system, "GOARCH="+machine, "CGO_ENABLED=0", "GOFLAGS=", "GOTOOLCHAIN=local", "GOWORK=off",
		"GOEXPERIMENT=", "GOAMD64=v1", "GOARM64=v8.0", "GODEBUG=")
	built := filepath.Join(temp, name)
	cmd := exec.CommandContext(ctx, "go", "build", "-trimpath", "-buildvcs=false",
		"-ldflags", fmt.Sprintf("-s -w -X main.version=%s -X main.commit=%s", c.Version, c.Commit), "-o", built, program)
	cmd.Dir, cmd.Env, cmd.Stderr = r.root, environ, os.Stderr
	if err := cmd.Run(); err != nil {
		return nil, fmt.Errorf("go build: %w", err)
	}
	binary, err := os.ReadFile(built)
	if err != nil {
		return nil, err
	}
	licence, err := os.ReadFile(filepath.Join(r.root, "LICENSE"))
	if err != nil {
		return nil, err
	}
	list := exec.CommandContext(ctx, "go", "list", "-deps", "-f", "{{with .Module}}{{.Path}}\t{{.Version}}\t{{.Dir}}{{end}}", program)
	list.Dir, list.Env, list.Stderr = r.root, environ, os.Stderr
	modules, err := list.Output()
	if err != nil {
		return nil, fmt.Errorf("go list: %w", err)
	}
	notices, err := notices(string(modules))
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	err = pack(&b, []file{{"LICENSE", licence, false}, {"THIRD-PARTY-NOTICES", notices, false}, {name, binary, true}})
	return b.Bytes(), err
}

// notices returns the licences of modules, which their authors want to see beside the program. modules holds path,
// version and folder of each, as often as it has packages.
func notices(modules string) ([]byte, error) {
	var b bytes.Buffer
	lines := slices.Sorted(strings.Lines(modules))
	for _, line := range slices.Compact(lines) {
		fields := strings.Split(strings.TrimSuffix(line, "\n"), "\t")
		if len(fields) != 3 || fields[1] == "" { // the main module
			continue
		}
		entries, err := os.ReadDir(fields[2])
		if err != nil {
			return nil, err
		}
		found := false
		for _, e := range entries {
			if !e.Type().IsRegular() || !isLicence(e.Name()) {
				continue
			}
			text, err := os.ReadFile(filepath.Join(fields[2], e.Name()))
			if err != nil {
				return nil, err
			}
			found = true
			fmt.Fprintf(&b, "==== %s %s: %s\n\n%s\n\n", fields[0], fields[1], e.Name(), bytes.TrimSpace(bytes.ReplaceAll(text, []byte("\r\n"), []byte("\n"))))
		}
		if !found {
			fmt.Fprintf(&b, "==== %s %s: no file with a licence\n\n", fields[0], fields[1])
		}
	}
	return b.Bytes(), nil
}

// isLicence reports whether a file at the root of a module is one that goes along with a program.
func isLicence(name string) bool {
	name = strings.ToUpper(name)
	return slices.ContainsFunc([]string{"LICENSE", "LICENCE", "COPYING", "NOTICE", "PATENTS"}, func(word string) bool {
		return name == word || strings.HasPrefix(name, word+".") || strings.HasPrefix(name, word+"-")
	})
}

// file is one of an archive.
type file struct {
	name       string
	content    []byte
	executable bool
}

// pack writes an archive without anything of the machine and the time that it is made at.
func pack(w io.Writer, files []file) error {
	z, err := gzip.NewWriterLevel(w, gzip.BestCompression)
	if err != nil {
		return err
	}
	t := tar.NewWriter(z)
	for _, f := range files {
		mode := int64(0o644)
		if f.executable {
			mode = 0o755
		}
		header := &tar.Header{Typeflag: tar.TypeReg, Name: f.name, Mode: mode, Size: int64(len(f.content)), Format: tar.FormatUSTAR}
		if err := t.WriteHeader(header); err != nil {
			return err
		}
		if _, err := t.Write(f.content); err != nil {
			return err
		}
	}
	return errors.Join(t.Close(), z.Close())
}
