package infra

import (
	"github.com/trifecta-scanner/trifecta/scanner"
)

var rbacWebhooks = Check{
	Rule: scanner.Rule{
		ID: "kubernetes-rbac-webhooks", Title: "Role that changes admission webhooks", Severity: scanner.Medium, URL: rbacPractices, Tags: []string{"kubernetes", "rbac"},
		Help: "A webhook sees every object that is made, secrets included, and may change it. Name the webhook with `resourceNames`.",
	},
	Role: func(p *Pass, r *role) {
		r.firstClusterGrant(p, "admissionregistration.k8s.io", []string{"validatingwebhookconfigurations", "mutatingwebhookconfigurations"}, []string{"create", "update", "patch"}, "changes the webhooks that see every object; name them with resourceNames")
	},
}
