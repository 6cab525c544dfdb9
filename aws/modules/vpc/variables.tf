# Defaults of versions 4 to 6; those of older ones are in vpc-2.

variable "create_vpc" {
  default = true
}

variable "name" {
  default = ""
}

variable "cidr" {
  default = "10.0.0.0/16"
}

variable "secondary_cidr_blocks" {
  default = []
}

variable "azs" {
  default = []
}

variable "tags" {
  default = {}
}

variable "enable_dns_hostnames" {
  default = true
}

variable "enable_dns_support" {
  default = true
}

variable "enable_ipv6" {
  default = false
}

variable "assign_ipv6_address_on_creation" {
  default = false
}

variable "map_public_ip_on_launch" {
  default = false
}

variable "create_igw" {
  default = true
}

variable "create_egress_only_igw" {
  default = true
}

variable "create_multiple_public_route_tables" {
  default = false
}

variable "create_multiple_intra_route_tables" {
  default = false
}

variable "enable_nat_gateway" {
  default = false
}

variable "single_nat_gateway" {
  default = false
}

variable "one_nat_gateway_per_az" {
  default = false
}

variable "reuse_nat_ips" {
  default = false
}

variable "external_nat_ip_ids" {
  default = []
}

variable "nat_gateway_destination_cidr_block" {
  default = "0.0.0.0/0"
}

variable "create_database_subnet_route_table" {
  default = false
}

variable "create_database_internet_gateway_route" {
  default = false
}

variable "create_database_nat_gateway_route" {
  default = false
}

variable "create_database_subnet_group" {
  default = true
}

variable "database_subnet_group_name" {
  default = null
}

variable "create_redshift_subnet_route_table" {
  default = false
}

variable "create_redshift_subnet_group" {
  default = true
}

variable "redshift_subnet_group_name" {
  default = null
}

variable "enable_public_redshift" {
  default = false
}

variable "create_elasticache_subnet_route_table" {
  default = false
}

variable "create_elasticache_subnet_group" {
  default = true
}

variable "elasticache_subnet_group_name" {
  default = null
}

variable "enable_vpn_gateway" {
  default = false
}

variable "vpn_gateway_id" {
  default = ""
}

variable "propagate_public_route_tables_vgw" {
  default = false
}

variable "propagate_private_route_tables_vgw" {
  default = false
}

variable "propagate_intra_route_tables_vgw" {
  default = false
}

variable "manage_default_vpc" {
  default = false
}

variable "manage_default_security_group" {
  default = true
}

variable "default_security_group_ingress" {
  default = []
}

variable "default_security_group_egress" {
  default = []
}

variable "manage_default_route_table" {
  default = true
}

variable "default_route_table_routes" {
  default = []
}

variable "default_route_table_propagating_vgws" {
  default = []
}

variable "manage_default_network_acl" {
  default = true
}

variable "enable_flow_log" {
  default = false
}

variable "flow_log_traffic_type" {
  default = "ALL"
}

variable "flow_log_destination_type" {
  default = "cloud-watch-logs"
}

variable "default_network_acl_ingress" {
  default = [
    { rule_no = 100, action = "allow", from_port = 0, to_port = 0, protocol = "-1", cidr_block = "0.0.0.0/0" },
    { rule_no = 101, action = "allow", from_port = 0, to_port = 0, protocol = "-1", ipv6_cidr_block = "::/0" },
  ]
}

variable "default_network_acl_egress" {
  default = [
    { rule_no = 100, action = "allow", from_port = 0, to_port = 0, protocol = "-1", cidr_block = "0.0.0.0/0" },
    { rule_no = 101, action = "allow", from_port = 0, to_port = 0, protocol = "-1", ipv6_cidr_block = "::/0" },
  ]
}

variable "public_subnets" {
  default = []
}

variable "public_subnet_tags" {
  default = {}
}

variable "public_subnet_ipv6_prefixes" {
  default = []
}

variable "public_subnet_assign_ipv6_address_on_creation" {
  default = null
}

variable "public_dedicated_network_acl" {
  default = false
}

variable "public_inbound_acl_rules" {
  default = [
    { rule_number = 100, rule_action = "allow", from_port = 0, to_port = 0, protocol = "-1", cidr_block = "0.0.0.0/0" },
  ]
}

variable "public_outbound_acl_rules" {
  default = [
    { rule_number = 100, rule_action = "allow", from_port = 0, to_port = 0, protocol = "-1", cidr_block = "0.0.0.0/0" },
  ]
}

variable "private_subnets" {
  default = []
}

variable "private_subnet_tags" {
  default = {}
}

variable "private_subnet_ipv6_prefixes" {
  default = []
}

variable "private_subnet_assign_ipv6_address_on_creation" {
  default = null
}

variable "private_dedicated_network_acl" {
  default = false
}

variable "private_inbound_acl_rules" {
  default = [
    { rule_number = 100, rule_action = "allow", from_port = 0, to_port = 0, protocol = "-1", cidr_block = "0.0.0.0/0" },
  ]
}

variable "private_outbound_acl_rules" {
  default = [
    { rule_number = 100, rule_action = "allow", from_port = 0, to_port = 0, protocol = "-1", cidr_block = "0.0.0.0/0" },
  ]
}

variable "database_subnets" {
  default = []
}

variable "database_subnet_tags" {
  default = {}
}

variable "database_subnet_ipv6_prefixes" {
  default = []
}

variable "database_subnet_assign_ipv6_address_on_creation" {
  default = null
}

variable "database_dedicated_network_acl" {
  default = false
}

variable "database_inbound_acl_rules" {
  default = [
    { rule_number = 100, rule_action = "allow", from_port = 0, to_port = 0, protocol = "-1", cidr_block = "0.0.0.0/0" },
  ]
}

variable "database_outbound_acl_rules" {
  default = [
    { rule_number = 100, rule_action = "allow", from_port = 0, to_port = 0, protocol = "-1", cidr_block = "0.0.0.0/0" },
  ]
}

variable "redshift_subnets" {
  default = []
}

variable "redshift_subnet_tags" {
  default = {}
}

variable "redshift_subnet_ipv6_prefixes" {
  default = []
}

variable "redshift_subnet_assign_ipv6_address_on_creation" {
  default = null
}

variable "redshift_dedicated_network_acl" {
  default = false
}

variable "redshift_inbound_acl_rules" {
  default = [
    { rule_number = 100, rule_action = "allow", from_port = 0, to_port = 0, protocol = "-1", cidr_block = "0.0.0.0/0" },
  ]
}

variable "redshift_outbound_acl_rules" {
  default = [
    { rule_number = 100, rule_action = "allow", from_port = 0, to_port = 0, protocol = "-1", cidr_block = "0.0.0.0/0" },
  ]
}

variable "elasticache_subnets" {
  default = []
}

variable "elasticache_subnet_tags" {
  default = {}
}

variable "elasticache_subnet_ipv6_prefixes" {
  default = []
}

variable "elasticache_subnet_assign_ipv6_address_on_creation" {
  default = null
}

variable "elasticache_dedicated_network_acl" {
  default = false
}

variable "elasticache_inbound_acl_rules" {
  default = [
    { rule_number = 100, rule_action = "allow", from_port = 0, to_port = 0, protocol = "-1", cidr_block = "0.0.0.0/0" },
  ]
}

variable "elasticache_outbound_acl_rules" {
  default = [
    { rule_number = 100, rule_action = "allow", from_port = 0, to_port = 0, protocol = "-1", cidr_block = "0.0.0.0/0" },
  ]
}

variable "intra_subnets" {
  default = []
}

variable "intra_subnet_tags" {
  default = {}
}

variable "intra_subnet_ipv6_prefixes" {
  default = []
}

variable "intra_subnet_assign_ipv6_address_on_creation" {
  default = null
}

variable "intra_dedicated_network_acl" {
  default = false
}

variable "intra_inbound_acl_rules" {
  default = [
    { rule_number = 100, rule_action = "allow", from_port = 0, to_port = 0, protocol = "-1", cidr_block = "0.0.0.0/0" },
  ]
}

variable "intra_outbound_acl_rules" {
  default = [
    { rule_number = 100, rule_action = "allow", from_port = 0, to_port = 0, protocol = "-1", cidr_block = "0.0.0.0/0" },
  ]
}
