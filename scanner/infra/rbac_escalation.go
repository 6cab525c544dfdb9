package infra

import (
	"github.com/trifecta-scanner/trifecta/kube"
	"github.com/trifecta-scanner/trifecta/scanner"
)

var rbacEscalation = Check{
	Rule: scanner.Rule{
		ID: "kubernetes-rbac-escalation", Title: "Role that lets its holder gain rights", Severity: scanner.High, URL: rbacPractices, Tags: []string{"kubernetes", "rbac"},
		Help: "`bind` and `escalate` give rights that one has not, `impersonate` those of somebody else. Leave them to administrators, or name the roles and users with `resourceNames`.",
	},
	Role: func(p *Pass, r *role) {
		for _, g := range r.grants {
			if g.everything() != kube.No || isWritten(g.names) == kube.Yes {
				continue
			}
			for _, verb := range []string{"bind", "escalate", "impersonate"} {
				p.report(r.Object, contains(g.verbs, verb), g.verbs, "lets its holder "+verb+", and so gain rights"+r.reach()+"; remove the verb, or name what it is for with resourceNames")
			}
		}
	},
}
