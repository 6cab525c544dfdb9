package aws

import "github.com/trifecta-scanner/trifecta/inventory"

// Policy is an IAM policy document. The zero Policy is absent.
type Policy struct {
	Statements []Statement
	// Unknown says that the document, or a part of it, is not known; Reasons says why.
	Unknown bool
	Reasons []inventory.Reason
	// Written says that there is a document, known or not.
	Written bool
	// Location is the place of the document.
	Location inventory.Location
}

// Statement is one statement of a policy document.
type Statement struct {
	Effect     Text // Allow, Deny
	Principals []Principal
	// NotPrincipal, NotActions and NotResources say that the lists name what is meant to be left out.
	NotPrincipal, NotActions, NotResources bool
	Actions                                []Text
	Resources                              []Text
	// Conditions are the condition keys that narrow the statement, in lower case, in order.
	Conditions []string
	// Sources are the ranges that a condition IpAddress on aws:SourceIp asks for; empty where there is none.
	Sources []Prefix
	// Unknown says that the statement may not be there or may say something else.
	Unknown bool
}

// Principal is who a statement is about.
type Principal struct {
	Type string // AWS, Service, Federated, CanonicalUser; * for everyone
	ID   Text
}

// Role is an IAM role.
type Role struct {
	Object
	Name  Text   `tf:"name|name_prefix" cfn:"RoleName"`
	Trust Policy `tf:"assume_role_policy" cfn:"AssumeRolePolicyDocument"`
	// Managed are the ARNs of managed policies, attachments included.
	Managed  []Text        `tf:"managed_policy_arns"`
	Policies []NamedPolicy // inline ones and declared ones that are attached
}

// NamedPolicy is a policy of a role, user or group.
type NamedPolicy struct {
	Written
	Name   Text
	Policy Policy
}

// ManagedPolicy is a customer managed IAM policy.
type ManagedPolicy struct {
	Object
	Name   Text   `tf:"name|name_prefix" cfn:"ManagedPolicyName"`
	Policy Policy `tf:"policy" cfn:"PolicyDocument"`
}

// InstanceProfile gives a role to machines.
type InstanceProfile struct {
	Object
	Name Text       `tf:"name|name_prefix" cfn:"InstanceProfileName"`
	Role Ref[*Role] `tf:"role|roles" cfn:"Roles"`
}

// User is an IAM user.
type User struct {
	Object
	Name     Text   `tf:"name" cfn:"UserName"`
	Managed  []Text `tf:"-" cfn:"ManagedPolicyArns"`
	Policies []NamedPolicy
	// AccessKeys are keys that the code makes for the user.
	AccessKeys []*inventory.Resource
}

// PasswordPolicy is the password policy of an account's IAM users.
type PasswordPolicy struct {
	Object
	MinimumLength Int `tf:"minimum_password_length" cfn:"-"`
	Reuse         Int `tf:"password_reuse_prevention" cfn:"-"`
	MaxAge        Int `tf:"max_password_age" cfn:"-"`
}

// PatchBaseline says which patches are approved, and when.
type PatchBaseline struct {
	Object
	Name  Text `tf:"name"`
	OS    Text `tf:"operating_system"`
	Rules []struct {
		ApproveAfterDays Int  `tf:"approve_after_days"`
		ApproveUntil     Text `tf:"approve_until_date"`
		Filters          []struct {
			Key    Text   `tf:"key"` // CLASSIFICATION, SEVERITY, PRODUCT, ...
			Values []Text `tf:"values"`
		} `tf:"patch_filter" cfn:"PatchFilterGroup.PatchFilters"`
	} `tf:"approval_rule" cfn:"ApprovalRules.PatchRules"`
	Approved []Text `tf:"approved_patches"`
	Rejected []Text `tf:"rejected_patches"`
	// Groups are the patch groups that use it.
	Groups  []Text `tf:"-" cfn:"PatchGroups"`
	Default Bool   `tf:"-" cfn:"DefaultBaseline"` // of its operating system
}

// SSMTarget says which machines something of Systems Manager is for.
type SSMTarget struct {
	Key    Text   `tf:"key"` // InstanceIds, tag:NAME, resource-groups:Name, WindowTargetIds
	Values []Text `tf:"values"`
	// Refs are the Values that lead to objects of the code: instances, window targets.
	Refs []Ref[Node] `tf:"values" as:"declared"`
}

// SSMAssociation runs a document on machines.
type SSMAssociation struct {
	Object
	Document  Text        `tf:"name"`
	Instance  Ref[Node]   `tf:"instance_id"`
	Targets   []SSMTarget `tf:"targets"`
	Schedule  Text        `tf:"schedule_expression"`
	Operation Text        `tf:"parameters.Operation" cfn:"Parameters.Operation"` // of AWS-RunPatchBaseline: Scan, Install
}

// MaintenanceWindow is a time at which tasks run.
type MaintenanceWindow struct {
	Object
	Schedule Text `tf:"schedule"`
	Enabled  Bool `tf:"enabled" cfn:"-"`
	Targets  []*MaintenanceWindowTarget
	Tasks    []*MaintenanceWindowTask
}

// MaintenanceWindowTarget registers machines with a maintenance window.
type MaintenanceWindowTarget struct {
	Object
	Window  Ref[*MaintenanceWindow] `tf:"window_id"`
	Targets []SSMTarget             `tf:"targets"`
}

// MaintenanceWindowTask runs a document in a maintenance window.
type MaintenanceWindowTask struct {
	Object
	Window    Ref[*MaintenanceWindow] `tf:"window_id"`
	Type      Text                    `tf:"task_type"` // RUN_COMMAND, AUTOMATION, ...
	Document  Text                    `tf:"task_arn"`
	Targets   []SSMTarget             `tf:"targets"`
	Operation Text                    `tf:"-" cfn:"TaskInvocationParameters.MaintenanceWindowRunCommandParameters.Parameters.Operation"`
}
