package infra

import (
	"github.com/trifecta-scanner/trifecta/scanner"
)

var rbacNodeProxy = Check{
	Rule: scanner.Rule{
		ID: "kubernetes-rbac-node-proxy", Title: "Role that talks to kubelets", Severity: scanner.High, URL: rbacPractices, Tags: []string{"kubernetes", "rbac"},
		Help: "`nodes/proxy` runs commands in every pod of a node, past admission control and the audit log. Use `nodes/metrics` or `nodes/stats`.",
	},
	Role: func(p *Pass, r *role) {
		r.firstClusterGrant(p, "", []string{"nodes/proxy"}, []string{"get", "create"}, "talks to the kubelets, which run commands in every pod; use nodes/metrics and nodes/stats")
	},
}
