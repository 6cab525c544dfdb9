package infra

import (
	"strings"

	"github.com/trifecta-scanner/trifecta/internal/lazy"
	"github.com/trifecta-scanner/trifecta/kube"
	"github.com/trifecta-scanner/trifecta/scanner"
)

// secretFiles are names of files that hold keys or passwords.
var secretFiles = lazy.Regexp(`(?i)(^|/)(\.env(\.(prod|production|local))?|id_(rsa|dsa|ecdsa|ed25519)|\.npmrc|\.pypirc|\.netrc|\.git-credentials|\.htpasswd|credentials\.json|service-account\.json|[^/]*\.(pem|key|p12|pfx|jks|keystore|kdbx)|\.ssh/?|\.aws/?|\.kube/config|\.docker/config\.json)$`)

var dockerfileSecretFile = Check{
	Rule: scanner.Rule{
		ID: "dockerfile-secret-file", Title: "File with secrets that is copied into an image", Severity: scanner.Medium, URL: "https://docs.docker.com/build/building/secrets/", Tags: []string{"dockerfile"},
		Help: "A file that is copied stays in a layer of the image, also when a later instruction removes it. Mount it for the one RUN that needs it: `RUN --mount=type=secret`.",
	},
	Dockerfile: func(p *Pass, d *dockerfile) {
		for _, name := range []string{"COPY", "ADD"} {
			d.each(name, func(in instruction) {
				if _, other := in.flag("from"); other {
					return
				}
				for _, source := range sourcesOf(in) {
					if secretFiles().MatchString(source) && !strings.Contains(source, "example") && !strings.Contains(source, "sample") && !strings.Contains(source, "public") {
						p.say(d.Resource, kube.Yes, in.at, "copies "+source+" into the image; mount it with RUN --mount=type=secret where it is needed")
					}
				}
			})
		}
	},
}

// sourcesOf returns what COPY or ADD copies.
func sourcesOf(in instruction) []string {
	first, _, _ := strings.Cut(in.text, "\n")
	var fields []string
	if strings.HasPrefix(first, "[") {
		for _, field := range strings.Split(strings.Trim(first, "[] "), ",") {
			fields = append(fields, strings.Trim(field, `"' `))
		}
	} else {
		fields = strings.Fields(first)
	}
	if len(fields) < 2 {
		return nil
	}
	return fields[:len(fields)-1]
}
