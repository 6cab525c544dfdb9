package infra

import (
	"strings"

	"github.com/trifecta-scanner/trifecta/kube"
	"github.com/trifecta-scanner/trifecta/scanner"
)

var dockerfileImageDigest = Check{
	Rule: scanner.Rule{
		ID: "dockerfile-image-digest", Title: "Base image without a digest", Severity: scanner.Info, URL: dockerPractices, Tags: []string{"dockerfile"},
		Help: "A tag can be moved to another image. A digest (`name:tag@sha256:...`) always names the same one, and bots keep it up to date.",
	},
	Pillar: scanner.PillarVulnerability,
	Dockerfile: func(p *Pass, d *dockerfile) {
		for _, s := range d.stages {
			base, known := s.base.Text()
			if s.parent != nil || !known || base == "scratch" || strings.Contains(base, "@") {
				continue
			}
			if tag, tagged := tagOf(base); tagged && tag != "latest" { // of the others another rule says more
				p.say(d.Resource, kube.Yes, s.base, "starts from "+base+", whose tag may be moved to another image; add its digest")
			}
		}
	},
}
