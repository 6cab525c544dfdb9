provider "aws" {
  region = "eu-central-1"
}

resource "aws_vpc" "main" {
  cidr_block           = "10.0.0.0/16"
  enable_dns_hostnames = true
}

resource "aws_internet_gateway" "main" {
  vpc_id = aws_vpc.main.id
}

resource "aws_subnet" "pub" {
  vpc_id                  = aws_vpc.main.id
  cidr_block              = "10.0.1.0/24"
  availability_zone       = "eu-central-1a"
  map_public_ip_on_launch = true
}

resource "aws_subnet" "pub2" {
  vpc_id                  = aws_vpc.main.id
  cidr_block              = "10.0.2.0/24"
  availability_zone       = "eu-central-1b"
  map_public_ip_on_launch = true
}

resource "aws_route_table" "pub" {
  vpc_id = aws_vpc.main.id
  route {
    cidr_block = "0.0.0.0/0"
    gateway_id = aws_internet_gateway.main.id
  }
}

resource "aws_route_table_association" "pub" {
  subnet_id      = aws_subnet.pub.id
  route_table_id = aws_route_table.pub.id
}

resource "aws_route_table_association" "pub2" {
  subnet_id      = aws_subnet.pub2.id
  route_table_id = aws_route_table.pub.id
}


resource "aws_security_group" "web" {
  vpc_id = aws_vpc.main.id
  ingress {
    from_port   = 443
    to_port     = 443
    protocol    = "tcp"
    cidr_blocks = ["0.0.0.0/0"]
  }
  egress {
    from_port   = 0
    to_port     = 0
    protocol    = "-1"
    cidr_blocks = ["0.0.0.0/0"]
  }
}


resource "aws_subnet" "priv" {
  vpc_id            = aws_vpc.main.id
  cidr_block        = "10.0.11.0/24"
  availability_zone = "eu-central-1a"
}

resource "aws_subnet" "priv2" {
  vpc_id            = aws_vpc.main.id
  cidr_block        = "10.0.12.0/24"
  availability_zone = "eu-central-1b"
}

resource "aws_route_table" "priv" {
  vpc_id = aws_vpc.main.id
}

resource "aws_route_table_association" "priv" {
  subnet_id      = aws_subnet.priv.id
  route_table_id = aws_route_table.priv.id
}

resource "aws_route_table_association" "priv2" {
  subnet_id      = aws_subnet.priv2.id
  route_table_id = aws_route_table.priv.id
}

variable "cidrs" {
  type = list(string)
}

variable "port" {
  type = number
}

variable "n" {
  type = number
}

variable "subnet" {
  type = string
}

variable "public" {
  type = bool
}

variable "groups" {
  type = list(string)
}

variable "internal" {
  type = bool
}

resource "aws_security_group" "u" {
  vpc_id = aws_vpc.main.id
  ingress {
    from_port   = 22
    to_port     = 22
    protocol    = "tcp"
    cidr_blocks = var.cidrs
  }
}

resource "aws_security_group" "p" {
  vpc_id = aws_vpc.main.id
  ingress {
    from_port   = var.port
    to_port     = var.port
    protocol    = "tcp"
    cidr_blocks = ["198.51.100.0/24"]
  }
}

resource "aws_instance" "u" {
  ami                    = "ami-0123456789abcdef0"
  instance_type          = "t3.micro"
  subnet_id              = aws_subnet.pub.id
  vpc_security_group_ids = [aws_security_group.u.id]
}

resource "aws_instance" "priv" {
  ami                    = "ami-0123456789abcdef0"
  instance_type          = "t3.micro"
  subnet_id              = aws_subnet.priv.id
  vpc_security_group_ids = [aws_security_group.u.id]
}

resource "aws_instance" "both" {
  ami                    = "ami-0123456789abcdef0"
  instance_type          = "t3.micro"
  subnet_id              = aws_subnet.pub.id
  vpc_security_group_ids = [aws_security_group.u.id, aws_security_group.web.id]
}

resource "aws_instance" "port" {
  ami                    = "ami-0123456789abcdef0"
  instance_type          = "t3.micro"
  subnet_id              = aws_subnet.pub.id
  vpc_security_group_ids = [aws_security_group.p.id]
}

resource "aws_instance" "counted" {
  count                  = var.n
  ami                    = "ami-0123456789abcdef0"
  instance_type          = "t3.micro"
  subnet_id              = aws_subnet.pub.id
  vpc_security_group_ids = [aws_security_group.web.id]
}

resource "aws_instance" "cpriv" {
  count                  = var.n
  ami                    = "ami-0123456789abcdef0"
  instance_type          = "t3.micro"
  subnet_id              = aws_subnet.priv.id
  vpc_security_group_ids = [aws_security_group.web.id]
}

resource "aws_instance" "zero" {
  count                  = 0
  ami                    = "ami-0123456789abcdef0"
  instance_type          = "t3.micro"
  subnet_id              = aws_subnet.pub.id
  vpc_security_group_ids = [aws_security_group.web.id]
}

resource "aws_instance" "flag" {
  ami                         = "ami-0123456789abcdef0"
  instance_type               = "t3.micro"
  subnet_id                   = aws_subnet.pub.id
  associate_public_ip_address = var.public
  vpc_security_group_ids      = [aws_security_group.web.id]
}

resource "aws_instance" "flagclosed" {
  ami                         = "ami-0123456789abcdef0"
  instance_type               = "t3.micro"
  subnet_id                   = aws_subnet.priv.id
  associate_public_ip_address = var.public
  vpc_security_group_ids      = [aws_security_group.web.id]
}

resource "aws_instance" "subnet" {
  ami                    = "ami-0123456789abcdef0"
  instance_type          = "t3.micro"
  subnet_id              = var.subnet
  vpc_security_group_ids = [aws_security_group.web.id]
}

resource "aws_security_group" "closed" {
  vpc_id = aws_vpc.main.id
}

resource "aws_instance" "subnetclosed" {
  ami                    = "ami-0123456789abcdef0"
  instance_type          = "t3.micro"
  subnet_id              = var.subnet
  vpc_security_group_ids = [aws_security_group.closed.id]
}

resource "aws_instance" "groups" {
  ami                    = "ami-0123456789abcdef0"
  instance_type          = "t3.micro"
  subnet_id              = aws_subnet.pub.id
  vpc_security_group_ids = concat([aws_security_group.closed.id], var.groups)
}

resource "aws_instance" "groupsopen" {
  ami                    = "ami-0123456789abcdef0"
  instance_type          = "t3.micro"
  subnet_id              = aws_subnet.pub.id
  vpc_security_group_ids = concat([aws_security_group.web.id], var.groups)
}

resource "aws_instance" "cond" {
  ami                    = "ami-0123456789abcdef0"
  instance_type          = "t3.micro"
  subnet_id              = var.public ? aws_subnet.pub.id : aws_subnet.priv.id
  vpc_security_group_ids = [aws_security_group.web.id]
}

resource "aws_instance" "condsame" {
  ami                    = "ami-0123456789abcdef0"
  instance_type          = "t3.micro"
  subnet_id              = var.public ? aws_subnet.pub.id : aws_subnet.pub2.id
  vpc_security_group_ids = [aws_security_group.web.id]
}

resource "aws_lb" "maybe" {
  internal        = var.internal
  subnets         = [aws_subnet.pub.id, aws_subnet.pub2.id]
  security_groups = [aws_security_group.web.id]
}

resource "aws_lb_listener" "l" {
  load_balancer_arn = aws_lb.maybe.arn
  port              = 443
  protocol          = "HTTPS"
  default_action {
    type = "fixed-response"
    fixed_response {
      content_type = "text/plain"
      status_code  = "404"
    }
  }
}

module "remote" {
  source  = "terraform-aws-modules/something-odd/aws"
  version = "1.0.0"
}

resource "aws_instance" "remote" {
  ami                    = "ami-0123456789abcdef0"
  instance_type          = "t3.micro"
  subnet_id              = module.remote.subnet_id
  vpc_security_group_ids = [aws_security_group.web.id]
}

data "aws_subnet" "d" {
  tags = { Name = "x" }
}

resource "aws_instance" "data" {
  ami                    = "ami-0123456789abcdef0"
  instance_type          = "t3.micro"
  subnet_id              = data.aws_subnet.d.id
  vpc_security_group_ids = [aws_security_group.web.id]
}

data "http" "me" {
  url = "https://ip.example"
}

resource "aws_security_group" "me" {
  vpc_id = aws_vpc.main.id
  ingress {
    from_port   = 22
    to_port     = 22
    protocol    = "tcp"
    cidr_blocks = ["${chomp(data.http.me.response_body)}/32"]
  }
}

resource "aws_instance" "me" {
  ami                    = "ami-0123456789abcdef0"
  instance_type          = "t3.micro"
  subnet_id              = aws_subnet.pub.id
  vpc_security_group_ids = [aws_security_group.me.id]
}