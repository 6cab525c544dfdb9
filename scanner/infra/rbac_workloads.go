package infra

import (
	"github.com/trifecta-scanner/trifecta/kube"
	"github.com/trifecta-scanner/trifecta/scanner"
)

var rbacWorkloads = Check{
	Rule: scanner.Rule{
		ID: "kubernetes-rbac-workloads", Title: "Role that starts pods", Severity: scanner.Low, URL: rbacPractices, Tags: []string{"kubernetes", "rbac"},
		Help: "Whoever starts a pod chooses its service account, its volumes and its node: it is a way to every secret and account of the namespace. Give it to what deploys, and enforce a Pod Security Standard.",
	},
	Role: func(p *Pass, r *role) {
		for _, g := range r.grants {
			if contains(g.resources, "*") == kube.Yes || isWritten(g.names) == kube.Yes {
				continue
			}
			starts := kube.No
			for group, resources := range workloadResources {
				starts = starts.Or(g.allows(group, resources, []string{"create", "update", "patch"}))
			}
			if starts != kube.No {
				p.report(r.Object, starts, g.at, "starts pods"+r.reach()+", with any service account; give this to what deploys only")
				return
			}
		}
	},
}

// workloadResources are what pods come from, by API group.
var workloadResources = map[string][]string{
	"":      {"pods", "replicationcontrollers"},
	"apps":  {"deployments", "statefulsets", "daemonsets", "replicasets"},
	"batch": {"jobs", "cronjobs"},
}
