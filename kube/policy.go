package kube

import (
	"strings"

	"github.com/trifecta-scanner/trifecta/inventory"
)

// NetworkPolicy says what may connect to the pods that it selects, where the network of the cluster enforces it
// (https://kubernetes.io/docs/concepts/services-networking/network-policies/).
type NetworkPolicy struct {
	Object
	Pods Selector
	// Ingress and Egress say which directions the policy closes, apart from what its rules allow.
	IngressClosed, EgressClosed Truth
	Ingress, Egress             []PolicyRule
}

// PolicyRule allows connections. Without ports it allows all of them, without peers it allows anyone.
type PolicyRule struct {
	Ports    []PolicyPort
	Peers    []Peer
	AnyPeer  Truth // whether the rule names no peers, which allows anyone
	AnyPort  Truth // likewise
	Location inventory.Location
}

// PolicyPort is a port of the pod, or a range.
type PolicyPort struct {
	Protocol string          // TCP by default; empty where it is not known
	Port     inventory.Value // number or name of a container's port; Null: all
	EndPort  inventory.Value // the last of a range; Null: only Port
}

// Peer is the other side of a connection: pods of the cluster, or addresses.
type Peer struct {
	Pods       Selector // not written: all pods of the namespaces
	Namespaces Selector // not written: the policy's own
	CIDR       inventory.Value
	Except     []inventory.Value
	// Entity is one of Cilium's names for a side: world, cluster, host, all, ...
	Entity   inventory.Value
	Location inventory.Location
}

// IsCIDR reports whether the peer is addresses.
func (p Peer) IsCIDR() bool { return !p.CIDR.IsNull() }

func newNetworkPolicy(o *Object) *NetworkPolicy {
	spec := o.Get("spec")
	p := &NetworkPolicy{Object: *o, Pods: Selector{Values: spec.Get("podSelector")}}
	if !p.Pods.Written() { // the field is required; an empty one is what the API makes of null
		p.Pods.Values = inventory.MapValue(nil, spec.Location())
	}
	for _, r := range blocksOrEmpty(spec.Get("ingress")) {
		p.Ingress = append(p.Ingress, newPolicyRule(r, "from"))
	}
	for _, r := range blocksOrEmpty(spec.Get("egress")) {
		p.Egress = append(p.Egress, newPolicyRule(r, "to"))
	}
	kinds := spec.Get("policyTypes")
	switch {
	case kinds.IsNull(), len(kinds.Elements()) == 0:
		p.IngressClosed, p.EgressClosed = Yes, truth(len(p.Egress) > 0)
	default:
		for _, k := range kinds.Elements() {
			if k.IsUnknown() {
				p.IngressClosed, p.EgressClosed = p.IngressClosed.Or(Maybe), p.EgressClosed.Or(Maybe)
			}
			switch name, _ := k.Text(); name {
			case "Ingress":
				p.IngressClosed = Yes
			case "Egress":
				p.EgressClosed = Yes
			}
		}
	}
	return p
}

// blocksOrEmpty returns the elements of a list of rules; an element that is written as null is an empty rule.
func blocksOrEmpty(v inventory.Value) []inventory.Value {
	var list []inventory.Value
	for _, e := range v.Elements() {
		if e.IsNull() || e.Kind() == inventory.Map || e.IsUnknown() {
			list = append(list, e)
		}
	}
	return list
}

func newPolicyRule(v inventory.Value, side string) PolicyRule {
	peers, ports := v.Get(side), v.Get("ports")
	r := PolicyRule{AnyPeer: none(peers), AnyPort: none(ports), Location: v.Location()}
	for _, p := range blocks(peers) {
		r.Peers = append(r.Peers, Peer{
			Pods: Selector{Values: p.Get("podSelector")}, Namespaces: Selector{Values: p.Get("namespaceSelector")},
			CIDR: p.Get("ipBlock", "cidr"), Except: p.Get("ipBlock", "except").Elements(), Location: p.Location(),
		})
	}
	for _, p := range blocks(ports) {
		r.Ports = append(r.Ports, PolicyPort{Protocol: protocol(p.Get("protocol")), Port: p.Get("port"), EndPort: p.Get("endPort")})
	}
	return r
}

// none reports whether a list is not written or empty.
func none(list inventory.Value) Truth {
	if list.IsUnknown() {
		return Maybe
	}
	return truth(len(list.Elements()) == 0)
}

// Applies reports whether the policy selects the pods of a workload.
func (p *NetworkPolicy) Applies(w *Workload) Truth {
	return p.SameNamespace(&w.Object).And(p.Pods.Matches(w.Pod.Labels))
}

// Admits reports whether a peer of the policy is the pods of a workload.
func (m *Model) Admits(p *NetworkPolicy, peer Peer, w *Workload) Truth {
	if peer.IsCIDR() {
		return No
	}
	answer := p.SameNamespace(&w.Object)
	if peer.Namespaces.Written() {
		answer = peer.Namespaces.Matches(m.NamespaceLabels(&w.Object))
	}
	if peer.Pods.Written() {
		answer = answer.And(peer.Pods.Matches(w.Pod.Labels))
	} else if !peer.Namespaces.Written() {
		return No // the API refuses a peer that names nothing
	}
	return answer
}

// CiliumPolicy is a CiliumNetworkPolicy or CiliumClusterwideNetworkPolicy: one entry for each of its rules
// (https://docs.cilium.io/en/stable/security/policy/).
type CiliumPolicy struct {
	Object
	ClusterWide bool
	Rules       []CiliumRule
}

// CiliumRule selects pods and says what may connect to them. It closes the direction for what it does not allow, unless it
// has none of its sections.
type CiliumRule struct {
	Pods          Selector
	IngressClosed Truth
	Ingress       []PolicyRule
	IngressDeny   []PolicyRule // wins over what is allowed
}

func newCiliumPolicy(o *Object) *CiliumPolicy {
	p := &CiliumPolicy{Object: *o, ClusterWide: strings.HasPrefix(o.Kind, "CiliumClusterwide")}
	specs := blocks(o.Get("specs"))
	if spec := o.Get("spec"); !spec.IsNull() {
		specs = append([]inventory.Value{spec}, specs...)
	}
	for _, spec := range specs {
		r := CiliumRule{Pods: Selector{Values: ciliumSelector(spec.Get("endpointSelector"))}}
		r.IngressClosed = truth(!spec.Get("ingress").IsNull() || !spec.Get("ingressDeny").IsNull())
		if off, ok := spec.Get("enableDefaultDeny", "ingress").Bool(); ok && !off {
			r.IngressClosed = No
		}
		for _, rule := range blocksOrEmpty(spec.Get("ingress")) {
			r.Ingress = append(r.Ingress, newCiliumRule(rule))
		}
		for _, rule := range blocksOrEmpty(spec.Get("ingressDeny")) {
			r.IngressDeny = append(r.IngressDeny, newCiliumRule(rule))
		}
		p.Rules = append(p.Rules, r)
	}
	return p
}

// Applies reports whether a rule of the policy selects the pods of a workload.
func (p *CiliumPolicy) Applies(r CiliumRule, w *Workload) Truth {
	answer := r.Pods.Matches(w.Pod.Labels)
	if !p.ClusterWide {
		answer = answer.And(p.SameNamespace(&w.Object))
	}
	return answer
}

func newCiliumRule(v inventory.Value) PolicyRule {
	r := PolicyRule{Location: v.Location(), AnyPeer: Yes, AnyPort: Yes}
	sides := func(name string, add func(e inventory.Value)) {
		list := v.Get(name)
		if list.IsNull() {
			return
		}
		// A section that is there and empty allows nothing.
		r.AnyPeer = No
		for _, e := range list.Elements() {
			add(e)
		}
	}
	sides("fromEndpoints", func(e inventory.Value) {
		peer := Peer{Pods: Selector{Values: ciliumSelector(e)}, Location: e.Location()}
		namespace := e.Get("matchLabels", "k8s:io.kubernetes.pod.namespace")
		if namespace.IsNull() {
			namespace = e.Get("matchLabels", "io.kubernetes.pod.namespace")
		}
		if !namespace.IsNull() {
			peer.Namespaces.Values = inventory.MapValue([]inventory.Field{{Name: "matchLabels", Value: inventory.MapValue(
				[]inventory.Field{{Name: "kubernetes.io/metadata.name", Value: namespace}}, e.Location())}}, e.Location())
		}
		r.Peers = append(r.Peers, peer)
	})
	sides("fromEntities", func(e inventory.Value) { r.Peers = append(r.Peers, Peer{Entity: e, Location: e.Location()}) })
	sides("fromCIDR", func(e inventory.Value) { r.Peers = append(r.Peers, Peer{CIDR: e, Location: e.Location()}) })
	sides("fromCIDRSet", func(e inventory.Value) {
		r.Peers = append(r.Peers, Peer{CIDR: e.Get("cidr"), Except: e.Get("except").Elements(), Location: e.Location()})
	})
	if ports := v.Get("toPorts"); !ports.IsNull() {
		r.AnyPort = No
		for _, set := range blocks(ports) {
			for _, p := range blocks(set.Get("ports")) {
				port := PolicyPort{Protocol: protocol(p.Get("protocol")), Port: p.Get("port"), EndPort: p.Get("endPort")}
				if port.Protocol == "ANY" || p.Get("protocol").IsNull() {
					port.Protocol = ""
				}
				r.Ports = append(r.Ports, port)
			}
		}
	}
	return r
}

// ciliumSelector returns a selector without the prefixes that say where a label comes from, and without the label that
// stands for the namespace.
func ciliumSelector(v inventory.Value) inventory.Value {
	if v.Kind() != inventory.Map {
		return v
	}
	clean := func(name string) string {
		for _, source := range []string{"k8s:", "any:", "k8s."} {
			name = strings.TrimPrefix(name, source)
		}
		return name
	}
	var labels []inventory.Field
	for _, f := range v.Get("matchLabels").Fields() {
		if name := clean(f.Name); name != "io.kubernetes.pod.namespace" {
			labels = append(labels, inventory.Field{Name: name, Value: f.Value})
		}
	}
	var expressions []inventory.Value
	for _, e := range blocks(v.Get("matchExpressions")) {
		key, _ := e.Get("key").Text()
		expressions = append(expressions, inventory.MapValue([]inventory.Field{
			{Name: "key", Value: inventory.StringValue(clean(key), e.Get("key").Location())}, {Name: "operator", Value: e.Get("operator")}, {Name: "values", Value: e.Get("values")},
		}, e.Location()))
	}
	return inventory.MapValue([]inventory.Field{
		{Name: "matchLabels", Value: inventory.MapValue(labels, v.Location())}, {Name: "matchExpressions", Value: inventory.ListValue(expressions, v.Location())},
	}, v.Location())
}
