package aws

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"github.com/trifecta-scanner/trifecta/inventory"
)

// Model is what the resources of all roots and environments declare on AWS. Objects of one unit refer to each other; a
// reference to another root leads there too. Every list is ordered as the resources are, with what is implied after what
// implies it. A Model must not be changed once it is built.
type Model struct {
	VPCs                 []*VPC
	Subnets              []*Subnet
	InternetGateways     []*InternetGateway
	EgressOnlyGateways   []*EgressOnlyInternetGateway
	CarrierGateways      []*CarrierGateway
	NATGateways          []*NATGateway
	RouteTables          []*RouteTable
	NetworkACLs          []*NetworkACL
	SecurityGroups       []*SecurityGroup
	PrefixLists          []*PrefixList
	BlockPublicAccess    []*BlockPublicAccess
	Exclusions           []*BlockPublicAccessExclusion
	NetworkInterfaces    []*NetworkInterface
	ElasticIPs           []*ElasticIP
	FlowLogs             []*FlowLog
	NetworkFirewalls     []*NetworkFirewall
	FirewallPolicies     []*FirewallPolicy
	FirewallRuleGroups   []*FirewallRuleGroup
	Peerings             []*VPCPeeringConnection
	TransitGateways      []*TransitGateway
	TransitAttachments   []*TransitGatewayAttachment
	TransitRouteTables   []*TransitGatewayRouteTable
	VPNGateways          []*VPNGateway
	CustomerGateways     []*CustomerGateway
	VPNConnections       []*VPNConnection
	ClientVPNEndpoints   []*ClientVPNEndpoint
	DirectConnects       []*DirectConnectGateway
	VPCEndpoints         []*VPCEndpoint
	VPCEndpointServices  []*VPCEndpointService
	Instances            []*Instance
	LaunchTemplates      []*LaunchTemplate
	AutoScalingGroups    []*AutoScalingGroup
	LoadBalancers        []*LoadBalancer
	Listeners            []*Listener
	ListenerRules        []*ListenerRule
	TargetGroups         []*TargetGroup
	WebACLs              []*WebACL
	Clusters             []*Cluster
	Services             []*Service
	TaskDefinitions      []*TaskDefinition
	EKSClusters          []*EKSCluster
	NodeGroups           []*NodeGroup
	FargateProfiles      []*FargateProfile
	Addons               []*Addon
	Functions            []*Function
	FunctionURLs         []*FunctionURL
	FunctionPermissions  []*FunctionPermission
	APIs                 []*API
	APIRoutes            []*APIRoute
	APIAuthorizers       []*APIAuthorizer
	APIIntegrations      []*APIIntegration
	APIStages            []*APIStage
	APIDomains           []*APIDomain
	VPCLinks             []*VPCLink
	Distributions        []*Distribution
	VPCOrigins           []*VPCOrigin
	Records              []*Record
	Accelerators         []*Accelerator
	AcceleratorListeners []*AcceleratorListener
	AcceleratorGroups    []*AcceleratorGroup
	Stores               []*Store
	SubnetGroups         []*SubnetGroup
	ManagedFronts        []*ManagedFront
	Buckets              []*Bucket
	AccountAccessBlocks  []*AccountPublicAccessBlock
	Keys                 []*Key
	Trails               []*Trail
	Repositories         []*Repository
	Volumes              []*Volume
	EncryptionByDefault  []*EncryptionByDefault
	FileSystems          []*FileSystem
	Roles                []*Role
	ManagedPolicies      []*ManagedPolicy
	InstanceProfiles     []*InstanceProfile
	Users                []*User
	PasswordPolicies     []*PasswordPolicy
	PatchBaselines       []*PatchBaseline
	SSMAssociations      []*SSMAssociation
	MaintenanceWindows   []*MaintenanceWindow
	WindowTargets        []*MaintenanceWindowTarget
	WindowTasks          []*MaintenanceWindowTask

	// NotCreated are objects whose count is 0 or whose condition is false. They take part in nothing; only what declares
	// them is filled.
	NotCreated []Node
	// LooseRules are rules of security groups that are not known.
	LooseRules []*SecurityGroupRule

	units map[Unit]*unit
}

// Object returns the object that the resource at an address declares, nil where there is none.
func (m *Model) Object(u Unit, address inventory.ID) Node {
	if unit := m.units[u]; unit != nil {
		return unit.objects[address]
	}
	return nil
}

// Units returns the roots and environments of the model in order.
func (m *Model) Units() []Unit {
	return slices.SortedFunc(maps.Keys(m.units), func(a, b Unit) int {
		return cmp.Or(strings.Compare(a.Root, b.Root), strings.Compare(a.Environment, b.Environment))
	})
}
