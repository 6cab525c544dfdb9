# What terraform-aws-modules/eks/aws declares, versions 18 to 21. Version 21 took the prefix "cluster_" off the names of inputs; both names
# are understood here.

locals {
  name          = try(coalesce(var.name, var.cluster_name), null)
  create_group  = var.create && coalesce(var.create_security_group, var.create_cluster_security_group)
  create_nodes  = var.create && var.create_node_security_group
  cluster_group = local.create_group ? aws_security_group.cluster[0].id : try(coalesce(var.security_group_id, var.cluster_security_group_id), null)
  node_group    = local.create_nodes ? aws_security_group.node[0].id : var.node_security_group_id
  addons        = coalesce(var.addons, var.cluster_addons, {})
}

resource "aws_eks_cluster" "this" {
  count = var.create ? 1 : 0

  name                      = local.name
  version                   = try(coalesce(var.kubernetes_version, var.cluster_version), null)
  enabled_cluster_log_types = coalesce(var.enabled_log_types, var.cluster_enabled_log_types)

  vpc_config {
    subnet_ids              = length(var.control_plane_subnet_ids) > 0 ? var.control_plane_subnet_ids : var.subnet_ids
    security_group_ids      = compact(distinct(concat(coalesce(var.additional_security_group_ids, var.cluster_additional_security_group_ids), [local.cluster_group])))
    endpoint_private_access = coalesce(var.endpoint_private_access, var.cluster_endpoint_private_access)
    endpoint_public_access  = coalesce(var.endpoint_public_access, var.cluster_endpoint_public_access)
    public_access_cidrs     = coalesce(var.endpoint_public_access_cidrs, var.cluster_endpoint_public_access_cidrs)
  }

  kubernetes_network_config {
    ip_family = try(coalesce(var.ip_family, var.cluster_ip_family), null)
  }

  dynamic "compute_config" {
    for_each = try(coalesce(var.compute_config, var.cluster_compute_config), null) != null ? [coalesce(var.compute_config, var.cluster_compute_config)] : []
    content {
      enabled = try(compute_config.value.enabled, null)
    }
  }
}

resource "aws_security_group" "cluster" {
  count = local.create_group ? 1 : 0

  name_prefix = "${local.name}-cluster-"
  vpc_id      = var.vpc_id
}

locals {
  cluster_rules = {
    ingress_nodes_443 = { type = "ingress", protocol = "tcp", from_port = 443, to_port = 443, source_node_security_group = true }
  }
  # What the control plane and the nodes need of each other, and what the module recommends on top.
  node_rules = {
    ingress_cluster_443      = { type = "ingress", protocol = "tcp", from_port = 443, to_port = 443, source_cluster_security_group = true }
    ingress_cluster_kubelet  = { type = "ingress", protocol = "tcp", from_port = 10250, to_port = 10250, source_cluster_security_group = true }
    ingress_self_coredns_tcp = { type = "ingress", protocol = "tcp", from_port = 53, to_port = 53, self = true }
    ingress_self_coredns_udp = { type = "ingress", protocol = "udp", from_port = 53, to_port = 53, self = true }
  }
  recommended_rules = {
    ingress_nodes_ephemeral      = { type = "ingress", protocol = "tcp", from_port = 1025, to_port = 65535, self = true }
    ingress_cluster_4443_webhook = { type = "ingress", protocol = "tcp", from_port = 4443, to_port = 4443, source_cluster_security_group = true }
    ingress_cluster_6443_webhook = { type = "ingress", protocol = "tcp", from_port = 6443, to_port = 6443, source_cluster_security_group = true }
    ingress_cluster_8443_webhook = { type = "ingress", protocol = "tcp", from_port = 8443, to_port = 8443, source_cluster_security_group = true }
    ingress_cluster_9443_webhook = { type = "ingress", protocol = "tcp", from_port = 9443, to_port = 9443, source_cluster_security_group = true }
    egress_all                   = { type = "egress", protocol = "-1", from_port = 0, to_port = 0, cidr_blocks = ["0.0.0.0/0"] }
  }
}

resource "aws_security_group_rule" "cluster" {
  for_each = { for k, v in merge(local.cluster_rules, coalesce(var.security_group_additional_rules, var.cluster_security_group_additional_rules)) : k => v if local.create_group && (local.create_nodes || k != "ingress_nodes_443") }

  security_group_id        = aws_security_group.cluster[0].id
  type                     = try(each.value.type, "ingress")
  protocol                 = try(each.value.protocol, "tcp")
  from_port                = each.value.from_port
  to_port                  = each.value.to_port
  cidr_blocks              = try(each.value.cidr_blocks, null)
  ipv6_cidr_blocks         = try(each.value.ipv6_cidr_blocks, null)
  prefix_list_ids          = try(each.value.prefix_list_ids, null)
  self                     = try(each.value.self, null)
  source_security_group_id = try(each.value.source_node_security_group, false) ? local.node_group : try(each.value.source_security_group_id, null)
}

resource "aws_security_group" "node" {
  count = local.create_nodes ? 1 : 0

  name_prefix = "${local.name}-node-"
  vpc_id      = var.vpc_id
}

resource "aws_security_group_rule" "node" {
  for_each = { for k, v in merge(local.node_rules, var.node_security_group_enable_recommended_rules ? local.recommended_rules : {}, var.node_security_group_additional_rules) : k => v if local.create_nodes }

  security_group_id        = aws_security_group.node[0].id
  type                     = try(each.value.type, "ingress")
  protocol                 = try(each.value.protocol, "tcp")
  from_port                = each.value.from_port
  to_port                  = each.value.to_port
  cidr_blocks              = try(each.value.cidr_blocks, null)
  ipv6_cidr_blocks         = try(each.value.ipv6_cidr_blocks, null)
  prefix_list_ids          = try(each.value.prefix_list_ids, null)
  self                     = try(each.value.self, null)
  source_security_group_id = try(each.value.source_cluster_security_group, false) ? local.cluster_group : try(each.value.source_security_group_id, null)
}

resource "aws_eks_addon" "this" {
  for_each = { for k, v in local.addons : k => v if var.create && !try(v.before_compute, false) }

  cluster_name         = aws_eks_cluster.this[0].name
  addon_name           = try(coalesce(try(each.value.name, null), each.key), each.key)
  configuration_values = try(each.value.configuration_values, null)
}

resource "aws_eks_addon" "before_compute" {
  for_each = { for k, v in local.addons : k => v if var.create && try(v.before_compute, false) }

  cluster_name         = aws_eks_cluster.this[0].name
  addon_name           = try(coalesce(try(each.value.name, null), each.key), each.key)
  configuration_values = try(each.value.configuration_values, null)
}

module "eks_managed_node_group" {
  source   = "./node-group"
  for_each = { for k, v in coalesce(var.eks_managed_node_groups, {}) : k => v if var.create }

  create_launch_template = try(each.value.create_launch_template, var.eks_managed_node_group_defaults.create_launch_template, true)
  launch_template_id     = try(each.value.launch_template_id, var.eks_managed_node_group_defaults.launch_template_id, "")
  name                   = try(each.value.name, each.key)
  cluster_name           = aws_eks_cluster.this[0].name
  subnet_ids             = try(coalesce(each.value.subnet_ids), coalesce(var.eks_managed_node_group_defaults.subnet_ids), var.subnet_ids)
  ami_type               = try(each.value.ami_type, var.eks_managed_node_group_defaults.ami_type, null)
  ami_id                 = try(each.value.ami_id, var.eks_managed_node_group_defaults.ami_id, "")
  ami_release_version    = try(each.value.ami_release_version, var.eks_managed_node_group_defaults.ami_release_version, null)
  instance_types         = try(each.value.instance_types, var.eks_managed_node_group_defaults.instance_types, null)
  remote_access          = try(each.value.remote_access, var.eks_managed_node_group_defaults.remote_access, {})
  metadata_options       = try(each.value.metadata_options, var.eks_managed_node_group_defaults.metadata_options, { http_endpoint = "enabled", http_tokens = "required", http_put_response_hop_limit = var.default_hop_limit })
  network_interfaces     = try(each.value.network_interfaces, var.eks_managed_node_group_defaults.network_interfaces, [])
  security_groups = compact(concat(
    [try(each.value.attach_cluster_primary_security_group, var.eks_managed_node_group_defaults.attach_cluster_primary_security_group, false) ? aws_eks_cluster.this[0].vpc_config[0].cluster_security_group_id : null],
    [local.node_group],
    try(each.value.vpc_security_group_ids, var.eks_managed_node_group_defaults.vpc_security_group_ids, []),
  ))
}

module "self_managed_node_group" {
  source   = "./self-managed"
  for_each = { for k, v in coalesce(var.self_managed_node_groups, {}) : k => v if var.create }

  name             = try(each.value.name, each.key)
  subnet_ids       = try(coalesce(each.value.subnet_ids), coalesce(var.self_managed_node_group_defaults.subnet_ids), var.subnet_ids)
  ami_id           = try(each.value.ami_id, var.self_managed_node_group_defaults.ami_id, null)
  metadata_options = try(each.value.metadata_options, var.self_managed_node_group_defaults.metadata_options, { http_endpoint = "enabled", http_tokens = "required", http_put_response_hop_limit = var.default_hop_limit })
  security_groups  = compact(concat([local.node_group], try(each.value.vpc_security_group_ids, var.self_managed_node_group_defaults.vpc_security_group_ids, [])))
}

module "fargate_profile" {
  source   = "./fargate-profile"
  for_each = { for k, v in coalesce(var.fargate_profiles, {}) : k => v if var.create }

  name         = try(each.value.name, each.key)
  cluster_name = aws_eks_cluster.this[0].name
  subnet_ids   = try(coalesce(each.value.subnet_ids), coalesce(var.fargate_profile_defaults.subnet_ids), var.subnet_ids)
  selectors    = try(each.value.selectors, [])
}
