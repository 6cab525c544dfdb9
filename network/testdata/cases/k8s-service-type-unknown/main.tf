variable "t" {}
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
      "service.beta.kubernetes.io/aws-load-balancer-type"            = "external"
      "service.beta.kubernetes.io/aws-load-balancer-nlb-target-type" = "ip"
      "service.beta.kubernetes.io/aws-load-balancer-scheme"          = "internet-facing"
    }
  }
  spec {
    type     = var.t
    selector = { app = "a" }
    port {
      port        = 80
      target_port = 8080
    }
  }
}
