package terraform_test

import (
	"fmt"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/trifecta-scanner/trifecta/inventory"
	"github.com/trifecta-scanner/trifecta/inventory/terraform"
)

// generated returns a tree of n resources: a tenth of them in modules, with references, locals, functions and dynamic
// blocks as people write them.
func generated(n int) fstest.MapFS {
	fsys := fstest.MapFS{
		"modules/service/main.tf": {Data: []byte(`
variable "name" {}
variable "vpc_id" {}
variable "ports" {
  type = list(object({ port = number, cidrs = optional(list(string), ["10.0.0.0/8"]) }))
}
resource "aws_security_group" "this" {
  name   = "${var.name}-sg"
  vpc_id = var.vpc_id
  dynamic "ingress" {
    for_each = var.ports
    content {
      from_port   = ingress.value.port
      to_port     = ingress.value.port
      protocol    = "tcp"
      cidr_blocks = ingress.value.cidrs
    }
  }
}
output "id" { value = aws_security_group.this.id }
`)},
		"main.tf": {Data: []byte("provider \"aws\" {\n  region = \"eu-west-1\"\n  default_tags {\n    tags = { Team = \"shop\" }\n  }\n}\nresource \"aws_vpc\" \"main\" {\n  cidr_block = \"10.0.0.0/16\"\n}\n")},
	}
	const perFile = 100
	for file := 0; file*perFile < n; file++ {
		var b strings.Builder
		for i := file * perFile; i < min((file+1)*perFile, n); i++ {
			switch i % 10 {
			case 0:
				fmt.Fprintf(&b, "module \"s%d\" {\n  source = \"./modules/service\"\n  name   = \"service-%d\"\n  vpc_id = aws_vpc.main.id\n  ports  = [{ port = %d }, { port = 443, cidrs = [\"0.0.0.0/0\"] }]\n}\n", i, i, i%65535)
			case 1, 2:
				fmt.Fprintf(&b, "resource \"aws_subnet\" \"s%d\" {\n  vpc_id     = aws_vpc.main.id\n  cidr_block = cidrsubnet(aws_vpc.main.cidr_block, 8, %d)\n  tags       = merge(local.tags%d, { Name = \"subnet-%d\" })\n}\nlocals {\n  tags%d = { Part = format(\"%%05d\", %d) }\n}\n", i, i%256, i, i, i, i)
			default:
				fmt.Fprintf(&b, "resource \"aws_instance\" \"i%d\" {\n  ami                    = \"ami-0123456789abcdef0\"\n  instance_type          = %d > 100 ? \"t3.large\" : \"t3.small\"\n  subnet_id              = aws_subnet.s%d.id\n  vpc_security_group_ids = [module.s%d.id]\n  root_block_device {\n    encrypted   = true\n    volume_size = %d\n  }\n  user_data = <<-EOT\n    #!/bin/sh\n    echo ${aws_vpc.main.id} > /etc/vpc\n  EOT\n}\n", i, i, i-i%10+1, i-i%10, i%100)
			}
		}
		fsys[fmt.Sprintf("part%04d.tf", file)] = &fstest.MapFile{Data: []byte(b.String())}
	}
	return fsys
}

func BenchmarkRead(b *testing.B) {
	for _, n := range []int{500, 5_000, 50_000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			tree, err := inventory.NewTree(b.Context(), generated(n), inventory.Limits{})
			if err != nil {
				b.Fatal(err)
			}
			b.ReportAllocs()
			for b.Loop() {
				inv, err := terraform.Source{}.Read(b.Context(), tree)
				if err != nil || len(inv.Resources) < n || len(inv.Notices) > 0 {
					b.Fatalf("%d resources, %v, %v", len(inv.Resources), inv.Notices, err)
				}
			}
		})
	}
}
