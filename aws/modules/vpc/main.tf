# The model of terraform-aws-modules/vpc/aws follows.
