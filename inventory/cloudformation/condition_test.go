package cloudformation

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/trifecta-scanner/trifecta/inventory"
)

// TestEqualToItself compares what is not known with itself, and with what only looks like it.
func TestEqualToItself(t *testing.T) {
	const head = "Parameters:\n  Size: {Type: String}\n  Zones: {Type: CommaDelimitedList}\nConditions:\n  C: "
	const tail = "\nResources:\n  Vpc: {Type: 'AWS::EC2::VPC', Condition: C, Properties: {CidrBlock: 10.0.0.0/8}}\n"
	for condition, want := range map[string]inventory.Existence{
		"!Equals [!Ref 'AWS::Region', !Ref 'AWS::Region']":                       inventory.Exists,
		"!Not [!Equals [!Ref 'AWS::Region', !Ref 'AWS::Region']]":                inventory.NotExists,
		"!Equals [!Ref Size, !Ref Size]":                                         inventory.Exists,
		"!Equals [!Sub '${Size}-${AWS::Region}', !Sub '${Size}-${AWS::Region}']": inventory.Exists,
		"!Equals [!Select [0, !Ref Zones], !Select [1, !Ref Zones]]":             inventory.MayExist,
		"!Equals [!Ref Size, !Ref 'AWS::Region']":                                inventory.MayExist,
		"!Equals [&a [" + strings.Repeat("x, ", 200) + "x], *a]":                 inventory.Exists,
	} {
		inv := read(t, Source{}, files(t, map[string]string{"t.yaml": head + condition + tail}))
		var got []inventory.Existence
		for _, r := range inv.Resources {
			if r.Name == "Vpc" {
				got = append(got, r.Exists)
			}
		}
		if diff := cmp.Diff([]inventory.Existence{want}, got); diff != "" {
			t.Errorf("%s: %s", condition, diff)
		}
	}
}
