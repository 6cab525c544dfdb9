provider "aws" {
  region = "eu-central-1"
}

resource "aws_vpc" "main" {
  cidr_block           = "10.0.0.0/16"
  enable_dns_support   = true
  enable_dns_hostnames = true
}

resource "aws_security_group" "old" { # want "low aws_security_group.old is carried by nothing"
  vpc_id = aws_vpc.main.id

  ingress {
    protocol  = "tcp"
    from_port = 443
    to_port   = 443
    cidr_blocks = ["10.0.0.0/8"]
  }
}

# Only its own rule refers to it.
resource "aws_security_group" "own" { # want "low aws_security_group.own"
  vpc_id = aws_vpc.main.id
}

resource "aws_vpc_security_group_ingress_rule" "own" {
  security_group_id            = aws_security_group.own.id
  referenced_security_group_id = aws_security_group.own.id
  ip_protocol                  = "-1"
}
