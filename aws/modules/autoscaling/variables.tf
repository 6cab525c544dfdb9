# Defaults of version 9; autoscaling-5 has what is different before.

variable "create" {
  default = true
}

variable "name" {
  default = ""
}

variable "use_name_prefix" {
  default = true
}

variable "instance_name" {
  default = ""
}

variable "tags" {
  default = {}
}

variable "autoscaling_group_tags" {
  default = {}
}

variable "vpc_zone_identifier" {
  default = null
}

variable "availability_zones" {
  default = null
}

variable "min_size" {
  default = null
}

variable "max_size" {
  default = null
}

variable "ignore_desired_capacity_changes" {
  default = false
}

variable "max_instance_lifetime" {
  default = null
}

variable "instance_refresh" {
  default = null
}

variable "target_group_arns" {
  default = []
}

variable "load_balancers" {
  default = []
}

variable "traffic_source_attachments" {
  default = {}
}

variable "create_traffic_source_attachment" {
  default = false
}

variable "traffic_source_identifier" {
  default = ""
}

variable "create_launch_template" {
  default = true
}

variable "launch_template_name" {
  default = ""
}

variable "launch_template_id" {
  default = null
}

variable "launch_template" {
  default = null
}

variable "use_mixed_instances_policy" {
  default = false
}

variable "mixed_instances_policy" {
  default = null
}

variable "image_id" {
  default = ""
}

variable "instance_type" {
  default = null
}

variable "key_name" {
  default = null
}

variable "user_data" {
  default = null
}

variable "security_groups" {
  default = []
}

variable "network_interfaces" {
  default = []
}

variable "block_device_mappings" {
  default = []
}

variable "metadata_options" {
  default = { http_endpoint = "enabled", http_tokens = "required", http_put_response_hop_limit = 1 }
}

variable "create_iam_instance_profile" {
  default = false
}

variable "iam_instance_profile_name" {
  default = null
}

variable "iam_instance_profile_arn" {
  default = null
}

variable "iam_role_name" {
  default = null
}

variable "iam_role_policies" {
  default = {}
}
