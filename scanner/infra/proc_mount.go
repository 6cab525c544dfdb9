package infra

import (
	"github.com/trifecta-scanner/trifecta/kube"
	"github.com/trifecta-scanner/trifecta/scanner"
)

var procMount = Check{
	Rule: scanner.Rule{
		ID: "kubernetes-proc-mount", Title: "Container with an unmasked /proc", Severity: scanner.Medium, URL: podSecurity, Tags: []string{"kubernetes", "pss-baseline"},
		Help: "The masks over /proc keep a container from the kernel of its node. Leave `procMount` out, unless the pod has user namespaces (`hostUsers: false`).",
	},
	Container: func(p *Pass, w *kube.Workload, c *kube.Container) {
		if userNamespaces(w) {
			return
		}
		v := c.SecurityContext.Get("procMount")
		p.report(&w.Object, isOtherThan(v, "", "Default"), v, "gives "+named(c)+" all of /proc; remove securityContext.procMount", replace(v, "Default", "mask what containers need not see"))
	},
}
