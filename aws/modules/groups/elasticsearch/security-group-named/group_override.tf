variable "group" {
  default = "elasticsearch"
}
