provider "aws" {
  region = "eu-central-1"
}

resource "aws_vpc" "main" {
  cidr_block           = "10.0.0.0/16"
  enable_dns_support   = true
  enable_dns_hostnames = true
}

provider "aws" {
  alias  = "edge"
  region = "us-east-1"
}

# Roles are of no region.
resource "aws_iam_role" "fn" {
  provider           = aws.edge
  name               = "fn"
  assume_role_policy = "{}"
}

# CloudFront asks for its certificates there.
resource "aws_acm_certificate" "edge" {
  provider          = aws.edge
  domain_name       = "www.example.org"
  validation_method = "DNS"
}

resource "aws_wafv2_web_acl" "edge" {
  provider = aws.edge
  name     = "edge"
  scope    = "CLOUDFRONT"

  default_action {
    allow {}
  }
}
