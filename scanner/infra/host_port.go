package infra

import (
	"github.com/trifecta-scanner/trifecta/kube"
	"github.com/trifecta-scanner/trifecta/scanner"
)

var hostPort = Check{
	Rule: scanner.Rule{
		ID: "kubernetes-host-port", Title: "Container with a port on the node", Severity: scanner.Medium, URL: podSecurity, Tags: []string{"kubernetes", "pss-baseline"},
		Help: "A host port is open on every address of the node, whatever Services and network policies say. Put a Service in front of the pod.",
	},
	Pillar: scanner.PillarFirewall,
	Container: func(p *Pass, w *kube.Workload, c *kube.Container) {
		if isTrue(w.Pod.HostNetwork) == kube.Yes {
			return // all its ports are; another rule says so
		}
		for _, port := range c.Ports {
			p.report(&w.Object, isOtherThan(port.HostPort, "0"), port.HostPort, "opens port "+text(port.HostPort)+" of the node for "+named(c)+"; put a Service in front of it")
		}
	},
}
