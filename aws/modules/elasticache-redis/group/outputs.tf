output "id" {
  value = try(aws_security_group.default[0].id, null)
}
