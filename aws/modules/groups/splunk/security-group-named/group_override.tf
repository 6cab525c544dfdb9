variable "group" {
  default = "splunk"
}
