# What the expressions of ../expressions.txt refer to.

variable "name" {
  type    = string
  default = "shop"
}

variable "settings" {
  type = object({
    size  = optional(number, 3)
    zone  = optional(string)
    tags  = optional(map(string), { made = "by hand" })
    inner = optional(object({ deep = optional(bool, true) }), {})
  })
  default = { zone = "a" }
}

variable "numbers" {
  type    = list(string)
  default = [1, 2, "3"]
}

variable "ports" {
  type    = set(number)
  default = [443, 80, 80]
}

variable "rules" {
  type = list(object({
    port  = number
    cidrs = optional(list(string), ["10.0.0.0/8"])
  }))
  default = [{ port = 80 }, { port = "443", cidrs = ["0.0.0.0/0"] }]
}

variable "any" {
  default = { a = [1, "b", true], c = null }
}

locals {
  list    = ["a", "b", "c", "d"]
  map     = { one = 1, two = 2, three = 3 }
  nested  = { x = { y = [{ z = "deep" }, { z = "deeper" }] } }
  empty   = []
  text    = "Hello, World"
  objects = [{ name = "api", port = 8080, public = true }, { name = "db", port = 5432, public = false }]
  many    = { for i in range(20) : format("key-%02d", i) => i }
  unicode = "Größe: 5 µm 日本語 👩‍👩‍👧"
  heredoc = <<-EOT
    first
      second ${var.name}
    third
  EOT
}
