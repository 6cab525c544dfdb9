package infra

import (
	"strings"

	"github.com/trifecta-scanner/trifecta/internal/lazy"
	"github.com/trifecta-scanner/trifecta/kube"
	"github.com/trifecta-scanner/trifecta/scanner"
)

var sudo = lazy.Regexp(`(?:^|[;&|(\n]\s*)sudo\s`)

var dockerfileSudo = Check{
	Rule: scanner.Rule{
		ID: "dockerfile-sudo", Title: "sudo in a build", Severity: scanner.Low, URL: dockerPractices, Tags: []string{"dockerfile"},
		Help: "A build runs as root, or as the user that USER names; sudo stays in the image as a way to root. Change the USER for the step instead.",
	},
	Dockerfile: func(p *Pass, d *dockerfile) {
		d.each("RUN", func(in instruction) {
			if sudo().MatchString(strings.TrimSpace(in.text)) {
				p.say(d.Resource, kube.Yes, in.at, "uses sudo; change the USER for the step instead")
			}
		})
	},
}
