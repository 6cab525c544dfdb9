variable "group" {
  default = "logstash"
}
