package network

// The codes of what blocks a path; Block.Code is one of them. docs/network-model.md says what each means.
const (
	NoPublicAddress       = "NO_PUBLIC_ADDRESS"
	NoInternetGateway     = "NO_INTERNET_GATEWAY"
	NoRoute               = "NO_ROUTE"
	ReturnNotViaIGW       = "RETURN_NOT_VIA_IGW"
	EgressOnly            = "EGRESS_ONLY"
	SGNoMatch             = "SG_NO_MATCH"
	NACLDenyIn            = "NACL_DENY_IN"
	NACLDenyOut           = "NACL_DENY_OUT"
	LBInternal            = "LB_INTERNAL"
	LBNoListener          = "LB_NO_LISTENER"
	LBNoTarget            = "LB_NO_TARGET"
	BPABlock              = "BPA_BLOCK"
	PeeringNotTransitive  = "PEERING_NOT_TRANSITIVE"
	TGWNoRoute            = "TGW_NO_ROUTE"
	NotPubliclyAccessible = "NOT_PUBLICLY_ACCESSIBLE"
	EndpointPrivate       = "ENDPOINT_PRIVATE"
	NoFront               = "NO_FRONT"
	SourceRanges          = "SOURCE_RANGES"
	NetpolDeny            = "NETPOL_DENY"
	ICMPOnly              = "ICMP_ONLY"
	NotCreated            = "NOT_CREATED"
)

// The codes of what is not known that the network itself finds out; the others are those of package inventory.
const (
	Placement         = "PLACEMENT"          // in which of several subnets a store stands; Ref the subnet group or the store
	K8sLBController   = "K8S_LB_CONTROLLER"  // which controller makes the load balancer of a Service; Ref the Service
	IngressController = "INGRESS_CONTROLLER" // which controller serves an Ingress; Ref the Ingress or its class
	NetpolEnforcement = "NETPOL_ENFORCEMENT" // whether anything enforces a NetworkPolicy; Ref the policy
	FirewallRules     = "FIREWALL_RULES"     // the rules of a firewall on the path; Ref the firewall
	TooComplex        = "TOO_COMPLEX"        // a rule set is too large to be computed exactly; Ref the group or list
)

// The assumptions that a result may name.
const (
	AssumedDefaultVPC     = "default-vpc"                 // the account's default VPC is as AWS makes it
	AssumedClusterNetwork = "cluster-network-not-in-code" // the network of the Kubernetes cluster is public and open
)
