# What terraform-aws-modules/alb/aws declares, versions 9 and 10: listeners and target groups are maps, which refer to each other by key.

locals {
  create_group  = var.create && var.create_security_group
  target_groups = { for k, v in coalesce(var.target_groups, {}) : k => v if var.create }
  listeners     = { for k, v in coalesce(var.listeners, {}) : k => v if var.create }
  rules = merge([
    for listener, l in local.listeners : {
      for rule, r in try(coalesce(l.rules, {}), {}) : "${listener}/${rule}" => merge(r, { listener_key = try(r.listener_key, listener) })
    }
  ]...)
}

resource "aws_lb" "this" {
  count = var.create ? 1 : 0

  name                             = var.name
  name_prefix                      = var.name_prefix
  load_balancer_type               = var.load_balancer_type
  internal                         = var.internal
  security_groups                  = var.create_security_group ? concat([aws_security_group.this[0].id], var.security_groups) : var.security_groups
  subnets                          = var.subnets
  ip_address_type                  = var.ip_address_type
  enable_cross_zone_load_balancing = var.enable_cross_zone_load_balancing
  drop_invalid_header_fields       = var.drop_invalid_header_fields
  enable_deletion_protection       = var.enable_deletion_protection

  dynamic "subnet_mapping" {
    for_each = coalesce(var.subnet_mapping, [])
    content {
      subnet_id     = subnet_mapping.value.subnet_id
      allocation_id = try(subnet_mapping.value.allocation_id, null)
    }
  }
}

resource "aws_lb_listener" "this" {
  for_each = local.listeners

  load_balancer_arn = aws_lb.this[0].arn
  port              = try(coalesce(try(each.value.port, null), var.default_port), null)
  protocol          = try(coalesce(try(each.value.protocol, null), var.default_protocol), null)
  certificate_arn   = try(each.value.certificate_arn, null)
  ssl_policy        = contains(["HTTPS", "TLS"], try(coalesce(try(each.value.protocol, null), var.default_protocol), "")) ? try(coalesce(each.value.ssl_policy), "ELBSecurityPolicy-TLS13-1-2-Res-2021-06") : null

  dynamic "default_action" {
    for_each = try(each.value.authenticate_cognito, null) != null ? [each.value.authenticate_cognito] : []
    content {
      type = "authenticate-cognito"
    }
  }

  dynamic "default_action" {
    for_each = try(each.value.authenticate_oidc, null) != null ? [each.value.authenticate_oidc] : []
    content {
      type = "authenticate-oidc"
    }
  }

  dynamic "default_action" {
    for_each = try(each.value.jwt_validation, null) != null ? [each.value.jwt_validation] : []
    content {
      type = "jwt-validation"
    }
  }

  dynamic "default_action" {
    for_each = try(each.value.fixed_response, null) != null ? [each.value.fixed_response] : []
    content {
      type = "fixed-response"
    }
  }

  dynamic "default_action" {
    for_each = try(each.value.forward, null) != null ? [each.value.forward] : []
    content {
      type             = "forward"
      target_group_arn = try(aws_lb_target_group.this[default_action.value.target_group_key].arn, default_action.value.target_group_arn, default_action.value.arn, null)
    }
  }

  dynamic "default_action" {
    for_each = try(each.value.weighted_forward, null) != null ? [each.value.weighted_forward] : []
    content {
      type = "forward"

      forward {
        dynamic "target_group" {
          for_each = default_action.value.target_groups
          content {
            arn = try(aws_lb_target_group.this[target_group.value.target_group_key].arn, target_group.value.target_group_arn, target_group.value.arn, null)
          }
        }
      }
    }
  }

  dynamic "default_action" {
    for_each = try(each.value.redirect, null) != null ? [each.value.redirect] : []
    content {
      type = "redirect"

      redirect {
        port        = try(default_action.value.port, null)
        protocol    = try(default_action.value.protocol, null)
        status_code = try(default_action.value.status_code, null)
      }
    }
  }

  dynamic "mutual_authentication" {
    for_each = try(each.value.mutual_authentication, null) != null ? [each.value.mutual_authentication] : []
    content {
      mode = mutual_authentication.value.mode
    }
  }
}

resource "aws_lb_listener_rule" "this" {
  for_each = local.rules

  listener_arn = try(aws_lb_listener.this[each.value.listener_key].arn, each.value.listener_arn, null)
  priority     = try(each.value.priority, null)

  # Version 9 names the kind of an action in "type", version 10 by a key of its own.
  dynamic "action" {
    for_each = each.value.actions
    content {
      type             = try(action.value.type, null) == "weighted-forward" ? "forward" : try(coalesce(try(action.value.type, null), one([for kind in ["authenticate_cognito", "authenticate_oidc", "jwt_validation", "fixed_response", "forward", "redirect"] : replace(kind, "_", "-") if try(action.value[kind], null) != null])), "forward")
      target_group_arn = try(aws_lb_target_group.this[action.value.target_group_key].arn, aws_lb_target_group.this[action.value.forward.target_group_key].arn, action.value.target_group_arn, action.value.forward.target_group_arn, null)

      dynamic "redirect" {
        for_each = try(action.value.type, null) == "redirect" ? [action.value] : try(action.value.redirect, null) != null ? [action.value.redirect] : []
        content {
          port        = try(redirect.value.port, null)
          protocol    = try(redirect.value.protocol, null)
          status_code = try(redirect.value.status_code, null)
        }
      }
      dynamic "forward" {
        for_each = try([action.value.weighted_forward.target_groups], try(action.value.type, null) == "weighted-forward" ? [action.value.target_groups] : [])
        content {
          dynamic "target_group" {
            for_each = forward.value
            content {
              arn = try(aws_lb_target_group.this[target_group.value.target_group_key].arn, target_group.value.target_group_arn, target_group.value.arn, null)
            }
          }
        }
      }
    }
  }

  dynamic "condition" {
    for_each = try(each.value.conditions, [])
    content {
      dynamic "path_pattern" {
        for_each = try(condition.value.path_pattern, null) != null ? [condition.value.path_pattern] : []
        content {
          values = try(path_pattern.value.values, null)
        }
      }
      dynamic "host_header" {
        for_each = try(condition.value.host_header, null) != null ? [condition.value.host_header] : []
        content {
          values = try(host_header.value.values, null)
        }
      }
      dynamic "http_header" {
        for_each = try(condition.value.http_header, null) != null ? flatten([condition.value.http_header]) : []
        content {
          http_header_name = http_header.value.http_header_name
          values           = http_header.value.values
        }
      }
      dynamic "source_ip" {
        for_each = try(condition.value.source_ip, null) != null ? [condition.value.source_ip] : []
        content {
          values = source_ip.value.values
        }
      }
    }
  }
}

resource "aws_lb_target_group" "this" {
  for_each = local.target_groups

  name               = try(each.value.name, null)
  name_prefix        = try(each.value.name_prefix, null)
  vpc_id             = try(coalesce(try(each.value.vpc_id, null), var.vpc_id), null)
  port               = try(each.value.target_type, null) == "lambda" ? null : try(coalesce(try(each.value.port, null), var.default_port), null)
  protocol           = try(each.value.target_type, null) == "lambda" ? null : try(coalesce(try(each.value.protocol, null), var.default_protocol), null)
  target_type        = try(each.value.target_type, null)
  preserve_client_ip = try(each.value.preserve_client_ip, null)
}

resource "aws_lb_target_group_attachment" "this" {
  for_each = { for k, v in local.target_groups : k => v if try(coalesce(v.create_attachment, true), true) }

  target_group_arn = aws_lb_target_group.this[each.key].arn
  target_id        = try(each.value.target_id, null)
  port             = try(each.value.target_type, null) == "lambda" ? null : try(coalesce(try(each.value.port, null), var.default_port), null)
}

resource "aws_lb_target_group_attachment" "additional" {
  for_each = { for k, v in coalesce(var.additional_target_group_attachments, {}) : k => v if var.create }

  target_group_arn = aws_lb_target_group.this[each.value.target_group_key].arn
  target_id        = each.value.target_id
  port             = try(coalesce(try(each.value.port, null), var.default_port), null)
}

resource "aws_security_group" "this" {
  count = local.create_group ? 1 : 0

  name_prefix = "${try(coalesce(var.security_group_name, var.name, var.name_prefix), "")}-"
  vpc_id      = var.vpc_id
}

resource "aws_vpc_security_group_ingress_rule" "this" {
  for_each = { for k, v in coalesce(var.security_group_ingress_rules, {}) : k => v if local.create_group }

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
  for_each = { for k, v in coalesce(var.security_group_egress_rules, {}) : k => v if local.create_group }

  security_group_id            = aws_security_group.this[0].id
  ip_protocol                  = coalesce(try(each.value.ip_protocol, null), "tcp")
  from_port                    = try(coalesce(try(each.value.from_port, null), try(each.value.to_port, null)), null)
  to_port                      = try(coalesce(try(each.value.to_port, null), try(each.value.from_port, null)), null)
  cidr_ipv4                    = try(each.value.cidr_ipv4, null)
  cidr_ipv6                    = try(each.value.cidr_ipv6, null)
  prefix_list_id               = try(each.value.prefix_list_id, null)
  referenced_security_group_id = try(each.value.referenced_security_group_id, null)
}

resource "aws_route53_record" "this" {
  for_each = { for k, v in coalesce(var.route53_records, {}) : k => v if var.create }

  name = try(coalesce(try(each.value.name, null), each.key), null)
  type = each.value.type

  alias {
    name = aws_lb.this[0].dns_name
  }
}

resource "aws_wafv2_web_acl_association" "this" {
  count = var.associate_web_acl ? 1 : 0

  resource_arn = aws_lb.this[0].arn
  web_acl_arn  = var.web_acl_arn
}
