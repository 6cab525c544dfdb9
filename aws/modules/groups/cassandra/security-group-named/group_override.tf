variable "group" {
  default = "cassandra"
}
