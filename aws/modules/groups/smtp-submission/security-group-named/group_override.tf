variable "group" {
  default = "smtp-submission"
}
