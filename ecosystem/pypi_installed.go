package ecosystem

import (
	"bytes"
	"context"
	"path"
	"strings"

	"github.com/trifecta-scanner/trifecta/inventory"
)

// isInstalledWheel claims the metadata of installed packages, which stands in a folder beside the code: in a virtual
// environment that was committed, or in the folder of a function that brings its packages along.
// Source: https://packaging.python.org/en/latest/specifications/recording-installed-packages/
func isInstalledWheel(p string) bool {
	dir, name := path.Split(p)
	dir = strings.ToLower(strings.TrimSuffix(dir, "/"))
	return name == "METADATA" && strings.HasSuffix(dir, ".dist-info") || name == "PKG-INFO" && strings.HasSuffix(dir, ".egg-info")
}

// maxWheelHeader bounds how much of a metadata file is looked at: its fields stand before a long description.
const maxWheelHeader = 64 << 10

// readInstalledWheel reads the core metadata of one package (https://packaging.python.org/en/latest/specifications/core-metadata/).
func readInstalledWheel(_ context.Context, tree *inventory.Tree, name string) (*Document, error) {
	dir := path.Dir(path.Dir(name))
	doc := &Document{}
	// An .egg-info beside a project's own files is what `pip install -e .` writes about the project itself.
	if path.Base(name) == "PKG-INFO" && hasAny(tree, dir, "setup.py", "pyproject.toml", "setup.cfg") {
		return doc, nil
	}
	data, err := tree.ReadFile(name)
	if err != nil {
		return nil, err
	}
	e := Entry{}
	number := 0
	for raw := range bytes.Lines(data[:min(len(data), maxWheelHeader)]) {
		number++
		line := strings.TrimRight(string(raw), "\r\n")
		if line == "" {
			break
		}
		field, value, _ := strings.Cut(line, ":")
		value = strings.TrimSpace(value)
		switch strings.ToLower(field) {
		case "name":
			if e.Name == "" {
				e.Name, e.Location = value, lineLocation(name, number, line)
			}
		case "version":
			if e.Version == "" {
				e.Version = value
				if e.Location.Line == number-1 {
					e.Location.EndLine, e.Location.EndColumn = number, len(line)+1
				}
			}
		case "license-expression":
			e.Licenses = []string{value}
		case "license":
			// The field may hold a whole text; what is longer than an identifier is none.
			if value != "" && value != "UNKNOWN" && len(value) < 80 && e.Licenses == nil {
				e.Licenses = []string{value}
			}
		}
	}
	doc.Declared = 1
	if req, ok := parseRequirement(e.Name); ok && req.name == e.Name {
		doc.Entries = []Entry{e}
	}
	doc.Resolve()
	return doc, nil
}
