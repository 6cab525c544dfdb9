provider "aws" {
  region = "eu-central-1"
}

resource "aws_ec2_client_vpn_endpoint" "vpn" {
  server_certificate_arn = "arn:aws:acm:eu-central-1:111122223333:certificate/server"
  client_cidr_block      = "172.16.0.0/22"

  authentication_options {
    type                       = "certificate-authentication"
    root_certificate_chain_arn = "arn:aws:acm:eu-central-1:111122223333:certificate/root"
  }

  connection_log_options {
    enabled = true
  }
}

resource "aws_ec2_client_vpn_authorization_rule" "app" {
  client_vpn_endpoint_id = aws_ec2_client_vpn_endpoint.vpn.id
  target_network_cidr    = "10.0.1.0/24"
  authorize_all_groups   = true
}

resource "aws_ec2_client_vpn_authorization_rule" "ops" {
  client_vpn_endpoint_id = aws_ec2_client_vpn_endpoint.vpn.id
  target_network_cidr    = "10.0.0.0/8"
  access_group_id        = "ops"
}
