resource "aws_ecs_cluster" "this" {
  count = var.create ? 1 : 0

  name = try(coalesce(var.name, var.cluster_name), null)
}
