variable "group" {
  default = "https-443"
}
