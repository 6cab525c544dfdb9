package scanner

import (
	"strings"

	"github.com/trifecta-scanner/trifecta/inventory"
)

// Compare says what of a result is new since base: findings that base has too become existing, and those that only
// base has are Fixed. A finding is the same one when its fingerprint is; where a file moved, it is the same one when
// rule and subject are and the file of the one exists only before, that of the other only after. Suppressed findings
// of the result stay suppressed; those of the base are known ones.
func (r *Result) Compare(base *Result) {
	known := make(map[string]bool, len(base.Findings))
	for i := range base.Findings {
		known[base.Findings[i].Fingerprint] = true
	}
	before, after := base.paths(), r.paths()
	moved := make(map[string][]int) // what base had in files that are gone
	for i := range base.Findings {
		if f := &base.Findings[i]; !after[f.Location.Path] {
			moved[f.identity()] = append(moved[f.identity()], i)
		}
	}
	still := make(map[string]bool, len(r.Findings)) // fingerprints of base that are still there
	for i := range r.Findings {
		f := &r.Findings[i]
		same := known[f.Fingerprint]
		if same {
			still[f.Fingerprint] = true
		} else if from := moved[f.identity()]; len(from) > 0 && !before[f.Location.Path] {
			same = true
			still[base.Findings[from[0]].Fingerprint] = true
			moved[f.identity()] = from[1:]
		}
		if same && f.Status == StatusNew {
			f.Status = StatusExisting
		}
	}
	r.Fixed = []Finding{}
	for _, f := range base.Findings {
		if f.Status != StatusSuppressed && !still[f.Fingerprint] {
			r.Fixed = append(r.Fixed, f)
		}
	}
	r.Sort()
}

// paths returns the files that a result speaks of.
func (r *Result) paths() map[string]bool {
	paths := make(map[string]bool)
	for i := range r.Packages {
		for _, l := range r.Packages[i].Locations {
			paths[l.Path] = true
		}
	}
	for i := range r.Findings {
		paths[r.Findings[i].Location.Path] = true
	}
	return paths
}

// identity names a finding by what it is about, without its place and without the version of a package.
func (f *Finding) identity() string { return f.RuleID + "\x00" + withoutVersion(f.Subject) }

// withoutVersion cuts version and qualifiers off a package URL; an address of a resource stays as it is.
func withoutVersion(id inventory.ID) string {
	s := string(id)
	if !strings.HasPrefix(s, "pkg:") {
		return s
	}
	s, _, _ = strings.Cut(s, "?")
	if at := strings.LastIndex(s, "@"); at > strings.LastIndex(s, "/") {
		s = s[:at]
	}
	return s
}
