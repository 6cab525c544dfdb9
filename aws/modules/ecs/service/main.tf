locals {
  create_service = var.create && var.create_service
  create_group   = var.create && var.create_security_group && var.network_mode == "awsvpc"
}

resource "aws_ecs_service" "this" {
  count = local.create_service && !var.ignore_task_definition_changes ? 1 : 0

  name            = var.name
  cluster         = var.cluster_arn
  launch_type     = length(var.capacity_provider_strategy) > 0 ? null : var.launch_type
  desired_count   = var.desired_count
  task_definition = var.create_task_definition ? aws_ecs_task_definition.this[0].arn : var.task_definition_arn

  dynamic "capacity_provider_strategy" {
    for_each = var.capacity_provider_strategy
    content {
      capacity_provider = capacity_provider_strategy.value.capacity_provider
    }
  }

  dynamic "network_configuration" {
    for_each = var.network_mode == "awsvpc" ? [1] : []
    content {
      assign_public_ip = var.assign_public_ip
      subnets          = var.subnet_ids
      security_groups  = local.create_group ? flatten(concat([aws_security_group.this[0].id], var.security_group_ids)) : var.security_group_ids
    }
  }

  dynamic "load_balancer" {
    for_each = coalesce(var.load_balancer, {})
    content {
      container_name   = load_balancer.value.container_name
      container_port   = load_balancer.value.container_port
      target_group_arn = try(load_balancer.value.target_group_arn, null)
      elb_name         = try(load_balancer.value.elb_name, null)
    }
  }
}

resource "aws_ecs_service" "ignore_task_definition" {
  count = local.create_service && var.ignore_task_definition_changes ? 1 : 0

  name            = var.name
  cluster         = var.cluster_arn
  launch_type     = length(var.capacity_provider_strategy) > 0 ? null : var.launch_type
  desired_count   = var.desired_count
  task_definition = var.create_task_definition ? aws_ecs_task_definition.this[0].arn : var.task_definition_arn

  dynamic "capacity_provider_strategy" {
    for_each = var.capacity_provider_strategy
    content {
      capacity_provider = capacity_provider_strategy.value.capacity_provider
    }
  }

  dynamic "network_configuration" {
    for_each = var.network_mode == "awsvpc" ? [1] : []
    content {
      assign_public_ip = var.assign_public_ip
      subnets          = var.subnet_ids
      security_groups  = local.create_group ? flatten(concat([aws_security_group.this[0].id], var.security_group_ids)) : var.security_group_ids
    }
  }

  dynamic "load_balancer" {
    for_each = coalesce(var.load_balancer, {})
    content {
      container_name   = load_balancer.value.container_name
      container_port   = load_balancer.value.container_port
      target_group_arn = try(load_balancer.value.target_group_arn, null)
      elb_name         = try(load_balancer.value.elb_name, null)
    }
  }
}

resource "aws_ecs_task_definition" "this" {
  count = var.create && var.create_task_definition ? 1 : 0

  family                   = try(coalesce(var.family, var.name), null)
  network_mode             = var.network_mode
  requires_compatibilities = var.requires_compatibilities

  # Inputs are written in the spelling of Terraform, the definition in that of the API; versions from 6 on take both.
  container_definitions = jsonencode([
    for key, c in var.container_definitions : {
      name                   = try(c.name, key)
      image                  = try(c.image, var.container_definition_defaults.image, null)
      essential              = try(c.essential, true)
      privileged             = try(c.privileged, false)
      user                   = try(c.user, null)
      readonlyRootFilesystem = try(c.readonly_root_filesystem, c.readonlyRootFilesystem, true)
      portMappings           = try(c.port_mappings, c.portMappings, [])
    }
  ])
}

# The group is in the VPC of the first subnet.
data "aws_subnet" "this" {
  count = local.create_group && var.vpc_id == null ? 1 : 0

  id = element(var.subnet_ids, 0)
}

resource "aws_security_group" "this" {
  count = local.create_group ? 1 : 0

  name_prefix = "${try(coalesce(var.security_group_name, var.name), "")}-"
  vpc_id      = var.vpc_id != null ? var.vpc_id : data.aws_subnet.this[0].vpc_id
}

resource "aws_security_group_rule" "this" {
  for_each = { for k, v in var.security_group_rules : k => v if local.create_group }

  security_group_id        = aws_security_group.this[0].id
  type                     = each.value.type
  protocol                 = each.value.protocol
  from_port                = each.value.from_port
  to_port                  = each.value.to_port
  cidr_blocks              = lookup(each.value, "cidr_blocks", null)
  ipv6_cidr_blocks         = lookup(each.value, "ipv6_cidr_blocks", null)
  prefix_list_ids          = lookup(each.value, "prefix_list_ids", null)
  self                     = lookup(each.value, "self", null)
  source_security_group_id = lookup(each.value, "source_security_group_id", null)
}

resource "aws_vpc_security_group_ingress_rule" "this" {
  for_each = { for k, v in var.security_group_ingress_rules : k => v if local.create_group }

  security_group_id            = aws_security_group.this[0].id
  ip_protocol                  = coalesce(try(each.value.ip_protocol, null), "tcp")
  from_port                    = try(coalesce(try(each.value.from_port, null), try(each.value.to_port, null)), null)
  to_port                      = try(coalesce(try(each.value.to_port, null), try(each.value.from_port, null)), null)
  cidr_ipv4                    = try(each.value.cidr_ipv4, null)
  cidr_ipv6                    = try(each.value.cidr_ipv6, null)
  prefix_list_id               = try(each.value.prefix_list_id, null)
  referenced_security_group_id = try(each.value.referenced_security_group_id, null)
}

resource "aws_vpc_security_group_egress_rule" "this" {
  for_each = { for k, v in var.security_group_egress_rules : k => v if local.create_group }

  security_group_id            = aws_security_group.this[0].id
  ip_protocol                  = coalesce(try(each.value.ip_protocol, null), "tcp")
  from_port                    = try(coalesce(try(each.value.from_port, null), try(each.value.to_port, null)), null)
  to_port                      = try(coalesce(try(each.value.to_port, null), try(each.value.from_port, null)), null)
  cidr_ipv4                    = try(each.value.cidr_ipv4, null)
  cidr_ipv6                    = try(each.value.cidr_ipv6, null)
  prefix_list_id               = try(each.value.prefix_list_id, null)
  referenced_security_group_id = try(each.value.referenced_security_group_id, null)
}
