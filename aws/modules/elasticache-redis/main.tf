# What cloudposse/elasticache-redis/aws declares, versions 0.40 to 0.53 and 1: a replication group in a group of its own.

locals {
  with_group = var.enabled && var.create_security_group
  name       = try(coalesce(var.replication_group_id, join("-", compact([var.namespace, var.environment, var.stage, var.name]))), null)
}

module "aws_security_group" {
  source = "./group"

  enabled                    = local.with_group
  vpc_id                     = var.vpc_id
  port                       = var.port
  allowed_security_group_ids = concat(coalesce(var.allowed_security_group_ids, []), coalesce(var.allowed_security_groups, []))
}

resource "aws_elasticache_subnet_group" "default" {
  count = var.enabled && var.elasticache_subnet_group_name == "" && length(var.subnets) > 0 ? 1 : 0

  name       = local.name
  subnet_ids = var.subnets
}

resource "aws_elasticache_replication_group" "default" {
  count = var.enabled ? 1 : 0

  replication_group_id       = local.name
  port                       = var.port
  engine                     = var.engine
  subnet_group_name          = var.elasticache_subnet_group_name != "" ? var.elasticache_subnet_group_name : try(aws_elasticache_subnet_group.default[0].name, null)
  security_group_ids         = local.with_group ? concat(coalesce(var.associated_security_group_ids, []), [module.aws_security_group.id]) : var.associated_security_group_ids
  at_rest_encryption_enabled = var.at_rest_encryption_enabled
  multi_az_enabled           = var.multi_az_enabled
}
