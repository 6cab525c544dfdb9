# Defaults of version 6; ec2-instance-5 and ec2-instance-3 have what is different before.

variable "create" {
  default = true
}

variable "name" {
  default = ""
}

variable "tags" {
  default = {}
}

variable "ami" {
  default = null
}

variable "ami_ssm_parameter" {
  default = "/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-x86_64"
}

variable "ignore_ami_changes" {
  default = false
}

variable "instance_type" {
  default = "t3.micro"
}

variable "subnet_id" {
  default = null
}

variable "availability_zone" {
  default = null
}

variable "vpc_security_group_ids" {
  default = []
}

variable "associate_public_ip_address" {
  default = null
}

variable "source_dest_check" {
  default = null
}

variable "network_interface" {
  default = null
}

variable "ipv6_address_count" {
  default = null
}

variable "ipv6_addresses" {
  default = null
}

variable "key_name" {
  default = null
}

variable "user_data" {
  default = null
}

variable "iam_instance_profile" {
  default = null
}

variable "create_iam_instance_profile" {
  default = false
}

variable "iam_role_name" {
  default = null
}

variable "iam_role_policies" {
  default = {}
}

variable "metadata_options" {
  default = { http_endpoint = "enabled", http_tokens = "required", http_put_response_hop_limit = 1 }
}

variable "default_http_tokens" {
  default = "required"
}

variable "root_block_device" {
  default = null
}

variable "create_spot_instance" {
  default = false
}

variable "create_eip" {
  default = false
}

variable "create_security_group" {
  default = true
}

variable "security_group_name" {
  default = null
}

variable "security_group_vpc_id" {
  default = null
}

variable "security_group_ingress_rules" {
  default = {}
}

variable "security_group_egress_rules" {
  default = { ipv4_default = { cidr_ipv4 = "0.0.0.0/0", ip_protocol = "-1" }, ipv6_default = { cidr_ipv6 = "::/0", ip_protocol = "-1" } }
}
