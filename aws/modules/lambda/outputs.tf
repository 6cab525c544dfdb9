output "lambda_function_arn" {
  value = try(aws_lambda_function.this[0].arn, null)
}

output "lambda_function_name" {
  value = try(aws_lambda_function.this[0].function_name, null)
}

output "lambda_function_invoke_arn" {
  value = try(aws_lambda_function.this[0].invoke_arn, null)
}

output "lambda_function_qualified_arn" {
  value = try(aws_lambda_function.this[0].qualified_arn, null)
}

output "lambda_function_url" {
  value = try(aws_lambda_function_url.this[0].function_url, null)
}

output "lambda_role_arn" {
  value = try(aws_iam_role.lambda[0].arn, null)
}

output "lambda_role_name" {
  value = try(aws_iam_role.lambda[0].name, null)
}

output "this_lambda_function_arn" {
  value = try(aws_lambda_function.this[0].arn, null)
}

output "this_lambda_function_name" {
  value = try(aws_lambda_function.this[0].function_name, null)
}

output "this_lambda_function_invoke_arn" {
  value = try(aws_lambda_function.this[0].invoke_arn, null)
}
