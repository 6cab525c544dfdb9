resource "aws_db_subnet_group" "main" {
  name       = var.name
  subnet_ids = aws_subnet.database[*].id
}

resource "aws_db_instance" "main" {
  identifier     = var.name
  engine         = "postgres"
  engine_version = "13.14"
  instance_class = "db.t4g.small"

  allocated_storage = 20
  storage_encrypted = true
  multi_az          = true

  db_name                     = "invoices"
  username                    = "invoices"
  manage_master_user_password = true

  db_subnet_group_name   = aws_db_subnet_group.main.name
  vpc_security_group_ids = [aws_security_group.database.id]
  publicly_accessible    = false

  backup_retention_period   = 7
  deletion_protection       = true
  final_snapshot_identifier = "${var.name}-last"
}

resource "aws_secretsmanager_secret" "database" {
  name = "${var.name}/database-url"
}
