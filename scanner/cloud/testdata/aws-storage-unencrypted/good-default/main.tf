provider "aws" {
  region = "eu-central-1"
}

resource "aws_ebs_encryption_by_default" "on" {
  enabled = true
}

resource "aws_ebs_volume" "silent" {
  availability_zone = "eu-central-1a"
  size              = 10
}
