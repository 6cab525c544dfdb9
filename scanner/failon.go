package scanner

import (
	"fmt"
	"slices"
	"strings"
)

// FailOn is which findings make a scan fail: those at or above any of its severities or tiers. The zero value names
// none.
type FailOn struct {
	severities []Severity
	tiers      []Tier
}

// failOnTiers are the tiers that may be named; lower ones are every finding.
var failOnTiers = []Tier{TierAct, TierAttend}

// ParseFailOn reads a list of words, each of which may hold several with commas: severities, act, attend, none.
func ParseFailOn(words []string) (FailOn, error) {
	var f FailOn
	for _, list := range words {
		for word := range strings.SplitSeq(list, ",") {
			word = strings.ToLower(strings.TrimSpace(word))
			switch {
			case word == "" || word == "none":
			case slices.Contains(failOnTiers, Tier(word)):
				f.tiers = append(f.tiers, Tier(word))
			case slices.Contains(Severities, Severity(word)) && Severity(word) != Info:
				f.severities = append(f.severities, Severity(word))
			default:
				return FailOn{}, fmt.Errorf("%q is neither a severity nor a tier; use any of critical, high, medium, low, unknown, act, attend, none", word)
			}
		}
	}
	return f, nil
}

// Names reports whether the finding counts. Suppressed findings never do; with a base only new ones do, which is what
// the status existing says.
func (f FailOn) Names(finding *Finding) bool {
	if finding.Status != StatusNew {
		return false
	}
	return slices.ContainsFunc(f.severities, finding.Severity.AtLeast) || slices.ContainsFunc(f.tiers, finding.Tier.AtLeast)
}

// Count returns how many findings of the result count.
func (f FailOn) Count(res *Result) int {
	n := 0
	for i := range res.Findings {
		if f.Names(&res.Findings[i]) {
			n++
		}
	}
	return n
}

// String returns the list in the words that ParseFailOn reads.
func (f FailOn) String() string {
	var words []string
	for _, s := range f.severities {
		words = append(words, string(s))
	}
	for _, t := range f.tiers {
		words = append(words, string(t))
	}
	if len(words) == 0 {
		return "none"
	}
	return strings.Join(words, ",")
}
