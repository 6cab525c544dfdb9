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

resource "aws_api_gateway_rest_api" "iam" {
  name = "iam"
}

resource "aws_api_gateway_method" "iam" {
  rest_api_id   = aws_api_gateway_rest_api.iam.id
  resource_id   = aws_api_gateway_rest_api.iam.root_resource_id
  http_method   = "GET"
  authorization = "AWS_IAM"
}

resource "aws_api_gateway_integration" "iam" {
  rest_api_id             = aws_api_gateway_rest_api.iam.id
  resource_id             = aws_api_gateway_rest_api.iam.root_resource_id
  http_method             = aws_api_gateway_method.iam.http_method
  type                    = "AWS_PROXY"
  integration_http_method = "POST"
  uri                     = aws_lambda_function.fn.invoke_arn
}

resource "aws_api_gateway_deployment" "iam" {
  rest_api_id = aws_api_gateway_rest_api.iam.id
}

resource "aws_api_gateway_stage" "iam" {
  rest_api_id   = aws_api_gateway_rest_api.iam.id
  deployment_id = aws_api_gateway_deployment.iam.id
  stage_name    = "prod"
}

# Preflight requests carry no credentials.
resource "aws_api_gateway_rest_api" "preflight" {
  name = "preflight"
}

resource "aws_api_gateway_method" "preflight" {
  rest_api_id   = aws_api_gateway_rest_api.preflight.id
  resource_id   = aws_api_gateway_rest_api.preflight.root_resource_id
  http_method   = "OPTIONS"
  authorization = "NONE"
}

resource "aws_api_gateway_integration" "preflight" {
  rest_api_id             = aws_api_gateway_rest_api.preflight.id
  resource_id             = aws_api_gateway_rest_api.preflight.root_resource_id
  http_method             = aws_api_gateway_method.preflight.http_method
  type                    = "AWS_PROXY"
  integration_http_method = "POST"
  uri                     = aws_lambda_function.fn.invoke_arn
}

resource "aws_api_gateway_deployment" "preflight" {
  rest_api_id = aws_api_gateway_rest_api.preflight.id
}

resource "aws_api_gateway_stage" "preflight" {
  rest_api_id   = aws_api_gateway_rest_api.preflight.id
  deployment_id = aws_api_gateway_deployment.preflight.id
  stage_name    = "prod"
}

# A key is asked for.
resource "aws_api_gateway_rest_api" "key" {
  name = "key"
}

resource "aws_api_gateway_method" "key" {
  rest_api_id   = aws_api_gateway_rest_api.key.id
  resource_id   = aws_api_gateway_rest_api.key.root_resource_id
  http_method   = "GET"
  authorization = "NONE"
  api_key_required = true
}

resource "aws_api_gateway_integration" "key" {
  rest_api_id             = aws_api_gateway_rest_api.key.id
  resource_id             = aws_api_gateway_rest_api.key.root_resource_id
  http_method             = aws_api_gateway_method.key.http_method
  type                    = "AWS_PROXY"
  integration_http_method = "POST"
  uri                     = aws_lambda_function.fn.invoke_arn
}

resource "aws_api_gateway_deployment" "key" {
  rest_api_id = aws_api_gateway_rest_api.key.id
}

resource "aws_api_gateway_stage" "key" {
  rest_api_id   = aws_api_gateway_rest_api.key.id
  deployment_id = aws_api_gateway_deployment.key.id
  stage_name    = "prod"
}
