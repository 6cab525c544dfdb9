variable "group" {
  default = "etcd"
}
