// Package kube is the typed model of Kubernetes objects: workloads with their pods, what stands in front of them (Service,
// Ingress, Gateway API, Istio) and what filters (NetworkPolicy, CiliumNetworkPolicy). The network and the rules read it
// and never the language that the objects are declared in: manifests, charts, kustomizations and Terraform's kubernetes
// provider all fill it.
//
// Read sorts resources into a Model. A value that decides something stays an inventory.Value, known or unknown with a
// reason and a place; questions about such values are answered with a Truth.
//
// To read one more kind, add a type and its reader to the table in Read.
package kube

import (
	"cmp"
	"path"
	"slices"
	"strings"

	"github.com/trifecta-scanner/trifecta/inventory"
)

// Object is what all objects have.
type Object struct {
	Resource *inventory.Resource
	Group    string // of the API: apps, networking.k8s.io; empty for the core
	Version  string // v1, v1beta1; empty where Terraform does not say
	Kind     string // Deployment
	// Namespace is "default" where none is written, and empty where the kind has none or it is not known.
	Namespace string
	Name      string // empty where it is not known
	// Set names the objects that are deployed together: the root of a chart, kustomization or Terraform module, or the
	// folder of plain manifests.
	Set         string
	Labels      inventory.Value
	Annotations inventory.Value
	// Body is the object with the field names of the Kubernetes API, whatever the language.
	Body inventory.Value

	namespace inventory.Value
	name      inventory.Value
}

// ID returns the address of the object.
func (o *Object) ID() inventory.ID { return o.Resource.ID }

// Get returns what stands at a path of field names; see inventory.Value.Get.
func (o *Object) Get(path ...string) inventory.Value { return o.Body.Get(path...) }

// Annotation returns the annotation of a name, Null where it is not there.
func (o *Object) Annotation(name string) inventory.Value { return o.Annotations.Get(name) }

// SameNamespace reports whether two objects stand in one namespace.
func (o *Object) SameNamespace(p *Object) Truth { return equal(o.namespace, p.namespace) }

// Named reports whether o is the object of a name in the namespace of another object.
func (o *Object) Named(name inventory.Value, near *Object) Truth {
	return equal(o.name, name).And(o.SameNamespace(near))
}

// NamedIn reports whether o is the object of a name and a namespace; a namespace that is Null is that of near.
func (o *Object) NamedIn(name, namespace inventory.Value, near *Object) Truth {
	if namespace.IsNull() {
		return o.Named(name, near)
	}
	return equal(o.name, name).And(equal(o.namespace, namespace))
}

// Model holds objects by what they are for. Each list is in order of root, environment and address.
type Model struct {
	Workloads          []*Workload
	Services           []*Service
	Ingresses          []*Ingress
	IngressClasses     []*IngressClass
	IngressClassParams []*IngressClassParams
	GatewayClasses     []*GatewayClass
	Gateways           []*Gateway
	Routes             []*Route
	ReferenceGrants    []*ReferenceGrant
	// LoadBalancerConfigurations are those of the AWS Load Balancer Controller for Gateway API.
	LoadBalancerConfigurations []*LoadBalancerConfiguration
	NetworkPolicies            []*NetworkPolicy
	CiliumPolicies             []*CiliumPolicy
	IstioGateways              []*IstioGateway
	VirtualServices            []*VirtualService
	Namespaces                 []*Object
	// Releases are charts that something installs; their objects are in the model only where the chart is in the tree.
	Releases []*Release
	// Others are the rest: roles, config maps, custom resources.
	Others []*Object

	pods podIndex
}

// Read sorts the Kubernetes objects among resources into a model; other resources are left out. Resources that do not
// exist (inventory.NotExists) are left out, too.
func Read(resources []*inventory.Resource) *Model {
	m := &Model{}
	for _, r := range resources {
		if r.Exists == inventory.NotExists {
			continue
		}
		switch r.Language {
		case inventory.Kubernetes:
			m.add(newObject(r, r.Values, setOf(r)))
		case inventory.Terraform:
			m.addTerraform(r)
		}
	}
	m.pods = newPodIndex(m.Workloads)
	return m
}

// setOf returns what an object is deployed with. Plain manifests are applied by the folder.
func setOf(r *inventory.Resource) string {
	if r.Root == r.Location.Path {
		return path.Dir(r.Root)
	}
	return r.Root
}

func newObject(r *inventory.Resource, body inventory.Value, set string) *Object {
	o := &Object{Resource: r, Set: set, Body: body, Labels: body.Get("metadata", "labels"), Annotations: body.Get("metadata", "annotations")}
	version, _ := body.Get("apiVersion").Text()
	o.Group, o.Version = SplitVersion(version)
	o.Kind, _ = body.Get("kind").Text()
	o.name = body.Get("metadata", "name")
	o.Name, _ = o.name.Text()
	if !ClusterScoped(o.Group, o.Kind) {
		o.namespace = body.Get("metadata", "namespace")
		if empty, ok := o.namespace.Text(); o.namespace.IsNull() || ok && empty == "" {
			o.namespace = inventory.StringValue("default", o.namespace.Location()).AsDefault()
		}
		o.Namespace, _ = o.namespace.Text()
	}
	return o
}

// SplitVersion splits the apiVersion of an object into group and version.
func SplitVersion(apiVersion string) (group, version string) {
	if group, version, ok := strings.Cut(apiVersion, "/"); ok {
		return group, version
	}
	return "", apiVersion
}

// add puts an object into its list.
func (m *Model) add(o *Object) {
	switch kind := o.Group + "/" + o.Kind; {
	case workloads[kind] != nil:
		m.Workloads = append(m.Workloads, newWorkload(o, workloads[kind]))
	case kind == "/Service":
		m.Services = append(m.Services, newService(o))
	case kind == "/Namespace":
		m.Namespaces = append(m.Namespaces, o)
	case kind == "networking.k8s.io/Ingress", kind == "extensions/Ingress":
		m.Ingresses = append(m.Ingresses, newIngress(o))
	case kind == "networking.k8s.io/IngressClass":
		m.IngressClasses = append(m.IngressClasses, newIngressClass(o))
	case kind == "elbv2.k8s.aws/IngressClassParams", kind == "eks.amazonaws.com/IngressClassParams":
		m.IngressClassParams = append(m.IngressClassParams, newIngressClassParams(o))
	case kind == "networking.k8s.io/NetworkPolicy":
		m.NetworkPolicies = append(m.NetworkPolicies, newNetworkPolicy(o))
	case kind == "gateway.networking.k8s.io/GatewayClass":
		m.GatewayClasses = append(m.GatewayClasses, newGatewayClass(o))
	case kind == "gateway.networking.k8s.io/Gateway":
		m.Gateways = append(m.Gateways, newGateway(o))
	case o.Group == "gateway.networking.k8s.io" && strings.HasSuffix(o.Kind, "Route"):
		m.Routes = append(m.Routes, newRoute(o))
	case kind == "gateway.networking.k8s.io/ReferenceGrant":
		m.ReferenceGrants = append(m.ReferenceGrants, newReferenceGrant(o))
	case kind == "gateway.k8s.aws/LoadBalancerConfiguration":
		m.LoadBalancerConfigurations = append(m.LoadBalancerConfigurations, newLoadBalancerConfiguration(o))
	case kind == "cilium.io/CiliumNetworkPolicy", kind == "cilium.io/CiliumClusterwideNetworkPolicy":
		m.CiliumPolicies = append(m.CiliumPolicies, newCiliumPolicy(o))
	case kind == "networking.istio.io/Gateway":
		m.IstioGateways = append(m.IstioGateways, newIstioGateway(o))
	case kind == "networking.istio.io/VirtualService":
		m.VirtualServices = append(m.VirtualServices, newVirtualService(o))
	default:
		m.Releases = append(m.Releases, releases(o)...)
		m.Others = append(m.Others, o)
	}
}

// Objects returns everything in the model, in order of root, environment and address.
func (m *Model) Objects() []*Object {
	all := slices.Clone(m.Others)
	all = appendObjects(all, m.Workloads, func(w *Workload) *Object { return &w.Object })
	all = appendObjects(all, m.Services, func(s *Service) *Object { return &s.Object })
	all = appendObjects(all, m.Ingresses, func(i *Ingress) *Object { return &i.Object })
	all = appendObjects(all, m.IngressClasses, func(c *IngressClass) *Object { return &c.Object })
	all = appendObjects(all, m.IngressClassParams, func(p *IngressClassParams) *Object { return &p.Object })
	all = appendObjects(all, m.GatewayClasses, func(c *GatewayClass) *Object { return &c.Object })
	all = appendObjects(all, m.Gateways, func(g *Gateway) *Object { return &g.Object })
	all = appendObjects(all, m.Routes, func(r *Route) *Object { return &r.Object })
	all = appendObjects(all, m.ReferenceGrants, func(g *ReferenceGrant) *Object { return &g.Object })
	all = appendObjects(all, m.LoadBalancerConfigurations, func(c *LoadBalancerConfiguration) *Object { return &c.Object })
	all = appendObjects(all, m.NetworkPolicies, func(p *NetworkPolicy) *Object { return &p.Object })
	all = appendObjects(all, m.CiliumPolicies, func(p *CiliumPolicy) *Object { return &p.Object })
	all = appendObjects(all, m.IstioGateways, func(g *IstioGateway) *Object { return &g.Object })
	all = appendObjects(all, m.VirtualServices, func(s *VirtualService) *Object { return &s.Object })
	all = append(all, m.Namespaces...)
	slices.SortStableFunc(all, func(a, b *Object) int {
		return cmp.Or(a.Resource.Compare(b.Resource), a.Resource.Location.Compare(b.Resource.Location))
	})
	return all
}

func appendObjects[T any](all []*Object, list []T, object func(T) *Object) []*Object {
	for _, e := range list {
		all = append(all, object(e))
	}
	return all
}

// clusterScoped are the kinds that stand in no namespace, by group and kind
// (https://kubernetes.io/docs/reference/kubernetes-api/).
var clusterScoped = map[string]bool{
	"/Namespace": true, "/Node": true, "/PersistentVolume": true, "/ComponentStatus": true,
	"admissionregistration.k8s.io/MutatingWebhookConfiguration":     true,
	"admissionregistration.k8s.io/ValidatingWebhookConfiguration":   true,
	"admissionregistration.k8s.io/ValidatingAdmissionPolicy":        true,
	"admissionregistration.k8s.io/ValidatingAdmissionPolicyBinding": true,
	"apiextensions.k8s.io/CustomResourceDefinition":                 true,
	"apiregistration.k8s.io/APIService":                             true,
	"certificates.k8s.io/CertificateSigningRequest":                 true,
	"cert-manager.io/ClusterIssuer":                                 true,
	"cilium.io/CiliumClusterwideNetworkPolicy":                      true,
	"elbv2.k8s.aws/IngressClassParams":                              true,
	"eks.amazonaws.com/IngressClassParams":                          true,
	"eks.amazonaws.com/NodeClass":                                   true,
	"external-secrets.io/ClusterSecretStore":                        true,
	"flowcontrol.apiserver.k8s.io/FlowSchema":                       true,
	"flowcontrol.apiserver.k8s.io/PriorityLevelConfiguration":       true,
	"gateway.networking.k8s.io/GatewayClass":                        true,
	"karpenter.k8s.aws/EC2NodeClass":                                true,
	"karpenter.k8s.aws/AWSNodeTemplate":                             true,
	"karpenter.sh/NodePool":                                         true,
	"karpenter.sh/NodeClaim":                                        true,
	"karpenter.sh/Provisioner":                                      true,
	"kyverno.io/ClusterPolicy":                                      true,
	"networking.k8s.io/IngressClass":                                true,
	"node.k8s.io/RuntimeClass":                                      true,
	"policy/PodSecurityPolicy":                                      true,
	"rbac.authorization.k8s.io/ClusterRole":                         true,
	"rbac.authorization.k8s.io/ClusterRoleBinding":                  true,
	"scheduling.k8s.io/PriorityClass":                               true,
	"storage.k8s.io/StorageClass":                                   true,
	"storage.k8s.io/CSIDriver":                                      true,
	"storage.k8s.io/CSINode":                                        true,
	"storage.k8s.io/VolumeAttachment":                               true,
	"eksctl.io/ClusterConfig":                                       true,
}

// ClusterScoped reports whether objects of a kind stand in no namespace. Custom kinds that are not listed are taken to
// stand in one.
func ClusterScoped(group, kind string) bool { return clusterScoped[group+"/"+kind] }
