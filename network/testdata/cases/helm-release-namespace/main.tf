resource "helm_release" "shop" {
  name      = "shop"
  namespace = "store"
  chart     = "${path.module}/chart"
  values    = [file("${path.module}/v.yaml")]
}
