package ami

import (
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/trifecta-scanner/trifecta/aws"
	"github.com/trifecta-scanner/trifecta/inventory"
	"github.com/trifecta-scanner/trifecta/machine"
	"github.com/trifecta-scanner/trifecta/scanner"
)

func reference(id, form, name string, change ...func(*machine.Reference)) machine.Reference {
	r := machine.Reference{
		MachineImage: inventory.MachineImage{ID: inventory.ID(id), Form: form, Locations: []inventory.Location{{Path: "main.tf", Line: 3}}, Workloads: []inventory.ID{"aws_instance.a"}},
		System:       machine.SystemOf(name),
	}
	for _, c := range change {
		c(&r)
	}
	return r
}

func moving(r *machine.Reference)      { r.Moving = true }
func nobodys(r *machine.Reference)     { r.Unowned = true }
func placeholder(r *machine.Reference) { r.Placeholder = true }
func built(day string) func(*machine.Reference) {
	return func(r *machine.Reference) { r.Built = day }
}

// scan returns the rules that a reference breaks, with a part of the message.
func scan(t *testing.T, day string, account map[inventory.ID]Answer, refs ...machine.Reference) ([]string, *inventory.Inventory) {
	t.Helper()
	asOf, err := time.Parse(time.DateOnly, day)
	if err != nil {
		t.Fatal(err)
	}
	inv := &inventory.Inventory{}
	j, err := Scanner{References: refs, Model: aws.Build(nil), AsOf: asOf, Account: account}.Scan(t.Context(), inv)
	if err != nil {
		t.Fatal(err)
	}
	rules := []string{}
	for _, f := range j.Findings {
		rules = append(rules, f.RuleID)
		if !slices.ContainsFunc(j.Rules, func(r scanner.Rule) bool { return r.ID == f.RuleID }) {
			t.Errorf("%s is not among the rules", f.RuleID)
		}
	}
	slices.Sort(rules)
	return rules, inv
}

func TestScan(t *testing.T) {
	const al2 = "/aws/service/ami-amazon-linux-latest/amzn2-ami-hvm-x86_64-gp2"
	for _, tt := range []struct {
		name, day string
		ref       machine.Reference
		account   map[inventory.ID]Answer
		want      []string
	}{
		{"supported", "2026-06-01", reference("/aws/service/ami-amazon-linux-latest/al2023-ami-x", machine.Parameter, "al2023-ami", moving), nil, []string{}},
		{"ended", "2026-07-01", reference(al2, machine.Parameter, al2, moving), nil, []string{"ami-end-of-life"}},
		{"ending", "2026-05-01", reference(al2, machine.Parameter, al2, moving), nil, []string{"ami-end-of-life-soon"}},
		{"old", "2026-06-01", reference("099720109477/ubuntu-jammy-22.04-20250101", machine.Literal, "ubuntu-jammy-22.04", built("2025-01-01")), nil, []string{"aws-stale-ami"}},
		{"young", "2025-03-01", reference("099720109477/ubuntu-jammy-22.04-20250101", machine.Literal, "ubuntu-jammy-22.04", built("2025-01-01")), nil, []string{}},
		{"anyone's", "2026-06-01", reference("my-app-*", machine.DataSource, "", moving, nobodys), nil, []string{"ami-unpinned", "ami-without-owner"}},
		{"an id", "2026-06-01", reference("ami-0fb653ca2d3203ac1", machine.Literal, ""), nil, []string{"ami-literal-id"}},
		{"an id in a map", "2026-06-01", reference("ami-0fb653ca2d3203ac1", machine.Mapping, ""), nil, []string{}},
		{"a placeholder", "2026-06-01", reference("ami-12345678", machine.Literal, "", placeholder), nil, []string{}},
		{
			"the account knows it is old", "2026-06-01", reference("ami-0fb653ca2d3203ac1", machine.Mapping, ""),
			map[inventory.ID]Answer{"ami-0fb653ca2d3203ac1": {Name: "amzn2-ami-hvm-2.0.20200406.0-x86_64-gp2", CreatedAt: "2020-04-06", State: "available"}},
			[]string{"ami-end-of-life-soon", "aws-stale-ami"},
		},
		{
			"the account has it deprecated", "2026-06-01", reference("ami-0fb653ca2d3203ac1", machine.Mapping, ""),
			map[inventory.ID]Answer{"ami-0fb653ca2d3203ac1": {CreatedAt: "2026-05-01", DeprecatedAt: "2026-05-20", State: "available", Newest: "ami-0fb653ca2d3203ac2"}},
			[]string{"aws-stale-ami"},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			rules, inv := scan(t, tt.day, tt.account, tt.ref)
			if diff := cmp.Diff(tt.want, rules); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if len(inv.MachineImages) != 1 {
				t.Errorf("machine images: %+v", inv.MachineImages)
			}
		})
	}
}

func TestReplacement(t *testing.T) {
	_, inv := scan(t, "2026-07-01", nil, reference("/aws/service/ami-amazon-linux-latest/amzn2-ami-hvm-arm64-gp2", machine.Parameter, "amzn2-ami", moving))
	if m := inv.MachineImages[0]; m.Replacement != "/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-arm64" || m.EndOfLife != "2026-06-30" {
		t.Errorf("%+v", m)
	}
}
