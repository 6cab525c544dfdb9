package infra

import (
	"github.com/trifecta-scanner/trifecta/kube"
	"github.com/trifecta-scanner/trifecta/scanner"
)

var barePod = Check{
	Rule: scanner.Rule{
		ID: "kubernetes-bare-pod", Title: "Pod without a controller", Severity: scanner.Info, URL: "https://kubernetes.io/docs/concepts/configuration/overview/", Tags: []string{"kubernetes"},
		Help: "A pod of its own is not started again when its node goes away, and is not replaced when its image gets a fix. Use a Deployment, StatefulSet or Job.",
	},
	Pillar: scanner.PillarVulnerability,
	Object: func(p *Pass, o *kube.Object) {
		if o.Group == "" && o.Kind == "Pod" && o.Annotation("helm.sh/hook").IsNull() {
			p.report(o, kube.Yes, o.Get("kind"), "is a pod without a controller, which nothing starts again or updates; use a Deployment or Job")
		}
	},
}
