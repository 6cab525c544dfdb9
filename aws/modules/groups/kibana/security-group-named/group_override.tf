variable "group" {
  default = "kibana"
}
