provider "aws" {
  region = "eu-central-1"
}

provider "aws" {
  alias  = "us"
  region = "us-east-1"
}

resource "aws_ec2_transit_gateway" "eu" {}

resource "aws_ec2_transit_gateway" "us" {
  provider = aws.us
}

resource "aws_ec2_transit_gateway_peering_attachment" "p" {
  peer_region             = "us-east-1"
  peer_transit_gateway_id = aws_ec2_transit_gateway.us.id
  transit_gateway_id      = aws_ec2_transit_gateway.eu.id
}

resource "aws_ec2_transit_gateway_peering_attachment_accepter" "p" {
  provider                      = aws.us
  transit_gateway_attachment_id = aws_ec2_transit_gateway_peering_attachment.p.id
}

resource "aws_vpc" "eu" {
  cidr_block = "10.1.0.0/16"
}

resource "aws_vpc" "us" {
  provider   = aws.us
  cidr_block = "10.2.0.0/16"
}

resource "aws_subnet" "eu" {
  vpc_id     = aws_vpc.eu.id
  cidr_block = "10.1.1.0/24"
}

resource "aws_subnet" "us" {
  provider   = aws.us
  vpc_id     = aws_vpc.us.id
  cidr_block = "10.2.1.0/24"
}

resource "aws_ec2_transit_gateway_vpc_attachment" "eu" {
  transit_gateway_id = aws_ec2_transit_gateway.eu.id
  vpc_id             = aws_vpc.eu.id
  subnet_ids         = [aws_subnet.eu.id]
}

resource "aws_ec2_transit_gateway_vpc_attachment" "us" {
  provider           = aws.us
  transit_gateway_id = aws_ec2_transit_gateway.us.id
  vpc_id             = aws_vpc.us.id
  subnet_ids         = [aws_subnet.us.id]
}

resource "aws_route" "eu" {
  route_table_id         = aws_vpc.eu.main_route_table_id
  destination_cidr_block = "10.0.0.0/8"
  transit_gateway_id     = aws_ec2_transit_gateway.eu.id
}

resource "aws_route" "us" {
  provider               = aws.us
  route_table_id         = aws_vpc.us.main_route_table_id
  destination_cidr_block = "10.0.0.0/8"
  transit_gateway_id     = aws_ec2_transit_gateway.us.id
}

resource "aws_ec2_transit_gateway_route" "eu" {
  destination_cidr_block         = "10.2.0.0/16"
  transit_gateway_attachment_id  = aws_ec2_transit_gateway_peering_attachment.p.id
  transit_gateway_route_table_id = aws_ec2_transit_gateway.eu.association_default_route_table_id
}

resource "aws_ec2_transit_gateway_route" "us" {
  count                          = 1
  provider                       = aws.us
  destination_cidr_block         = "10.1.0.0/16"
  transit_gateway_attachment_id  = aws_ec2_transit_gateway_peering_attachment.p.id
  transit_gateway_route_table_id = aws_ec2_transit_gateway.us.association_default_route_table_id
}

resource "aws_security_group" "eu" {
  vpc_id = aws_vpc.eu.id
  egress {
    from_port   = 0
    to_port     = 0
    protocol    = "-1"
    cidr_blocks = ["0.0.0.0/0"]
  }
}

resource "aws_security_group" "us" {
  provider = aws.us
  vpc_id   = aws_vpc.us.id
  ingress {
    from_port   = 22
    to_port     = 22
    protocol    = "tcp"
    cidr_blocks = ["10.1.0.0/16"]
  }
}

resource "aws_instance" "eu" {
  ami                    = "ami-0123456789abcdef0"
  instance_type          = "t3.micro"
  subnet_id              = aws_subnet.eu.id
  vpc_security_group_ids = [aws_security_group.eu.id]
}

resource "aws_instance" "us" {
  provider               = aws.us
  ami                    = "ami-0123456789abcdef0"
  instance_type          = "t3.micro"
  subnet_id              = aws_subnet.us.id
  vpc_security_group_ids = [aws_security_group.us.id]
}