variable "group" {
  default = "nfs"
}
