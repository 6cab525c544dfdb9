# Version 18 leaves the API open to the internet and closed to the VPC, and recommends no rules.

variable "cluster_endpoint_public_access" {
  default = true
}

variable "cluster_endpoint_private_access" {
  default = false
}

variable "node_security_group_enable_recommended_rules" {
  default = false
}

variable "default_hop_limit" {
  default = 2
}
