package infra

import (
	"github.com/trifecta-scanner/trifecta/kube"
	"github.com/trifecta-scanner/trifecta/scanner"
)

var rbacAnonymous = Check{
	Rule: scanner.Rule{
		ID: "kubernetes-rbac-anonymous", Title: "Rights for whoever reaches the API", Severity: scanner.Critical, URL: rbacPractices, Tags: []string{"kubernetes", "rbac", "nsa"},
		Help: "`system:anonymous` and `system:unauthenticated` are all who reach the API; `system:authenticated` is every account of the cluster, and with some providers everyone with an account there. Bind users, groups or accounts of your own.",
	},
	Binding: func(p *Pass, b *binding) {
		if isOneOf(b.role, "system:public-info-viewer", "system:discovery", "system:basic-user") == kube.Yes {
			return // what the cluster lets everyone read
		}
		for _, s := range b.subjects {
			p.report(b.Object, isOneOf(s.name, "system:anonymous", "system:unauthenticated", "system:authenticated"), s.name, "gives "+text(s.name)+" the role "+text(b.role)+"; bind accounts of your own")
		}
	},
}
