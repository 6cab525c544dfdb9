variable "group" {
  default = "smtps"
}
