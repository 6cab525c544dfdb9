resource "aws_launch_template" "this" {
  count = 1

  name_prefix            = "${var.name}-"
  image_id               = var.ami_id
  vpc_security_group_ids = var.security_groups

  metadata_options {
    http_endpoint               = try(var.metadata_options.http_endpoint, "enabled")
    http_tokens                 = try(var.metadata_options.http_tokens, "required")
    http_put_response_hop_limit = try(var.metadata_options.http_put_response_hop_limit, null)
  }
}

resource "aws_autoscaling_group" "this" {
  count = 1

  name_prefix         = "${var.name}-"
  vpc_zone_identifier = var.subnet_ids

  launch_template {
    id = aws_launch_template.this[0].id
  }
}
