package infra

import (
	"strings"

	"github.com/trifecta-scanner/trifecta/inventory"
	"github.com/trifecta-scanner/trifecta/kube"
	"github.com/trifecta-scanner/trifecta/scanner"
)

var tiller = Check{
	Rule: scanner.Rule{
		ID: "kubernetes-tiller", Title: "Tiller, the server of Helm 2", Severity: scanner.High, URL: "https://helm.sh/docs/faq/changes_since_helm2/", Tags: []string{"kubernetes"},
		Help: "Tiller takes orders from every pod that reaches it, mostly with all rights in the cluster. Helm 3 needs no server: remove it.",
	},
	Container: func(p *Pass, w *kube.Workload, c *kube.Container) {
		installed := ask(c.Image, func(v inventory.Value) bool {
			name, _ := v.Text()
			return strings.Contains(name, "kubernetes-helm/tiller") || strings.HasSuffix(strings.Split(name, ":")[0], "/tiller")
		})
		if installed == kube.Yes {
			p.report(&w.Object, installed, c.Image, "runs Tiller, which takes orders from every pod; move to Helm 3 and remove it")
		}
	},
}
