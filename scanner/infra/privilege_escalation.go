package infra

import (
	"github.com/trifecta-scanner/trifecta/kube"
	"github.com/trifecta-scanner/trifecta/scanner"
)

var privilegeEscalation = Check{
	Rule: scanner.Rule{
		ID: "kubernetes-privilege-escalation", Title: "Container whose processes may gain privileges", Severity: scanner.Medium, URL: podSecurity, Tags: []string{"kubernetes", "pss-restricted", "nsa"},
		Help: "Without `allowPrivilegeEscalation: false` a program with the set-user-id bit, such as sudo, makes root of any user in the container.",
	},
	Container: func(p *Pass, w *kube.Workload, c *kube.Container) {
		if windows(w) {
			return
		}
		v := c.SecurityContext.Get("allowPrivilegeEscalation")
		fix := replace(v, "false", "keep processes from gaining privileges")
		if v.IsNull() {
			fix = addToContext(c, "keep processes from gaining privileges", "allowPrivilegeEscalation: false")
		}
		p.report(&w.Object, isNotFalse(v), or(v, c), "lets processes of "+named(c)+" gain privileges; set securityContext.allowPrivilegeEscalation to false", fix)
	},
}
