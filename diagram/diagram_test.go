package diagram

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/trifecta-scanner/trifecta/aws"
	"github.com/trifecta-scanner/trifecta/internal/golden"
	"github.com/trifecta-scanner/trifecta/inventory"
	"github.com/trifecta-scanner/trifecta/network"
)

func object(id inventory.ID) aws.Object {
	return aws.Object{Resource: &inventory.Resource{ID: id, Location: inventory.Location{Path: "main.tf", Line: 1}}}
}

// sample is a VPC with three tiers in two zones, a load balancer, two services and a database.
func sample(instances int) (*aws.Model, []network.Result) {
	m := &aws.Model{}
	vpc := &aws.VPC{Object: object("aws_vpc.main"), CIDR: aws.Of(netip.MustParsePrefix("10.0.0.0/16"))}
	m.VPCs = append(m.VPCs, vpc)
	igw := &aws.InternetGateway{Object: object("aws_internet_gateway.main"), VPC: aws.To(vpc)}
	m.InternetGateways = append(m.InternetGateways, igw)
	nat := &aws.NATGateway{Object: object("aws_nat_gateway.main")}
	tables := map[string]*aws.RouteTable{
		"public":   {Object: object("aws_route_table.public"), Routes: []*aws.Route{{Kind: aws.ToGateway, Target: aws.To[aws.Node](igw)}}},
		"private":  {Object: object("aws_route_table.private"), Routes: []*aws.Route{{Kind: aws.ToNAT, Target: aws.To[aws.Node](nat)}}},
		"isolated": {Object: object("aws_route_table.isolated")},
	}
	subnets := map[string][]aws.Ref[*aws.Subnet]{}
	for tier, table := range tables {
		for i, zone := range []string{"eu-central-1a", "eu-central-1b"} {
			s := &aws.Subnet{Object: object(inventory.ID(fmt.Sprintf("aws_subnet.%s[%d]", tier, i))), VPC: aws.To(vpc), Zone: aws.Of(zone), RouteTable: aws.To(table)}
			m.Subnets = append(m.Subnets, s)
			subnets[tier] = append(subnets[tier], aws.To(s))
		}
	}
	nat.Subnet = subnets["public"][0]
	m.NATGateways = append(m.NATGateways, nat)
	m.LoadBalancers = append(m.LoadBalancers, &aws.LoadBalancer{Object: object("aws_lb.web"), Type: aws.Of("application"), Subnets: subnets["public"]})
	m.TargetGroups = append(m.TargetGroups, &aws.TargetGroup{Object: object("aws_lb_target_group.web")})
	m.Services = append(m.Services, &aws.Service{Object: object("aws_ecs_service.web"), Subnets: subnets["private"]})
	m.Stores = append(m.Stores, &aws.Store{Object: object("aws_db_instance.main"), Kind: aws.RDSInstance, Subnets: subnets["isolated"]})
	results := []network.Result{
		{Address: "aws_db_instance.main", Kind: network.KindStore, Reachable: network.No},
		{
			Address: "aws_ecs_service.web", Kind: network.KindWorkload, Reachable: network.Yes, Breadth: network.BreadthAny, Ports: []string{"tcp/443"},
			Paths: []network.Path{{Nodes: []inventory.ID{network.Internet, "aws_internet_gateway.main", "aws_lb.web", "aws_lb_target_group.web", "aws_ecs_service.web"}}},
		},
		{
			Address: "aws_lb.web", Kind: network.KindProxy, Reachable: network.Yes, Breadth: network.BreadthAny, Ports: []string{"tcp/443"},
			Paths: []network.Path{{Nodes: []inventory.ID{network.Internet, "aws_internet_gateway.main", "aws_lb.web"}}},
		},
	}
	for i := range instances {
		id := inventory.ID(fmt.Sprintf("aws_instance.app[%d]", i))
		m.Instances = append(m.Instances, &aws.Instance{Object: object(id), Subnet: subnets["private"][i%2]})
		results = append(results, network.Result{Address: id, Kind: network.KindWorkload, Reachable: network.No})
	}
	return m, results
}

var formats = map[string]func(io.Writer, *Drawing) error{"mermaid": Mermaid, "dot": DOT, "svg": SVG}

func TestGolden(t *testing.T) {
	m, results := sample(3)
	d := Build(m, nil, results).Fold()
	for name, write := range formats {
		var b bytes.Buffer
		if err := write(&b, d); err != nil {
			t.Fatal(err)
		}
		golden.Check(t, "testdata/three-tiers."+name, b.Bytes())
	}
}

func TestFold(t *testing.T) {
	m, results := sample(300)
	d := Build(m, nil, results)
	folded := d.Fold()
	if len(folded.Nodes) > readable {
		t.Errorf("%d nodes are left of %d", len(folded.Nodes), len(d.Nodes))
	}
	members := 0
	for _, n := range folded.Nodes {
		members += max(len(n.Members), 1)
		if strings.HasPrefix(string(n.ID), "aws_instance.app") && n.Label != "aws_instance.app ×300" {
			t.Errorf("label %q", n.Label)
		}
	}
	if members != len(d.Nodes) {
		t.Errorf("%d of %d things are in the drawing", members, len(d.Nodes))
	}
}

// TestSound draws what nobody has built: groups around themselves and each other, and places that are not there.
func TestSound(t *testing.T) {
	m, results := sample(3)
	if d := Build(m, nil, results); d.Sound() != d || d.Fold().Exposed() == nil {
		t.Error("a drawing of Build is changed")
	}
	d := &Drawing{
		Groups: []Group{{ID: "a", Parent: "b"}, {ID: "b", Parent: "a"}, {ID: "self", Parent: "self"}, {ID: "b", Parent: "self"}, {ID: ""}, {ID: "last", Parent: "b"}},
		Nodes:  []Node{{ID: "x", Groups: []string{"b", "nowhere"}}, {ID: "y", Groups: []string{"self", "last", "a"}}},
	}
	want := []Group{{ID: "a"}, {ID: "b", Parent: "a"}, {ID: "self"}, {ID: "last", Parent: "b"}}
	if diff := cmp.Diff(want, d.Sound().Groups); diff != "" {
		t.Error(diff)
	}
	if got := d.Sound().Nodes[0].Groups; !slices.Equal(got, []string{"b"}) {
		t.Errorf("x stands in %q", got)
	}
	for name, write := range formats {
		if err := write(io.Discard, d); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestExposed(t *testing.T) {
	m, results := sample(1)
	d := Build(m, nil, results)
	exposed := d.Exposed()
	for _, n := range exposed.Nodes {
		if n.Exposure == Closed {
			t.Errorf("%s lies on no way from the internet", n.ID)
		}
	}
	if len(exposed.Nodes) != 4 || len(d.Exposed("aws_lb.web").Nodes) != 3 || len(d.Exposed("aws_db_instance.main").Nodes) != 1 {
		t.Errorf("%d, %d, %d nodes", len(exposed.Nodes), len(d.Exposed("aws_lb.web").Nodes), len(d.Exposed("aws_db_instance.main").Nodes))
	}
}

func TestTierOf(t *testing.T) {
	m, _ := sample(0)
	for _, s := range m.Subnets {
		if got := TierOf(s); !strings.Contains(string(s.Address()), string(got)) {
			t.Errorf("%s is %s", s.Address(), got)
		}
	}
	unknown := &aws.RouteTable{Routes: []*aws.Route{{Kind: aws.ToUnknownTarget}}}
	if got := TierOf(&aws.Subnet{RouteTable: aws.To(unknown)}); got != UnknownAs {
		t.Errorf("routes that are not known make it %s", got)
	}
}

// TestHostile draws names that each format could act upon.
func TestHostile(t *testing.T) {
	m, results := sample(0)
	evil := inventory.ID("x\"]<script>alert(1)</script>\x00\n\\end & #quot; %%{init}")
	m.Instances = append(m.Instances, &aws.Instance{Object: object(evil), Subnet: aws.To(m.Subnets[0])})
	results = append(results, network.Result{Address: evil, Reachable: network.Yes, Ports: []string{"\"-->evil"}, Paths: []network.Path{{Nodes: []inventory.ID{network.Internet, evil}}}})
	d := Build(m, nil, results)
	var svg, mermaid, dot bytes.Buffer
	for w, write := range map[*bytes.Buffer]func(io.Writer, *Drawing) error{&svg: SVG, &mermaid: Mermaid, &dot: DOT} {
		if err := write(w, d); err != nil {
			t.Fatal(err)
		}
	}
	if strings.Contains(svg.String(), "<script") || strings.Contains(mermaid.String(), "<script") {
		t.Error("a name became markup")
	}
	dec := xml.NewDecoder(&svg)
	for {
		if _, err := dec.Token(); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatalf("the picture is no XML: %v", err)
		}
	}
	for line := range strings.Lines(mermaid.String()) {
		if strings.Count(line, "\"")%2 != 0 {
			t.Errorf("quotes do not pair: %s", line)
		}
	}
	for line := range strings.Lines(dot.String()) {
		if strings.Count(strings.ReplaceAll(strings.ReplaceAll(line, `\\`, ""), `\"`, ""), `"`)%2 != 0 {
			t.Errorf("quotes do not pair: %s", line)
		}
	}
}

func BenchmarkBuild(b *testing.B) {
	m, results := sample(5000)
	for b.Loop() {
		Build(m, nil, results).Fold()
	}
}
