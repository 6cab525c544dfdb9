package aws

// Default is what a field is where nothing is written: by AWS, by CloudFormation or by Terraform's provider.
type Default struct {
	Field string // Struct.Field; after @ the kind of store
	// Terraform and CloudFormation are a bool, int, string or []string; nil: stays absent.
	Terraform, CloudFormation any
	Source                    string // the page that says so
}

// The documentation that defaults are taken from.
const (
	cfnReference = "https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-"
	provider     = "https://registry.terraform.io/providers/hashicorp/aws/latest/docs/resources/"
	apiReference = "https://docs.aws.amazon.com/"
)

// Defaults lists every default that the model applies to a single field. Those that depend on several resources (default
// VPC, main tables, default groups and ACLs) are made by Build and described in docs/aws-model.md.
var Defaults = []Default{
	{"VPC.DNSHostnames", false, false, provider + "vpc, " + cfnReference + "ec2-vpc.html"},
	{"VPC.DNSSupport", true, true, provider + "vpc, " + cfnReference + "ec2-vpc.html"},
	{"VPC.GeneratedIPv6", false, nil, provider + "vpc"},
	{"Subnet.AutoIPv4", false, false, provider + "subnet, " + cfnReference + "ec2-subnet.html"},
	{"Subnet.AutoIPv6", false, false, provider + "subnet, " + cfnReference + "ec2-subnet.html"},
	{"Subnet.IPv6Native", false, false, provider + "subnet, " + cfnReference + "ec2-subnet.html"},
	{"NATGateway.Connectivity", "public", "public", provider + "nat_gateway, " + cfnReference + "ec2-natgateway.html"},
	{"NetworkInterface.SourceDestCheck", true, true, provider + "network_interface, " + cfnReference + "ec2-networkinterface.html"},
	{"Instance.SourceCheck", true, true, provider + "instance, " + cfnReference + "ec2-instance.html"},
	{"TransitGateway.DefaultAssociation", "enable", "enable", provider + "ec2_transit_gateway, " + cfnReference + "ec2-transitgateway.html"},
	{"TransitGateway.DefaultPropagation", "enable", "enable", provider + "ec2_transit_gateway, " + cfnReference + "ec2-transitgateway.html"},
	{"TransitGateway.AutoAccept", "disable", "disable", provider + "ec2_transit_gateway, " + cfnReference + "ec2-transitgateway.html"},
	{"TransitGateway.SecurityGroupRefs", "disable", "disable", apiReference + "vpc/latest/tgw/tgw-vpc-attachments.html"},
	{"TransitGatewayAttachment.DefaultAssociation", true, nil, provider + "ec2_transit_gateway_vpc_attachment"},
	{"TransitGatewayAttachment.DefaultPropagation", true, nil, provider + "ec2_transit_gateway_vpc_attachment"},
	{"TransitGatewayAttachment.SecurityGroupRefs", "enable", "enable", apiReference + "vpc/latest/tgw/tgw-vpc-attachments.html"},
	{"TransitGatewayAttachment.ApplianceMode", "disable", "disable", provider + "ec2_transit_gateway_vpc_attachment"},
	{"TransitGatewayRoute.Blackhole", false, false, provider + "ec2_transit_gateway_route"},
	{"VPNConnection.StaticOnly", false, false, provider + "vpn_connection, " + cfnReference + "ec2-vpnconnection.html"},
	{"ClientVPNEndpoint.SplitTunnel", false, false, provider + "ec2_client_vpn_endpoint, " + cfnReference + "ec2-clientvpnendpoint.html"},
	{"ClientVPNAuthorization.AllGroups", false, false, provider + "ec2_client_vpn_authorization_rule"},
	{"VPCEndpoint.Type", "Gateway", "Gateway", provider + "vpc_endpoint, " + cfnReference + "ec2-vpcendpoint.html"},
	{"VPCEndpoint.PrivateDNS", false, nil, provider + "vpc_endpoint"},
	{"VPCEndpointService.AcceptanceRequired", nil, true, cfnReference + "ec2-vpcendpointservice.html"},
	{"LoadBalancer.Type", "application", "application", provider + "lb, " + cfnReference + "elasticloadbalancingv2-loadbalancer.html"},
	{"LoadBalancer.Internal", false, false, provider + "lb, " + cfnReference + "elasticloadbalancingv2-loadbalancer.html"},
	{"LoadBalancer.IPAddressType", "ipv4", "ipv4", provider + "lb, " + cfnReference + "elasticloadbalancingv2-loadbalancer.html"},
	{"TargetGroup.TargetType", "instance", "instance", provider + "lb_target_group, " + cfnReference + "elasticloadbalancingv2-targetgroup.html"},
	{"Service.PublicIP", false, false, provider + "ecs_service, " + apiReference + "AmazonECS/latest/APIReference/API_AwsVpcConfiguration.html"},
	{"TaskDefinition.NetworkMode", "bridge", "bridge", cfnReference + "ecs-taskdefinition.html"},
	{"Container.Essential", true, true, apiReference + "AmazonECS/latest/APIReference/API_ContainerDefinition.html"},
	{"Container.Privileged", false, false, apiReference + "AmazonECS/latest/APIReference/API_ContainerDefinition.html"},
	{"Container.ReadOnlyRoot", false, false, apiReference + "AmazonECS/latest/APIReference/API_ContainerDefinition.html"},
	{"PortMapping.Protocol", "tcp", "tcp", apiReference + "AmazonECS/latest/APIReference/API_PortMapping.html"},
	{"EKSCluster.PublicEndpoint", true, true, provider + "eks_cluster, " + apiReference + "eks/latest/APIReference/API_VpcConfigRequest.html"},
	{"EKSCluster.PrivateEndpoint", false, false, provider + "eks_cluster, " + apiReference + "eks/latest/APIReference/API_VpcConfigRequest.html"},
	{"EKSCluster.PublicCIDRs", []string{"0.0.0.0/0"}, []string{"0.0.0.0/0"}, apiReference + "eks/latest/APIReference/API_VpcConfigRequest.html"},
	{"EKSCluster.IPFamily", "ipv4", "ipv4", apiReference + "eks/latest/APIReference/API_KubernetesNetworkConfigRequest.html"},
	{"Function.PackageType", "Zip", "Zip", provider + "lambda_function, " + cfnReference + "lambda-function.html"},
	{"APIRoute.Authorization", "NONE", "NONE", provider + "apigatewayv2_route, " + cfnReference + "apigatewayv2-route.html"},
	{"APIRoute.KeyRequired", false, false, provider + "apigatewayv2_route"},
	{"API.IPAddressType", "ipv4", "ipv4", apiReference + "apigateway/latest/developerguide/api-gateway-ip-address-type.html"},
	{"API.DisableEndpoint", false, false, provider + "apigatewayv2_api, " + cfnReference + "apigatewayv2-api.html"},
	{"APIIntegration.ConnectionType", "INTERNET", "INTERNET", provider + "apigatewayv2_integration"},
	{"Distribution.IPv6", false, true, provider + "cloudfront_distribution, " + apiReference + "cloudfront/latest/APIReference/API_DistributionConfig.html"},
	{"VPCOrigin.HTTPPort", 80, 80, apiReference + "cloudfront/latest/APIReference/API_VpcOriginEndpointConfig.html"},
	{"VPCOrigin.HTTPSPort", 443, 443, apiReference + "cloudfront/latest/APIReference/API_VpcOriginEndpointConfig.html"},
	{"Accelerator.Enabled", true, true, provider + "globalaccelerator_accelerator"},
	{"Accelerator.IPAddressType", "IPV4", "IPV4", provider + "globalaccelerator_accelerator"},
	{"Store.Public@rds-instance", false, nil, provider + "db_instance; for CloudFormation AWS has two texts, so that it stays absent: " + cfnReference + "rds-dbinstance.html"},
	{"Store.Public@redshift", false, false, apiReference + "redshift/latest/APIReference/API_CreateCluster.html, false since January 2025"},
	{"Store.Public@redshift-serverless", false, false, provider + "redshiftserverless_workgroup"},
	{"Store.Public@dms", false, true, provider + "dms_replication_instance, " + cfnReference + "dms-replicationinstance.html"},
	{"Store.Public@mq", false, false, provider + "mq_broker"},
	{"Store.Public@msk", false, false, apiReference + "msk/latest/developerguide/public-access.html"},
	{"Store.Encrypted@rds-instance", false, false, provider + "db_instance, " + cfnReference + "rds-dbinstance.html"},
	{"Store.Encrypted@rds-cluster", false, false, provider + "rds_cluster, " + cfnReference + "rds-dbcluster.html"},
	{"Store.Encrypted@docdb", false, false, provider + "docdb_cluster, " + cfnReference + "docdb-dbcluster.html"},
	{"Store.Encrypted@neptune", false, false, provider + "neptune_cluster, " + cfnReference + "neptune-dbcluster.html"},
	{"Store.Encrypted@elasticache", false, false, provider + "elasticache_replication_group, " + cfnReference + "elasticache-replicationgroup.html"},
	{"Store.Encrypted@opensearch", false, false, provider + "opensearch_domain, " + cfnReference + "opensearchservice-domain.html"},
	{"Store.Encrypted@msk", true, true, apiReference + "msk/latest/developerguide/msk-encryption.html"},
	{"Store.Encrypted@mq", true, true, apiReference + "amazon-mq/latest/developer-guide/data-protection.html"},
	{"Store.Encrypted@memorydb", true, true, apiReference + "memorydb/latest/devguide/at-rest-encryption.html"},
	{"Store.Encrypted@dms", true, true, apiReference + "dms/latest/userguide/CHAP_Security.html"},
	{"Store.Encrypted@redshift", true, true, apiReference + "redshift/latest/mgmt/behavior-changes.html, true since January 2025"},
	{"Store.Encrypted@redshift-serverless", true, true, apiReference + "redshift/latest/mgmt/serverless-security.html"},
	{"Store.AutoUpgrade@rds-instance", true, true, provider + "db_instance, " + cfnReference + "rds-dbinstance.html"},
	{"Store.AutoUpgrade@elasticache", true, true, provider + "elasticache_replication_group, " + cfnReference + "elasticache-replicationgroup.html"},
	{"Store.AutoUpgrade@mq", false, false, provider + "mq_broker"},
	{"Store.MultiAZ@rds-instance", false, false, provider + "db_instance, " + cfnReference + "rds-dbinstance.html"},
	{"Store.MultiAZ@elasticache", false, false, provider + "elasticache_replication_group"},
	{"Key.Rotation", false, false, provider + "kms_key, " + cfnReference + "kms-key.html"},
	{"Trail.MultiRegion", false, false, provider + "cloudtrail, " + cfnReference + "cloudtrail-trail.html"},
	{"Trail.GlobalEvents", true, false, provider + "cloudtrail, " + cfnReference + "cloudtrail-trail.html"},
	{"Trail.Validation", false, false, provider + "cloudtrail, " + cfnReference + "cloudtrail-trail.html"},
	{"Trail.Logging", true, nil, provider + "cloudtrail"},
	{"Trail.Organization", false, false, provider + "cloudtrail"},
	{"Repository.ScanOnPush", false, false, provider + "ecr_repository, " + cfnReference + "ecr-repository.html"},
	{"Repository.Mutability", "MUTABLE", "MUTABLE", provider + "ecr_repository, " + cfnReference + "ecr-repository.html"},
	{"Repository.Encryption", "AES256", "AES256", provider + "ecr_repository, " + cfnReference + "ecr-repository.html"},
	{"Volume.Encrypted", false, false, provider + "ebs_volume, " + cfnReference + "ec2-volume.html"},
	{"Disk.Encrypted", false, false, provider + "instance"},
	{"EncryptionByDefault.Enabled", true, nil, provider + "ebs_encryption_by_default"},
	{"FileSystem.Encrypted", false, false, provider + "efs_file_system, " + cfnReference + "efs-filesystem.html"},
	{"PublicAccessBlock.BlockACLs", false, false, provider + "s3_bucket_public_access_block"},
	{"PublicAccessBlock.IgnoreACLs", false, false, provider + "s3_bucket_public_access_block"},
	{"PublicAccessBlock.BlockPolicy", false, false, provider + "s3_bucket_public_access_block"},
	{"PublicAccessBlock.RestrictBuckets", false, false, provider + "s3_bucket_public_access_block"},
	{"MaintenanceWindow.Enabled", true, nil, provider + "ssm_maintenance_window"},
}

// defaultsByField returns Defaults by their field.
func defaultsByField() map[string]*Default {
	byField := make(map[string]*Default, len(Defaults))
	for i := range Defaults {
		byField[Defaults[i].Field] = &Defaults[i]
	}
	return byField
}

// of returns the default of a language.
func (d *Default) of(cloudFormation bool) any {
	if cloudFormation {
		return d.CloudFormation
	}
	return d.Terraform
}
