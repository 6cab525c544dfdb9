variable "group" {
  default = "ipsec-500"
}
