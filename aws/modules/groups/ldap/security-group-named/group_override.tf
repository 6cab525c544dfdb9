variable "group" {
  default = "ldap"
}
