variable "create_db_instance" {
  default = true
}

variable "create_db_subnet_group" {
  default = false
}

variable "subnet_ids" {
  default = []
}

variable "identifier" {
  default = null
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

variable "storage_encrypted" {
  default = true
}

variable "kms_key_id" {
  default = null
}

variable "vpc_security_group_ids" {
  default = []
}

variable "db_subnet_group_name" {
  default = null
}

variable "availability_zone" {
  default = null
}

variable "multi_az" {
  default = false
}

variable "publicly_accessible" {
  default = false
}

variable "auto_minor_version_upgrade" {
  default = true
}

variable "deletion_protection" {
  default = false
}

variable "backup_retention_period" {
  default = null
}

variable "network_type" {
  default = null
}

variable "iam_database_authentication_enabled" {
  default = false
}
