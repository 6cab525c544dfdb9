package license

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/trifecta-scanner/trifecta/inventory"
)

func TestJudge(t *testing.T) {
	for _, tt := range []struct {
		name        string
		allow, deny string
		licenses    []string
		want        verdict
	}{
		{"allowed", "MIT", "", []string{"MIT"}, inOrder},
		{"case does not matter", "mit", "", []string{"Mit"}, inOrder},
		{"not allowed", "MIT", "", []string{"Apache-2.0"}, notAllowed},
		{"denied", "", "GPL-3.0-only", []string{"GPL-3.0-only"}, denied},
		{"not denied", "", "GPL-3.0-only", []string{"MIT"}, inOrder},
		{"deny wins", "MIT", "MIT", []string{"MIT"}, denied},
		{"one of a choice is allowed", "MIT", "", []string{"(MIT OR GPL-3.0-only)"}, inOrder},
		{"one of a choice is not denied", "", "GPL-3.0-only", []string{"GPL-3.0-only OR MIT"}, inOrder},
		{"both apply", "MIT", "", []string{"MIT AND Apache-2.0"}, notAllowed},
		{"both apply and one is denied", "", "Apache-2.0", []string{"MIT AND Apache-2.0"}, denied},
		{"AND binds tighter than OR", "MIT", "", []string{"MIT OR Apache-2.0 AND GPL-2.0-only"}, inOrder},
		{"brackets", "MIT", "", []string{"(MIT OR Apache-2.0) AND GPL-2.0-only"}, notAllowed},
		{"several apply", "MIT", "", []string{"MIT", "BSD-3-Clause"}, notAllowed},
		{"slash of old crates", "MIT", "", []string{"Apache-2.0/MIT"}, inOrder},
		{"a later version is a choice", "GPL-2.0-only", "", []string{"GPL-2.0-or-later"}, inOrder},
		{"later versions are allowed", "GPL-2.0-or-later", "", []string{"GPL-3.0-only"}, inOrder},
		{"later versions are denied", "", "GPL-2.0-or-later", []string{"GPL-3.0-only"}, denied},
		{"an earlier version can be chosen", "", "GPL-3.0-only", []string{"GPL-2.0-or-later"}, inOrder},
		{"the old names", "", "GPL-3.0", []string{"GPL-3.0-or-later"}, denied},
		{"plus", "", "GPL-3.0", []string{"GPL-3.0+"}, denied},
		{"families differ", "", "GPL-2.0-or-later", []string{"LGPL-3.0-only"}, inOrder},
		{"an exception gives more", "GPL-2.0-only", "", []string{"GPL-2.0-only WITH Classpath-exception-2.0"}, inOrder},
		{"an exception is named", "GPL-2.0-only WITH Classpath-exception-2.0", "GPL-2.0-only", []string{"GPL-2.0-only WITH Classpath-exception-2.0"}, inOrder},
		{"without the exception that is named", "GPL-2.0-only WITH Classpath-exception-2.0", "", []string{"GPL-2.0-only"}, notAllowed},
		{"reference of one's own", "LicenseRef-shop", "", []string{"LicenseRef-shop"}, inOrder},
		{"no licence", "MIT", "", nil, unclear},
		{"words", "MIT", "", []string{"see LICENSE"}, unclear},
		{"unknown part decides", "MIT", "", []string{"MIT AND Shop-1.0"}, unclear},
		{"unknown part does not decide", "MIT", "", []string{"MIT OR Shop-1.0"}, inOrder},
		{"denied whatever the unknown part is", "", "AGPL-3.0-only", []string{"AGPL-3.0-only AND Shop-1.0"}, denied},
		{"broken", "MIT", "", []string{"MIT OR"}, unclear},
		{"open bracket", "MIT", "", []string{"(MIT"}, unclear},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s, err := New(Policy{Allow: list(tt.allow), Deny: list(tt.deny)})
			if err != nil {
				t.Fatal(err)
			}
			if got := s.policy.judge(tt.licenses); got != tt.want {
				t.Errorf("judge(%q) = %v, want %v", tt.licenses, got, tt.want)
			}
		})
	}
}

func list(s string) []string {
	if s == "" {
		return nil
	}
	return strings.Split(s, ",")
}

func TestUnknownLicence(t *testing.T) {
	for id, want := range map[string]string{"MITT": `did you mean "MIT"?`, "Apache-2": `did you mean "Apache-2.0"?`, "our very own words": "see https://spdx.org"} {
		_, err := New(Policy{Deny: []string{id}})
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("New(%q) = %v, want %s", id, err, want)
		}
	}
}

func TestScan(t *testing.T) {
	at := func(path string, origin inventory.Origin) inventory.PackageLocation {
		return inventory.PackageLocation{Location: inventory.Location{Path: path, Line: 3}, Origin: origin}
	}
	inv := &inventory.Inventory{Packages: []inventory.Package{
		{ID: "pkg:npm/a@1", Name: "a", Version: "1", Ecosystem: "npm", Licenses: []string{"GPL-3.0-only"}, Locations: []inventory.PackageLocation{
			at("package-lock.json", inventory.OriginRegistry), at("package-lock.json", inventory.OriginRegistry), at("web/package-lock.json", inventory.OriginRegistry),
		}},
		{ID: "pkg:npm/own@1", Name: "own", Licenses: []string{"GPL-3.0-only"}, Locations: []inventory.PackageLocation{at("package-lock.json", inventory.OriginWorkspace)}},
		{ID: "pkg:npm/silent@1", Name: "silent", Locations: []inventory.PackageLocation{at("package-lock.json", inventory.OriginRegistry)}},
		{ID: "pkg:npm/wtf@1", Name: "wtf", Version: "1", Licenses: []string{"WTFPL"}, Locations: []inventory.PackageLocation{at("package-lock.json", inventory.OriginGit)}},
	}}
	s, err := New(Policy{Allow: []string{"MIT"}, Deny: []string{"GPL-3.0-or-later"}})
	if err != nil {
		t.Fatal(err)
	}
	out, err := s.Scan(t.Context(), inv)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, f := range out.Findings {
		got = append(got, f.RuleID+" "+f.Location.Path+": "+f.Message)
	}
	want := []string{
		"license-denied package-lock.json: a 1 is licensed GPL-3.0-only, which the policy denies; replace the package, or change licenses.deny",
		"license-denied web/package-lock.json: a 1 is licensed GPL-3.0-only, which the policy denies; replace the package, or change licenses.deny",
		"license-not-allowed package-lock.json: wtf 1 is licensed WTFPL, which is not among the allowed licences; replace the package, or add it to licenses.allow",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("findings (-want +got):\n%s", diff)
	}
	if len(out.Notices) != 1 || out.Notices[0].Message != "1 package states no licence that the policy could judge, the first is silent" {
		t.Errorf("notices = %v", out.Notices)
	}
	if len(out.Rules) != 2 {
		t.Errorf("rules = %v", out.Rules)
	}
}

// An expression that would have 2^64 alternatives written out takes no time.
func TestHostileExpression(t *testing.T) {
	s, err := New(Policy{Allow: []string{"MIT"}})
	if err != nil {
		t.Fatal(err)
	}
	wide := strings.TrimSuffix(strings.Repeat("(A OR B) AND ", 300), " AND ")
	deep := strings.Repeat("(", 2000) + "MIT" + strings.Repeat(")", 2000)
	for _, e := range []string{wide, deep, strings.Repeat("MIT AND ", 1<<16)} {
		if got := s.policy.judge([]string{e}); got != unclear {
			t.Errorf("judge = %v, want unclear", got)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, seed := range []string{"MIT", "(MIT OR Apache-2.0) AND GPL-2.0-only WITH Classpath-exception-2.0", "GPL-2.0+", "MIT/X11", "LicenseRef-a", "((", "WITH"} {
		f.Add(seed)
	}
	s, err := New(Policy{Allow: []string{"MIT"}, Deny: []string{"GPL-2.0-or-later"}})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(_ *testing.T, expression string) { s.policy.judge([]string{expression}) })
}
