# Versions 19 and 20 let containers on nodes reach the metadata service.

variable "default_hop_limit" {
  default = 2
}
