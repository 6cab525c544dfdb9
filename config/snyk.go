package config

import (
	"path"
	"strings"

	"gopkg.in/yaml.v3"

	"github.com/trifecta-scanner/trifecta/inventory"
	"github.com/trifecta-scanner/trifecta/scanner"
)

// readSnyk reads the ignore section of a .snyk file (https://docs.snyk.io/manage-risk/policies/the-.snyk-file). It
// holds for the lock files of its own folder. An entry counts where its id is an alias of the advisory: the ids of
// Snyk's own database are known to few advisories.
func readSnyk(ig *Ignores, name string, data []byte) {
	root, ok := yamlRoot(ig, name, data)
	if !ok {
		return
	}
	for key, ignore := range pairsOf(root) {
		if key.Value != "ignore" {
			continue
		}
		for id, rules := range pairsOf(ignore) {
			if rules.Kind != yaml.SequenceNode {
				ig.malformed(name, id.Line, "%s has no effect: its value is no list of paths", short(id.Value))
				continue
			}
			for _, rule := range rules.Content {
				for where, decision := range pairsOf(rule) {
					snykEntry(ig, name, id.Value, where, decision)
				}
			}
		}
	}
}

func snykEntry(ig *Ignores, name, id string, where, decision *yaml.Node) {
	w := waiver{at: inventory.Location{Path: name, Line: where.Line}, name: "of " + id, keys: []string{keyID + idKey(id)}}
	reason := ""
	for key, value := range pairsOf(decision) {
		switch key.Value {
		case "reason":
			reason = value.Value
		case "expires":
			ends, ok := moment(value.Value)
			if !ok {
				ig.malformed(name, value.Line, "%s has no effect: expires wants a day such as 2027-01-31, not %q", id, short(value.Value))
				return
			}
			w.ends = ends
		}
	}
	w.reason = orNoReason(reason, name)
	folder := path.Dir(name)
	steps := strings.Split(where.Value, " > ")
	w.matches = func(res *scanner.Result, f *scanner.Finding) bool {
		if f.Advisory == nil {
			return where.Value == "*" && below(folder, f.Location.Path)
		}
		if path.Dir(f.Location.Path) != folder {
			return false
		}
		if where.Value == "*" {
			return true
		}
		p := res.Package(f.Subject)
		if p == nil {
			return false
		}
		for _, l := range p.Locations {
			if l.Location == f.Location && len(l.Chain) > 0 && snykPath(steps, l.Chain, p.Version) {
				return true
			}
		}
		return false
	}
	ig.add(w)
}

// snykPath reports whether the path of a rule is the chain of packages from the root to the last one. Snyk leaves the
// root out or not; * stands for any packages. Of versions only that of the last package is known.
func snykPath(steps, chain []string, version string) bool {
	return snykSteps(steps, chain[1:], version) || snykSteps(steps, chain, version)
}

func snykSteps(steps, chain []string, version string) bool {
	// The positions in the chain that the steps so far can have come to; a step is tried once for each, so that a path
	// of many stars costs no more than its length times that of the chain.
	at := make([]bool, len(chain)+1)
	at[0] = true
	for _, step := range steps {
		next := make([]bool, len(chain)+1)
		step = strings.TrimSpace(step)
		reached := false
		for i := range at {
			if step == "*" {
				reached = reached || at[i]
				next[i] = reached
				continue
			}
			if at[i] && i < len(chain) && snykStep(step, chain[i], i == len(chain)-1, version) {
				next[i+1] = true
			}
		}
		at = next
	}
	return at[len(chain)]
}

func snykStep(step, name string, last bool, version string) bool {
	if step == name {
		return true
	}
	i := strings.LastIndexByte(step, '@')
	if i <= 0 || step[:i] != name {
		return false
	}
	return !last || step[i+1:] == version
}
