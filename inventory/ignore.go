package inventory

import (
	"path"
	"slices"
	"strings"

	"github.com/go-git/go-git/v5/plumbing/format/gitignore"
)

// ignores are the patterns of one .gitignore, with those of the folders above. go-git's patterns decide; which of them
// are asked about a name is found by the name, because most patterns say one name or one extension and repositories
// have hundreds of patterns for thousands of files.
type ignores struct {
	above    *ignores
	patterns []gitignore.Pattern
	byName   map[string][]int // patterns that end in a plain name
	byExt    map[string][]int // patterns that end in *.ext
	others   []int
}

// with returns the patterns of the lines of one file of the folder parts on top of s.
func (s *ignores) with(lines []string, parts []string) *ignores {
	if len(lines) == 0 {
		return s
	}
	set := &ignores{above: s, byName: map[string][]int{}, byExt: map[string][]int{}}
	for i, line := range lines {
		set.patterns = append(set.patterns, gitignore.ParsePattern(line, parts))
		last := path.Base(strings.TrimSuffix(strings.TrimPrefix(strings.TrimRight(line, " "), "!"), "/"))
		plain := func(s string) bool { return !strings.ContainsAny(s, `*?[\`) }
		switch ext := path.Ext(last); {
		case plain(last):
			set.byName[last] = append(set.byName[last], i)
		case strings.HasPrefix(last, "*") && plain(last[1:]) && ext != "":
			set.byExt[ext] = append(set.byExt[ext], i)
		default:
			set.others = append(set.others, i)
		}
	}
	return set
}

// ignored reports whether the file or folder at parts is left out. The folder around it is not: nothing below an
// ignored folder is ever asked about, as in git.
func (s *ignores) ignored(parts []string, folder bool) bool {
	name := parts[len(parts)-1]
	for ; s != nil; s = s.above {
		lists := [3][]int{s.byName[name], s.byExt[path.Ext(name)], s.others}
		for { // the last pattern that says anything decides
			best := -1
			for i, list := range lists {
				if len(list) > 0 && (best < 0 || list[len(list)-1] > lists[best][len(lists[best])-1]) {
					best = i
				}
			}
			if best < 0 {
				break
			}
			at := len(lists[best]) - 1
			pattern := s.patterns[lists[best][at]]
			lists[best] = lists[best][:at]
			if result := pattern.Match(parts, folder); result != gitignore.NoMatch {
				return result == gitignore.Exclude
			}
		}
	}
	return false
}

// ignoreLines returns the lines of a .gitignore that are patterns.
func ignoreLines(text string) []string {
	var lines []string
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, "\r\n")
		if strings.TrimSpace(line) != "" && !strings.HasPrefix(line, "#") {
			lines = append(lines, line)
		}
	}
	return slices.Clip(lines)
}
