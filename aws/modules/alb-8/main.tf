# What terraform-aws-modules/alb/aws declares, versions 5 to 8: listeners and target groups are lists, which refer to each other by index.

locals {
  create_group = var.create_lb && var.create_security_group && var.load_balancer_type == "application"
  attachments = merge(flatten([
    for index, group in var.target_groups : [
      for key, target in try(group.targets, {}) : { "${index}.${key}" = merge({ tg_index = index }, target) }
    ]
  ])...)
}

resource "aws_lb" "this" {
  count = var.create_lb ? 1 : 0

  name                             = var.name
  name_prefix                      = var.name_prefix
  load_balancer_type               = var.load_balancer_type
  internal                         = var.internal
  security_groups                  = local.create_group ? concat([aws_security_group.this[0].id], var.security_groups) : var.security_groups
  subnets                          = var.subnets
  ip_address_type                  = var.ip_address_type
  enable_cross_zone_load_balancing = var.enable_cross_zone_load_balancing
  drop_invalid_header_fields       = var.drop_invalid_header_fields
  enable_deletion_protection       = var.enable_deletion_protection

  dynamic "subnet_mapping" {
    for_each = var.subnet_mapping
    content {
      subnet_id     = subnet_mapping.value.subnet_id
      allocation_id = lookup(subnet_mapping.value, "allocation_id", null)
    }
  }
}

resource "aws_lb_target_group" "main" {
  count = var.create_lb ? length(var.target_groups) : 0

  name               = lookup(var.target_groups[count.index], "name", null)
  name_prefix        = lookup(var.target_groups[count.index], "name_prefix", null)
  vpc_id             = var.vpc_id
  port               = try(var.target_groups[count.index].backend_port, null)
  protocol           = try(upper(var.target_groups[count.index].backend_protocol), null)
  target_type        = try(var.target_groups[count.index].target_type, null)
  preserve_client_ip = try(var.target_groups[count.index].preserve_client_ip, null)
}

resource "aws_lb_target_group_attachment" "this" {
  for_each = { for k, v in local.attachments : k => v if var.create_lb }

  target_group_arn = aws_lb_target_group.main[each.value.tg_index].arn
  target_id        = each.value.target_id
  port             = try(each.value.port, null)
}

resource "aws_lb_listener" "frontend_http_tcp" {
  count = var.create_lb ? length(var.http_tcp_listeners) : 0

  load_balancer_arn = aws_lb.this[0].arn
  port              = var.http_tcp_listeners[count.index].port
  protocol          = var.http_tcp_listeners[count.index].protocol

  dynamic "default_action" {
    for_each = [var.http_tcp_listeners[count.index]]
    content {
      type             = lookup(default_action.value, "action_type", "forward")
      target_group_arn = contains(["", "forward"], lookup(default_action.value, "action_type", "")) ? try(aws_lb_target_group.main[lookup(default_action.value, "target_group_index", count.index)].id, null) : null

      dynamic "redirect" {
        for_each = try([default_action.value.redirect], [])
        content {
          port        = try(redirect.value.port, null)
          protocol    = try(redirect.value.protocol, null)
          status_code = try(redirect.value.status_code, null)
        }
      }
      dynamic "forward" {
        for_each = try([default_action.value.forward], [])
        content {
          dynamic "target_group" {
            for_each = try(forward.value.target_groups, [])
            content {
              arn = aws_lb_target_group.main[target_group.value.target_group_index].id
            }
          }
        }
      }
    }
  }
}

resource "aws_lb_listener" "frontend_https" {
  count = var.create_lb ? length(var.https_listeners) : 0

  load_balancer_arn = aws_lb.this[0].arn
  port              = var.https_listeners[count.index].port
  protocol          = lookup(var.https_listeners[count.index], "protocol", "HTTPS")
  certificate_arn   = var.https_listeners[count.index].certificate_arn
  ssl_policy        = lookup(var.https_listeners[count.index], "ssl_policy", var.listener_ssl_policy_default)

  dynamic "default_action" {
    for_each = [var.https_listeners[count.index]]
    content {
      type             = lookup(default_action.value, "action_type", "forward")
      target_group_arn = contains(["", "forward"], lookup(default_action.value, "action_type", "")) ? try(aws_lb_target_group.main[lookup(default_action.value, "target_group_index", count.index)].id, null) : null

      dynamic "redirect" {
        for_each = try([default_action.value.redirect], [])
        content {
          port        = try(redirect.value.port, null)
          protocol    = try(redirect.value.protocol, null)
          status_code = try(redirect.value.status_code, null)
        }
      }
      dynamic "forward" {
        for_each = try([default_action.value.forward], [])
        content {
          dynamic "target_group" {
            for_each = try(forward.value.target_groups, [])
            content {
              arn = aws_lb_target_group.main[target_group.value.target_group_index].id
            }
          }
        }
      }
    }
  }

  # Behind an action that authenticates, the module forwards.
  dynamic "default_action" {
    for_each = contains(["authenticate-oidc", "authenticate-cognito"], lookup(var.https_listeners[count.index], "action_type", "")) ? [var.https_listeners[count.index]] : []
    content {
      type             = "forward"
      target_group_arn = aws_lb_target_group.main[lookup(default_action.value, "target_group_index", count.index)].id
    }
  }
}

resource "aws_lb_listener_rule" "http_tcp_listener_rule" {
  count = var.create_lb ? length(var.http_tcp_listener_rules) : 0

  listener_arn = aws_lb_listener.frontend_http_tcp[lookup(var.http_tcp_listener_rules[count.index], "http_tcp_listener_index", count.index)].arn
  priority     = lookup(var.http_tcp_listener_rules[count.index], "priority", null)

  dynamic "action" {
    for_each = var.http_tcp_listener_rules[count.index].actions
    content {
      type             = action.value.type == "weighted-forward" ? "forward" : action.value.type
      target_group_arn = action.value.type == "forward" ? aws_lb_target_group.main[lookup(action.value, "target_group_index", count.index)].id : null

      dynamic "redirect" {
        for_each = action.value.type == "redirect" ? [action.value] : []
        content {
          port        = try(redirect.value.port, null)
          protocol    = try(redirect.value.protocol, null)
          status_code = try(redirect.value.status_code, null)
        }
      }
      dynamic "forward" {
        for_each = action.value.type == "weighted-forward" ? [action.value] : []
        content {
          dynamic "target_group" {
            for_each = forward.value.target_groups
            content {
              arn = aws_lb_target_group.main[target_group.value.target_group_index].id
            }
          }
        }
      }
    }
  }

  dynamic "condition" {
    for_each = var.http_tcp_listener_rules[count.index].conditions
    content {
      dynamic "path_pattern" {
        for_each = try([condition.value.path_patterns], [])
        content {
          values = path_pattern.value
        }
      }
      dynamic "host_header" {
        for_each = try([condition.value.host_headers], [])
        content {
          values = host_header.value
        }
      }
      dynamic "http_header" {
        for_each = try(condition.value.http_headers, [])
        content {
          http_header_name = http_header.value.http_header_name
          values           = http_header.value.values
        }
      }
      dynamic "source_ip" {
        for_each = try([condition.value.source_ips], [])
        content {
          values = source_ip.value
        }
      }
    }
  }
}

resource "aws_lb_listener_rule" "https_listener_rule" {
  count = var.create_lb ? length(var.https_listener_rules) : 0

  listener_arn = aws_lb_listener.frontend_https[lookup(var.https_listener_rules[count.index], "https_listener_index", count.index)].arn
  priority     = lookup(var.https_listener_rules[count.index], "priority", null)

  dynamic "action" {
    for_each = var.https_listener_rules[count.index].actions
    content {
      type             = action.value.type == "weighted-forward" ? "forward" : action.value.type
      target_group_arn = action.value.type == "forward" ? aws_lb_target_group.main[lookup(action.value, "target_group_index", count.index)].id : null

      dynamic "redirect" {
        for_each = action.value.type == "redirect" ? [action.value] : []
        content {
          port        = try(redirect.value.port, null)
          protocol    = try(redirect.value.protocol, null)
          status_code = try(redirect.value.status_code, null)
        }
      }
      dynamic "forward" {
        for_each = action.value.type == "weighted-forward" ? [action.value] : []
        content {
          dynamic "target_group" {
            for_each = forward.value.target_groups
            content {
              arn = aws_lb_target_group.main[target_group.value.target_group_index].id
            }
          }
        }
      }
    }
  }

  dynamic "condition" {
    for_each = var.https_listener_rules[count.index].conditions
    content {
      dynamic "path_pattern" {
        for_each = try([condition.value.path_patterns], [])
        content {
          values = path_pattern.value
        }
      }
      dynamic "host_header" {
        for_each = try([condition.value.host_headers], [])
        content {
          values = host_header.value
        }
      }
      dynamic "http_header" {
        for_each = try(condition.value.http_headers, [])
        content {
          http_header_name = http_header.value.http_header_name
          values           = http_header.value.values
        }
      }
      dynamic "source_ip" {
        for_each = try([condition.value.source_ips], [])
        content {
          values = source_ip.value
        }
      }
    }
  }
}

resource "aws_security_group" "this" {
  count = local.create_group ? 1 : 0

  name_prefix = "${try(coalesce(var.security_group_name, var.name, var.name_prefix), "")}-"
  vpc_id      = var.vpc_id
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

resource "aws_wafv2_web_acl_association" "this" {
  count = var.web_acl_arn != null ? 1 : 0

  resource_arn = aws_lb.this[0].arn
  web_acl_arn  = var.web_acl_arn
}
