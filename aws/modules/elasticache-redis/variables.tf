variable "enabled" {
  default = true
}

variable "namespace" {
  default = null
}

variable "environment" {
  default = null
}

variable "stage" {
  default = null
}

variable "name" {
  default = null
}

variable "replication_group_id" {
  default = ""
}

variable "vpc_id" {
  default = null
}

variable "subnets" {
  default = []
}

variable "elasticache_subnet_group_name" {
  default = ""
}

variable "port" {
  default = 6379
}

variable "engine" {
  default = "redis"
}

variable "create_security_group" {
  default = true
}

variable "allowed_security_group_ids" {
  default = []
}

variable "allowed_security_groups" {
  default = []
}

variable "associated_security_group_ids" {
  default = []
}

variable "at_rest_encryption_enabled" {
  default = false
}

variable "multi_az_enabled" {
  default = false
}
