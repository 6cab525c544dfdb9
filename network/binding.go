package network

import (
	"slices"
	"strings"

	"github.com/trifecta-scanner/trifecta/aws"
	"github.com/trifecta-scanner/trifecta/inventory"
	"github.com/trifecta-scanner/trifecta/kube"
)

// addBindings leads from load balancers of the code to the pods of Services that a TargetGroupBinding registers with their
// target groups (https://kubernetes-sigs.github.io/aws-load-balancer-controller/latest/guide/targetgroupbinding/targetgroupbinding/).
func (k *kubernetes) addBindings() {
	for _, o := range k.m.Others {
		if o.Kind != "TargetGroupBinding" || o.Group != "elbv2.k8s.aws" && o.Group != "eks.amazonaws.com" {
			continue
		}
		ref := o.Get("spec", "serviceRef")
		port := ref.Get("port")
		tg := k.boundGroup(o)
		for _, s := range k.m.ServicesOf(kube.Backend{Kind: "Service", Name: ref.Get("name"), Port: port}, o) {
			gate := truthCond(k, s.Named(ref.Get("name"), o), &s.Object)
			if o.Resource.Exists == inventory.MayExist {
				gate = gate.and(perhaps(k.g.why.bits(o.Resource.Reasons...)))
			}
			if tg == nil {
				k.boundElsewhere(o, s, &port, gate)
				continue
			}
			k.bind(o, s, &port, tg, gate)
		}
	}
}

// boundGroup returns the target group of the code that a binding names; nil where it is none of them.
func (k *kubernetes) boundGroup(o *kube.Object) *aws.TargetGroup {
	arn := o.Get("spec", "targetGroupARN")
	name, _ := o.Get("spec", "targetGroupName").Text()
	if text, ok := arn.Text(); ok { // ...:targetgroup/NAME/ID
		if parts := strings.Split(text, "/"); len(parts) == 3 {
			name = parts[1]
		}
	}
	ref, isRef := arn.Ref()
	for _, tg := range k.g.model.TargetGroups {
		switch {
		case tg.Resource == nil || tg.Origin != aws.Declared || tg.Exists() == inventory.NotExists:
		case isRef && tg.Resource.ID == ref.Resource && tg.Resource.Root == o.Resource.Root && tg.Resource.Environment == o.Resource.Environment, name != "" && tg.Name.Is(name):
			return tg
		}
	}
	return nil
}

// bind makes the edges of the listeners that forward to a target group.
func (k *kubernetes) bind(o *kube.Object, s *kube.Service, port *inventory.Value, tg *aws.TargetGroup, gate cond) {
	c, _ := k.cluster(&s.Object)
	guarded := c != nil && o.Get("spec", "networking").IsNull() // else the controller opens the groups of the nodes
	if guarded && !tg.TargetType.Is("ip") {                     // by the nodes and their ports, whose groups nothing here asks
		guarded, gate = false, gate.and(perhaps(k.g.why.bits(inventory.Reason{Code: K8sLBController, Ref: string(o.ID())})))
	}
	for _, lb := range k.g.model.LoadBalancers {
		n := k.g.byObject[lb]
		if n == nil {
			continue
		}
		for _, l := range lb.Listeners {
			ports, why := k.g.portsOf(l.Port, l.Port)
			written := k.g.existence(&l.Object)
			for _, f := range k.g.forwards(l) {
				for _, r := range f.groups {
					groups, _ := resolve(k.g, r)
					at := slices.IndexFunc(groups, func(x option[*aws.TargetGroup]) bool { return x.of == tg })
					if at < 0 {
						continue
					}
					k.g.forwarded[tg] = true
					exists := gate.and(f.exists).and(perhaps(why)).and(written).and(perhaps(groups[at].why)).and(k.g.existence(&tg.Object))
					k.forward(s, n, port, exists, func(e *edge) {
						e.via = appendIDs(appendIDs(nil, tg.Address()), s.ID())
						e.port, e.shields, e.sources = ports, f.shields, f.sources
						e.keeps = keepsClient(lb, tg, e.proto)
						switch {
						case guarded:
							e.how = inVPC
						case c == nil:
							e.assumptions = addTo(e.assumptions, AssumedClusterNetwork)
						}
					})
				}
			}
		}
	}
}

// boundElsewhere says of the pods of a Service that a load balancer may lead to them that the code does not name.
func (k *kubernetes) boundElsewhere(o *kube.Object, s *kube.Service, port *inventory.Value, gate cond) {
	reasons := o.Get("spec", "targetGroupARN").AllReasons()
	if len(reasons) == 0 {
		reasons = []inventory.Reason{{Code: inventory.DataSource, Ref: string(o.ID())}}
	}
	n := k.serviceNode(s)
	f := &front{exists: gate.and(perhaps(k.g.why.bits(reasons...))), assumptions: []string{AssumedClusterNetwork}}
	for _, p := range s.Ports {
		ports, doubt := k.port(p.Port)
		f.open = f.open.Union(listens(protocolOf(p.Protocol), ports, doubt, false))
	}
	n.fronts = append(n.fronts, f)
	k.forward(s, n, port, certainly, nil)
}
