provider "aws" {
  region = "eu-central-1"
}

resource "aws_vpc" "main" {
  cidr_block           = "10.0.0.0/16"
  enable_dns_support   = true
  enable_dns_hostnames = true
}

resource "aws_security_group" "app" {
  vpc_id = aws_vpc.main.id

  ingress { # want "medium aws_security_group.app admits every port from a wide range"
    protocol  = "-1"
    from_port = 0
    to_port   = 0
    cidr_blocks = ["10.0.0.0/8"]
  }
}

resource "aws_security_group" "tcp" {
  vpc_id = aws_vpc.main.id

  ingress { # want "medium aws_security_group.tcp admits every port"
    protocol  = "tcp"
    from_port = 0
    to_port   = 65535
    cidr_blocks = ["10.0.0.0/23"]
  }
}
