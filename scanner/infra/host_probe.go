package infra

import (
	"github.com/trifecta-scanner/trifecta/kube"
	"github.com/trifecta-scanner/trifecta/scanner"
)

var hostProbe = Check{
	Rule: scanner.Rule{
		ID: "kubernetes-host-probe", Title: "Probe or hook that is sent to another host", Severity: scanner.Low, URL: podSecurity, Tags: []string{"kubernetes", "pss-baseline"},
		Help: "The kubelet sends probes from the node, past network policies: with `host` a pod makes it ask any address that the node can reach. Leave `host` out.",
	},
	Container: func(p *Pass, w *kube.Workload, c *kube.Container) {
		for _, at := range [][]string{
			{"livenessProbe", "httpGet"}, {"livenessProbe", "tcpSocket"}, {"readinessProbe", "httpGet"}, {"readinessProbe", "tcpSocket"},
			{"startupProbe", "httpGet"}, {"startupProbe", "tcpSocket"}, {"lifecycle", "postStart", "httpGet"}, {"lifecycle", "postStart", "tcpSocket"},
			{"lifecycle", "preStop", "httpGet"}, {"lifecycle", "preStop", "tcpSocket"},
		} {
			v := c.Values.Get(at...).Get("host")
			p.report(&w.Object, isOtherThan(v, ""), v, "lets the kubelet send the "+at[0]+" of "+named(c)+" to "+text(v)+"; remove host")
		}
	},
}
