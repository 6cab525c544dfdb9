variable "group" {
  default = "oracle-db"
}
