package forge

import (
	"path"
	"slices"
	"strings"
)

// CodeOwners says who is asked about which file, as CODEOWNERS files of GitHub do.
// https://docs.github.com/en/repositories/managing-your-repositorys-settings-and-features/customizing-your-repository/about-code-owners
type CodeOwners []codeOwnersLine

type codeOwnersLine struct {
	pattern []string // its elements; "**" stands for any number of folders
	folder  bool     // it ends in a slash: all below it, not a file of the name
	owners  []string
}

// ParseCodeOwners reads a CODEOWNERS file. Lines that it can't read are left out, as GitHub does: "!", "[" and an
// escaped "#" at the beginning have no meaning there.
func ParseCodeOwners(data []byte) CodeOwners {
	var all CodeOwners
	for line := range strings.Lines(string(data)) {
		fields := codeOwnersFields(line)
		if len(fields) == 0 || strings.HasPrefix(fields[0], "!") || strings.ContainsAny(fields[0], "[]") || strings.HasPrefix(fields[0], `\#`) {
			continue
		}
		pattern, owners := fields[0], fields[1:]
		l := codeOwnersLine{folder: strings.HasSuffix(pattern, "/"), owners: owners}
		trimmed := strings.TrimSuffix(pattern, "/")
		// A pattern with a slash, other than one at the end, is that of a path from the root.
		anchored := strings.Contains(trimmed, "/")
		l.pattern = strings.Split(strings.Trim(trimmed, "/"), "/")
		if !anchored {
			l.pattern = append([]string{"**"}, l.pattern...)
		}
		all = append(all, l)
	}
	return all
}

// codeOwnersFields splits a line at its spaces, of which one with a backslash before it is part of a name, and leaves a
// comment out.
func codeOwnersFields(line string) []string {
	var fields []string
	var field strings.Builder
	end := func() {
		if field.Len() > 0 {
			fields = append(fields, field.String())
			field.Reset()
		}
	}
	for i := 0; i < len(line); i++ {
		switch c := line[i]; {
		case c == '\\' && i+1 < len(line) && line[i+1] == ' ':
			field.WriteByte(' ')
			i++
		case c == '#' && field.Len() == 0:
			end()
			return fields
		case c == ' ' || c == '\t' || c == '\r' || c == '\n':
			end()
		default:
			field.WriteByte(c)
		}
	}
	end()
	return fields
}

// Of returns the owners of a file as they are written: users and teams with an @, and addresses. The last line that
// fits decides, also one that names nobody.
func (c CodeOwners) Of(name string) []string {
	elements := strings.Split(path.Clean(name), "/")
	for _, l := range slices.Backward(c) {
		if l.matches(elements) {
			return l.owners
		}
	}
	return nil
}

// Reviewers returns the users and teams who own any of the files, in the order of the files, each once and without the
// @. Addresses of e-mail name nobody whom a host could ask.
func (c CodeOwners) Reviewers(files ...string) []string {
	var all []string
	for _, f := range files {
		for _, owner := range c.Of(f) {
			name, ok := strings.CutPrefix(owner, "@")
			if ok && name != "" && !slices.ContainsFunc(all, func(have string) bool { return strings.EqualFold(have, name) }) {
				all = append(all, name)
			}
		}
	}
	return all
}

// matches reports whether the line speaks of a file: by its name, or by that of a folder above it.
func (l codeOwnersLine) matches(elements []string) bool {
	for n := len(elements); n > 0; n-- {
		if n == len(elements) && l.folder {
			continue // the file itself is no folder
		}
		if !fits(l.pattern, elements[:n]) {
			continue
		}
		// "docs/*" speaks of the files of docs and not of what is in its folders.
		if n < len(elements) && len(l.pattern) > 1 && l.pattern[0] != "**" && l.pattern[len(l.pattern)-1] == "*" && !l.folder {
			continue
		}
		return true
	}
	return false
}

// fits matches elements of a path one by one. It looks at each pair at most once, whatever a pattern holds.
func fits(pattern, elements []string) bool {
	reached := make([]bool, len(elements)+1) // after how many elements the pattern so far can stand
	reached[0] = true
	for at, p := range pattern {
		next := make([]bool, len(elements)+1)
		for i, ok := range reached {
			if !ok {
				continue
			}
			if p == "**" {
				first := i
				if at > 0 && at == len(pattern)-1 { // what is in a folder is not the folder
					first++
				}
				for j := first; j <= len(elements); j++ {
					next[j] = true
				}
				break
			}
			if i < len(elements) {
				if ok, err := path.Match(p, elements[i]); err == nil && ok {
					next[i+1] = true
				}
			}
		}
		reached = next
	}
	return reached[len(elements)]
}
