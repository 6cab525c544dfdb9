environment = "dev"
public      = false
operators   = ["198.51.100.0/24"]
