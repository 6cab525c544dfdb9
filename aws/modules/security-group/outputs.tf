output "security_group_id" {
  value = local.group_id
}

output "security_group_arn" {
  value = try(aws_security_group.this[0].arn, aws_security_group.this_name_prefix[0].arn, null)
}

output "security_group_vpc_id" {
  value = var.vpc_id
}

output "security_group_name" {
  value = try(aws_security_group.this[0].name, aws_security_group.this_name_prefix[0].name, null)
}

output "this_security_group_id" {
  value = local.group_id
}

output "this_security_group_vpc_id" {
  value = var.vpc_id
}
