package imports

import (
	"bytes"
	"regexp"
	"strings"
)

var ruby = language{
	ecosystem: "RubyGems",
	sources:   []string{".rb", ".rake", ".ru", ".gemspec"},
	owns:      []string{"Gemfile.lock"},
	imports:   rubyImports,
	modules: func(name string) ([]string, bool) {
		return []string{name, strings.ReplaceAll(name, "-", "/"), strings.ReplaceAll(name, "-", "_")}, true
	},
	within: func(module, of string) bool { return module == of || strings.HasPrefix(module, of+"/") },
	test:   func(name string) bool { return inFolder(name, "test", "spec", "features") },
	// Bundler.require and Rails load every gem of the Gemfile without naming it.
	loads: func(data []byte) bool {
		return bytes.Contains(data, []byte("Bundler.require")) || bytes.Contains(data, []byte("rails/all"))
	},
}

var rubyRequire = regexp.MustCompile(`\b(?:require|load|autoload\s*\(?\s*:\w+\s*,)\s*\(?\s*["']([A-Za-z0-9_][^"'\n]*)["']`)

func rubyImports(data []byte, found func(string, int), _ func(string)) {
	for _, m := range rubyRequire.FindAllSubmatchIndex(data, -1) {
		found(string(data[m[2]:m[3]]), m[2])
	}
}
