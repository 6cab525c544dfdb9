variable "create" {
  default = true
}

variable "create_ecs" {
  default = true
}

variable "name" {
  default = null
}

variable "cluster_name" {
  default = null
}
