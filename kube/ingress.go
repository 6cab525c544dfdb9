package kube

import (
	"slices"

	"github.com/trifecta-scanner/trifecta/inventory"
)

// Ingress forwards HTTP requests from outside to Services, done by the controller of its class.
type Ingress struct {
	Object
	// Class is spec.ingressClassName, or the old annotation; Null: the default class of the cluster.
	Class    inventory.Value
	Backends []Backend // of all rules and the default, in order
	TLS      inventory.Value
}

// Backend is a Service that requests are forwarded to.
type Backend struct {
	Group     string // of the API of Kind; empty for the core
	Kind      string // Service, in nearly all cases
	Namespace inventory.Value
	Name      inventory.Value
	Port      inventory.Value // number or name
	Host      inventory.Value // what requests must ask for; Null: any
	Path      inventory.Value // likewise
	Weight    inventory.Value // 0 takes no requests; Null: takes its part
	Location  inventory.Location
}

func newIngress(o *Object) *Ingress {
	spec := o.Get("spec")
	i := &Ingress{Object: *o, Class: spec.Get("ingressClassName"), TLS: spec.Get("tls")}
	if i.Class.IsNull() {
		i.Class = o.Annotation("kubernetes.io/ingress.class")
	}
	fallback := spec.Get("defaultBackend")
	if fallback.IsNull() {
		fallback = spec.Get("backend")
	}
	if !fallback.IsNull() {
		i.Backends = append(i.Backends, ingressBackend(fallback))
	}
	for _, rule := range blocks(spec.Get("rules")) {
		for _, p := range blocks(rule.Get("http", "paths")) {
			b := ingressBackend(p.Get("backend"))
			b.Host, b.Path = rule.Get("host"), p.Get("path")
			i.Backends = append(i.Backends, b)
		}
	}
	return i
}

func ingressBackend(v inventory.Value) Backend {
	b := Backend{Kind: "Service", Name: v.Get("service", "name"), Port: v.Get("service", "port", "number"), Location: v.Location()}
	if b.Port.IsNull() {
		b.Port = v.Get("service", "port", "name")
	}
	if b.Name.IsNull() && !v.Get("serviceName").IsNull() { // before networking.k8s.io/v1
		b.Name, b.Port = v.Get("serviceName"), v.Get("servicePort")
	}
	if other := v.Get("resource"); !other.IsNull() {
		b.Kind, _ = other.Get("kind").Text()
		b.Group, _ = other.Get("apiGroup").Text()
		b.Name = other.Get("name")
	}
	return b
}

// IngressClass names the controller that serves the Ingresses of a class.
type IngressClass struct {
	Object
	Controller inventory.Value // ingress.k8s.aws/alb, k8s.io/ingress-nginx, ...
	Parameters inventory.Value // a reference: apiGroup, kind, name
	Default    Truth           // whether it serves Ingresses without class
}

func newIngressClass(o *Object) *IngressClass {
	c := &IngressClass{Object: *o, Controller: o.Get("spec", "controller"), Parameters: o.Get("spec", "parameters")}
	mark := o.Annotation("ingressclass.kubernetes.io/is-default-class")
	if yes, ok := mark.Bool(); ok {
		c.Default = truth(yes)
	} else if mark.IsUnknown() {
		c.Default = Maybe
	}
	return c
}

// IngressClassParams are settings of the AWS Load Balancer Controller for a class; they win over the annotations of an
// Ingress (https://kubernetes-sigs.github.io/aws-load-balancer-controller/latest/guide/ingress/ingress_class/).
type IngressClassParams struct {
	Object
	Scheme       inventory.Value // internal or internet-facing; Null: not set here
	InboundCIDRs []inventory.Value
	Group        inventory.Value // name of the group whose Ingresses share a load balancer
	WAF          inventory.Value // ARN of a web ACL
	Certificates []inventory.Value
	AddressType  inventory.Value // ipv4, dualstack or dualstack-without-public-ipv4
	Subnets      inventory.Value
}

func newIngressClassParams(o *Object) *IngressClassParams {
	spec := o.Get("spec")
	return &IngressClassParams{
		Object: *o, Scheme: spec.Get("scheme"), InboundCIDRs: spec.Get("inboundCIDRs").Elements(), Group: spec.Get("group", "name"),
		WAF: spec.Get("wafv2AclArn"), AddressType: spec.Get("ipAddressType"), Subnets: spec.Get("subnets"),
		// EKS Auto Mode writes the plural: https://docs.aws.amazon.com/eks/latest/userguide/auto-configure-alb.html
		Certificates: slices.Concat(spec.Get("certificateArn").Elements(), spec.Get("certificateARNs").Elements()),
	}
}

// ClassOf returns the class of an Ingress: the one of its name, or the cluster's default where it names none. Class is nil
// where no IngressClass of the model fits.
func (m *Model) ClassOf(i *Ingress) *IngressClass {
	for _, c := range m.IngressClasses {
		if i.Class.IsNull() && c.Default == Yes || !i.Class.IsNull() && equal(c.name, i.Class) == Yes {
			return c
		}
	}
	return nil
}

// ParamsOf returns the parameters of a class; nil where it names none or they are not in the model.
func (m *Model) ParamsOf(c *IngressClass) *IngressClassParams {
	if c == nil || c.Parameters.IsNull() {
		return nil
	}
	for _, p := range m.IngressClassParams {
		if equal(p.name, c.Parameters.Get("name")) == Yes {
			return p
		}
	}
	return nil
}

// ServicesOf returns the Services that a backend of an object means: those of its own set, else those of others.
func (m *Model) ServicesOf(b Backend, from *Object) []*Service {
	if b.Kind != "Service" || b.Group != "" && b.Group != "core" {
		return nil
	}
	var own, others []*Service
	for _, s := range m.Services {
		switch {
		case s.NamedIn(b.Name, b.Namespace, from) == No:
		case s.Set == from.Set && s.Resource.Environment == from.Resource.Environment:
			own = append(own, s)
		case s.Resource.Environment == from.Resource.Environment || s.Resource.Environment == "" || from.Resource.Environment == "":
			others = append(others, s)
		}
	}
	if len(own) > 0 {
		return own
	}
	return others
}
