package infra

import (
	"github.com/trifecta-scanner/trifecta/kube"
	"github.com/trifecta-scanner/trifecta/scanner"
)

var resourceRequests = Check{
	Rule: scanner.Rule{
		ID: "kubernetes-resource-requests", Title: "Container that asks for no resources", Severity: scanner.Info, URL: hardeningGuide, Tags: []string{"kubernetes", "nsa"},
		Help: "Without requests the scheduler packs pods onto nodes that cannot hold them, and evicts them first. Set `resources.requests`; what is limited and not requested is requested as it is limited.",
	},
	Container: func(p *Pass, w *kube.Workload, c *kube.Container) {
		if c.Role == kube.RoleEphemeral || c.Role == kube.RoleInit || p.limited(w) {
			return
		}
		resources := c.Values.Get("resources")
		asked := isWritten(resources.Get("requests")).Or(isWritten(resources.Get("limits")))
		p.report(&w.Object, asked.Not(), or(resources, c), "asks for no resources for "+named(c)+"; set resources.requests")
	},
}
