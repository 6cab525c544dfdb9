variable "group" {
  default = "minio"
}
