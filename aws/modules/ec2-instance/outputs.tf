output "id" {
  value = try(aws_instance.this[0].id, aws_instance.ignore_ami[0].id, aws_spot_instance_request.this[0].spot_instance_id, null)
}

output "arn" {
  value = try(aws_instance.this[0].arn, aws_instance.ignore_ami[0].arn, aws_spot_instance_request.this[0].arn, null)
}

output "primary_network_interface_id" {
  value = try(aws_instance.this[0].primary_network_interface_id, aws_instance.ignore_ami[0].primary_network_interface_id, null)
}

output "private_ip" {
  value = try(aws_instance.this[0].private_ip, aws_instance.ignore_ami[0].private_ip, null)
}

output "public_ip" {
  value = try(aws_eip.this[0].public_ip, aws_instance.this[0].public_ip, aws_instance.ignore_ami[0].public_ip, null)
}

output "private_dns" {
  value = try(aws_instance.this[0].private_dns, null)
}

output "public_dns" {
  value = try(aws_instance.this[0].public_dns, null)
}

output "security_group_id" {
  value = try(aws_security_group.this[0].id, null)
}

output "iam_role_name" {
  value = try(aws_iam_role.this[0].name, null)
}

output "iam_role_arn" {
  value = try(aws_iam_role.this[0].arn, null)
}
