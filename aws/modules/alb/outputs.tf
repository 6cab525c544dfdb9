output "id" {
  value = try(aws_lb.this[0].id, null)
}

output "arn" {
  value = try(aws_lb.this[0].arn, null)
}

output "arn_suffix" {
  value = try(aws_lb.this[0].arn_suffix, null)
}

output "dns_name" {
  value = try(aws_lb.this[0].dns_name, null)
}

output "zone_id" {
  value = try(aws_lb.this[0].zone_id, null)
}

output "listeners" {
  value = aws_lb_listener.this
}

output "listener_rules" {
  value = aws_lb_listener_rule.this
}

output "target_groups" {
  value = aws_lb_target_group.this
}

output "security_group_id" {
  value = try(aws_security_group.this[0].id, null)
}

output "security_group_arn" {
  value = try(aws_security_group.this[0].arn, null)
}

output "route53_records" {
  value = aws_route53_record.this
}
