package infra

import (
	"github.com/trifecta-scanner/trifecta/kube"
	"github.com/trifecta-scanner/trifecta/scanner"
)

var runAsRoot = Check{
	Rule: scanner.Rule{
		ID: "kubernetes-run-as-root", Title: "Container that runs as root", Severity: scanner.Medium, URL: podSecurity, Tags: []string{"kubernetes", "pss-restricted", "nsa"},
		Help: "User 0 in a container is root on the node once it gets out. Choose another user, or give the pod user namespaces (`hostUsers: false`).",
	},
	Pod: func(p *Pass, w *kube.Workload) {
		if userNamespaces(w) {
			return
		}
		for _, f := range everywhere(w, "runAsUser") {
			p.report(&w.Object, isOneOf(f.value, "0"), f.value, "runs "+f.who+" as root; set securityContext.runAsUser to another user")
		}
	},
}
