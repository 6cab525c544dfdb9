package fix

import (
	"fmt"
	"strings"

	"github.com/trifecta-scanner/trifecta/inventory"
)

// pyAsk is one line of a pyproject.toml that asks for a package.
type pyAsk struct {
	file       *tomlFile
	leaf       tomlLeaf // the string in which the constraint stands
	name       string
	extras     []string
	constraint string
	start, end int // of the constraint in the file
	list       string
	poetry     bool // the constraint is written in Poetry's own way
	fixed      string
}

func (a *pyAsk) place() inventory.Location { return a.file.place(a.leaf.start, a.leaf.end) }

// requirement returns the line as the plan knows it, under the name that the lock file has for the package.
func (a *pyAsk) requirement(name string) Requirement {
	return Requirement{Package: name, Constraint: a.constraint, Location: a.place(), List: a.list, Fixed: a.fixed}
}

// raise returns the edit that puts another constraint into the line.
func (a *pyAsk) raise(to string) (textEdit, error) {
	if a.fixed != "" {
		return textEdit{}, fmt.Errorf("%s: %s", a.file.path, a.fixed)
	}
	if len(a.leaf.text)+2 != a.leaf.end-a.leaf.start || strings.ContainsAny(to, "\"'\\\n") {
		return textEdit{}, fmt.Errorf("%s: a string that is written with escapes or over several lines is not edited", a.file.path)
	}
	return textEdit{a.file.path, a.start, a.end, to}, nil
}

// pyLists are the arrays of dependency specifiers of a pyproject.toml; a star stands for the name of an extra or a group.
// Sources: https://packaging.python.org/en/latest/specifications/pyproject-toml/ and
// https://packaging.python.org/en/latest/specifications/dependency-groups/
var pyLists = [][]string{
	{"project", "dependencies"},
	{"project", "optional-dependencies", "*"},
	{"dependency-groups", "*"},
	{"tool", "uv", "dev-dependencies"},
}

// poetryTables are the tables of Poetry with a package a key (https://python-poetry.org/docs/dependency-specification/).
var poetryTables = [][]string{
	{"tool", "poetry", "dependencies"},
	{"tool", "poetry", "dev-dependencies"},
	{"tool", "poetry", "group", "*", "dependencies"},
}

// pyAsks reads the lines of a pyproject.toml that ask for packages.
func pyAsks(f *tomlFile) []pyAsk {
	var asks []pyAsk
	for i := range f.leaves {
		leaf := f.leaves[i]
		for _, list := range pyLists {
			if len(leaf.keys) != len(list)+1 || !keysMatch(leaf.keys, list) || !leaf.isString {
				continue
			}
			r, ok := parsePyRequirement(leaf.text)
			if !ok {
				continue
			}
			a := pyAsk{
				file: f, leaf: leaf, name: r.name, extras: r.extras, constraint: r.spec,
				start: leaf.start + 1 + r.specStart, end: leaf.start + 1 + r.specEnd, list: strings.Join(leaf.keys[:len(list)], "."),
			}
			if r.url != "" {
				a.fixed = "it names an address"
			}
			asks = append(asks, a)
		}
		for _, table := range poetryTables {
			n := len(table)
			if len(leaf.keys) <= n || !keysMatch(leaf.keys, table) || !leaf.isString || leaf.keys[n] == "python" {
				continue
			}
			// name = "^1", name = {version = "^1"}, or several of these in an array
			last := leaf.keys[len(leaf.keys)-1]
			plain := len(leaf.keys) == n+1 || len(leaf.keys) == n+2 && strings.HasPrefix(last, "#")
			if !plain && last != "version" {
				continue
			}
			a := pyAsk{
				file: f, leaf: leaf, name: leaf.keys[n], constraint: leaf.text, start: leaf.start + 1, end: leaf.end - 1,
				list: strings.Join(leaf.keys[:n], "."), poetry: true,
			}
			if len(leaf.keys) > n+1 && strings.HasPrefix(leaf.keys[n+1], "#") {
				a.fixed = "it has several constraints for different environments"
			}
			asks = append(asks, a)
		}
	}
	return asks
}

// outsideSources says which line of a pyproject.toml makes a lock tool take something from elsewhere than the public
// index: an index of its own, a repository, an archive, a folder outside of the project. Empty where none does.
func outsideSources(f *tomlFile, public func(address string) bool) string {
	at := func(leaf tomlLeaf) string { return fmt.Sprintf("%s:%d", f.path, f.place(leaf.start, leaf.end).Line) }
	for _, leaf := range f.leaves {
		last := leaf.keys[len(leaf.keys)-1]
		switch {
		case keysMatch(leaf.keys, []string{"tool", "uv", "sources"}), keysMatch(leaf.keys, []string{"tool", "poetry"}) && isPoetryAsk(leaf.keys):
			switch last {
			case "git", "url", "path", "index", "source", "file":
				return at(leaf) + " takes a package from elsewhere than the public index (" + last + "), which is not fetched"
			}
		case keysMatch(leaf.keys, []string{"tool", "uv", "index"}), keysMatch(leaf.keys, []string{"tool", "poetry", "source"}):
			if last == "url" && !public(leaf.text) {
				return at(leaf) + " names an index of its own, which is not asked"
			}
		case len(leaf.keys) >= 3 && leaf.keys[0] == "tool" && leaf.keys[1] == "uv":
			switch leaf.keys[2] {
			case "index-url", "default-index", "extra-index-url", "find-links":
				if !public(leaf.text) {
					return at(leaf) + " names an index of its own, which is not asked"
				}
			}
		}
		if r, ok := parsePyRequirement(leaf.text); ok && r.url != "" && isPyList(leaf.keys) {
			return at(leaf) + " takes a package from an address, which is not fetched"
		}
	}
	return ""
}

func isPyList(keys []string) bool {
	for _, list := range pyLists {
		if len(keys) == len(list)+1 && keysMatch(keys, list) {
			return true
		}
	}
	return len(keys) == 4 && keys[0] == "tool" && keys[1] == "uv" && strings.HasSuffix(keys[2], "-dependencies")
}

func isPoetryAsk(keys []string) bool {
	for _, table := range poetryTables {
		if keysMatch(keys, table) {
			return true
		}
	}
	return false
}
