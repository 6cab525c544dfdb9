variable "group" {
  default = "postgresql"
}
