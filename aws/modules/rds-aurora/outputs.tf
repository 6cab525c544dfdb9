output "cluster_id" {
  value = try(aws_rds_cluster.this[0].id, null)
}

output "cluster_arn" {
  value = try(aws_rds_cluster.this[0].arn, null)
}

output "cluster_endpoint" {
  value = try(aws_rds_cluster.this[0].endpoint, null)
}

output "cluster_reader_endpoint" {
  value = try(aws_rds_cluster.this[0].reader_endpoint, null)
}

output "cluster_port" {
  value = try(aws_rds_cluster.this[0].port, null)
}

output "cluster_database_name" {
  value = try(aws_rds_cluster.this[0].database_name, null)
}

output "cluster_instances" {
  value = aws_rds_cluster_instance.this
}

output "cluster_master_username" {
  value = try(aws_rds_cluster.this[0].master_username, null)
}

output "cluster_master_password" {
  value = try(aws_rds_cluster.this[0].master_password, null)
}

output "security_group_id" {
  value = try(aws_security_group.this[0].id, null)
}

output "db_subnet_group_name" {
  value = local.group_name
}
