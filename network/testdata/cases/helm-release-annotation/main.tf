resource "helm_release" "shop" {
  name  = "shop"
  chart = "./chart"
  set {
    name  = "service.annotations.service\\.beta\\.kubernetes\\.io/aws-load-balancer-scheme"
    value = "internet-facing"
  }
}
