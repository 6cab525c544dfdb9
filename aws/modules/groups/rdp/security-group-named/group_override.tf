variable "group" {
  default = "rdp"
}
