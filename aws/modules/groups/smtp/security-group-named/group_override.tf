variable "group" {
  default = "smtp"
}
