provider "aws" {
  region = "eu-central-1"
}

resource "aws_ebs_volume" "on" {
  availability_zone = "eu-central-1a"
  size              = 10
  encrypted         = true
}

resource "aws_db_instance" "data" {
  engine                 = "postgres"
  instance_class         = "db.t4g.small"
  allocated_storage      = 20
  storage_encrypted      = true
}

resource "aws_efs_file_system" "files" {
  creation_token = "files"
  encrypted      = true
}

# The cluster says it.
resource "aws_rds_cluster" "main" {
  engine            = "aurora-postgresql"
  storage_encrypted = true
}

resource "aws_rds_cluster_instance" "main" {
  cluster_identifier = aws_rds_cluster.main.id
  engine             = aws_rds_cluster.main.engine
  instance_class     = "db.r6g.large"
}
