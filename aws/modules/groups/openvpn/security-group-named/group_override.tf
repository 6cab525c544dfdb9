variable "group" {
  default = "openvpn"
}
