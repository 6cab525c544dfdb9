package infra

import (
	"strings"

	"github.com/trifecta-scanner/trifecta/inventory"
	"github.com/trifecta-scanner/trifecta/kube"
	"github.com/trifecta-scanner/trifecta/scanner"
)

var noSeccompProfile = Check{
	Rule: scanner.Rule{
		ID: "kubernetes-no-seccomp-profile", Title: "Container without a filter of system calls", Severity: scanner.Low, URL: podSecurity, Tags: []string{"kubernetes", "pss-restricted", "nsa"},
		Help: "Where no profile is named, most clusters apply none: every system call of the kernel is open. Set `seccompProfile.type: RuntimeDefault` on the pod.",
	},
	Pod: func(p *Pass, w *kube.Workload) {
		if windows(w) || !w.Pod.SecurityContext.Get("seccompProfile", "type").IsNull() || len(w.Pod.Containers) == 0 {
			return
		}
		for _, f := range w.Pod.Annotations.Fields() {
			if strings.HasPrefix(f.Name, "seccomp.security.alpha.kubernetes.io/") {
				return // as it was written before there was a field
			}
		}
		var without []string
		var v inventory.Value
		for i := range w.Pod.Containers {
			c := &w.Pod.Containers[i]
			if c.SecurityContext.Get("seccompProfile", "type").IsNull() {
				if without == nil {
					v = absent(c)
				}
				without = append(without, c.Name)
			}
		}
		if without != nil {
			p.report(&w.Object, kube.Yes, v, "names no filter of system calls for container "+strings.Join(without, ", ")+"; set securityContext.seccompProfile.type of the pod to RuntimeDefault")
		}
	},
}
