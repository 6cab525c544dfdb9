variable "group" {
  default = "activemq"
}
