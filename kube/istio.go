package kube

import (
	"strings"

	"github.com/trifecta-scanner/trifecta/inventory"
)

// IstioGateway configures the proxies that its selector chooses, in any namespace
// (https://istio.io/latest/docs/reference/config/networking/gateway/).
type IstioGateway struct {
	Object
	Selector Selector // Plain: labels of the proxies' pods
	Servers  []IstioServer
}

// IstioServer is one port of a gateway.
type IstioServer struct {
	Port     inventory.Value
	Protocol inventory.Value // HTTP, HTTPS, TLS, TCP, ...
	Hosts    []inventory.Value
	TLS      inventory.Value
	Location inventory.Location
}

func newIstioGateway(o *Object) *IstioGateway {
	g := &IstioGateway{Object: *o, Selector: Selector{Values: o.Get("spec", "selector"), Plain: true}}
	for _, s := range blocks(o.Get("spec", "servers")) {
		g.Servers = append(g.Servers, IstioServer{
			Port: s.Get("port", "number"), Protocol: s.Get("port", "protocol"), Hosts: s.Get("hosts").Elements(), TLS: s.Get("tls"), Location: s.Location(),
		})
	}
	return g
}

// VirtualService forwards the requests of gateways, or of the mesh, to Services.
type VirtualService struct {
	Object
	// Gateways are names, or namespace/name; mesh is every proxy. Empty: mesh.
	Gateways []inventory.Value
	Hosts    []inventory.Value
	Backends []Backend
}

func newVirtualService(o *Object) *VirtualService {
	v := &VirtualService{Object: *o, Gateways: o.Get("spec", "gateways").Elements(), Hosts: o.Get("spec", "hosts").Elements()}
	for _, kind := range []string{"http", "tls", "tcp"} {
		for _, route := range blocks(o.Get("spec", kind)) {
			for _, r := range blocks(route.Get("route")) {
				d := r.Get("destination")
				b := Backend{Kind: "Service", Name: d.Get("host"), Port: d.Get("port", "number"), Weight: r.Get("weight"), Location: d.Location()}
				if host, ok := b.Name.Text(); ok {
					at := b.Name.Location()
					// short, with namespace, or whole: name.namespace.svc.cluster.local
					if name, rest, dotted := strings.Cut(host, "."); dotted {
						namespace, _, _ := strings.Cut(rest, ".")
						b.Name, b.Namespace = inventory.StringValue(name, at), inventory.StringValue(namespace, at)
					}
				}
				v.Backends = append(v.Backends, b)
			}
		}
	}
	return v
}

// UsesGateway reports whether a VirtualService takes the requests of a gateway.
func (v *VirtualService) UsesGateway(g *IstioGateway) Truth {
	result := No
	for _, ref := range v.Gateways {
		text, ok := ref.Text()
		if !ok {
			result = result.Or(Maybe)
			continue
		}
		name, namespace := text, inventory.Value{}
		if before, after, found := strings.Cut(text, "/"); found {
			name, namespace = after, inventory.StringValue(before, ref.Location())
		}
		result = result.Or(g.NamedIn(inventory.StringValue(name, ref.Location()), namespace, &v.Object))
	}
	return result
}
