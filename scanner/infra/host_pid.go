package infra

import (
	"github.com/trifecta-scanner/trifecta/kube"
	"github.com/trifecta-scanner/trifecta/scanner"
)

var hostPID = Check{
	Rule: scanner.Rule{
		ID: "kubernetes-host-pid", Title: "Pod that sees the processes of the node", Severity: scanner.High, URL: podSecurity, Tags: []string{"kubernetes", "pss-baseline"},
		Help: "What a container shares with its node is no boundary any more. Leave `hostPID` out, or set it to false.",
	},
	Pod: func(p *Pass, w *kube.Workload) {
		p.report(&w.Object, isTrue(w.Pod.HostPID), w.Pod.HostPID, "sees the processes of the node, with their environment and secrets; remove hostPID",
			replace(w.Pod.HostPID, "false", "do not share it"))
	},
}
