# What terraform-aws-modules/rds-aurora/aws declares, versions 6 to 10. The rules of its group are lists of peers up to version 7, a map up
# to version 9, and two maps since.

locals {
  create       = var.create && var.create_cluster
  create_group = local.create && var.create_security_group
  port         = try(coalesce(var.port, strcontains(coalesce(var.engine, "aurora"), "postgres") ? 5432 : 3306), null)
  group_name   = var.create_db_subnet_group ? try(aws_db_subnet_group.this[0].name, null) : var.db_subnet_group_name
}

resource "aws_db_subnet_group" "this" {
  count = local.create && var.create_db_subnet_group ? 1 : 0

  name       = try(coalesce(var.db_subnet_group_name, var.name), null)
  subnet_ids = var.subnets
}

resource "aws_rds_cluster" "this" {
  count = local.create ? 1 : 0

  cluster_identifier                  = var.name
  engine                              = var.engine
  engine_version                      = var.engine_version
  port                                = local.port
  db_subnet_group_name                = local.group_name
  vpc_security_group_ids              = compact(concat([try(aws_security_group.this[0].id, "")], var.vpc_security_group_ids))
  storage_encrypted                   = var.storage_encrypted
  kms_key_id                          = var.kms_key_id
  deletion_protection                 = var.deletion_protection
  backup_retention_period             = var.backup_retention_period
  iam_database_authentication_enabled = var.iam_database_authentication_enabled
  network_type                        = try(coalesce(var.network_type, var.cluster_network_type), null)
}

resource "aws_rds_cluster_instance" "this" {
  for_each = { for k, v in var.instances : k => v if local.create }

  cluster_identifier         = aws_rds_cluster.this[0].id
  engine                     = var.engine
  engine_version             = var.engine_version
  publicly_accessible        = try(each.value.publicly_accessible, var.publicly_accessible)
  db_subnet_group_name       = local.group_name
  auto_minor_version_upgrade = try(each.value.auto_minor_version_upgrade, var.auto_minor_version_upgrade)
  availability_zone          = try(each.value.availability_zone, null)
}

resource "aws_security_group" "this" {
  count = local.create_group ? 1 : 0

  name_prefix = "${try(coalesce(var.security_group_name, var.name), "")}-"
  vpc_id      = var.vpc_id
}

resource "aws_security_group_rule" "default_ingress" {
  count = local.create_group ? length(var.allowed_security_groups) : 0

  security_group_id        = aws_security_group.this[0].id
  type                     = "ingress"
  from_port                = local.port
  to_port                  = local.port
  protocol                 = "tcp"
  source_security_group_id = element(var.allowed_security_groups, count.index)
}

resource "aws_security_group_rule" "cidr_ingress" {
  count = local.create_group && length(var.allowed_cidr_blocks) > 0 ? 1 : 0

  security_group_id = aws_security_group.this[0].id
  type              = "ingress"
  from_port         = local.port
  to_port           = local.port
  protocol          = "tcp"
  cidr_blocks       = var.allowed_cidr_blocks
}

resource "aws_security_group_rule" "this" {
  for_each = { for k, v in coalesce(var.security_group_rules, {}) : k => v if local.create_group }

  security_group_id        = aws_security_group.this[0].id
  type                     = try(each.value.type, "ingress")
  from_port                = try(each.value.from_port, local.port)
  to_port                  = try(each.value.to_port, local.port)
  protocol                 = try(each.value.protocol, "tcp")
  cidr_blocks              = try(each.value.cidr_blocks, null)
  ipv6_cidr_blocks         = try(each.value.ipv6_cidr_blocks, null)
  prefix_list_ids          = try(each.value.prefix_list_ids, null)
  source_security_group_id = try(each.value.source_security_group_id, null)
}

resource "aws_vpc_security_group_ingress_rule" "this" {
  for_each = { for k, v in coalesce(var.security_group_ingress_rules, {}) : k => v if local.create_group }

  security_group_id            = aws_security_group.this[0].id
  ip_protocol                  = try(coalesce(each.value.ip_protocol), "tcp")
  from_port                    = try(coalesce(each.value.from_port), local.port)
  to_port                      = try(coalesce(each.value.to_port), local.port)
  cidr_ipv4                    = try(each.value.cidr_ipv4, null)
  cidr_ipv6                    = try(each.value.cidr_ipv6, null)
  prefix_list_id               = try(each.value.prefix_list_id, null)
  referenced_security_group_id = try(each.value.referenced_security_group_id, null)
}
