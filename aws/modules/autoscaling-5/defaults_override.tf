# Versions 5 to 8 leave the metadata service as it is.

variable "metadata_options" {
  default = {}
}
