data "aws_vpc" "default" {
  default = true
  id      = ""
}

data "aws_subnet" "default" {
  vpc_id            = data.aws_vpc.default.id
  availability_zone = "eu-central-1a"
}

data "aws_security_group" "default" {
  vpc_id = aws_vpc.own.id
  name   = "default"
}

data "aws_security_group" "shared" {
  vpc_id = data.aws_vpc.default.id
  name   = "shared"
}

resource "aws_vpc" "own" {
  cidr_block = "10.0.0.0/16"
}

resource "aws_default_security_group" "own" {
  vpc_id = aws_vpc.own.id
}

resource "aws_instance" "a" {
  ami                    = "ami-0123456789abcdef0"
  instance_type          = "t3.small"
  subnet_id              = data.aws_subnet.default.id
  vpc_security_group_ids = [data.aws_security_group.shared.id]
}

resource "aws_vpc_endpoint" "b" {
  vpc_id             = aws_vpc.own.id
  vpc_endpoint_type  = "Interface"
  service_name       = "com.amazonaws.eu-central-1.ecr.api"
  security_group_ids = [data.aws_security_group.default.id]
}
