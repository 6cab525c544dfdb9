package infra

import (
	"github.com/trifecta-scanner/trifecta/scanner"
)

var rbacPodExec = Check{
	Rule: scanner.Rule{
		ID: "kubernetes-rbac-pod-exec", Title: "Role that runs commands in pods", Severity: scanner.Medium, URL: rbacPractices, Tags: []string{"kubernetes", "rbac"},
		Help: "Whoever may create `pods/exec` or `pods/attach` has what every pod has: its secrets, its token, its network.",
	},
	Role: func(p *Pass, r *role) {
		r.firstGrant(p, "", []string{"pods/exec", "pods/attach", "pods/portforward", "pods/ephemeralcontainers"}, []string{"create", "get", "update", "patch"}, "runs commands in pods"+r.reach()+"; leave that to people, for as long as they need it")
	},
}
