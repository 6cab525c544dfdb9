package cloudformation

import (
	"strings"
	"testing"

	"github.com/trifecta-scanner/trifecta/inventory"
)

func TestParameterFile(t *testing.T) {
	for _, tt := range []struct {
		file, template string
		environment    string
		own, ok        bool
	}{
		{"a/app.parameters.json", "a/app.yaml", "", true, true},
		{"a/app.params.json", "a/app.yaml", "", true, true},
		{"a/app.prod.parameters.json", "a/app.yaml", "prod", true, true},
		{"a/app-prod-parameters.json", "a/app.yaml", "prod", true, true},
		{"a/app.parameters.prod.json", "a/app.yaml", "prod", true, true},
		{"a/app.parameters.json", "a/app.template.json", "", true, true},
		{"a/parameters/app-prod.json", "a/app.yaml", "prod", true, true},
		{"a/params/prod.json", "a/app.yaml", "prod", false, true},
		{"a/parameters.json", "a/app.yaml", "", false, true},
		{"a/prod-parameters.json", "a/app.yaml", "prod", false, true},
		{"a/app.json", "a/app.yaml", "", false, false},
		{"a/application.json", "a/app.yaml", "", false, false},
		{"a/package.json", "a/app.yaml", "", false, false},
	} {
		environment, own, ok := parameterFile(tt.file, tt.template)
		if ok != tt.ok || ok && (environment != tt.environment || own != tt.own) {
			t.Errorf("%s of %s: %q, %v, %v, want %q, %v, %v", tt.file, tt.template, environment, own, ok, tt.environment, tt.own, tt.ok)
		}
	}
}

const (
	network = head + "Parameters: {Cidr: {Type: String, Default: 10.0.0.0/16}}\nResources:\n  Vpc: {Type: 'AWS::EC2::VPC', Properties: {CidrBlock: !Ref Cidr}}\n" +
		"Outputs:\n  Vpc: {Value: !Ref Vpc, Export: {Name: vpc}}\n"
	service = head + "Parameters: {Size: {Type: String, Default: small}}\nResources:\n" +
		"  Group: {Type: 'AWS::EC2::SecurityGroup', Properties: {VpcId: !ImportValue vpc, GroupName: !Ref Size}}\n"
)

// TestNamedStacks imports by the name of a stack that nothing ties to a template.
func TestNamedStacks(t *testing.T) {
	exporting := strings.Replace(network, "Name: vpc", "Name: !Sub '${AWS::StackName}-Vpc'", 1)
	importing := func(name string) string { return strings.Replace(service, "!ImportValue vpc", "!ImportValue "+name, 1) }
	for _, tt := range []struct {
		name  string
		files map[string]string
		want  string // the root of what the group is in
	}{
		{"the only exporter", map[string]string{"a.yaml": exporting, "s.yaml": importing("prod-network-Vpc")}, "a.yaml"},
		{"two exporters", map[string]string{"a.yaml": exporting, "b.yaml": exporting, "s.yaml": importing("prod-network-Vpc")}, ""},
		{"another suffix", map[string]string{"a.yaml": exporting, "s.yaml": importing("prod-network-Subnet")}, ""},
		{"no name before it", map[string]string{"a.yaml": exporting, "s.yaml": importing("'-Vpc'")}, ""},
		{"named by samconfig", map[string]string{
			"a/template.yaml": exporting, "a/samconfig.toml": "[default.deploy.parameters]\nstack_name = \"one\"\n",
			"b/template.yaml": exporting, "b/samconfig.toml": "[default.deploy.parameters]\nstack_name = \"two\"\n", "s.yaml": importing("two-Vpc"),
		}, "b/template.yaml"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			inv := read(t, Source{}, files(t, tt.files))
			for _, r := range inv.Resources {
				if r.Name != "Group" {
					continue
				}
				ref, _ := r.Get("VpcId").Ref()
				if ref.Root != tt.want {
					t.Errorf("the group is in %s, want %q", shown(t, r.Get("VpcId")), tt.want)
				}
				if tt.want == "" && r.Get("VpcId").Reasons()[0].Code != inventory.ImportValue {
					t.Errorf("reasons %v", r.Get("VpcId").Reasons())
				}
				return
			}
			t.Error("no group")
		})
	}
}

// TestEnvironments evaluates templates for environments of the configuration and of the tree.
func TestEnvironments(t *testing.T) {
	prod := `[{"ParameterKey": "Size", "ParameterValue": "large"}]`
	find := func(inv *inventory.Inventory, environment string, id inventory.ID) *inventory.Resource {
		for _, r := range inv.Resources {
			if r.Environment == environment && r.ID == id {
				return r
			}
		}
		return nil
	}

	// What exports to all environments is there in the one that the tree shows.
	inv := read(t, Source{}, files(t, map[string]string{"network.yaml": network, "service.yaml": service, "service.prod.parameters.json": prod}))
	group := find(inv, "prod", "Group")
	if group == nil || find(inv, "", "Group") != nil || find(inv, "prod", "Vpc") == nil || find(inv, "", "Vpc") == nil {
		t.Fatalf("%+v", inv.Resources)
	}
	if ref, ok := group.Get("VpcId").Ref(); !ok || ref.Root != "network.yaml" || ref.Resource != "Vpc" {
		t.Errorf("the group is in %s", shown(t, group.Get("VpcId")))
	}
	if name, _ := group.Get("GroupName").Text(); name != "large" || group.Get("GroupName").Location().Path != "service.prod.parameters.json" {
		t.Errorf("size %q from %v", name, group.Get("GroupName").Location())
	}

	// Those of the configuration hold for what they cover, with their files; what a user gives comes first.
	source := Source{
		Params: map[string]string{"Cidr": "10.9.0.0/16", "Nobody": "x"},
		Environments: []inventory.Environment{
			{Name: "dev", Paths: []string{"live"}}, {Name: "prod", Paths: []string{"live"}, ParameterFiles: []string{"prod.json"}},
		},
	}
	inv = read(t, source, files(t, map[string]string{"live/network.yaml": network, "live/service.yaml": service, "other.yaml": service, "prod.json": prod}))
	for environment, size := range map[string]string{"dev": "small", "prod": "large"} {
		r := find(inv, environment, "Group")
		if r == nil || r.Root != "live/service.yaml" {
			t.Fatalf("no group in %s", environment)
		}
		if got, _ := r.Get("GroupName").Text(); got != size {
			t.Errorf("%s: %q", environment, got)
		}
		if cidr, _ := find(inv, environment, "Vpc").Get("CidrBlock").Text(); cidr != "10.9.0.0/16" {
			t.Errorf("%s: %q", environment, cidr)
		}
	}
	if r := find(inv, "", "Group"); r == nil || r.Root != "other.yaml" {
		t.Errorf("what no environment covers is evaluated once: %+v", r)
	}
	if len(inv.Notices) != 1 || inv.Notices[0].Code != "parameter-unused" {
		t.Errorf("notices %+v", inv.Notices)
	}
}
