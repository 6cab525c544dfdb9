provider "aws" {
  region = "eu-central-1"

  default_tags {
    tags = {
      Patch = "weekly"
    }
  }
}

resource "aws_instance" "app" {
  ami           = "ami-0fb653ca2d3203ac1"
  instance_type = "t3.small"
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
