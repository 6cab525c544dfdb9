variable "group" {
  default = "nomad"
}
