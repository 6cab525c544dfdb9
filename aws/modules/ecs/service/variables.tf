variable "create" {
  default = true
}

variable "create_service" {
  default = true
}

variable "ignore_task_definition_changes" {
  default = false
}

variable "name" {
  default = null
}

variable "cluster_arn" {
  default = null
}

variable "launch_type" {
  default = "FARGATE"
}

variable "desired_count" {
  default = 1
}

variable "capacity_provider_strategy" {
  default = {}
}

variable "assign_public_ip" {
  default = false
}

variable "subnet_ids" {
  default = []
}

variable "security_group_ids" {
  default = []
}

variable "vpc_id" {
  default = null
}

variable "load_balancer" {
  default = {}
}

variable "create_task_definition" {
  default = true
}

variable "task_definition_arn" {
  default = null
}

variable "container_definitions" {
  default = {}
}

variable "container_definition_defaults" {
  default = {}
}

variable "family" {
  default = null
}

variable "network_mode" {
  default = "awsvpc"
}

variable "requires_compatibilities" {
  default = ["FARGATE"]
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

variable "security_group_ingress_rules" {
  default = {}
}

variable "security_group_egress_rules" {
  default = {}
}
