package infra

import (
	"strings"

	"github.com/trifecta-scanner/trifecta/kube"
	"github.com/trifecta-scanner/trifecta/scanner"
)

var dockerfileSSH = Check{
	Rule: scanner.Rule{
		ID: "dockerfile-ssh", Title: "Image with an SSH server", Severity: scanner.Low, URL: dockerPractices, Tags: []string{"dockerfile"},
		Help: "A shell that answers in a container goes past the access control of the platform. Use `docker exec` or `kubectl exec`.",
	},
	Pillar: scanner.PillarFirewall,
	Dockerfile: func(p *Pass, d *dockerfile) {
		d.each("EXPOSE", func(in instruction) {
			for _, port := range strings.Fields(in.text) {
				if number, _, _ := strings.Cut(port, "/"); number == "22" {
					p.say(d.Resource, kube.Yes, in.at, "exposes the port of SSH; use docker exec instead of a server")
				}
			}
		})
	},
}
