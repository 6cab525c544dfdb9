package scanner

import (
	"strings"

	"github.com/trifecta-scanner/trifecta/inventory"
)

// Compare says what of a result is new since its bases: findings that one of them has too become existing, and those
// that all of them have and the result has not are Fixed. There is more than one base where branches were merged both
// ways. A finding is the same one when its fingerprint is; where a file moved, it is the same one when rule and
// subject are and the file of the one exists only before, that of the other only after. Suppressed findings of the
// result stay suppressed; those of a base are known ones.
func (r *Result) Compare(bases ...*Result) {
	r.compareSurface(bases)
	r.Fixed = []Finding{}
	after := r.paths()
	same := make([]bool, len(r.Findings))
	gone := make(map[string]int) // fingerprint -> how many bases have it and the result has not
	for _, base := range bases {
		for _, i := range base.alsoIn(r, after, same) {
			f := base.Findings[i]
			if gone[f.Fingerprint]++; gone[f.Fingerprint] == len(bases) && f.Status != StatusSuppressed {
				r.Fixed = append(r.Fixed, f)
			}
		}
	}
	for i := range r.Findings {
		if f := &r.Findings[i]; same[i] && f.Status == StatusNew {
			f.Status = StatusExisting
		}
	}
	r.Sort()
}

// alsoIn marks the findings of a later result that the base has too and returns the indices of those that only the
// base has. after holds the files of the later result.
func (r *Result) alsoIn(later *Result, after map[string]bool, same []bool) (gone []int) {
	known := make(map[string]int, len(r.Findings))
	moved := make(map[string][]int) // what stood in files that are gone
	for i := range r.Findings {
		f := &r.Findings[i]
		known[f.Fingerprint] = i
		if !after[f.Location.Path] {
			moved[f.identity()] = append(moved[f.identity()], i)
		}
	}
	before := r.paths()
	still := make([]bool, len(r.Findings))
	for i := range later.Findings {
		f := &later.Findings[i]
		if at, ok := known[f.Fingerprint]; ok {
			same[i], still[at] = true, true
		} else if from := moved[f.identity()]; len(from) > 0 && !before[f.Location.Path] {
			same[i], still[from[0]] = true, true
			moved[f.identity()] = from[1:]
		}
	}
	for i := range still {
		if !still[i] {
			gone = append(gone, i)
		}
	}
	return gone
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
