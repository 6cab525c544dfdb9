resource "aws_vpc" "main" {
  cidr_block = "10.0.0.0/16"
}

resource "aws_subnet" "a" {
  vpc_id     = aws_vpc.main.id
  cidr_block = "10.0.1.0/24"
}

resource "aws_db_subnet_group" "db" {
  name       = "db"
  subnet_ids = [aws_subnet.a.id]
}

resource "aws_db_instance" "plain" {
  engine               = "sqlserver-ex"
  db_subnet_group_name = "db"
}

resource "aws_db_instance" "nowhere" {
  engine              = "mysql"
  publicly_accessible = true
}

resource "aws_rds_cluster" "aurora" {
  cluster_identifier   = "aurora"
  engine               = "aurora-postgresql"
  db_subnet_group_name = aws_db_subnet_group.db.name
  storage_encrypted    = true
}

resource "aws_rds_cluster_instance" "one" {
  cluster_identifier  = aws_rds_cluster.aurora.id
  engine              = "aurora-postgresql"
  publicly_accessible = true
}

resource "aws_redshift_cluster" "dwh" {
  cluster_identifier  = "dwh"
  publicly_accessible = true
}

resource "aws_elasticache_replication_group" "cache" {
  replication_group_id       = "cache"
  engine                     = "valkey"
  at_rest_encryption_enabled = true
  subnet_group_name          = aws_elasticache_subnet_group.cache.name
}

resource "aws_elasticache_subnet_group" "cache" {
  name       = "cache"
  subnet_ids = [aws_subnet.a.id]
}

resource "aws_msk_cluster" "events" {
  cluster_name = "events"
  broker_node_group_info {
    client_subnets  = [aws_subnet.a.id]
    security_groups = [aws_security_group.events.id]
    connectivity_info {
      public_access {
        type = "SERVICE_PROVIDED_EIPS"
      }
    }
  }
}

resource "aws_security_group" "events" {
  vpc_id = aws_vpc.main.id
}

resource "aws_mq_broker" "queue" {
  broker_name         = "queue"
  engine_type         = "RabbitMQ"
  publicly_accessible = true
}

resource "aws_opensearch_domain" "open" {
  domain_name = "open"
  domain_endpoint_options {
    enforce_https = true
  }
}

resource "aws_opensearch_domain_policy" "open" {
  domain_name     = aws_opensearch_domain.open.domain_name
  access_policies = jsonencode({ Statement = [{ Effect = "Allow", Principal = "*", Action = "es:*", Resource = "*" }] })
}

resource "aws_opensearch_domain" "inside" {
  domain_name = "inside"
  vpc_options {
    subnet_ids = [aws_subnet.a.id]
  }
}

resource "aws_efs_file_system" "files" {
  encrypted = true
}

resource "aws_efs_mount_target" "files" {
  file_system_id = aws_efs_file_system.files.id
  subnet_id      = aws_subnet.a.id
}

resource "aws_s3_bucket" "logs" {
  bucket = "logs"
}

resource "aws_s3_bucket_public_access_block" "logs" {
  bucket            = aws_s3_bucket.logs.id
  block_public_acls = true
}

resource "aws_s3_bucket_policy" "logs" {
  bucket = aws_s3_bucket.logs.id
  policy = <<-JSON
    {"Statement": [{"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": ["s3:GetObject"], "Resource": "${aws_s3_bucket.logs.arn}/*"}]}
  JSON
}

resource "aws_s3_bucket_versioning" "logs" {
  bucket = aws_s3_bucket.logs.id
  versioning_configuration {
    status = "Enabled"
  }
}

resource "aws_s3_bucket_server_side_encryption_configuration" "logs" {
  bucket = aws_s3_bucket.logs.id
  rule {
    apply_server_side_encryption_by_default {
      sse_algorithm     = "aws:kms"
      kms_master_key_id = aws_kms_key.main.arn
    }
  }
}

resource "aws_kms_key" "main" {
  enable_key_rotation = true
}

resource "aws_cloudtrail" "main" {
  name           = "main"
  s3_bucket_name = aws_s3_bucket.logs.id
  kms_key_id     = aws_kms_key.main.arn
}

resource "aws_ebs_volume" "data" {
  availability_zone = "eu-central-1a"
  size              = 10
}

resource "aws_ebs_encryption_by_default" "on" {}

resource "aws_apprunner_service" "web" {
  service_name = "web"
  source_configuration {
    image_repository {
      image_identifier      = "public.ecr.aws/x/web:1"
      image_repository_type = "ECR_PUBLIC"
    }
  }
}

resource "aws_lightsail_instance" "blog" {
  name              = "blog"
  availability_zone = "eu-central-1a"
  blueprint_id      = "wordpress"
  bundle_id         = "nano_3_0"
}

resource "aws_lightsail_instance_public_ports" "blog" {
  instance_name = aws_lightsail_instance.blog.name
  port_info {
    protocol  = "tcp"
    from_port = 443
    to_port   = 443
    cidrs     = ["198.51.100.0/24"]
  }
}

resource "aws_transfer_server" "in" {
  protocols = ["SFTP"]
}

resource "aws_elastic_beanstalk_environment" "app" {
  name        = "app"
  application = "app"
  setting {
    namespace = "aws:ec2:vpc"
    name      = "ELBScheme"
    value     = "internal"
  }
}
