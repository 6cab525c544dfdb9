provider "aws" {
  region = "eu-central-1"
}

resource "aws_launch_template" "pinned" { # want "medium aws_launch_template.pinned is patched by nothing: no association or maintenance window"
  image_id      = "resolve:ssm:/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-x86_64:12"
  instance_type = "t3.small"
}

resource "aws_autoscaling_group" "pinned" {
  min_size           = 1
  max_size           = 2
  availability_zones = ["eu-central-1a", "eu-central-1b"]

  launch_template {
    id      = aws_launch_template.pinned.id
    version = "$Latest"
  }
}
