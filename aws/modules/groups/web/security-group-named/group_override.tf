variable "group" {
  default = "web"
}
