output "id" {
  value = try(aws_elasticache_replication_group.default[0].id, null)
}

output "arn" {
  value = try(aws_elasticache_replication_group.default[0].arn, null)
}

output "endpoint" {
  value = try(aws_elasticache_replication_group.default[0].primary_endpoint_address, null)
}

output "port" {
  value = var.port
}

output "security_group_id" {
  value = module.aws_security_group.id
}
