package infra

import (
	"github.com/trifecta-scanner/trifecta/kube"
	"github.com/trifecta-scanner/trifecta/scanner"
)

var runAsNonRoot = Check{
	Rule: scanner.Rule{
		ID: "kubernetes-run-as-non-root", Title: "Container that may run as root", Severity: scanner.Medium, URL: podSecurity, Tags: []string{"kubernetes", "pss-restricted", "nsa"},
		Help: "With `runAsNonRoot: true` the kubelet refuses to start an image whose user is root; without it the image decides. Root in a container is root on the node once it gets out.",
	},
	Container: func(p *Pass, w *kube.Workload, c *kube.Container) {
		if userNamespaces(w) || isOneOf(inContext(w, c, "runAsUser"), "0") != kube.No {
			return // another rule says so
		}
		v := inContext(w, c, "runAsNonRoot")
		var fix *change
		if c.SecurityContext.Get("runAsNonRoot").IsNull() && w.Pod.SecurityContext.Get("runAsNonRoot").IsNull() && userNamed(w, c) {
			fix = addToContext(c, "refuse to start as root", "runAsNonRoot: true") // an image that is root's would not start
		}
		p.report(&w.Object, isNotTrue(v), or(v, c), "lets "+named(c)+" run as root; set securityContext.runAsNonRoot to true", fix)
	},
}
