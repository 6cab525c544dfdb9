variable "group" {
  default = "mysql"
}
