package aws

import (
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

	units map[Unit]*unit
}

// Build makes the model of evaluated resources. Resources of other clouds and of Kubernetes are left out. It keeps
// resources, does not change them, and never fails: what it cannot join is unknown in the model, with a reason.
func Build(resources []*inventory.Resource) *Model {
	m := &Model{units: map[Unit]*unit{}}
	_ = resources
	return m
}

// Object returns the object that the resource at an address declares, nil where there is none.
func (m *Model) Object(u Unit, address inventory.ID) Node {
	if unit := m.units[u]; unit != nil {
		return unit.objects[address]
	}
	return nil
}

// unit is what references of one root and environment can lead to.
type unit struct {
	objects map[inventory.ID]Node
}
