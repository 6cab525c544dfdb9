variable "group" {
  default = "mssql"
}
