resource "aws_db_instance" "this" {
  count = var.create ? 1 : 0

  identifier                          = var.identifier
  engine                              = var.engine
  engine_version                      = var.engine_version
  port                                = var.port
  storage_encrypted                   = var.storage_encrypted
  kms_key_id                          = var.kms_key_id
  vpc_security_group_ids              = var.vpc_security_group_ids
  db_subnet_group_name                = var.db_subnet_group_name
  availability_zone                   = var.availability_zone
  multi_az                            = var.multi_az
  publicly_accessible                 = var.publicly_accessible
  auto_minor_version_upgrade          = var.auto_minor_version_upgrade
  deletion_protection                 = var.deletion_protection
  backup_retention_period             = var.backup_retention_period
  network_type                        = var.network_type
  iam_database_authentication_enabled = var.iam_database_authentication_enabled
}
