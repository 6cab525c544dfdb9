package fix

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/trifecta-scanner/trifecta/inventory"
	"github.com/trifecta-scanner/trifecta/scanner"
)

// One rule in one module is one change, and its title says what is done and where.
func TestRuleChanges(t *testing.T) {
	finding := func(rule, path string, line int, message string) scanner.Finding {
		return scanner.Finding{
			RuleID: rule, Fingerprint: rule + path, Kind: scanner.KindMisconfiguration, Location: inventory.Location{Path: path, Line: line},
			Fix: &scanner.Fix{Message: message, Edits: []scanner.Edit{{Path: path, Line: line, EndLine: line, Text: "x"}}},
		}
	}
	suppressed := finding("a-rule", "suppressed.tf", 1, "leave it")
	suppressed.Status = scanner.StatusSuppressed
	advice := finding("c-rule", "main.tf", 9, "think about it")
	advice.Fix.Edits = nil
	res := &scanner.Result{Findings: []scanner.Finding{
		finding("a-rule", "net/main.tf", 3, "allow a known range only"), finding("a-rule", "net/more.tf", 7, "allow a known range only"),
		finding("a-rule", "main.tf", 1, "allow a known range only"), finding("b-rule", "net/main.tf", 5, "Encrypt it"), suppressed, advice,
	}}
	plan, err := MakePlan(t.Context(), treeOf(t, nil), res, Options{})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, c := range plan.Changes {
		got = append(got, c.Key+": "+c.Title)
	}
	for _, u := range plan.Unfixed {
		got = append(got, u.RuleID+": "+u.Why)
	}
	want := []string{
		"rule/a-rule/net: Allow a known range only in net", "rule/a-rule/.: Allow a known range only in main.tf", "rule/b-rule/net: Encrypt it in net/main.tf",
		"c-rule: think about it",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}
