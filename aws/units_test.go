package aws_test

import (
	"testing"
	"testing/fstest"

	"github.com/trifecta-scanner/trifecta/aws"
	"github.com/trifecta-scanner/trifecta/inventory"
	"github.com/trifecta-scanner/trifecta/inventory/cloudformation"
)

const networkTemplate = `
Resources:
  Vpc:
    Type: AWS::EC2::VPC
    Properties: {CidrBlock: 10.0.0.0/16}
Outputs:
  Vpc:
    Value: !Ref Vpc
    Export: {Name: network-vpc}
`

const appTemplate = `
Parameters:
  Name: {Type: String, Default: app}
Resources:
  Group:
    Type: AWS::EC2::SecurityGroup
    Properties: {GroupDescription: app, GroupName: !Ref Name, VpcId: !ImportValue network-vpc}
`

// TestUnits checks that references lead into other roots, and stay within one environment.
func TestUnits(t *testing.T) {
	tree, err := inventory.NewTree(t.Context(), fstest.MapFS{
		"network.yaml": {Data: []byte(networkTemplate)}, "app.yaml": {Data: []byte(appTemplate)},
	}, inventory.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	source := cloudformation.Source{Environments: []inventory.Environment{{Name: "prod"}, {Name: "test"}}}
	inv, err := source.Read(t.Context(), tree)
	if err != nil {
		t.Fatal(err)
	}
	m := aws.Build(inv.Resources)
	if len(m.VPCs) != 2 {
		t.Fatalf("%d VPCs, want one for each environment", len(m.VPCs))
	}
	for _, environment := range []string{"prod", "test"} {
		group, ok := m.Object(aws.Unit{Root: "app.yaml", Environment: environment}, "Group").(*aws.SecurityGroup)
		if !ok {
			t.Fatalf("no group in %s", environment)
		}
		want := m.Object(aws.Unit{Root: "network.yaml", Environment: environment}, "Vpc")
		if !group.VPC.Resolved() || aws.Node(group.VPC.To) != want {
			t.Errorf("%s: the group is in %v, want the VPC of that environment", environment, group.VPC)
		}
		if !want.Self().Exported() {
			t.Errorf("%s: the VPC is not exported", environment)
		}
	}
	if units := m.Units(); len(units) != 4 || units[0] != (aws.Unit{Root: "app.yaml", Environment: "prod"}) {
		t.Errorf("units %v", units)
	}
	if m.Object(aws.Unit{Root: "nowhere"}, "Vpc") != nil {
		t.Error("an object of no unit")
	}
}
