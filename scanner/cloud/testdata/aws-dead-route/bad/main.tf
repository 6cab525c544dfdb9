provider "aws" {
  region = "eu-central-1"
}

resource "aws_vpc" "main" {
  cidr_block           = "10.0.0.0/16"
  enable_dns_support   = true
  enable_dns_hostnames = true
}

resource "aws_vpc" "peer" {
  cidr_block           = "10.1.0.0/16"
  enable_dns_support   = true
  enable_dns_hostnames = true
}

resource "aws_vpc_peering_connection" "peer" {
  vpc_id      = aws_vpc.main.id
  peer_vpc_id = aws_vpc.peer.id
  auto_accept = true
}

resource "aws_route_table" "main" {
  vpc_id = aws_vpc.main.id

  route { # want "medium aws_route_table.main leads through aws_vpc_peering_connection.peer to aws_vpc.peer, which has no route back"
    cidr_block = "10.1.0.0/16"
    vpc_peering_connection_id = aws_vpc_peering_connection.peer.id
  }
}

resource "aws_internet_gateway" "other" {
  vpc_id = aws_vpc.peer.id
}

resource "aws_route_table" "public" {
  vpc_id = aws_vpc.main.id

  route { # want "leads to aws_internet_gateway.other, which is not attached to aws_vpc.main"
    cidr_block = "0.0.0.0/0"
    gateway_id = aws_internet_gateway.other.id
  }
}

resource "aws_ec2_transit_gateway" "hub" {
  description = "hub"
}

resource "aws_route" "hub" { # want "aws_route.hub leads to aws_ec2_transit_gateway.hub, to which aws_vpc.main is not attached"
  route_table_id         = aws_route_table.main.id
  destination_cidr_block = "10.2.0.0/16"
  transit_gateway_id     = aws_ec2_transit_gateway.hub.id
}
