package main

import (
	"fmt"
	"strings"

	"github.com/trifecta-scanner/trifecta/inventory"
)

// unread are kinds of files that a later version evaluates. Until then a scan that meets them says so: silence would
// look like a clean answer.
var unread = []struct {
	part, what string
	match      func(name string) bool
}{
	{"amis", "Packer", suffix(".pkr.hcl", ".pkr.json")},
}

func suffix(suffixes ...string) func(string) bool {
	return func(name string) bool {
		for _, s := range suffixes {
			if strings.HasSuffix(name, s) {
				return true
			}
		}
		return false
	}
}

// notLookedAt returns one notice for each kind of file that the tree has and that this version does not evaluate.
func notLookedAt(tree *inventory.Tree, looksAt func(part string) bool) []inventory.Notice {
	var notices []inventory.Notice
	for _, kind := range unread {
		if !looksAt(kind.part) {
			continue
		}
		n, first := 0, ""
		for _, f := range tree.Files() {
			if !f.Vendored && kind.match(f.Path) {
				if n++; n == 1 {
					first = f.Path
				}
			}
		}
		if n > 0 {
			notices = append(notices, inventory.Notice{
				Code: "not-evaluated", Location: &inventory.Location{Path: first},
				Message: fmt.Sprintf("%s: %s in the tree, not evaluated by this version; what is exposed by them is unknown", kind.what, plural(n, "file")),
			})
		}
	}
	return notices
}
