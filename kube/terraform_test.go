package kube_test

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/trifecta-scanner/trifecta/inventory"
	"github.com/trifecta-scanner/trifecta/kube"
)

// resource returns a Terraform resource with the values that JSON gives, as the evaluator makes them: blocks are lists.
func resource(t *testing.T, kind, values string) *inventory.Resource {
	t.Helper()
	var v inventory.Value
	if err := json.Unmarshal([]byte(values), &v); err != nil {
		t.Fatal(err)
	}
	return &inventory.Resource{ID: inventory.ID(kind + ".x"), Type: kind, Language: inventory.Terraform, Root: "infra", Values: v}
}

func TestTerraform(t *testing.T) {
	m := kube.Read([]*inventory.Resource{
		resource(t, "kubernetes_deployment_v1", `{"metadata":[{"name":"web","labels":{"my_label":"a"}}],"spec":[{"replicas":2,"selector":[{"match_labels":{"app":"web"}}],
			"template":[{"metadata":[{"labels":{"app":"web"}}],"spec":[{"host_network":true,"service_account_name":"sa","container":[{"name":"web","image":"shop/web:1","port":[{"container_port":8080,"host_port":80}],
			"security_context":[{"run_as_non_root":true,"capabilities":[{"drop":["ALL"]}]}],"env":[{"name":"A","value":"b"}]}]}]}]}]}`),
		resource(t, "kubernetes_service", `{"metadata":[{"name":"web","annotations":{"service.beta.kubernetes.io/aws-load-balancer-type":"nlb"}}],
			"spec":[{"type":"LoadBalancer","selector":{"app":"web"},"port":[{"port":80,"target_port":8080}],"external_ips":["1.2.3.4"],"load_balancer_source_ranges":["10.0.0.0/8"]}]}`),
		resource(t, "kubernetes_ingress_v1", `{"metadata":[{"name":"web"}],"spec":[{"ingress_class_name":"alb","rule":[{"host":"a","http":[{"path":[{"path":"/","backend":[{"service":[{"name":"web","port":[{"number":80}]}]}]}]}]}]}]}`),
		resource(t, "kubernetes_network_policy", `{"metadata":[{"name":"p"}],"spec":[{"pod_selector":[{"match_expressions":[{"key":"app","operator":"In","values":["web"]}]}],
			"ingress":[{"ports":[{"port":"8080","protocol":"TCP"}],"from":[{"ip_block":[{"cidr":"10.0.0.0/8"}]}]}],"policy_types":["Ingress"]}]}`),
		resource(t, "kubernetes_manifest", `{"manifest":{"apiVersion":"v1","kind":"Pod","metadata":{"name":"m","labels":{"app":"web"}},"spec":{"containers":[{"name":"m","image":"m:1"}]}}}`),
		resource(t, "kubectl_manifest", `{"yaml_body":"apiVersion: v1\nkind: Pod\nmetadata: {name: k}\n"}`),
		resource(t, "helm_release", `{"name":"lb","chart":"aws-load-balancer-controller","namespace":"kube-system"}`),
		resource(t, "kubernetes_deployment", `{"metadata":[{"name":{"$unknown":[{"code":"VAR_NO_DEFAULT","ref":"var.name"}]}}],"spec":{"$unknown":[{"code":"COMPUTED"}]}}`),
		resource(t, "kubernetes_labels", `{}`),
		resource(t, "aws_vpc", `{}`),
	})
	var got []string
	for _, o := range m.Objects() {
		got = append(got, string(o.ID())+" "+o.Kind+" "+o.Namespace+"/"+o.Name)
	}
	want := []string{
		"kubectl_manifest.x Pod default/k", "kubernetes_deployment.x Deployment default/", "kubernetes_deployment_v1.x Deployment default/web", "kubernetes_ingress_v1.x Ingress default/web",
		"kubernetes_manifest.x Pod default/m", "kubernetes_network_policy.x NetworkPolicy default/p", "kubernetes_service.x Service default/web",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}

	web := m.Workloads[0]
	if web.Name != "web" || len(web.Pod.Containers) != 1 || len(web.Pod.Ports()) != 1 {
		t.Fatalf("deployment %+v", web)
	}
	c := web.Pod.Containers[0]
	if host, _ := c.Ports[0].HostPort.Int(); host != 80 {
		t.Errorf("port %+v", c.Ports[0])
	}
	if yes, _ := c.SecurityContext.Get("runAsNonRoot").Bool(); !yes || len(c.SecurityContext.Get("capabilities", "drop").Elements()) != 1 {
		t.Errorf("security context %v", c.SecurityContext)
	}
	if label, _ := web.Labels.Get("my_label").Text(); label != "a" {
		t.Errorf("labels %v", web.Labels)
	}
	s := m.Services[0]
	sent := map[string]kube.Truth{}
	for _, b := range m.Backends(s) {
		sent[string(b.ID())] = b.Match
	}
	wantSent := map[string]kube.Truth{"kubernetes_deployment_v1.x": kube.Yes, "kubernetes_manifest.x": kube.Yes, "kubernetes_deployment.x": kube.Maybe}
	if diff := cmp.Diff(wantSent, sent); diff != "" {
		t.Error(diff)
	}
	if len(s.ExternalIPs) != 1 || len(s.SourceRanges) != 1 || len(s.Ports) != 1 {
		t.Errorf("service %+v", s)
	}
	if target, _ := s.Ports[0].TargetPort.Int(); target != 8080 {
		t.Errorf("port %+v", s.Ports[0])
	}
	i := m.Ingresses[0]
	if len(i.Backends) != 1 || len(m.ServicesOf(i.Backends[0], &i.Object)) != 1 {
		t.Errorf("ingress %+v", i)
	}
	p := m.NetworkPolicies[0]
	if p.Applies(web) != kube.Yes || len(p.Ingress) != 1 || !p.Ingress[0].Peers[0].IsCIDR() {
		t.Errorf("policy %+v", p)
	}
	if port, _ := p.Ingress[0].Ports[0].Port.Text(); port != "8080" {
		t.Errorf("policy's port %+v", p.Ingress[0].Ports[0])
	}
	if len(m.Releases) != 1 || m.Releases[0].ChartName() != "aws-load-balancer-controller" {
		t.Errorf("releases %v", m.Releases)
	}
}
