variable "group" {
  default = "alertmanager"
}
