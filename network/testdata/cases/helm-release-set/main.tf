resource "helm_release" "shop" {
  name  = "shop"
  chart = "./chart"
  set {
    name  = "service.scheme"
    value = "internet-facing"
  }
}
