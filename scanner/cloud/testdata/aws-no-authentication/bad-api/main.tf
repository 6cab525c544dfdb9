provider "aws" {
  region = "eu-central-1"
}

resource "aws_lambda_function" "fn" {
  function_name = "fn"
  role          = "arn:aws:iam::111122223333:role/fn"
  runtime       = "python3.13"
  handler       = "app.handler"
  filename      = "fn.zip"
}

resource "aws_api_gateway_rest_api" "open" {
  name = "open"
}

resource "aws_api_gateway_method" "open" {
  rest_api_id   = aws_api_gateway_rest_api.open.id
  resource_id   = aws_api_gateway_rest_api.open.root_resource_id
  http_method   = "GET"
  authorization = "NONE" # want "high aws_api_gateway_method.open answers without authentication"
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
