package infra

import (
	"github.com/trifecta-scanner/trifecta/scanner"
)

var rbacTokens = Check{
	Rule: scanner.Rule{
		ID: "kubernetes-rbac-tokens", Title: "Role that makes tokens of service accounts", Severity: scanner.High, URL: rbacPractices, Tags: []string{"kubernetes", "rbac"},
		Help: "`create` on `serviceaccounts/token` is a key to every account of the namespace. Name the account with `resourceNames`.",
	},
	Role: func(p *Pass, r *role) {
		r.firstGrant(p, "", []string{"serviceaccounts/token"}, []string{"create"}, "makes tokens of every service account"+r.reach()+"; name the account with resourceNames")
	},
}
