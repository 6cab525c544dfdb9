resource "aws_vpc" "main" {
  cidr_block = "10.0.0.0/16"
}
resource "aws_internet_gateway" "main" {
  vpc_id = aws_vpc.main.id
}
resource "aws_route_table" "public" {
  vpc_id = aws_vpc.main.id
  route {
    cidr_block = "0.0.0.0/0"
    gateway_id = aws_internet_gateway.main.id
  }
}
resource "aws_subnet" "public" {
  vpc_id                  = aws_vpc.main.id
  cidr_block              = "10.0.0.0/24"
  availability_zone       = "eu-central-1a"
  map_public_ip_on_launch = true
}
resource "aws_route_table_association" "public" {
  subnet_id      = aws_subnet.public.id
  route_table_id = aws_route_table.public.id
}
resource "aws_subnet" "private" {
  vpc_id            = aws_vpc.main.id
  cidr_block        = "10.0.1.0/24"
  availability_zone = "eu-central-1a"
}
resource "kubernetes_deployment" "a" {
  metadata {
    name   = "a"
    labels = { app = "a" }
  }
  spec {
    selector {
      match_labels = { app = "a" }
    }
    template {
      metadata {
        labels = { app = "a" }
      }
      spec {
        container {
          name  = "a"
          image = "acme/a:1"
          port {
            container_port = 8080
          }
        }
      }
    }
  }
}
resource "kubernetes_service_v1" "a" {
  metadata {
    name = "a"
    annotations = {

    }
  }
  spec {
    type     = "ClusterIP"
    selector = { app = "a" }
    port {
      port        = 80
      target_port = 8080
    }
  }
}
resource "kubernetes_ingress_v1" "a" {
  metadata {
    name = "a"
    annotations = {
      "alb.ingress.kubernetes.io/scheme"          = "internet-facing"
      "alb.ingress.kubernetes.io/wafv2-acl-arn"   = aws_wafv2_web_acl.edge.arn
      "alb.ingress.kubernetes.io/security-groups" = aws_security_group.alb.id
    }
  }
  spec {
    ingress_class_name = "alb"
    rule {
      http {
        path {
          path = "/"
          backend {
            service {
              name = kubernetes_service_v1.a.metadata[0].name
              port {
                number = 80
              }
            }
          }
        }
      }
    }
  }
}
resource "aws_wafv2_web_acl" "edge" {
  name  = "edge"
  scope = "REGIONAL"
  default_action {
    allow {}
  }
  rule {
    name     = "common"
    priority = 1
    override_action {
      none {}
    }
    statement {
      managed_rule_group_statement {
        name        = "AWSManagedRulesCommonRuleSet"
        vendor_name = "AWS"
      }
    }
    visibility_config {
      cloudwatch_metrics_enabled = false
      metric_name                = "x"
      sampled_requests_enabled   = false
    }
  }
  visibility_config {
    cloudwatch_metrics_enabled = false
    metric_name                = "x"
    sampled_requests_enabled   = false
  }
}
resource "aws_security_group" "alb" {
  vpc_id = aws_vpc.main.id
  ingress {
    from_port   = 80
    to_port     = 80
    protocol    = "tcp"
    cidr_blocks = ["198.51.100.0/24"]
  }
  egress {
    from_port   = 0
    to_port     = 0
    protocol    = "-1"
    cidr_blocks = ["0.0.0.0/0"]
  }
}
