package infra

import (
	"strings"

	"github.com/trifecta-scanner/trifecta/internal/lazy"
	"github.com/trifecta-scanner/trifecta/kube"
	"github.com/trifecta-scanner/trifecta/scanner"
)

// unverified are options that turn off what proves where a download comes from.
var unverified = lazy.Regexp(`\bcurl\b[^|;&\n]*\s(?:-[a-zA-Z]*k[a-zA-Z]*|--insecure)(?:\s|$)|\bwget\b[^|;&\n]*--no-check-certificate|--allow-unauthenticated|--force-yes|--allow-untrusted|--nogpgcheck|--no-gpg-check|--trusted-host|strict-ssl[= ]+false|http\.sslVerify[= ]+(?:false|0)|GIT_SSL_NO_VERIFY=|NODE_TLS_REJECT_UNAUTHORIZED=["']?0`)

var dockerfileUnverifiedDownload = Check{
	Rule: scanner.Rule{
		ID: "dockerfile-unverified-download", Title: "Download from whoever answers", Severity: scanner.Medium, URL: dockerPractices, Tags: []string{"dockerfile"},
		Help: "Options such as `--insecure`, `--allow-unauthenticated` or `--nogpgcheck` accept files from anyone on the way. Remove them; install the certificate or key that is missing.",
	},
	Pillar: scanner.PillarVulnerability,
	Dockerfile: func(p *Pass, d *dockerfile) {
		for _, name := range []string{"RUN", "ENV"} {
			d.each(name, func(in instruction) {
				if found := unverified().FindString(in.text); found != "" {
					words := strings.Fields(found)
					p.say(d.Resource, kube.Yes, in.at, "turns off the check of where a download comes from ("+words[len(words)-1]+"); remove the option")
				}
			})
		}
	},
}
