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

  route { # want "medium aws_route_table.main sends 10.0.0.0/8, which is more than aws_vpc.peer has, to aws_vpc_peering_connection.peer"
    cidr_block = "10.0.0.0/8"
    vpc_peering_connection_id = aws_vpc_peering_connection.peer.id
  }
}

resource "aws_route_table" "back" {
  vpc_id = aws_vpc.peer.id

  route {
    cidr_block = "10.0.0.0/16"
    vpc_peering_connection_id = aws_vpc_peering_connection.peer.id
  }
}

resource "aws_route" "all" { # want "medium aws_route.all sends 0.0.0.0/0"
  route_table_id            = aws_route_table.back.id
  destination_cidr_block    = "0.0.0.0/0"
  vpc_peering_connection_id = aws_vpc_peering_connection.peer.id
}

resource "aws_vpn_gateway" "main" {
  vpc_id = aws_vpc.main.id
}

resource "aws_route_table" "vpn" {
  vpc_id = aws_vpc.main.id

  route { # want "sends everything to aws_vpn_gateway.main"
    cidr_block = "0.0.0.0/0"
    gateway_id = aws_vpn_gateway.main.id
  }
}
