package kubernetes_test

import (
	"fmt"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/trifecta-scanner/trifecta/inventory"
	"github.com/trifecta-scanner/trifecta/inventory/kubernetes"
)

// trees of 5,000 objects, the size that the design asks for.
func large(kind string) fstest.MapFS {
	files := fstest.MapFS{}
	add := func(name, text string) { files[name] = &fstest.MapFile{Data: []byte(text)} }
	object := func(name string) string {
		return "apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: " + name + "\n  labels: {app: " + name + "}\nspec:\n  replicas: 2\n  selector: {matchLabels: {app: " + name + "}}\n  template:\n    metadata:\n      labels: {app: " + name +
			"}\n    spec:\n      containers:\n      - name: main\n        image: shop/" + name + ":1.2.3\n        ports:\n        - {name: http, containerPort: 8080}\n        resources: {limits: {cpu: 100m, memory: 1Gi}}\n        securityContext: {runAsNonRoot: true}\n" +
			"---\napiVersion: v1\nkind: Service\nmetadata:\n  name: " + name + "\nspec:\n  selector: {app: " + name + "}\n  ports:\n  - {port: 80, targetPort: http}\n---\n"
	}
	switch kind {
	case "manifests":
		for i := range 2500 {
			add(fmt.Sprintf("k8s/app%d.yaml", i), object(fmt.Sprintf("app%d", i)))
		}
	case "chart":
		add("chart/Chart.yaml", "apiVersion: v2\nname: shop\nversion: 1.0.0\n")
		add("chart/values.yaml", "count: 100\n")
		for i := range 25 {
			add(fmt.Sprintf("chart/templates/t%d.yaml", i), fmt.Sprintf("{{- range $i := until (int .Values.count) }}\n%s{{- end }}\n", object(fmt.Sprintf("app%d-{{ $i }}", i))))
		}
	case "kustomizations": // the library compares each object with all others of a build, so that one of 5,000 is no measure
		for i := range 50 {
			var resources strings.Builder
			for j := range 50 {
				fmt.Fprintf(&resources, "- app%d.yaml\n", j)
				add(fmt.Sprintf("k%d/base/app%d.yaml", i, j), object(fmt.Sprintf("app%d", j)))
			}
			add(fmt.Sprintf("k%d/base/kustomization.yaml", i), "resources:\n"+resources.String())
			add(fmt.Sprintf("k%d/overlays/prod/kustomization.yaml", i), "namespace: shop\nresources: [../../base]\nimages: [{name: shop/app1, newTag: v2}]\npatches: [{path: p.yaml}]\n")
			add(fmt.Sprintf("k%d/overlays/prod/p.yaml", i), "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: app2}\nspec: {replicas: 5}\n")
		}
	}
	return files
}

func BenchmarkRead(b *testing.B) {
	for _, kind := range []string{"manifests", "chart", "kustomizations"} {
		b.Run(kind, func(b *testing.B) {
			tree, err := inventory.NewTree(b.Context(), large(kind), inventory.Limits{})
			if err != nil {
				b.Fatal(err)
			}
			b.ReportAllocs()
			for b.Loop() {
				inv, err := kubernetes.Source{}.Read(b.Context(), tree)
				if err != nil {
					b.Fatal(err)
				}
				if len(inv.Resources) != 5000 {
					b.Fatalf("%d objects, want 5000: %v", len(inv.Resources), inv.Notices)
				}
			}
		})
	}
}
