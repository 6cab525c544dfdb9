package infra

import (
	"github.com/trifecta-scanner/trifecta/scanner"
)

var rbacCertificates = Check{
	Rule: scanner.Rule{
		ID: "kubernetes-rbac-certificates", Title: "Role that approves certificates", Severity: scanner.Medium, URL: rbacPractices, Tags: []string{"kubernetes", "rbac"},
		Help: "Who approves requests for certificates can become any user of the cluster. Leave it to the controller that the cluster has for it.",
	},
	Role: func(p *Pass, r *role) {
		r.firstClusterGrant(p, "certificates.k8s.io", []string{"certificatesigningrequests/approval"}, []string{"update", "patch"}, "approves certificates, with which one becomes any user; remove it")
	},
}
