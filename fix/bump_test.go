package fix

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/trifecta-scanner/trifecta/inventory"
	"github.com/trifecta-scanner/trifecta/scanner"
)

// bumping returns a finding of an image that stands at a line of main.tf.
func bumping(rule string, b scanner.Bump, line int, text string, tier scanner.Tier) scanner.Finding {
	return scanner.Finding{
		RuleID: rule, Kind: scanner.KindMachineImage, Severity: scanner.Medium, Tier: tier, Subject: b.From, Fingerprint: rule + string(b.From),
		Location: inventory.Location{Path: "main.tf", Line: line},
		Fix:      &scanner.Fix{Message: "name it", Bump: &b, Edits: []scanner.Edit{{Path: "main.tf", Line: line, EndLine: line, Text: text}}},
	}
}

func TestPlanBumps(t *testing.T) {
	const tree = "a = { x = \"ami-1\", y = \"ami-2\" }\nb = \"ami-1\"\nc = \"old-*\"\n"
	west := scanner.Bump{Series: "s-*", From: "ami-1", To: "ami-8", Region: "eu-west-1"}
	east := scanner.Bump{Series: "s-*", From: "ami-2", To: "ami-9", Region: "us-east-1"}
	moved := scanner.Bump{Series: "old-*", From: "old-*", To: "new-*", Major: true}
	left := scanner.Bump{Series: "s-*", From: "ami-1", To: "ami-5", Region: "eu-west-1", Major: true}
	other := scanner.Bump{Series: "s-*", From: "ami-2", To: "ami-6", Region: "us-east-1", Major: true}
	one := bumping("aws-stale-ami", west, 1, `a = { x = "ami-8", y = "ami-2" }`, scanner.TierTrack)
	two := bumping("aws-stale-ami", east, 1, `a = { x = "ami-1", y = "ami-9" }`, scanner.TierTrack)
	ended := bumping("ami-end-of-life", moved, 3, `c = "new-*"`, scanner.TierAttend)
	gone := bumping("ami-end-of-life", left, 2, `b = "ami-5"`, scanner.TierAct)
	flaw := bumping("CVE-2026-1", west, 1, `a = { x = "ami-8", y = "ami-2" }`, scanner.TierAct)
	flaw.Kind = scanner.KindVulnerability
	stuck := bumping("aws-stale-ami", scanner.Bump{Series: "s-*", From: "ami-1", To: "ami-7", Region: "eu-west-1"}, 1, `a = { x = "ami-7", y = "ami-2" }`, scanner.TierTrack)
	for _, tt := range []struct {
		name     string
		findings []scanner.Finding
		majors   Majors
		want     []string // of changes: title, edits, how many findings; of the rest: why
	}{
		{
			"a map is one change", []scanner.Finding{one, two}, MajorsAlways,
			[]string{`Bump s-* to its newest images in 2 regions; 1: a = { x = "ami-8", y = "ami-9" }; clears 2`},
		},
		{
			"what Inspector found goes away with it", []scanner.Finding{one, flaw}, MajorsAlways,
			[]string{`Bump s-* from ami-1 to ami-8; 1: a = { x = "ami-8", y = "ami-2" }; clears 2`},
		},
		{"another release is marked", []scanner.Finding{ended}, MajorsAlways, []string{`Move from old-* to new-*; major; 3: c = "new-*"; clears 1`}},
		{"never", []scanner.Finding{ended, one}, MajorsNever, []string{
			`Bump s-* from ami-1 to ami-8; 1: a = { x = "ami-8", y = "ami-2" }; clears 1`, "only another release clears it: new-* in the place of old-*",
		}},
		{"only what has to be acted on", []scanner.Finding{ended, gone}, MajorsAct, []string{
			`Move s-* from ami-1 to ami-5, another release; major; 2: b = "ami-5"; clears 1`, "only another release clears it: new-* in the place of old-*",
		}},
		{"a series moves as a whole", []scanner.Finding{gone, bumping("ami-end-of-life", other, 1, `a = { x = "ami-1", y = "ami-6" }`, scanner.TierTrack)}, MajorsAct, []string{
			`Move from s-* to its successor in 2 places; major; 1: a = { x = "ami-1", y = "ami-6" }; 2: b = "ami-5"; clears 2`,
		}},
		{"who leaves needs no newer one", []scanner.Finding{one, gone}, MajorsAlways, []string{
			`Move s-* from ami-1 to ami-5, another release; major; 2: b = "ami-5"; clears 2`,
		}},
		{"two answers for one place", []scanner.Finding{one, stuck}, MajorsAlways, []string{"main.tf:1 is to become two things at once", "main.tf:1 is to become two things at once"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			res := &scanner.Result{Findings: tt.findings}
			if tt.name == "two answers for one place" {
				res.Findings[1].Fingerprint += "again"
			}
			plan, err := MakePlan(t.Context(), treeOf(t, map[string]string{"main.tf": tree}), res, Options{Majors: tt.majors})
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for i := range plan.Changes {
				c := &plan.Changes[i]
				parts := []string{c.Title}
				if c.Major {
					parts = append(parts, "major")
				}
				for _, e := range c.Edits {
					parts = append(parts, fmt.Sprintf("%d: %s", e.Line, e.Text))
				}
				got = append(got, strings.Join(append(parts, fmt.Sprintf("clears %d", len(c.Clears))), "; "))
				if c.Kind != KindMachineImage || !strings.HasPrefix(c.Key, "machine-image/") || strings.Contains(c.Key, string(c.Bumps[0].To)) {
					t.Errorf("%s: the key of %s says to which image", c.Kind, c.Key)
				}
			}
			for i := range plan.Unfixed {
				got = append(got, plan.Unfixed[i].Why)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}
