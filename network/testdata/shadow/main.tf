resource "aws_vpc" "main" {
  cidr_block = "10.0.0.0/16"
}

resource "aws_network_acl" "edge" {
  vpc_id = aws_vpc.main.id

  ingress {
    rule_no    = 100
    protocol   = "tcp"
    action     = "allow"
    cidr_block = "0.0.0.0/0"
    from_port  = 1
    to_port    = 1000
  }

  ingress {
    rule_no    = 200
    protocol   = "tcp"
    action     = "deny"
    cidr_block = "198.51.100.0/24"
    from_port  = 22
    to_port    = 22
  }

  ingress {
    rule_no    = 300
    protocol   = "tcp"
    action     = "deny"
    cidr_block = "198.51.100.0/24"
    from_port  = 22
    to_port    = 2222
  }
}
