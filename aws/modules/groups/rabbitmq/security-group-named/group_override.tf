variable "group" {
  default = "rabbitmq"
}
