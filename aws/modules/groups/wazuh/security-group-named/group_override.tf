variable "group" {
  default = "wazuh"
}
