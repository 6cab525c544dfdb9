# What terraform-aws-modules/ecs/aws declares, versions 5 to 7: a cluster, and services within it.

module "cluster" {
  source = "./cluster"

  create = var.create
  name   = try(coalesce(var.cluster_name, var.name), null)
}

module "service" {
  source   = "./service"
  for_each = { for k, v in coalesce(var.services, {}) : k => v if var.create }

  create                         = try(each.value.create, true)
  create_service                 = try(each.value.create_service, true)
  ignore_task_definition_changes = try(each.value.ignore_task_definition_changes, false)
  name                           = try(coalesce(each.value.name), each.key)
  cluster_arn                    = module.cluster.arn
  launch_type                    = try(each.value.launch_type, "FARGATE")
  desired_count                  = try(each.value.desired_count, 1)
  capacity_provider_strategy     = try(coalesce(each.value.capacity_provider_strategy), {})
  assign_public_ip               = try(each.value.assign_public_ip, false)
  subnet_ids                     = try(coalesce(each.value.subnet_ids), [])
  security_group_ids             = try(coalesce(each.value.security_group_ids), [])
  vpc_id                         = try(each.value.vpc_id, null)
  load_balancer                  = try(coalesce(each.value.load_balancer), {})
  create_task_definition         = try(each.value.create_task_definition, true)
  task_definition_arn            = try(each.value.task_definition_arn, null)
  container_definitions          = try(coalesce(each.value.container_definitions), {})
  container_definition_defaults  = try(coalesce(each.value.container_definition_defaults), {})
  family                         = try(each.value.family, null)
  network_mode                   = try(coalesce(each.value.network_mode), "awsvpc")
  requires_compatibilities       = try(coalesce(each.value.requires_compatibilities), ["FARGATE"])
  create_security_group          = try(each.value.create_security_group, true)
  security_group_name            = try(each.value.security_group_name, null)
  security_group_rules           = try(coalesce(each.value.security_group_rules), {})
  security_group_ingress_rules   = try(coalesce(each.value.security_group_ingress_rules), {})
  security_group_egress_rules    = try(coalesce(each.value.security_group_egress_rules), {})
}
