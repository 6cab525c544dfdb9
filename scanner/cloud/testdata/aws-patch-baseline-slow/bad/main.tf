provider "aws" {
  region = "eu-central-1"
}

resource "aws_ssm_patch_baseline" "slow" {
  name             = "slow"
  operating_system = "AMAZON_LINUX_2023"

  approval_rule {
    approve_after_days = 30 # want "medium aws_ssm_patch_baseline.slow approves patches after 30 days"

    patch_filter {
      key    = "SEVERITY"
      values = ["Critical", "Important"]
    }
  }
}

resource "aws_ssm_patch_group" "slow" {
  baseline_id = aws_ssm_patch_baseline.slow.id
  patch_group = "slow"
}

resource "aws_ssm_patch_baseline" "mild" { # want "medium aws_ssm_patch_baseline.mild leaves critical patches out"
  name             = "mild"
  operating_system = "AMAZON_LINUX_2023"

  approval_rule {
    approve_after_days = 3

    patch_filter {
      key    = "SEVERITY"
      values = ["Low"]
    }
  }
}

resource "aws_ssm_patch_group" "mild" {
  baseline_id = aws_ssm_patch_baseline.mild.id
  patch_group = "mild"
}

resource "aws_ssm_patch_baseline" "alone" { # want "medium aws_ssm_patch_baseline.alone is used by no patch group"
  name             = "alone"
  operating_system = "AMAZON_LINUX_2023"

  approval_rule {
    approve_after_days = 3

    patch_filter {
      key    = "SEVERITY"
      values = ["Critical", "Important"]
    }
  }
}
