provider "aws" {
  region = "eu-central-1"
}

resource "aws_instance" "app" {
  ami           = "ami-0fb653ca2d3203ac1"
  instance_type = "t3.small"
}

resource "aws_ssmquicksetup_configuration_manager" "patches" {
  name = "patches"

  configuration_definition {
    local_deployment_administration_role_arn = "arn:aws:iam::111122223333:role/AWS-QuickSetup-PatchPolicy-LocalAdministrationRole"
    local_deployment_execution_role_name     = "AWS-QuickSetup-PatchPolicy-LocalExecutionRole"
    type                                     = "AWSQuickSetupType-PatchPolicy"

    parameters = {
      "ConfigurationOptionsPatchOperation" = "ScanAndInstall"
      "ConfigurationOptionsInstallValue"   = "cron(0 4 ? * SAT *)"
      "TargetType"                         = "*"
    }
  }
}
