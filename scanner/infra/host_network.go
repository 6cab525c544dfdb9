package infra

import (
	"github.com/trifecta-scanner/trifecta/kube"
	"github.com/trifecta-scanner/trifecta/scanner"
)

var hostNetwork = Check{
	Rule: scanner.Rule{
		ID: "kubernetes-host-network", Title: "Pod on the network of the node", Severity: scanner.High, URL: podSecurity, Tags: []string{"kubernetes", "pss-baseline"},
		Help: "What a container shares with its node is no boundary any more. Leave `hostNetwork` out, or set it to false.",
	},
	Pod: func(p *Pass, w *kube.Workload) {
		p.report(&w.Object, isTrue(w.Pod.HostNetwork), w.Pod.HostNetwork, "shares the network of the node: its ports are the node's, and it sees what other pods send; remove hostNetwork",
			replace(w.Pod.HostNetwork, "false", "do not share it"))
	},
}
