# What terraform-aws-modules/autoscaling/aws declares, versions 5 to 9.

locals {
  template = var.create_launch_template ? aws_launch_template.this[0].id : try(coalesce(var.launch_template_id, var.launch_template), null)
}

resource "aws_launch_template" "this" {
  count = var.create && var.create_launch_template ? 1 : 0

  name_prefix            = "${coalesce(var.launch_template_name, var.name)}-"
  image_id               = var.image_id
  instance_type          = var.instance_type
  key_name               = var.key_name
  user_data              = var.user_data
  vpc_security_group_ids = length(coalesce(var.network_interfaces, [])) > 0 ? [] : var.security_groups

  dynamic "iam_instance_profile" {
    for_each = var.create_iam_instance_profile || var.iam_instance_profile_name != null || var.iam_instance_profile_arn != null ? [1] : []
    content {
      name = var.create_iam_instance_profile ? aws_iam_instance_profile.this[0].name : var.iam_instance_profile_name
      arn  = var.iam_instance_profile_arn
    }
  }

  dynamic "metadata_options" {
    for_each = var.metadata_options != null && var.metadata_options != {} ? [var.metadata_options] : []
    content {
      http_endpoint               = try(metadata_options.value.http_endpoint, null)
      http_tokens                 = try(metadata_options.value.http_tokens, null)
      http_put_response_hop_limit = try(metadata_options.value.http_put_response_hop_limit, null)
    }
  }

  dynamic "network_interfaces" {
    for_each = coalesce(var.network_interfaces, [])
    content {
      associate_public_ip_address = try(network_interfaces.value.associate_public_ip_address, null)
      device_index                = try(network_interfaces.value.device_index, null)
      security_groups             = compact(concat(try(network_interfaces.value.security_groups, []), var.security_groups))
      subnet_id                   = try(network_interfaces.value.subnet_id, null)
    }
  }

  dynamic "block_device_mappings" {
    for_each = coalesce(var.block_device_mappings, [])
    content {
      dynamic "ebs" {
        for_each = try(flatten([block_device_mappings.value.ebs]), [])
        content {
          encrypted  = try(ebs.value.encrypted, null)
          kms_key_id = try(ebs.value.kms_key_id, null)
        }
      }
    }
  }
}

resource "aws_autoscaling_group" "this" {
  count = var.create && !var.ignore_desired_capacity_changes ? 1 : 0

  name                  = var.use_name_prefix ? null : var.name
  name_prefix           = var.use_name_prefix ? "${var.name}-" : null
  vpc_zone_identifier   = var.vpc_zone_identifier
  availability_zones    = var.availability_zones
  min_size              = var.min_size
  max_size              = var.max_size
  target_group_arns     = var.target_group_arns
  load_balancers        = var.load_balancers
  max_instance_lifetime = var.max_instance_lifetime

  dynamic "launch_template" {
    for_each = var.use_mixed_instances_policy ? [] : [1]
    content {
      id = local.template
    }
  }

  dynamic "mixed_instances_policy" {
    for_each = var.use_mixed_instances_policy ? [var.mixed_instances_policy] : []
    content {
      launch_template {
        launch_template_specification {
          launch_template_id = local.template
        }
      }
    }
  }

  dynamic "instance_refresh" {
    for_each = var.instance_refresh != null && var.instance_refresh != {} ? [var.instance_refresh] : []
    content {
      strategy = try(instance_refresh.value.strategy, "Rolling")
    }
  }

  dynamic "traffic_source" {
    for_each = var.create_traffic_source_attachment ? [1] : []
    content {
      identifier = var.traffic_source_identifier
    }
  }

  dynamic "tag" {
    for_each = merge({ Name = coalesce(var.instance_name, var.name) }, var.tags, var.autoscaling_group_tags)
    content {
      key                 = tag.key
      value               = tag.value
      propagate_at_launch = true
    }
  }
}

resource "aws_autoscaling_group" "idc" {
  count = var.create && var.ignore_desired_capacity_changes ? 1 : 0

  name                  = var.use_name_prefix ? null : var.name
  name_prefix           = var.use_name_prefix ? "${var.name}-" : null
  vpc_zone_identifier   = var.vpc_zone_identifier
  availability_zones    = var.availability_zones
  min_size              = var.min_size
  max_size              = var.max_size
  target_group_arns     = var.target_group_arns
  load_balancers        = var.load_balancers
  max_instance_lifetime = var.max_instance_lifetime

  dynamic "launch_template" {
    for_each = var.use_mixed_instances_policy ? [] : [1]
    content {
      id = local.template
    }
  }

  dynamic "mixed_instances_policy" {
    for_each = var.use_mixed_instances_policy ? [var.mixed_instances_policy] : []
    content {
      launch_template {
        launch_template_specification {
          launch_template_id = local.template
        }
      }
    }
  }

  dynamic "instance_refresh" {
    for_each = var.instance_refresh != null && var.instance_refresh != {} ? [var.instance_refresh] : []
    content {
      strategy = try(instance_refresh.value.strategy, "Rolling")
    }
  }

  dynamic "traffic_source" {
    for_each = var.create_traffic_source_attachment ? [1] : []
    content {
      identifier = var.traffic_source_identifier
    }
  }

  dynamic "tag" {
    for_each = merge({ Name = coalesce(var.instance_name, var.name) }, var.tags, var.autoscaling_group_tags)
    content {
      key                 = tag.key
      value               = tag.value
      propagate_at_launch = true
    }
  }
}

resource "aws_autoscaling_traffic_source_attachment" "this" {
  for_each = { for k, v in coalesce(var.traffic_source_attachments, {}) : k => v if var.create }

  autoscaling_group_name = try(aws_autoscaling_group.this[0].id, aws_autoscaling_group.idc[0].id)

  traffic_source {
    identifier = try(each.value.traffic_source_identifier, each.value.identifier)
    type       = try(each.value.traffic_source_type, each.value.type, "elbv2")
  }
}

resource "aws_iam_role" "this" {
  count = var.create && var.create_iam_instance_profile ? 1 : 0

  name = var.iam_role_name
}

resource "aws_iam_role_policy_attachment" "this" {
  for_each = { for k, v in var.iam_role_policies : k => v if var.create && var.create_iam_instance_profile }

  role       = aws_iam_role.this[0].name
  policy_arn = each.value
}

resource "aws_iam_instance_profile" "this" {
  count = var.create && var.create_iam_instance_profile ? 1 : 0

  role = aws_iam_role.this[0].name
}
