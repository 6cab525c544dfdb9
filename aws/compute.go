package aws

import "github.com/trifecta-scanner/trifecta/inventory"

// Instance is an EC2 instance or a spot request for one.
type Instance struct {
	Object
	Launch
	Subnet         Ref[*Subnet]         `tf:"subnet_id"`
	Zone           Text                 `tf:"availability_zone"`
	IPv6Count      Int                  `tf:"ipv6_address_count"`
	IPv6Addresses  []Text               `tf:"ipv6_addresses" cfn:"Ipv6Addresses[].Ipv6Address"`
	PrivateIP      Text                 `tf:"private_ip" cfn:"PrivateIpAddress"`
	SourceCheck    Bool                 `tf:"source_dest_check"`
	LaunchTemplate Ref[*LaunchTemplate] `tf:"launch_template.id|launch_template.name" cfn:"LaunchTemplate.LaunchTemplateId|LaunchTemplate.LaunchTemplateName"`
	// AddedGroups are groups that the code adds to its primary interface.
	AddedGroups []Ref[*SecurityGroup]
	// Attached are the interfaces of its own that the code attaches later.
	Attached  []Ref[*NetworkInterface]
	Addresses []*AddressAssociation
}

// Launch is what instances, launch templates and launch configurations say of the machines they start.
type Launch struct {
	Image Text `tf:"ami|image_id" cfn:"LaunchTemplateData.ImageId|ImageId"`
	// ImageValue is Image as it was evaluated: it leads to the data source or parameter.
	ImageValue     inventory.Value       `tf:"ami|image_id" cfn:"LaunchTemplateData.ImageId|ImageId"`
	Type           Text                  `tf:"instance_type" cfn:"LaunchTemplateData.InstanceType|InstanceType"`
	SecurityGroups []Ref[*SecurityGroup] `tf:"vpc_security_group_ids+security_groups+security_group_names" cfn:"LaunchTemplateData.SecurityGroupIds+LaunchTemplateData.SecurityGroups+SecurityGroupIds+SecurityGroups"`
	PublicIP       Bool                  `tf:"associate_public_ip_address" cfn:"AssociatePublicIpAddress"`
	Interfaces     []LaunchInterface     `tf:"network_interface+network_interfaces+primary_network_interface" cfn:"LaunchTemplateData.NetworkInterfaces|NetworkInterfaces"`
	Profile        Ref[*InstanceProfile] `tf:"iam_instance_profile|iam_instance_profile.name|iam_instance_profile.arn" cfn:"LaunchTemplateData.IamInstanceProfile.Name|LaunchTemplateData.IamInstanceProfile.Arn|IamInstanceProfile"`
	UserData       Text                  `tf:"user_data|user_data_base64" cfn:"LaunchTemplateData.UserData|UserData" as:"secret"`
	Metadata       MetadataOptions       `tf:"metadata_options" cfn:"LaunchTemplateData.MetadataOptions|MetadataOptions"`
	Disks          []Disk                `tf:"root_block_device+ebs_block_device+block_device_mappings[].ebs" cfn:"LaunchTemplateData.BlockDeviceMappings[].Ebs|BlockDeviceMappings[].Ebs"`
	KeyName        Text                  `tf:"key_name" cfn:"LaunchTemplateData.KeyName|KeyName"`
}

// LaunchInterface is an interface of a machine to be started: one that is made with it, or a declared one.
type LaunchInterface struct {
	Index          Int                    `tf:"device_index"`
	Interface      Ref[*NetworkInterface] `tf:"network_interface_id"` // made before; auto-assigned addresses do not apply
	Subnet         Ref[*Subnet]           `tf:"subnet_id"`
	SecurityGroups []Ref[*SecurityGroup]  `tf:"security_groups" cfn:"GroupSet|Groups"`
	PublicIP       Bool                   `tf:"associate_public_ip_address"`
	IPv6Count      Int                    `tf:"ipv6_address_count"`
	IPv6Addresses  []Text                 `tf:"ipv6_addresses" cfn:"Ipv6Addresses[].Ipv6Address"`
}

// MetadataOptions say how a machine's metadata service answers. Absent values are the account's or the image's.
type MetadataOptions struct {
	Endpoint Text `tf:"http_endpoint"` // enabled, disabled
	Tokens   Text `tf:"http_tokens"`   // required, optional
	HopLimit Int  `tf:"http_put_response_hop_limit"`
}

// Disk is a block device of a machine.
type Disk struct {
	Encrypted Bool      `tf:"encrypted"`
	Key       Ref[*Key] `tf:"kms_key_id"`
}

// LaunchTemplate is a launch template, or a launch configuration, its predecessor.
type LaunchTemplate struct {
	Object
	Launch
	Name Text `tf:"name|name_prefix" cfn:"LaunchTemplateName|LaunchConfigurationName"`
	// Configuration says that it is a launch configuration.
	Configuration bool
}

// AutoScalingGroup starts machines from a template.
type AutoScalingGroup struct {
	Object
	Name    Text           `tf:"name|name_prefix" cfn:"AutoScalingGroupName"`
	Subnets []Ref[*Subnet] `tf:"vpc_zone_identifier" cfn:"VPCZoneIdentifier"`
	Zones   []Text         `tf:"availability_zones"` // the default subnets of these zones
	// Templates are what machines start from: one template or configuration, and overrides of a mixed policy.
	Templates     []Ref[*LaunchTemplate] `tf:"launch_template.id|launch_template.name|launch_configuration|mixed_instances_policy.launch_template.launch_template_specification.launch_template_id|mixed_instances_policy.launch_template.launch_template_specification.launch_template_name" cfn:"LaunchTemplate.LaunchTemplateId|LaunchTemplate.LaunchTemplateName|LaunchConfigurationName|MixedInstancesPolicy.LaunchTemplate.LaunchTemplateSpecification.LaunchTemplateId|MixedInstancesPolicy.LaunchTemplate.LaunchTemplateSpecification.LaunchTemplateName"`
	Overrides     []Ref[*LaunchTemplate] `tf:"mixed_instances_policy.launch_template.override[].launch_template_specification.launch_template_id" cfn:"MixedInstancesPolicy.LaunchTemplate.Overrides[].LaunchTemplateSpecification.LaunchTemplateId"`
	TargetGroups  []Ref[*TargetGroup]    `tf:"target_group_arns+traffic_source[].identifier" cfn:"TargetGroupARNs+TrafficSources[].Identifier"` // attachments too
	LoadBalancers []Ref[*LoadBalancer]   `tf:"load_balancers" cfn:"LoadBalancerNames"`                                                          // classic ones; attachments too
	MinSize       Int                    `tf:"min_size"`
	MaxSize       Int                    `tf:"max_size"`
	// InstanceRefresh says that a changed template replaces the machines.
	InstanceRefresh     Bool `tf:"instance_refresh" cfn:"-" as:"present"`
	MaxInstanceLifetime Int  `tf:"max_instance_lifetime"`
}

// Cluster is an ECS cluster.
type Cluster struct {
	Object
	Name              Text   `tf:"name" cfn:"ClusterName"`
	CapacityProviders []Text `tf:"capacity_providers"`
}

// Service is an ECS service or task set.
type Service struct {
	Object
	Name           Text                  `tf:"name" cfn:"ServiceName"`
	Cluster        Ref[*Cluster]         `tf:"cluster"`
	TaskDefinition Ref[*TaskDefinition]  `tf:"task_definition"`
	LaunchType     Text                  `tf:"launch_type"` // EC2, FARGATE, EXTERNAL; absent: the capacity provider decides
	Providers      []Text                `tf:"capacity_provider_strategy[].capacity_provider"`
	DesiredCount   Int                   `tf:"desired_count"`
	Subnets        []Ref[*Subnet]        `tf:"network_configuration.subnets" cfn:"NetworkConfiguration.AwsvpcConfiguration.Subnets"`
	SecurityGroups []Ref[*SecurityGroup] `tf:"network_configuration.security_groups" cfn:"NetworkConfiguration.AwsvpcConfiguration.SecurityGroups"`
	PublicIP       Bool                  `tf:"network_configuration.assign_public_ip" cfn:"NetworkConfiguration.AwsvpcConfiguration.AssignPublicIp"`
	LoadBalancers  []ServiceLoadBalancer `tf:"load_balancer" cfn:"LoadBalancers"`
}

// ServiceLoadBalancer registers a container of a service with a load balancer.
type ServiceLoadBalancer struct {
	TargetGroup   Ref[*TargetGroup]  `tf:"target_group_arn"`
	LoadBalancer  Ref[*LoadBalancer] `tf:"elb_name" cfn:"LoadBalancerName"` // a classic one
	Container     Text               `tf:"container_name"`
	ContainerPort Int                `tf:"container_port"`
	Alternate     Ref[*TargetGroup]  `tf:"advanced_configuration.alternate_target_group_arn"` // of a blue/green deployment
}

// TaskDefinition is what an ECS service or a scheduled task runs.
type TaskDefinition struct {
	Object
	Family        Text        `tf:"family"`
	NetworkMode   Text        `tf:"network_mode"` // bridge, host, awsvpc, none
	Compatibility []Text      `tf:"requires_compatibilities"`
	Containers    []Container `tf:"container_definitions" as:"json"`
	TaskRole      Ref[*Role]  `tf:"task_role_arn"`
	ExecutionRole Ref[*Role]  `tf:"execution_role_arn"`
}

// Container is one container of a task definition. Terraform writes it as JSON in the spelling of the API, CloudFormation
// as a block.
type Container struct {
	Name         Text            `tf:"name"`
	Image        Text            `tf:"image"`
	ImageValue   inventory.Value `tf:"image"` // Image as it was evaluated, with its parts
	Ports        []PortMapping   `tf:"portMappings" cfn:"PortMappings"`
	Essential    Bool            `tf:"essential"`
	Privileged   Bool            `tf:"privileged"`
	User         Text            `tf:"user"`
	ReadOnlyRoot Bool            `tf:"readonlyRootFilesystem" cfn:"ReadonlyRootFilesystem"`
}

// PortMapping opens a port of a container.
type PortMapping struct {
	Name          Text `tf:"name"`
	ContainerPort Int  `tf:"containerPort" cfn:"ContainerPort"`
	HostPort      Int  `tf:"hostPort" cfn:"HostPort"` // 0 or absent: chosen at run time in bridge mode
	Protocol      Text `tf:"protocol"`                // tcp, udp
}

// EKSCluster is an EKS cluster.
type EKSCluster struct {
	Object
	Name            Text                  `tf:"name"`
	Version         Text                  `tf:"version"`
	Subnets         []Ref[*Subnet]        `tf:"vpc_config.subnet_ids" cfn:"ResourcesVpcConfig.SubnetIds"`
	SecurityGroups  []Ref[*SecurityGroup] `tf:"vpc_config.security_group_ids" cfn:"ResourcesVpcConfig.SecurityGroupIds"`
	PublicEndpoint  Bool                  `tf:"vpc_config.endpoint_public_access" cfn:"ResourcesVpcConfig.EndpointPublicAccess"`
	PrivateEndpoint Bool                  `tf:"vpc_config.endpoint_private_access" cfn:"ResourcesVpcConfig.EndpointPrivateAccess"`
	PublicCIDRs     []Prefix              `tf:"vpc_config.public_access_cidrs" cfn:"ResourcesVpcConfig.PublicAccessCidrs"` // empty: everyone
	IPFamily        Text                  `tf:"kubernetes_network_config.ip_family" cfn:"KubernetesNetworkConfig.IpFamily"`
	LogTypes        []Text                `tf:"enabled_cluster_log_types" cfn:"Logging.ClusterLogging.EnabledTypes[].Type"`
	SecretsKey      Ref[*Key]             `tf:"encryption_config.provider.key_arn" cfn:"EncryptionConfig.Provider.KeyArn"`
	AutoMode        Bool                  `tf:"compute_config.enabled"`
	// SecurityGroup is made by EKS for the cluster and its nodes; it admits only itself. Never nil.
	SecurityGroup *SecurityGroup
	NodeGroups    []*NodeGroup
	Profiles      []*FargateProfile
	Addons        []*Addon
}

// NodeGroup is a managed node group of an EKS cluster.
type NodeGroup struct {
	Object
	Name           Text                  `tf:"node_group_name|node_group_name_prefix" cfn:"NodegroupName"`
	Cluster        Ref[*EKSCluster]      `tf:"cluster_name"`
	Subnets        []Ref[*Subnet]        `tf:"subnet_ids" cfn:"Subnets"`
	LaunchTemplate Ref[*LaunchTemplate]  `tf:"launch_template.id|launch_template.name" cfn:"LaunchTemplate.Id|LaunchTemplate.Name"`
	SSHKey         Text                  `tf:"remote_access.ec2_ssh_key" cfn:"RemoteAccess.Ec2SshKey"`
	SSHSources     []Ref[*SecurityGroup] `tf:"remote_access.source_security_group_ids" cfn:"RemoteAccess.SourceSecurityGroups"` // with a key and none of these, SSH is open to everyone
	AMIType        Text                  `tf:"ami_type"`
	ReleaseVersion Text                  `tf:"release_version"`
	Version        Text                  `tf:"version"`
	InstanceTypes  []Text                `tf:"instance_types"`
	// TargetGroups are those that the groups of machines behind it are attached to.
	TargetGroups []Ref[*TargetGroup]
}

// FargateProfile runs pods of an EKS cluster without nodes.
type FargateProfile struct {
	Object
	Cluster   Ref[*EKSCluster] `tf:"cluster_name"`
	Subnets   []Ref[*Subnet]   `tf:"subnet_ids" cfn:"Subnets"`
	Selectors []struct {
		Namespace Text `tf:"namespace"`
	} `tf:"selector" cfn:"Selectors"`
}

// Addon is a part of an EKS cluster that AWS keeps.
type Addon struct {
	Object
	Cluster       Ref[*EKSCluster] `tf:"cluster_name"`
	Name          Text             `tf:"addon_name"`
	Configuration Text             `tf:"configuration_values"` // JSON or YAML
	// ConfigurationValue is Configuration as it was evaluated.
	ConfigurationValue inventory.Value `tf:"configuration_values"`
}

// Function is a Lambda function.
type Function struct {
	Object
	Name        Text            `tf:"function_name"`
	PackageType Text            `tf:"package_type"` // Zip, Image
	Runtime     Text            `tf:"runtime"`
	Handler     Text            `tf:"handler"`
	ImageURI    Text            `tf:"image_uri" cfn:"Code.ImageUri"`
	ImageValue  inventory.Value `tf:"image_uri" cfn:"Code.ImageUri"` // ImageURI as it was evaluated
	// CodeValue is the archive or folder of the code as it was evaluated: a path, or a reference to what packs it.
	CodeValue      inventory.Value       `tf:"filename" cfn:"Code"`
	Role           Ref[*Role]            `tf:"role"`
	Subnets        []Ref[*Subnet]        `tf:"vpc_config.subnet_ids" cfn:"VpcConfig.SubnetIds"`
	SecurityGroups []Ref[*SecurityGroup] `tf:"vpc_config.security_group_ids" cfn:"VpcConfig.SecurityGroupIds"`
	URLs           []*FunctionURL
	Permissions    []*FunctionPermission
}

// FunctionURL is the public HTTPS address of a function.
type FunctionURL struct {
	Object
	Function      Ref[*Function] `tf:"function_name" cfn:"TargetFunctionArn"`
	Qualifier     Text           `tf:"qualifier"`
	Authorization Text           `tf:"authorization_type" cfn:"AuthType"` // NONE, AWS_IAM
	// Callable says whether everyone has the permissions that a URL without authorisation needs. Terraform's provider adds
	// them, CloudFormation does not.
	Callable Bool
}

// FunctionPermission is a statement of a function's resource policy.
type FunctionPermission struct {
	Object
	Function             Ref[*Function] `tf:"function_name"`
	Action               Text           `tf:"action"`
	Principal            Text           `tf:"principal"`
	Source               Ref[Node]      `tf:"source_arn"`
	URLAuthorization     Text           `tf:"function_url_auth_type"`
	InvokedByFunctionURL Bool           `tf:"invoked_via_function_url"`
}
