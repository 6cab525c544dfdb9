variable "on" {
  type = bool
}
resource "helm_release" "shop" {
  count = var.on ? 1 : 0
  name  = "shop"
  chart = "./chart"
  set {
    name  = "service.scheme"
    value = "internet-facing"
  }
}
