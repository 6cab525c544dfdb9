provider "aws" {
  region = "eu-central-1"
}

resource "aws_vpc" "main" {
  cidr_block           = "10.0.0.0/16"
  enable_dns_support   = true
  enable_dns_hostnames = true
}

resource "aws_security_group" "peer" {
  vpc_id = aws_vpc.main.id
}

resource "aws_security_group" "app" {
  vpc_id = aws_vpc.main.id

  ingress {
    protocol  = "-1"
    from_port = 0
    to_port   = 0
    cidr_blocks = ["10.0.0.0/24"]
  }

  ingress {
    protocol  = "-1"
    from_port = 0
    to_port   = 0
    security_groups = [aws_security_group.peer.id]
  }

  ingress {
    protocol  = "tcp"
    from_port = 1024
    to_port   = 65535
    cidr_blocks = ["10.0.0.0/8"]
  }

  egress {
    protocol  = "-1"
    from_port = 0
    to_port   = 0
    cidr_blocks = ["0.0.0.0/0"]
  }
}

# What carries the group may speak with what else does.
resource "aws_security_group" "self" {
  vpc_id = aws_vpc.main.id

  ingress {
    protocol  = "-1"
    from_port = 0
    to_port   = 0
    self      = true
  }
}
