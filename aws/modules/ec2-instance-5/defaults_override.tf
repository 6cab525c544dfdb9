# Version 5 makes no security group.

variable "create_security_group" {
  default = false
}

variable "vpc_security_group_ids" {
  default = null
}
