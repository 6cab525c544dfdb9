variable "name" {
  default = ""
}

variable "subnet_ids" {
  default = []
}

variable "ami_id" {
  default = null
}

variable "metadata_options" {
  default = {}
}

variable "security_groups" {
  default = []
}
