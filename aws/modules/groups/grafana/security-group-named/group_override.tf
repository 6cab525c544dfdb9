variable "group" {
  default = "grafana"
}
