variable "group" {
  default = "solr"
}
