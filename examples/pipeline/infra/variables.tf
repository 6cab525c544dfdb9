variable "environment" {
  type = string
}

variable "image_tag" {
  description = "The commit that the image was built from; the pipeline sets it"
  type        = string
}

variable "public" {
  description = "Whether the shop is open to the world, or to the office alone"
  type        = bool
}

variable "office" {
  type    = list(string)
  default = ["198.51.100.0/24"]
}

variable "operators" {
  description = "Who reaches the jump host over SSH"
  type        = list(string)
}
