package infra

import (
	"github.com/trifecta-scanner/trifecta/kube"
	"github.com/trifecta-scanner/trifecta/scanner"
)

var privilegedContainer = Check{
	Rule: scanner.Rule{
		ID: "kubernetes-privileged-container", Title: "Privileged container", Severity: scanner.High, URL: podSecurity, Tags: []string{"kubernetes", "pss-baseline"},
		Help: "A privileged container has every capability and every device of its node: whoever takes it over has the node. Leave `privileged` out, and add the one capability that is needed.",
	},
	Container: func(p *Pass, w *kube.Workload, c *kube.Container) {
		v := c.SecurityContext.Get("privileged")
		// No edit: which capability takes its place, only those know who run it.
		p.report(&w.Object, isTrue(v), v, "runs "+named(c)+" privileged, which is root on the node; remove securityContext.privileged")
	},
}
