package infra

import (
	"github.com/trifecta-scanner/trifecta/internal/lazy"
	"github.com/trifecta-scanner/trifecta/kube"
	"github.com/trifecta-scanner/trifecta/scanner"
)

// passwordInCommand are commands with a password written out.
var passwordInCommand = lazy.Regexp(`(?:echo|printf)\s+["']?\w+:[^$"'\s|]+["']?\s*\|\s*(?:sudo\s+)?chpasswd|\bsshpass\s+-p\s*[^$\s]|\b(?:curl|wget)\b[^|;&\n]*\s(?:-u|--user)[= ]["']?[\w.-]+:[^$"'\s{]|\b(?:useradd|usermod)\b[^|;&\n]*\s(?:-p|--password)[= ]["']?[^$"'\s]|\bdocker\s+login\b[^|;&\n]*\s(?:-p|--password)[= ]["']?[^$"'\s]`)

var dockerfilePasswordInCommand = Check{
	Rule: scanner.Rule{
		ID: "dockerfile-password-in-command", Title: "Password in a command of an image", Severity: scanner.High, URL: "https://docs.docker.com/build/building/secrets/", Tags: []string{"dockerfile"},
		Help: "The command stays in the history of the image. Mount the secret with `RUN --mount=type=secret`; give accounts no password at all.",
	},
	Dockerfile: func(p *Pass, d *dockerfile) {
		d.each("RUN", func(in instruction) {
			if passwordInCommand().MatchString(in.text) {
				p.say(d.Resource, kube.Yes, in.at, "has a password in a command, which stays in its history; mount it as a secret, and change it")
			}
		})
	},
}
