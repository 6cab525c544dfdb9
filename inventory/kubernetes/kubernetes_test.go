package kubernetes_test

import (
	"fmt"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"github.com/trifecta-scanner/trifecta/inventory"
	"github.com/trifecta-scanner/trifecta/inventory/kubernetes"
)

// read returns what the source finds in files.
func read(tb testing.TB, source inventory.Source, files map[string]string) *inventory.Inventory {
	tb.Helper()
	fsys := fstest.MapFS{}
	for name, text := range files {
		fsys[name] = &fstest.MapFile{Data: []byte(text)}
	}
	tree, err := inventory.NewTree(tb.Context(), fsys, inventory.Limits{})
	if err != nil {
		tb.Fatal(err)
	}
	inv, err := source.Read(tb.Context(), tree)
	if err != nil {
		tb.Fatal(err)
	}
	return inv
}

// lines is an inventory as the tables have it: one line a resource, image and notice.
func lines(inv *inventory.Inventory) []string {
	var list []string
	for _, r := range inv.Resources {
		where := r.Root
		if r.Environment != "" {
			where += "@" + r.Environment
		}
		list = append(list, fmt.Sprintf("%s %s in %s at %s:%d", r.ID, r.Type, where, r.Location.Path, r.Location.Line))
	}
	for _, i := range inv.Images {
		list = append(list, fmt.Sprintf("image %s of %v at %s:%d", i.ID, i.Workloads, i.Locations[0].Path, i.Locations[0].Line))
	}
	for _, n := range inv.Notices {
		if n.Location == nil {
			list = append(list, n.Code+": "+n.Message)
			continue
		}
		list = append(list, fmt.Sprintf("%s %s:%d: %s", n.Code, n.Location.Path, n.Location.Line, n.Message))
	}
	return list
}

func TestManifests(t *testing.T) {
	tests := []struct {
		name  string
		files map[string]string
		want  []string
	}{
		{"documents, a list and JSON", map[string]string{
			"a.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n---\napiVersion: v1\nkind: List\nitems:\n- apiVersion: v1\n  kind: Secret\n  metadata: {name: b, namespace: team}\n",
			"b.json": `{"apiVersion":"rbac.authorization.k8s.io/v1","kind":"ClusterRole","metadata":{"name":"c"}}`,
			"c.yml":  "apiVersion: v1\nkind: ConfigMapList\nitems:\n- {apiVersion: v1, kind: ConfigMap, metadata: {name: d}}\n",
		}, []string{
			"ConfigMap/default/a v1/ConfigMap in a.yaml at a.yaml:1", "Secret/team/b v1/Secret in a.yaml at a.yaml:8",
			"ClusterRole/c rbac.authorization.k8s.io/v1/ClusterRole in b.json at b.json:1", "ConfigMap/default/d v1/ConfigMap in c.yml at c.yml:4",
		}},
		{"images", map[string]string{
			"a.yaml": "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec:\n  initContainers: [{image: \"init:1\"}]\n  containers:\n  - image: shop/api@sha256:0123\n",
		}, []string{
			"Pod/default/a v1/Pod in a.yaml at a.yaml:1", "image init:1 of [Pod/default/a] at a.yaml:5", "image shop/api@sha256:0123 of [Pod/default/a] at a.yaml:7",
		}},
		{"what is no object of a cluster", map[string]string{
			"kustomize.yaml": "apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Component\nmetadata: {name: x}\n",
			"skaffold.yaml":  "apiVersion: skaffold/v4beta1\nkind: Config\nmetadata: {name: x}\n",
			"config.yaml":    "apiVersion: v1\nkind: Config\nclusters: []\n",
			"values.yaml":    "apiVersion: 1\nkinds: [a]\n",
			"vendor/a.yaml":  "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\n",
			"text.txt":       "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\n",
		}, nil},
		{"the later of two is what the cluster keeps", map[string]string{
			"a.yaml": "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\n---\napiVersion: v1\nkind: Pod\nmetadata: {name: a}\n",
		}, []string{"Pod/default/a v1/Pod in a.yaml at a.yaml:5"}},
		{"one kind in two groups", map[string]string{
			"a.yaml": "apiVersion: v1\nkind: Service\nmetadata: {name: a}\n---\napiVersion: serving.knative.dev/v1\nkind: Service\nmetadata: {name: a}\n",
		}, []string{"Service.serving.knative.dev/default/a serving.knative.dev/v1/Service in a.yaml at a.yaml:5", "Service/default/a v1/Service in a.yaml at a.yaml:1"}},
		{"a broken document", map[string]string{
			"a.yaml": "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\n---\nkind: [\n",
		}, []string{"Pod/default/a v1/Pod in a.yaml at a.yaml:1", "unreadable-manifest a.yaml:5: a.yaml has a document that can't be read: did not find expected node content"}},
		{"definitions of kinds", map[string]string{
			"a.yaml": "apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata: {name: a}\n---\nkind: CustomResourceDefinition\napiVersion: apiextensions.k8s.io/v1\n---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: b}\n",
		}, []string{"ConfigMap/default/b v1/ConfigMap in a.yaml at a.yaml:8", "custom-resource-definitions: 2 definitions of custom resources were not read; they name kinds and deploy nothing"}},
		{"a name that the cluster completes", map[string]string{
			"a.yaml": "apiVersion: batch/v1\nkind: Job\nmetadata: {generateName: a-}\n",
		}, []string{"Job/default/a- batch/v1/Job in a.yaml at a.yaml:1"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if diff := cmp.Diff(tt.want, lines(read(t, kubernetes.Source{}, tt.files))); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestSecretsAreNotShown(t *testing.T) {
	inv := read(t, kubernetes.Source{}, map[string]string{"a.yaml": "apiVersion: v1\nkind: Secret\nmetadata: {name: a}\ndata: {password: aHVudGVyMg==}\nstringData: {token: hunter2}\n"})
	text, err := inv.Resources[0].Values.MarshalJSON()
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(text), "aHVudGVyMg") || strings.Contains(string(text), "hunter2") || !strings.Contains(string(text), "password") {
		t.Errorf("the secret is written as %s", text)
	}
}

func FuzzManifests(f *testing.F) {
	f.Add("apiVersion: v1\nkind: List\nitems: [{apiVersion: v1, kind: Pod, metadata: {name: a}, spec: {containers: [{image: x}]}}]\n")
	f.Add("apiVersion: apps/v1\nkind: Deployment\nmetadata: [1]\nspec: {template: {spec: {containers: {image: 1}}}}\n")
	f.Add("apiVersion: cilium.io/v2\nkind: CiliumNetworkPolicy\nmetadata: {name: a}\nspecs: [{endpointSelector: {matchExpressions: [1]}, ingress: [null]}]\n")
	f.Add("apiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata: {name: a}\nspec: {rules: {http: {paths: 1}}}\n")
	f.Fuzz(func(t *testing.T, text string) {
		inv := read(t, kubernetes.Source{}, map[string]string{"a.yaml": text})
		for _, r := range inv.Resources {
			if r.ID == "" || r.Type == "" || r.Location.Path != "a.yaml" {
				t.Errorf("resource %+v", r)
			}
		}
	})
}
