variable "group" {
  default = "redshift"
}
