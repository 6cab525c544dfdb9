package infra

import (
	"github.com/trifecta-scanner/trifecta/kube"
	"github.com/trifecta-scanner/trifecta/scanner"
)

var hostProcess = Check{
	Rule: scanner.Rule{
		ID: "kubernetes-host-process", Title: "Windows pod that runs as a process of the host", Severity: scanner.High, URL: podSecurity, Tags: []string{"kubernetes", "pss-baseline"},
		Help: "A HostProcess container has the node's privileges. Leave `windowsOptions.hostProcess` out, or set it to false.",
	},
	Pod: func(p *Pass, w *kube.Workload) {
		for _, f := range everywhere(w, "windowsOptions", "hostProcess") {
			p.report(&w.Object, isTrue(f.value), f.value, "lets "+f.who+" run as a process of the Windows host; set windowsOptions.hostProcess to false",
				replace(f.value, "false", "run in a container"))
		}
	},
}
