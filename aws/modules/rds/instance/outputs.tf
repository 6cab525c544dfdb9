output "db_instance_arn" {
  value = try(aws_db_instance.this[0].arn, null)
}

output "db_instance_identifier" {
  value = try(aws_db_instance.this[0].identifier, null)
}

output "db_instance_address" {
  value = try(aws_db_instance.this[0].address, null)
}

output "db_instance_endpoint" {
  value = try(aws_db_instance.this[0].endpoint, null)
}

output "db_instance_port" {
  value = try(aws_db_instance.this[0].port, null)
}
