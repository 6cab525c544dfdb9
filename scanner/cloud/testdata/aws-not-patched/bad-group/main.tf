provider "aws" {
  region = "eu-central-1"
}

resource "aws_instance" "db" { # want "medium aws_instance.db is patched by nothing: its patch group db has a baseline, and no association or maintenance window with AWS-RunPatchBaseline installs what that approves; add an association with a schedule"
  ami           = "ami-0fb653ca2d3203ac1"
  instance_type = "t3.small"

  tags = {
    "Patch Group" = "db"
  }
}

resource "aws_ssm_patch_baseline" "db" {
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
