package aws

// The tags tf and cfn of fields name the attribute and the property that fill them, relative to the block that the struct
// stands for: "a.b" is b in the block a, "a[].b" every b of the blocks a, and "a|b" the first of both that is written.
// Without a cfn tag the property is the attribute's name in CloudFormation's spelling; "-" says that there is none.
// Fields without tags are joined from other resources or computed.

// VPC is a virtual private cloud, or the default one of a region.
type VPC struct {
	Object
	CIDR          Prefix `tf:"cidr_block"`
	IPv6CIDR      Prefix `tf:"ipv6_cidr_block" cfn:"-"`
	GeneratedIPv6 Bool   `tf:"assign_generated_ipv6_cidr_block" cfn:"-"` // an IPv6 range of Amazon's, not known before
	DNSHostnames  Bool   `tf:"enable_dns_hostnames"`
	DNSSupport    Bool   `tf:"enable_dns_support"`

	// Default says that it is the default VPC of its region.
	Default bool
	// CIDRs are all ranges of both families, associated ones included.
	CIDRs []Prefix
	// IPv6 says whether the VPC has an IPv6 range, known or not.
	IPv6    Bool
	Subnets []*Subnet
	// InternetGateways, EgressOnlyGateways and VPNGateways are attached, or may be.
	InternetGateways   []*GatewayAttachment
	EgressOnlyGateways []*EgressOnlyInternetGateway
	VPNGateways        []*GatewayAttachment
	// RouteTables has the main one, implied or adopted, too.
	RouteTables []*RouteTable
	// MainRouteTable is what subnets without an association use; AnyOf where that is in doubt. Never absent.
	MainRouteTable Ref[*RouteTable]
	NetworkACLs    []*NetworkACL
	// DefaultNetworkACL is what subnets without an association use. Never nil.
	DefaultNetworkACL *NetworkACL
	SecurityGroups    []*SecurityGroup
	// DefaultSecurityGroup is what interfaces without a group use. Never nil.
	DefaultSecurityGroup *SecurityGroup
	Peerings             []*VPCPeeringConnection
	TransitAttachments   []*TransitGatewayAttachment
	Endpoints            []*VPCEndpoint
	Firewalls            []*NetworkFirewall
	FlowLogs             []*FlowLog
}

// Subnet is a subnet of a VPC.
type Subnet struct {
	Object
	VPC        Ref[*VPC] `tf:"vpc_id"`
	CIDR       Prefix    `tf:"cidr_block"`
	IPv6CIDR   Prefix    `tf:"ipv6_cidr_block"`
	Zone       Text      `tf:"availability_zone"`
	ZoneID     Text      `tf:"availability_zone_id" cfn:"-"`
	AutoIPv4   Bool      `tf:"map_public_ip_on_launch"`
	AutoIPv6   Bool      `tf:"assign_ipv6_address_on_creation"`
	IPv6Native Bool      `tf:"ipv6_native"`

	// Default says that it is a default subnet of the default VPC.
	Default bool
	// RouteTable is the associated table, else the main one of the VPC; AnyOf where that is in doubt. Absent only where the
	// VPC is not known.
	RouteTable Ref[*RouteTable]
	// RouteTableAssociation is where RouteTable is said; nil for the main table.
	RouteTableAssociation *RouteTableAssociation
	// NetworkACL is the associated ACL, else the default one of the VPC.
	NetworkACL Ref[*NetworkACL]
	FlowLogs   []*FlowLog
}

// InternetGateway lets a VPC speak with the internet.
type InternetGateway struct {
	Object
	VPC         Ref[*VPC] `tf:"vpc_id" cfn:"-"`
	Attachments []*GatewayAttachment
}

// GatewayAttachment is one attachment of an internet or VPN gateway to a VPC, in whatever form it is written.
type GatewayAttachment struct {
	Written
	VPC     Ref[*VPC]
	Gateway Ref[Node] // an *InternetGateway or *VPNGateway
}

// EgressOnlyInternetGateway lets IPv6 connections out and none in.
type EgressOnlyInternetGateway struct {
	Object
	VPC Ref[*VPC] `tf:"vpc_id"`
}

// CarrierGateway connects subnets of Wavelength zones with a carrier's network.
type CarrierGateway struct {
	Object
	VPC Ref[*VPC] `tf:"vpc_id"`
}

// NATGateway lets connections out of private subnets and none in.
type NATGateway struct {
	Object
	Subnet       Ref[*Subnet]    `tf:"subnet_id"`
	Connectivity Text            `tf:"connectivity_type"` // public, private
	Address      Ref[*ElasticIP] `tf:"allocation_id"`
	VPC          Ref[*VPC]       `tf:"vpc_id"` // of a regional gateway, which has no subnet
}

// RouteTable decides where a subnet's, or a gateway's, packets go. The local routes of its VPC are not listed.
type RouteTable struct {
	Object
	VPC         Ref[*VPC]     `tf:"vpc_id"`
	Propagating []Propagation // gateways whose routes are learned
	// Main says that it is the main table of its VPC, implied or adopted.
	Main         bool
	Routes       []*Route
	Associations []*RouteTableAssociation
}

// RouteKind says what a route leads to by the attribute that names it. It is known even where the target is not.
type RouteKind string

// The kinds of route targets.
const (
	ToGateway        RouteKind = "gateway" // an internet or VPN gateway, or the endpoint of a Gateway Load Balancer
	ToLocal          RouteKind = "local"
	ToNAT            RouteKind = "nat"
	ToEgressOnly     RouteKind = "egress-only"
	ToTransitGateway RouteKind = "transit-gateway"
	ToPeering        RouteKind = "peering"
	ToInterface      RouteKind = "interface"
	ToInstance       RouteKind = "instance"
	ToEndpoint       RouteKind = "endpoint"
	ToCarrier        RouteKind = "carrier"
	ToCoreNetwork    RouteKind = "core-network"
	ToLocalGateway   RouteKind = "local-gateway"
	ToVPNGateway     RouteKind = "vpn-gateway"
	ToNothing        RouteKind = ""        // no target is written
	ToUnknownTarget  RouteKind = "unknown" // the block itself is not known
)

// Route is one route of a table.
type Route struct {
	Written
	// Destination is absent where the route has a prefix list, and unknown where the code does not say.
	Destination     Prefix           `tf:"cidr_block|destination_cidr_block|ipv6_cidr_block|destination_ipv6_cidr_block" cfn:"DestinationCidrBlock|DestinationIpv6CidrBlock"`
	DestinationList Ref[*PrefixList] `tf:"destination_prefix_list_id"`
	Kind            RouteKind
	// Target is an *InternetGateway, *VPNGateway, *NATGateway, *EgressOnlyInternetGateway, *TransitGateway,
	// *VPCPeeringConnection, *NetworkInterface, *Instance, *VPCEndpoint, *NetworkFirewall (its endpoint) or *CarrierGateway.
	Target Ref[Node]
}

// Propagation says that a table learns the routes of a VPN gateway.
type Propagation struct {
	Written
	Gateway Ref[*VPNGateway]
}

// RouteTableAssociation ties a subnet, or an edge gateway, to a table.
type RouteTableAssociation struct {
	Written
	Table   Ref[*RouteTable] `tf:"route_table_id"`
	Subnet  Ref[*Subnet]     `tf:"subnet_id"`
	Gateway Ref[Node]        `tf:"gateway_id"`     // an *InternetGateway or *VPNGateway
	VPC     Ref[*VPC]        `tf:"vpc_id" cfn:"-"` // its main table
}

// NetworkACL filters, without state, what enters and leaves its subnets.
type NetworkACL struct {
	Object
	VPC Ref[*VPC] `tf:"vpc_id"`
	// Default says that it is the default ACL of its VPC, implied or adopted.
	Default bool
	// Ingress and Egress are in the order of their numbers, unknown numbers last. What no rule matches is denied.
	Ingress, Egress []*NetworkACLRule
	Associations    []*NetworkACLAssociation
}

// NetworkACLRule is one rule of a network ACL.
type NetworkACLRule struct {
	Written
	Egress   bool
	Number   Int    `tf:"rule_no|rule_number" cfn:"RuleNumber"`
	Action   Text   `tf:"action|rule_action" cfn:"RuleAction"` // allow, deny
	Protocol Int    `tf:"protocol" as:"protocol"`              // an IP protocol number; -1 is all
	FromPort Int    `tf:"from_port" cfn:"PortRange.From"`      // of TCP and UDP; absent: all
	ToPort   Int    `tf:"to_port" cfn:"PortRange.To"`
	ICMPType Int    `tf:"icmp_type" cfn:"Icmp.Type"`
	ICMPCode Int    `tf:"icmp_code" cfn:"Icmp.Code"`
	CIDR     Prefix `tf:"cidr_block|ipv6_cidr_block" cfn:"CidrBlock|Ipv6CidrBlock"` // either family
}

// NetworkACLAssociation ties a subnet to an ACL.
type NetworkACLAssociation struct {
	Written
	ACL    Ref[*NetworkACL] `tf:"network_acl_id"`
	Subnet Ref[*Subnet]     `tf:"subnet_id"`
}

// SecurityGroup filters, with state, what reaches and leaves the interfaces that carry it.
type SecurityGroup struct {
	Object
	VPC         Ref[*VPC] `tf:"vpc_id"` // the default VPC where none is written
	Name        Text      `tf:"name|name_prefix" cfn:"GroupName"`
	Description Text      `tf:"description" cfn:"GroupDescription"`
	// Default says that it is the default group of its VPC, implied or adopted.
	Default bool
	// SharedWith are further VPCs that the group is associated with.
	SharedWith []Ref[*VPC]
	// Ingress and Egress come from all forms in which rules are written.
	Ingress, Egress []*SecurityGroupRule
	// Carriers are the objects that carry the group, or may. Rules that name it are not among them.
	Carriers []Node

	openOut bool // CloudFormation lets everything out where no rule for it is written in the group
}

// SecurityGroupRule allows traffic. It has any number of peers: ranges, prefix lists and groups.
type SecurityGroupRule struct {
	Written
	Egress      bool
	Protocol    Int                   `tf:"protocol|ip_protocol" cfn:"IpProtocol" as:"protocol"` // an IP protocol number; -1 is all, and then ports do not count
	FromPort    Int                   `tf:"from_port"`                                           // of ICMP the type
	ToPort      Int                   `tf:"to_port"`                                             // of ICMP the code
	CIDRs       []Prefix              `tf:"cidr_blocks+ipv6_cidr_blocks+cidr_ipv4+cidr_ipv6" cfn:"CidrIp+CidrIpv6"`
	PrefixLists []Ref[*PrefixList]    `tf:"prefix_list_ids+prefix_list_id" cfn:"SourcePrefixListId+DestinationPrefixListId"`
	Groups      []Ref[*SecurityGroup] `tf:"security_groups+source_security_group_id+referenced_security_group_id" cfn:"SourceSecurityGroupId+DestinationSecurityGroupId+SourceSecurityGroupName"` // the group itself too, where the rule says self
	Self        Bool                  `tf:"self" cfn:"-"`
	Description Text                  `tf:"description"`
}

// PrefixList is a named list of ranges: the customer's, or one of those that AWS keeps.
type PrefixList struct {
	Object
	Name    Text `tf:"name" cfn:"PrefixListName"`
	Entries []PrefixListEntry
	// AWS says that AWS keeps the list; Name is com.amazonaws.REGION.s3 or the like and Entries are not known.
	AWS bool
}

// PrefixListEntry is one range of a prefix list.
type PrefixListEntry struct {
	Written
	CIDR Prefix `tf:"cidr"`
}

// BlockPublicAccess is VPC Block Public Access of a region and account.
type BlockPublicAccess struct {
	Object
	Mode Text `tf:"internet_gateway_block_mode"` // off, block-ingress, block-bidirectional
}

// BlockPublicAccessExclusion lifts VPC Block Public Access for a VPC or subnet.
type BlockPublicAccessExclusion struct {
	Object
	VPC    Ref[*VPC]    `tf:"vpc_id"`
	Subnet Ref[*Subnet] `tf:"subnet_id"`
	Mode   Text         `tf:"internet_gateway_exclusion_mode"` // allow-bidirectional, allow-egress
}

// NetworkInterface is an interface that is declared by itself.
type NetworkInterface struct {
	Object
	Subnet          Ref[*Subnet]          `tf:"subnet_id"`
	SecurityGroups  []Ref[*SecurityGroup] `tf:"security_groups" cfn:"GroupSet"`
	SourceDestCheck Bool                  `tf:"source_dest_check"`
	PrivateIPs      []Text                `tf:"private_ips|private_ip" cfn:"PrivateIpAddresses[].PrivateIpAddress|PrivateIpAddress"`
	IPv6Addresses   []Text                `tf:"ipv6_addresses" cfn:"Ipv6Addresses[].Ipv6Address"`
	IPv6Count       Int                   `tf:"ipv6_address_count" cfn:"Ipv6AddressCount"`
	// Instances that it is attached to, or may be.
	Instances []Ref[*Instance]
	Addresses []*AddressAssociation
}

// ElasticIP is a public address that is kept.
type ElasticIP struct {
	Object
	Instance     Ref[*Instance]         `tf:"instance" cfn:"InstanceId"`
	Interface    Ref[*NetworkInterface] `tf:"network_interface" cfn:"-"`
	Associations []*AddressAssociation
}

// AddressAssociation ties an elastic address to an instance or interface.
type AddressAssociation struct {
	Written
	Address   Ref[*ElasticIP]        `tf:"allocation_id|public_ip" cfn:"AllocationId|EIP"`
	Instance  Ref[*Instance]         `tf:"instance_id"`
	Interface Ref[*NetworkInterface] `tf:"network_interface_id"`
}

// FlowLog records what passes in a VPC, subnet or interface.
type FlowLog struct {
	Object
	VPC            Ref[*VPC]              `tf:"vpc_id" cfn:"-"`
	Subnet         Ref[*Subnet]           `tf:"subnet_id" cfn:"-"`
	Interface      Ref[*NetworkInterface] `tf:"eni_id" cfn:"-"`
	TransitGateway Ref[*TransitGateway]   `tf:"transit_gateway_id" cfn:"-"`
	Of             Ref[Node]              `tf:"-" cfn:"ResourceId"`
	TrafficType    Text                   `tf:"traffic_type"` // ACCEPT, REJECT, ALL
}

// NetworkFirewall inspects what is routed through its endpoints.
type NetworkFirewall struct {
	Object
	VPC     Ref[*VPC]            `tf:"vpc_id"`
	Subnets []Ref[*Subnet]       `tf:"subnet_mapping[].subnet_id" cfn:"SubnetMappings[].SubnetId"`
	Policy  Ref[*FirewallPolicy] `tf:"firewall_policy_arn"`
}

// FirewallPolicy is what a network firewall does.
type FirewallPolicy struct {
	Object
	StatefulGroups   []Ref[*FirewallRuleGroup] `tf:"firewall_policy.stateful_rule_group_reference[].resource_arn" cfn:"FirewallPolicy.StatefulRuleGroupReferences[].ResourceArn"`
	StatelessGroups  []Ref[*FirewallRuleGroup] `tf:"firewall_policy.stateless_rule_group_reference[].resource_arn" cfn:"FirewallPolicy.StatelessRuleGroupReferences[].ResourceArn"`
	StatefulDefault  []Text                    `tf:"firewall_policy.stateful_default_actions"`
	StatelessDefault []Text                    `tf:"firewall_policy.stateless_default_actions"`
}

// FirewallRuleGroup is a group of rules of a network firewall.
type FirewallRuleGroup struct {
	Object
	Type Text `tf:"type"` // STATEFUL, STATELESS
}
