variable "create" {
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
  default = null
}

variable "vpc_id" {
  default = null
}

variable "subnets" {
  default = []
}

variable "subnet_mapping" {
  default = []
}

variable "security_groups" {
  default = []
}

variable "ip_address_type" {
  default = null
}

variable "enable_cross_zone_load_balancing" {
  default = true
}

variable "drop_invalid_header_fields" {
  default = true
}

variable "enable_deletion_protection" {
  default = true
}

variable "default_port" {
  default = 80
}

variable "default_protocol" {
  default = "HTTP"
}

variable "listeners" {
  default = {}
}

variable "target_groups" {
  default = {}
}

variable "additional_target_group_attachments" {
  default = {}
}

variable "create_security_group" {
  default = true
}

variable "security_group_name" {
  default = null
}

variable "security_group_ingress_rules" {
  default = {}
}

variable "security_group_egress_rules" {
  default = {}
}

variable "route53_records" {
  default = {}
}

variable "associate_web_acl" {
  default = false
}

variable "web_acl_arn" {
  default = null
}
