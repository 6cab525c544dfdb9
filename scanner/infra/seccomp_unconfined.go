package infra

import (
	"github.com/trifecta-scanner/trifecta/kube"
	"github.com/trifecta-scanner/trifecta/scanner"
)

var seccompUnconfined = Check{
	Rule: scanner.Rule{
		ID: "kubernetes-seccomp-unconfined", Title: "Container with every system call of the kernel", Severity: scanner.Medium, URL: podSecurity, Tags: []string{"kubernetes", "pss-baseline"},
		Help: "`Unconfined` turns off the filter that keeps containers from rare and dangerous system calls. Use RuntimeDefault, or a profile of your own with Localhost.",
	},
	Pod: func(p *Pass, w *kube.Workload) {
		for _, f := range everywhere(w, "seccompProfile", "type") {
			p.report(&w.Object, isOneOf(f.value, "Unconfined"), f.value, "lets "+f.who+" make every system call; set seccompProfile.type to RuntimeDefault",
				replace(f.value, "RuntimeDefault", "use the filter of the runtime"))
		}
	},
}
