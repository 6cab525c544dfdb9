package infra

import (
	"github.com/trifecta-scanner/trifecta/kube"
	"github.com/trifecta-scanner/trifecta/scanner"
)

var rbacDefaultAccount = Check{
	Rule: scanner.Rule{
		ID: "kubernetes-rbac-default-account", Title: "Rights for the default service account", Severity: scanner.Medium, URL: rbacPractices, Tags: []string{"kubernetes", "rbac", "nsa"},
		Help: "Every pod that names no account is `default`, and gets these rights. Make an account for the workload that needs them.",
	},
	Binding: func(p *Pass, b *binding) {
		for _, s := range b.subjects {
			if isOneOf(s.kind, "ServiceAccount") == kube.Yes {
				p.report(b.Object, isOneOf(s.name, "default"), s.name, "gives every pod without an account of its own the role "+text(b.role)+"; make an account for the workload")
			}
		}
	},
}
