variable "group" {
  default = "prometheus"
}
