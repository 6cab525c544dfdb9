provider "aws" {
  region = "eu-central-1"
}

resource "aws_vpc" "main" {
  cidr_block           = "10.0.0.0/16"
  enable_dns_support   = true
  enable_dns_hostnames = true
}

resource "aws_subnet" "app" {
  vpc_id            = aws_vpc.main.id
  cidr_block        = "10.0.1.0/24"
  availability_zone = "eu-central-1a"
}

resource "aws_security_group" "app" {
  vpc_id = aws_vpc.main.id
}

resource "aws_instance" "app" {
  ami           = "ami-0123456789abcdef0"
  instance_type = "t3.small"
  subnet_id     = aws_subnet.app.id
  vpc_security_group_ids = [aws_security_group.app.id]
}

# Another group refers to it.
resource "aws_security_group" "peer" {
  vpc_id = aws_vpc.main.id
}

resource "aws_vpc_security_group_ingress_rule" "peer" {
  security_group_id            = aws_security_group.app.id
  referenced_security_group_id = aws_security_group.peer.id
  ip_protocol                  = "tcp"
  from_port                    = 443
  to_port                      = 443
}

# Handed on.
resource "aws_security_group" "out" {
  vpc_id = aws_vpc.main.id
}

output "group" {
  value = aws_security_group.out.id
}

resource "aws_security_group" "param" {
  vpc_id = aws_vpc.main.id
}

resource "aws_ssm_parameter" "group" {
  name  = "/network/group"
  type  = "String"
  value = aws_security_group.param.id
}

# A template carries it.
resource "aws_security_group" "template" {
  vpc_id = aws_vpc.main.id
}

resource "aws_launch_template" "app" {
  image_id               = "ami-0123456789abcdef0"
  vpc_security_group_ids = [aws_security_group.template.id]
}
