variable "scheme" {}
resource "helm_release" "shop" {
  name   = "shop"
  chart  = "${path.module}/chart"
  values = [yamlencode({ service = { scheme = var.scheme } })]
}
