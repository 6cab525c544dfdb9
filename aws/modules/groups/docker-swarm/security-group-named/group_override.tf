variable "group" {
  default = "docker-swarm"
}
