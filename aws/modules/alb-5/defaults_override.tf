# Versions 5 to 7 make no security group.

variable "create_security_group" {
  default = false
}
