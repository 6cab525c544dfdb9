package fix

import "strings"

// steadyCargo returns the edits that put back what cargo changes beside the matter. Where several pinned versions of a
// package meet a need, such as windows-sys ">=0.52, <0.62", cargo settles on another one of them as soon as it resolves
// anything, an older one even, and for packages that stay what they are. Their needs become what they were wherever that
// leaves no package without somebody who needs it.
func steadyCargo(before, after []cargoPackage, lock *tomlFile) []textEdit {
	type key struct{ name, version, source string }
	was := map[key]cargoPackage{}
	for _, p := range before {
		was[key{p.name, p.version, p.source}] = p
	}
	steady := make([]cargoPackage, len(after))
	for i, p := range after {
		steady[i] = p
		steady[i].needs = nil
	}
	var edits []textEdit
	for _, leaf := range lock.leaves {
		if leaf.item < 0 || leaf.item >= len(after) || leaf.keys[0] != "package" || len(leaf.keys) < 2 || leaf.keys[1] != "dependencies" {
			continue
		}
		p, text := after[leaf.item], leaf.text
		if old := only(was[key{p.name, p.version, p.source}].needs, text); old != "" && only(p.needs, text) == text && old != text && stands(old, after) {
			if e, err := lock.replace(leaf, old); err == nil {
				edits, text = append(edits, e), old
			}
		}
		steady[leaf.item].needs = append(steady[leaf.item].needs, text)
	}
	if len(edits) == 0 || needed(steady) < needed(after) {
		return nil
	}
	return edits
}

// only returns the need of the same package as another need; empty where there is none, or several.
func only(needs []string, like string) string {
	name, _, _ := strings.Cut(like, " ")
	found := ""
	for _, need := range needs {
		if n, _, _ := strings.Cut(need, " "); n == name {
			if found != "" {
				return ""
			}
			found = need
		}
	}
	return found
}

// stands reports whether a need names one of several versions of a package that are there.
func stands(need string, packages []cargoPackage) bool {
	name, version, _ := strings.Cut(need, " ")
	versions, there := 0, false
	for _, p := range packages {
		if p.name == name {
			versions++
			there = there || p.version == version
		}
	}
	return there && versions > 1
}

// needed returns how many packages are there for the sake of the project's own.
func needed(packages []cargoPackage) int {
	byName := map[string][]int{}
	var queue []int
	seen := make([]bool, len(packages))
	for i, p := range packages {
		byName[p.name] = append(byName[p.name], i)
		if p.source == "" {
			seen[i], queue = true, append(queue, i)
		}
	}
	n := 0
	for ; len(queue) > 0; queue = queue[1:] {
		n++
		for _, need := range packages[queue[0]].needs {
			name, version, exact := strings.Cut(need, " ")
			version, _, _ = strings.Cut(version, " ")
			for _, i := range byName[name] {
				if !seen[i] && (!exact || packages[i].version == version) {
					seen[i], queue = true, append(queue, i)
				}
			}
		}
	}
	return n
}
