variable "group" {
  default = "winrm"
}
