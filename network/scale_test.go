package network

import (
	"fmt"
	"net/netip"
	"runtime"
	"testing"

	"github.com/trifecta-scanner/trifecta/aws"
	"github.com/trifecta-scanner/trifecta/inventory"
)

// generated returns a model of about n resources with four rules a resource: VPCs with three tiers, load balancers before
// instances, databases behind them.
func generated(n int) *aws.Model {
	m := &aws.Model{}
	resource := func(kind, name string) aws.Object {
		return aws.Object{Resource: &inventory.Resource{ID: inventory.ID(kind + "." + name), Type: kind, Name: name, Root: ".", Location: inventory.Location{Path: "main.tf", Line: 1}}, Unit: aws.Unit{Root: "."}}
	}
	prefix := func(text string) aws.Prefix { return aws.Of(netip.MustParsePrefix(text)) }
	made := 0
	for v := 0; made < n; v++ {
		vpc := &aws.VPC{Object: resource("aws_vpc", fmt.Sprint("v", v)), CIDR: prefix("10.0.0.0/16")}
		vpc.CIDRs = []aws.Prefix{vpc.CIDR}
		igw := &aws.InternetGateway{Object: resource("aws_internet_gateway", fmt.Sprint("v", v))}
		vpc.InternetGateways = []*aws.GatewayAttachment{{VPC: aws.To(vpc), Gateway: aws.To(aws.Node(igw))}}
		m.InternetGateways = append(m.InternetGateways, igw)
		acl := &aws.NetworkACL{Object: aws.Object{Resource: vpc.Resource, Origin: aws.Implied}, VPC: aws.To(vpc), Default: true}
		vpc.DefaultNetworkACL = acl
		private := &aws.RouteTable{Object: resource("aws_route_table", fmt.Sprint("p", v)), VPC: aws.To(vpc)}
		public := &aws.RouteTable{Object: resource("aws_route_table", fmt.Sprint("v", v)), VPC: aws.To(vpc), Routes: []*aws.Route{{Destination: prefix("0.0.0.0/0"), Kind: aws.ToGateway, Target: aws.To(aws.Node(igw))}}}
		public.Routes[0].At = public.Resource
		vpc.MainRouteTable = aws.To(private)
		m.VPCs, m.RouteTables, m.NetworkACLs = append(m.VPCs, vpc), append(m.RouteTables, private, public), append(m.NetworkACLs, acl)
		made += 5
		var tiers [3][]*aws.Subnet
		for t := range tiers {
			for z := range 3 {
				s := &aws.Subnet{Object: resource("aws_subnet", fmt.Sprintf("v%d_%d_%d", v, t, z)), VPC: aws.To(vpc), CIDR: prefix(fmt.Sprintf("10.0.%d.0/24", t*10+z)), Zone: aws.Of(fmt.Sprint("z", z)), NetworkACL: aws.To(acl), RouteTable: aws.To(private)}
				if t == 0 {
					s.RouteTable, s.AutoIPv4 = aws.To(public), aws.Of(true)
				}
				tiers[t] = append(tiers[t], s)
				m.Subnets = append(m.Subnets, s)
				made++
			}
		}
		group := func(name string, rules int, from *aws.SecurityGroup) *aws.SecurityGroup {
			g := &aws.SecurityGroup{Object: resource("aws_security_group", name), VPC: aws.To(vpc)}
			for r := range rules {
				rule := &aws.SecurityGroupRule{Protocol: aws.Of(6), FromPort: aws.Of(1000 + r%50), ToPort: aws.Of(1000 + r%50)}
				rule.At = g.Resource
				if from != nil && r%2 == 0 {
					rule.Groups = []aws.Ref[*aws.SecurityGroup]{aws.To(from)}
				} else {
					rule.CIDRs = []aws.Prefix{prefix(fmt.Sprintf("%d.%d.%d.0/24", 20+r%100, v%250, r%250))}
				}
				g.Ingress = append(g.Ingress, rule)
			}
			g.Egress = []*aws.SecurityGroupRule{{Protocol: aws.Of(-1), CIDRs: []aws.Prefix{prefix("0.0.0.0/0")}}}
			m.SecurityGroups = append(m.SecurityGroups, g)
			made++
			return g
		}
		for a := range 12 {
			name := fmt.Sprintf("v%d_%d", v, a)
			edge := group("edge"+name, 20, nil)
			app := group("app"+name, 60, edge)
			data := group("data"+name, 60, app)
			lb := &aws.LoadBalancer{Object: resource("aws_lb", name), Type: aws.Of("application"), VPC: aws.To(vpc), SecurityGroups: []aws.Ref[*aws.SecurityGroup]{aws.To(edge)}}
			for _, s := range tiers[0] {
				lb.Subnets = append(lb.Subnets, aws.To(s))
			}
			tg := &aws.TargetGroup{Object: resource("aws_lb_target_group", name), Port: aws.Of(1000), TargetType: aws.Of("instance"), VPC: aws.To(vpc)}
			listener := &aws.Listener{Object: resource("aws_lb_listener", name), LoadBalancer: aws.To(lb), Port: aws.Of(1000), Protocol: aws.Of("HTTP"), Actions: []aws.Action{{Type: aws.Of("forward"), TargetGroups: []aws.Ref[*aws.TargetGroup]{aws.To(tg)}}}}
			lb.Listeners = []*aws.Listener{listener}
			for i := range 6 {
				inst := &aws.Instance{Object: resource("aws_instance", fmt.Sprintf("%s_%d", name, i)), Subnet: aws.To(tiers[1][i%3])}
				inst.SecurityGroups = []aws.Ref[*aws.SecurityGroup]{aws.To(app)}
				m.Instances = append(m.Instances, inst)
				tg.Targets = append(tg.Targets, &aws.TargetAttachment{Group: aws.To(tg), Target: aws.To(aws.Node(inst))})
			}
			for i := range 2 {
				db := &aws.Instance{Object: resource("aws_instance", fmt.Sprintf("db%s_%d", name, i)), Subnet: aws.To(tiers[2][i%3])}
				db.SecurityGroups = []aws.Ref[*aws.SecurityGroup]{aws.To(data)}
				m.Instances = append(m.Instances, db)
			}
			m.LoadBalancers, m.TargetGroups, m.Listeners = append(m.LoadBalancers, lb), append(m.TargetGroups, tg), append(m.Listeners, listener)
			made += 3 + 6*2 + 2
		}
	}
	return m
}

func rules(m *aws.Model) int {
	n := 0
	for _, g := range m.SecurityGroups {
		n += len(g.Ingress) + len(g.Egress)
	}
	return n
}

func BenchmarkGenerated(b *testing.B) {
	for _, n := range []int{1_000, 5_000, 20_000, 100_000} {
		m := generated(n)
		b.Run(fmt.Sprintf("resources=%d/rules=%d", n, rules(m)), func(b *testing.B) {
			for b.Loop() {
				g := Build(m, nil)
				if len(g.Results()) == 0 {
					b.Fatal("no results")
				}
			}
			var mem runtime.MemStats
			runtime.ReadMemStats(&mem)
			b.ReportMetric(float64(mem.HeapSys)/1e6, "heap-MB")
		})
	}
}

// TestGenerated checks the answers of a generated model, so that the benchmark measures work that was done.
func TestGenerated(t *testing.T) {
	g := Build(generated(1_000), nil)
	for _, want := range []struct {
		address inventory.ID
		verdict Verdict
		hops    int
	}{{"aws_lb.v0_0", Yes, 0}, {"aws_instance.v0_0_0", Yes, 0}, {"aws_instance.dbv0_0_0", No, 1}} {
		answers := g.Explain(want.address, "")
		if len(answers) != 1 || answers[0].Reachable != want.verdict || answers[0].Hops != want.hops {
			t.Errorf("%s: %+v, want %s at %d hops", want.address, answers, want.verdict, want.hops)
		}
	}
}

// TestAdversarialRules ends, says what is certain, and that the rest was too complex.
func TestAdversarialRules(t *testing.T) {
	m := generated(1)
	group := m.SecurityGroups[1] // of the first application
	group.Ingress = nil
	for i := range 20_000 {
		r := &aws.SecurityGroupRule{Protocol: aws.Of(6), FromPort: aws.Of(i), ToPort: aws.Of(i + 20_000)}
		r.CIDRs = []aws.Prefix{aws.Of(netip.PrefixFrom(netip.AddrFrom4([4]byte{byte(20 + i%100), byte(i >> 8), byte(i), 0}), 24))}
		r.At = group.Resource
		group.Ingress = append(group.Ingress, r)
	}
	m.Instances[0].Subnet = aws.To(m.Subnets[0])
	m.Instances[0].PublicIP = aws.Of(true)
	g := Build(m, nil)
	answers := g.Explain(m.Instances[0].Address(), "")
	if len(answers) != 1 || answers[0].Reachable == No {
		t.Fatalf("a group that lets thousands of ranges in: %+v", answers)
	}
	if why := g.why.names(g.groupsOf(m.Instances[0].SecurityGroups, nil).allows(fromInternet, false, g.why).Why()); len(why) != 1 || why[0] != (inventory.Reason{Code: TooComplex, Ref: string(group.Address())}) {
		t.Errorf("the reasons are %v", why)
	}
}
