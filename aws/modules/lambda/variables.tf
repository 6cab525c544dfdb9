variable "create" {
  default = true
}

variable "create_function" {
  default = true
}

variable "create_layer" {
  default = false
}

variable "create_role" {
  default = true
}

variable "function_name" {
  default = ""
}

variable "role_name" {
  default = null
}

variable "lambda_role" {
  default = ""
}

variable "package_type" {
  default = "Zip"
}

variable "handler" {
  default = ""
}

variable "runtime" {
  default = ""
}

variable "image_uri" {
  default = null
}

variable "source_path" {
  default = null
}

variable "local_existing_package" {
  default = null
}

variable "vpc_subnet_ids" {
  default = null
}

variable "vpc_security_group_ids" {
  default = null
}

variable "allowed_triggers" {
  default = {}
}

variable "create_current_version_allowed_triggers" {
  default = true
}

variable "create_unqualified_alias_allowed_triggers" {
  default = true
}

variable "create_lambda_function_url" {
  default = false
}

variable "authorization_type" {
  default = "NONE"
}
