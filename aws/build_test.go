package aws_test

import (
	"fmt"
	"testing"

	"github.com/trifecta-scanner/trifecta/aws"
	"github.com/trifecta-scanner/trifecta/inventory"
)

// generated returns n resources of a usual mix, as an evaluator gives them.
func generated(n int) []*inventory.Resource {
	at := inventory.Location{Path: "main.tf", Line: 1, Column: 1}
	text := func(s string) inventory.Value { return inventory.StringValue(s, at) }
	ref := func(id inventory.ID, attribute string) inventory.Value {
		return inventory.UnknownValue(at, inventory.Reason{Code: inventory.Computed, Ref: string(id)}).WithRef(inventory.Ref{Resource: id, Attribute: attribute})
	}
	list := func(values ...inventory.Value) inventory.Value { return inventory.ListValue(values, at) }
	block := func(fields ...inventory.Field) inventory.Value { return inventory.MapValue(fields, at) }
	var all []*inventory.Resource
	add := func(typ, name string, fields ...inventory.Field) inventory.ID {
		id := inventory.ID(typ + "." + name)
		all = append(all, &inventory.Resource{
			ID: id, Type: typ, Name: name, Language: inventory.Terraform, Root: ".", Region: "eu-central-1", Location: at, Values: block(fields...),
		})
		return id
	}
	for i := 0; len(all) < n; i++ {
		name := func(s string) string { return fmt.Sprintf("%s%d", s, i) }
		vpc := add("aws_vpc", name("vpc"), inventory.Field{Name: "cidr_block", Value: text("10.0.0.0/16")})
		gateway := add("aws_internet_gateway", name("igw"), inventory.Field{Name: "vpc_id", Value: ref(vpc, "id")})
		table := add("aws_route_table", name("rt"), inventory.Field{Name: "vpc_id", Value: ref(vpc, "id")}, inventory.Field{Name: "route", Value: list(block(
			inventory.Field{Name: "cidr_block", Value: text("0.0.0.0/0")}, inventory.Field{Name: "gateway_id", Value: ref(gateway, "id")}))})
		group := add("aws_security_group", name("sg"), inventory.Field{Name: "vpc_id", Value: ref(vpc, "id")})
		for j := range 10 {
			subnet := add("aws_subnet", fmt.Sprintf("s%d_%d", i, j), inventory.Field{Name: "vpc_id", Value: ref(vpc, "id")},
				inventory.Field{Name: "cidr_block", Value: text(fmt.Sprintf("10.0.%d.0/24", j))})
			add("aws_route_table_association", fmt.Sprintf("s%d_%d", i, j), inventory.Field{Name: "subnet_id", Value: ref(subnet, "id")},
				inventory.Field{Name: "route_table_id", Value: ref(table, "id")})
			add("aws_security_group_rule", fmt.Sprintf("r%d_%d", i, j), inventory.Field{Name: "security_group_id", Value: ref(group, "id")},
				inventory.Field{Name: "type", Value: text("ingress")}, inventory.Field{Name: "protocol", Value: text("tcp")},
				inventory.Field{Name: "from_port", Value: inventory.NumberValue(float64(j), at)}, inventory.Field{Name: "to_port", Value: inventory.NumberValue(float64(j), at)},
				inventory.Field{Name: "cidr_blocks", Value: list(text("10.0.0.0/8"))})
			add("aws_instance", fmt.Sprintf("i%d_%d", i, j), inventory.Field{Name: "subnet_id", Value: ref(subnet, "id")},
				inventory.Field{Name: "ami", Value: text("ami-1")}, inventory.Field{Name: "vpc_security_group_ids", Value: list(ref(group, "id"))})
		}
	}
	return all[:n]
}

func BenchmarkBuild(b *testing.B) {
	for _, n := range []int{5_000, 50_000} {
		resources := generated(n)
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if m := aws.Build(resources); len(m.Subnets) < n/6 {
					b.Fatal("subnets are missing")
				}
			}
		})
	}
}
