variable "group" {
  default = "mongodb"
}
