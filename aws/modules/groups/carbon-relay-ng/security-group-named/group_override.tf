variable "group" {
  default = "carbon-relay-ng"
}
