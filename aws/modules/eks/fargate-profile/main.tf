resource "aws_eks_fargate_profile" "this" {
  count = 1

  fargate_profile_name = var.name
  cluster_name         = var.cluster_name
  subnet_ids           = var.subnet_ids

  dynamic "selector" {
    for_each = var.selectors
    content {
      namespace = try(selector.value.namespace, null)
    }
  }
}
