package infra

import (
	"github.com/trifecta-scanner/trifecta/kube"
	"github.com/trifecta-scanner/trifecta/scanner"
)

var hostIPC = Check{
	Rule: scanner.Rule{
		ID: "kubernetes-host-ipc", Title: "Pod that shares memory with the processes of the node", Severity: scanner.High, URL: podSecurity, Tags: []string{"kubernetes", "pss-baseline"},
		Help: "What a container shares with its node is no boundary any more. Leave `hostIPC` out, or set it to false.",
	},
	Pod: func(p *Pass, w *kube.Workload) {
		p.report(&w.Object, isTrue(w.Pod.HostIPC), w.Pod.HostIPC, "shares memory with the processes of the node; remove hostIPC",
			replace(w.Pod.HostIPC, "false", "do not share it"))
	},
}
