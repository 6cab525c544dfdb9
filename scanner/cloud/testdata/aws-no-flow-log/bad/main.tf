provider "aws" {
  region = "eu-central-1"
}

resource "aws_vpc" "main" { # want "medium aws_vpc.main has no flow log"
  cidr_block = "10.0.0.0/16"
}
