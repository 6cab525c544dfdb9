provider "aws" {
  region = "eu-central-1"
}

# It keeps nothing.
resource "aws_elasticache_cluster" "cache" {
  cluster_id      = "cache"
  engine          = "memcached"
  node_type       = "cache.t4g.small"
  num_cache_nodes = 1
}

resource "aws_ebs_encryption_by_default" "on" {
  enabled = true
}

resource "aws_ebs_volume" "silent" {
  availability_zone = "eu-central-1a"
  size              = 10
}
