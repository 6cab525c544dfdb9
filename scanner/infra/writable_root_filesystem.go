package infra

import (
	"github.com/trifecta-scanner/trifecta/kube"
	"github.com/trifecta-scanner/trifecta/scanner"
)

var writableRootFilesystem = Check{
	Rule: scanner.Rule{
		ID: "kubernetes-writable-root-filesystem", Title: "Container that may write to its own files", Severity: scanner.Low, URL: hardeningGuide, Tags: []string{"kubernetes", "nsa"},
		Help: "Whoever gets into a container that can write to its image's files leaves tools and changes programs there. Set `readOnlyRootFilesystem: true` and mount an emptyDir where something is written.",
	},
	Container: func(p *Pass, w *kube.Workload, c *kube.Container) {
		if windows(w) {
			return
		}
		v := c.SecurityContext.Get("readOnlyRootFilesystem")
		p.report(&w.Object, isNotTrue(v), or(v, c), "lets "+named(c)+" write to its own files; set securityContext.readOnlyRootFilesystem to true, and mount an emptyDir where it writes")
	},
}
