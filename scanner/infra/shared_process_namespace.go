package infra

import (
	"github.com/trifecta-scanner/trifecta/kube"
	"github.com/trifecta-scanner/trifecta/scanner"
)

var sharedProcessNamespace = Check{
	Rule: scanner.Rule{
		ID: "kubernetes-shared-process-namespace", Title: "Containers of a pod that see each other's processes", Severity: scanner.Low, URL: hardeningGuide, Tags: []string{"kubernetes"},
		Help: "With `shareProcessNamespace` a container reads the environment and files of the others of its pod. Remove it once debugging is over.",
	},
	Pod: func(p *Pass, w *kube.Workload) {
		v := w.Pod.Spec.Get("shareProcessNamespace")
		p.report(&w.Object, isTrue(v), v, "lets its containers see each other's processes and files; remove shareProcessNamespace", replace(v, "false", "keep the containers apart"))
	},
}
