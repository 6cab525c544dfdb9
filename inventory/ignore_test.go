package inventory

import (
	"strings"
	"testing"

	"github.com/go-git/go-git/v5/plumbing/format/gitignore"
)

// TestIgnoresAsGoGit asks about many names and compares with go-git's own matcher over the same patterns.
func TestIgnoresAsGoGit(t *testing.T) {
	root := []string{
		"*.log", "!keep.log", "/build/", "node_modules", "doc/*.txt", "**/tmp", "a/**/z", "x[0-9].go", "*.tar.gz", "!/important.tar.gz",
		"cache/", "\\!literal", "trailing ", "?.c", "*~", ".env*", "dist/", "!dist/",
	}
	inner := []string{"!*.log", "*.txt", "/only-here"}
	var ignore *ignores
	ignore = ignore.with(root, nil)
	below := ignore.with(inner, []string{"web"})
	all := func(lines []string, domain []string) []gitignore.Pattern {
		var patterns []gitignore.Pattern
		for _, l := range lines {
			patterns = append(patterns, gitignore.ParsePattern(l, domain))
		}
		return patterns
	}
	rootPatterns := all(root, nil)
	webPatterns := append(all(root, nil), all(inner, []string{"web"})...)
	names := []string{
		"a.log", "keep.log", "build", "node_modules", "a.txt", "tmp", "z", "x1.go", "xa.go", "b.tar.gz", "important.tar.gz", "cache",
		"!literal", "trailing", "trailing ", "a.c", "ab.c", "x~", ".env", ".env.local", "dist", "only-here", "none", "a.gz",
	}
	for _, folder := range []string{"", "doc", "a", "a/b", "web", "web/doc", "web/a/b"} {
		for _, name := range names {
			for _, isFolder := range []bool{false, true} {
				parts := strings.Split(strings.Trim(folder+"/"+name, "/"), "/")
				set, patterns := ignore, rootPatterns
				if strings.HasPrefix(folder, "web") {
					set, patterns = below, webPatterns
				}
				if got, want := set.ignored(parts, isFolder), gitignore.NewMatcher(patterns).Match(parts, isFolder); got != want {
					t.Errorf("%v (folder %v): ignored %v, go-git says %v", parts, isFolder, got, want)
				}
			}
		}
	}
}
