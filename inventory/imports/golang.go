package imports

import (
	"bytes"
	"go/parser"
	"go/token"
	"strconv"
	"strings"
)

var golang = language{
	ecosystem: "Go",
	sources:   []string{".go"},
	owns:      []string{"go.mod"},
	imports:   golangImports,
	modules:   func(name string) ([]string, bool) { return []string{name}, true },
	within:    func(module, of string) bool { return module == of || strings.HasPrefix(module, of+"/") },
	test: func(name string) bool {
		return strings.HasSuffix(name, "_test.go") || inFolder(name, "testdata")
	},
	// A tool directive or a generated file names packages elsewhere; cgo and plugins load by path.
	loads: func(data []byte) bool { return bytes.Contains(data, []byte("plugin.Open(")) },
}

func golangImports(data []byte, found func(string, int), _ func(string)) {
	files := token.NewFileSet()
	file, err := parser.ParseFile(files, "", data, parser.ImportsOnly|parser.SkipObjectResolution)
	if file == nil || err != nil && len(file.Imports) == 0 {
		return
	}
	for _, spec := range file.Imports {
		if name, err := strconv.Unquote(spec.Path.Value); err == nil {
			found(name, files.Position(spec.Path.Pos()).Offset+1)
		}
	}
}
