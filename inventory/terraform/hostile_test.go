package terraform_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/trifecta-scanner/trifecta/inventory"
	"github.com/trifecta-scanner/trifecta/inventory/terraform"
)

// hostile are trees that would cost an evaluator without budgets its memory, its stack or all day. In each of them
// aws_vpc.fine stands beside the trouble and is read.
var hostile = []struct {
	name  string
	files map[string]string
	want  string // the code of a notice; empty where the trouble needs none
}{
	{"a module that calls itself", map[string]string{
		"main.tf": `module "m" { source = "./m" }`, "m/main.tf": `module "n" { source = "../n" }`, "n/main.tf": `module "m" { source = "../m" }`,
	}, "terraform-recursive-module"},
	{"modules without end", map[string]string{"main.tf": doublingModules(0), "m1/x.tf": doublingModules(1), "m2/x.tf": doublingModules(2), "m3/x.tf": doublingModules(3),
		"m4/x.tf": doublingModules(4), "m5/x.tf": doublingModules(5), "m6/x.tf": `resource "aws_vpc" "x" {}`}, "terraform-budget"},
	{"a count of a thousand million", map[string]string{"main.tf": `resource "aws_eip" "x" { count = 1e9 }`}, "terraform-too-many"},
	{"for_each of too much", map[string]string{"main.tf": `resource "aws_eip" "x" { for_each = { for p in setproduct(range(1000), range(50)) : "${p[0]}-${p[1]}" => p } }`}, "terraform-too-many"},
	{"parentheses", map[string]string{"deep.tf": "locals {\n  x = " + strings.Repeat("(", 10_000) + "1" + strings.Repeat(")", 10_000) + "\n}"}, "terraform-syntax"},
	{"open brackets", map[string]string{"deep.tf": "locals { x = " + strings.Repeat("[", 1_000_000)}, "terraform-syntax"},
	{"negations", map[string]string{"deep.tf": "locals {\n  x = " + strings.Repeat("!", 100_000) + "true\n}"}, "terraform-syntax"},
	{"a sum", map[string]string{"deep.tf": "locals {\n  x = 1" + strings.Repeat(" + 1", 100_000) + "\n}"}, "terraform-syntax"},
	{"conditions", map[string]string{"deep.tf": "locals {\n  x = " + strings.Repeat("true ? 1 : ", 100_000) + "1\n}"}, "terraform-syntax"},
	{"indexes", map[string]string{"deep.tf": "locals {\n  y = 0\n  x = local.y" + strings.Repeat("[local.y]", 100_000) + "\n}"}, "terraform-syntax"},
	{"splats", map[string]string{"deep.tf": "locals {\n  y = 0\n  x = local.y" + strings.Repeat("[*]", 100_000) + "\n}"}, "terraform-syntax"},
	{"templates", map[string]string{"deep.tf": "locals {\n  x = " + strings.Repeat(`"${`, 5_000) + "1" + strings.Repeat(`}"`, 5_000) + "\n}"}, "terraform-syntax"},
	{"directives", map[string]string{"deep.tf": "locals {\n  x = \"" + strings.Repeat(`%{ if true }`, 50_000) + "\"\n}"}, "terraform-syntax"},
	{"blocks", map[string]string{"deep.tf": strings.Repeat("x {\n", 100_000)}, "terraform-syntax"},
	{"JSON", map[string]string{"deep.tf.json": `{"locals": {"x": ` + strings.Repeat("[", 100_000) + strings.Repeat("]", 100_000) + "}}"}, "terraform-syntax"},
	{"a large file", map[string]string{"large.tf": "locals {\n" + strings.Repeat("  a = 1\n", 7_000_000) + "}"}, "terraform-too-large"},
	{"many tokens", map[string]string{"large.tf": "locals {\n x = [" + strings.Repeat("1,", 7_000_000) + "]\n}"}, "terraform-syntax"},
	{"locals that need each other", map[string]string{"main.tf": "locals {\n  a = local.b\n  b = local.a\n}\nresource \"aws_eip\" \"x\" { instance = local.a }"}, "terraform-cycle"},
	{"a resource that needs itself", map[string]string{"main.tf": "resource \"aws_eip\" \"x\" {\n  count = length(aws_eip.x)\n  instance = aws_eip.x[0].instance\n}"}, "terraform-cycle"},
	{"modules that need each other", map[string]string{
		"main.tf": "module \"a\" {\n  source = \"./m\"\n  in = module.b.out\n}\nmodule \"b\" {\n  source = \"./m\"\n  in = module.a.out\n}",
		"m/m.tf":  "variable \"in\" {}\noutput \"out\" { value = var.in }\nresource \"aws_eip\" \"x\" { instance = var.in }",
	}, "terraform-cycle"},
	{"a chain of locals", map[string]string{"main.tf": chain(50_000)}, "terraform-too-deep"},
	{"files outside", map[string]string{"main.tf": `resource "aws_eip" "x" {
  a = file("/etc/passwd")
  b = file("../../../etc/passwd")
  c = templatefile("../../x.tpl", {})
  d = fileset("/", "**")
  e = filemd5("~/.ssh/id_rsa")
}`}, "terraform-outside"},
	{"a module outside", map[string]string{"main.tf": `module "m" { source = "../../../etc" }`}, "terraform-module-unavailable"},
	{"range", map[string]string{"main.tf": `resource "aws_eip" "x" { a = range(1e12) }`}, ""},
	{"texts that double", map[string]string{"main.tf": doubling(60, `"${local.l%d}${local.l%d}"`, `"aaaaaaaaaaaaaaaa"`)}, ""},
	{"lists that double", map[string]string{"main.tf": doubling(60, `concat(local.l%d, local.l%d)`, `["a", "b"]`)}, ""},
	{"lists of lists", map[string]string{"main.tf": doubling(60, `[local.l%d, local.l%d]`, `["a", "b"]`)}, ""},
	{"objects of objects", map[string]string{"main.tf": doubling(60, `{ a = local.l%d, b = local.l%d }`, `{}`)}, ""},
	{"unknown values that double", map[string]string{"main.tf": "variable \"x\" {}\n" + doubling(60, `var.x ? [local.l%d] : [local.l%d, 1]`, `var.x ? 1 : 2`)}, ""},
	{"templates that double", map[string]string{"main.tf": "variable \"x\" {}\n" + doubling(60, `"${local.l%d}-${local.l%d}"`, `"${var.x}"`)}, ""},
	{"join", map[string]string{"main.tf": doubling(60, `join(local.l%d, [for i in range(1000) : local.l%d])`, `"ab"`)}, ""},
	{"replace", map[string]string{"main.tf": doubling(60, `replace(local.l%d, "a", "${local.l%d}a")`, `"aaaaaaaa"`)}, ""},
	{"a width", map[string]string{"main.tf": `resource "aws_eip" "x" { a = format("%999999999d", 1) }`}, ""},
	{"an indent", map[string]string{"main.tf": `resource "aws_eip" "x" { a = indent(1e9, "a\nb") }`}, ""},
	{"a large number", map[string]string{"main.tf": "resource \"aws_eip\" \"x\" {\n  a = 1e999999999\n  b = \"${1e308 * 1e308}\"\n  c = pow(10, 1e9)\n  d = tonumber(\"1e999999999\")\n}"}, ""},
	{"loops inside each other", map[string]string{
		"main.tf": `resource "aws_eip" "x" { a = [for a in range(1000) : [for b in range(1000) : [for c in range(1000) : a * b * c]]] }`,
	}, "terraform-budget"},
	{"products", map[string]string{"main.tf": `resource "aws_eip" "x" { a = setproduct(range(1000), range(1000), range(1000)) }`}, ""},
	{"aliases of YAML", map[string]string{"main.tf": `resource "aws_eip" "x" { a = yamldecode(file("bomb.yaml")) }`, "bomb.yaml": yamlBomb()}, ""},
	{"a template that includes itself", map[string]string{
		"main.tf": `resource "aws_eip" "x" { a = templatefile("t.tpl", {}) }`, "t.tpl": `${templatefile("t.tpl", {})}${templatefile("t.tpl", {})}`,
	}, ""},
	{"no text", map[string]string{"main.tf": "resource \"aws_eip\" \"\xff\xfe\" {\n  a = \"\x00\xff\"\n}", "x.tf.json": "\xff\xfe", "y.tf": "\x00\x01"}, "terraform-syntax"},
	{"a broken file", map[string]string{"broken.tf": "resource \"aws_eip\" {\n  a = = 1\n}\nresource \"aws_eip\" \"x\" {\n  b = 2\n", "terraform.tfvars": "a = {"}, "terraform-syntax"},
	{"a budget inside of try", map[string]string{
		"main.tf": `resource "aws_eip" "x" { a = try([for a in range(1000) : [for b in range(1000) : [for c in range(1000) : a * b * c]]], 0) }`,
	}, "terraform-budget"},
	{"a tool around it", map[string]string{"live/terragrunt.hcl": `inputs = {}`}, "not-evaluated"},
	{"odd modules.json", map[string]string{
		"main.tf": `module "m" { source = "x/y/z" }`, ".terraform/modules/modules.json": `{"Modules":[{"Key":"m","Dir":"../../../../etc"},{"Key":"","Dir":""}]}`,
	}, "terraform-module-unavailable"},
}

func doublingModules(n int) string {
	var b strings.Builder
	for i := range 8 {
		fmt.Fprintf(&b, "module \"m%d\" { source = \"%s/m%d\" }\n", i, map[bool]string{true: ".", false: ".."}[n == 0], n+1)
	}
	return b.String()
}

func doubling(n int, next, first string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "locals {\n  l0 = %s\n", first)
	for i := range n {
		fmt.Fprintf(&b, "  l%d = "+next+"\n", i+1, i, i)
	}
	fmt.Fprintf(&b, "}\nresource \"aws_eip\" \"x\" {\n  a = local.l%d\n  b = jsonencode(local.l%d)\n  c = local.l%d == local.l%d\n  d = flatten([local.l%d])\n}\n", n, n, n, n-1, n)
	return b.String()
}

func chain(n int) string {
	var b strings.Builder
	b.WriteString("locals {\n  l0 = 1\n")
	for i := range n {
		fmt.Fprintf(&b, "  l%d = local.l%d\n", i+1, i)
	}
	fmt.Fprintf(&b, "}\nresource \"aws_eip\" \"x\" {\n  a = local.l%d\n}\n", n)
	return b.String()
}

func yamlBomb() string {
	var b strings.Builder
	b.WriteString("a0: &a0 [x, x]\n")
	for i := range 60 {
		fmt.Fprintf(&b, "a%d: &a%d [*a%d, *a%d]\n", i+1, i+1, i, i)
	}
	return b.String()
}

func TestHostile(t *testing.T) {
	for _, tt := range hostile {
		t.Run(tt.name, func(t *testing.T) {
			fsys := fstest.MapFS{"fine.tf": {Data: []byte("resource \"aws_vpc\" \"fine\" {\n  cidr_block = \"10.0.0.0/16\"\n}\n")}}
			for name, content := range tt.files {
				fsys[name] = &fstest.MapFile{Data: []byte(content)}
			}
			inv := readFS(t, fsys, terraform.Source{})
			fine := false
			for _, r := range inv.Resources {
				cidr, _ := r.Get("cidr_block").Text()
				fine = fine || r.ID == "aws_vpc.fine" && (cidr == "10.0.0.0/16" || tt.want == "terraform-budget")
			}
			if !fine {
				t.Error("what stands beside the trouble was not read")
			}
			for _, place := range unexplained(inv) {
				t.Errorf("%s is unknown without a reason", place)
			}
			var codes []string
			found := tt.want == ""
			for _, n := range inv.Notices {
				codes = append(codes, n.Code)
				found = found || n.Code == tt.want
				if n.Location == nil || n.Location.Path == "" {
					t.Errorf("a notice without a place: %s", n.Message)
				}
			}
			if !found {
				t.Errorf("no notice %s among %v", tt.want, codes)
			}
		})
	}
}

func TestCancelled(t *testing.T) {
	tree, err := inventory.NewTree(t.Context(), fstest.MapFS{"main.tf": {Data: []byte("resource \"aws_vpc\" \"x\" {}")}}, inventory.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := (terraform.Source{}).Read(ctx, tree); !errors.Is(err, context.Canceled) {
		t.Errorf("a cancelled reading returned %v", err)
	}
}
