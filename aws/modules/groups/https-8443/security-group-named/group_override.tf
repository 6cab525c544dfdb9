variable "group" {
  default = "https-8443"
}
