package kube

import (
	"slices"

	"github.com/trifecta-scanner/trifecta/inventory"
)

// The Gateway API: https://gateway-api.sigs.k8s.io/reference/spec/.

// GatewayClass names the controller that makes the Gateways of a class.
type GatewayClass struct {
	Object
	Controller inventory.Value // gateway.k8s.aws/alb, gateway.envoyproxy.io/gatewayclass-controller, ...
	Parameters inventory.Value // a reference: group, kind, name, namespace
}

func newGatewayClass(o *Object) *GatewayClass {
	return &GatewayClass{Object: *o, Controller: o.Get("spec", "controllerName"), Parameters: o.Get("spec", "parametersRef")}
}

// Gateway is a load balancer or proxy with listeners.
type Gateway struct {
	Object
	Class      inventory.Value
	Listeners  []Listener
	Parameters inventory.Value // spec.infrastructure.parametersRef
	Addresses  inventory.Value
	// InfrastructureAnnotations are put on what the controller makes, such as the Service of a proxy in the cluster.
	InfrastructureAnnotations inventory.Value
}

// Listener is one port of a Gateway.
type Listener struct {
	Name     inventory.Value
	Hostname inventory.Value
	Port     inventory.Value
	Protocol inventory.Value // HTTP, HTTPS, TLS, TCP, UDP
	TLS      inventory.Value
	From     inventory.Value // allowedRoutes.namespaces.from: Same (the default), All or Selector
	Selector Selector        // of namespaces, where From is Selector
	Kinds    inventory.Value // allowedRoutes.kinds
	Location inventory.Location
}

func newGateway(o *Object) *Gateway {
	spec := o.Get("spec")
	g := &Gateway{
		Object: *o, Class: spec.Get("gatewayClassName"), Parameters: spec.Get("infrastructure", "parametersRef"), Addresses: spec.Get("addresses"),
		InfrastructureAnnotations: spec.Get("infrastructure", "annotations"),
	}
	for _, l := range blocks(spec.Get("listeners")) {
		allowed := l.Get("allowedRoutes")
		g.Listeners = append(g.Listeners, Listener{
			Name: l.Get("name"), Hostname: l.Get("hostname"), Port: l.Get("port"), Protocol: l.Get("protocol"), TLS: l.Get("tls"),
			From: allowed.Get("namespaces", "from"), Selector: Selector{Values: allowed.Get("namespaces", "selector")}, Kinds: allowed.Get("kinds"), Location: l.Location(),
		})
	}
	return g
}

// Route is an HTTPRoute, GRPCRoute, TLSRoute, TCPRoute or UDPRoute.
type Route struct {
	Object
	Parents   []ParentRef
	Hostnames []inventory.Value
	Backends  []Backend
	// Redirects says that a rule answers with a redirect and has no backend.
	Redirects bool
}

// ParentRef says which Gateway, or which listener of it, a route belongs to.
type ParentRef struct {
	Group, Kind string // gateway.networking.k8s.io and Gateway by default
	Namespace   inventory.Value
	Name        inventory.Value
	Section     inventory.Value // name of a listener; Null: all
	Port        inventory.Value
	Location    inventory.Location
}

func newRoute(o *Object) *Route {
	spec := o.Get("spec")
	r := &Route{Object: *o, Hostnames: spec.Get("hostnames").Elements()}
	for _, p := range blocks(spec.Get("parentRefs")) {
		ref := ParentRef{Group: "gateway.networking.k8s.io", Kind: "Gateway", Namespace: p.Get("namespace"), Name: p.Get("name"), Section: p.Get("sectionName"), Port: p.Get("port"), Location: p.Location()}
		if group, ok := p.Get("group").Text(); ok {
			ref.Group = group
		}
		if kind, ok := p.Get("kind").Text(); ok {
			ref.Kind = kind
		}
		r.Parents = append(r.Parents, ref)
	}
	for _, rule := range blocks(spec.Get("rules")) {
		for _, b := range blocks(rule.Get("backendRefs")) {
			backend := Backend{Kind: "Service", Namespace: b.Get("namespace"), Name: b.Get("name"), Port: b.Get("port"), Weight: b.Get("weight"), Location: b.Location()}
			if kind, ok := b.Get("kind").Text(); ok {
				backend.Kind = kind
			}
			backend.Group, _ = b.Get("group").Text()
			r.Backends = append(r.Backends, backend)
		}
		for _, f := range blocks(rule.Get("filters")) {
			if kind, _ := f.Get("type").Text(); kind == "RequestRedirect" {
				r.Redirects = true
			}
		}
	}
	return r
}

// Attaches reports whether a route belongs to a listener of a Gateway: it refers to it, and the listener admits routes of
// its namespace and kind.
func (m *Model) Attaches(r *Route, g *Gateway, l Listener) Truth {
	refers := No
	for _, p := range r.Parents {
		if p.Kind != "Gateway" || p.Group != g.Group {
			continue
		}
		one := g.NamedIn(p.Name, p.Namespace, &r.Object)
		if !p.Section.IsNull() {
			one = one.And(equal(p.Section, l.Name))
		}
		if !p.Port.IsNull() {
			one = one.And(equal(p.Port, l.Port))
		}
		refers = refers.Or(one)
	}
	return refers.And(m.admits(g, l, r))
}

func (m *Model) admits(g *Gateway, l Listener, r *Route) Truth {
	if kinds := l.Kinds.Elements(); len(kinds) > 0 {
		kind := No
		for _, k := range kinds {
			kind = kind.Or(equal(k.Get("kind"), r.Body.Get("kind")))
		}
		if kind == No {
			return No
		}
	}
	switch from, ok := l.From.Text(); {
	case l.From.IsUnknown():
		return Maybe
	case !ok || from == "Same":
		return r.SameNamespace(&g.Object)
	case from == "All":
		return Yes
	case from == "Selector":
		return l.Selector.Matches(m.NamespaceLabels(&r.Object))
	}
	return No
}

// NamespaceLabels returns the labels of the namespace of an object, with the one that every namespace has.
func (m *Model) NamespaceLabels(o *Object) inventory.Value {
	fields := []inventory.Field{{Name: "kubernetes.io/metadata.name", Value: o.namespace}}
	at := inventory.Location{}
	for _, n := range m.Namespaces {
		if equal(n.name, o.namespace) == Yes {
			fields = append(slices.Clone(n.Labels.Fields()), fields...)
			at = n.Labels.Location()
			break
		}
	}
	return inventory.MapValue(fields, at)
}

// ReferenceGrant lets objects of other namespaces refer to those of its own.
type ReferenceGrant struct {
	Object
	From, To []inventory.Value
}

func newReferenceGrant(o *Object) *ReferenceGrant {
	return &ReferenceGrant{Object: *o, From: blocks(o.Get("spec", "from")), To: blocks(o.Get("spec", "to"))}
}

// Granted reports whether a route may refer to a backend: it stands in the same namespace, or a grant there says so.
func (m *Model) Granted(r *Route, b Backend) Truth {
	if b.Namespace.IsNull() {
		return Yes
	}
	result := equal(b.Namespace, r.namespace)
	for _, g := range m.ReferenceGrants {
		in := equal(g.namespace, b.Namespace)
		from, to := No, No
		for _, f := range g.From {
			kind, _ := f.Get("kind").Text()
			group, _ := f.Get("group").Text()
			from = from.Or(truth(kind == r.Kind && group == r.Group).And(equal(f.Get("namespace"), r.namespace)))
		}
		for _, t := range g.To {
			kind, _ := t.Get("kind").Text()
			group, _ := t.Get("group").Text()
			one := truth(kind == b.Kind && group == b.Group)
			if name := t.Get("name"); !name.IsNull() {
				one = one.And(equal(name, b.Name))
			}
			to = to.Or(one)
		}
		result = result.Or(in.And(from).And(to))
	}
	return result
}

// LoadBalancerConfiguration are settings of the AWS Load Balancer Controller for a Gateway or a class
// (https://kubernetes-sigs.github.io/aws-load-balancer-controller/latest/guide/gateway/loadbalancerconfig/).
type LoadBalancerConfiguration struct {
	Object
	Scheme         inventory.Value // internal (the default) or internet-facing
	SourceRanges   []inventory.Value
	SecurityGroups inventory.Value
	Subnets        inventory.Value
	WAF            inventory.Value // ARN of a web ACL
	AddressType    inventory.Value // ipv4 (the default), dualstack or dualstack-without-public-ipv4
}

func newLoadBalancerConfiguration(o *Object) *LoadBalancerConfiguration {
	spec := o.Get("spec")
	return &LoadBalancerConfiguration{
		Object: *o, Scheme: spec.Get("scheme"), SourceRanges: spec.Get("sourceRanges").Elements(), SecurityGroups: spec.Get("securityGroups"),
		Subnets: spec.Get("loadBalancerSubnets"), WAF: spec.Get("wafV2", "webACL"), AddressType: spec.Get("ipAddressType"),
	}
}

// GatewayClassOf returns the class of a Gateway; nil where it is not in the model.
func (m *Model) GatewayClassOf(g *Gateway) *GatewayClass {
	for _, c := range m.GatewayClasses {
		if equal(c.name, g.Class) == Yes {
			return c
		}
	}
	return nil
}

// ConfigurationOf returns the configuration that a Gateway refers to, else that of its class; nil where there is none.
func (m *Model) ConfigurationOf(g *Gateway) *LoadBalancerConfiguration {
	find := func(ref inventory.Value) *LoadBalancerConfiguration {
		if ref.IsNull() {
			return nil
		}
		for _, c := range m.LoadBalancerConfigurations {
			if c.NamedIn(ref.Get("name"), ref.Get("namespace"), &g.Object) == Yes {
				return c
			}
		}
		return nil
	}
	if c := find(g.Parameters); c != nil {
		return c
	}
	if class := m.GatewayClassOf(g); class != nil {
		return find(class.Parameters)
	}
	return nil
}
