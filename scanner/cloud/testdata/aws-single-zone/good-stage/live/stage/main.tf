provider "aws" {
  region = "eu-central-1"
}

resource "aws_db_instance" "data" {
  engine                 = "postgres"
  instance_class         = "db.t4g.small"
  allocated_storage      = 20
  storage_encrypted      = true
  multi_az               = false
}
