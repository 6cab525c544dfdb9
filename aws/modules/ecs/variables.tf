variable "create" {
  default = true
}

variable "name" {
  default = null
}

variable "cluster_name" {
  default = null
}

variable "services" {
  default = {}
}
