package infra

import (
	"github.com/trifecta-scanner/trifecta/kube"
	"github.com/trifecta-scanner/trifecta/scanner"
)

var sshServer = Check{
	Rule: scanner.Rule{
		ID: "kubernetes-ssh-server", Title: "Container with an SSH server", Severity: scanner.Low, URL: hardeningGuide, Tags: []string{"kubernetes", "nsa"},
		Help: "A shell that answers in a container goes past the access control and the log of the cluster. Use `kubectl exec` or `kubectl debug`.",
	},
	Pillar: scanner.PillarFirewall,
	Container: func(p *Pass, w *kube.Workload, c *kube.Container) {
		for _, port := range c.Ports {
			p.report(&w.Object, isOneOf(port.Port, "22"), port.Port, "declares the port of SSH for "+named(c)+"; use kubectl exec instead of a server")
		}
	},
}
