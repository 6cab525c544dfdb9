module "example.org/multi/lib"

require example.org/dep v1.0.0
