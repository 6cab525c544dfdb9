variable "group" {
  default = "promtail"
}
