variable "group" {
  default = "squid"
}
