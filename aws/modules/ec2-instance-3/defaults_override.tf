# Versions 3 and 4 make no security group and leave the metadata service as it is.

variable "create_security_group" {
  default = false
}

variable "vpc_security_group_ids" {
  default = null
}

variable "metadata_options" {
  default = {}
}

variable "default_http_tokens" {
  default = "optional"
}
