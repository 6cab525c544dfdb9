variable "azs" {
  type = list(string)
}

module "vpc" {
  source  = "terraform-aws-modules/vpc/aws"
  version = "~> 5.0"

  cidr             = "10.0.0.0/16"
  azs              = var.azs
  public_subnets   = ["10.0.1.0/24", "10.0.2.0/24"]
  private_subnets  = ["10.0.11.0/24", "10.0.12.0/24"]
  database_subnets = ["10.0.21.0/24", "10.0.22.0/24"]

  enable_nat_gateway = true
  single_nat_gateway = true
}

module "web_sg" {
  source  = "terraform-aws-modules/security-group/aws"
  version = "~> 5.0"

  name                     = "web"
  vpc_id                   = module.vpc.vpc_id
  ingress_rules            = ["https-443-tcp", "ssh-tcp"]
  ingress_cidr_blocks      = ["0.0.0.0/0"]
  ingress_with_cidr_blocks = [{ rule = "mysql-tcp", cidr_blocks = "10.0.0.0/16,10.1.0.0/16" }]
  egress_rules             = ["all-all"]
}

module "alb" {
  source  = "terraform-aws-modules/alb/aws"
  version = "~> 9.0"

  name    = "web"
  vpc_id  = module.vpc.vpc_id
  subnets = module.vpc.public_subnets

  security_group_ingress_rules = {
    https = { from_port = 443, ip_protocol = "tcp", cidr_ipv4 = "0.0.0.0/0" }
  }

  listeners = {
    https = {
      port     = 443
      protocol = "HTTPS"
      forward  = { target_group_key = "app" }
      rules = {
        old = {
          actions    = [{ type = "redirect", port = "443", protocol = "HTTPS", status_code = "HTTP_301" }]
          conditions = [{ path_pattern = { values = ["/old/*"] } }]
        }
      }
    }
  }

  target_groups = {
    app = { port = 8080, protocol = "HTTP", target_type = "ip", create_attachment = false }
  }
}

module "ecs" {
  source  = "terraform-aws-modules/ecs/aws"
  version = "~> 5.0"

  cluster_name = "main"

  services = {
    app = {
      subnet_ids            = module.vpc.private_subnets
      container_definitions = { app = { image = "shop/app:1", port_mappings = [{ containerPort = 8080 }] } }
      load_balancer         = { app = { target_group_arn = module.alb.target_groups["app"].arn, container_name = "app", container_port = 8080 } }
      security_group_rules = {
        alb = { type = "ingress", from_port = 8080, to_port = 8080, protocol = "tcp", source_security_group_id = module.alb.security_group_id }
      }
    }
  }
}

module "eks" {
  source  = "terraform-aws-modules/eks/aws"
  version = "~> 20.0"

  cluster_name                   = "main"
  cluster_endpoint_public_access = true
  vpc_id                         = module.vpc.vpc_id
  subnet_ids                     = module.vpc.private_subnets

  eks_managed_node_groups = {
    default = { instance_types = ["m5.large"] }
  }
}

module "bastion" {
  source  = "terraform-aws-modules/ec2-instance/aws"
  version = "~> 5.0"

  name                        = "bastion"
  ami                         = "ami-0123456789abcdef0"
  subnet_id                   = module.vpc.public_subnets[0]
  vpc_security_group_ids      = [module.web_sg.security_group_id]
  associate_public_ip_address = true
}

module "asg" {
  source  = "terraform-aws-modules/autoscaling/aws"
  version = "~> 8.0"

  name                = "workers"
  image_id            = "ami-0123456789abcdef0"
  vpc_zone_identifier = module.vpc.private_subnets
  security_groups     = [module.web_sg.security_group_id]
}

module "db" {
  source  = "terraform-aws-modules/rds/aws"
  version = "~> 6.0"

  identifier             = "db"
  engine                 = "postgres"
  db_subnet_group_name   = module.vpc.database_subnet_group_name
  vpc_security_group_ids = [module.web_sg.security_group_id]
}

module "aurora" {
  source  = "terraform-aws-modules/rds-aurora/aws"
  version = "~> 9.0"

  name                 = "aurora"
  engine               = "aurora-mysql"
  vpc_id               = module.vpc.vpc_id
  db_subnet_group_name = module.vpc.database_subnet_group_name
  instances            = { one = {} }

  security_group_rules = {
    app = { source_security_group_id = module.web_sg.security_group_id }
  }
}

module "function" {
  source  = "terraform-aws-modules/lambda/aws"
  version = "~> 7.0"

  function_name              = "hook"
  handler                    = "app.handler"
  runtime                    = "python3.12"
  source_path                = "src/hook"
  create_lambda_function_url = true
}

module "search" {
  source  = "terraform-aws-modules/opensearch/aws"
  version = "~> 1.0"

  domain_name = "search"
  vpc_options = { subnet_ids = module.vpc.private_subnets }
}

module "named_sg" {
  source = "terraform-aws-modules/security-group/aws//modules/http-80"

  name                = "named"
  vpc_id              = module.vpc.vpc_id
  ingress_cidr_blocks = ["10.0.0.0/8"]
}
