variable "group" {
  default = "graphite-statsd"
}
