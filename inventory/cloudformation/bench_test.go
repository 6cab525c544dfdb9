package cloudformation

import (
	"fmt"
	"strings"
	"testing"
)

// generated is a template of so many resources that refer to each other.
func generated(resources int) string {
	var b strings.Builder
	b.WriteString(head + "Parameters:\n  Env: {Type: String, Default: prod}\n  Cidr: {Type: String}\nConditions:\n  IsProd: !Equals [!Ref Env, prod]\nResources:\n  Vpc: {Type: 'AWS::EC2::VPC', Properties: {CidrBlock: 10.0.0.0/8}}\n")
	for i := range resources / 2 {
		fmt.Fprintf(&b, `  Subnet%d:
    Type: AWS::EC2::Subnet
    Properties:
      VpcId: !Ref Vpc
      CidrBlock: 10.%d.%d.0/24
      AvailabilityZone: !Select [%d, !GetAZs ""]
      Tags: [{Key: Name, Value: !Sub "${AWS::StackName}-${Env}-%d"}]
  Group%d:
    Type: AWS::EC2::SecurityGroup
    Condition: IsProd
    Properties:
      GroupDescription: group
      VpcId: !GetAtt Subnet%d.VpcId
      SecurityGroupIngress:
        - {IpProtocol: tcp, FromPort: 443, ToPort: 443, CidrIp: !Ref Cidr}
        - !If [IsProd, {IpProtocol: tcp, FromPort: 22, ToPort: 22, CidrIp: 10.0.0.0/8}, !Ref "AWS::NoValue"]
`, i, i>>8&255, i&255, i&1, i, i, i)
	}
	return b.String()
}

func BenchmarkRead(b *testing.B) {
	for _, n := range []int{5_000, 50_000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			tree := files(b, map[string]string{"t.yaml": generated(n)})
			b.ReportAllocs()
			for b.Loop() {
				if inv := read(b, Source{}, tree); len(inv.Resources) < n || len(inv.Notices) > 0 {
					b.Fatalf("%d resources, %v", len(inv.Resources), inv.Notices)
				}
			}
		})
	}
}
