package infra

import (
	"github.com/trifecta-scanner/trifecta/kube"
	"github.com/trifecta-scanner/trifecta/scanner"
)

var rbacSecrets = Check{
	Rule: scanner.Rule{
		ID: "kubernetes-rbac-secrets", Title: "Role that reads all secrets", Severity: scanner.Medium, URL: rbacPractices, Tags: []string{"kubernetes", "rbac"},
		Help: "`list` and `watch` show the content of secrets as `get` does. Name the secrets with `resourceNames`, or mount them.",
	},
	Role: func(p *Pass, r *role) {
		for _, g := range r.grants {
			if g.everything() != kube.No || isWritten(g.names) == kube.Yes {
				continue
			}
			severe := g.allows("", []string{"secrets"}, []string{"get", "list", "watch"})
			p.report(r.Object, severe, g.at, "reads all secrets"+r.reach()+"; name those that are needed with resourceNames")
		}
	},
}
