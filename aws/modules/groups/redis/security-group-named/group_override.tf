variable "group" {
  default = "redis"
}
