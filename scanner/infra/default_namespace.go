package infra

import (
	"github.com/trifecta-scanner/trifecta/kube"
	"github.com/trifecta-scanner/trifecta/scanner"
)

var defaultNamespace = Check{
	Rule: scanner.Rule{
		ID: "kubernetes-default-namespace", Title: "Workload in the namespace default", Severity: scanner.Info, URL: hardeningGuide, Tags: []string{"kubernetes", "nsa"},
		Help: "Rights, quotas and network policies are given by namespace; what is not kept apart shares them. Give each application a namespace.",
	},
	Pod: func(p *Pass, w *kube.Workload) {
		v := w.Get("metadata", "namespace")
		written := w.Resource.Root == w.Resource.Location.Path // a chart has the namespace of its release
		if written && !v.IsNull() {                            // where none is written, whoever applies it chooses one
			p.report(&w.Object, isOneOf(v, "default"), v, "stands in the namespace default; give the application one of its own")
		}
	},
}
