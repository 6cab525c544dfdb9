package cloudformation

import (
	"fmt"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/trifecta-scanner/trifecta/inventory"
)

// files makes a tree of texts by path.
func files(tb testing.TB, texts map[string]string) *inventory.Tree {
	tb.Helper()
	fsys := fstest.MapFS{}
	for name, text := range texts {
		fsys[name] = &fstest.MapFile{Data: []byte(text)}
	}
	tree, err := inventory.NewTree(tb.Context(), fsys, inventory.Limits{})
	if err != nil {
		tb.Fatal(err)
	}
	return tree
}

const head = "AWSTemplateFormatVersion: '2010-09-09'\n"

// TestBudgets evaluates what is made to cost much: a notice says so, and what stands beside it is evaluated.
func TestBudgets(t *testing.T) {
	const vpc = "  Vpc: {Type: 'AWS::EC2::VPC', Properties: {CidrBlock: 10.0.0.0/16}}\n"
	var aliases strings.Builder
	aliases.WriteString("Metadata:\n  a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n")
	for i := 1; i < 9; i++ {
		fmt.Fprintf(&aliases, "  a%d: &a%d [%s]\n", i, i, strings.TrimSuffix(strings.Repeat(fmt.Sprintf("*a%d, ", i-1), 10), ", "))
	}
	var chain strings.Builder
	for i := range 2 * maxChain {
		fmt.Fprintf(&chain, "  A%d: {Type: 'AWS::EC2::Subnet', Properties: {CidrBlock: !GetAtt A%d.CidrBlock}}\n", i, i+1)
	}
	fmt.Fprintf(&chain, "  A%d: {Type: 'AWS::EC2::Subnet', Properties: {CidrBlock: 10.0.0.0/24}}\n", 2*maxChain)
	ten := "[" + strings.TrimSuffix(strings.Repeat("a, b, c, d, e, f, g, h, i, j,", 10), ",") + "]"
	nested := map[string]string{}
	for i := range maxNesting + 5 {
		nested[fmt.Sprintf("s%d.yaml", i)] = head + "Resources:\n" + vpc + fmt.Sprintf("  In: {Type: 'AWS::CloudFormation::Stack', Properties: {TemplateURL: s%d.yaml}}\n", i+1)
	}
	nested["s0.yaml"] = strings.Replace(nested["s0.yaml"], "Vpc:", "Other:", 1)
	nested[fmt.Sprintf("s%d.yaml", maxNesting+5)] = head + "Resources:\n" + vpc

	for _, tt := range []struct {
		name  string
		files map[string]string
		code  string
	}{
		{"aliases", map[string]string{"t.yaml": head + aliases.String() + "Resources:\n  Bomb: {Type: 'AWS::EC2::VPC', Properties: {Tags: *a8}}\n" + vpc}, "template-budget"},
		{"chain", map[string]string{"t.yaml": head + "Resources:\n" + chain.String() + vpc}, "template-budget"},
		{"depth", map[string]string{"t.yaml": head + "Resources:\n  Deep: {Type: 'AWS::EC2::VPC', Properties: {Tags: " + strings.Repeat("[", 400) + strings.Repeat("]", 400) + "}}\n" + vpc}, "template-unreadable"},
		{"depth of JSON", map[string]string{"t.json": `{"Resources": {"Vpc": {"Type": "AWS::EC2::VPC", "Properties": {"CidrBlock": "10.0.0.0/16"}}, "Deep": {"Type": "AWS::EC2::VPC", "Properties": {"Tags": ` + strings.Repeat("[", 100_000)}, "template-unreadable"},
		{"loops", map[string]string{"t.yaml": head + "Transform: AWS::LanguageExtensions\nResources:\n" + vpc +
			"  Fn::ForEach::A:\n    - A\n    - " + ten + "\n    - Fn::ForEach::B:\n        - B\n        - " + ten + "\n        - Fn::ForEach::C:\n            - C\n            - " + ten +
			"\n            - Topic${A}${B}${C}: {Type: 'AWS::SNS::Topic'}\n"}, "template-budget"},
		{"nesting", nested, "template-budget"},
		{"text", map[string]string{"t.yaml": head + "Parameters:\n  P: {Type: String, Default: " + strings.Repeat("x", 4096) + "}\nResources:\n  Long: {Type: 'AWS::SSM::Parameter', Properties: {Value: !Sub '" + strings.Repeat("${P}", 400) + "'}}\n" + vpc}, "template-budget"},
		{"size", map[string]string{"t.yaml": head + "Resources:\n" + vpc, "large.yaml": head + "Resources:\n" + vpc + strings.Repeat("# "+strings.Repeat("x", 1022)+"\n", maxTemplate>>10)}, "template-too-large"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			inv := read(t, Source{}, files(t, tt.files))
			told := false
			for _, n := range inv.Notices {
				told = told || n.Code == tt.code && n.Location != nil
			}
			if !told {
				t.Errorf("no notice %s among %+v", tt.code, inv.Notices)
			}
			for _, r := range inv.Resources {
				if r.Name == "Vpc" && len(r.Via) == 0 || r.ID == "In/Vpc" {
					if cidr, _ := r.Get("CidrBlock").Text(); cidr != "10.0.0.0/16" {
						t.Errorf("what stands beside it was not evaluated: %s", shown(t, r.Values))
					}
					return
				}
			}
			t.Errorf("what stands beside it is not among the %d resources", len(inv.Resources))
		})
	}
}
