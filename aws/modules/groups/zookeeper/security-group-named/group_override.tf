variable "group" {
  default = "zookeeper"
}
