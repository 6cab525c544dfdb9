package kubernetes_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/trifecta-scanner/trifecta/inventory"
	"github.com/trifecta-scanner/trifecta/inventory/kubernetes"
)

const deployment = "apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: web\nspec:\n  replicas: 1\n  template:\n    spec:\n      containers:\n      - name: web\n        image: shop/web\n        ports: [{containerPort: 80}]\n"

func TestKustomizations(t *testing.T) {
	tests := []struct {
		name  string
		files map[string]string
		want  []string
	}{
		{"base and overlays", map[string]string{
			"k/base/kustomization.yaml":          "resources: [web.yaml]\n",
			"k/base/web.yaml":                    deployment,
			"k/overlays/prod/kustomization.yaml": "resources: [../../base]\nnamePrefix: p-\nnamespace: live\nimages:\n- name: shop/web\n  newTag: \"2\"\npatches:\n- path: more.yaml\n",
			"k/overlays/prod/more.yaml":          "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\nspec:\n  replicas: 5\n",
			"k/overlays/dev/kustomization.yaml":  "resources: [../../base]\nconfigMapGenerator:\n- name: conf\n  literals: [a=b]\n",
			"other.yaml":                         "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: other}\n",
		}, []string{
			"ConfigMap/default/conf-4h2mbtbbt6 v1/ConfigMap in k/overlays/dev@dev at k/overlays/dev/kustomization.yaml:3",
			"Deployment/default/web apps/v1/Deployment in k/overlays/dev@dev at k/base/web.yaml:1",
			"Deployment/live/p-web apps/v1/Deployment in k/overlays/prod@prod at k/base/web.yaml:1",
			"ConfigMap/default/other v1/ConfigMap in other.yaml at other.yaml:1",
			"image shop/web of [Deployment/default/web] at k/base/web.yaml:11",
			"image shop/web:2 of [Deployment/live/p-web] at k/overlays/prod/kustomization.yaml:5",
		}},
		{"what is not in the tree", map[string]string{
			"kustomization.yaml": "resources:\n- web.yaml\n- https://example.org/a.yaml\n- github.com/org/repo//deploy?ref=v1\n- git@example.org:a/b\n- ../outside\n- /etc\n- github.com/org/repo\n" +
				"patches: [{path: 'http://example.org/p.yaml'}]\ncrds: ['https://example.org/crd.json']\ntransformers:\n- |\n  apiVersion: builtin\n  kind: PatchTransformer\n  metadata: {name: x}\n  path: https://example.org/p\n",
			"web.yaml":                               "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n",
			"github.com/org/repo/kustomization.yaml": "namePrefix: local-\nresources: [b.yaml]\n",
			"github.com/org/repo/b.yaml":             "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: b}\n",
		}, []string{
			"ConfigMap/default/a v1/ConfigMap in . at web.yaml:1", "ConfigMap/default/local-b v1/ConfigMap in . at github.com/org/repo/b.yaml:1",
			"remote-base 1", "remote-base 3", "remote-base 4", "remote-base 5", "remote-base 6", "remote-base 7", "remote-base 10", "remote-base 12",
		}},
		{"fields that have been replaced", map[string]string{
			"base/kustomization.yaml": "resources: [web.yaml]\n", "base/web.yaml": deployment,
			"k/kustomization.yaml": "bases: [../base]\ncommonLabels: {team: a}\nimageTags: [{name: shop/web, newTag: v3}]\npatchesStrategicMerge:\n- |\n  apiVersion: apps/v1\n  kind: Deployment\n  metadata: {name: web}\n  spec: {paused: true}\n" +
				"patchesJson6902: [{target: {kind: Deployment, name: web, version: v1, group: apps}, patch: '[{\"op\": \"replace\", \"path\": \"/metadata/namespace\", \"value\": \"live\"}]'}]\n",
		}, []string{"Deployment/live/web apps/v1/Deployment in k at base/web.yaml:1", "image shop/web:v3 of [Deployment/live/web] at k/kustomization.yaml:3"}},
		{"names that do not tell where an object comes from", map[string]string{
			"kustomization.yaml":   "resources: [a, b]\nconfigMapGenerator:\n- name: conf\n  literals: [a=b]\n",
			"a/kustomization.yaml": "namespace: a\nresources: [web.yaml]\n", "a/web.yaml": deployment,
			"b/kustomization.yaml": "namespace: b\nresources: [web.yaml]\n", "b/web.yaml": "# another one\n" + deployment,
		}, []string{
			"ConfigMap/default/conf-4h2mbtbbt6 v1/ConfigMap in . at kustomization.yaml:3", "Deployment/a/web apps/v1/Deployment in . at a/web.yaml:1",
			"Deployment/b/web apps/v1/Deployment in . at b/web.yaml:2", "image shop/web of [Deployment/a/web Deployment/b/web] at a/web.yaml:11",
		}},
		{"a build that fails", map[string]string{
			"kustomization.yaml": "resources: [web.yaml]\nnonsense: 1\n", "web.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n",
		}, []string{"ConfigMap/default/a v1/ConfigMap in web.yaml at web.yaml:1", "unbuilt-kustomization 1"}},
		{"charts of a kustomization", map[string]string{
			"kustomization.yaml": "helmCharts:\n- {name: ingress-nginx, repo: 'https://charts.example', version: '4'}\n",
		}, []string{"HelmDependency/./ingress-nginx helm.sh/v1/HelmDependency in . at kustomization.yaml:1", "missing-chart 1"}},
		{"a component alone is not deployed", map[string]string{
			"c/kustomization.yaml": "apiVersion: kustomize.config.k8s.io/v1alpha1\nkind: Component\npatches: [{path: p.yaml}]\n",
			"c/p.yaml":             "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\n",
		}, nil},
		{"folders that include each other", map[string]string{
			"a/kustomization.yaml": "resources: [../b]\n", "b/kustomization.yaml": "resources: [../a]\n", "c/kustomization.yaml": "resources: [../a]\n",
		}, []string{"unbuilt-kustomization 1"}},
		{"Flux's kind of the same name", map[string]string{
			"flux/kustomization.yaml": "apiVersion: kustomize.toolkit.fluxcd.io/v1\nkind: Kustomization\nmetadata: {name: apps}\nspec: {path: ./k}\n",
		}, []string{"Kustomization/default/apps kustomize.toolkit.fluxcd.io/v1/Kustomization in flux/kustomization.yaml at flux/kustomization.yaml:1"}},
		{"aliases that multiply", map[string]string{
			"kustomization.yaml": "resources: [a.yaml]\n",
			"a.yaml":             "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\na: &a [x,x,x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b,*b]\nd: &d [*c,*c,*c,*c,*c,*c,*c,*c,*c,*c]\ne: &e [*d,*d,*d,*d,*d,*d,*d,*d,*d,*d]\nf: [*e,*e,*e]\n",
		}, []string{"unreadable-manifest 1", "unbuilt-kustomization 1"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			inv := read(t, kubernetes.Source{}, tt.files)
			notices := inv.Notices
			inv.Notices = nil
			got := lines(inv)
			for _, n := range notices {
				got = append(got, fmt.Sprintf("%s %d", n.Code, n.Location.Line))
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("%s\n%v", diff, notices)
			}
		})
	}
}

// A value stands where it is written: in the base, in the patch that changes it, or in the entry for its image.
func TestKustomizationPlaces(t *testing.T) {
	inv := read(t, kubernetes.Source{}, map[string]string{
		"base/kustomization.yaml": "resources: [web.yaml]\n", "base/web.yaml": deployment,
		"prod/kustomization.yaml": "resources: [../base]\nimages:\n- {name: shop/web, newTag: v2}\npatches:\n- path: p.yaml\n",
		"prod/p.yaml":             "kind: Deployment\napiVersion: apps/v1\nmetadata: {name: web}\nspec:\n  replicas: 5\n  template:\n    spec:\n      hostNetwork: true\n      containers:\n      - name: web\n        securityContext: {privileged: true}\n",
	})
	if len(inv.Resources) != 1 {
		t.Fatal(lines(inv))
	}
	container := []string{"spec", "template", "spec", "containers"}
	tests := []struct {
		path []string
		want string
	}{
		{[]string{"metadata", "name"}, "base/web.yaml:4"},
		{[]string{"spec", "replicas"}, "prod/p.yaml:5"},
		{[]string{"spec", "template", "spec", "hostNetwork"}, "prod/p.yaml:8"},
		{container, "base/web.yaml:10"},
		{append(slices.Clone(container), "image"), "prod/kustomization.yaml:3"},
		{append(slices.Clone(container), "ports", "containerPort"), "base/web.yaml:12"},
		{append(slices.Clone(container), "securityContext", "privileged"), "prod/p.yaml:11"},
	}
	for _, tt := range tests {
		at := inv.Resources[0].Get(tt.path...).Location()
		if got := fmt.Sprintf("%s:%d", at.Path, at.Line); got != tt.want {
			t.Errorf("%s stands at %s, want %s", strings.Join(tt.path, "."), got, tt.want)
		}
	}
}

func FuzzKustomizations(f *testing.F) {
	f.Add("resources: [web.yaml]\nnamePrefix: a-\n", deployment)
	f.Add("resources: [web.yaml]\npatches: [{patch: '[{\"op\": \"copy\", \"from\": \"/spec\", \"path\": \"/spec/x\"}]', target: {kind: Deployment}}]\n", deployment)
	f.Add("bases: [.]\ncomponents: [..]\nreplacements: [{source: {kind: Deployment}, targets: [{select: {name: web}, fieldPaths: [spec.replicas]}]}]\n", deployment)
	f.Fuzz(func(t *testing.T, text, resource string) {
		inv := read(t, kubernetes.Source{}, map[string]string{"kustomization.yaml": text, "web.yaml": resource})
		for _, r := range inv.Resources {
			if r.ID == "" || !slices.Contains([]inventory.Language{inventory.Kubernetes}, r.Language) {
				t.Errorf("resource %+v", r)
			}
		}
	})
}
