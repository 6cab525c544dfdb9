package ecosystem

import (
	"encoding/hex"
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

// projectName returns the name that a manifest gives to a project, else the folder of its lock file, else "root": what
// the folder of the tree is called says nothing about the project.
func projectName(stated, lockFile string) string {
	if stated != "" {
		return stated
	}
	if folder := path.Base(path.Dir(lockFile)); folder != "." {
		return folder
	}
	return "root"
}

// isHex reports whether s is a number of that many hexadecimal digits.
func isHex(s string, digits int) bool {
	_, err := hex.DecodeString(s)
	return err == nil && len(s) == digits
}
