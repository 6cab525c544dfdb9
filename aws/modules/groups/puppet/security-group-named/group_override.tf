variable "group" {
  default = "puppet"
}
