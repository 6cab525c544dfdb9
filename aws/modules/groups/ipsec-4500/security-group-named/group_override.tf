variable "group" {
  default = "ipsec-4500"
}
