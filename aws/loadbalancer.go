package aws

import "github.com/trifecta-scanner/trifecta/inventory"

// LoadBalancer is a load balancer of any generation.
type LoadBalancer struct {
	Object
	Name           Text                  `tf:"name|name_prefix" cfn:"Name|LoadBalancerName"`
	Type           Text                  `tf:"load_balancer_type" cfn:"Type"` // application, network, gateway, classic
	Internal       Bool                  `tf:"internal" cfn:"Scheme" as:"internal"`
	Subnets        []Ref[*Subnet]        `tf:"subnets+subnet_mapping[].subnet_id" cfn:"Subnets+SubnetMappings[].SubnetId"`
	Addresses      []Ref[*ElasticIP]     `tf:"subnet_mapping[].allocation_id" cfn:"SubnetMappings[].AllocationId"`
	SecurityGroups []Ref[*SecurityGroup] `tf:"security_groups"` // network: none is no filter; others: none is the VPC's default
	IPAddressType  Text                  `tf:"ip_address_type"` // ipv4, dualstack, dualstack-without-public-ipv4
	CrossZone      Bool                  `tf:"enable_cross_zone_load_balancing|cross_zone_load_balancing" cfn:"CrossZone"`
	// VPC is that of the subnets.
	VPC       Ref[*VPC]
	Listeners []*Listener
	WebACLs   []WebACLUse
	// Targets and their ports, of a classic load balancer. Listeners of a classic one forward to InstancePort.
	Targets []*TargetAttachment
}

// Listener takes connections on a port of a load balancer.
type Listener struct {
	Object
	LoadBalancer Ref[*LoadBalancer] `tf:"load_balancer_arn"`
	Port         Int                `tf:"port"`
	Protocol     Text               `tf:"protocol"` // HTTP, HTTPS, TCP, TLS, UDP, TCP_UDP, GENEVE, SSL; absent for gateways
	SSLPolicy    Text               `tf:"ssl_policy"`
	MutualTLS    Text               `tf:"mutual_authentication.mode"` // off, passthrough, verify
	Actions      []Action           `tf:"default_action" cfn:"DefaultActions"`
	Rules        []*ListenerRule
	// InstancePort is where a listener of a classic load balancer forwards to; absent for others.
	InstancePort Int
	// Place is the block of a classic listener, else that of the resource.
	Place inventory.Location
}

// ListenerRule sends some requests elsewhere than the listener's default.
type ListenerRule struct {
	Object
	Listener   Ref[*Listener]  `tf:"listener_arn"`
	Priority   Int             `tf:"priority"`
	Actions    []Action        `tf:"action" cfn:"Actions"`
	Conditions []RuleCondition `tf:"condition" cfn:"Conditions"`
}

// Action is what a listener does with a request.
type Action struct {
	Type         Text                `tf:"type"` // forward, redirect, fixed-response, authenticate-oidc, authenticate-cognito, jwt-validation
	Order        Int                 `tf:"order"`
	TargetGroups []Ref[*TargetGroup] `tf:"target_group_arn+forward.target_group[].arn" cfn:"TargetGroupArn+ForwardConfig.TargetGroups[].TargetGroupArn"`
	RedirectTo   Text                `tf:"redirect.protocol" cfn:"RedirectConfig.Protocol"` // HTTP, HTTPS, #{protocol}
	RedirectPort Text                `tf:"redirect.port" cfn:"RedirectConfig.Port"`
}

// RuleCondition is what a request must have for a rule to apply.
type RuleCondition struct {
	Field        Text     `tf:"field"` // of CloudFormation and old providers
	Hosts        []Text   `tf:"host_header.values" cfn:"HostHeaderConfig.Values"`
	Paths        []Text   `tf:"path_pattern.values" cfn:"PathPatternConfig.Values"`
	HeaderName   Text     `tf:"http_header.http_header_name" cfn:"HttpHeaderConfig.HttpHeaderName"`
	HeaderValues []Text   `tf:"http_header.values" cfn:"HttpHeaderConfig.Values"`
	SourceRanges []Prefix `tf:"source_ip.values" cfn:"SourceIpConfig.Values"`
}

// TargetGroup is what a listener forwards to.
type TargetGroup struct {
	Object
	Name             Text      `tf:"name|name_prefix"`
	Port             Int       `tf:"port"`
	Protocol         Text      `tf:"protocol"`
	TargetType       Text      `tf:"target_type"` // instance, ip, lambda, alb
	VPC              Ref[*VPC] `tf:"vpc_id"`
	PreserveClientIP Text      `tf:"preserve_client_ip" cfn:"-"` // true, false; absent: by protocol and target type
	// Targets come from every form: attachments, targets written in the group, auto scaling groups and services.
	Targets []*TargetAttachment
}

// TargetAttachment registers a target with a target group or classic load balancer.
type TargetAttachment struct {
	Written
	Group        Ref[*TargetGroup]  `tf:"target_group_arn" cfn:"-"`
	LoadBalancer Ref[*LoadBalancer] `tf:"elb" cfn:"-"` // a classic one
	// Target is an *Instance, *AutoScalingGroup, *Service, *Function, *LoadBalancer, *NodeGroup or *NetworkInterface.
	Target Ref[Node] `tf:"target_id|instance" cfn:"Id"`
	// IP is the address, or other id, by which a target is written.
	IP   Text `tf:"target_id" cfn:"Id"`
	Port Int  `tf:"port"` // absent: the group's
	// Container names what of a service is registered.
	Container Text
}

// WebACL is a web ACL of WAF.
type WebACL struct {
	Object
	Name          Text      `tf:"name"`
	Scope         Text      `tf:"scope"`                   // REGIONAL, CLOUDFRONT
	DefaultAction Text      `tf:"default_action" as:"key"` // allow, block
	Rules         []WebRule `tf:"rule" cfn:"Rules"`
	// Classic says that it is one of WAF Classic.
	Classic bool
}

// WebRule is a rule of a web ACL.
type WebRule struct {
	Name     Text `tf:"name"`
	Priority Int  `tf:"priority"`
	Action   Text `tf:"action" as:"key"`          // allow, block, count, captcha, challenge
	Override Text `tf:"override_action" as:"key"` // of groups: none, count
	// Statement is the rule's statement as it was evaluated.
	Statement inventory.Value `tf:"statement"`
}

// WebACLUse is a web ACL in front of something.
type WebACLUse struct {
	Written
	ACL Ref[*WebACL]
}

// API is an API of API Gateway, of either version.
type API struct {
	Object
	Name            Text   `tf:"name"`
	Protocol        Text   `tf:"protocol_type"`                                                                                                  // HTTP, WEBSOCKET; REST for version 1
	EndpointTypes   []Text `tf:"endpoint_configuration.types"`                                                                                   // EDGE, REGIONAL, PRIVATE; of REST
	IPAddressType   Text   `tf:"ip_address_type|endpoint_configuration.ip_address_type" cfn:"IpAddressType|EndpointConfiguration.IpAddressType"` // ipv4, dualstack
	DisableEndpoint Bool   `tf:"disable_execute_api_endpoint"`
	Policy          Policy `tf:"policy"`
	// Body is an OpenAPI description, where that declares routes.
	Body        inventory.Value `tf:"body"`
	Routes      []*APIRoute
	Stages      []*APIStage
	Domains     []*APIDomain
	Permissions []*FunctionPermission
	// Target is the only integration of an HTTP API that is made in one step.
	Target Ref[Node] `tf:"target"`
}

// APIRoute is a route of an HTTP or WebSocket API, or a method of a REST API.
type APIRoute struct {
	Object
	API           Ref[*API]           `tf:"api_id|rest_api_id" cfn:"ApiId|RestApiId"`
	Key           Text                `tf:"route_key"` // "GET /orders", $default
	Method        Text                `tf:"http_method"`
	Resource      inventory.Value     `tf:"resource_id"`                                              // of a REST API; joins method and integration
	Authorization Text                `tf:"authorization_type|authorization" cfn:"AuthorizationType"` // NONE, AWS_IAM, JWT, CUSTOM, COGNITO_USER_POOLS
	Authorizer    Ref[*APIAuthorizer] `tf:"authorizer_id"`
	KeyRequired   Bool                `tf:"api_key_required"`
	// Integration is what answers; nil where none is joined.
	Integration *APIIntegration `tf:"-" cfn:"Integration"`
	target      Ref[*APIIntegration]
}

// APIAuthorizer decides who may call a route.
type APIAuthorizer struct {
	Object
	API  Ref[*API] `tf:"api_id|rest_api_id" cfn:"ApiId|RestApiId"`
	Type Text      `tf:"authorizer_type|type" cfn:"AuthorizerType|Type"` // JWT, REQUEST, TOKEN, COGNITO_USER_POOLS
}

// APIIntegration is what an API calls.
type APIIntegration struct {
	Object
	API      Ref[*API]       `tf:"api_id|rest_api_id" cfn:"ApiId|RestApiId"`
	Type     Text            `tf:"integration_type|type" cfn:"IntegrationType|Type"` // AWS_PROXY, HTTP_PROXY, AWS, HTTP, MOCK
	Method   Text            `tf:"http_method" cfn:"-"`                              // of a REST API
	Resource inventory.Value `tf:"resource_id" cfn:"-"`
	// Target is a *Function, *Listener, *LoadBalancer or another object that the URI names.
	Target         Ref[Node]     `tf:"integration_uri|uri" cfn:"IntegrationUri|Uri"`
	URI            Text          `tf:"integration_uri|uri" cfn:"IntegrationUri|Uri"`
	ConnectionType Text          `tf:"connection_type"` // INTERNET, VPC_LINK
	VPCLink        Ref[*VPCLink] `tf:"connection_id"`
}

// APIStage is a deployed stage; an API without one answers nothing.
type APIStage struct {
	Object
	API     Ref[*API] `tf:"api_id|rest_api_id" cfn:"ApiId|RestApiId"`
	Name    Text      `tf:"name|stage_name" cfn:"StageName"`
	WebACLs []WebACLUse
}

// VPCLink leads from an API into a VPC.
type VPCLink struct {
	Object
	Subnets        []Ref[*Subnet]        `tf:"subnet_ids"`
	SecurityGroups []Ref[*SecurityGroup] `tf:"security_group_ids"`
	Targets        []Ref[*LoadBalancer]  `tf:"target_arns"` // of version 1: network load balancers
}

// APIDomain is a custom domain name of an API.
type APIDomain struct {
	Object
	Name      Text   `tf:"domain_name"`
	MutualTLS Bool   `tf:"mutual_tls_authentication" as:"present"`
	Endpoint  []Text `tf:"endpoint_configuration.types|domain_name_configuration.endpoint_type" cfn:"EndpointConfiguration.Types|DomainNameConfigurations[].EndpointType"`
	APIs      []Ref[*API]
}

// Distribution is a CloudFront distribution.
type Distribution struct {
	Object
	Enabled Bool         `tf:"enabled" cfn:"DistributionConfig.Enabled"`
	IPv6    Bool         `tf:"is_ipv6_enabled" cfn:"DistributionConfig.IPV6Enabled"`
	Aliases []Text       `tf:"aliases" cfn:"DistributionConfig.Aliases"`
	WebACL  Ref[*WebACL] `tf:"web_acl_id" cfn:"DistributionConfig.WebACLId"`
	Origins []CDNOrigin  `tf:"origin" cfn:"DistributionConfig.Origins"`
	// Behaviors has the default one first.
	Behaviors      []CDNBehavior `tf:"default_cache_behavior+ordered_cache_behavior" cfn:"DistributionConfig.DefaultCacheBehavior+DistributionConfig.CacheBehaviors"`
	GeoRestriction Text          `tf:"restrictions.geo_restriction.restriction_type" cfn:"DistributionConfig.Restrictions.GeoRestriction.RestrictionType"` // none, whitelist, blacklist
	MinimumTLS     Text          `tf:"viewer_certificate.minimum_protocol_version" cfn:"DistributionConfig.ViewerCertificate.MinimumProtocolVersion"`
	Logging        Bool          `tf:"logging_config" cfn:"DistributionConfig.Logging" as:"present"`
}

// CDNOrigin is what a distribution takes its content from.
type CDNOrigin struct {
	ID Text `tf:"origin_id" cfn:"Id"`
	// Target is a *LoadBalancer, *API, *Bucket, *Function (by its URL), *Instance or another object that the domain name
	// belongs to, or that a VPC origin leads to.
	Target     Ref[Node] `tf:"domain_name"`
	DomainName Text      `tf:"domain_name"`
	// Record is the DNS record through which Target was found; nil otherwise.
	Record    *Record
	VPCOrigin Ref[*VPCOrigin] `tf:"vpc_origin_config.vpc_origin_id"`
	Headers   []struct {
		Name  Text `tf:"name" cfn:"HeaderName"`
		Value Text `tf:"value" cfn:"HeaderValue"`
	} `tf:"custom_header" cfn:"OriginCustomHeaders"`
	ProtocolPolicy Text `tf:"custom_origin_config.origin_protocol_policy"` // http-only, https-only, match-viewer
	HTTPPort       Int  `tf:"custom_origin_config.http_port" cfn:"CustomOriginConfig.HTTPPort"`
	HTTPSPort      Int  `tf:"custom_origin_config.https_port" cfn:"CustomOriginConfig.HTTPSPort"`
	AccessControl  Bool `tf:"origin_access_control_id|s3_origin_config.origin_access_identity" cfn:"OriginAccessControlId|S3OriginConfig.OriginAccessIdentity" as:"present"`
}

// CDNBehavior says what a distribution does with some paths.
type CDNBehavior struct {
	Path           Text `tf:"path_pattern"` // absent: the default
	Origin         Text `tf:"target_origin_id"`
	ProtocolPolicy Text `tf:"viewer_protocol_policy"` // allow-all, https-only, redirect-to-https
	Signed         Bool `tf:"trusted_key_groups|trusted_signers" as:"present"`
	// Functions run at the edge for requests and answers.
	Functions []Ref[*Function] `tf:"lambda_function_association[].lambda_arn" cfn:"LambdaFunctionAssociations[].LambdaFunctionARN"`
}

// VPCOrigin lets CloudFront reach a load balancer or instance inside of a VPC.
type VPCOrigin struct {
	Object
	Target         Ref[Node] `tf:"vpc_origin_endpoint_config.arn"`
	HTTPPort       Int       `tf:"vpc_origin_endpoint_config.http_port" cfn:"VpcOriginEndpointConfig.HTTPPort"`
	HTTPSPort      Int       `tf:"vpc_origin_endpoint_config.https_port" cfn:"VpcOriginEndpointConfig.HTTPSPort"`
	ProtocolPolicy Text      `tf:"vpc_origin_endpoint_config.origin_protocol_policy"`
}

// Record is a DNS record of Route 53 that leads to something of the code.
type Record struct {
	Object
	Name   Text      `tf:"name|fqdn" cfn:"Name"`
	Type   Text      `tf:"type"`
	Target Ref[Node] `tf:"alias.name|records" cfn:"AliasTarget.DNSName|ResourceRecords"`
}

// Accelerator is an accelerator of Global Accelerator.
type Accelerator struct {
	Object
	Enabled       Bool `tf:"enabled"`
	IPAddressType Text `tf:"ip_address_type"` // IPV4, DUAL_STACK
	Listeners     []*AcceleratorListener
}

// AcceleratorListener takes connections for an accelerator.
type AcceleratorListener struct {
	Object
	Accelerator Ref[*Accelerator] `tf:"accelerator_arn"`
	Protocol    Text              `tf:"protocol"` // TCP, UDP
	Ports       []struct {
		From Int `tf:"from_port"`
		To   Int `tf:"to_port"`
	} `tf:"port_range" cfn:"PortRanges"`
	Groups []*AcceleratorGroup
}

// AcceleratorGroup is where an accelerator's listener sends connections in one region.
type AcceleratorGroup struct {
	Object
	Listener  Ref[*AcceleratorListener] `tf:"listener_arn"`
	Endpoints []struct {
		Target           Ref[Node] `tf:"endpoint_id"` // a *LoadBalancer, *Instance or *ElasticIP
		PreserveClientIP Bool      `tf:"client_ip_preservation_enabled" cfn:"ClientIPPreservationEnabled"`
	} `tf:"endpoint_configuration" cfn:"EndpointConfigurations"`
	PortOverrides []struct {
		Listener Int `tf:"listener_port"`
		Endpoint Int `tf:"endpoint_port"`
	} `tf:"port_override" cfn:"PortOverrides"`
}
