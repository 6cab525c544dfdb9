# Versions 6 and 7 make a subnet group.

variable "create_db_subnet_group" {
  default = true
}
