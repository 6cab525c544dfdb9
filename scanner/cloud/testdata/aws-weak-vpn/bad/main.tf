provider "aws" {
  region = "eu-central-1"
}

resource "aws_vpc" "main" {
  cidr_block           = "10.0.0.0/16"
  enable_dns_support   = true
  enable_dns_hostnames = true
}

resource "aws_vpn_gateway" "main" {
  vpc_id = aws_vpc.main.id
}

resource "aws_customer_gateway" "office" {
  bgp_asn    = 65000
  ip_address = "203.0.113.10"
  type       = "ipsec.1"
}

resource "aws_customer_gateway" "annex" {
  bgp_asn    = 65001
  ip_address = "203.0.113.20"
  type       = "ipsec.1"
}

resource "aws_vpn_connection" "old" { # want "medium aws_vpn_connection.old keeps no log"
  vpn_gateway_id      = aws_vpn_gateway.main.id
  customer_gateway_id = aws_customer_gateway.office.id
  type                = "ipsec.1"

  tunnel1_ike_versions             = ["ikev1"] # want "high aws_vpn_connection.old allows IKE version 1"
  tunnel2_ike_versions             = ["ikev2"]
}

resource "aws_vpn_connection" "group" {
  vpn_gateway_id      = aws_vpn_gateway.main.id
  customer_gateway_id = aws_customer_gateway.office.id
  type                = "ipsec.1"

  tunnel1_phase1_dh_group_numbers = [2, 20] # want "high aws_vpn_connection.group allows Diffie-Hellman group 2"

  tunnel1_log_options {
    cloudwatch_log_options {
      log_enabled   = true
      log_group_arn = "arn:aws:logs:eu-central-1:111122223333:log-group:vpn"
    }
  }

  tunnel2_log_options {
    cloudwatch_log_options {
      log_enabled   = true
      log_group_arn = "arn:aws:logs:eu-central-1:111122223333:log-group:vpn"
    }
  }
}

resource "aws_vpn_connection" "key" {
  vpn_gateway_id      = aws_vpn_gateway.main.id
  customer_gateway_id = aws_customer_gateway.annex.id
  type                = "ipsec.1"

  tunnel1_preshared_key = "not.a.real.key.1" # want "high aws_vpn_connection.key allows a key in the code"

  tunnel1_log_options {
    cloudwatch_log_options {
      log_enabled   = true
      log_group_arn = "arn:aws:logs:eu-central-1:111122223333:log-group:vpn"
    }
  }

  tunnel2_log_options {
    cloudwatch_log_options {
      log_enabled   = true
      log_group_arn = "arn:aws:logs:eu-central-1:111122223333:log-group:vpn"
    }
  }
}
