provider "aws" {
  region = "eu-central-1"
}

resource "aws_launch_template" "kept" { # want "medium aws_launch_template.kept is patched by nothing: those that run AWS-RunPatchBaseline target other machines"
  image_id      = "ami-0fb653ca2d3203ac1"
  instance_type = "t3.small"
}

resource "aws_autoscaling_group" "kept" {
  min_size           = 1
  max_size           = 2
  availability_zones = ["eu-central-1a", "eu-central-1b"]

  launch_template {
    id      = aws_launch_template.kept.id
    version = "$Latest"
  }

  tag {
    key                 = "Patch"
    value               = "weekly"
    propagate_at_launch = false
  }
}

resource "aws_launch_template" "volume" { # want "medium aws_launch_template.volume is patched by nothing: those that run AWS-RunPatchBaseline target other machines"
  image_id      = "ami-0fb653ca2d3203ac1"
  instance_type = "t3.small"

  tag_specifications {
    resource_type = "volume"

    tags = {
      Patch = "weekly"
    }
  }
}

resource "aws_autoscaling_group" "volume" {
  min_size           = 1
  max_size           = 2
  availability_zones = ["eu-central-1a", "eu-central-1b"]

  launch_template {
    id      = aws_launch_template.volume.id
    version = "$Latest"
  }
}

resource "aws_ssm_association" "weekly" {
  name                = "AWS-RunPatchBaseline"
  schedule_expression = "cron(0 2 ? * SUN *)"

  parameters = {
    Operation = "Install"
  }

  targets {
    key    = "tag:Patch"
    values = ["weekly"]
  }
}

resource "aws_instance" "grouped" { # want "medium aws_instance.grouped is patched by nothing: those that run AWS-RunPatchBaseline target other machines"
  ami           = "ami-0fb653ca2d3203ac1"
  instance_type = "t3.small"

  tags = {
    "Tier" = "web"
  }
}

resource "aws_resourcegroups_group" "db" {
  name = "db"

  resource_query {
    query = jsonencode({
      ResourceTypeFilters = ["AWS::EC2::Instance"]
      TagFilters          = [{ Key = "Tier", Values = ["db"] }]
    })
  }
}

resource "aws_ssm_association" "group" {
  name                = "AWS-RunPatchBaseline"
  schedule_expression = "cron(0 2 ? * SUN *)"

  parameters = {
    Operation = "Install"
  }

  targets {
    key    = "resource-groups:Name"
    values = ["db"]
  }
}
