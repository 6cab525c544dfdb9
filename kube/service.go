package kube

import (
	"github.com/trifecta-scanner/trifecta/inventory"
)

// The types of a Service.
const (
	ClusterIP    = "ClusterIP"
	NodePort     = "NodePort"
	LoadBalancer = "LoadBalancer"
	ExternalName = "ExternalName"
)

// Service is a stable front of pods within the cluster or, by its type, outside of it.
type Service struct {
	Object
	Type     inventory.Value // ClusterIP by default
	Selector Selector        // Plain; not written: its endpoints are made by hand
	Ports    []ServicePort
	Headless Truth
	// LoadBalancerClass chooses the controller that makes the load balancer; Null: the cluster's default.
	LoadBalancerClass inventory.Value
	// SourceRanges are those of the spec; annotations may say others.
	SourceRanges          []inventory.Value
	ExternalIPs           []inventory.Value
	ExternalTrafficPolicy inventory.Value // Cluster by default
	ExternalName          inventory.Value
}

// ServicePort is one port of a Service.
type ServicePort struct {
	Name       string
	Protocol   string // TCP by default; empty where it is not known
	Port       inventory.Value
	TargetPort inventory.Value // number or name; Null: the same as Port
	NodePort   inventory.Value // Null: one that the cluster chooses, where the type has one
	Location   inventory.Location
}

func newService(o *Object) *Service {
	spec := o.Get("spec")
	s := &Service{
		Object: *o, Type: spec.Get("type"), Selector: Selector{Values: spec.Get("selector"), Plain: true},
		LoadBalancerClass: spec.Get("loadBalancerClass"), SourceRanges: spec.Get("loadBalancerSourceRanges").Elements(), ExternalIPs: spec.Get("externalIPs").Elements(),
		ExternalTrafficPolicy: spec.Get("externalTrafficPolicy"), ExternalName: spec.Get("externalName"),
	}
	if s.Type.IsNull() {
		s.Type = inventory.StringValue(ClusterIP, o.Resource.Location).AsDefault()
	}
	ip := spec.Get("clusterIP")
	switch text, ok := ip.Text(); {
	case ok:
		s.Headless = truth(text == "None")
	case ip.IsUnknown():
		s.Headless = Maybe
	}
	for _, p := range blocks(spec.Get("ports")) {
		port := ServicePort{Protocol: protocol(p.Get("protocol")), Port: p.Get("port"), TargetPort: p.Get("targetPort"), NodePort: p.Get("nodePort"), Location: p.Location()}
		port.Name, _ = p.Get("name").Text()
		s.Ports = append(s.Ports, port)
	}
	return s
}

// IsType reports whether the Service is of a type.
func (s *Service) IsType(name string) Truth {
	return equal(s.Type, inventory.StringValue(name, inventory.Location{}))
}

// Backends returns the workloads that the Service sends to; see Select.
func (m *Model) Backends(s *Service) []Selected { return m.Select(s.Selector, &s.Object) }

// Find returns the port that a reference from an Ingress or a route means, by number or name.
func (s *Service) Find(ref inventory.Value) (ServicePort, Truth) {
	number, isNumber := ref.Int()
	name, isText := ref.Text()
	maybe := ServicePort{}
	unsure := No
	for _, p := range s.Ports {
		if n, ok := p.Port.Int(); isNumber && ok && n == number || isText && p.Name != "" && p.Name == name {
			return p, Yes
		}
		if p.Port.IsUnknown() || ref.IsUnknown() {
			maybe, unsure = p, Maybe
		}
	}
	return maybe, unsure
}

// Target returns the port of a pod that a port of the Service leads to: a number, or unknown. A name that no container of the
// pod has leads nowhere: ok is false (https://kubernetes.io/docs/concepts/services-networking/service/#field-spec-ports).
func (p ServicePort) Target(pod *Pod) (port inventory.Value, ok bool) {
	target := p.TargetPort
	if target.IsNull() {
		return p.Port, true
	}
	if n, ok := target.Int(); ok && n == 0 {
		return p.Port, true
	}
	if _, ok := target.Int(); ok || target.IsUnknown() {
		return target, true
	}
	name, _ := target.Text()
	for _, c := range pod.Ports() {
		if c.Name == name && (c.Protocol == p.Protocol || c.Protocol == "" || p.Protocol == "") {
			return c.Port, true
		}
	}
	return inventory.Value{}, false
}
