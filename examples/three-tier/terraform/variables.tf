variable "name" {
  description = "Prefix of all names"
  type        = string
  default     = "three-tier"
}

variable "region" {
  description = "AWS region"
  type        = string
  default     = "us-east-1"
}

variable "cidr" {
  description = "Address range of the VPC"
  type        = string
  default     = "10.20.0.0/16"
}

variable "certificate_arn" {
  description = "Certificate of the public load balancer"
  type        = string
  default     = "arn:aws:acm:us-east-1:111122223333:certificate/11111111-2222-3333-4444-555555555555"
}

variable "registry" {
  description = "Registry and folder of the container images"
  type        = string
  default     = "registry.example/three-tier"
}

locals {
  zones = ["${var.region}a", "${var.region}b"]
}
