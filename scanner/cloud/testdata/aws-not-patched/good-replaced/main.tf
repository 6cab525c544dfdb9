provider "aws" {
  region = "eu-central-1"
}

data "aws_ssm_parameter" "nodes" {
  name = "/aws/service/bottlerocket/aws-k8s-1.33/x86_64/latest/image_id"
}

data "aws_ssm_parameter" "al2023" {
  name = "/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-x86_64"
}

resource "aws_launch_template" "nodes" {
  image_id      = data.aws_ssm_parameter.nodes.value
  instance_type = "t3.small"
}

resource "aws_autoscaling_group" "nodes" {
  min_size           = 1
  max_size           = 2
  availability_zones = ["eu-central-1a", "eu-central-1b"]

  launch_template {
    id      = aws_launch_template.nodes.id
    version = "$Latest"
  }
}

resource "aws_launch_template" "latest" {
  image_id      = "resolve:ssm:/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-x86_64"
  instance_type = "t3.small"
}

resource "aws_autoscaling_group" "latest" {
  min_size           = 1
  max_size           = 2
  availability_zones = ["eu-central-1a", "eu-central-1b"]

  launch_template {
    id      = aws_launch_template.latest.id
    version = "$Latest"
  }
}

resource "aws_instance" "al2023" {
  ami           = data.aws_ssm_parameter.al2023.value
  instance_type = "t3.small"
}

resource "aws_launch_template" "bounded" {
  image_id      = "ami-0fb653ca2d3203ac1"
  instance_type = "t3.small"
}

resource "aws_autoscaling_group" "bounded" {
  min_size           = 1
  max_size           = 2
  availability_zones = ["eu-central-1a", "eu-central-1b"]

  launch_template {
    id      = aws_launch_template.bounded.id
    version = "$Latest"
  }

  max_instance_lifetime = 604800
}

resource "aws_eks_node_group" "managed" {
  cluster_name    = "main"
  node_group_name = "managed"
  node_role_arn   = "arn:aws:iam::111122223333:role/nodes"
  subnet_ids      = ["subnet-0123456789abcdef0"]

  launch_template {
    id      = aws_launch_template.managed.id
    version = "1"
  }

  scaling_config {
    desired_size = 1
    max_size     = 2
    min_size     = 1
  }
}

resource "aws_launch_template" "managed" {
  image_id      = "ami-0fb653ca2d3203ac1"
  instance_type = "t3.small"
}
