variable "group" {
  default = "storm"
}
