variable "group" {
  default = "http-80"
}
