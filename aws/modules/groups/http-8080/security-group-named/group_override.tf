variable "group" {
  default = "http-8080"
}
