provider "aws" {
  region = "eu-central-1"
}

resource "aws_instance" "once" { # want "medium aws_instance.once is patched by nothing: aws_ssm_association.once reaches it and has no schedule, so that it runs once; let it install on a schedule"
  ami           = "ami-0fb653ca2d3203ac1"
  instance_type = "t3.small"

  tags = {
    "Patch" = "once"
  }
}

resource "aws_ssm_association" "once" {
  name                = "AWS-RunPatchBaseline"

  parameters = {
    Operation = "Install"
  }

  targets {
    key    = "tag:Patch"
    values = ["once"]
  }
}

resource "aws_instance" "off" { # want "medium aws_instance.off is patched by nothing: aws_ssm_maintenance_window_task.off reaches it and never runs: aws_ssm_maintenance_window.off is turned off"
  ami           = "ami-0fb653ca2d3203ac1"
  instance_type = "t3.small"

  tags = {
    "Patch" = "off"
  }
}

resource "aws_ssm_maintenance_window" "off" {
  name     = "off"
  schedule = "cron(0 2 ? * SUN *)"
  duration = 3
  cutoff   = 1
  enabled  = false
}

resource "aws_ssm_maintenance_window_task" "off" {
  window_id = aws_ssm_maintenance_window.off.id
  task_type = "RUN_COMMAND"
  task_arn  = "AWS-RunPatchBaseline"

  targets {
    key    = "tag:Patch"
    values = ["off"]
  }
}
