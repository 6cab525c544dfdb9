variable "group" {
  default = "ntp"
}
