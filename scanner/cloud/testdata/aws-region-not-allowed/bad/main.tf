provider "aws" {
  region = "us-east-1"
}

resource "aws_vpc" "main" { # want "medium aws_vpc.main is in us-east-1, which is not among the allowed regions"
  cidr_block = "10.0.0.0/16"
}
