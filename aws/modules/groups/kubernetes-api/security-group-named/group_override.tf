variable "group" {
  default = "kubernetes-api"
}
