package infra

import (
	"github.com/trifecta-scanner/trifecta/kube"
	"github.com/trifecta-scanner/trifecta/scanner"
)

var rbacWildcard = Check{
	Rule: scanner.Rule{
		ID: "kubernetes-rbac-wildcard", Title: "Role with a wildcard", Severity: scanner.Medium, URL: rbacPractices, Tags: []string{"kubernetes", "rbac", "nsa"},
		Help: "A wildcard also stands for what the cluster will know tomorrow: new kinds, new verbs, subresources such as exec. List what is needed.",
	},
	Role: func(p *Pass, r *role) {
		for _, g := range r.grants {
			if g.everything() != kube.No {
				continue // another rule says so
			}
			resources, verbs := contains(g.resources, "*"), contains(g.verbs, "*")
			core := contains(g.groups, "", "*", "apps", "batch", "rbac.authorization.k8s.io") // of one's own kinds one may allow all
			switch {
			case resources == kube.Yes && core != kube.No:
				p.report(r.Object, resources.And(core), g.resources, "allows access to every resource of an API group"+r.reach()+"; list those that are needed")
			case verbs == kube.Yes && core != kube.No:
				p.report(r.Object, verbs.And(core), g.verbs, "allows every verb"+r.reach()+"; list those that are needed")
			}
		}
	},
}
