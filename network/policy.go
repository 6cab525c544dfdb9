package network

import (
	"strings"

	"github.com/trifecta-scanner/trifecta/inventory"
	"github.com/trifecta-scanner/trifecta/kube"
)

// policies returns what network policies let through to the pods of a workload: from the pods of another one or, with from
// nil, from outside of the cluster. clients says that these show their own addresses.
func (k *kubernetes) policies(w, from *kube.Workload, clients bool) []policyGate {
	if len(k.m.NetworkPolicies) == 0 && len(k.m.CiliumPolicies) == 0 {
		return nil
	}
	var allowed Set
	var places []policyPlace
	sure := never // whether any policy closes the pods for certain
	for _, p := range k.m.NetworkPolicies {
		applies := p.Applies(w).And(p.IngressClosed)
		if applies == kube.No || !together(&p.Object, &w.Object) {
			continue
		}
		sure = sure.or(truthCond(k, applies, &p.Object))
		places = append(places, policyPlace{p.ID(), p.Resource.Location})
		for _, r := range p.Ingress {
			allowed = allowed.Union(k.rule(r, w, func(peer kube.Peer) cond {
				if from == nil {
					return never
				}
				return truthCond(k, k.m.Admits(p, peer, from), &p.Object)
			}, clients))
		}
	}
	var denied Set
	for _, p := range k.m.CiliumPolicies {
		for _, r := range p.Rules {
			applies := p.Applies(r, w)
			if applies == kube.No || !together(&p.Object, &w.Object) {
				continue
			}
			admits := func(peer kube.Peer) cond { return k.ciliumPeer(p, peer, from) }
			for _, rule := range r.IngressDeny {
				denied = denied.Union(k.rule(rule, w, admits, clients))
			}
			if r.IngressClosed == kube.No {
				continue
			}
			sure = sure.or(truthCond(k, applies, &p.Object))
			places = append(places, policyPlace{p.ID(), p.Resource.Location})
			for _, rule := range r.Ingress {
				allowed = allowed.Union(k.rule(rule, w, admits, clients))
			}
		}
	}
	if len(places) == 0 {
		if denied.IsEmpty() {
			return nil
		}
		return []policyGate{{set: openSet().Minus(denied)}}
	}
	allowed = allowed.Minus(denied)
	doubt := sure.doubt()
	gate := policyGate{}
	for _, p := range places {
		gate.blocks = append(gate.blocks, Block{NetpolDeny, p.at})
		if !k.enforced {
			doubt = doubt.Union(k.g.why.bits(inventory.Reason{Code: NetpolEnforcement, Ref: string(p.at)}))
		}
	}
	gate.set = allowed
	if doubt != "" {
		gate.set = allowed.Union(openSet().Maybe(doubt))
	}
	gate.proof = func(list []Guard) []Guard {
		for _, p := range places {
			list = addGuard(list, p.at, p.loc, "network policy")
		}
		return list
	}
	return []policyGate{gate}
}

type policyPlace struct {
	at  inventory.ID
	loc inventory.Location
}

// together reports whether two objects can meet in one cluster: those of different environments do not.
func together(a, b *kube.Object) bool {
	return a.Resource.Environment == b.Resource.Environment || a.Resource.Environment == "" || b.Resource.Environment == ""
}

// rule returns what one rule of a policy lets through. admits answers for peers that are pods.
func (k *kubernetes) rule(r kube.PolicyRule, w *kube.Workload, admits func(kube.Peer) cond, clients bool) Set {
	ports := k.rulePorts(r, w)
	answer := truthCond(k, r.AnyPeer, &w.Object)
	if answer.certain() {
		return ports
	}
	set := answer.gate(ports)
	for _, p := range r.Peers {
		if !p.IsCIDR() {
			set = set.Union(admits(p).gate(ports))
			continue
		}
		text, ok := p.CIDR.Text()
		if !ok {
			set = set.Union(ports.Maybe(k.g.why.bits(p.CIDR.Reasons()...)))
			continue
		}
		block := mustIPSet(text)
		except := k.rangesOf(p.Except...)
		if except.written {
			block = block.Subtract(except.set)
		}
		inside := k.inside(w)
		switch {
		case clients:
			set = set.Union(ports.cut(block))
			if !everyV4.SubsetOf(block) && block.Overlaps(inside) {
				// Nodes or load balancers may show their own address instead of the client's.
				set = set.Union(ports.Maybe(k.g.why.bits(inventory.Reason{Code: Placement, Ref: string(w.ID())})))
			}
		case inside.SubsetOf(block):
			set = set.Union(ports)
		case block.Overlaps(inside):
			set = set.Union(ports.Maybe(k.g.why.bits(inventory.Reason{Code: Placement, Ref: string(w.ID())})))
		}
	}
	return set
}

// inside is where the load balancers and nodes of a workload's cluster have their addresses: in its VPC, where that is
// known.
func (k *kubernetes) inside(w *kube.Workload) IPSet {
	c, _ := k.cluster(&w.Object)
	if c == nil {
		return privateV4
	}
	set := IPSet{}
	for _, s := range k.g.subnetsOf(c.Subnets) {
		if s.vpc == nil || s.vpc.unknown != "" {
			return privateV4
		}
		set = set.Union(s.vpc.v4)
	}
	if set.IsEmpty() {
		return privateV4
	}
	return set
}

// privateV4 is where load balancers and nodes may have their addresses.
var privateV4 = mustIPSet("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16")

// rulePorts returns the ports of a rule, those of the pod for names.
func (k *kubernetes) rulePorts(r kube.PolicyRule, w *kube.Workload) Set {
	if r.AnyPort == kube.Yes {
		return openSet()
	}
	var clauses []clause
	for _, p := range r.Ports {
		ports, why := allPorts, Bits("")
		if name, ok := p.Port.Text(); ok && !p.Port.IsNull() {
			if number, isNumber := p.Port.Int(); isNumber {
				last := number
				if end, ok := p.EndPort.Int(); ok {
					last = end
				}
				ports = portRange(number, last)
			} else {
				ports = Ports{}
				for _, c := range w.Pod.Ports() {
					if c.Name == name {
						one, doubt := k.port(c.Port)
						ports, why = ports.Union(one), why.Union(doubt)
					}
				}
			}
		} else if p.Port.IsUnknown() {
			why = k.g.why.bits(p.Port.Reasons()...)
		}
		protos := []uint8{protocolOf(p.Protocol)}
		if p.Protocol == "" {
			protos = []uint8{protoTCP, protoUDP}
		}
		for _, proto := range protos {
			clauses = append(clauses, clause{[]FamProto{{V4, proto}, {V6, proto}}, ports, everyV4.Union(everyV6), why})
		}
	}
	set := compile(clauses, tooComplex)
	if r.AnyPort == kube.Maybe {
		set = set.Union(openSet().Maybe(k.g.why.bits()))
	}
	return set
}

// ciliumPeer returns whether a peer of a Cilium policy is the sender.
func (k *kubernetes) ciliumPeer(p *kube.CiliumPolicy, peer kube.Peer, from *kube.Workload) cond {
	if !peer.Entity.IsNull() {
		entity, ok := peer.Entity.Text()
		if !ok {
			return perhaps(k.g.why.bits(peer.Entity.Reasons()...))
		}
		switch strings.ToLower(entity) {
		case "all":
			return certainly
		case "world", "world-ipv4", "world-ipv6":
			return condOf(from == nil)
		case "cluster":
			return condOf(from != nil)
		case "host", "remote-node", "ingress", "kube-apiserver":
			if from == nil && entity != "kube-apiserver" {
				// A node may stand between the client and the pod.
				return perhaps(k.g.why.bits(inventory.Reason{Code: Placement, Ref: string(p.ID())}))
			}
		}
		return never
	}
	if from == nil {
		return never
	}
	answer := kube.Yes
	if peer.Namespaces.Written() {
		answer = peer.Namespaces.Matches(k.m.NamespaceLabels(&from.Object))
	} else if !p.ClusterWide {
		answer = p.SameNamespace(&from.Object)
	}
	if peer.Pods.Written() {
		answer = answer.And(peer.Pods.Matches(from.Pod.Labels))
	}
	return truthCond(k, answer, &p.Object)
}
