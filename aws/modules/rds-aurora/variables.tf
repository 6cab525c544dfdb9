# Defaults of versions 8 to 10; rds-aurora-6 has what is different before.

variable "create" {
  default = true
}

variable "create_cluster" {
  default = true
}

variable "name" {
  default = ""
}

variable "vpc_id" {
  default = null
}

variable "subnets" {
  default = []
}

variable "create_db_subnet_group" {
  default = false
}

variable "db_subnet_group_name" {
  default = ""
}

variable "engine" {
  default = null
}

variable "engine_version" {
  default = null
}

variable "port" {
  default = null
}

variable "instances" {
  default = {}
}

variable "publicly_accessible" {
  default = null
}

variable "auto_minor_version_upgrade" {
  default = null
}

variable "storage_encrypted" {
  default = true
}

variable "kms_key_id" {
  default = null
}

variable "deletion_protection" {
  default = null
}

variable "backup_retention_period" {
  default = null
}

variable "iam_database_authentication_enabled" {
  default = null
}

variable "network_type" {
  default = null
}

variable "cluster_network_type" {
  default = null
}

variable "vpc_security_group_ids" {
  default = []
}

variable "create_security_group" {
  default = true
}

variable "security_group_name" {
  default = ""
}

variable "allowed_security_groups" {
  default = []
}

variable "allowed_cidr_blocks" {
  default = []
}

variable "security_group_rules" {
  default = {}
}

variable "security_group_ingress_rules" {
  default = {}
}
