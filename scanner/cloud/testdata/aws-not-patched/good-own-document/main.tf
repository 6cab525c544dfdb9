provider "aws" {
  region = "eu-central-1"
}

resource "aws_instance" "app" {
  ami           = "ami-0fb653ca2d3203ac1"
  instance_type = "t3.small"
}

resource "aws_ssm_document" "patch" {
  name          = "drain-and-patch"
  document_type = "Command"

  content = jsonencode({
    schemaVersion = "2.2"
    mainSteps = [{
      action = "aws:runDocument"
      name   = "patch"
      inputs = { documentType = "SSMDocument", documentPath = "AWS-RunPatchBaseline" }
    }]
  })
}

resource "aws_ssm_association" "patch" {
  name                = aws_ssm_document.patch.name
  schedule_expression = "rate(7 days)"

  targets {
    key    = "InstanceIds"
    values = ["*"]
  }
}
