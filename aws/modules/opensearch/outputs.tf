output "domain_arn" {
  value = try(aws_opensearch_domain.this[0].arn, null)
}

output "domain_id" {
  value = try(aws_opensearch_domain.this[0].domain_id, null)
}

output "domain_endpoint" {
  value = try(aws_opensearch_domain.this[0].endpoint, null)
}

output "domain_dashboard_endpoint" {
  value = try(aws_opensearch_domain.this[0].dashboard_endpoint, null)
}

output "security_group_id" {
  value = try(aws_security_group.this[0].id, null)
}
