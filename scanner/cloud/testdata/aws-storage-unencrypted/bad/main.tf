provider "aws" {
  region = "eu-central-1"
}

resource "aws_ebs_volume" "silent" { # want "medium aws_ebs_volume.silent is not encrypted"
  availability_zone = "eu-central-1a"
  size              = 10
}

resource "aws_ebs_volume" "off" {
  availability_zone = "eu-central-1a"
  size              = 10
  encrypted         = false # want "medium aws_ebs_volume.off is not encrypted"
}

resource "aws_db_instance" "data" { # want "medium aws_db_instance.data is not encrypted"
  engine                 = "postgres"
  instance_class         = "db.t4g.small"
  allocated_storage      = 20
}

resource "aws_efs_file_system" "files" { # want "medium aws_efs_file_system.files is not encrypted"
  creation_token = "files"
}

variable "encrypted" { # want "low possible: aws_ebs_volume.maybe is not encrypted"
  type = bool
}

resource "aws_ebs_volume" "maybe" {
  availability_zone = "eu-central-1a"
  size              = 10
  encrypted         = var.encrypted
}
