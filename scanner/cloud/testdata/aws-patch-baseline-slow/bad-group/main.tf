provider "aws" {
  region = "eu-central-1"
}

resource "aws_instance" "web" {
  ami           = "ami-0fb653ca2d3203ac1"
  instance_type = "t3.small"

  tags = {
    "PatchGroup" = "web"
  }
}

resource "aws_ssm_patch_baseline" "db" { # want "medium aws_ssm_patch_baseline.db is for patch groups that no machine of the code is in"
  name             = "db"
  operating_system = "AMAZON_LINUX_2023"

  approval_rule {
    approve_after_days = 3
  }
}

resource "aws_ssm_patch_group" "db" {
  baseline_id = aws_ssm_patch_baseline.db.id
  patch_group = "db"
}

resource "aws_ssm_patch_baseline" "web" {
  name             = "web"
  operating_system = "AMAZON_LINUX_2023"

  approval_rule {
    approve_after_days = 3
  }
}

resource "aws_ssm_patch_group" "web" {
  baseline_id = aws_ssm_patch_baseline.web.id
  patch_group = "web"
}
