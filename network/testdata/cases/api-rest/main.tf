terraform {
  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = ">= 6.29"
    }
  }
}

provider "aws" {
  region = "eu-central-1"
}

resource "aws_lambda_function" "fn" {
  function_name = "fn"
  role          = "arn:aws:iam::111122223333:role/lambda"
  runtime       = "python3.12"
  handler       = "app.handler"
  filename      = "fn.zip"
}

resource "aws_api_gateway_rest_api" "open" {
  name = "open"
}

resource "aws_api_gateway_method" "open" {
  rest_api_id   = aws_api_gateway_rest_api.open.id
  resource_id   = aws_api_gateway_rest_api.open.root_resource_id
  http_method   = "ANY"
  authorization = "AWS_IAM"
}

resource "aws_api_gateway_integration" "open" {
  rest_api_id             = aws_api_gateway_rest_api.open.id
  resource_id             = aws_api_gateway_rest_api.open.root_resource_id
  http_method             = aws_api_gateway_method.open.http_method
  type                    = "AWS_PROXY"
  integration_http_method = "POST"
  uri                     = aws_lambda_function.fn.invoke_arn
}

resource "aws_api_gateway_deployment" "open" {
  rest_api_id = aws_api_gateway_rest_api.open.id
}

resource "aws_api_gateway_stage" "open" {
  rest_api_id   = aws_api_gateway_rest_api.open.id
  deployment_id = aws_api_gateway_deployment.open.id
  stage_name    = "prod"
}

resource "aws_api_gateway_rest_api" "undeployed" {
  name = "undeployed"
}

resource "aws_api_gateway_method" "undeployed" {
  rest_api_id   = aws_api_gateway_rest_api.undeployed.id
  resource_id   = aws_api_gateway_rest_api.undeployed.root_resource_id
  http_method   = "ANY"
  authorization = "AWS_IAM"
}

resource "aws_api_gateway_integration" "undeployed" {
  rest_api_id             = aws_api_gateway_rest_api.undeployed.id
  resource_id             = aws_api_gateway_rest_api.undeployed.root_resource_id
  http_method             = aws_api_gateway_method.undeployed.http_method
  type                    = "AWS_PROXY"
  integration_http_method = "POST"
  uri                     = aws_lambda_function.fn.invoke_arn
}

resource "aws_api_gateway_rest_api" "inner" {
  name = "inner"

  endpoint_configuration {
    types = ["PRIVATE"]
  }
}

resource "aws_api_gateway_method" "inner" {
  rest_api_id   = aws_api_gateway_rest_api.inner.id
  resource_id   = aws_api_gateway_rest_api.inner.root_resource_id
  http_method   = "ANY"
  authorization = "AWS_IAM"
}

resource "aws_api_gateway_integration" "inner" {
  rest_api_id             = aws_api_gateway_rest_api.inner.id
  resource_id             = aws_api_gateway_rest_api.inner.root_resource_id
  http_method             = aws_api_gateway_method.inner.http_method
  type                    = "AWS_PROXY"
  integration_http_method = "POST"
  uri                     = aws_lambda_function.fn.invoke_arn
}

resource "aws_api_gateway_deployment" "inner" {
  rest_api_id = aws_api_gateway_rest_api.inner.id
}

resource "aws_api_gateway_stage" "inner" {
  rest_api_id   = aws_api_gateway_rest_api.inner.id
  deployment_id = aws_api_gateway_deployment.inner.id
  stage_name    = "prod"
}

resource "aws_api_gateway_rest_api" "off" {
  name                         = "off"
  disable_execute_api_endpoint = true
}

resource "aws_api_gateway_method" "off" {
  rest_api_id   = aws_api_gateway_rest_api.off.id
  resource_id   = aws_api_gateway_rest_api.off.root_resource_id
  http_method   = "ANY"
  authorization = "AWS_IAM"
}

resource "aws_api_gateway_integration" "off" {
  rest_api_id             = aws_api_gateway_rest_api.off.id
  resource_id             = aws_api_gateway_rest_api.off.root_resource_id
  http_method             = aws_api_gateway_method.off.http_method
  type                    = "AWS_PROXY"
  integration_http_method = "POST"
  uri                     = aws_lambda_function.fn.invoke_arn
}

resource "aws_api_gateway_deployment" "off" {
  rest_api_id = aws_api_gateway_rest_api.off.id
}

resource "aws_api_gateway_stage" "off" {
  rest_api_id   = aws_api_gateway_rest_api.off.id
  deployment_id = aws_api_gateway_deployment.off.id
  stage_name    = "prod"
}
