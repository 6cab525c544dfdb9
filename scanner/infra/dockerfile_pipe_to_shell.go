package infra

import (
	"github.com/trifecta-scanner/trifecta/internal/lazy"
	"github.com/trifecta-scanner/trifecta/kube"
	"github.com/trifecta-scanner/trifecta/scanner"
)

// pipedToShell is a download that a shell or interpreter runs as it comes.
var pipedToShell = lazy.Regexp(`(?:curl|wget)\b[^|;&\n]*\|\s*(?:sudo\s+(?:-\w+\s+)*)?(?:/bin/|/usr/bin/)?(?:env\s+)?(?:ba|z|da|k)?sh\b|(?:ba|z)?sh\s+(?:-c\s+)?["']?(?:<\(|\$\()\s*(?:curl|wget)\b|(?:curl|wget)\b[^|;&\n]*\|\s*(?:sudo\s+)?(?:python3?|perl|node|ruby)\b(?:\s+-)?\s*(?:$|[|;&\n])`)

var dockerfilePipeToShell = Check{
	Rule: scanner.Rule{
		ID: "dockerfile-pipe-to-shell", Title: "Download that a shell runs unseen", Severity: scanner.Medium, URL: dockerPractices, Tags: []string{"dockerfile"},
		Help: "Whoever answers at the address, today or tomorrow, runs what they like in the build. Download a version, compare its checksum, then run it.",
	},
	Pillar: scanner.PillarVulnerability,
	Dockerfile: func(p *Pass, d *dockerfile) {
		d.each("RUN", func(in instruction) {
			if pipedToShell().MatchString(in.text) {
				p.say(d.Resource, kube.Yes, in.at, "runs a download as it comes; download a version, compare its checksum, then run it")
			}
		})
	},
}
