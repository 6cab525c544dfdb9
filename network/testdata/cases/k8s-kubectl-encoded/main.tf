variable "scheme" {}
resource "kubectl_manifest" "s" {
  yaml_body = yamlencode({ apiVersion = "v1", kind = "Service", metadata = { name = "a", annotations = { "service.beta.kubernetes.io/aws-load-balancer-scheme" = var.scheme } }, spec = { type = "LoadBalancer", selector = { app = "a" }, ports = [{ port = 80, targetPort = 8080 }] } })
}
