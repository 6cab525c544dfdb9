variable "create" {
  default = true
}

variable "domain_name" {
  default = ""
}

variable "engine_version" {
  default = null
}

variable "ip_address_type" {
  default = null
}

variable "vpc_options" {
  default = {}
}

variable "domain_endpoint_options" {
  default = {}
}

variable "encrypt_at_rest" {
  default = {}
}

variable "cluster_config" {
  default = {}
}

variable "access_policies" {
  default = null
}

variable "enable_access_policy" {
  default = true
}

variable "create_security_group" {
  default = true
}

variable "security_group_name" {
  default = null
}

variable "security_group_rules" {
  default = {}
}
