module "example.org/work/lib"

require example.org/dep v1.0.0
