terraform {
  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = "~> 5.80"
    }
  }
}

provider "aws" {
  region = "eu-central-1"
}

resource "aws_lambda_function" "f" {
  function_name = "f0"
  role          = "arn:aws:iam::111122223333:role/lambda"
  runtime       = "python3.12"
  handler       = "app.handler"
  filename      = "build/f.zip"
}

resource "aws_lambda_function_url" "f" {
  function_name      = aws_lambda_function.f.function_name
  authorization_type = "NONE"
}

resource "aws_lambda_function" "g" {
  function_name = "f1"
  role          = "arn:aws:iam::111122223333:role/lambda"
  runtime       = "python3.12"
  handler       = "app.handler"
  filename      = "build/f.zip"
}

resource "aws_lambda_function_url" "g" {
  function_name      = aws_lambda_function.g.arn
  authorization_type = "NONE"
}

resource "aws_lambda_permission" "g" {
  function_name            = aws_lambda_function.g.function_name
  action                   = "lambda:InvokeFunction"
  principal                = "*"
  invoked_via_function_url = true
}

variable "auth" {
  type = string
}

resource "aws_lambda_function" "u" {
  function_name = "f2"
  role          = "arn:aws:iam::111122223333:role/lambda"
  runtime       = "python3.12"
  handler       = "app.handler"
  filename      = "build/f.zip"
}

resource "aws_lambda_function_url" "u" {
  function_name      = aws_lambda_function.u.arn
  authorization_type = var.auth
}