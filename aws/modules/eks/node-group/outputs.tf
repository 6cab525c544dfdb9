output "node_group_arn" {
  value = try(aws_eks_node_group.this[0].arn, null)
}

output "node_group_id" {
  value = try(aws_eks_node_group.this[0].id, null)
}

output "launch_template_id" {
  value = try(aws_launch_template.this[0].id, null)
}

output "node_group_autoscaling_group_names" {
  value = flatten(aws_eks_node_group.this[0].resources[*].autoscaling_groups[*].name)
}
