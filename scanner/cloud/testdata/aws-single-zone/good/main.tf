provider "aws" {
  region = "eu-central-1"
}

resource "aws_vpc" "main" {
  cidr_block           = "10.0.0.0/16"
  enable_dns_support   = true
  enable_dns_hostnames = true
}

resource "aws_subnet" "a" {
  vpc_id            = aws_vpc.main.id
  cidr_block        = "10.0.1.0/24"
  availability_zone = "eu-central-1a"
}

resource "aws_subnet" "b" {
  vpc_id            = aws_vpc.main.id
  cidr_block        = "10.0.2.0/24"
  availability_zone = "eu-central-1b"
}

resource "aws_security_group" "web" {
  vpc_id = aws_vpc.main.id
}

resource "aws_launch_template" "web" {
  image_id      = "ami-0123456789abcdef0"
  instance_type = "t3.small"
  vpc_security_group_ids = [aws_security_group.web.id]
}

resource "aws_autoscaling_group" "web" {
  min_size            = 2
  max_size            = 4
  vpc_zone_identifier = [aws_subnet.a.id, aws_subnet.b.id]

  launch_template {
    id      = aws_launch_template.web.id
    version = "$Latest"
  }
}

# How many they are is not known.
data "aws_subnets" "all" {
  filter {
    name   = "vpc-id"
    values = [aws_vpc.main.id]
  }
}

resource "aws_lb" "found" {
  subnets         = data.aws_subnets.all.ids
  security_groups = [aws_security_group.web.id]
}

# Together the groups of the cluster stand in two.
resource "aws_eks_cluster" "shop" {
  name     = "shop"
  role_arn = "arn:aws:iam::111122223333:role/eks"

  vpc_config {
    subnet_ids = [aws_subnet.a.id, aws_subnet.b.id]
  }
}

resource "aws_eks_node_group" "a" {
  cluster_name    = aws_eks_cluster.shop.name
  node_group_name = "a"
  node_role_arn   = "arn:aws:iam::111122223333:role/nodes"
  subnet_ids      = [aws_subnet.a.id]

  scaling_config {
    desired_size = 2
    max_size     = 4
    min_size     = 2
  }
}

resource "aws_eks_node_group" "b" {
  cluster_name    = aws_eks_cluster.shop.name
  node_group_name = "b"
  node_role_arn   = "arn:aws:iam::111122223333:role/nodes"
  subnet_ids      = [aws_subnet.b.id]

  scaling_config {
    desired_size = 2
    max_size     = 4
    min_size     = 2
  }
}

resource "aws_db_instance" "dev" {
  engine                 = "postgres"
  instance_class         = "db.t4g.small"
  allocated_storage      = 20
  vpc_security_group_ids = [aws_security_group.web.id]
  storage_encrypted      = true
  multi_az               = false
}

resource "aws_db_instance" "prod" {
  engine                 = "postgres"
  instance_class         = "db.t4g.small"
  allocated_storage      = 20
  vpc_security_group_ids = [aws_security_group.web.id]
  storage_encrypted      = true
  multi_az               = true
}

variable "subnets" {
  type = list(string)
}

resource "aws_autoscaling_group" "unknown" {
  min_size            = 2
  max_size            = 4
  vpc_zone_identifier = var.subnets

  launch_template {
    id = aws_launch_template.web.id
  }
}
