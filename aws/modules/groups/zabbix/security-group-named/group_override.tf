variable "group" {
  default = "zabbix"
}
