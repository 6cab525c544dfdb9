# What terraform-aws-modules/opensearch/aws declares, versions 1 and 2.

locals {
  in_vpc       = length(coalesce(var.vpc_options, {})) > 0
  create_group = var.create && var.create_security_group && local.in_vpc
}

resource "aws_opensearch_domain" "this" {
  count = var.create ? 1 : 0

  domain_name     = var.domain_name
  engine_version  = var.engine_version
  ip_address_type = var.ip_address_type

  dynamic "vpc_options" {
    for_each = local.in_vpc ? [var.vpc_options] : []
    content {
      subnet_ids         = vpc_options.value.subnet_ids
      security_group_ids = local.create_group ? concat(try(coalesce(vpc_options.value.security_group_ids), []), aws_security_group.this[*].id) : try(vpc_options.value.security_group_ids, null)
    }
  }

  domain_endpoint_options {
    enforce_https       = try(coalesce(var.domain_endpoint_options.enforce_https), true)
    tls_security_policy = try(var.domain_endpoint_options.tls_security_policy, null)
  }

  encrypt_at_rest {
    enabled    = try(coalesce(var.encrypt_at_rest.enabled), true)
    kms_key_id = try(var.encrypt_at_rest.kms_key_id, null)
  }

  cluster_config {
    zone_awareness_enabled = try(coalesce(var.cluster_config.zone_awareness_enabled), true)
  }
}

# A policy of statements that only the module knows is left out: the domain then counts as without one.
resource "aws_opensearch_domain_policy" "this" {
  count = var.create && var.enable_access_policy && var.access_policies != null ? 1 : 0

  domain_name     = aws_opensearch_domain.this[0].domain_name
  access_policies = var.access_policies
}

resource "aws_security_group" "this" {
  count = local.create_group ? 1 : 0

  name   = try(coalesce(var.security_group_name, var.domain_name), null)
  vpc_id = try(data.aws_subnet.this[0].vpc_id, null)
}

data "aws_subnet" "this" {
  count = local.create_group ? 1 : 0

  id = element(var.vpc_options.subnet_ids, 0)
}

resource "aws_vpc_security_group_ingress_rule" "this" {
  for_each = { for k, v in coalesce(var.security_group_rules, {}) : k => v if local.create_group && try(v.type, "ingress") == "ingress" }

  security_group_id            = aws_security_group.this[0].id
  ip_protocol                  = try(coalesce(each.value.ip_protocol), "tcp")
  from_port                    = try(coalesce(each.value.from_port), 443)
  to_port                      = try(coalesce(each.value.to_port), 443)
  cidr_ipv4                    = try(each.value.cidr_ipv4, null)
  cidr_ipv6                    = try(each.value.cidr_ipv6, null)
  prefix_list_id               = try(each.value.prefix_list_id, null)
  referenced_security_group_id = try(each.value.referenced_security_group_id, null)
}
