package aws

// VPCPeeringConnection joins two VPCs; it is not transitive.
type VPCPeeringConnection struct {
	Object
	Requester  Ref[*VPC] `tf:"vpc_id"`
	Accepter   Ref[*VPC] `tf:"peer_vpc_id"`
	PeerRegion Text      `tf:"peer_region"`
	PeerOwner  Text      `tf:"peer_owner_id"`
	AutoAccept Bool      `tf:"auto_accept" cfn:"-"`
	// Accepted says whether the connection becomes active: accepted at once, by an accepter, or as CloudFormation does
	// within an account.
	Accepted Bool
}

// TransitGateway is a regional router between attachments.
type TransitGateway struct {
	Object
	DefaultAssociation Text `tf:"default_route_table_association"` // enable, disable
	DefaultPropagation Text `tf:"default_route_table_propagation"`
	AutoAccept         Text `tf:"auto_accept_shared_attachments"`
	SecurityGroupRefs  Text `tf:"security_group_referencing_support"`
	Attachments        []*TransitGatewayAttachment
	RouteTables        []*TransitGatewayRouteTable // the default one too
	// DefaultRouteTable is implied by the gateway. Never nil.
	DefaultRouteTable *TransitGatewayRouteTable
}

// TransitGatewayAttachment attaches a VPC, another gateway, a VPN or a Direct Connect gateway to a transit gateway.
type TransitGatewayAttachment struct {
	Object
	// Kind is vpc, peering, connect, vpn or direct-connect.
	Kind               string
	Gateway            Ref[*TransitGateway] `tf:"transit_gateway_id"`
	VPC                Ref[*VPC]            `tf:"vpc_id"`
	Subnets            []Ref[*Subnet]       `tf:"subnet_ids"`
	PeerGateway        Ref[*TransitGateway] `tf:"peer_transit_gateway_id"`
	PeerRegion         Text                 `tf:"peer_region"`
	VPN                Ref[*VPNConnection]  `tf:"-" cfn:"-"`
	DefaultAssociation Bool                 `tf:"transit_gateway_default_route_table_association" cfn:"-"`
	DefaultPropagation Bool                 `tf:"transit_gateway_default_route_table_propagation" cfn:"-"`
	SecurityGroupRefs  Text                 `tf:"security_group_referencing_support" cfn:"Options.SecurityGroupReferencingSupport"`
	ApplianceMode      Text                 `tf:"appliance_mode_support" cfn:"Options.ApplianceModeSupport"`
	// Association is the table that decides where its packets go: an explicit one, else the gateway's default where that
	// is on. Absent: none.
	Association Ref[*TransitGatewayRouteTable]
	// Propagations are the tables that learn its ranges.
	Propagations []TransitGatewayPropagation
}

// TransitGatewayRouteTable routes what comes in by the attachments that are associated with it.
type TransitGatewayRouteTable struct {
	Object
	Gateway      Ref[*TransitGateway] `tf:"transit_gateway_id"`
	Routes       []*TransitGatewayRoute
	Propagations []TransitGatewayPropagation // what it learns
}

// TransitGatewayRoute is one static route of a transit gateway.
type TransitGatewayRoute struct {
	Written
	Table       Ref[*TransitGatewayRouteTable] `tf:"transit_gateway_route_table_id"`
	Destination Prefix                         `tf:"destination_cidr_block"`
	List        Ref[*PrefixList]               `tf:"prefix_list_id"`
	Blackhole   Bool                           `tf:"blackhole"`
	Attachment  Ref[*TransitGatewayAttachment] `tf:"transit_gateway_attachment_id"`
}

// TransitGatewayPropagation says that a table learns the ranges of an attachment.
type TransitGatewayPropagation struct {
	Written
	Table      Ref[*TransitGatewayRouteTable] `tf:"transit_gateway_route_table_id"`
	Attachment Ref[*TransitGatewayAttachment] `tf:"transit_gateway_attachment_id"`
}

// VPNGateway is the Amazon side of a VPN or of Direct Connect at one VPC.
type VPNGateway struct {
	Object
	VPC         Ref[*VPC] `tf:"vpc_id" cfn:"-"`
	Attachments []*GatewayAttachment
}

// CustomerGateway is the other side of a VPN.
type CustomerGateway struct {
	Object
	Address Text `tf:"ip_address"`
	ASN     Int  `tf:"bgp_asn"`
}

// VPNConnection is a site-to-site VPN with its two tunnels.
type VPNConnection struct {
	Object
	Gateway         Ref[*VPNGateway]      `tf:"vpn_gateway_id"`
	TransitGateway  Ref[*TransitGateway]  `tf:"transit_gateway_id"`
	CustomerGateway Ref[*CustomerGateway] `tf:"customer_gateway_id"`
	StaticOnly      Bool                  `tf:"static_routes_only"`
	LocalCIDR       Prefix                `tf:"local_ipv4_network_cidr"`  // the customer's side; absent: 0.0.0.0/0
	RemoteCIDR      Prefix                `tf:"remote_ipv4_network_cidr"` // Amazon's side
	Tunnels         []VPNTunnel
	// Routes are the ranges of the remote side that are written.
	Routes []VPNRoute
}

// VPNTunnel is what a VPN connection says of one of its two tunnels. Absent lists are AWS's defaults, which include weak
// algorithms.
type VPNTunnel struct {
	IKEVersions      []Text
	Phase1Encryption []Text
	Phase1Integrity  []Text
	Phase1DHGroups   []Int
	Phase2Encryption []Text
	Phase2Integrity  []Text
	Phase2DHGroups   []Int
	PreSharedKey     Text // never shown; Written says whether it stands in the code
	LogEnabled       Bool
}

// VPNRoute is a static route to the remote side of a VPN.
type VPNRoute struct {
	Written
	Destination Prefix `tf:"destination_cidr_block"`
}

// ClientVPNEndpoint lets single users in.
type ClientVPNEndpoint struct {
	Object
	ClientCIDR     Prefix                   `tf:"client_cidr_block"`
	VPC            Ref[*VPC]                `tf:"vpc_id"`
	SecurityGroups []Ref[*SecurityGroup]    `tf:"security_group_ids"`
	SplitTunnel    Bool                     `tf:"split_tunnel"`
	ConnectionLog  Bool                     `tf:"connection_log_options.enabled"`
	Subnets        []Ref[*Subnet]           // of its network associations
	Authorizations []ClientVPNAuthorization // who may reach what
}

// ClientVPNAuthorization lets users reach a range.
type ClientVPNAuthorization struct {
	Written
	Target    Prefix `tf:"target_network_cidr"`
	AllGroups Bool   `tf:"authorize_all_groups"`
	Group     Text   `tf:"access_group_id"`
}

// DirectConnectGateway joins lines of Direct Connect with gateways of VPCs.
type DirectConnectGateway struct {
	Object
	Associations []DirectConnectAssociation
}

// DirectConnectAssociation ties a Direct Connect gateway to a VPN or transit gateway.
type DirectConnectAssociation struct {
	Written
	Gateway         Ref[Node] `tf:"associated_gateway_id"` // a *VPNGateway or *TransitGateway
	AllowedPrefixes []Prefix  `tf:"allowed_prefixes" cfn:"AllowedPrefixesToDirectConnectGateway"`
}

// VPCEndpoint gives a VPC a private way to a service.
type VPCEndpoint struct {
	Object
	VPC            Ref[*VPC]                `tf:"vpc_id"`
	Type           Text                     `tf:"vpc_endpoint_type"` // Gateway, Interface, GatewayLoadBalancer
	ServiceName    Text                     `tf:"service_name"`
	Service        Ref[*VPCEndpointService] `tf:"service_name" as:"declared"` // where the code declares the service
	RouteTables    []Ref[*RouteTable]       `tf:"route_table_ids"`
	Subnets        []Ref[*Subnet]           `tf:"subnet_ids"`
	SecurityGroups []Ref[*SecurityGroup]    `tf:"security_group_ids"`
	PrivateDNS     Bool                     `tf:"private_dns_enabled"`
	Policy         Policy                   `tf:"policy" cfn:"PolicyDocument"` // absent: everything is allowed
}

// VPCEndpointService offers a load balancer to other VPCs.
type VPCEndpointService struct {
	Object
	NetworkLoadBalancers []Ref[*LoadBalancer] `tf:"network_load_balancer_arns"`
	GatewayLoadBalancers []Ref[*LoadBalancer] `tf:"gateway_load_balancer_arns"`
	AcceptanceRequired   Bool                 `tf:"acceptance_required"`
	AllowedPrincipals    []Text               `tf:"allowed_principals" cfn:"-"`
}
