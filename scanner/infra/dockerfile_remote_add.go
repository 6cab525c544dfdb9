package infra

import (
	"strings"

	"github.com/trifecta-scanner/trifecta/kube"
	"github.com/trifecta-scanner/trifecta/scanner"
)

var dockerfileRemoteAdd = Check{
	Rule: scanner.Rule{
		ID: "dockerfile-remote-add", Title: "File of the internet that nobody checks", Severity: scanner.Medium, URL: dockerPractices, Tags: []string{"dockerfile"},
		Help: "ADD takes what the address gives at the time of the build. Add `--checksum=sha256:...`, or a commit to the address of a git repository.",
	},
	Pillar: scanner.PillarVulnerability,
	Dockerfile: func(p *Pass, d *dockerfile) {
		d.each("ADD", func(in instruction) {
			if _, checked := in.flag("checksum"); checked {
				return
			}
			for _, source := range sourcesOf(in) {
				if strings.HasPrefix(source, "http://") || strings.HasPrefix(source, "https://") && !strings.Contains(source, ".git#") {
					p.say(d.Resource, kube.Yes, in.at, "adds "+source+" unchecked; add --checksum")
				}
			}
		})
	},
}
