resource "aws_db_subnet_group" "this" {
  count = var.create ? 1 : 0

  name_prefix = "${var.name}-"
  subnet_ids  = var.subnet_ids
}
