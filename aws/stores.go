package aws

import "github.com/trifecta-scanner/trifecta/inventory"

// StoreKind is the service of a Store.
type StoreKind string

// The kinds of stores.
const (
	RDSInstance        StoreKind = "rds-instance" // of a cluster too
	RDSCluster         StoreKind = "rds-cluster"
	RedshiftCluster    StoreKind = "redshift"
	RedshiftServerless StoreKind = "redshift-serverless"
	DMSInstance        StoreKind = "dms"
	DocDB              StoreKind = "docdb"
	Neptune            StoreKind = "neptune"
	ElastiCache        StoreKind = "elasticache"
	MemoryDB           StoreKind = "memorydb"
	MSK                StoreKind = "msk"
	MQ                 StoreKind = "mq"
	OpenSearch         StoreKind = "opensearch"
	EMR                StoreKind = "emr"
	EFS                StoreKind = "efs" // a mount target
)

// Store is a database, cache, broker, search domain or file system: what holds data behind an endpoint.
type Store struct {
	Object
	Kind    StoreKind
	Name    Text `tf:"domain_name|cluster_name|broker_name|identifier" cfn:"DomainName|ClusterName|BrokerName|DBInstanceIdentifier"`
	Engine  Text `tf:"engine|engine_type"`
	Version Text `tf:"engine_version|kafka_version|elasticsearch_version"`
	// Ports are those that clients use; the engine's default where none is written.
	Ports              []Int                 `tf:"port"`
	Public             Bool                  `tf:"publicly_accessible|broker_node_group_info.connectivity_info.public_access.type" cfn:"PubliclyAccessible|BrokerNodeGroupInfo.ConnectivityInfo.PublicAccess.Type" as:"public"`
	SubnetGroup        Ref[*SubnetGroup]     `tf:"db_subnet_group_name|cluster_subnet_group_name|subnet_group_name|neptune_subnet_group_name|replication_subnet_group_id" cfn:"DBSubnetGroupName|ClusterSubnetGroupName|CacheSubnetGroupName|SubnetGroupName|ReplicationSubnetGroupIdentifier"`
	Subnets            []Ref[*Subnet]        `tf:"subnet_ids|subnet_id|broker_node_group_info.client_subnets|vpc_options.subnet_ids|ec2_attributes.subnet_ids|ec2_attributes.subnet_id|vpc_config[].subnet_ids" cfn:"SubnetIds|SubnetId|BrokerNodeGroupInfo.ClientSubnets|VPCOptions.SubnetIds|Instances.Ec2SubnetIds|Instances.Ec2SubnetId|VpcConfigs[].SubnetIds"` // of the subnet group too
	SecurityGroups     []Ref[*SecurityGroup] `tf:"vpc_security_group_ids|security_group_ids|security_groups|broker_node_group_info.security_groups|vpc_options.security_group_ids|ec2_attributes.additional_master_security_groups|vpc_config[].security_groups" cfn:"VPCSecurityGroups|VpcSecurityGroupIds|SecurityGroupIds|SecurityGroups|BrokerNodeGroupInfo.SecurityGroups|VPCOptions.SecurityGroupIds|Instances.AdditionalMasterSecurityGroups|VpcConfigs[].SecurityGroups"`
	Zone               Text                  `tf:"availability_zone"`
	MultiAZ            Bool                  `tf:"multi_az|multi_az_enabled|zone_awareness_enabled|cluster_config.zone_awareness_enabled" cfn:"MultiAZ|MultiAZEnabled|ClusterConfig.ZoneAwarenessEnabled"`
	Encrypted          Bool                  `tf:"storage_encrypted|encrypted|at_rest_encryption_enabled|encrypt_at_rest.enabled" cfn:"StorageEncrypted|Encrypted|AtRestEncryptionEnabled|EncryptionAtRestOptions.Enabled"`
	Key                Ref[*Key]             `tf:"kms_key_id|kms_key_arn|encrypt_at_rest.kms_key_id|encryption_info.encryption_at_rest_kms_key_arn" cfn:"KmsKeyId|EncryptionAtRestOptions.KmsKeyId|EncryptionInfo.EncryptionAtRest.DataVolumeKMSKeyId"`
	AutoUpgrade        Bool                  `tf:"auto_minor_version_upgrade"`
	Cluster            Ref[*Store]           `tf:"cluster_identifier|replication_group_id" cfn:"DBClusterIdentifier|ReplicationGroupId"` // of an instance that belongs to one
	Policy             Policy                `tf:"access_policies|access_policy" cfn:"AccessPolicies"`
	EnforceHTTPS       Bool                  `tf:"domain_endpoint_options.enforce_https" cfn:"DomainEndpointOptions.EnforceHTTPS"`
	IPAddressType      Text                  `tf:"network_type|ip_address_type" cfn:"NetworkType|IPAddressType"` // IPV4, DUAL, dualstack
	IAMAuth            Bool                  `tf:"iam_database_authentication_enabled|client_authentication.sasl.iam" cfn:"EnableIAMDatabaseAuthentication|ClientAuthentication.Sasl.Iam.Enabled"`
	DeletionProtection Bool                  `tf:"deletion_protection"`
	BackupDays         Int                   `tf:"backup_retention_period"`
	FileSystem         Ref[*FileSystem]      `tf:"file_system_id"` // of a mount target
	// Members are the instances of a cluster.
	Members []*Store
	// VPC is that of the subnets; the default VPC where the service puts it there. Absent for what is outside of all.
	VPC Ref[*VPC]
}

// SubnetGroup names subnets for stores.
type SubnetGroup struct {
	Object
	Name    Text           `tf:"name|name_prefix|replication_subnet_group_id" cfn:"DBSubnetGroupName|CacheSubnetGroupName|SubnetGroupName|ReplicationSubnetGroupIdentifier"`
	Subnets []Ref[*Subnet] `tf:"subnet_ids"`
}

// ManagedFront is a service of AWS that answers on an address of its own: App Runner, Lightsail, Elastic Beanstalk,
// Transfer Family, SageMaker notebooks.
type ManagedFront struct {
	Object
	// Kind is apprunner, lightsail, beanstalk, transfer or sagemaker-notebook.
	Kind string
	Name Text `tf:"name|service_name"`
	// Public says whether strangers reach it; computed from what the service says.
	Public         Bool
	PublicSetting  Text                  `tf:"network_configuration.ingress_configuration.is_publicly_accessible|endpoint_type|direct_internet_access"`
	Subnets        []Ref[*Subnet]        `tf:"subnet_id|endpoint_details.subnet_ids"`
	SecurityGroups []Ref[*SecurityGroup] `tf:"security_groups|endpoint_details.security_group_ids" cfn:"SecurityGroupIds|EndpointDetails.SecurityGroupIds"`
	VPC            Ref[*VPC]             `tf:"endpoint_details.vpc_id"`
	Image          Text                  `tf:"source_configuration.image_repository.image_identifier|blueprint_id|solution_stack_name"`
	ImageValue     inventory.Value       `tf:"source_configuration.image_repository.image_identifier|blueprint_id|solution_stack_name"`
	// Ports are those that it answers on.
	Ports []FrontPort
	// Settings are the options of an Elastic Beanstalk environment.
	Settings []struct {
		Namespace Text `tf:"namespace"`
		Name      Text `tf:"name" cfn:"OptionName"`
		Value     Text `tf:"value"`
	} `tf:"setting" cfn:"OptionSettings"`
}

// FrontPort is a port on which a managed front answers.
type FrontPort struct {
	Written
	Protocol Int
	From, To Int
	Sources  []Prefix // empty: everyone
}

// Bucket is an S3 bucket with what other resources say of it.
type Bucket struct {
	Object
	Name         Text              `tf:"bucket|bucket_prefix" cfn:"BucketName"`
	ACL          Text              `tf:"acl" cfn:"AccessControl"` // private, public-read, ...; absent: private
	Policy       Policy            `tf:"policy" cfn:"-"`
	PublicAccess PublicAccessBlock `tf:"-" cfn:"PublicAccessBlockConfiguration"`
	Versioning   Text              `tf:"versioning.enabled" cfn:"VersioningConfiguration.Status"` // Enabled, Suspended, Disabled
	Encryption   Text              `tf:"server_side_encryption_configuration.rule.apply_server_side_encryption_by_default.sse_algorithm" cfn:"BucketEncryption.ServerSideEncryptionConfiguration.ServerSideEncryptionByDefault.SSEAlgorithm"`
	Key          Ref[*Key]         `tf:"server_side_encryption_configuration.rule.apply_server_side_encryption_by_default.kms_master_key_id" cfn:"BucketEncryption.ServerSideEncryptionConfiguration.ServerSideEncryptionByDefault.KMSMasterKeyID"`
	Logging      Bool              `tf:"logging" cfn:"LoggingConfiguration" as:"present"`
	Website      Bool              `tf:"website" cfn:"WebsiteConfiguration" as:"present"`
	Ownership    Text              `tf:"-" cfn:"OwnershipControls.Rules.ObjectOwnership"`
	Grants       []Text            `tf:"grant[].uri" cfn:"-"` // groups that the ACL names
}

// PublicAccessBlock is S3 Block Public Access of a bucket or account. Where nothing is written, AWS blocks everything for
// buckets made since April 2023.
type PublicAccessBlock struct {
	BlockACLs       Bool `tf:"block_public_acls"`
	IgnoreACLs      Bool `tf:"ignore_public_acls"`
	BlockPolicy     Bool `tf:"block_public_policy"`
	RestrictBuckets Bool `tf:"restrict_public_buckets"`
	// At is where it is written; nil where it is not.
	At *Written
}

// AccountPublicAccessBlock is S3 Block Public Access of a whole account.
type AccountPublicAccessBlock struct {
	Object
	PublicAccessBlock
}

// Key is a KMS key.
type Key struct {
	Object
	Rotation Bool   `tf:"enable_key_rotation"`
	Usage    Text   `tf:"key_usage"`
	Spec     Text   `tf:"customer_master_key_spec" cfn:"KeySpec"`
	Policy   Policy `tf:"policy" cfn:"KeyPolicy"`
}

// Trail is a CloudTrail trail.
type Trail struct {
	Object
	MultiRegion     Bool         `tf:"is_multi_region_trail"`
	GlobalEvents    Bool         `tf:"include_global_service_events"`
	Validation      Bool         `tf:"enable_log_file_validation"`
	Logging         Bool         `tf:"enable_logging" cfn:"IsLogging"`
	Organization    Bool         `tf:"is_organization_trail"`
	Key             Ref[*Key]    `tf:"kms_key_id" cfn:"KMSKeyId"`
	Bucket          Ref[*Bucket] `tf:"s3_bucket_name"`
	CloudWatchGroup Text         `tf:"cloud_watch_logs_group_arn" cfn:"CloudWatchLogsLogGroupArn"`
}

// Repository is a container repository of ECR.
type Repository struct {
	Object
	Name       Text      `tf:"name" cfn:"RepositoryName"`
	ScanOnPush Bool      `tf:"image_scanning_configuration.scan_on_push"`
	Mutability Text      `tf:"image_tag_mutability"`                     // MUTABLE, IMMUTABLE, ..._WITH_EXCLUSION
	Encryption Text      `tf:"encryption_configuration.encryption_type"` // AES256, KMS
	Key        Ref[*Key] `tf:"encryption_configuration.kms_key"`
	Policy     Policy    `tf:"-" cfn:"RepositoryPolicyText"`
}

// Volume is an EBS volume.
type Volume struct {
	Object
	Encrypted Bool      `tf:"encrypted"`
	Key       Ref[*Key] `tf:"kms_key_id"`
}

// EncryptionByDefault is EBS encryption by default of a region and account.
type EncryptionByDefault struct {
	Object
	Enabled Bool `tf:"enabled"`
}

// FileSystem is an EFS file system; its mount targets are Stores.
type FileSystem struct {
	Object
	Encrypted Bool      `tf:"encrypted"`
	Key       Ref[*Key] `tf:"kms_key_id"`
	Mounts    []*Store
}
