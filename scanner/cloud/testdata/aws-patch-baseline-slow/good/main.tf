provider "aws" {
  region = "eu-central-1"
}

resource "aws_ssm_patch_baseline" "weekly" {
  name             = "weekly"
  operating_system = "AMAZON_LINUX_2023"

  approval_rule {
    approve_after_days = 7

    patch_filter {
      key    = "SEVERITY"
      values = ["Critical", "Important"]
    }
  }
}

resource "aws_ssm_patch_group" "weekly" {
  baseline_id = aws_ssm_patch_baseline.weekly.id
  patch_group = "weekly"
}

resource "aws_ssm_patch_baseline" "all" {
  name             = "all"
  operating_system = "AMAZON_LINUX_2023"

  approval_rule {
    approve_after_days = 14

    patch_filter {
      key    = "SEVERITY"
      values = ["*"]
    }
  }
}

resource "aws_ssm_patch_group" "all" {
  baseline_id = aws_ssm_patch_baseline.all.id
  patch_group = "all"
}
