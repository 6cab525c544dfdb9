variable "name" {
  default = ""
}

variable "cluster_name" {
  default = null
}

variable "subnet_ids" {
  default = []
}

variable "selectors" {
  default = []
}
