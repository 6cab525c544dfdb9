variable "create_launch_template" {
  default = true
}

variable "launch_template_id" {
  default = ""
}

variable "name" {
  default = ""
}

variable "cluster_name" {
  default = null
}

variable "subnet_ids" {
  default = []
}

variable "ami_type" {
  default = null
}

variable "ami_id" {
  default = ""
}

variable "ami_release_version" {
  default = null
}

variable "instance_types" {
  default = null
}

variable "remote_access" {
  default = {}
}

variable "metadata_options" {
  default = null
}

variable "network_interfaces" {
  default = []
}

variable "security_groups" {
  default = []
}
