# This file is maintained automatically by "terraform init".

provider "registry.example/hashicorp/aws" {
  version     = "5.31.0"
  constraints = "~> 5.0"
  hashes = [
    "h1:ltxyuBWIy9cq0kIKDJH1jeWJy/y7XJLjS4QrsQK4plA=",
    "zh:0000000000000000000000000000000000000000000000000000000000000001",
    "zh:0000000000000000000000000000000000000000000000000000000000000002",
  ]
}

provider "registry.example/hashicorp/random" {
  version = "3.6.0"
}

provider "registry.example/hashicorp/tls" {
  version = "4.0.5"
}

provider "registry.example/hashicorp/null" {
  version = "3.2.1"
}

provider "registry.example/datadog/datadog" {
  version = "3.30.0"
}
