variable "group" {
  default = "ssh"
}
