package ecosystem

import (
	"maps"
	"path"
	"slices"
	"strings"
)

// base matches files by their exact base names.
func base(names ...string) func(string) bool {
	return func(p string) bool { return slices.Contains(names, path.Base(p)) }
}

// splitLast cuts s around the last sep; without one, the first part is empty.
func splitLast(s, sep string) (before, after string) {
	if i := strings.LastIndex(s, sep); i >= 0 {
		return s[:i], s[i+len(sep):]
	}
	return "", s
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

func startsWithDigit(s string) bool { return s != "" && s[0] >= '0' && s[0] <= '9' }
