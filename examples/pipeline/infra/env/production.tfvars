environment = "production"

# What makes the old golang.org/x/net of app/go.mod urgent. The gate in front of production stops there.
public    = true
operators = ["198.51.100.0/24"]
