variable "group" {
  default = "kafka"
}
