package infra

import (
	"github.com/trifecta-scanner/trifecta/scanner"
)

var rbacFullAccess = Check{
	Rule: scanner.Rule{
		ID: "kubernetes-rbac-full-access", Title: "Role that allows everything", Severity: scanner.High, URL: rbacPractices, Tags: []string{"kubernetes", "rbac", "nsa"},
		Help: "Every verb on every resource of every group is what an administrator has. List what is needed.",
	},
	Role: func(p *Pass, r *role) {
		for _, g := range r.grants {
			p.report(r.Object, g.everything(), g.at, "allows everything"+r.reach()+"; list the resources and verbs that are needed")
		}
	},
}
