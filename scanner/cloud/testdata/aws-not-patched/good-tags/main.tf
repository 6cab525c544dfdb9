provider "aws" {
  region = "eu-central-1"
}

resource "aws_launch_template" "handed" {
  image_id      = "ami-0fb653ca2d3203ac1"
  instance_type = "t3.small"
}

resource "aws_autoscaling_group" "handed" {
  min_size           = 1
  max_size           = 2
  availability_zones = ["eu-central-1a", "eu-central-1b"]

  launch_template {
    id      = aws_launch_template.handed.id
    version = "$Latest"
  }

  tag {
    key                 = "Patch"
    value               = "weekly"
    propagate_at_launch = true
  }
}

resource "aws_launch_template" "template" {
  image_id      = "ami-0fb653ca2d3203ac1"
  instance_type = "t3.small"

  tag_specifications {
    resource_type = "instance"

    tags = {
      Patch = "weekly"
    }
  }
}

resource "aws_autoscaling_group" "template" {
  min_size           = 1
  max_size           = 2
  availability_zones = ["eu-central-1a", "eu-central-1b"]

  launch_template {
    id      = aws_launch_template.template.id
    version = "$Latest"
  }
}

resource "aws_launch_template" "tagged" {
  image_id      = "ami-0fb653ca2d3203ac1"
  instance_type = "t3.small"

  tag_specifications {
    resource_type = "instance"

    tags = {
      Patch = "weekly"
    }
  }
}

resource "aws_instance" "tagged" {
  launch_template {
    id = aws_launch_template.tagged.id
  }
}

resource "aws_ssm_association" "weekly" {
  name                = "arn:aws:ssm:eu-central-1::document/AWS-RunPatchBaseline"
  schedule_expression = "cron(0 2 ? * SUN *)"

  parameters = {
    Operation = "Install"
  }

  targets {
    key    = "tag:Patch"
    values = ["weekly"]
  }
}

resource "aws_instance" "grouped" {
  ami           = "ami-0fb653ca2d3203ac1"
  instance_type = "t3.small"

  tags = {
    "Tier" = "db"
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
  name                = "AWS-RunPatchBaselineAssociation"
  schedule_expression = "cron(0 2 ? * SUN *)"

  parameters = {
    Operation = "Install"
  }

  targets {
    key    = "resource-groups:Name"
    values = ["db"]
  }
}
