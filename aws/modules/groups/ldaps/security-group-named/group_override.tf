variable "group" {
  default = "ldaps"
}
