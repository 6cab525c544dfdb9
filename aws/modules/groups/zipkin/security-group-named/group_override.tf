variable "group" {
  default = "zipkin"
}
