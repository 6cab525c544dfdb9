output "db_instance_arn" {
  value = module.db_instance.db_instance_arn
}

output "db_instance_id" {
  value = module.db_instance.db_instance_identifier
}

output "db_instance_identifier" {
  value = module.db_instance.db_instance_identifier
}

output "db_instance_address" {
  value = module.db_instance.db_instance_address
}

output "db_instance_endpoint" {
  value = module.db_instance.db_instance_endpoint
}

output "db_instance_port" {
  value = module.db_instance.db_instance_port
}

output "db_subnet_group_id" {
  value = module.db_subnet_group.db_subnet_group_id
}
