package aws

import (
	"encoding/json"
	"net/netip"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/trifecta-scanner/trifecta/inventory"
)

var somewhere = inventory.Location{Path: "main.tf", Line: 3, Column: 5, EndLine: 3, EndColumn: 9}

func noDefault(name string) inventory.Reason {
	return inventory.Reason{Code: inventory.VarNoDefault, Ref: "var." + name}
}

// TestLeaves asks what a leaf says of each sort of value.
func TestLeaves(t *testing.T) {
	text := func(s string) inventory.Value { return inventory.StringValue(s, somewhere) }
	unknown := inventory.UnknownValue(somewhere, noDefault("x"))
	for _, tt := range []struct {
		name                    string
		value                   inventory.Value
		is, may, other          bool // "a" is it, may be it, "b" may be it
		absent, unknown, maybe_ bool
	}{
		{name: "nothing", value: inventory.Value{}, absent: true},
		{name: "null", value: inventory.NullValue(somewhere), absent: true},
		{name: "known", value: text("a"), is: true, may: true},
		{name: "another one", value: text("b"), other: true},
		{name: "a list of one", value: inventory.ListValue([]inventory.Value{text("a")}, somewhere), is: true, may: true},
		{name: "an empty list", value: inventory.ListValue(nil, somewhere), absent: true},
		{name: "a block", value: inventory.MapValue([]inventory.Field{{Name: "a", Value: text("a")}}, somewhere), absent: true},
		{name: "unknown", value: unknown, may: true, other: true, unknown: true},
		{name: "one of two", value: unknown.WithCandidates(text("a"), text("c")), may: true, unknown: true},
		{name: "one of which one is unknown", value: unknown.WithCandidates(text("a"), unknown), may: true, other: true, unknown: true},
		{name: "perhaps not written", value: unknown.WithCandidates(text("a"), inventory.Value{}), may: true, other: true, unknown: true},
		{name: "perhaps not there", value: text("a").AsMaybe(noDefault("n")), may: true, maybe_: true},
	} {
		v := leafOf[string](tt.value, "", 0)
		if v.Is("a") != tt.is || v.May("a") != tt.may || v.May("b") != tt.other || v.Absent() != tt.absent || v.Unknown() != tt.unknown || v.Maybe() != tt.maybe_ {
			t.Errorf("%s: is %v, may %v, other %v, absent %v, unknown %v, maybe %v", tt.name, v.Is("a"), v.May("a"), v.May("b"), v.Absent(), v.Unknown(), v.Maybe())
		}
		if !v.Absent() && v.Location() != somewhere {
			t.Errorf("%s: at %v", tt.name, v.Location())
		}
	}
}

func TestConversions(t *testing.T) {
	text := func(s string) inventory.Value { return inventory.StringValue(s, somewhere) }
	for _, tt := range []struct {
		got  any
		want any
	}{
		{leafOf[bool](text("ENABLED"), "", 0).Or(false), true},
		{leafOf[bool](text("false"), "", 0).Or(true), false},
		{leafOf[bool](text("internal"), "internal", 0).Or(false), true},
		{leafOf[bool](text("internet-facing"), "internal", 0).Or(true), false},
		{leafOf[bool](text("SERVICE_PROVIDED_EIPS"), "public", 0).Or(false), true},
		{leafOf[bool](text("internal"), "", 0).Unknown(), true},
		{leafOf[bool](inventory.NumberValue(1, somewhere), "", 0).Or(false), true},
		{leafOf[int](text("443"), "", 0).Or(0), 443},
		{leafOf[int](text("tcp"), "protocol", 0).Or(0), 6},
		{leafOf[int](text("ALL"), "protocol", 0).Or(0), -1},
		{leafOf[int](inventory.NumberValue(50, somewhere), "protocol", 0).Or(0), 50},
		{leafOf[int](text("esp"), "protocol", 0).Unknown(), true},
		{leafOf[netip.Prefix](text("10.1.2.3/8"), "", 0).Or(netip.Prefix{}).String(), "10.0.0.0/8"},
		{leafOf[netip.Prefix](text("192.0.2.1"), "", 0).Or(netip.Prefix{}).String(), "192.0.2.1/32"},
		{leafOf[netip.Prefix](text("2001:db8::1"), "", 0).Or(netip.Prefix{}).String(), "2001:db8::1/128"},
		{leafOf[netip.Prefix](text("10.0.0.0/33"), "", 0).Unknown(), true},
		{leafOf[string](text("x"), "secret", 0).Sensitive(), true},
	} {
		if tt.got != tt.want {
			t.Errorf("got %v, want %v", tt.got, tt.want)
		}
	}
}

func TestSame(t *testing.T) {
	leaf := func(v inventory.Value) Text { return leafOf[string](v, "", 0) }
	secret := inventory.UnknownValue(somewhere, inventory.Reason{Code: inventory.Computed, Ref: "random_password.a"}).WithRef(inventory.Ref{Resource: "random_password.a", Attribute: "result"})
	other := inventory.UnknownValue(somewhere, inventory.Reason{Code: inventory.Computed, Ref: "random_password.a"}).WithRef(inventory.Ref{Resource: "random_password.a", Attribute: "bcrypt_hash"})
	variable := inventory.UnknownValue(somewhere, noDefault("x"))
	together := func(parts ...inventory.Value) inventory.Value {
		return inventory.UnknownValue(somewhere, noDefault("x")).WithParts(parts...)
	}
	dash := inventory.StringValue("-", somewhere)
	for _, tt := range []struct {
		a, b inventory.Value
		want bool
	}{
		{dash, dash, true},
		{dash, inventory.StringValue("+", somewhere), false},
		{secret, secret, true},
		{secret, other, false},
		{secret, dash, false},
		{variable, variable, true},
		{variable, inventory.UnknownValue(somewhere, noDefault("y")), false},
		{together(variable, dash), together(variable, dash), true},
		{together(variable, dash), together(dash, variable), false},
		{together(variable, dash), variable, false},
		{inventory.UnknownValue(somewhere), inventory.UnknownValue(somewhere), false},
		{inventory.Value{}, inventory.Value{}, false},
	} {
		if got := leaf(tt.a).Same(leaf(tt.b)); got != tt.want {
			t.Errorf("%v and %v: %v, want %v", leaf(tt.a).show(), leaf(tt.b).show(), got, tt.want)
		}
		if leaf(tt.a).Same(leaf(tt.b)) != leaf(tt.b).Same(leaf(tt.a)) {
			t.Errorf("%v and %v: not the same both ways", leaf(tt.a).show(), leaf(tt.b).show())
		}
	}
}

func TestFromTemplate(t *testing.T) {
	text := func(s string) inventory.Value { return inventory.StringValue(s, somewhere) }
	tag := inventory.UnknownValue(somewhere, noDefault("tag"))
	for _, tt := range []struct {
		name  string
		parts []inventory.Value
		want  string
	}{
		{"within a text", []inventory.Value{text(`{"image": "app:`), tag, text(`"}`)}, `{"image":{"$unknown":[{"code":"VAR_NO_DEFAULT","ref":"var.tag"}]}}`},
		{"a whole text", []inventory.Value{text(`["`), tag, text(`", "x"]`)}, `[{"$unknown":[{"code":"VAR_NO_DEFAULT","ref":"var.tag"}]},"x"]`},
		{"instead of a number", []inventory.Value{text(`{"port": `), tag, text(`, "q": "\""}`)}, `{"port":{"$unknown":[{"code":"VAR_NO_DEFAULT","ref":"var.tag"}]},"q":"\""}`},
		{"no JSON", []inventory.Value{text(`{"a": `), tag, text(`}}`)}, `{"$unknown":[{"code":"VAR_NO_DEFAULT","ref":"var.tag"}]}`},
	} {
		v := inventory.UnknownValue(somewhere, noDefault("tag")).WithParts(tt.parts...)
		got, err := json.Marshal(decoded(v))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(tt.want, string(got)); diff != "" {
			t.Errorf("%s: %s", tt.name, diff)
		}
	}
}

func TestUnindexed(t *testing.T) {
	for _, tt := range []struct {
		id, want inventory.ID
		ok       bool
	}{
		{"aws_subnet.a[0]", "aws_subnet.a", true},
		{`module.m["x"].aws_subnet.a["b[1]"]`, `module.m["x"].aws_subnet.a`, true},
		{"module.m[0].aws_subnet.a", "", false},
		{"Stack/Logical", "", false},
		{"]", "", false},
	} {
		if got, ok := unindexed(tt.id); got != tt.want || ok != tt.ok {
			t.Errorf("%s: %s, %v", tt.id, got, ok)
		}
	}
}

// FuzzBuild gives a resource of each type whatever values: the model is built, and printed, without a panic.
func FuzzBuild(f *testing.F) {
	f.Add("aws_security_group", []byte(`{"ingress": [{"from_port": 1, "cidr_blocks": ["10.0.0.0/8", null]}], "vpc_id": "vpc-1"}`))
	f.Add("aws_vpc_peering_connection", []byte(`{"vpc_id": {"$unknown": [], "$ref": "aws_vpc.x.id"}, "peer_vpc_id": [[]]}`))
	f.Add("AWS::ECS::TaskDefinition", []byte(`{"ContainerDefinitions": [{"PortMappings": {"ContainerPort": "80"}}, 7]}`))
	f.Add("aws_ecs_task_definition", []byte(`{"container_definitions": "[{\"image\": 5}]"}`))
	f.Add("aws_default_security_group", []byte(`{}`))
	f.Add("aws_subnet", []byte(`{"vpc_id": {"$unknown": [], "$ref": "a.x.id"}}`))
	f.Add("AWS::ApiGatewayV2::Api", []byte(`{"Body": {"paths": {"/": {"get": {"security": [{"x": []}]}}}}}`))
	f.Fuzz(func(t *testing.T, typ string, values []byte) {
		var v inventory.Value
		if json.Unmarshal(values, &v) != nil {
			t.Skip()
		}
		language := inventory.Terraform
		if len(typ) > 5 && typ[:5] == "AWS::" {
			language = inventory.CloudFormation
		}
		m := Build([]*inventory.Resource{
			{ID: "a.x", Type: typ, Language: language, Root: ".", Values: v},
			{ID: "aws_vpc.x", Type: "aws_vpc", Language: inventory.Terraform, Root: ".", Values: v},
		})
		if _, err := json.Marshal(m.Facts()); err != nil {
			t.Fatal(err)
		}
	})
}
