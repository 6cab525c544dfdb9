# Defaults of versions 2 and 3.

variable "cidr" {
  default = "0.0.0.0/0"
}

variable "enable_dns_hostnames" {
  default = false
}

variable "map_public_ip_on_launch" {
  default = true
}

variable "manage_default_security_group" {
  default = false
}

variable "manage_default_route_table" {
  default = false
}

variable "manage_default_network_acl" {
  default = false
}
