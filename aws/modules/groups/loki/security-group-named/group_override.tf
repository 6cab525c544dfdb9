variable "group" {
  default = "loki"
}
