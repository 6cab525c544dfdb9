package kube_test

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/trifecta-scanner/trifecta/inventory"
	"github.com/trifecta-scanner/trifecta/kube"
)

// model reads manifests of one folder.
func model(t *testing.T, text string) *kube.Model {
	t.Helper()
	return kube.Read(objects(t, text))
}

func objects(t *testing.T, text string) []*inventory.Resource {
	t.Helper()
	var list []*inventory.Resource
	for _, d := range inventory.ReadYAML("k8s/all.yaml", []byte(text)) {
		if d.Err != nil {
			t.Fatalf("line %d: %v", d.Line, d.Err)
		}
		name, _ := d.Value.Get("metadata", "name").Text()
		kind, _ := d.Value.Get("kind").Text()
		list = append(list, &inventory.Resource{
			ID: inventory.ID(kind + "/" + name), Language: inventory.Kubernetes, Root: "k8s/all.yaml", Location: d.Value.Location(), Values: d.Value,
		})
	}
	return list
}

func value(t *testing.T, text string) inventory.Value {
	t.Helper()
	docs := inventory.ReadYAML("a.yaml", []byte(text))
	if len(docs) == 0 {
		return inventory.Value{}
	}
	if docs[0].Err != nil {
		t.Fatal(docs[0].Err)
	}
	return docs[0].Value
}

func TestSelector(t *testing.T) {
	unknown := inventory.UnknownValue(inventory.Location{}, inventory.Reason{Code: inventory.VarNoDefault, Ref: "var.name"})
	unknownApp := inventory.MapValue([]inventory.Field{{Name: "app", Value: unknown}}, inventory.Location{})
	tests := []struct {
		selector string
		plain    bool
		labels   inventory.Value
		want     kube.Truth
	}{
		{"{app: web}", true, value(t, "{app: web, tier: front}"), kube.Yes},
		{"{app: web, tier: back}", true, value(t, "{app: web, tier: front}"), kube.No},
		{"{app: web}", true, value(t, "{tier: front}"), kube.No},
		{"{}", true, value(t, "{app: web}"), kube.No},
		{"", true, value(t, "{app: web}"), kube.No},
		{"{app: web}", true, unknownApp, kube.Maybe},
		{"{app: web}", true, unknown, kube.Maybe},
		{"{version: 2}", true, value(t, "{version: '2'}"), kube.Yes},
		{"{}", false, value(t, "{app: web}"), kube.Yes},
		{"", false, value(t, "{app: web}"), kube.No},
		{"{matchLabels: {app: web}}", false, value(t, "{app: web}"), kube.Yes},
		{"{matchLabels: {app: web}}", false, value(t, "{app: db}"), kube.No},
		{"{matchExpressions: [{key: app, operator: In, values: [db, web]}]}", false, value(t, "{app: web}"), kube.Yes},
		{"{matchExpressions: [{key: app, operator: In, values: [db]}]}", false, value(t, "{app: web}"), kube.No},
		{"{matchExpressions: [{key: app, operator: In, values: [db]}]}", false, value(t, "{x: y}"), kube.No},
		{"{matchExpressions: [{key: app, operator: NotIn, values: [db]}]}", false, value(t, "{x: y}"), kube.Yes},
		{"{matchExpressions: [{key: app, operator: NotIn, values: [db]}]}", false, value(t, "{app: db}"), kube.No},
		{"{matchExpressions: [{key: app, operator: NotIn, values: [db]}]}", false, unknownApp, kube.Maybe},
		{"{matchExpressions: [{key: app, operator: Exists}]}", false, value(t, "{app: db}"), kube.Yes},
		{"{matchExpressions: [{key: app, operator: Exists}]}", false, value(t, "{}"), kube.No},
		{"{matchExpressions: [{key: app, operator: DoesNotExist}]}", false, value(t, "{}"), kube.Yes},
		{"{matchLabels: {app: web}, matchExpressions: [{key: tier, operator: Exists}]}", false, value(t, "{app: web}"), kube.No},
	}
	for _, tt := range tests {
		s := kube.Selector{Values: value(t, tt.selector), Plain: tt.plain}
		if got := s.Matches(tt.labels); got != tt.want {
			t.Errorf("%q (plain %v) on %v: %d, want %d", tt.selector, tt.plain, tt.labels, got, tt.want)
		}
	}
}

const shop = `
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  template:
    metadata: {labels: {app: web}}
    spec:
      hostNetwork: true
      initContainers:
      - {name: proxy, image: proxy:1, restartPolicy: Always, ports: [{containerPort: 15001}]}
      - {name: migrate, image: migrate:1, ports: [{containerPort: 1}]}
      containers:
      - name: web
        image: shop/web:1
        ports: [{name: http, containerPort: 8080}, {name: dns, containerPort: 53, protocol: UDP, hostPort: 53}]
---
apiVersion: batch/v1
kind: CronJob
metadata: {name: night, namespace: jobs}
spec: {jobTemplate: {spec: {template: {metadata: {labels: {app: web}}, spec: {containers: [{name: x, image: "x:1"}]}}}}}
---
apiVersion: serving.knative.dev/v1
kind: Service
metadata: {name: fn}
spec: {template: {spec: {containers: [{image: fn}]}}}
---
apiVersion: v1
kind: Service
metadata: {name: web}
spec:
  type: LoadBalancer
  selector: {app: web}
  loadBalancerSourceRanges: [10.0.0.0/8]
  ports:
  - {name: http, port: 80, targetPort: http}
  - {name: plain, port: 81}
  - {name: lost, port: 82, targetPort: nothing}
---
apiVersion: v1
kind: Service
metadata: {name: web-headless}
spec: {clusterIP: None, selector: {app: web}}
---
apiVersion: networking.k8s.io/v1
kind: IngressClass
metadata: {name: alb, annotations: {ingressclass.kubernetes.io/is-default-class: "true"}}
spec: {controller: ingress.k8s.aws/alb, parameters: {kind: IngressClassParams, name: open}}
---
apiVersion: elbv2.k8s.aws/v1beta1
kind: IngressClassParams
metadata: {name: open}
spec: {scheme: internet-facing}
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: web}
spec:
  defaultBackend: {service: {name: web, port: {name: http}}}
  rules: [{host: a.example, http: {paths: [{path: /, backend: {service: {name: web, port: {number: 81}}}}]}}]
---
apiVersion: networking.k8s.io/v1beta1
kind: Ingress
metadata: {name: old, annotations: {kubernetes.io/ingress.class: nginx}}
spec: {rules: [{http: {paths: [{backend: {serviceName: web, servicePort: 80}}]}}]}
`

func TestWorkloads(t *testing.T) {
	m := model(t, shop)
	var got []string
	for _, w := range m.Workloads {
		for _, p := range w.Pod.Ports() {
			port, _ := p.Port.Int()
			host, _ := p.HostPort.Int()
			got = append(got, fmt.Sprintf("%s %s %s %d %s host %d", w.Kind, w.Namespace, w.Name, port, p.Protocol, host))
		}
	}
	want := []string{
		"Deployment default web 8080 TCP host 0", "Deployment default web 53 UDP host 53", "Deployment default web 15001 TCP host 0",
		"Service default fn 8080 TCP host 0",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if on, ok := m.Workloads[0].Pod.HostNetwork.Bool(); !on || !ok {
		t.Error("the Deployment is not on the host's network")
	}
	if n := len(m.Workloads[0].Pod.Images()); n != 3 {
		t.Errorf("the Deployment has %d images, want 3", n)
	}
}

func TestServices(t *testing.T) {
	m := model(t, shop)
	web := m.Services[0]
	backends := m.Backends(web)
	if len(backends) != 1 || backends[0].Kind != "Deployment" || backends[0].Match != kube.Yes {
		t.Fatalf("the Service sends to %v, want the Deployment alone: the CronJob is in another namespace", backends)
	}
	want := map[string]string{"http": "8080", "plain": "81", "lost": "nowhere"}
	for _, p := range web.Ports {
		target, ok := p.Target(&backends[0].Pod)
		got, _ := target.Text()
		if !ok {
			got = "nowhere"
		}
		if got != want[p.Name] {
			t.Errorf("port %s leads to %s, want %s", p.Name, got, want[p.Name])
		}
	}
	if web.IsType(kube.LoadBalancer) != kube.Yes || m.Services[1].IsType(kube.ClusterIP) != kube.Yes || m.Services[1].Headless != kube.Yes {
		t.Errorf("types %v, %v", web.Type, m.Services[1].Type)
	}
	if len(web.SourceRanges) != 1 {
		t.Errorf("source ranges %v", web.SourceRanges)
	}
}

func TestIngresses(t *testing.T) {
	m := model(t, shop)
	fresh, old := m.Ingresses[0], m.Ingresses[1]
	if len(fresh.Backends) != 2 || len(old.Backends) != 1 {
		t.Fatalf("backends %v, %v", fresh.Backends, old.Backends)
	}
	for i, want := range []string{"80", "81"} {
		services := m.ServicesOf(fresh.Backends[i], &fresh.Object)
		if len(services) != 1 {
			t.Fatalf("backend %d leads to %d services", i, len(services))
		}
		port, ok := services[0].Find(fresh.Backends[i].Port)
		if got, _ := port.Port.Text(); ok != kube.Yes || got != want {
			t.Errorf("backend %d leads to port %s, want %s", i, got, want)
		}
	}
	if params := m.ParamsOf(m.ClassOf(fresh)); params == nil {
		t.Error("an Ingress without class does not get the parameters of the default class")
	} else if scheme, _ := params.Scheme.Text(); scheme != "internet-facing" {
		t.Errorf("scheme %s", scheme)
	}
	if class := m.ClassOf(old); class != nil {
		t.Errorf("the class nginx is not in the model, got %s", class.Name)
	}
}

// One object in two folders: each Service has the workload beside it.
func TestSelectPrefersOwnSet(t *testing.T) {
	const one = "apiVersion: v1\nkind: Pod\nmetadata: {name: a, labels: {app: a}}\n---\napiVersion: v1\nkind: Service\nmetadata: {name: a}\nspec: {selector: {app: a}}\n"
	first, second := objects(t, one), objects(t, one)
	for _, r := range second {
		r.Root = "charts/a"
	}
	m := kube.Read(append(first, second...))
	for i, want := range []string{"k8s", "charts/a"} {
		got := m.Backends(m.Services[i])
		if len(got) != 1 || got[0].Set != want {
			t.Errorf("Service of %s sends to %v", want, got)
		}
	}
	m = kube.Read([]*inventory.Resource{first[1], second[0]})
	if got := m.Backends(m.Services[0]); len(got) != 1 || got[0].Set != "charts/a" {
		t.Errorf("a Service without workloads beside it sends to %v", got)
	}
}

func TestGatewayAPI(t *testing.T) {
	m := model(t, `
apiVersion: v1
kind: Namespace
metadata: {name: team, labels: {public: "yes"}}
---
apiVersion: gateway.networking.k8s.io/v1
kind: GatewayClass
metadata: {name: alb}
spec: {controllerName: gateway.k8s.aws/alb}
---
apiVersion: gateway.k8s.aws/v1beta1
kind: LoadBalancerConfiguration
metadata: {name: open, namespace: infra}
spec: {scheme: internet-facing}
---
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: gw, namespace: infra}
spec:
  gatewayClassName: alb
  infrastructure: {parametersRef: {group: gateway.k8s.aws, kind: LoadBalancerConfiguration, name: open}}
  listeners:
  - {name: same, port: 80, protocol: HTTP}
  - {name: all, port: 81, protocol: HTTP, allowedRoutes: {namespaces: {from: All}}}
  - {name: chosen, port: 82, protocol: HTTP, allowedRoutes: {namespaces: {from: Selector, selector: {matchLabels: {public: "yes"}}}}}
  - {name: grpc, port: 83, protocol: HTTP, allowedRoutes: {kinds: [{kind: GRPCRoute}], namespaces: {from: All}}}
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: web, namespace: team}
spec:
  parentRefs: [{name: gw, namespace: infra}]
  rules: [{backendRefs: [{name: web, port: 80}, {name: web, namespace: other, port: 80}, {name: db, namespace: other, port: 1}]}]
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: stray, namespace: elsewhere}
spec: {parentRefs: [{name: gw, namespace: infra, sectionName: chosen}]}
---
apiVersion: gateway.networking.k8s.io/v1beta1
kind: ReferenceGrant
metadata: {name: g, namespace: other}
spec: {from: [{group: gateway.networking.k8s.io, kind: HTTPRoute, namespace: team}], to: [{group: "", kind: Service, name: web}]}
`)
	g := m.Gateways[0]
	for i, want := range [][]kube.Truth{{kube.No, kube.Yes, kube.Yes, kube.No}, {kube.No, kube.No, kube.No, kube.No}} {
		for j, l := range g.Listeners {
			if got := m.Attaches(m.Routes[i], g, l); got != want[j] {
				t.Errorf("route %s at listener %d: %d, want %d", m.Routes[i].Name, j, got, want[j])
			}
		}
	}
	for i, want := range []kube.Truth{kube.Yes, kube.Yes, kube.No} {
		if got := m.Granted(m.Routes[0], m.Routes[0].Backends[i]); got != want {
			t.Errorf("backend %d granted %d, want %d", i, got, want)
		}
	}
	if c := m.ConfigurationOf(g); c == nil || c.Name != "open" {
		t.Errorf("configuration %v", c)
	}
	if c := m.GatewayClassOf(g); c == nil || c.Name != "alb" {
		t.Errorf("class %v", c)
	}
}

func TestPolicies(t *testing.T) {
	m := model(t, `
apiVersion: v1
kind: Pod
metadata: {name: web, labels: {app: web}}
---
apiVersion: v1
kind: Pod
metadata: {name: far, namespace: other, labels: {app: web}}
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: deny}
spec: {podSelector: {}}
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: allow}
spec:
  podSelector: {matchLabels: {app: web}}
  policyTypes: [Ingress]
  ingress:
  - from: [{ipBlock: {cidr: 0.0.0.0/0, except: [10.0.0.0/8]}}, {podSelector: {}}, {namespaceSelector: {}}, {namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: other}}, podSelector: {matchLabels: {app: web}}}]
    ports: [{port: 80, endPort: 90}]
  - {}
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: out}
spec: {podSelector: {matchLabels: {app: db}}, policyTypes: [Egress]}
---
apiVersion: cilium.io/v2
kind: CiliumNetworkPolicy
metadata: {name: c}
spec:
  endpointSelector: {matchLabels: {"k8s:app": web}}
  ingress:
  - fromEntities: [world]
    toPorts: [{ports: [{port: "443", protocol: TCP}]}]
  - fromEndpoints: [{matchLabels: {"k8s:io.kubernetes.pod.namespace": other, app: web}}]
  - fromEndpoints: []
`)
	web, far := m.Workloads[0], m.Workloads[1]
	deny, allow, out, c := m.NetworkPolicies[0], m.NetworkPolicies[1], m.NetworkPolicies[2], m.CiliumPolicies[0]
	if deny.Applies(web) != kube.Yes || deny.Applies(far) != kube.No || deny.IngressClosed != kube.Yes || deny.EgressClosed != kube.No || len(deny.Ingress) != 0 {
		t.Errorf("a policy for all pods of its namespace: %+v", deny)
	}
	if out.Applies(web) != kube.No || out.IngressClosed != kube.No || out.EgressClosed != kube.Yes {
		t.Errorf("a policy for what goes out: %+v", out)
	}
	rule := allow.Ingress[0]
	if last, _ := rule.Ports[0].EndPort.Int(); rule.AnyPeer != kube.No || rule.AnyPort != kube.No || last != 90 || !rule.Peers[0].IsCIDR() || len(rule.Peers[0].Except) != 1 {
		t.Errorf("rule %+v", rule)
	}
	for i, want := range []kube.Truth{kube.No, kube.No, kube.Yes, kube.Yes} {
		if got := m.Admits(allow, rule.Peers[i], far); got != want {
			t.Errorf("peer %d is the pod of another namespace: %d, want %d", i, got, want)
		}
	}
	if got := m.Admits(allow, rule.Peers[1], web); got != kube.Yes {
		t.Errorf("all pods of the namespace: %d", got)
	}
	if open := allow.Ingress[1]; open.AnyPeer != kube.Yes || open.AnyPort != kube.Yes {
		t.Errorf("an empty rule allows everything: %+v", open)
	}
	cr := c.Rules[0]
	if c.Applies(cr, web) != kube.Yes || c.Applies(cr, far) != kube.No || cr.IngressClosed != kube.Yes {
		t.Errorf("Cilium's policy: %+v", cr)
	}
	if entity, _ := cr.Ingress[0].Peers[0].Entity.Text(); entity != "world" || cr.Ingress[0].AnyPort != kube.No {
		t.Errorf("Cilium's rule: %+v", cr.Ingress[0])
	}
	if p := cr.Ingress[1].Peers[0]; p.Namespaces.Matches(m.NamespaceLabels(&far.Object)) != kube.Yes || p.Pods.Matches(far.Pod.Labels) != kube.Yes {
		t.Errorf("Cilium's endpoint of another namespace: %+v", p)
	}
	if cr.Ingress[2].AnyPeer != kube.No || len(cr.Ingress[2].Peers) != 0 {
		t.Errorf("an empty list of Cilium's endpoints allows nothing: %+v", cr.Ingress[2])
	}
}

func TestIstio(t *testing.T) {
	m := model(t, `
apiVersion: networking.istio.io/v1
kind: Gateway
metadata: {name: gw, namespace: istio}
spec: {selector: {istio: ingressgateway}, servers: [{port: {number: 80, protocol: HTTP, name: http}, hosts: ["*"]}]}
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: web}
spec:
  gateways: [istio/gw]
  hosts: ["*"]
  http: [{route: [{destination: {host: web, port: {number: 80}}}, {destination: {host: web.other.svc.cluster.local}}]}]
---
apiVersion: v1
kind: Service
metadata: {name: web}
---
apiVersion: v1
kind: Service
metadata: {name: web, namespace: other}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: proxy, namespace: anywhere}
spec: {template: {metadata: {labels: {istio: ingressgateway}}}}
`)
	g, v := m.IstioGateways[0], m.VirtualServices[0]
	if v.UsesGateway(g) != kube.Yes {
		t.Error("the VirtualService does not use the gateway")
	}
	if got := m.Select(g.Selector, nil); len(got) != 1 || got[0].Name != "proxy" {
		t.Errorf("the gateway's proxies are %v", got)
	}
	for i, want := range []string{"default", "other"} {
		if s := m.ServicesOf(v.Backends[i], &v.Object); len(s) != 1 || s[0].Namespace != want {
			t.Errorf("backend %d leads to %v", i, s)
		}
	}
}

func TestReleases(t *testing.T) {
	m := model(t, `
apiVersion: argoproj.io/v1alpha1
kind: Application
metadata: {name: ingress}
spec: {destination: {namespace: ingress}, source: {chart: ingress-nginx, repoURL: https://charts.example, targetRevision: 4.0.0}}
---
apiVersion: argoproj.io/v1alpha1
kind: Application
metadata: {name: own}
spec: {source: {path: charts/shop}}
---
apiVersion: helm.toolkit.fluxcd.io/v2
kind: HelmRelease
metadata: {name: cni, namespace: flux}
spec: {targetNamespace: kube-system, chart: {spec: {chart: cilium, version: 1.x, sourceRef: {name: cilium}}}}
`)
	var got []string
	for _, r := range m.Releases {
		namespace, _ := r.Namespace.Text()
		got = append(got, r.ChartName()+" in "+namespace)
	}
	if diff := cmp.Diff([]string{"ingress-nginx in ingress", "cilium in kube-system"}, got); diff != "" {
		t.Error(diff)
	}
}

func TestClusterScoped(t *testing.T) {
	m := model(t, "apiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRole\nmetadata: {name: a}\n---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n")
	if got := []string{m.Others[0].Namespace, m.Others[1].Namespace}; !cmp.Equal(got, []string{"", "default"}) {
		t.Errorf("namespaces %q", got)
	}
	if n := len(m.Objects()); n != 2 {
		t.Errorf("%d objects, want 2", n)
	}
}
