package terraform_test

import (
	"slices"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"github.com/trifecta-scanner/trifecta/inventory"
	"github.com/trifecta-scanner/trifecta/inventory/terraform"
)

// TestInputs gives variables in every way and looks at what a resource gets.
func TestInputs(t *testing.T) {
	files := map[string]string{
		"app/main.tf": `
variable "name" { default = "default" }
variable "size" { type = number }
variable "list" { type = list(string) }
variable "any" {}
resource "x_y" "z" {
  name = var.name
  size = var.size
  list = var.list
  any  = var.any
}`,
		"app/terraform.tfvars": `name = "tfvars"`,
		"vars/a.tfvars":        "name = \"a\"\nsize = \"3\"\n",
		"vars/b.tfvars":        "name = \"b\"\n",
		"vars/c.tfvars.json":   `{"list": ["${not_a_template}"], "unknown": 1}`,
	}
	unknown := map[string]string{"any": "VAR_NO_DEFAULT var.any", "list": "VAR_NO_DEFAULT var.list", "size": "VAR_NO_DEFAULT var.size"}
	with := func(values map[string]string) map[string]string {
		all := map[string]string{}
		for _, from := range []map[string]string{unknown, values} {
			for k, v := range from {
				all[k] = v
			}
		}
		return all
	}
	tests := []struct {
		name    string
		source  terraform.Source
		want    map[string]map[string]string // by environment
		notices []string
	}{
		{"nothing", terraform.Source{}, map[string]map[string]string{"": with(map[string]string{"name": `"tfvars"`})}, nil},
		{"files in order", terraform.Source{VarFiles: []string{"vars/b.tfvars", "./vars/a.tfvars", "vars/c.tfvars.json"}},
			map[string]map[string]string{"": with(map[string]string{"name": `"a"`, "size": "3", "list": `["${not_a_template}"]`})}, nil},
		{"values over files", terraform.Source{VarFiles: []string{"vars/a.tfvars"}, Vars: map[string]string{"name": "x = [", "size": "7", "list": `["p", "q"]`, "any": "[1]", "none": "x"}},
			map[string]map[string]string{"": {"name": `"x = ["`, "size": "7", "list": `["p","q"]`, "any": `"[1]"`}}, []string{"variable-unused"}},
		{"a list that is none", terraform.Source{Vars: map[string]string{"list": "[["}}, map[string]map[string]string{"": with(map[string]string{"name": `"tfvars"`, "list": `"[["`})}, nil},
		{"environments", terraform.Source{Environments: []inventory.Environment{
			{Name: "a", VarFiles: []string{"vars/a.tfvars"}}, {Name: "b", Paths: []string{"app"}, VarFiles: []string{"vars/b.tfvars"}}, {Name: "c", Paths: []string{"elsewhere"}},
		}}, map[string]map[string]string{"a": with(map[string]string{"name": `"a"`, "size": "3"}), "b": with(map[string]string{"name": `"b"`})}, nil},
		{"a file that is not there", terraform.Source{VarFiles: []string{"vars/none.tfvars"}},
			map[string]map[string]string{"": with(map[string]string{"name": `"tfvars"`})}, []string{"unreadable-file"}},
		{"a file outside", terraform.Source{VarFiles: []string{"../../etc/passwd"}},
			map[string]map[string]string{"": with(map[string]string{"name": `"tfvars"`})}, []string{"unreadable-file"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			fsys := fstest.MapFS{}
			for name, content := range files {
				fsys[name] = &fstest.MapFile{Data: []byte(content)}
			}
			inv := readFS(t, fsys, tt.source)
			got := map[string]map[string]string{}
			for _, r := range inv.Resources {
				values := map[string]string{}
				for _, f := range r.Values.Fields() {
					if f.Value.IsUnknown() {
						values[f.Name] = f.Value.Reasons()[0].Code + " " + f.Value.Reasons()[0].Ref
						continue
					}
					data, err := f.Value.MarshalJSON()
					if err != nil {
						t.Fatal(err)
					}
					values[f.Name] = string(data)
				}
				got[r.Environment] = values
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("values (-want +got):\n%s", diff)
			}
			var codes []string
			for _, n := range inv.Notices {
				codes = append(codes, n.Code)
			}
			if !slices.Equal(codes, tt.notices) {
				t.Errorf("notices %v; want %v", codes, tt.notices)
			}
		})
	}
}

// TestBuiltin looks at what a built-in model of a public module gives to the caller.
func TestBuiltin(t *testing.T) {
	inv := readFS(t, fstest.MapFS{"main.tf": {Data: []byte(`module "vpc" {
  source         = "terraform-aws-modules/vpc/aws"
  version        = "~> 5.0"
  cidr           = "10.0.0.0/16"
  azs            = ["eu-west-1a"]
  public_subnets = ["10.0.1.0/24"]
  no_such_input  = 1
}
resource "aws_instance" "x" {
  subnet_id = module.vpc.public_subnets[0]
  other     = module.vpc.no_such_output
}
`)}}, terraform.Source{})
	found := map[inventory.ID]*inventory.Resource{}
	for _, r := range inv.Resources {
		found[r.ID] = r
	}
	instance, subnet := found["aws_instance.x"], found["module.vpc.aws_subnet.public[0]"]
	if instance == nil || subnet == nil {
		t.Fatalf("resources: %v", found)
	}
	if ref, _ := instance.Get("subnet_id").Ref(); ref != (inventory.Ref{Resource: "module.vpc.aws_subnet.public[0]", Attribute: "id"}) {
		t.Errorf("the subnet of the instance is %v", ref)
	}
	if got := instance.Get("other").Reasons(); len(got) != 1 || got[0] != (inventory.Reason{Code: inventory.ModuleNotAvailable, Ref: "module.vpc"}) {
		t.Errorf("an output that the model does not have is unknown for %v", got)
	}
	if subnet.Assumed == "" || subnet.Location.Path != "main.tf" || subnet.Location.Line != 1 || len(subnet.Via) != 1 {
		t.Errorf("the subnet: assumed %q, at %v, via %v", subnet.Assumed, subnet.Location, subnet.Via)
	}
	if cidr := subnet.Get("cidr_block"); cidr.Location().Line != 6 {
		t.Errorf("the range of the subnet is at %v", cidr.Location())
	}
	if len(inv.Notices) > 0 {
		t.Errorf("notices: %v", inv.Notices)
	}
}

// TestLockedProvider takes the version of a provider from the lock file of the root; without one from what the code asks for.
func TestLockedProvider(t *testing.T) {
	const code = "terraform {\n  required_providers {\n    aws = { source = \"hashicorp/aws\", version = \"~> 6.0\" }\n  }\n}\nmodule \"m\" {\n  source = \"./m\"\n}\nresource \"aws_instance\" \"a\" {}\n"
	const lock = "provider \"registry.terraform.io/hashicorp/aws\" {\n  version     = \"6.28.0\"\n  constraints = \"~> 6.0\"\n}\n"
	for name, tt := range map[string]struct {
		lock string
		want []string
	}{
		"locked":      {lock, []string{"6.28.0", ">= 5.0, 6.28.0"}},
		"not locked":  {"", []string{"~> 6.0", ">= 5.0, ~> 6.0"}},
		"broken lock": {"provider \"x", []string{"~> 6.0", ">= 5.0, ~> 6.0"}},
	} {
		fsys := fstest.MapFS{
			"main.tf":   {Data: []byte(code)},
			"m/main.tf": {Data: []byte("terraform {\n  required_providers {\n    aws = { version = \">= 5.0\" }\n  }\n}\nresource \"aws_instance\" \"b\" {}\n")},
		}
		if tt.lock != "" {
			fsys[".terraform.lock.hcl"] = &fstest.MapFile{Data: []byte(tt.lock)}
		}
		tree, err := inventory.NewTree(t.Context(), fsys, inventory.Limits{})
		if err != nil {
			t.Fatal(err)
		}
		inv, err := terraform.Source{}.Read(t.Context(), tree)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, r := range inv.Resources {
			got = append(got, r.ProviderVersion)
		}
		if diff := cmp.Diff(tt.want, got); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}
