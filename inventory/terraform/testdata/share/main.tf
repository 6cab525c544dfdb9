variable "group" {}

module "absent" {
  source = "example/absent/aws"
}

resource "aws_vpc" "main" {
  cidr_block = "10.0.0.0/16"
}

resource "aws_instance" "web" {
  subnet_id              = module.absent.subnet_id
  vpc                    = aws_vpc.main.id
  vpc_security_group_ids = [var.group]
}
