package cloudformation

import (
	"fmt"
	"strings"
	"testing"

	"github.com/trifecta-scanner/trifecta/inventory"
)

// TestStacks evaluates the templates of the corpus as stacks that name each other, as its truth files do.
func TestStacks(t *testing.T) {
	source := Source{Stacks: []Stack{
		{Name: "net", Template: "vpc/vpc-2azs.yaml"},
		{Name: "bastion", Template: "vpc/vpc-ssh-bastion.yaml", Parameters: map[string]string{"ParentVPCStack": "net"}},
		{Name: "app-private", Template: "ec2/al2-mutable-private.yaml", Parameters: map[string]string{"ParentVPCStack": "net", "ParentSSHBastionStack": "bastion"}},
		{Name: "app-open", Template: "ec2/al2-mutable-private.yaml", Parameters: map[string]string{"ParentVPCStack": "net"}},
		{Name: "app-public", Template: "ec2/al2-mutable-public.yaml", Parameters: map[string]string{"ParentVPCStack": "net"}},
		{Name: "cluster", Template: "fargate/cluster.yaml", Parameters: map[string]string{"ParentVPCStack": "net"}},
		{Name: "svc", Template: "fargate/service-cluster-alb.yaml", Parameters: map[string]string{"ParentVPCStack": "net", "ParentClusterStack": "cluster"}},
	}}
	inv := read(t, source, archived(t, "widdix+aws-cf-templates"))
	byID := map[inventory.ID]*inventory.Resource{}
	for _, r := range inv.Resources {
		byID[r.ID] = r
	}
	for _, tt := range []struct {
		id   inventory.ID
		path string
		want string
	}{
		{"bastion/SecurityGroup", "VpcId", "vpc/vpc-2azs.yaml net/VPC."},
		{"bastion/AutoScalingGroup", "VPCZoneIdentifier", "vpc/vpc-2azs.yaml net/SubnetAPublic. vpc/vpc-2azs.yaml net/SubnetBPublic."},
		{"app-public/NetworkInterface", "SubnetId", "vpc/vpc-2azs.yaml net/SubnetAPublic."},
		{"app-public/EIPAssociation", "NetworkInterfaceId", " app-public/NetworkInterface."},
		{"app-private/SecurityGroupInSSHBastion", "SourceSecurityGroupId", "vpc/vpc-ssh-bastion.yaml bastion/SecurityGroup."},
		{"cluster/LoadBalancer", "Subnets", "vpc/vpc-2azs.yaml net/SubnetAPublic. vpc/vpc-2azs.yaml net/SubnetBPublic."},
		{"svc/TargetGroup", "VpcId", "vpc/vpc-2azs.yaml net/VPC."},
		{"svc/LoadBalancerListenerRule", "ListenerArn", "fargate/cluster.yaml cluster/HttpListener."},
		{"svc/Service", "NetworkConfiguration.AwsvpcConfiguration.Subnets", "vpc/vpc-2azs.yaml net/SubnetAPublic. vpc/vpc-2azs.yaml net/SubnetBPublic."},
		{"svc/ServiceSecurityGroup", "SecurityGroupIngress.SourceSecurityGroupId", "fargate/cluster.yaml cluster/LoadBalancerSecurityGroup."},
	} {
		r := byID[tt.id]
		if r == nil {
			t.Errorf("no resource %s", tt.id)
			continue
		}
		var refs []string
		value := r.Get(strings.Split(tt.path, ".")...)
		for _, v := range value.Elements() {
			if ref, ok := v.Ref(); ok {
				refs = append(refs, fmt.Sprintf("%s %s.%s", ref.Root, ref.Resource, ref.Attribute))
			}
		}
		if got := strings.Join(refs, " "); got != tt.want {
			t.Errorf("%s %s refers to %q, want %q: %s", tt.id, tt.path, got, tt.want, shown(t, value))
		}
	}
	for id, want := range map[inventory.ID]inventory.Existence{
		"app-public/SecurityGroupInSSHWorld": inventory.Exists, "app-open/SecurityGroupInSSHWorld": inventory.Exists,
		"app-private/SecurityGroupInSSHWorld": inventory.NotExists, "app-private/SecurityGroupInSSHBastion": inventory.Exists,
		"cluster/HttpsListener": inventory.NotExists,
	} {
		if r := byID[id]; r == nil || r.Exists != want {
			t.Errorf("%s: %+v, want existence %d", id, r, want)
		}
	}
}
