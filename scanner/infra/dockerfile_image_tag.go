package infra

import (
	"strings"

	"github.com/trifecta-scanner/trifecta/kube"
	"github.com/trifecta-scanner/trifecta/scanner"
)

var dockerfileImageTag = Check{
	Rule: scanner.Rule{
		ID: "dockerfile-image-tag", Title: "Base image without a tag, or with the tag latest", Severity: scanner.Medium, URL: dockerPractices, Tags: []string{"dockerfile"},
		Help: "The same Dockerfile makes another image tomorrow, and nobody can say which one had the flaw. Name a version, better a digest.",
	},
	Pillar: scanner.PillarVulnerability,
	Dockerfile: func(p *Pass, d *dockerfile) {
		for _, s := range d.stages {
			base, known := s.base.Text()
			if s.parent != nil || !known || base == "scratch" || base == "" || strings.Contains(base, "@") {
				continue
			}
			if tag, tagged := tagOf(base); !tagged || tag == "latest" {
				p.say(d.Resource, kube.Yes, s.base, "starts from "+base+" in whichever version is the latest; name a version")
			}
		}
	},
}
