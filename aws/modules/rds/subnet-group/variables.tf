variable "create" {
  default = true
}

variable "name" {
  default = null
}

variable "subnet_ids" {
  default = []
}
