package infra

import (
	"github.com/trifecta-scanner/trifecta/inventory"
	"github.com/trifecta-scanner/trifecta/kube"
	"github.com/trifecta-scanner/trifecta/scanner"
)

var composeSecret = Check{
	Rule: scanner.Rule{
		ID: "compose-secret", Title: "Secret in the environment of a service, in plain text", Severity: scanner.Medium, URL: "https://docs.docker.com/compose/how-tos/use-secrets/", Tags: []string{"compose"},
		Help: "A secret in a Compose file is read by everyone who reads the repository, and stays in its history. Use `secrets`, or a variable that is set outside of the repository, and change the secret.",
	},
	Service: func(p *Pass, s *inventory.Resource) {
		for _, f := range environmentOf(s.Get("environment")) {
			if isSecret(f) {
				p.say(s, kube.Yes, f.Value, "has the secret "+f.Name+" in plain text; use secrets, or a variable from outside, and change it")
			}
		}
	},
}

// isSecret reports whether a variable has the name of a secret and a text that may be one.
func isSecret(f inventory.Field) bool {
	value, known := f.Value.Text()
	return known && secretWords().MatchString(f.Name) && !aboutSecrets().MatchString(f.Name) && !placeholder(f.Name, value)
}
