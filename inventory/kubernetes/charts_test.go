package kubernetes_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/trifecta-scanner/trifecta/internal/chart"
	"github.com/trifecta-scanner/trifecta/inventory"
	"github.com/trifecta-scanner/trifecta/inventory/kubernetes"
)

const pod = "apiVersion: v1\nkind: Pod\nmetadata:\n  name: {{ .Release.Name }}\nspec:\n  containers:\n  - image: {{ .Values.image }}\n"

func TestCharts(t *testing.T) {
	const meta = "apiVersion: v2\nname: shop\nversion: 1.0.0\n"
	tests := []struct {
		name   string
		source kubernetes.Source
		files  map[string]string
		want   []string
	}{
		{"one environment", kubernetes.Source{}, map[string]string{
			"deploy/shop/Chart.yaml": meta, "deploy/shop/values.yaml": "image: a:1\n", "deploy/shop/templates/pod.yaml": pod,
			"deploy/shop/templates/tests/t.yaml": "apiVersion: v1\nkind: Pod\nmetadata: {name: t, annotations: {helm.sh/hook: test}}\n",
		}, []string{"Pod/default/shop v1/Pod in deploy/shop at deploy/shop/templates/pod.yaml:1", "image a:1 of [Pod/default/shop] at deploy/shop/templates/pod.yaml:7"}},
		{"environments by the names of values files", kubernetes.Source{}, map[string]string{
			"Chart.yaml": meta, "values.yaml": "image: a:1\n", "values-prod.yaml": "image: a:2\n", "values/dev.yaml": "image: a:3\n", "templates/pod.yaml": pod,
		}, []string{
			"Pod/default/shop v1/Pod in .@dev at templates/pod.yaml:1", "Pod/default/shop v1/Pod in .@prod at templates/pod.yaml:1",
			"image a:2 of [Pod/default/shop] at templates/pod.yaml:7", "image a:3 of [Pod/default/shop] at templates/pod.yaml:7",
		}},
		{"environments of the configuration", kubernetes.Source{
			Environments: []inventory.Environment{{Name: "live", Values: []string{"env/live.yaml"}}, {Name: "other", Paths: []string{"elsewhere"}}},
		}, map[string]string{
			"shop/Chart.yaml": meta, "shop/values-prod.yaml": "image: no\n", "env/live.yaml": "image: a:9\n", "shop/templates/pod.yaml": pod,
		}, []string{"Pod/default/shop v1/Pod in shop@live at shop/templates/pod.yaml:1", "image a:9 of [Pod/default/shop] at shop/templates/pod.yaml:7"}},
		{"a sub-chart from a folder beside, and one that is missing", kubernetes.Source{}, map[string]string{
			"shop/Chart.yaml":        meta + "dependencies:\n- {name: web, version: 1.0.0, repository: file://../web}\n- name: ingress-nginx\n  version: 4.x\n  repository: https://charts.example\n",
			"web/Chart.yaml":         "apiVersion: v2\nname: web\nversion: 1.0.0\n",
			"web/values.yaml":        "image: w:1\n",
			"web/templates/pod.yaml": pod,
		}, []string{
			"HelmDependency/shop/ingress-nginx helm.sh/v1/HelmDependency in shop at shop/Chart.yaml:6", "Pod/default/shop v1/Pod in shop at web/templates/pod.yaml:1",
			"image w:1 of [Pod/default/shop] at web/templates/pod.yaml:7",
			"missing-chart shop/Chart.yaml:6: shop asks for the chart ingress-nginx 4.x of https://charts.example, which is not in the tree; what it deploys is not known",
		}},
		{"a template that fails, one that is no YAML, and the rest", kubernetes.Source{}, map[string]string{
			"shop/Chart.yaml": meta, "shop/values.yaml": "image: a:1\n", "shop/templates/a.yaml": "x: 1\n{{ fail \"no\" }}\n", "shop/templates/b.yaml": "\n[\n", "shop/templates/pod.yaml": pod,
		}, []string{
			"Pod/default/shop v1/Pod in shop at shop/templates/pod.yaml:1", "image a:1 of [Pod/default/shop] at shop/templates/pod.yaml:7",
			"unrendered-template shop/templates/a.yaml:2: shop/templates/a.yaml can't be rendered; what it deploys is not known: error calling fail: the chart says: no",
			"unreadable-manifest shop/templates/b.yaml:2: shop/templates/b.yaml renders to a document that can't be read: did not find expected node content",
		}},
		{"no chart", kubernetes.Source{}, map[string]string{"shop/Chart.yaml": "name: [", "shop/templates/pod.yaml": pod}, []string{
			"unreadable-chart shop/Chart.yaml:1: the chart in shop can't be read: cannot load Chart.yaml: error converting YAML to JSON: yaml: line 1: did not find expected node content",
		}},
		{"charts that ask for each other", kubernetes.Source{}, map[string]string{
			"a/Chart.yaml": "apiVersion: v2\nname: a\nversion: 1.0.0\ndependencies: [{name: b, version: 1.0.0, repository: file://../b}]\n",
			"b/Chart.yaml": "apiVersion: v2\nname: b\nversion: 1.0.0\ndependencies: [{name: a, version: 1.0.0, repository: file://../a}]\n",
		}, []string{"unreadable-chart a/Chart.yaml:1: the chart in a can't be read: charts that ask for each other"}},
		{"an Application of Argo CD", kubernetes.Source{}, map[string]string{
			"shop/Chart.yaml": meta, "shop/values.yaml": "image: a:1\n", "shop/values-prod.yaml": "image: a:2\n", "shop/templates/pod.yaml": pod,
			"apps/app.yaml": "apiVersion: argoproj.io/v1alpha1\nkind: Application\nmetadata: {name: live}\nspec:\n  destination: {namespace: web}\n  source:\n    path: shop\n    repoURL: https://git.example/shop\n    helm: {valueFiles: [values-prod.yaml, gone.yaml], parameters: [{name: image, value: a:3}]}\n",
		}, []string{
			"Application/default/live argoproj.io/v1alpha1/Application in apps/app.yaml at apps/app.yaml:1", "Pod/web/live v1/Pod in shop@prod at shop/templates/pod.yaml:1",
			"image a:3 of [Pod/web/live] at shop/templates/pod.yaml:7", "missing-values apps/app.yaml:9: Application/default/live renders shop with gone.yaml, which is not in the tree",
		}},
		{"releases of Helmfile", kubernetes.Source{}, map[string]string{
			"shop/Chart.yaml": meta, "shop/values.yaml": "image: a:1\n", "shop/templates/pod.yaml": pod,
			"helmfile.yaml": "repositories: [{name: up, url: 'https://charts.example'}]\nreleases:\n- name: one\n  namespace: ns\n  chart: ./shop\n  values: [{image: \"a:7\"}]\n- name: ingress\n  chart: up/ingress-nginx\n  version: 4.0.0\n",
		}, []string{
			"HelmDependency/helmfile.yaml/ingress helm.sh/v1/HelmDependency in helmfile.yaml at helmfile.yaml:7", "Pod/ns/one v1/Pod in shop at shop/templates/pod.yaml:1", "image a:7 of [Pod/ns/one] at shop/templates/pod.yaml:7",
			"missing-chart helmfile.yaml:7: helmfile.yaml installs the chart up/ingress-nginx 4.0.0, which is not in the tree; what it deploys is not known",
		}},
		{"a bomb", kubernetes.Source{Limits: chart.Limits{Time: time.Second, Output: 1 << 20, Steps: 10_000}}, map[string]string{
			"shop/Chart.yaml": meta, "shop/templates/a.yaml": "\n{{ range until 100000 }}{{ range until 100000 }}{{ end }}{{ end }}\n",
		}, []string{"unrendered-template shop/templates/a.yaml:2: shop/templates/a.yaml can't be rendered; what it deploys is not known: more than a chart may cost: 10000 steps"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if diff := cmp.Diff(tt.want, lines(read(t, tt.source, tt.files))); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestRequiredValueIsUnknown(t *testing.T) {
	inv := read(t, kubernetes.Source{}, map[string]string{
		"Chart.yaml": "apiVersion: v2\nname: shop\nversion: 1.0.0\n", "templates/a.yaml": "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec:\n  containers:\n  - image: repo/{{ required \"tag\" .Values.tag }}:x\n",
	})
	if len(inv.Resources) != 1 {
		t.Fatal(lines(inv))
	}
	image := inv.Resources[0].Get("spec", "containers", "image")
	parts := image.Parts()
	if !image.IsUnknown() || len(parts) != 3 || image.Reasons()[0].Code != inventory.ParamNoDefault || image.Location().Line != 6 {
		t.Fatalf("image %v of parts %v at %v", image, parts, image.Location())
	}
	if first, _ := parts[0].Text(); first != "repo/" || !parts[1].IsUnknown() {
		t.Errorf("parts %v", parts)
	}
}

// What Terraform says of a chart's values is known in its objects, and what it does not say, or keeps secret, is not.
func TestReleasesOfTerraform(t *testing.T) {
	at := inventory.Location{Path: "main.tf", Line: 1}
	text := func(s string) inventory.Value { return inventory.StringValue(s, at) }
	block := func(fields ...inventory.Field) inventory.Value { return inventory.MapValue(fields, at) }
	missing := inventory.Reason{Code: inventory.VarNoDefault, Ref: "var.tag"}
	release := &inventory.Resource{
		ID: "helm_release.shop", Type: "helm_release", Name: "shop", Language: inventory.Terraform, Root: "infra", Location: at,
		Values: block(
			inventory.Field{Name: "name", Value: text("web")}, inventory.Field{Name: "chart", Value: text("../chart")}, inventory.Field{Name: "namespace", Value: text("store")},
			inventory.Field{Name: "set", Value: inventory.ListValue([]inventory.Value{
				block(inventory.Field{Name: "name", Value: text(`labels.example\.com/tier`)}, inventory.Field{Name: "value", Value: text("web")}),
				block(inventory.Field{Name: "name", Value: text("tag")}, inventory.Field{Name: "value", Value: inventory.UnknownValue(at, missing)}),
			}, at)},
			inventory.Field{Name: "set_list", Value: inventory.ListValue([]inventory.Value{
				block(inventory.Field{Name: "name", Value: text("flags")}, inventory.Field{Name: "value", Value: inventory.ListValue([]inventory.Value{text("a"), text("b,c")}, at)}),
			}, at)},
			inventory.Field{Name: "values", Value: inventory.ListValue([]inventory.Value{text("level: high\n"), inventory.UnknownValue(at, missing)}, at)},
			inventory.Field{Name: "set_sensitive", Value: inventory.ListValue([]inventory.Value{
				block(inventory.Field{Name: "name", Value: text("token")}, inventory.Field{Name: "value", Value: text("hunter2")}),
			}, at)},
		),
	}
	source, goesBy := kubernetes.Source{}.After([]*inventory.Resource{release})
	if !goesBy {
		t.Fatal("the source does not go by the release")
	}
	inv := read(t, source, map[string]string{
		"chart/Chart.yaml": "apiVersion: v2\nname: shop\nversion: 1.0.0\n",
		"chart/templates/a.yaml": "apiVersion: v1\nkind: Pod\nmetadata: {name: {{ .Release.Name }}, labels: {{ toJson .Values.labels }}}\nspec:\n  containers:\n" +
			"  - {name: a, image: \"repo:{{ .Values.tag }}\", args: [\"{{ .Values.token }}\"], command: {{ toJson .Values.flags }}, workingDir: {{ .Values.level }}}\n",
	})
	if len(inv.Notices) != 1 || inv.Notices[0].Code != "missing-values" || !strings.Contains(inv.Notices[0].Message, "not known") {
		t.Errorf("notices %+v", inv.Notices)
	}
	if len(inv.Resources) != 1 || inv.Resources[0].ID != "Pod/store/web" {
		t.Fatal(lines(inv))
	}
	pod := inv.Resources[0]
	if tier, _ := pod.Get("metadata", "labels", "example.com/tier").Text(); tier != "web" {
		t.Errorf("labels %v", pod.Get("metadata", "labels"))
	}
	container := pod.Get("spec", "containers").Elements()[0]
	var command []string
	for _, e := range container.Get("command").Elements() {
		word, _ := e.Text()
		command = append(command, word)
	}
	if dir, _ := container.Get("workingDir").Text(); dir != "high" || !slices.Equal(command, []string{"a", "b,c"}) {
		t.Errorf("values %q and %q", dir, command)
	}
	if why := pod.Get("spec", "containers", "image").Reasons(); len(why) != 1 || why[0] != missing {
		t.Errorf("the image is unknown because of %v", why)
	}
	if text, err := pod.Values.MarshalJSON(); err != nil || strings.Contains(string(text), "hunter2") {
		t.Errorf("the secret is written as %s: %v", text, err)
	}
}
