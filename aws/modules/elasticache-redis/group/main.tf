resource "aws_security_group" "default" {
  count = var.enabled ? 1 : 0

  vpc_id = var.vpc_id
}

resource "aws_security_group_rule" "ingress" {
  count = var.enabled ? length(var.allowed_security_group_ids) : 0

  security_group_id        = aws_security_group.default[0].id
  type                     = "ingress"
  from_port                = var.port
  to_port                  = var.port
  protocol                 = "tcp"
  source_security_group_id = var.allowed_security_group_ids[count.index]
}

resource "aws_security_group_rule" "egress" {
  count = var.enabled ? 1 : 0

  security_group_id = aws_security_group.default[0].id
  type              = "egress"
  from_port         = 0
  to_port           = 0
  protocol          = "-1"
  cidr_blocks       = ["0.0.0.0/0"]
}
