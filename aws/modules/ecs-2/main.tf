# What terraform-aws-modules/ecs/aws declares, versions 2 to 4: a cluster.

resource "aws_ecs_cluster" "this" {
  count = var.create && var.create_ecs ? 1 : 0

  name = try(coalesce(var.cluster_name, var.name), null)
}
