package network_test

import (
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/trifecta-scanner/trifecta/aws"
	"github.com/trifecta-scanner/trifecta/inventory"
	"github.com/trifecta-scanner/trifecta/network"
)

func ownCase(t *testing.T, name string) (*network.Graph, *aws.Model) {
	t.Helper()
	model := aws.Build(resourcesOf(t, filepath.Join("testdata", "cases", name), nil))
	return network.Build(model, nil), model
}

func TestDirectAndProxies(t *testing.T) {
	g, _ := ownCase(t, "asg-bypass")
	ports, sources := g.Direct("aws_autoscaling_group.app")
	if diff := cmp.Diff([][]string{{"tcp/8080"}, {"0.0.0.0/0"}}, [][]string{ports, sources}); diff != "" {
		t.Errorf("past the load balancer (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]inventory.ID{"aws_lb.web"}, g.Proxies("aws_autoscaling_group.app")); diff != "" {
		t.Errorf("proxies (-want +got):\n%s", diff)
	}
	closing := g.Closing("aws_autoscaling_group.app")
	var at []inventory.ID
	for _, guard := range closing {
		at = append(at, guard.At)
	}
	if diff := cmp.Diff([]inventory.ID{"aws_security_group.app"}, at); diff != "" {
		t.Errorf("one rule holds both ways open (-want +got):\n%s", diff)
	}
}

func TestSubnetsAndGroups(t *testing.T) {
	g, m := ownCase(t, "alb-actions")
	exits := map[inventory.ID]network.Exit{}
	for _, s := range m.Subnets {
		exits[s.Address()] = g.ExitOf(s, network.V4)
	}
	want := map[inventory.ID]network.Exit{"aws_subnet.a": network.ExitInternetGateway, "aws_subnet.b": network.ExitInternetGateway, "aws_subnet.app_a": network.ExitNone, "aws_subnet.app_b": network.ExitNone}
	if diff := cmp.Diff(want, exits); diff != "" {
		t.Errorf("exits (-want +got):\n%s", diff)
	}
	for _, s := range m.SecurityGroups {
		switch s.Address() {
		case "aws_security_group.app":
			if diff := cmp.Diff([]inventory.ID{"aws_instance.app", "aws_instance.idle"}, g.Carriers(s)); diff != "" {
				t.Errorf("carriers (-want +got):\n%s", diff)
			}
		case "aws_security_group.alb":
			exposed := g.Exposed(s.Address(), s.Ingress[1].Location)
			if diff := cmp.Diff([]inventory.ID{"aws_instance.app", "aws_lb.web"}, exposed); diff != "" {
				t.Errorf("what the rule for 443 opens (-want +got):\n%s", diff)
			}
			if latent := g.Exposed(s.Address(), s.Ingress[2].Location); len(latent) > 0 {
				t.Errorf("the rule for 22 opens %v, and no listener takes it", latent)
			}
		}
	}
	for _, s := range m.Subnets {
		if want := s.Address() == "aws_subnet.a" || s.Address() == "aws_subnet.b"; g.NeedsPublicSubnet(s) != want {
			t.Errorf("%s: needs its route to the gateway: %v", s.Address(), !want)
		}
	}
}

func TestCutsAndShadows(t *testing.T) {
	g, _ := ownCase(t, "nacl-return")
	want := []network.Cut{{Address: "aws_instance.shut", ACL: "aws_network_acl.shut", Code: network.NACLDenyOut, Ports: []string{"tcp/443"}}}
	if diff := cmp.Diff(want, g.Cuts()); diff != "" {
		t.Errorf("cuts (-want +got):\n%s", diff)
	}
	model := aws.Build(resourcesOf(t, filepath.Join("testdata", "shadow"), nil))
	g = network.Build(model, nil)
	for _, acl := range model.NetworkACLs {
		if acl.Address() != "aws_network_acl.edge" || acl.Origin != aws.Declared {
			continue
		}
		shadows := g.Shadowed(acl)
		if len(shadows) != 1 || shadows[0].Rule.Number.Or(0) != 200 || shadows[0].By.Number.Or(0) != 100 || !shadows[0].Opposite {
			t.Errorf("shadows of %s: %+v", acl.Address(), shadows)
		}
	}
}

func TestWaysOfWhatIsNotReachable(t *testing.T) {
	g, _ := ownCase(t, "alb-egress")
	ways := g.Ways("aws_instance.app")
	if len(ways) < 2 || ways[0].Front != "aws_lb.web" {
		t.Fatalf("ways: %+v", ways)
	}
	if diff := cmp.Diff([]network.Block{{Code: network.SGNoMatch, At: "aws_security_group.alb"}}, ways[0].Blocks); diff != "" {
		t.Errorf("what blocks by the load balancer (-want +got):\n%s", diff)
	}
}
