# Defaults of version 8; alb-5 has what is different before.

variable "create_lb" {
  default = true
}

variable "name" {
  default = null
}

variable "name_prefix" {
  default = null
}

variable "load_balancer_type" {
  default = "application"
}

variable "internal" {
  default = false
}

variable "vpc_id" {
  default = null
}

variable "subnets" {
  default = null
}

variable "subnet_mapping" {
  default = []
}

variable "security_groups" {
  default = []
}

variable "ip_address_type" {
  default = "ipv4"
}

variable "enable_cross_zone_load_balancing" {
  default = false
}

variable "drop_invalid_header_fields" {
  default = false
}

variable "enable_deletion_protection" {
  default = false
}

variable "target_groups" {
  default = []
}

variable "http_tcp_listeners" {
  default = []
}

variable "https_listeners" {
  default = []
}

variable "http_tcp_listener_rules" {
  default = []
}

variable "https_listener_rules" {
  default = []
}

variable "listener_ssl_policy_default" {
  default = "ELBSecurityPolicy-2016-08"
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

variable "web_acl_arn" {
  default = null
}
