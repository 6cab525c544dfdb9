provider "aws" {
  region = "eu-central-1"
}

resource "aws_vpc" "main" {
  cidr_block           = "10.0.0.0/16"
  enable_dns_hostnames = true
}

resource "aws_internet_gateway" "main" {
  vpc_id = aws_vpc.main.id
}

resource "aws_subnet" "pub" {
  vpc_id                  = aws_vpc.main.id
  cidr_block              = "10.0.1.0/24"
  availability_zone       = "eu-central-1a"
  map_public_ip_on_launch = true
}

resource "aws_subnet" "pub2" {
  vpc_id                  = aws_vpc.main.id
  cidr_block              = "10.0.2.0/24"
  availability_zone       = "eu-central-1b"
  map_public_ip_on_launch = true
}

resource "aws_route_table" "pub" {
  vpc_id = aws_vpc.main.id
  route {
    cidr_block = "0.0.0.0/0"
    gateway_id = aws_internet_gateway.main.id
  }
}

resource "aws_route_table_association" "pub" {
  subnet_id      = aws_subnet.pub.id
  route_table_id = aws_route_table.pub.id
}

resource "aws_route_table_association" "pub2" {
  subnet_id      = aws_subnet.pub2.id
  route_table_id = aws_route_table.pub.id
}


resource "aws_subnet" "priv" {
  vpc_id            = aws_vpc.main.id
  cidr_block        = "10.0.11.0/24"
  availability_zone = "eu-central-1a"
}

resource "aws_subnet" "priv2" {
  vpc_id            = aws_vpc.main.id
  cidr_block        = "10.0.12.0/24"
  availability_zone = "eu-central-1b"
}

resource "aws_route_table" "priv" {
  vpc_id = aws_vpc.main.id
}

resource "aws_route_table_association" "priv" {
  subnet_id      = aws_subnet.priv.id
  route_table_id = aws_route_table.priv.id
}

resource "aws_route_table_association" "priv2" {
  subnet_id      = aws_subnet.priv2.id
  route_table_id = aws_route_table.priv.id
}


resource "aws_security_group" "web" {
  vpc_id = aws_vpc.main.id
  ingress {
    from_port   = 443
    to_port     = 443
    protocol    = "tcp"
    cidr_blocks = ["0.0.0.0/0"]
  }
  egress {
    from_port   = 0
    to_port     = 0
    protocol    = "-1"
    cidr_blocks = ["0.0.0.0/0"]
  }
}

resource "aws_opensearch_domain" "pub" {
  domain_name = "pub"
  domain_endpoint_options {
    enforce_https = true
  }
}

resource "aws_opensearch_domain" "open" {
  domain_name = "open"
  access_policies = jsonencode({
    Version   = "2012-10-17"
    Statement = [{ Effect = "Allow", Principal = { AWS = "*" }, Action = "es:*", Resource = "*" }]
  })
}

resource "aws_opensearch_domain" "vpc" {
  domain_name = "vpc"
  vpc_options {
    subnet_ids         = [aws_subnet.pub.id]
    security_group_ids = [aws_security_group.web.id]
  }
}

resource "aws_eks_cluster" "e" {
  name     = "e"
  role_arn = "arn:aws:iam::111122223333:role/eks"
  vpc_config {
    subnet_ids          = [aws_subnet.priv.id, aws_subnet.priv2.id]
    public_access_cidrs = ["203.0.113.0/24", "198.51.100.7/32"]
  }
}

resource "aws_eks_cluster" "six" {
  name     = "six"
  role_arn = "arn:aws:iam::111122223333:role/eks"
  kubernetes_network_config {
    ip_family = "ipv6"
  }
  vpc_config {
    subnet_ids = [aws_subnet.priv.id, aws_subnet.priv2.id]
  }
}

resource "aws_eks_cluster" "priv" {
  name     = "priv"
  role_arn = "arn:aws:iam::111122223333:role/eks"
  vpc_config {
    subnet_ids              = [aws_subnet.priv.id, aws_subnet.priv2.id]
    endpoint_public_access  = false
    endpoint_private_access = true
  }
}

resource "aws_apprunner_service" "a" {
  service_name = "a"
  source_configuration {
    image_repository {
      image_identifier      = "public.ecr.aws/x/y:latest"
      image_repository_type = "ECR_PUBLIC"
    }
  }
}

resource "aws_apprunner_service" "b" {
  service_name = "b"
  network_configuration {
    ingress_configuration {
      is_publicly_accessible = false
    }
  }
  source_configuration {
    image_repository {
      image_identifier      = "public.ecr.aws/x/y:latest"
      image_repository_type = "ECR_PUBLIC"
    }
  }
}

resource "aws_eks_node_group" "n" {
  cluster_name  = aws_eks_cluster.priv.name
  node_role_arn = "arn:aws:iam::111122223333:role/n"
  subnet_ids    = [aws_subnet.pub.id]
  remote_access {
    ec2_ssh_key = "k"
  }
  scaling_config {
    desired_size = 1
    max_size     = 1
    min_size     = 1
  }
}

resource "aws_eks_node_group" "quiet" {
  cluster_name  = aws_eks_cluster.priv.name
  node_role_arn = "arn:aws:iam::111122223333:role/n"
  subnet_ids    = [aws_subnet.pub.id]
  scaling_config {
    desired_size = 1
    max_size     = 1
    min_size     = 1
  }
}

resource "aws_msk_cluster" "m" {
  cluster_name           = "m"
  kafka_version          = "3.6.0"
  number_of_broker_nodes = 2
  broker_node_group_info {
    client_subnets  = [aws_subnet.pub.id, aws_subnet.pub2.id]
    instance_type   = "kafka.m5.large"
    security_groups = [aws_security_group.web.id]
  }
}