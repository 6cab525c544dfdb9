resource "aws_launch_template" "this" {
  count = var.create_launch_template ? 1 : 0

  name_prefix            = "${var.name}-"
  image_id               = var.ami_id != "" ? var.ami_id : null
  vpc_security_group_ids = length(var.network_interfaces) > 0 ? [] : var.security_groups

  dynamic "metadata_options" {
    for_each = var.metadata_options != null ? [var.metadata_options] : []
    content {
      http_endpoint               = try(metadata_options.value.http_endpoint, "enabled")
      http_tokens                 = try(metadata_options.value.http_tokens, "required")
      http_put_response_hop_limit = try(metadata_options.value.http_put_response_hop_limit, null)
    }
  }

  dynamic "network_interfaces" {
    for_each = var.network_interfaces
    content {
      associate_public_ip_address = try(network_interfaces.value.associate_public_ip_address, null)
      device_index                = try(network_interfaces.value.device_index, null)
      security_groups             = compact(concat(try(network_interfaces.value.security_groups, []), var.security_groups))
      subnet_id                   = try(network_interfaces.value.subnet_id, null)
    }
  }
}

resource "aws_eks_node_group" "this" {
  count = 1

  node_group_name_prefix = "${var.name}-"
  cluster_name           = var.cluster_name
  subnet_ids             = var.subnet_ids
  ami_type               = var.ami_id != "" ? "CUSTOM" : var.ami_type
  release_version        = var.ami_id != "" ? null : var.ami_release_version
  instance_types         = var.instance_types

  dynamic "launch_template" {
    for_each = var.create_launch_template || var.launch_template_id != "" ? [1] : []
    content {
      id = var.create_launch_template ? aws_launch_template.this[0].id : var.launch_template_id
    }
  }

  dynamic "remote_access" {
    for_each = try(var.remote_access.ec2_ssh_key, null) != null ? [var.remote_access] : []
    content {
      ec2_ssh_key               = try(remote_access.value.ec2_ssh_key, null)
      source_security_group_ids = try(remote_access.value.source_security_group_ids, [])
    }
  }
}
