package infra

import (
	"github.com/trifecta-scanner/trifecta/kube"
	"github.com/trifecta-scanner/trifecta/scanner"
)

var dockerfileInsecureBuild = Check{
	Rule: scanner.Rule{
		ID: "dockerfile-insecure-build", Title: "Build step with the privileges of the host", Severity: scanner.High, URL: "https://docs.docker.com/reference/dockerfile/#run---security", Tags: []string{"dockerfile"},
		Help: "`--security=insecure` and `--network=host` let a build step out of its sandbox. Remove them.",
	},
	Dockerfile: func(p *Pass, d *dockerfile) {
		d.each("RUN", func(in instruction) {
			if mode, _ := in.flag("security"); mode == "insecure" {
				p.say(d.Resource, kube.Yes, in.at, "runs a step with all privileges of the host; remove --security=insecure")
			}
			if mode, _ := in.flag("network"); mode == "host" {
				p.say(d.Resource, kube.Yes, in.at, "runs a step on the network of the host; remove --network=host")
			}
		})
	},
}
