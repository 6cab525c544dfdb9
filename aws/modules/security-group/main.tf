# What terraform-aws-modules/security-group/aws declares, versions 3 to 5: one group, and a rule for each entry of its lists. A list
# "computed_x" makes as many rules as "number_of_computed_x" says.

locals {
  group_id = var.create_sg ? try(aws_security_group.this[0].id, aws_security_group.this_name_prefix[0].id, null) : var.security_group_id
}

resource "aws_security_group" "this" {
  count = var.create && var.create_sg && !var.use_name_prefix ? 1 : 0

  name        = var.name
  description = var.description
  vpc_id      = var.vpc_id
  tags        = var.tags
}

resource "aws_security_group" "this_name_prefix" {
  count = var.create && var.create_sg && var.use_name_prefix ? 1 : 0

  name_prefix = "${var.name}-"
  description = var.description
  vpc_id      = var.vpc_id
  tags        = var.tags
}

resource "aws_security_group_rule" "ingress_rules" {
  count = var.create ? length(var.ingress_rules) : 0

  security_group_id = local.group_id
  type              = "ingress"
  from_port         = local.named[var.ingress_rules[count.index]][0]
  to_port           = local.named[var.ingress_rules[count.index]][1]
  protocol          = local.named[var.ingress_rules[count.index]][2]
  cidr_blocks       = var.ingress_cidr_blocks
  ipv6_cidr_blocks  = var.ingress_ipv6_cidr_blocks
  prefix_list_ids   = var.ingress_prefix_list_ids
}

resource "aws_security_group_rule" "ingress_with_source_security_group_id" {
  count = var.create ? length(var.ingress_with_source_security_group_id) : 0

  security_group_id        = local.group_id
  type                     = "ingress"
  from_port                = try(var.ingress_with_source_security_group_id[count.index].from_port, local.named[var.ingress_with_source_security_group_id[count.index].rule][0])
  to_port                  = try(var.ingress_with_source_security_group_id[count.index].to_port, local.named[var.ingress_with_source_security_group_id[count.index].rule][1])
  protocol                 = try(var.ingress_with_source_security_group_id[count.index].protocol, local.named[var.ingress_with_source_security_group_id[count.index].rule][2])
  source_security_group_id = var.ingress_with_source_security_group_id[count.index].source_security_group_id
}

resource "aws_security_group_rule" "ingress_with_cidr_blocks" {
  count = var.create ? length(var.ingress_with_cidr_blocks) : 0

  security_group_id = local.group_id
  type              = "ingress"
  from_port         = try(var.ingress_with_cidr_blocks[count.index].from_port, local.named[var.ingress_with_cidr_blocks[count.index].rule][0])
  to_port           = try(var.ingress_with_cidr_blocks[count.index].to_port, local.named[var.ingress_with_cidr_blocks[count.index].rule][1])
  protocol          = try(var.ingress_with_cidr_blocks[count.index].protocol, local.named[var.ingress_with_cidr_blocks[count.index].rule][2])
  cidr_blocks       = compact(split(",", lookup(var.ingress_with_cidr_blocks[count.index], "cidr_blocks", join(",", var.ingress_cidr_blocks))))
}

resource "aws_security_group_rule" "ingress_with_ipv6_cidr_blocks" {
  count = var.create ? length(var.ingress_with_ipv6_cidr_blocks) : 0

  security_group_id = local.group_id
  type              = "ingress"
  from_port         = try(var.ingress_with_ipv6_cidr_blocks[count.index].from_port, local.named[var.ingress_with_ipv6_cidr_blocks[count.index].rule][0])
  to_port           = try(var.ingress_with_ipv6_cidr_blocks[count.index].to_port, local.named[var.ingress_with_ipv6_cidr_blocks[count.index].rule][1])
  protocol          = try(var.ingress_with_ipv6_cidr_blocks[count.index].protocol, local.named[var.ingress_with_ipv6_cidr_blocks[count.index].rule][2])
  ipv6_cidr_blocks  = compact(split(",", lookup(var.ingress_with_ipv6_cidr_blocks[count.index], "ipv6_cidr_blocks", join(",", var.ingress_ipv6_cidr_blocks))))
}

resource "aws_security_group_rule" "ingress_with_self" {
  count = var.create ? length(var.ingress_with_self) : 0

  security_group_id = local.group_id
  type              = "ingress"
  from_port         = try(var.ingress_with_self[count.index].from_port, local.named[var.ingress_with_self[count.index].rule][0])
  to_port           = try(var.ingress_with_self[count.index].to_port, local.named[var.ingress_with_self[count.index].rule][1])
  protocol          = try(var.ingress_with_self[count.index].protocol, local.named[var.ingress_with_self[count.index].rule][2])
  self              = lookup(var.ingress_with_self[count.index], "self", true)
}

resource "aws_security_group_rule" "ingress_with_prefix_list_ids" {
  count = var.create ? length(var.ingress_with_prefix_list_ids) : 0

  security_group_id = local.group_id
  type              = "ingress"
  from_port         = try(var.ingress_with_prefix_list_ids[count.index].from_port, local.named[var.ingress_with_prefix_list_ids[count.index].rule][0])
  to_port           = try(var.ingress_with_prefix_list_ids[count.index].to_port, local.named[var.ingress_with_prefix_list_ids[count.index].rule][1])
  protocol          = try(var.ingress_with_prefix_list_ids[count.index].protocol, local.named[var.ingress_with_prefix_list_ids[count.index].rule][2])
  prefix_list_ids   = compact(split(",", lookup(var.ingress_with_prefix_list_ids[count.index], "prefix_list_ids", join(",", var.ingress_prefix_list_ids))))
}

resource "aws_security_group_rule" "computed_ingress_rules" {
  count = var.create ? var.number_of_computed_ingress_rules : 0

  security_group_id = local.group_id
  type              = "ingress"
  from_port         = local.named[var.computed_ingress_rules[count.index]][0]
  to_port           = local.named[var.computed_ingress_rules[count.index]][1]
  protocol          = local.named[var.computed_ingress_rules[count.index]][2]
  cidr_blocks       = var.ingress_cidr_blocks
  ipv6_cidr_blocks  = var.ingress_ipv6_cidr_blocks
  prefix_list_ids   = var.ingress_prefix_list_ids
}

resource "aws_security_group_rule" "computed_ingress_with_source_security_group_id" {
  count = var.create ? var.number_of_computed_ingress_with_source_security_group_id : 0

  security_group_id        = local.group_id
  type                     = "ingress"
  from_port                = try(var.computed_ingress_with_source_security_group_id[count.index].from_port, local.named[var.computed_ingress_with_source_security_group_id[count.index].rule][0])
  to_port                  = try(var.computed_ingress_with_source_security_group_id[count.index].to_port, local.named[var.computed_ingress_with_source_security_group_id[count.index].rule][1])
  protocol                 = try(var.computed_ingress_with_source_security_group_id[count.index].protocol, local.named[var.computed_ingress_with_source_security_group_id[count.index].rule][2])
  source_security_group_id = var.computed_ingress_with_source_security_group_id[count.index].source_security_group_id
}

resource "aws_security_group_rule" "computed_ingress_with_cidr_blocks" {
  count = var.create ? var.number_of_computed_ingress_with_cidr_blocks : 0

  security_group_id = local.group_id
  type              = "ingress"
  from_port         = try(var.computed_ingress_with_cidr_blocks[count.index].from_port, local.named[var.computed_ingress_with_cidr_blocks[count.index].rule][0])
  to_port           = try(var.computed_ingress_with_cidr_blocks[count.index].to_port, local.named[var.computed_ingress_with_cidr_blocks[count.index].rule][1])
  protocol          = try(var.computed_ingress_with_cidr_blocks[count.index].protocol, local.named[var.computed_ingress_with_cidr_blocks[count.index].rule][2])
  cidr_blocks       = compact(split(",", lookup(var.computed_ingress_with_cidr_blocks[count.index], "cidr_blocks", join(",", var.ingress_cidr_blocks))))
}

resource "aws_security_group_rule" "computed_ingress_with_ipv6_cidr_blocks" {
  count = var.create ? var.number_of_computed_ingress_with_ipv6_cidr_blocks : 0

  security_group_id = local.group_id
  type              = "ingress"
  from_port         = try(var.computed_ingress_with_ipv6_cidr_blocks[count.index].from_port, local.named[var.computed_ingress_with_ipv6_cidr_blocks[count.index].rule][0])
  to_port           = try(var.computed_ingress_with_ipv6_cidr_blocks[count.index].to_port, local.named[var.computed_ingress_with_ipv6_cidr_blocks[count.index].rule][1])
  protocol          = try(var.computed_ingress_with_ipv6_cidr_blocks[count.index].protocol, local.named[var.computed_ingress_with_ipv6_cidr_blocks[count.index].rule][2])
  ipv6_cidr_blocks  = compact(split(",", lookup(var.computed_ingress_with_ipv6_cidr_blocks[count.index], "ipv6_cidr_blocks", join(",", var.ingress_ipv6_cidr_blocks))))
}

resource "aws_security_group_rule" "computed_ingress_with_self" {
  count = var.create ? var.number_of_computed_ingress_with_self : 0

  security_group_id = local.group_id
  type              = "ingress"
  from_port         = try(var.computed_ingress_with_self[count.index].from_port, local.named[var.computed_ingress_with_self[count.index].rule][0])
  to_port           = try(var.computed_ingress_with_self[count.index].to_port, local.named[var.computed_ingress_with_self[count.index].rule][1])
  protocol          = try(var.computed_ingress_with_self[count.index].protocol, local.named[var.computed_ingress_with_self[count.index].rule][2])
  self              = lookup(var.computed_ingress_with_self[count.index], "self", true)
}

resource "aws_security_group_rule" "computed_ingress_with_prefix_list_ids" {
  count = var.create ? var.number_of_computed_ingress_with_prefix_list_ids : 0

  security_group_id = local.group_id
  type              = "ingress"
  from_port         = try(var.computed_ingress_with_prefix_list_ids[count.index].from_port, local.named[var.computed_ingress_with_prefix_list_ids[count.index].rule][0])
  to_port           = try(var.computed_ingress_with_prefix_list_ids[count.index].to_port, local.named[var.computed_ingress_with_prefix_list_ids[count.index].rule][1])
  protocol          = try(var.computed_ingress_with_prefix_list_ids[count.index].protocol, local.named[var.computed_ingress_with_prefix_list_ids[count.index].rule][2])
  prefix_list_ids   = compact(split(",", lookup(var.computed_ingress_with_prefix_list_ids[count.index], "prefix_list_ids", join(",", var.ingress_prefix_list_ids))))
}

resource "aws_security_group_rule" "egress_rules" {
  count = var.create ? length(var.egress_rules) : 0

  security_group_id = local.group_id
  type              = "egress"
  from_port         = local.named[var.egress_rules[count.index]][0]
  to_port           = local.named[var.egress_rules[count.index]][1]
  protocol          = local.named[var.egress_rules[count.index]][2]
  cidr_blocks       = var.egress_cidr_blocks
  ipv6_cidr_blocks  = var.egress_ipv6_cidr_blocks
  prefix_list_ids   = var.egress_prefix_list_ids
}

resource "aws_security_group_rule" "egress_with_source_security_group_id" {
  count = var.create ? length(var.egress_with_source_security_group_id) : 0

  security_group_id        = local.group_id
  type                     = "egress"
  from_port                = try(var.egress_with_source_security_group_id[count.index].from_port, local.named[var.egress_with_source_security_group_id[count.index].rule][0])
  to_port                  = try(var.egress_with_source_security_group_id[count.index].to_port, local.named[var.egress_with_source_security_group_id[count.index].rule][1])
  protocol                 = try(var.egress_with_source_security_group_id[count.index].protocol, local.named[var.egress_with_source_security_group_id[count.index].rule][2])
  source_security_group_id = var.egress_with_source_security_group_id[count.index].source_security_group_id
}

resource "aws_security_group_rule" "egress_with_cidr_blocks" {
  count = var.create ? length(var.egress_with_cidr_blocks) : 0

  security_group_id = local.group_id
  type              = "egress"
  from_port         = try(var.egress_with_cidr_blocks[count.index].from_port, local.named[var.egress_with_cidr_blocks[count.index].rule][0])
  to_port           = try(var.egress_with_cidr_blocks[count.index].to_port, local.named[var.egress_with_cidr_blocks[count.index].rule][1])
  protocol          = try(var.egress_with_cidr_blocks[count.index].protocol, local.named[var.egress_with_cidr_blocks[count.index].rule][2])
  cidr_blocks       = compact(split(",", lookup(var.egress_with_cidr_blocks[count.index], "cidr_blocks", join(",", var.egress_cidr_blocks))))
}

resource "aws_security_group_rule" "egress_with_ipv6_cidr_blocks" {
  count = var.create ? length(var.egress_with_ipv6_cidr_blocks) : 0

  security_group_id = local.group_id
  type              = "egress"
  from_port         = try(var.egress_with_ipv6_cidr_blocks[count.index].from_port, local.named[var.egress_with_ipv6_cidr_blocks[count.index].rule][0])
  to_port           = try(var.egress_with_ipv6_cidr_blocks[count.index].to_port, local.named[var.egress_with_ipv6_cidr_blocks[count.index].rule][1])
  protocol          = try(var.egress_with_ipv6_cidr_blocks[count.index].protocol, local.named[var.egress_with_ipv6_cidr_blocks[count.index].rule][2])
  ipv6_cidr_blocks  = compact(split(",", lookup(var.egress_with_ipv6_cidr_blocks[count.index], "ipv6_cidr_blocks", join(",", var.egress_ipv6_cidr_blocks))))
}

resource "aws_security_group_rule" "egress_with_self" {
  count = var.create ? length(var.egress_with_self) : 0

  security_group_id = local.group_id
  type              = "egress"
  from_port         = try(var.egress_with_self[count.index].from_port, local.named[var.egress_with_self[count.index].rule][0])
  to_port           = try(var.egress_with_self[count.index].to_port, local.named[var.egress_with_self[count.index].rule][1])
  protocol          = try(var.egress_with_self[count.index].protocol, local.named[var.egress_with_self[count.index].rule][2])
  self              = lookup(var.egress_with_self[count.index], "self", true)
}

resource "aws_security_group_rule" "egress_with_prefix_list_ids" {
  count = var.create ? length(var.egress_with_prefix_list_ids) : 0

  security_group_id = local.group_id
  type              = "egress"
  from_port         = try(var.egress_with_prefix_list_ids[count.index].from_port, local.named[var.egress_with_prefix_list_ids[count.index].rule][0])
  to_port           = try(var.egress_with_prefix_list_ids[count.index].to_port, local.named[var.egress_with_prefix_list_ids[count.index].rule][1])
  protocol          = try(var.egress_with_prefix_list_ids[count.index].protocol, local.named[var.egress_with_prefix_list_ids[count.index].rule][2])
  prefix_list_ids   = compact(split(",", lookup(var.egress_with_prefix_list_ids[count.index], "prefix_list_ids", join(",", var.egress_prefix_list_ids))))
}

resource "aws_security_group_rule" "computed_egress_rules" {
  count = var.create ? var.number_of_computed_egress_rules : 0

  security_group_id = local.group_id
  type              = "egress"
  from_port         = local.named[var.computed_egress_rules[count.index]][0]
  to_port           = local.named[var.computed_egress_rules[count.index]][1]
  protocol          = local.named[var.computed_egress_rules[count.index]][2]
  cidr_blocks       = var.egress_cidr_blocks
  ipv6_cidr_blocks  = var.egress_ipv6_cidr_blocks
  prefix_list_ids   = var.egress_prefix_list_ids
}

resource "aws_security_group_rule" "computed_egress_with_source_security_group_id" {
  count = var.create ? var.number_of_computed_egress_with_source_security_group_id : 0

  security_group_id        = local.group_id
  type                     = "egress"
  from_port                = try(var.computed_egress_with_source_security_group_id[count.index].from_port, local.named[var.computed_egress_with_source_security_group_id[count.index].rule][0])
  to_port                  = try(var.computed_egress_with_source_security_group_id[count.index].to_port, local.named[var.computed_egress_with_source_security_group_id[count.index].rule][1])
  protocol                 = try(var.computed_egress_with_source_security_group_id[count.index].protocol, local.named[var.computed_egress_with_source_security_group_id[count.index].rule][2])
  source_security_group_id = var.computed_egress_with_source_security_group_id[count.index].source_security_group_id
}

resource "aws_security_group_rule" "computed_egress_with_cidr_blocks" {
  count = var.create ? var.number_of_computed_egress_with_cidr_blocks : 0

  security_group_id = local.group_id
  type              = "egress"
  from_port         = try(var.computed_egress_with_cidr_blocks[count.index].from_port, local.named[var.computed_egress_with_cidr_blocks[count.index].rule][0])
  to_port           = try(var.computed_egress_with_cidr_blocks[count.index].to_port, local.named[var.computed_egress_with_cidr_blocks[count.index].rule][1])
  protocol          = try(var.computed_egress_with_cidr_blocks[count.index].protocol, local.named[var.computed_egress_with_cidr_blocks[count.index].rule][2])
  cidr_blocks       = compact(split(",", lookup(var.computed_egress_with_cidr_blocks[count.index], "cidr_blocks", join(",", var.egress_cidr_blocks))))
}

resource "aws_security_group_rule" "computed_egress_with_ipv6_cidr_blocks" {
  count = var.create ? var.number_of_computed_egress_with_ipv6_cidr_blocks : 0

  security_group_id = local.group_id
  type              = "egress"
  from_port         = try(var.computed_egress_with_ipv6_cidr_blocks[count.index].from_port, local.named[var.computed_egress_with_ipv6_cidr_blocks[count.index].rule][0])
  to_port           = try(var.computed_egress_with_ipv6_cidr_blocks[count.index].to_port, local.named[var.computed_egress_with_ipv6_cidr_blocks[count.index].rule][1])
  protocol          = try(var.computed_egress_with_ipv6_cidr_blocks[count.index].protocol, local.named[var.computed_egress_with_ipv6_cidr_blocks[count.index].rule][2])
  ipv6_cidr_blocks  = compact(split(",", lookup(var.computed_egress_with_ipv6_cidr_blocks[count.index], "ipv6_cidr_blocks", join(",", var.egress_ipv6_cidr_blocks))))
}

resource "aws_security_group_rule" "computed_egress_with_self" {
  count = var.create ? var.number_of_computed_egress_with_self : 0

  security_group_id = local.group_id
  type              = "egress"
  from_port         = try(var.computed_egress_with_self[count.index].from_port, local.named[var.computed_egress_with_self[count.index].rule][0])
  to_port           = try(var.computed_egress_with_self[count.index].to_port, local.named[var.computed_egress_with_self[count.index].rule][1])
  protocol          = try(var.computed_egress_with_self[count.index].protocol, local.named[var.computed_egress_with_self[count.index].rule][2])
  self              = lookup(var.computed_egress_with_self[count.index], "self", true)
}

resource "aws_security_group_rule" "computed_egress_with_prefix_list_ids" {
  count = var.create ? var.number_of_computed_egress_with_prefix_list_ids : 0

  security_group_id = local.group_id
  type              = "egress"
  from_port         = try(var.computed_egress_with_prefix_list_ids[count.index].from_port, local.named[var.computed_egress_with_prefix_list_ids[count.index].rule][0])
  to_port           = try(var.computed_egress_with_prefix_list_ids[count.index].to_port, local.named[var.computed_egress_with_prefix_list_ids[count.index].rule][1])
  protocol          = try(var.computed_egress_with_prefix_list_ids[count.index].protocol, local.named[var.computed_egress_with_prefix_list_ids[count.index].rule][2])
  prefix_list_ids   = compact(split(",", lookup(var.computed_egress_with_prefix_list_ids[count.index], "prefix_list_ids", join(",", var.egress_prefix_list_ids))))
}
