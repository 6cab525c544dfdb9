variable "group" {
  default = "vault"
}
