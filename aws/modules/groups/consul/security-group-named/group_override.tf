variable "group" {
  default = "consul"
}
