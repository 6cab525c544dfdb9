variable "enabled" {
  default = true
}

variable "vpc_id" {
  default = null
}

variable "port" {
  default = 6379
}

variable "allowed_security_group_ids" {
  default = []
}
