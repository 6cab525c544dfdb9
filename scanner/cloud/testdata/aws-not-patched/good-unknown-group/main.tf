provider "aws" {
  region = "eu-central-1"
}

resource "aws_instance" "app" {
  ami           = "ami-0fb653ca2d3203ac1"
  instance_type = "t3.small"
}

# Who is in this group only the account knows.
resource "aws_ssm_association" "foreign" {
  name                = "AWS-RunPatchBaseline"
  schedule_expression = "cron(0 2 ? * SUN *)"

  parameters = {
    Operation = "Install"
  }

  targets {
    key    = "resource-groups:Name"
    values = ["of-another-repository"]
  }
}
