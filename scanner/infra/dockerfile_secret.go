package infra

import (
	"strings"

	"github.com/trifecta-scanner/trifecta/kube"
	"github.com/trifecta-scanner/trifecta/scanner"
)

var dockerfileSecret = Check{
	Rule: scanner.Rule{
		ID: "dockerfile-secret", Title: "Secret in an image", Severity: scanner.High, URL: "https://docs.docker.com/build/building/secrets/", Tags: []string{"dockerfile"},
		Help: "What ENV or ARG set stays in the image and its history, for everyone who pulls it. Give secrets to a build with `RUN --mount=type=secret`, to a container when it starts; and change this one.",
	},
	Dockerfile: func(p *Pass, d *dockerfile) {
		for _, name := range []string{"ENV", "ARG"} {
			d.each(name, func(in instruction) {
				for _, v := range assignments(in) {
					if secretWords().MatchString(v.name) && !aboutSecrets().MatchString(v.name) && !placeholder(v.name, v.value) {
						p.say(d.Resource, kube.Yes, in.at, "puts the secret "+v.name+" into the image; mount it with RUN --mount=type=secret, and change it")
					}
				}
			})
		}
	},
}

type assignment struct{ name, value string }

// assignments returns what ENV or ARG sets, in both of their forms.
func assignments(in instruction) []assignment {
	if name, value, ok := strings.Cut(in.text, " "); ok && in.name == "ENV" && !strings.Contains(name, "=") {
		return []assignment{{name, strings.TrimSpace(value)}}
	}
	var list []assignment
	for _, field := range strings.Fields(in.text) {
		if name, value, ok := strings.Cut(field, "="); ok {
			list = append(list, assignment{name, strings.Trim(value, `"'`)})
		}
	}
	return list
}
