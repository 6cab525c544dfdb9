variable "group" {
  default = "dax-cluster"
}
