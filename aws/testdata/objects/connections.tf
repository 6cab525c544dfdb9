resource "aws_vpc" "a" {
  cidr_block = "10.0.0.0/16"
}

resource "aws_vpc" "b" {
  cidr_block = "10.1.0.0/16"
}

resource "aws_subnet" "a" {
  vpc_id     = aws_vpc.a.id
  cidr_block = "10.0.1.0/24"
}

resource "aws_route_table" "a" {
  vpc_id = aws_vpc.a.id

  route {
    cidr_block                = "10.1.0.0/16"
    vpc_peering_connection_id = aws_vpc_peering_connection.ab.id
  }
  route {
    cidr_block         = "10.0.0.0/8"
    transit_gateway_id = aws_ec2_transit_gateway.hub.id
  }
}

resource "aws_vpc_peering_connection" "ab" {
  vpc_id      = aws_vpc.a.id
  peer_vpc_id = aws_vpc.b.id
}

resource "aws_vpc_peering_connection_accepter" "ab" {
  vpc_peering_connection_id = aws_vpc_peering_connection.ab.id
  auto_accept               = true
}

resource "aws_vpc_peering_connection" "pending" {
  vpc_id        = aws_vpc.a.id
  peer_vpc_id   = "vpc-0123456789abcdef0"
  peer_owner_id = "111122223333"
}

resource "aws_ec2_transit_gateway" "hub" {
  default_route_table_propagation = "disable"
}

resource "aws_ec2_transit_gateway_vpc_attachment" "a" {
  transit_gateway_id = aws_ec2_transit_gateway.hub.id
  vpc_id             = aws_vpc.a.id
  subnet_ids         = [aws_subnet.a.id]

  transit_gateway_default_route_table_association = false
}

resource "aws_ec2_transit_gateway_route_table" "own" {
  transit_gateway_id = aws_ec2_transit_gateway.hub.id
}

resource "aws_ec2_transit_gateway_route_table_association" "a" {
  transit_gateway_attachment_id  = aws_ec2_transit_gateway_vpc_attachment.a.id
  transit_gateway_route_table_id = aws_ec2_transit_gateway_route_table.own.id
}

resource "aws_ec2_transit_gateway_route_table_propagation" "a" {
  transit_gateway_attachment_id  = aws_ec2_transit_gateway_vpc_attachment.a.id
  transit_gateway_route_table_id = aws_ec2_transit_gateway.hub.association_default_route_table_id
}

resource "aws_ec2_transit_gateway_route" "drop" {
  transit_gateway_route_table_id = aws_ec2_transit_gateway_route_table.own.id
  destination_cidr_block         = "10.9.0.0/16"
  blackhole                      = true
}

resource "aws_customer_gateway" "office" {
  bgp_asn    = 65000
  ip_address = "198.51.100.1"
  type       = "ipsec.1"
}

resource "aws_vpn_connection" "office" {
  customer_gateway_id  = aws_customer_gateway.office.id
  transit_gateway_id   = aws_ec2_transit_gateway.hub.id
  type                 = "ipsec.1"
  static_routes_only   = true
  tunnel1_ike_versions = ["ikev1", "ikev2"]

  tunnel2_phase1_dh_group_numbers = [2]
  tunnel2_preshared_key           = "do-not-show-me"
}

resource "aws_vpn_connection_route" "office" {
  vpn_connection_id      = aws_vpn_connection.office.id
  destination_cidr_block = "192.168.0.0/16"
}

resource "aws_ec2_client_vpn_endpoint" "staff" {
  client_cidr_block      = "10.200.0.0/22"
  server_certificate_arn = "arn:aws:acm:eu-central-1:111122223333:certificate/0"
  vpc_id                 = aws_vpc.a.id

  authentication_options {
    type = "certificate-authentication"
  }
  connection_log_options {
    enabled = false
  }
}

resource "aws_ec2_client_vpn_network_association" "staff" {
  client_vpn_endpoint_id = aws_ec2_client_vpn_endpoint.staff.id
  subnet_id              = aws_subnet.a.id
}

resource "aws_ec2_client_vpn_authorization_rule" "staff" {
  client_vpn_endpoint_id = aws_ec2_client_vpn_endpoint.staff.id
  target_network_cidr    = "10.0.0.0/16"
  authorize_all_groups   = true
}

resource "aws_dx_gateway" "line" {
  name            = "line"
  amazon_side_asn = "64512"
}

resource "aws_dx_gateway_association" "line" {
  dx_gateway_id         = aws_dx_gateway.line.id
  associated_gateway_id = aws_ec2_transit_gateway.hub.id
  allowed_prefixes      = ["10.0.0.0/8"]
}

resource "aws_vpc_endpoint" "s3" {
  vpc_id          = aws_vpc.a.id
  service_name    = "com.amazonaws.eu-central-1.s3"
  route_table_ids = [aws_route_table.a.id]
}

resource "aws_vpc_endpoint" "own" {
  vpc_id            = aws_vpc.b.id
  service_name      = aws_vpc_endpoint_service.own.service_name
  vpc_endpoint_type = "Interface"
}

resource "aws_vpc_endpoint_subnet_association" "own" {
  vpc_endpoint_id = aws_vpc_endpoint.own.id
  subnet_id       = aws_subnet.a.id
}

resource "aws_vpc_endpoint_service" "own" {
  acceptance_required        = false
  network_load_balancer_arns = [aws_lb.inner.arn]
  allowed_principals         = ["*"]
}

resource "aws_lb" "inner" {
  load_balancer_type = "network"
  internal           = true
  subnets            = [aws_subnet.a.id]
}
