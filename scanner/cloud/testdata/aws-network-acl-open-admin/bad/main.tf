provider "aws" {
  region = "eu-central-1"
}

resource "aws_vpc" "main" {
  cidr_block           = "10.0.0.0/16"
  enable_dns_support   = true
  enable_dns_hostnames = true
}

resource "aws_network_acl" "main" {
  vpc_id = aws_vpc.main.id

  ingress { # want "medium aws_network_acl.main admits port 22, 23, 135, 445, ... from 0.0.0.0/0"
    rule_no    = 100
    action     = "allow"
    protocol   = "tcp"
    from_port  = 0
    to_port    = 1024
    cidr_block = "0.0.0.0/0"
  }
}

resource "aws_network_acl" "apart" {
  vpc_id = aws_vpc.main.id
}

resource "aws_network_acl_rule" "apart" { # want "medium aws_network_acl_rule.apart admits port 22, .* from ::/0"
  network_acl_id = aws_network_acl.apart.id
  rule_number    = 100
  rule_action    = "allow"
  protocol       = "-1"
  ipv6_cidr_block = "::/0"
}
