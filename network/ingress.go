package network

import (
	"encoding/json"
	"slices"
	"strings"

	"github.com/trifecta-scanner/trifecta/aws"
	"github.com/trifecta-scanner/trifecta/inventory"
	"github.com/trifecta-scanner/trifecta/kube"
)

const albAnnotation = "alb.ingress.kubernetes.io/"

// addIngresses makes the proxies of Ingresses: load balancers of AWS for class alb, else what a controller in the cluster
// forwards.
func (k *kubernetes) addIngresses() {
	groups := map[string][]*kube.Ingress{}
	for _, i := range k.m.Ingresses {
		if name := k.groupName(i); name != "" {
			groups[name] = append(groups[name], i)
		}
	}
	for _, i := range k.m.Ingresses {
		members := groups[k.groupName(i)]
		if len(members) == 0 {
			members = []*kube.Ingress{i}
		}
		switch k.isALB(i) {
		case kube.Yes:
			k.addALB(i, members, certainly)
		default:
			k.addControlled(i)
		}
	}
}

func (k *kubernetes) groupName(i *kube.Ingress) string {
	if p := k.m.ParamsOf(k.m.ClassOf(i)); p != nil {
		if name, ok := p.Group.Text(); ok && name != "" {
			return name
		}
	}
	name, _ := k.text(i.Annotation(albAnnotation + "group.name"))
	return name
}

// isALB reports whether the AWS Load Balancer Controller, or that of EKS Auto Mode, serves the Ingress.
func (k *kubernetes) isALB(i *kube.Ingress) kube.Truth {
	if class := k.m.ClassOf(i); class != nil {
		controller, ok := class.Controller.Text()
		if ok {
			return truthOf(controller == "ingress.k8s.aws/alb" || controller == "eks.amazonaws.com/alb")
		}
	}
	if name, ok := i.Class.Text(); ok {
		return truthOf(name == "alb")
	}
	if i.Class.IsUnknown() {
		return kube.Maybe
	}
	return kube.No
}

func truthOf(b bool) kube.Truth {
	if b {
		return kube.Yes
	}
	return kube.No
}

// first returns the first value that is written: of the class, else of the annotations of the members of a group.
func first(members []*kube.Ingress, own *kube.Ingress, name string) inventory.Value {
	if v := own.Annotation(albAnnotation + name); !v.IsNull() {
		return v
	}
	for _, m := range members {
		if v := m.Annotation(albAnnotation + name); !v.IsNull() {
			return v
		}
	}
	return inventory.Value{}
}

func (k *kubernetes) addALB(i *kube.Ingress, members []*kube.Ingress, gate cond) {
	n := k.newNode(&i.Object, i, KindProxy)
	n.exists = n.exists.and(gate)
	params := k.m.ParamsOf(k.m.ClassOf(i))
	scheme := first(members, i, "scheme")
	waf := first(members, i, "wafv2-acl-arn")
	addresses := first(members, i, "ip-address-type")
	sources := []inventory.Value{first(members, i, "inbound-cidrs")}
	if params != nil {
		if !params.Scheme.IsNull() {
			scheme = params.Scheme
		}
		if len(params.InboundCIDRs) > 0 {
			sources = params.InboundCIDRs
		}
		if !params.WAF.IsNull() {
			waf = params.WAF
		}
		if !params.AddressType.IsNull() {
			addresses = params.AddressType
		}
	}
	public := never
	switch text, unknown := k.text(scheme); {
	case unknown != "":
		public = perhaps(unknown)
	case text == "internet-facing":
		public = certainly
	}
	n.shields = addTo(n.shields, k.waf(waf)...)
	l := k.albListeners(i, members, params != nil && len(params.Certificates) > 0)
	ports := l.plain.Union(l.secure)
	groups := k.namedGroups(&i.Object, first(members, i, "security-groups"))
	k.open(n, &i.Object, k.addressed(listens(protoTCP, ports, l.why, true), addresses), k.rangesOf(sources...), public, groups, first(members, i, "subnets"))
	var mutual []string
	if text, _ := k.text(first(members, i, "mutual-authentication")); strings.Contains(text, `"verify"`) {
		mutual = []string{"auth:mtls"}
	}
	for _, b := range i.Backends {
		name, _ := b.Name.Text()
		condition := k.sourceCondition(&i.Object, name)
		forward := func(ports Ports, shields func(e *edge) []string) {
			if ports = ports.Subtract(l.redirect); ports.IsEmpty() {
				return
			}
			k.backends(&i.Object, []kube.Backend{b}, n, func(e *edge) {
				e.port, e.shields, e.sources = ports, shields(e), condition
			})
		}
		// Only listeners with a certificate authenticate.
		forward(l.plain, func(*edge) []string { return nil })
		forward(l.secure, func(e *edge) []string { return append(slices.Clone(mutual), k.authentication(i, e)...) })
	}
}

// addressed cuts what a load balancer listens on, in both families, to those that its type of addresses has.
func (k *kubernetes) addressed(open Set, addresses inventory.Value) Set {
	switch text, _ := k.text(addresses); text {
	case "dualstack":
		return open
	case "dualstack-without-public-ipv4":
		return open.cut(everyV6)
	}
	return open.cut(everyV4)
}

// authentication returns the shield of the authentication that the Service of an edge asks for, else the Ingress.
func (k *kubernetes) authentication(i *kube.Ingress, e *edge) []string {
	kind := i.Annotation(albAnnotation + "auth-type")
	for _, s := range k.m.Services {
		if v := s.Annotation(albAnnotation + "auth-type"); !v.IsNull() && slices.Contains(e.via, s.ID()) {
			kind = v
		}
	}
	if auth, _ := k.text(kind); auth == "oidc" || auth == "cognito" {
		return []string{"auth:" + auth}
	}
	return nil
}

// sourceCondition returns the clients that an annotation narrows the requests for a backend to; nil where it does not.
func (k *kubernetes) sourceCondition(o *kube.Object, backend string) *IPSet {
	text, _ := k.text(o.Annotation(albAnnotation + "conditions." + backend))
	var conditions []struct {
		Field          string `json:"field"`
		SourceIPConfig struct {
			Values []string `json:"values"`
		} `json:"sourceIpConfig"`
	}
	if json.Unmarshal([]byte(text), &conditions) != nil {
		return nil
	}
	var set *IPSet
	for _, c := range conditions {
		if c.Field != "source-ip" {
			continue
		}
		one := IPSet{}
		for _, v := range c.SourceIPConfig.Values {
			if p, ok := parsePrefix(v); ok {
				one = one.Union(NewIPSet(p))
			}
		}
		if set != nil {
			one = one.Intersect(*set)
		}
		set = &one
	}
	return set
}

// waf returns the shield of an ARN that an annotation names.
func (k *kubernetes) waf(v inventory.Value) []string {
	if ref, ok := v.Ref(); ok {
		for _, acl := range k.g.model.WebACLs {
			if acl.Resource != nil && acl.Resource.ID == ref.Resource && acl.Origin == aws.Declared {
				return k.g.webACL(aws.To(acl))
			}
		}
		return []string{"waf:" + string(ref.Resource)}
	}
	if text, _ := k.text(v); text != "" && text != "none" { // none takes away the one it had
		return []string{"waf:" + text}
	}
	return nil
}

// albListeners are the ports that the load balancer of an Ingress listens on.
type albListeners struct {
	plain, secure Ports // by HTTP, by HTTPS
	redirect      Ports // those that only redirect
	why           Bits  // the ports are not known
}

func (k *kubernetes) albListeners(i *kube.Ingress, members []*kube.Ingress, certified bool) albListeners {
	var l albListeners
	text, unknown := k.text(i.Annotation(albAnnotation + "listen-ports"))
	switch {
	case unknown != "":
		return albListeners{plain: allPorts, why: unknown}
	case text != "":
		var list []map[string]int
		if json.Unmarshal([]byte(text), &list) == nil {
			for _, entry := range list {
				for proto, p := range entry {
					if proto == "HTTPS" {
						l.secure = l.secure.Union(portRange(p, p))
					} else {
						l.plain = l.plain.Union(portRange(p, p))
					}
				}
			}
		}
	case certified || !first(members, i, "certificate-arn").IsNull():
		l.secure = Port(443)
	default:
		l.plain = Port(80)
	}
	if to, _ := k.text(first(members, i, "ssl-redirect")); to != "" {
		l.redirect = l.plain
	}
	return l
}

// backends makes the edges from a proxy to the pods of Services that it forwards to.
func (k *kubernetes) backends(o *kube.Object, list []kube.Backend, n *node, set func(e *edge)) {
	for _, b := range list {
		if weight, ok := b.Weight.Int(); ok && weight == 0 {
			continue
		}
		if text, _ := b.Port.Text(); text == "use-annotation" {
			k.action(o, b, n, set)
			continue
		}
		for _, s := range k.m.ServicesOf(b, o) {
			gate := truthCond(k, s.NamedIn(b.Name, b.Namespace, o), &s.Object)
			if k.forward(s, n, &b.Port, gate, set) == 0 {
				k.noTarget(s)
			}
		}
	}
}

// action makes the edges of a forward that an annotation describes; redirects and fixed answers forward nothing.
func (k *kubernetes) action(o *kube.Object, b kube.Backend, n *node, set func(e *edge)) {
	name, _ := b.Name.Text()
	text, _ := k.text(o.Annotation(albAnnotation + "actions." + name))
	var action struct {
		Type          string `json:"type"`
		ServiceName   string `json:"serviceName"`
		ServicePort   any    `json:"servicePort"`
		ForwardConfig struct {
			TargetGroups []struct {
				ServiceName string `json:"serviceName"`
				ServicePort any    `json:"servicePort"`
			} `json:"targetGroups"`
		} `json:"forwardConfig"`
	}
	if json.Unmarshal([]byte(text), &action) != nil || action.Type != "forward" {
		return
	}
	at := b.Location
	for _, t := range action.ForwardConfig.TargetGroups {
		if t.ServiceName == "" {
			continue
		}
		inner := kube.Backend{Kind: "Service", Name: inventory.StringValue(t.ServiceName, at), Port: inventory.FromJSON(t.ServicePort, at), Location: at}
		if number, ok := inner.Port.Int(); ok {
			inner.Port = inventory.NumberValue(float64(number), at)
		}
		k.backends(o, []kube.Backend{inner}, n, set)
	}
}

// controllers says what the images of ingress controllers are called, by the controller that IndexClasses name and by the
// usual name of the class.
var controllers = []struct {
	controller string
	classes    []string
	images     []string
}{
	{"k8s.io/ingress-nginx", []string{"nginx", "ingress-nginx"}, []string{"ingress-nginx/controller", "nginx-ingress-controller", "ingress-nginx-controller"}},
	{"nginx.org/ingress-controller", []string{"nginx"}, []string{"nginx/nginx-ingress", "nginx-ingress"}},
	{"traefik.io/ingress-controller", []string{"traefik"}, []string{"traefik"}},
	{"haproxy.org/ingress-controller", []string{"haproxy"}, []string{"haproxytech/kubernetes-ingress"}},
	{"haproxy-ingress.github.io/controller", []string{"haproxy"}, []string{"haproxy-ingress"}},
	{"ingress-controllers.konghq.com/kong", []string{"kong"}, []string{"kong"}},
	{"projectcontour.io/ingress-controller", []string{"contour"}, []string{"projectcontour/contour", "envoyproxy/envoy"}},
	{"cilium.io/ingress-controller", []string{"cilium"}, []string{"cilium-envoy"}},
	{"getambassador.io/ingress-controller", []string{"ambassador"}, []string{"emissary", "ambassador"}},
	{"istio.io/ingress-controller", []string{"istio"}, []string{"istio/proxyv2"}},
	{"gateway.nginx.org/nginx-gateway-controller", nil, []string{"nginx-gateway"}},
	{"traefik.io/gateway-controller", nil, []string{"traefik"}},
	{"konghq.com/kic-gateway-controller", nil, []string{"kong"}},
}

// servedBy returns the workloads that serve a class: by the controller's name or the class in their arguments, else by
// their image.
func (k *kubernetes) servedBy(controller, class string, near *kube.Object) []*node {
	var byArgument, byImage []*node
	for _, w := range k.m.Workloads {
		if !together(&w.Object, near) {
			continue
		}
		argued, fits, named := false, false, false
		for _, c := range w.Pod.Containers {
			words := slices.Concat(c.Command, c.Args)
			for at, a := range words {
				text, _ := a.Text()
				flag, value, ok := strings.Cut(strings.TrimLeft(text, "-"), "=")
				if !ok && at+1 < len(words) {
					value, ok = words[at+1].Text() // the value is a word of its own
				}
				if !ok {
					continue
				}
				value = strings.Trim(value, `"'`)
				switch flag {
				case "controller-class", "gateway-ctlr-name", "controller-name":
					argued = true
					fits = fits || controller != "" && value == controller
				case "ingress-class", "ingressclass", "kubernetes.ingressclass", "providers.kubernetesingress.ingressclass":
					if flag != "ingress-class" || !fits {
						argued = true
						fits = fits || class != "" && value == class
					}
				}
			}
			image := imageName(c.Image)
			for _, known := range controllers {
				if (controller != "" && strings.HasPrefix(controller, known.controller) || controller == "" && slices.Contains(known.classes, class)) &&
					slices.ContainsFunc(known.images, func(i string) bool { return strings.Contains(image, i) }) && (c.Role == kube.RoleMain) {
					named = true
				}
			}
		}
		switch {
		case argued && fits:
			byArgument = append(byArgument, k.pods[w])
		case named && !argued:
			byImage = append(byImage, k.pods[w])
		}
	}
	if len(byArgument) > 0 {
		return byArgument
	}
	return byImage
}

// addControlled makes the node of an Ingress that a controller in the cluster serves. Connections come to it by the
// controller's pods.
func (k *kubernetes) addControlled(i *kube.Ingress) {
	n := k.newNode(&i.Object, i, KindProxy)
	class, _ := i.Class.Text()
	controller := ""
	if c := k.m.ClassOf(i); c != nil {
		controller, _ = c.Controller.Text()
		class = c.Name
	}
	serving := k.servedBy(controller, class, &i.Object)
	k.serve(n, serving, class, func(e *edge) {})
	var from *kube.Workload
	if len(serving) > 0 {
		from = serving[0].pod
	}
	limits := k.nginxLimits(&i.Object, controller, class)
	k.backends(&i.Object, i.Backends, n, func(e *edge) {
		e.port, e.pod = allPorts, from
		e.origins, e.blocks, e.shields = limits.origins, limits.blocks, limits.shields
		e.exists = e.exists.and(limits.exists)
	})
}

// nginxLimits is what annotations of an Ingress make ingress-nginx ask of clients
// (https://kubernetes.github.io/ingress-nginx/user-guide/nginx-configuration/annotations/).
type nginxLimits struct {
	origins *IPSet // nil: all
	blocks  []Block
	shields []string
	exists  cond
}

func (k *kubernetes) nginxLimits(o *kube.Object, controller, class string) nginxLimits {
	limits := nginxLimits{exists: certainly}
	if !strings.HasPrefix(controller, "k8s.io/ingress-nginx") && (controller != "" || class != "nginx" && class != "ingress-nginx") {
		return limits
	}
	annotation := func(name string) string {
		text, unknown := k.text(o.Annotation("nginx.ingress.kubernetes.io/" + name))
		if unknown != "" && strings.HasSuffix(name, "-source-range") {
			limits.exists = limits.exists.and(perhaps(unknown))
		}
		return text
	}
	for _, name := range []string{"whitelist-source-range", "allowlist-source-range"} {
		if text := annotation(name); text != "" {
			who := k.rangesOf(inventory.StringValue(text, o.Resource.Location))
			limits.origins = &who.set
		}
	}
	if limits.origins != nil && limits.origins.Intersect(internetV4.Union(internetV6)).IsEmpty() {
		limits.blocks = []Block{{SourceRanges, o.ID()}}
	}
	if annotation("auth-url") != "" || annotation("auth-type") != "" {
		limits.shields = append(limits.shields, "auth:custom")
	}
	if verify := annotation("auth-tls-verify-client"); annotation("auth-tls-secret") != "" && (verify == "" || verify == "on") && !o.Get("spec", "tls").IsNull() {
		limits.shields = append(limits.shields, "auth:mtls")
	}
	return limits
}

// serve leads from the pods of a controller to what it serves. Without any in the tree, it may be served all the same.
func (k *kubernetes) serve(n *node, serving []*node, class string, set func(e *edge)) {
	for _, from := range serving {
		for _, proto := range []uint8{protoTCP, protoUDP} {
			e := &edge{from: from, to: n, proto: proto, port: allPorts, how: byService, exists: certainly}
			set(e)
			k.g.connect(e)
		}
	}
	if len(serving) > 0 {
		return
	}
	reasons := []inventory.Reason{{Code: IngressController, Ref: string(n.address)}}
	if class != "" {
		reasons = append(reasons, inventory.Reason{Code: IngressController, Ref: class})
	}
	n.fronts = append(n.fronts, &front{
		open: listens(protoTCP, NewPorts(PortRange{80, 80}, PortRange{443, 443}), "", false), exists: perhaps(k.g.why.bits(reasons...)),
		assumptions: []string{AssumedClusterNetwork},
	})
}

// addGateways makes the proxies of Gateway API.
func (k *kubernetes) addGateways() {
	for _, gw := range k.m.Gateways {
		n := k.newNode(&gw.Object, gw, KindProxy)
		class, _ := gw.Class.Text()
		controller := ""
		if c := k.m.GatewayClassOf(gw); c != nil {
			controller, _ = c.Controller.Text()
		}
		balanced := strings.HasPrefix(controller, "gateway.k8s.aws/")
		var open Set
		var ports Ports
		for _, l := range gw.Listeners {
			p, why := k.port(l.Port)
			ports = ports.Union(p)
			open = open.Union(listens(listenerProto(l), p, why, true))
		}
		var serving []*node
		if balanced {
			k.openGateway(n, gw, open)
		} else {
			serving = k.servedBy(controller, class, &gw.Object)
			taken := Ports{}
			for _, l := range gw.Listeners {
				p, _ := k.port(l.Port)
				taken = taken.Union(k.podPorts(serving, p))
			}
			k.serve(n, serving, class, func(e *edge) { e.port = taken })
			for _, f := range n.fronts {
				if !ports.IsEmpty() {
					f.open = open.cut(everyV4)
				}
			}
		}
		var from *kube.Workload
		if len(serving) > 0 {
			from = serving[0].pod
		}
		k.attachRoutes(gw, n, from, serving)
	}
}

func listenerProto(l kube.Listener) uint8 {
	if name, _ := l.Protocol.Text(); strings.EqualFold(name, "UDP") {
		return protoUDP
	}
	return protoTCP
}

// openGateway gives a Gateway of the AWS Load Balancer Controller its door.
func (k *kubernetes) openGateway(n *node, gw *kube.Gateway, open Set) {
	public := never
	var sources []inventory.Value
	var groups *groupSet
	var addresses inventory.Value
	if c := k.m.ConfigurationOf(gw); c != nil {
		switch text, unknown := k.text(c.Scheme); {
		case unknown != "":
			public = perhaps(unknown)
		case text == "internet-facing":
			public = certainly
		}
		sources = c.SourceRanges
		groups = k.namedGroups(&gw.Object, c.SecurityGroups)
		n.shields = addTo(n.shields, k.waf(c.WAF)...)
		addresses = c.AddressType
	}
	k.open(n, &gw.Object, k.addressed(open, addresses), k.rangesOf(sources...), public, groups, inventory.Value{})
}

// attachRoutes makes the edges of the routes that belong to a Gateway.
func (k *kubernetes) attachRoutes(gw *kube.Gateway, n *node, from *kube.Workload, serving []*node) {
	for _, l := range gw.Listeners {
		port, why := k.port(l.Port)
		if len(serving) > 0 {
			port = k.podPorts(serving, port)
		}
		for _, r := range k.m.Routes {
			if !together(&r.Object, &gw.Object) {
				continue
			}
			attached := k.m.Attaches(r, gw, l)
			if attached == kube.No {
				continue
			}
			for _, b := range r.Backends {
				granted := k.m.Granted(r, b)
				if granted == kube.No {
					continue
				}
				k.backends(&r.Object, []kube.Backend{b}, n, func(e *edge) {
					e.via = append([]inventory.ID{r.ID()}, e.via...)
					e.port, e.pod = port, from
					e.exists = e.exists.and(perhaps(why)).and(truthCond(k, attached.And(granted), &r.Object))
				})
			}
		}
	}
}

// addIstio makes the proxies of Istio gateways: the pods that the selector chooses take the connections.
func (k *kubernetes) addIstio() {
	for _, gw := range k.m.IstioGateways {
		n := k.newNode(&gw.Object, gw, KindProxy)
		var serving []*node
		for _, s := range k.m.Select(gw.Selector, nil) {
			if p := k.pods[s.Workload]; p != nil && together(&s.Object, &gw.Object) {
				serving = append(serving, p)
			}
		}
		class := ""
		var taken Ports
		for _, s := range gw.Servers {
			p, _ := k.port(s.Port)
			taken = taken.Union(k.podPorts(serving, p))
		}
		k.serve(n, serving, class, func(e *edge) { e.port = taken })
		var from *kube.Workload
		if len(serving) > 0 {
			from = serving[0].pod
		} else if len(n.fronts) > 0 {
			var open Set
			for _, s := range gw.Servers {
				p, why := k.port(s.Port)
				open = open.Union(listens(protoTCP, p, why, false))
			}
			if !open.IsEmpty() {
				n.fronts[0].open = open
			}
		}
		for _, v := range k.m.VirtualServices {
			uses := v.UsesGateway(gw)
			if uses == kube.No || !together(&v.Object, &gw.Object) {
				continue
			}
			for _, b := range v.Backends {
				list := []kube.Backend{b}
				if b.Port.IsNull() {
					list = k.onlyPort(&v.Object, b)
				}
				k.backends(&v.Object, list, n, func(e *edge) {
					e.via = append([]inventory.ID{v.ID()}, e.via...)
					e.port, e.pod = allPorts, from
					e.exists = e.exists.and(truthCond(k, uses, &v.Object))
				})
			}
		}
	}
}

// podPorts returns on which ports of its pods a controller takes what clients dial a port for: those that its Services lead
// it to, and the port itself. Where these are none of the pods' it is not known how they hang together, and any is taken.
func (k *kubernetes) podPorts(serving []*node, dialled Ports) Ports {
	taken, fits := dialled, false
	for _, s := range k.m.Services {
		for _, b := range k.m.Backends(s) {
			if !slices.Contains(serving, k.pods[b.Workload]) {
				continue
			}
			for _, p := range s.Ports {
				target, ok := p.Target(&b.Workload.Pod)
				if !ok {
					continue
				}
				port, _ := k.port(p.Port)
				to, _ := k.port(target)
				if dialled.SubsetOf(port) {
					taken, fits = taken.Union(to), true
				}
				fits = fits || dialled.SubsetOf(to)
			}
		}
	}
	if !fits {
		return allPorts
	}
	return taken
}

// onlyPort returns a backend without port once for each port of its Services: Istio takes the only one there is.
func (k *kubernetes) onlyPort(o *kube.Object, b kube.Backend) []kube.Backend {
	var list []kube.Backend
	for _, s := range k.m.ServicesOf(b, o) {
		for _, p := range s.Ports {
			one := b
			one.Port = p.Port
			list = append(list, one)
		}
	}
	return list
}
