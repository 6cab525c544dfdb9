output "cluster_arn" {
  value = try(aws_eks_cluster.this[0].arn, null)
}

output "cluster_id" {
  value = try(aws_eks_cluster.this[0].id, null)
}

output "cluster_name" {
  value = try(aws_eks_cluster.this[0].name, null)
}

output "cluster_version" {
  value = try(aws_eks_cluster.this[0].version, null)
}

output "cluster_endpoint" {
  value = try(aws_eks_cluster.this[0].endpoint, null)
}

output "cluster_certificate_authority_data" {
  value = try(aws_eks_cluster.this[0].certificate_authority[0].data, null)
}

output "cluster_oidc_issuer_url" {
  value = try(aws_eks_cluster.this[0].identity[0].oidc[0].issuer, null)
}

output "cluster_primary_security_group_id" {
  value = try(aws_eks_cluster.this[0].vpc_config[0].cluster_security_group_id, null)
}

output "cluster_security_group_id" {
  value = local.cluster_group
}

output "node_security_group_id" {
  value = local.node_group
}

output "eks_managed_node_groups" {
  value = module.eks_managed_node_group
}

output "self_managed_node_groups" {
  value = module.self_managed_node_group
}

output "fargate_profiles" {
  value = module.fargate_profile
}

output "cluster_addons" {
  value = merge(aws_eks_addon.this, aws_eks_addon.before_compute)
}
