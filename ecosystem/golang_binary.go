package ecosystem

import (
	"bytes"
	"context"
	"debug/buildinfo"
	"errors"
	"io"
	"path"
	"runtime/debug"
	"strings"

	"golang.org/x/mod/semver"

	"github.com/trifecta-scanner/trifecta/inventory"
)

// dataFolders are folders of a system in which nothing is started.
var dataFolders = []string{"usr/share/", "usr/include/", "usr/src/", "boot/", "proc/", "sys/", "dev/", "var/lib/dpkg/", "var/lib/apt/", "var/lib/rpm/", "var/cache/", "var/log/", "etc/"}

// isExecutable reports whether a path may be that of a program: its name has no ending other than a version.
func isExecutable(name string) bool {
	ext := path.Ext(name)
	if ext != "" && ext != ".bin" && (len(ext) < 2 || ext[1] < '0' || ext[1] > '9') || strings.HasPrefix(path.Base(name), ".") || strings.Contains(path.Base(name), ".so.") {
		return false
	}
	for _, dir := range dataFolders {
		if strings.HasPrefix(name, dir) {
			return false
		}
	}
	return true
}

// readGoBinary reads the modules that the go command writes into each program that it builds
// (https://pkg.go.dev/runtime/debug#BuildInfo), with the version of the toolchain as that of the standard library. A file
// that is no program of Go says nothing.
func readGoBinary(_ context.Context, tree *inventory.Tree, name string) (*Document, error) {
	f, err := tree.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	program, ok := f.(io.ReaderAt)
	if !ok {
		data, err := tree.ReadFile(name)
		if err != nil {
			return nil, err
		}
		program = bytes.NewReader(data)
	}
	magic := make([]byte, 4)
	if _, err := program.ReadAt(magic, 0); err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	if string(magic) != "\x7fELF" {
		return &Document{}, nil
	}
	info, err := buildinfo.Read(program)
	if err != nil {
		return &Document{}, nil // a program of another language
	}
	return goModules(info, name), nil
}

// goModules returns the modules that a program was built from.
func goModules(info *debug.BuildInfo, name string) *Document {
	doc := &Document{Root: info.Main.Path}
	add := func(module, version string) {
		if !semver.IsValid(version) {
			return // a folder beside the project, or a build without a version
		}
		version = strings.TrimSuffix(strings.TrimPrefix(version, "v"), "+dirty")
		if len(doc.Entries) < maxEntries {
			doc.Entries = append(doc.Entries, Entry{
				Name: module, Version: version, Location: inventory.Location{Path: name}, Scope: inventory.ScopeRuntime, Origin: inventory.OriginRegistry,
			})
		}
	}
	add(info.Main.Path, info.Main.Version)
	for _, m := range info.Deps {
		if m.Replace != nil {
			m = m.Replace
		}
		add(m.Path, m.Version)
	}
	toolchain, _, _ := strings.Cut(strings.TrimPrefix(info.GoVersion, "go"), " ")
	if startsWithDigit(toolchain) {
		doc.Entries = append(doc.Entries, Entry{
			Name: goStdlib, Version: toolchain, Location: inventory.Location{Path: name}, Scope: inventory.ScopeRuntime, Origin: inventory.OriginRegistry,
		})
	}
	doc.Resolve()
	return doc
}
