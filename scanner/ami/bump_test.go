package ami

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/trifecta-scanner/trifecta/aws"
	"github.com/trifecta-scanner/trifecta/inventory"
	"github.com/trifecta-scanner/trifecta/machine"
)

func TestRewrite(t *testing.T) {
	at := func(column, end int) inventory.Location {
		return inventory.Location{Line: 1, Column: column, EndLine: 1, EndColumn: end}
	}
	for _, tt := range []struct {
		name, line, from, to string
		places               []inventory.Location
		want                 string // empty: it can't be
	}{
		{"at its column", `  ami = "ami-1"`, "ami-1", "ami-2", []inventory.Location{at(10, 15)}, `  ami = "ami-2"`},
		{"with its quotes", `  ami = "ami-1"`, "ami-1", "ami-2", []inventory.Location{at(9, 16)}, `  ami = "ami-2"`},
		{"without a column", `ami: ami-1 # the old one`, "ami-1", "ami-2", []inventory.Location{{Line: 1}}, `ami: ami-2 # the old one`},
		{"twice, one meant", `a = "ami-1", b = "ami-1"`, "ami-1", "ami-2", []inventory.Location{at(19, 24)}, `a = "ami-1", b = "ami-2"`},
		{"twice, both meant", `a = "ami-1", b = "ami-1"`, "ami-1", "ami-222", []inventory.Location{at(6, 11), at(19, 24)}, `a = "ami-222", b = "ami-222"`},
		{"twice, which is meant nobody knows", `a = "ami-1", b = "ami-1"`, "ami-1", "ami-2", []inventory.Location{{Line: 1}}, ""},
		{"a piece of a longer word", `amiFamily: AL2_x86`, "AL2", "AL2023", []inventory.Location{{Line: 1}}, ""},
		{"beside a longer word", `amiFamily: AL2 # AL2_x86`, "AL2", "AL2023", []inventory.Location{{Line: 1}}, `amiFamily: AL2023 # AL2_x86`},
		{"not there", `ami = var.ami`, "ami-1", "ami-2", []inventory.Location{at(7, 14)}, ""},
		{"behind a scheme", `"resolve:ssm:/aws/service/a"`, "/aws/service/a", "/aws/service/b", []inventory.Location{{Line: 1}}, `"resolve:ssm:/aws/service/b"`},
		{"a pattern", `values = ["a-*", "a-*-b"]`, "a-*", "c-*", []inventory.Location{{Line: 1}}, `values = ["c-*", "a-*-b"]`},
		{"columns beyond the line", `x`, "x", "y", []inventory.Location{at(900, 901)}, "y"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, ok := rewrite(tt.line, tt.from, tt.to, tt.places)
			if ok != (tt.want != "") || ok && got != tt.want {
				t.Errorf("%q, %v; want %q", got, ok, tt.want)
			}
		})
	}
}

func FuzzRewrite(f *testing.F) {
	f.Add(`  ami = "ami-1"`, "ami-1", "ami-2", 10, 15)
	f.Add(`amiFamily: AL2 # AL2_x86`, "AL2", "AL2023", 0, 0)
	f.Fuzz(func(t *testing.T, line, from, to string, column, end int) {
		if from == "" {
			t.Skip()
		}
		got, ok := rewrite(line, from, to, []inventory.Location{{Line: 1, Column: column, EndLine: 1, EndColumn: end}})
		if ok && len(got) != len(line)-len(from)+len(to) {
			t.Errorf("%q became %q: more than the word changed", line, got)
		}
	})
}

// bumps returns what the findings of references in one file come to: the rule, and the new lines or why there are none.
func bumps(t *testing.T, text string, account map[inventory.ID]Answer, refs ...machine.Reference) []string {
	t.Helper()
	inv := &inventory.Inventory{}
	s := Scanner{
		References: refs, Model: aws.Build(nil), AsOf: time.Date(2026, 11, 22, 0, 0, 0, 0, time.UTC), Account: account,
		Read: func(path string) ([]byte, error) {
			if path != "main.tf" {
				return nil, errors.New("no such file")
			}
			return []byte(text), nil
		},
	}
	j, err := s.Scan(t.Context(), inv)
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for i := range j.Findings {
		f := &j.Findings[i]
		switch {
		case f.RuleID != endOfLife.ID && f.RuleID != stale.ID:
		case f.Fix.Bump == nil:
			all = append(all, fmt.Sprintf("%s: %s", f.RuleID, f.Fix.Message))
		default:
			for _, e := range f.Fix.Edits {
				mark := ""
				if f.Fix.Bump.Major {
					mark = ", major"
				}
				all = append(all, fmt.Sprintf("%s: %d %q of %s%s", f.RuleID, e.Line, e.Text, f.Fix.Bump.Series, mark))
			}
		}
	}
	return all
}

func TestBump(t *testing.T) {
	const old, next = "ami-0fb653ca2d3203ac1", "ami-0fb653ca2d3203ac2"
	id := func(lines ...int) machine.Reference {
		r := machine.Reference{MachineImage: inventory.MachineImage{ID: old, Form: machine.Mapping}}
		for _, n := range lines {
			r.Places = append(r.Places, inventory.Location{Path: "main.tf", Line: n})
		}
		r.Locations = r.Places
		return r
	}
	named := func(name, form string, places, elsewhere []inventory.Location) machine.Reference {
		r := machine.Reference{MachineImage: inventory.MachineImage{ID: inventory.ID(name), Form: form, Locations: []inventory.Location{{Path: "main.tf", Line: 1}}}, System: machine.SystemOf(name), Moving: true}
		r.Text, r.Places, r.Elsewhere = r.Locations[0], places, elsewhere
		return r
	}
	here := []inventory.Location{{Path: "main.tf", Line: 1}}
	newer := map[inventory.ID]Answer{old: {State: "available", CreatedAt: "2024-01-01", Newest: next, Series: "x-*", Region: "eu-west-1"}}
	const al2 = "amzn2-ami-hvm-*-x86_64-gp2"
	for _, tt := range []struct {
		name, text string
		account    map[inventory.ID]Answer
		refs       []machine.Reference
		want       []string
	}{
		{"an id in two places", "a = \"" + old + "\"\nb\nc = \"" + old + "\"", newer, []machine.Reference{id(1, 3)}, []string{
			`aws-stale-ami: 1 "a = \"` + next + `\"" of x-*`, `aws-stale-ami: 3 "c = \"` + next + `\"" of x-*`,
		}},
		{"line ends of DOS", "a = \"" + old + "\"\r\n", newer, []machine.Reference{id(1)}, []string{`aws-stale-ami: 1 "a = \"` + next + `\"" of x-*`}},
		{
			"no newer one", "a = \"" + old + "\"", map[inventory.ID]Answer{old: {State: "available", DeprecatedAt: "2025-01-01"}}, []machine.Reference{id(1)},
			[]string{"aws-stale-ami: name a newer one; AWS told of none in its series"},
		},
		{
			"an id whose system has ended", "a = \"" + old + "\"", map[inventory.ID]Answer{old: {State: "available", Name: "amzn2-ami-hvm-2.0.20260601.0-x86_64-gp2"}}, []machine.Reference{id(1)},
			[]string{"ami-end-of-life: move to an image of Amazon Linux 2023; which one that is in the region, only AWS knows (--aws), and of public images alone: refer to it by a public parameter or a data source"},
		},
		{
			"an id whose system has ended, and AWS knows the next", "a = \"" + old + "\"",
			map[inventory.ID]Answer{old: {
				State: "available", Name: "amzn2-ami-hvm-2.0.20260601.0-x86_64-gp2", Series: "amzn2-*", Region: "eu-west-1", Newest: "ami-0fb653ca2d3203ac9", Successors: map[string]inventory.ID{"2023": next},
			}}, []machine.Reference{id(1)},
			[]string{`aws-stale-ami: 1 "a = \"ami-0fb653ca2d3203ac9\"" of amzn2-*`, `ami-end-of-life: 1 "a = \"` + next + `\"" of amzn2-*, major`},
		},
		{
			"a day in a name, nobody asked", "image: ubuntu-24.04-20250101", nil, []machine.Reference{func() machine.Reference {
				r := named("ubuntu-24.04-20250101", machine.Literal, here, nil)
				r.Moving, r.Built = false, "2025-01-01"
				return r
			}()},
			[]string{"aws-stale-ami: name a newer one; which one is the newest AWS knows alone: --aws or --aws-snapshot"},
		},
		{"a pattern", `values = ["` + al2 + `"]`, nil, []machine.Reference{named(al2, machine.DataSource, here, nil)}, []string{
			`ami-end-of-life: 1 "values = [\"al2023-ami-2023.*-kernel-*-x86_64\"]" of ` + al2 + `, major`,
		}},
		{
			"a pattern of pieces", `values = ["${var.x}-*"]`, nil, []machine.Reference{named(al2, machine.DataSource, nil, here)},
			[]string{"ami-end-of-life: name al2023-ami-2023.*-kernel-*-x86_64 in the place of " + al2 + " by hand: at main.tf:1 it is put together of other values"},
		},
		{
			"from outside", "", nil, []machine.Reference{named(al2, machine.DataSource, []inventory.Location{{Path: ".terraform/m.tf", Line: 3}}, nil)},
			[]string{"ami-end-of-life: name al2023-ami-2023.*-kernel-*-x86_64 in the place of " + al2 + " by hand: it comes from outside of the tree, or from a file that is gone: .terraform/m.tf"},
		},
		{
			"a name without a successor", "", nil, []machine.Reference{named("RHEL-7.9_HVM-*", machine.DataSource, here, nil)},
			[]string{"ami-end-of-life: move to Red Hat Enterprise Linux 8; the publisher has no name for it that follows from this one"},
		},
		{"a family", "amiFamily: AmazonLinux2", nil, []machine.Reference{named("AmazonLinux2", machine.Family, here, nil)}, []string{
			`ami-end-of-life: 1 "amiFamily: AmazonLinux2023" of Amazon Linux 2, major`,
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if diff := cmp.Diff(tt.want, bumps(t, tt.text, tt.account, tt.refs...)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// A finding that a bump leaves keeps its fingerprint: of the id nothing is in it.
func TestAnchor(t *testing.T) {
	r := machine.Reference{MachineImage: inventory.MachineImage{ID: "ami-0fb653ca2d3203ac1", Form: machine.Literal, Workloads: []inventory.ID{"aws_instance.a"}}}
	before := strings.Join(anchor(&r, "main.tf"), "|")
	r.ID, r.Region = "ami-0fb653ca2d3203ac2", "eu-west-1" // that an account knows it in
	if after := strings.Join(anchor(&r, "main.tf"), "|"); after != before || !strings.Contains(before, "aws_instance.a") {
		t.Errorf("%s became %s", before, after)
	}
}
