terraform {
  required_version = ">= 1.5"
  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = "~> 5.0"
    }
    random = "~> 3.0"
  }
}

module "x" {
  source = "company/other/aws"
}

provider "tls" {
}

resource "null_resource" "x" {
}
