provider "aws" {
  region = "eu-central-1"
}

resource "aws_neptune_cluster" "graph" {
  storage_encrypted = false # want "medium aws_neptune_cluster.graph is not encrypted"
}

# The cluster says it, once.
resource "aws_neptune_cluster_instance" "graph" {
  cluster_identifier = aws_neptune_cluster.graph.id
  instance_class     = "db.r6g.large"
}
