# Defaults of version 21; eks-19 and eks-18 have what is different before.

variable "create" {
  default = true
}

variable "name" {
  default = null
}

variable "cluster_name" {
  default = null
}

variable "kubernetes_version" {
  default = null
}

variable "cluster_version" {
  default = null
}

variable "vpc_id" {
  default = null
}

variable "subnet_ids" {
  default = []
}

variable "control_plane_subnet_ids" {
  default = []
}

variable "endpoint_public_access" {
  default = null
}

variable "cluster_endpoint_public_access" {
  default = false
}

variable "endpoint_private_access" {
  default = null
}

variable "cluster_endpoint_private_access" {
  default = true
}

variable "endpoint_public_access_cidrs" {
  default = null
}

variable "cluster_endpoint_public_access_cidrs" {
  default = ["0.0.0.0/0"]
}

variable "enabled_log_types" {
  default = null
}

variable "cluster_enabled_log_types" {
  default = ["audit", "api", "authenticator"]
}

variable "ip_family" {
  default = null
}

variable "cluster_ip_family" {
  default = null
}

variable "compute_config" {
  default = null
}

variable "cluster_compute_config" {
  default = null
}

variable "additional_security_group_ids" {
  default = null
}

variable "cluster_additional_security_group_ids" {
  default = []
}

variable "create_security_group" {
  default = null
}

variable "create_cluster_security_group" {
  default = true
}

variable "security_group_id" {
  default = null
}

variable "cluster_security_group_id" {
  default = null
}

variable "security_group_additional_rules" {
  default = null
}

variable "cluster_security_group_additional_rules" {
  default = {}
}

variable "create_node_security_group" {
  default = true
}

variable "node_security_group_id" {
  default = null
}

variable "node_security_group_additional_rules" {
  default = {}
}

variable "node_security_group_enable_recommended_rules" {
  default = true
}

variable "addons" {
  default = null
}

variable "cluster_addons" {
  default = {}
}

variable "eks_managed_node_groups" {
  default = {}
}

variable "eks_managed_node_group_defaults" {
  default = {}
}

variable "self_managed_node_groups" {
  default = {}
}

variable "self_managed_node_group_defaults" {
  default = {}
}

variable "fargate_profiles" {
  default = {}
}

variable "fargate_profile_defaults" {
  default = {}
}

variable "default_hop_limit" {
  default = 1
}
