# What terraform-aws-modules/ec2-instance/aws declares, versions 3 to 6.

locals {
  create_group    = var.create && var.create_security_group && length(coalesce(var.network_interface, [])) == 0
  security_groups = local.create_group ? concat(coalesce(var.vpc_security_group_ids, []), [aws_security_group.this[0].id]) : var.vpc_security_group_ids
}

# The image of a machine without one is what the parameter says.
data "aws_ssm_parameter" "this" {
  count = var.create && var.ami == null ? 1 : 0

  name = var.ami_ssm_parameter
}

resource "aws_instance" "this" {
  count = var.create && !var.ignore_ami_changes && !var.create_spot_instance ? 1 : 0

  ami                         = try(coalesce(var.ami, nonsensitive(try(data.aws_ssm_parameter.this[0].value, null))), null)
  instance_type               = var.instance_type
  subnet_id                   = var.subnet_id
  availability_zone           = var.availability_zone
  vpc_security_group_ids      = local.security_groups
  associate_public_ip_address = var.associate_public_ip_address
  source_dest_check           = var.source_dest_check
  iam_instance_profile        = var.create_iam_instance_profile ? aws_iam_instance_profile.this[0].name : var.iam_instance_profile
  user_data                   = var.user_data
  key_name                    = var.key_name
  ipv6_address_count          = var.ipv6_address_count
  ipv6_addresses              = var.ipv6_addresses
  tags                        = merge({ Name = var.name }, var.tags)

  dynamic "metadata_options" {
    for_each = var.metadata_options != null && var.metadata_options != {} ? [var.metadata_options] : []
    content {
      http_endpoint               = try(metadata_options.value.http_endpoint, "enabled")
      http_tokens                 = try(metadata_options.value.http_tokens, var.default_http_tokens)
      http_put_response_hop_limit = try(metadata_options.value.http_put_response_hop_limit, 1)
    }
  }

  dynamic "network_interface" {
    for_each = coalesce(var.network_interface, [])
    content {
      device_index         = try(network_interface.value.device_index, null)
      network_interface_id = try(network_interface.value.network_interface_id, null)
    }
  }

  dynamic "root_block_device" {
    for_each = var.root_block_device == null ? [] : flatten([var.root_block_device])
    content {
      encrypted  = try(root_block_device.value.encrypted, null)
      kms_key_id = try(root_block_device.value.kms_key_id, null)
    }
  }
}

resource "aws_instance" "ignore_ami" {
  count = var.create && var.ignore_ami_changes && !var.create_spot_instance ? 1 : 0

  ami                         = try(coalesce(var.ami, nonsensitive(try(data.aws_ssm_parameter.this[0].value, null))), null)
  instance_type               = var.instance_type
  subnet_id                   = var.subnet_id
  availability_zone           = var.availability_zone
  vpc_security_group_ids      = local.security_groups
  associate_public_ip_address = var.associate_public_ip_address
  source_dest_check           = var.source_dest_check
  iam_instance_profile        = var.create_iam_instance_profile ? aws_iam_instance_profile.this[0].name : var.iam_instance_profile
  user_data                   = var.user_data
  key_name                    = var.key_name
  ipv6_address_count          = var.ipv6_address_count
  ipv6_addresses              = var.ipv6_addresses
  tags                        = merge({ Name = var.name }, var.tags)

  dynamic "metadata_options" {
    for_each = var.metadata_options != null && var.metadata_options != {} ? [var.metadata_options] : []
    content {
      http_endpoint               = try(metadata_options.value.http_endpoint, "enabled")
      http_tokens                 = try(metadata_options.value.http_tokens, var.default_http_tokens)
      http_put_response_hop_limit = try(metadata_options.value.http_put_response_hop_limit, 1)
    }
  }

  dynamic "network_interface" {
    for_each = coalesce(var.network_interface, [])
    content {
      device_index         = try(network_interface.value.device_index, null)
      network_interface_id = try(network_interface.value.network_interface_id, null)
    }
  }

  dynamic "root_block_device" {
    for_each = var.root_block_device == null ? [] : flatten([var.root_block_device])
    content {
      encrypted  = try(root_block_device.value.encrypted, null)
      kms_key_id = try(root_block_device.value.kms_key_id, null)
    }
  }
}

resource "aws_spot_instance_request" "this" {
  count = var.create && var.create_spot_instance ? 1 : 0

  ami                         = try(coalesce(var.ami, nonsensitive(try(data.aws_ssm_parameter.this[0].value, null))), null)
  instance_type               = var.instance_type
  subnet_id                   = var.subnet_id
  availability_zone           = var.availability_zone
  vpc_security_group_ids      = local.security_groups
  associate_public_ip_address = var.associate_public_ip_address
  source_dest_check           = var.source_dest_check
  iam_instance_profile        = var.create_iam_instance_profile ? aws_iam_instance_profile.this[0].name : var.iam_instance_profile
  user_data                   = var.user_data
  key_name                    = var.key_name
  ipv6_address_count          = var.ipv6_address_count
  ipv6_addresses              = var.ipv6_addresses
  tags                        = merge({ Name = var.name }, var.tags)

  dynamic "metadata_options" {
    for_each = var.metadata_options != null && var.metadata_options != {} ? [var.metadata_options] : []
    content {
      http_endpoint               = try(metadata_options.value.http_endpoint, "enabled")
      http_tokens                 = try(metadata_options.value.http_tokens, var.default_http_tokens)
      http_put_response_hop_limit = try(metadata_options.value.http_put_response_hop_limit, 1)
    }
  }

  dynamic "network_interface" {
    for_each = coalesce(var.network_interface, [])
    content {
      device_index         = try(network_interface.value.device_index, null)
      network_interface_id = try(network_interface.value.network_interface_id, null)
    }
  }

  dynamic "root_block_device" {
    for_each = var.root_block_device == null ? [] : flatten([var.root_block_device])
    content {
      encrypted  = try(root_block_device.value.encrypted, null)
      kms_key_id = try(root_block_device.value.kms_key_id, null)
    }
  }
}

resource "aws_eip" "this" {
  count = var.create && var.create_eip && !var.create_spot_instance ? 1 : 0

  instance = try(aws_instance.this[0].id, aws_instance.ignore_ami[0].id)
}

data "aws_subnet" "this" {
  count = local.create_group && var.security_group_vpc_id == null ? 1 : 0

  id = var.subnet_id
}

resource "aws_security_group" "this" {
  count = local.create_group ? 1 : 0

  name   = try(coalesce(var.security_group_name, var.name), null)
  vpc_id = var.security_group_vpc_id != null ? var.security_group_vpc_id : data.aws_subnet.this[0].vpc_id
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
