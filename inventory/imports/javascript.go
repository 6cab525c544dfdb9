package imports

import (
	"bytes"
	"path"
	"strings"
)

var javascript = language{
	ecosystem: "npm",
	sources:   []string{".js", ".mjs", ".cjs", ".jsx", ".ts", ".mts", ".cts", ".tsx", ".vue", ".svelte", ".astro"},
	owns:      []string{"package-lock.json", "npm-shrinkwrap.json", "yarn.lock", "pnpm-lock.yaml", "bun.lock"},
	imports:   javascriptImports,
	modules:   func(name string) ([]string, bool) { return []string{name}, !strings.HasPrefix(name, "@types/") },
	within:    func(module, of string) bool { return module == of || strings.HasPrefix(module, of+"/") },
	test: func(name string) bool {
		base := path.Base(name)
		return strings.Contains(base, ".test.") || strings.Contains(base, ".spec.") ||
			inFolder(name, "test", "tests", "__tests__", "__mocks__", "spec", "e2e", "cypress")
	},
}

// javascriptImports looks at every text between quotes on one line that could be the name of a module. Behind from,
// import or require it is imported; elsewhere it may be what a configuration or a loader is given: loader: "sass-loader".
func javascriptImports(data []byte, found func(string, int), named func(string)) {
	for i := 0; i < len(data); i++ {
		quote := data[i]
		if quote != '"' && quote != '\'' && quote != '`' {
			continue
		}
		end := i + 1
		for end < len(data) && end-i < maxName && moduleByte[data[end]] {
			end++
		}
		if end == i+1 || end >= len(data) || data[end] != quote || data[i+1] == '.' || data[i+1] == '/' {
			continue
		}
		name := string(data[i+1 : end])
		if importing(data[:i]) {
			found(strings.TrimPrefix(name, "node:"), i+1)
		} else {
			named(name)
		}
		i = end
	}
}

// maxName is longer than the name of any module: npm allows 214 characters, and a path may follow.
const maxName = 512

// moduleByte are the bytes of a module's name with its path.
var moduleByte = func() (set [256]bool) {
	for _, c := range []byte("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789@~._-/:+!") {
		set[c] = true
	}
	return set
}()

// importing reports whether what comes before a quote makes the text behind it an import: from "a", import "a",
// import("a"), require("a"), require.resolve("a").
func importing(before []byte) bool {
	before = bytes.TrimRight(before[max(0, len(before)-64):], " \t\r\n(")
	for _, word := range []string{"from", "import", "require", "require.resolve"} {
		if rest, ok := bytes.CutSuffix(before, []byte(word)); ok {
			return len(rest) == 0 || !wordByte(rest[len(rest)-1]) && rest[len(rest)-1] != '.' && rest[len(rest)-1] != '$'
		}
	}
	return false
}
