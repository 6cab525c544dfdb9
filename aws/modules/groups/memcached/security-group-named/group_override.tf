variable "group" {
  default = "memcached"
}
