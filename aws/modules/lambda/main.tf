# What terraform-aws-modules/lambda/aws declares, versions 2 to 8.

locals {
  create = var.create && var.create_function && !var.create_layer
}

resource "aws_lambda_function" "this" {
  count = local.create ? 1 : 0

  function_name = var.function_name
  role          = var.create_role ? aws_iam_role.lambda[0].arn : var.lambda_role
  package_type  = var.package_type
  handler       = var.package_type != "Zip" ? null : var.handler
  runtime       = var.package_type != "Zip" ? null : var.runtime
  image_uri     = var.image_uri
  filename      = var.package_type != "Zip" ? null : try(coalesce(var.local_existing_package, try(var.source_path.path, null), try(tostring(var.source_path), null)), null)

  dynamic "vpc_config" {
    for_each = var.vpc_subnet_ids != null && var.vpc_security_group_ids != null ? [1] : []
    content {
      subnet_ids         = var.vpc_subnet_ids
      security_group_ids = var.vpc_security_group_ids
    }
  }
}

resource "aws_iam_role" "lambda" {
  count = local.create && var.create_role ? 1 : 0

  name = try(coalesce(var.role_name, var.function_name), null)
}

locals {
  triggers = { for k, v in var.allowed_triggers : k => v if local.create }
}

resource "aws_lambda_permission" "current_version_triggers" {
  for_each = { for k, v in local.triggers : k => v if var.create_current_version_allowed_triggers }

  function_name = aws_lambda_function.this[0].function_name
  action        = try(each.value.action, "lambda:InvokeFunction")
  principal     = try(each.value.principal, "${each.value.service}.amazonaws.com", null)
  source_arn    = try(each.value.source_arn, null)
}

resource "aws_lambda_permission" "unqualified_alias_triggers" {
  for_each = { for k, v in local.triggers : k => v if var.create_unqualified_alias_allowed_triggers }

  function_name = aws_lambda_function.this[0].function_name
  action        = try(each.value.action, "lambda:InvokeFunction")
  principal     = try(each.value.principal, "${each.value.service}.amazonaws.com", null)
  source_arn    = try(each.value.source_arn, null)
}

resource "aws_lambda_function_url" "this" {
  count = local.create && var.create_lambda_function_url ? 1 : 0

  function_name      = aws_lambda_function.this[0].function_name
  authorization_type = var.authorization_type
}
