package aws

import (
	"reflect"
	"strings"

	"github.com/trifecta-scanner/trifecta/inventory"
)

// kind is one sort of object: the resource types that declare it and what is done beyond filling its fields.
type kind struct {
	name                      string
	node                      reflect.Type // pointer to the struct
	terraform, cloudformation []string     // CloudFormation's without AWS::
	make                      func() Node
	list                      func(m *Model, n Node)
	// before is called when the object is made; after, when its fields are filled.
	before func(b *builder, u *unit, r *inventory.Resource, n Node)
	after  func(d *decoder, n Node)
}

// of makes a kind of the objects that a list of the model holds.
func of[T any, P interface {
	*T
	Node
}](list func(*Model) *[]P, terraform, cloudformation string) *kind {
	return &kind{
		name: reflect.TypeFor[T]().Name(), node: reflect.TypeFor[P](),
		terraform: strings.Fields(terraform), cloudformation: strings.Fields(cloudformation),
		make: func() Node { return P(new(T)) },
		list: func(m *Model, n Node) {
			if p, ok := n.(P); ok {
				l := list(m)
				*l = append(*l, p)
			}
		},
	}
}

// started sets what is called when an object is made.
func started[P Node](k *kind, before func(b *builder, u *unit, r *inventory.Resource, n P)) *kind {
	k.before = func(b *builder, u *unit, r *inventory.Resource, n Node) {
		if p, ok := n.(P); ok {
			before(b, u, r, p)
		}
	}
	return k
}

// finished sets what is called when the fields of an object are filled.
func finished[P Node](k *kind, after func(d *decoder, n P)) *kind {
	k.after = func(d *decoder, n Node) {
		if p, ok := n.(P); ok {
			after(d, p)
		}
	}
	return k
}

// kinds lists the sorts of objects that are modelled, in the order of the documentation. Several rows may make the same
// struct; the first one is used for objects outside of the code.
func kinds() []*kind {
	return []*kind{
		finished(started(of(func(m *Model) *[]*VPC { return &m.VPCs }, "aws_vpc aws_default_vpc", "EC2::VPC"), (*builder).startVPC), (*decoder).finishVPC),
		finished(started(of(func(m *Model) *[]*Subnet { return &m.Subnets }, "aws_subnet aws_default_subnet", "EC2::Subnet"), (*builder).startSubnet), (*decoder).finishSubnet),
		finished(of(func(m *Model) *[]*InternetGateway { return &m.InternetGateways }, "aws_internet_gateway", "EC2::InternetGateway"), (*decoder).finishInternetGateway),
		of(func(m *Model) *[]*EgressOnlyInternetGateway { return &m.EgressOnlyGateways }, "aws_egress_only_internet_gateway", "EC2::EgressOnlyInternetGateway"),
		of(func(m *Model) *[]*CarrierGateway { return &m.CarrierGateways }, "aws_ec2_carrier_gateway", "EC2::CarrierGateway"),
		of(func(m *Model) *[]*NATGateway { return &m.NATGateways }, "aws_nat_gateway", "EC2::NatGateway"),
		finished(of(func(m *Model) *[]*RouteTable { return &m.RouteTables }, "aws_route_table aws_default_route_table", "EC2::RouteTable"), (*decoder).finishRouteTable),
		finished(of(func(m *Model) *[]*NetworkACL { return &m.NetworkACLs }, "aws_network_acl aws_default_network_acl", "EC2::NetworkAcl"), (*decoder).finishNetworkACL),
		finished(of(func(m *Model) *[]*SecurityGroup { return &m.SecurityGroups }, "aws_security_group aws_default_security_group", "EC2::SecurityGroup"), (*decoder).finishSecurityGroup),
		finished(of(func(m *Model) *[]*PrefixList { return &m.PrefixLists }, "aws_ec2_managed_prefix_list aws_prefix_list", "EC2::PrefixList"), (*decoder).finishPrefixList),
		of(func(m *Model) *[]*BlockPublicAccess { return &m.BlockPublicAccess }, "aws_vpc_block_public_access_options", "EC2::VPCBlockPublicAccessOptions"),
		of(func(m *Model) *[]*BlockPublicAccessExclusion { return &m.Exclusions }, "aws_vpc_block_public_access_exclusion", "EC2::VPCBlockPublicAccessExclusion"),
		finished(of(func(m *Model) *[]*NetworkInterface { return &m.NetworkInterfaces }, "aws_network_interface", "EC2::NetworkInterface"), (*decoder).finishInterface),
		finished(of(func(m *Model) *[]*ElasticIP { return &m.ElasticIPs }, "aws_eip", "EC2::EIP"), (*decoder).finishElasticIP),
		of(func(m *Model) *[]*FlowLog { return &m.FlowLogs }, "aws_flow_log", "EC2::FlowLog"),
		of(func(m *Model) *[]*NetworkFirewall { return &m.NetworkFirewalls }, "aws_networkfirewall_firewall", "NetworkFirewall::Firewall"),
		of(func(m *Model) *[]*FirewallPolicy { return &m.FirewallPolicies }, "aws_networkfirewall_firewall_policy", "NetworkFirewall::FirewallPolicy"),
		of(func(m *Model) *[]*FirewallRuleGroup { return &m.FirewallRuleGroups }, "aws_networkfirewall_rule_group", "NetworkFirewall::RuleGroup"),

		of(func(m *Model) *[]*VPCPeeringConnection { return &m.Peerings }, "aws_vpc_peering_connection", "EC2::VPCPeeringConnection"),
		started(of(func(m *Model) *[]*TransitGateway { return &m.TransitGateways }, "aws_ec2_transit_gateway", "EC2::TransitGateway"), (*builder).startTransitGateway),
		attachmentKind("vpc", "aws_ec2_transit_gateway_vpc_attachment", "EC2::TransitGatewayVpcAttachment EC2::TransitGatewayAttachment"),
		attachmentKind("peering", "aws_ec2_transit_gateway_peering_attachment", "EC2::TransitGatewayPeeringAttachment"),
		attachmentKind("connect", "aws_ec2_transit_gateway_connect", "EC2::TransitGatewayConnect"),
		of(func(m *Model) *[]*TransitGatewayRouteTable { return &m.TransitRouteTables }, "aws_ec2_transit_gateway_route_table", "EC2::TransitGatewayRouteTable"),
		finished(of(func(m *Model) *[]*VPNGateway { return &m.VPNGateways }, "aws_vpn_gateway", "EC2::VPNGateway"), (*decoder).finishVPNGateway),
		of(func(m *Model) *[]*CustomerGateway { return &m.CustomerGateways }, "aws_customer_gateway", "EC2::CustomerGateway"),
		finished(of(func(m *Model) *[]*VPNConnection { return &m.VPNConnections }, "aws_vpn_connection", "EC2::VPNConnection"), (*decoder).finishVPNConnection),
		of(func(m *Model) *[]*ClientVPNEndpoint { return &m.ClientVPNEndpoints }, "aws_ec2_client_vpn_endpoint", "EC2::ClientVpnEndpoint"),
		of(func(m *Model) *[]*DirectConnectGateway { return &m.DirectConnects }, "aws_dx_gateway", "DirectConnect::DirectConnectGateway"),
		finished(of(func(m *Model) *[]*VPCEndpoint { return &m.VPCEndpoints }, "aws_vpc_endpoint", "EC2::VPCEndpoint"), (*decoder).finishEndpoint),
		of(func(m *Model) *[]*VPCEndpointService { return &m.VPCEndpointServices }, "aws_vpc_endpoint_service", "EC2::VPCEndpointService"),

		of(func(m *Model) *[]*Instance { return &m.Instances }, "aws_instance aws_spot_instance_request", "EC2::Instance"),
		of(func(m *Model) *[]*LaunchTemplate { return &m.LaunchTemplates }, "aws_launch_template", "EC2::LaunchTemplate"),
		started(of(func(m *Model) *[]*LaunchTemplate { return &m.LaunchTemplates }, "aws_launch_configuration", "AutoScaling::LaunchConfiguration"), startLaunchConfiguration),
		finished(of(func(m *Model) *[]*AutoScalingGroup { return &m.AutoScalingGroups }, "aws_autoscaling_group", "AutoScaling::AutoScalingGroup"), (*decoder).finishAutoScalingGroup),
		of(func(m *Model) *[]*Cluster { return &m.Clusters }, "aws_ecs_cluster", "ECS::Cluster"),
		of(func(m *Model) *[]*Service { return &m.Services }, "aws_ecs_service aws_ecs_task_set", "ECS::Service ECS::TaskSet"),
		of(func(m *Model) *[]*TaskDefinition { return &m.TaskDefinitions }, "aws_ecs_task_definition", "ECS::TaskDefinition"),
		started(of(func(m *Model) *[]*EKSCluster { return &m.EKSClusters }, "aws_eks_cluster", "EKS::Cluster"), (*builder).startEKSCluster),
		of(func(m *Model) *[]*NodeGroup { return &m.NodeGroups }, "aws_eks_node_group", "EKS::Nodegroup"),
		of(func(m *Model) *[]*FargateProfile { return &m.FargateProfiles }, "aws_eks_fargate_profile", "EKS::FargateProfile"),
		of(func(m *Model) *[]*Addon { return &m.Addons }, "aws_eks_addon", "EKS::Addon"),
		of(func(m *Model) *[]*Function { return &m.Functions }, "aws_lambda_function", "Lambda::Function"),
		of(func(m *Model) *[]*FunctionURL { return &m.FunctionURLs }, "aws_lambda_function_url", "Lambda::Url"),
		of(func(m *Model) *[]*FunctionPermission { return &m.FunctionPermissions }, "aws_lambda_permission", "Lambda::Permission"),

		of(func(m *Model) *[]*LoadBalancer { return &m.LoadBalancers }, "aws_lb aws_alb", "ElasticLoadBalancingV2::LoadBalancer"),
		finished(of(func(m *Model) *[]*LoadBalancer { return &m.LoadBalancers }, "aws_elb", "ElasticLoadBalancing::LoadBalancer"), (*decoder).finishClassic),
		finished(of(func(m *Model) *[]*Listener { return &m.Listeners }, "aws_lb_listener aws_alb_listener", "ElasticLoadBalancingV2::Listener"), (*decoder).finishListener),
		of(func(m *Model) *[]*ListenerRule { return &m.ListenerRules }, "aws_lb_listener_rule aws_alb_listener_rule", "ElasticLoadBalancingV2::ListenerRule"),
		finished(of(func(m *Model) *[]*TargetGroup { return &m.TargetGroups }, "aws_lb_target_group aws_alb_target_group", "ElasticLoadBalancingV2::TargetGroup"), (*decoder).finishTargetGroup),
		of(func(m *Model) *[]*WebACL { return &m.WebACLs }, "aws_wafv2_web_acl", "WAFv2::WebACL"),
		started(of(func(m *Model) *[]*WebACL { return &m.WebACLs }, "aws_waf_web_acl aws_wafregional_web_acl", "WAF::WebACL WAFRegional::WebACL"), startClassicACL),
		finished(of(func(m *Model) *[]*API { return &m.APIs }, "aws_apigatewayv2_api aws_api_gateway_rest_api", "ApiGatewayV2::Api ApiGateway::RestApi"), (*decoder).finishAPI),
		finished(of(func(m *Model) *[]*APIRoute { return &m.APIRoutes }, "aws_apigatewayv2_route aws_api_gateway_method", "ApiGatewayV2::Route ApiGateway::Method"), (*decoder).finishRoute),
		of(func(m *Model) *[]*APIAuthorizer { return &m.APIAuthorizers }, "aws_apigatewayv2_authorizer aws_api_gateway_authorizer", "ApiGatewayV2::Authorizer ApiGateway::Authorizer"),
		of(func(m *Model) *[]*APIIntegration { return &m.APIIntegrations }, "aws_apigatewayv2_integration aws_api_gateway_integration", "ApiGatewayV2::Integration"),
		of(func(m *Model) *[]*APIStage { return &m.APIStages }, "aws_apigatewayv2_stage aws_api_gateway_stage", "ApiGatewayV2::Stage ApiGateway::Stage"),
		of(func(m *Model) *[]*APIDomain { return &m.APIDomains }, "aws_apigatewayv2_domain_name aws_api_gateway_domain_name", "ApiGatewayV2::DomainName ApiGateway::DomainName"),
		of(func(m *Model) *[]*VPCLink { return &m.VPCLinks }, "aws_apigatewayv2_vpc_link aws_api_gateway_vpc_link", "ApiGatewayV2::VpcLink ApiGateway::VpcLink"),
		of(func(m *Model) *[]*Distribution { return &m.Distributions }, "aws_cloudfront_distribution", "CloudFront::Distribution"),
		of(func(m *Model) *[]*VPCOrigin { return &m.VPCOrigins }, "aws_cloudfront_vpc_origin", "CloudFront::VpcOrigin"),
		finished(of(func(m *Model) *[]*Record { return &m.Records }, "aws_route53_record", "Route53::RecordSet"), (*decoder).finishRecord),
		of(func(m *Model) *[]*Accelerator { return &m.Accelerators }, "aws_globalaccelerator_accelerator", "GlobalAccelerator::Accelerator"),
		of(func(m *Model) *[]*AcceleratorListener { return &m.AcceleratorListeners }, "aws_globalaccelerator_listener", "GlobalAccelerator::Listener"),
		of(func(m *Model) *[]*AcceleratorGroup { return &m.AcceleratorGroups }, "aws_globalaccelerator_endpoint_group", "GlobalAccelerator::EndpointGroup"),

		storeKind(RDSInstance, "aws_db_instance aws_rds_cluster_instance", "RDS::DBInstance"),
		storeKind(RDSCluster, "aws_rds_cluster", "RDS::DBCluster"),
		storeKind(RedshiftCluster, "aws_redshift_cluster", "Redshift::Cluster"),
		storeKind(RedshiftServerless, "aws_redshiftserverless_workgroup", "RedshiftServerless::Workgroup"),
		storeKind(DMSInstance, "aws_dms_replication_instance", "DMS::ReplicationInstance"),
		storeKind(DocDB, "aws_docdb_cluster aws_docdb_cluster_instance", "DocDB::DBCluster DocDB::DBInstance"),
		storeKind(Neptune, "aws_neptune_cluster aws_neptune_cluster_instance", "Neptune::DBCluster Neptune::DBInstance"),
		storeKind(ElastiCache, "aws_elasticache_cluster aws_elasticache_replication_group aws_elasticache_serverless_cache", "ElastiCache::CacheCluster ElastiCache::ReplicationGroup ElastiCache::ServerlessCache"),
		storeKind(MemoryDB, "aws_memorydb_cluster", "MemoryDB::Cluster"),
		storeKind(MSK, "aws_msk_cluster aws_msk_serverless_cluster", "MSK::Cluster MSK::ServerlessCluster"),
		storeKind(MQ, "aws_mq_broker", "AmazonMQ::Broker"),
		storeKind(OpenSearch, "aws_opensearch_domain aws_elasticsearch_domain", "OpenSearchService::Domain Elasticsearch::Domain"),
		storeKind(EMR, "aws_emr_cluster", "EMR::Cluster"),
		storeKind(EFS, "aws_efs_mount_target", "EFS::MountTarget"),
		of(func(m *Model) *[]*SubnetGroup { return &m.SubnetGroups },
			"aws_db_subnet_group aws_rds_subnet_group aws_redshift_subnet_group aws_elasticache_subnet_group aws_memorydb_subnet_group aws_docdb_subnet_group aws_neptune_subnet_group aws_dms_replication_subnet_group",
			"RDS::DBSubnetGroup Redshift::ClusterSubnetGroup ElastiCache::SubnetGroup MemoryDB::SubnetGroup DocDB::DBSubnetGroup Neptune::DBSubnetGroup DMS::ReplicationSubnetGroup"),
		frontKind("apprunner", "aws_apprunner_service", "AppRunner::Service"),
		frontKind("lightsail", "aws_lightsail_instance", "Lightsail::Instance"),
		frontKind("beanstalk", "aws_elastic_beanstalk_environment", "ElasticBeanstalk::Environment"),
		frontKind("transfer", "aws_transfer_server", "Transfer::Server"),
		frontKind("sagemaker-notebook", "aws_sagemaker_notebook_instance", "SageMaker::NotebookInstance"),
		finished(of(func(m *Model) *[]*Bucket { return &m.Buckets }, "aws_s3_bucket", "S3::Bucket"), (*decoder).finishBucket),
		of(func(m *Model) *[]*AccountPublicAccessBlock { return &m.AccountAccessBlocks }, "aws_s3_account_public_access_block", ""),
		of(func(m *Model) *[]*Key { return &m.Keys }, "aws_kms_key aws_kms_replica_key", "KMS::Key KMS::ReplicaKey"),
		of(func(m *Model) *[]*Trail { return &m.Trails }, "aws_cloudtrail", "CloudTrail::Trail"),
		of(func(m *Model) *[]*Repository { return &m.Repositories }, "aws_ecr_repository", "ECR::Repository"),
		of(func(m *Model) *[]*Volume { return &m.Volumes }, "aws_ebs_volume", "EC2::Volume"),
		of(func(m *Model) *[]*EncryptionByDefault { return &m.EncryptionByDefault }, "aws_ebs_encryption_by_default", ""),
		of(func(m *Model) *[]*FileSystem { return &m.FileSystems }, "aws_efs_file_system", "EFS::FileSystem"),

		finished(of(func(m *Model) *[]*Role { return &m.Roles }, "aws_iam_role", "IAM::Role"), (*decoder).finishRole),
		of(func(m *Model) *[]*ManagedPolicy { return &m.ManagedPolicies }, "aws_iam_policy", "IAM::ManagedPolicy"),
		of(func(m *Model) *[]*InstanceProfile { return &m.InstanceProfiles }, "aws_iam_instance_profile", "IAM::InstanceProfile"),
		finished(of(func(m *Model) *[]*User { return &m.Users }, "aws_iam_user", "IAM::User"), (*decoder).finishUser),
		of(func(m *Model) *[]*PasswordPolicy { return &m.PasswordPolicies }, "aws_iam_account_password_policy", ""),
		of(func(m *Model) *[]*PatchBaseline { return &m.PatchBaselines }, "aws_ssm_patch_baseline", "SSM::PatchBaseline"),
		of(func(m *Model) *[]*SSMAssociation { return &m.SSMAssociations }, "aws_ssm_association", "SSM::Association"),
		of(func(m *Model) *[]*MaintenanceWindow { return &m.MaintenanceWindows }, "aws_ssm_maintenance_window", "SSM::MaintenanceWindow"),
		of(func(m *Model) *[]*MaintenanceWindowTarget { return &m.WindowTargets }, "aws_ssm_maintenance_window_target", "SSM::MaintenanceWindowTarget"),
		finished(of(func(m *Model) *[]*MaintenanceWindowTask { return &m.WindowTasks }, "aws_ssm_maintenance_window_task", "SSM::MaintenanceWindowTask"), (*decoder).finishWindowTask),
	}
}

func attachmentKind(kind, terraform, cloudformation string) *kind {
	k := of(func(m *Model) *[]*TransitGatewayAttachment { return &m.TransitAttachments }, terraform, cloudformation)
	return started(k, func(_ *builder, _ *unit, _ *inventory.Resource, a *TransitGatewayAttachment) { a.Kind = kind })
}

func storeKind(kind StoreKind, terraform, cloudformation string) *kind {
	k := of(func(m *Model) *[]*Store { return &m.Stores }, terraform, cloudformation)
	k = started(k, func(_ *builder, _ *unit, _ *inventory.Resource, s *Store) { s.Kind = kind })
	return finished(k, (*decoder).finishStore)
}

func frontKind(kind, terraform, cloudformation string) *kind {
	k := of(func(m *Model) *[]*ManagedFront { return &m.ManagedFronts }, terraform, cloudformation)
	k = started(k, func(_ *builder, _ *unit, _ *inventory.Resource, f *ManagedFront) { f.Kind = kind })
	return finished(k, (*decoder).finishFront)
}

// kindsByType returns the kinds by resource type.
func kindsByType() map[string]*kind {
	byType := map[string]*kind{}
	for _, k := range kinds() {
		for _, t := range k.terraform {
			byType[t] = k
		}
		for _, t := range k.cloudformation {
			byType["AWS::"+t] = k
		}
	}
	return byType
}

// partsByType lists the resources that only add to objects, and what joins them.
func partsByType() map[string]part {
	return map[string]part{
		"aws_vpc_ipv4_cidr_block_association": (*decoder).joinCIDR,
		"aws_vpc_ipv6_cidr_block_association": (*decoder).joinCIDR,
		"AWS::EC2::VPCCidrBlock":              (*decoder).joinCIDR,
		"aws_internet_gateway_attachment":     (*decoder).joinGateway,
		"aws_vpn_gateway_attachment":          (*decoder).joinGateway,
		"AWS::EC2::VPCGatewayAttachment":      (*decoder).joinGateway,

		"aws_route":                              (*decoder).joinRoute,
		"AWS::EC2::Route":                        (*decoder).joinRoute,
		"aws_route_table_association":            (*decoder).joinRouteTable,
		"aws_main_route_table_association":       (*decoder).joinRouteTable,
		"AWS::EC2::SubnetRouteTableAssociation":  (*decoder).joinRouteTable,
		"AWS::EC2::GatewayRouteTableAssociation": (*decoder).joinRouteTable,
		"aws_vpn_gateway_route_propagation":      (*decoder).joinPropagation,
		"AWS::EC2::VPNGatewayRoutePropagation":   (*decoder).joinPropagation,

		"aws_network_acl_rule":                                (*decoder).joinACLRule,
		"AWS::EC2::NetworkAclEntry":                           (*decoder).joinACLRule,
		"aws_network_acl_association":                         (*decoder).joinACL,
		"AWS::EC2::SubnetNetworkAclAssociation":               (*decoder).joinACL,
		"aws_security_group_rule":                             (*decoder).joinGroupRule,
		"aws_vpc_security_group_ingress_rule":                 (*decoder).joinGroupRule,
		"aws_vpc_security_group_egress_rule":                  (*decoder).joinGroupRule,
		"AWS::EC2::SecurityGroupIngress":                      (*decoder).joinGroupRule,
		"AWS::EC2::SecurityGroupEgress":                       (*decoder).joinGroupRule,
		"aws_vpc_security_group_vpc_association":              (*decoder).joinGroupVPC,
		"AWS::EC2::SecurityGroupVpcAssociation":               (*decoder).joinGroupVPC,
		"aws_network_interface_sg_attachment":                 (*decoder).joinGroup,
		"aws_ec2_managed_prefix_list_entry":                   (*decoder).joinPrefix,
		"aws_network_interface_attachment":                    (*decoder).joinInterface,
		"AWS::EC2::NetworkInterfaceAttachment":                (*decoder).joinInterface,
		"aws_eip_association":                                 (*decoder).joinAddress,
		"AWS::EC2::EIPAssociation":                            (*decoder).joinAddress,
		"aws_vpc_peering_connection_accepter":                 (*decoder).joinAccepter,
		"aws_ec2_transit_gateway_route":                       (*decoder).joinTransitRoute,
		"AWS::EC2::TransitGatewayRoute":                       (*decoder).joinTransitRoute,
		"aws_ec2_transit_gateway_prefix_list_reference":       (*decoder).joinTransitRoute,
		"aws_ec2_transit_gateway_route_table_association":     (*decoder).joinTransitAssociation,
		"AWS::EC2::TransitGatewayRouteTableAssociation":       (*decoder).joinTransitAssociation,
		"aws_ec2_transit_gateway_route_table_propagation":     (*decoder).joinTransitPropagation,
		"AWS::EC2::TransitGatewayRouteTablePropagation":       (*decoder).joinTransitPropagation,
		"aws_ec2_transit_gateway_vpc_attachment_accepter":     (*decoder).joinAttachmentAccepter,
		"aws_vpn_connection_route":                            (*decoder).joinVPNRoute,
		"AWS::EC2::VPNConnectionRoute":                        (*decoder).joinVPNRoute,
		"aws_ec2_client_vpn_network_association":              (*decoder).joinClientNetwork,
		"AWS::EC2::ClientVpnTargetNetworkAssociation":         (*decoder).joinClientNetwork,
		"aws_ec2_client_vpn_authorization_rule":               (*decoder).joinClientRule,
		"AWS::EC2::ClientVpnAuthorizationRule":                (*decoder).joinClientRule,
		"aws_dx_gateway_association":                          (*decoder).joinDirectConnect,
		"AWS::DirectConnect::DirectConnectGatewayAssociation": (*decoder).joinDirectConnect,
		"aws_vpc_endpoint_route_table_association":            (*decoder).joinEndpoint,
		"aws_vpc_endpoint_subnet_association":                 (*decoder).joinEndpoint,
		"aws_vpc_endpoint_security_group_association":         (*decoder).joinEndpoint,
		"aws_vpc_endpoint_policy":                             (*decoder).joinEndpoint,
		"aws_vpc_endpoint_service_allowed_principal":          (*decoder).joinPrincipal,
		"AWS::EC2::VPCEndpointServicePermissions":             (*decoder).joinPrincipal,

		"aws_autoscaling_attachment":                (*decoder).joinAutoScaling,
		"aws_autoscaling_traffic_source_attachment": (*decoder).joinAutoScaling,
		"aws_lb_target_group_attachment":            (*decoder).joinTarget,
		"aws_alb_target_group_attachment":           (*decoder).joinTarget,
		"aws_elb_attachment":                        (*decoder).joinTarget,
		"aws_wafv2_web_acl_association":             (*decoder).joinWebACL,
		"aws_wafregional_web_acl_association":       (*decoder).joinWebACL,
		"AWS::WAFv2::WebACLAssociation":             (*decoder).joinWebACL,
		"AWS::WAFRegional::WebACLAssociation":       (*decoder).joinWebACL,
		"aws_apigatewayv2_api_mapping":              (*decoder).joinDomain,
		"aws_api_gateway_base_path_mapping":         (*decoder).joinDomain,
		"AWS::ApiGatewayV2::ApiMapping":             (*decoder).joinDomain,
		"AWS::ApiGateway::BasePathMapping":          (*decoder).joinDomain,
		"aws_api_gateway_rest_api_policy":           (*decoder).joinAPIPolicy,
		"aws_api_gateway_deployment":                (*decoder).joinDeployment,
		"AWS::ApiGateway::Deployment":               (*decoder).joinDeployment,
		"aws_lightsail_instance_public_ports":       (*decoder).joinLightsailPorts,

		"aws_opensearch_domain_policy":                       (*decoder).joinDomainPolicy,
		"aws_elasticsearch_domain_policy":                    (*decoder).joinDomainPolicy,
		"aws_s3_bucket_acl":                                  (*decoder).joinBucket,
		"aws_s3_bucket_policy":                               (*decoder).joinBucket,
		"aws_s3_bucket_public_access_block":                  (*decoder).joinBucket,
		"aws_s3_bucket_versioning":                           (*decoder).joinBucket,
		"aws_s3_bucket_logging":                              (*decoder).joinBucket,
		"aws_s3_bucket_website_configuration":                (*decoder).joinBucket,
		"aws_s3_bucket_ownership_controls":                   (*decoder).joinBucket,
		"aws_s3_bucket_server_side_encryption_configuration": (*decoder).joinBucket,
		"AWS::S3::BucketPolicy":                              (*decoder).joinBucket,
		"aws_kms_key_policy":                                 (*decoder).joinKeyPolicy,
		"aws_ecr_repository_policy":                          (*decoder).joinRepositoryPolicy,

		"aws_iam_role_policy":                       (*decoder).joinInlinePolicy,
		"aws_iam_user_policy":                       (*decoder).joinInlinePolicy,
		"AWS::IAM::Policy":                          (*decoder).joinInlinePolicy,
		"AWS::IAM::RolePolicy":                      (*decoder).joinInlinePolicy,
		"AWS::IAM::UserPolicy":                      (*decoder).joinInlinePolicy,
		"aws_iam_role_policy_attachment":            (*decoder).joinAttachedPolicy,
		"aws_iam_role_policy_attachments_exclusive": (*decoder).joinAttachedPolicy,
		"aws_iam_user_policy_attachment":            (*decoder).joinAttachedPolicy,
		"aws_iam_policy_attachment":                 (*decoder).joinAttachedPolicy,
		"AWS::IAM::ManagedPolicy":                   (*decoder).joinAttachedPolicy,
		"aws_iam_access_key":                        (*decoder).joinAccessKey,
		"AWS::IAM::AccessKey":                       (*decoder).joinAccessKey,
		"aws_ssm_patch_group":                       (*decoder).joinPatchGroup,
		"aws_ssm_default_patch_baseline":            (*decoder).joinDefaultBaseline,
	}
}
