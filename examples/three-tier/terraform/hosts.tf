# Deliberate: Amazon Linux 2 got its last security update in June 2026.
data "aws_ami" "admin" {
  most_recent = true
  owners      = ["amazon"]

  filter {
    name   = "name"
    values = ["amzn2-ami-hvm-2.0.*-x86_64-gp2"]
  }
}

resource "aws_instance" "admin" {
  ami                         = data.aws_ami.admin.id
  instance_type               = "t3.micro"
  subnet_id                   = aws_subnet.public[0].id
  vpc_security_group_ids      = [aws_security_group.admin.id]
  associate_public_ip_address = true

  metadata_options {
    http_tokens = "required"
  }

  tags = {
    Name = "${var.name}-admin"
  }
}

# Deliberate: a machine image of 2024, named by its number. What it is, ../aws.json says.
resource "aws_launch_template" "worker" {
  name_prefix            = "${var.name}-worker-"
  image_id               = "ami-0a5c3558529277641"
  instance_type          = "t3.small"
  vpc_security_group_ids = [aws_security_group.worker.id]

  metadata_options {
    http_tokens = "required"
  }
}

resource "aws_autoscaling_group" "worker" {
  name                = "${var.name}-worker"
  min_size            = 1
  max_size            = 3
  vpc_zone_identifier = aws_subnet.private[*].id

  launch_template {
    id      = aws_launch_template.worker.id
    version = aws_launch_template.worker.latest_version
  }
}
