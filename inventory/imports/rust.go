package imports

import (
	"bytes"
	"strings"
)

var rust = language{
	ecosystem: "crates.io",
	sources:   []string{".rs"},
	owns:      []string{"Cargo.lock"},
	imports:   rustImports,
	modules:   func(name string) ([]string, bool) { return []string{strings.ReplaceAll(name, "-", "_")}, true },
	within:    func(module, of string) bool { return module == of },
	test:      func(name string) bool { return inFolder(name, "tests", "benches", "examples") },
}

// rustImports finds crates where Rust names them: as the first element of a path (serde::de), as a macro or an attribute
// (smallvec!, #[serde(...)]), and in use and extern crate.
func rustImports(data []byte, found func(string, int), _ func(string)) {
	before := ""
	identifiers(data, func(start, end int) {
		for i := start; i < end; i++ { // a field or a method is no crate
			if data[i] == '.' {
				end = i
			}
		}
		name := data[start:end]
		next := data[end:min(end+2, len(data))]
		switch {
		case bytes.HasPrefix(next, []byte("::")) || bytes.HasPrefix(next, []byte("!")):
			if start < 2 || data[start-1] != ':' || data[start-2] != ':' || start == 2 || !wordByte(data[start-3]) {
				found(string(name), start)
			}
		case before == "use" || before == "crate" || start > 0 && data[start-1] == '[':
			found(string(name), start)
		}
		before = string(name)
	})
}
