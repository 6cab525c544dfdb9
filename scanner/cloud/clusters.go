package cloud

import (
	"fmt"
	"strings"

	"github.com/trifecta-scanner/trifecta/aws"
	"github.com/trifecta-scanner/trifecta/inventory"
	"github.com/trifecta-scanner/trifecta/kube"
	"github.com/trifecta-scanner/trifecta/network"
	"github.com/trifecta-scanner/trifecta/scanner"
)

var clusterChecks = []Check{
	{
		Rule: rule("k8s-load-balancer-scheme-unset", "NET-042", scanner.Medium, "Service whose way to the outside is left to the controller",
			"Whether the load balancer of the Service is public depends on which controller the cluster runs: the in-tree one makes it public, the AWS Load Balancer Controller internal. Write the scheme "+
				"(service.beta.kubernetes.io/aws-load-balancer-scheme). A NodePort is open on every node, and nodes with public addresses show it.", "Well-Architected SEC05-BP02"),
		Kind: scanner.KindMisconfiguration, Pillar: scanner.PillarFirewall, run: schemeUnset,
	},
	{
		Rule: rule("k8s-no-network-policy", "NET-043", scanner.Medium, "Exposed workload in a namespace without an enforced network policy",
			"Whoever takes over the exposed pod can speak with every pod of the cluster. Add a NetworkPolicy that denies by default, and a CNI that enforces it.", "Well-Architected SEC05-BP01"),
		Kind: scanner.KindMisconfiguration, Pillar: scanner.PillarFirewall, run: noNetworkPolicy,
	},
}

// schemes are the annotations that say whether a load balancer is public.
var schemes = []string{
	"service.beta.kubernetes.io/aws-load-balancer-scheme", "service.beta.kubernetes.io/aws-load-balancer-internal",
	"cloud.google.com/load-balancer-type", "networking.gke.io/load-balancer-type", "service.beta.kubernetes.io/azure-load-balancer-internal",
}

func schemeUnset(p *pass) {
	if p.Cluster == nil {
		return
	}
	for _, s := range p.Cluster.Services {
		self := &aws.Object{Resource: s.Resource}
		switch {
		case s.IsType(kube.LoadBalancer) == kube.Yes:
			written := false
			for _, name := range schemes {
				written = written || !s.Annotation(name).IsNull()
			}
			if class, _ := s.LoadBalancerClass.Text(); written || class != "" || !s.Annotations.Known() {
				continue
			}
			p.report(found{self: self, at: s.Type.Location(), message: "asks for a load balancer and does not say whether it is public", advice: "write the scheme in its annotations"})
		case s.IsType(kube.NodePort) == kube.Yes:
			for _, g := range p.Model.NodeGroups {
				for _, subnet := range targets(g.Subnets) {
					if internetRoute(subnet) == certain {
						p.report(found{self: self, at: s.Type.Location(), message: fmt.Sprintf("opens a port on the nodes of %s, which stand in subnets with a route to the internet", g.Address()), advice: "use a ClusterIP behind an Ingress, or private subnets"})
					}
				}
			}
		}
	}
}

func noNetworkPolicy(p *pass) {
	if p.Cluster == nil {
		return
	}
	type namespace struct{ set, name string }
	guarded := map[namespace]bool{}
	for _, n := range p.Cluster.NetworkPolicies {
		guarded[namespace{n.Set, n.Namespace}] = true
	}
	for _, c := range p.Cluster.CiliumPolicies {
		guarded[namespace{c.Set, c.Namespace}] = true
	}
	unsure := map[inventory.ID]bool{}
	for i := range p.Results {
		for _, u := range p.Results[i].Unknown {
			if u.Code == network.NetpolEnforcement {
				unsure[p.Results[i].Address] = true
			}
		}
	}
	reported := map[namespace]bool{}
	for _, w := range p.Cluster.Workloads {
		self := &aws.Object{Resource: w.Resource, Unit: aws.Unit{Root: w.Resource.Root, Environment: w.Resource.Environment}}
		at := namespace{w.Set, w.Namespace}
		if reported[at] || !p.exposed(self) {
			continue
		}
		if !guarded[at] {
			reported[at] = true
			p.report(found{
				self: self, message: fmt.Sprintf("is exposed in namespace %s, which has no NetworkPolicy", w.Namespace), advice: "add one that denies by default", workloads: []inventory.ID{w.ID()},
			})
		} else if unsure[w.ID()] || !p.enforcing() {
			reported[at] = true
			p.report(found{
				self: self, sure: possible, message: fmt.Sprintf("is exposed in namespace %s, whose NetworkPolicies nothing in the code enforces", w.Namespace), advice: "install a CNI that enforces them",
				workloads: []inventory.ID{w.ID()},
			})
		}
	}
}

// enforcers are charts and addons that enforce network policies.
var enforcers = []string{"calico", "cilium", "antrea", "tigera-operator", "canal", "kube-router", "weave"}

// enforcing reports whether something in the code enforces network policies.
func (p *pass) enforcing() bool {
	if len(p.Cluster.CiliumPolicies) > 0 {
		return true
	}
	for _, r := range p.Cluster.Releases {
		for _, e := range enforcers {
			if strings.Contains(r.ChartName(), e) {
				return true
			}
		}
	}
	for _, a := range p.Model.Addons {
		if text, _ := a.Configuration.Known(); a.Name.Is("vpc-cni") && strings.Contains(text, "enableNetworkPolicy") {
			return true
		}
	}
	return false
}
