package infra

import (
	"github.com/trifecta-scanner/trifecta/scanner"
)

var rbacClusterAdmin = Check{
	Rule: scanner.Rule{
		ID: "kubernetes-rbac-cluster-admin", Title: "Binding of the role cluster-admin", Severity: scanner.High, URL: rbacPractices, Tags: []string{"kubernetes", "rbac", "nsa"},
		Help: "Whoever takes over the subject has the cluster. Bind a role with what is needed.",
	},
	Binding: func(p *Pass, b *binding) {
		if !b.cluster || b.roleKind != "ClusterRole" {
			return
		}
		p.report(b.Object, isOneOf(b.role, "cluster-admin"), b.role, "makes "+b.who()+" an administrator of the cluster; bind a role with what is needed")
	},
}

// who names the first subject of a binding.
func (b *binding) who() string {
	if len(b.subjects) == 0 {
		return "its subjects"
	}
	kind, _ := b.subjects[0].kind.Text()
	if name, ok := b.subjects[0].name.Text(); ok {
		return kind + " " + name
	}
	return "a " + kind
}
