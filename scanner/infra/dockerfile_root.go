package infra

import (
	"strings"

	"github.com/trifecta-scanner/trifecta/kube"
	"github.com/trifecta-scanner/trifecta/scanner"
)

var dockerfileRoot = Check{
	Rule: scanner.Rule{
		ID: "dockerfile-root", Title: "Image that runs as root", Severity: scanner.Medium, URL: dockerPractices, Tags: []string{"dockerfile"},
		Help: "Whoever breaks out of a process of root is root on the host. End the last stage with `USER` and the number of a user of its own.",
	},
	Dockerfile: func(p *Pass, d *dockerfile) {
		if len(d.stages) == 0 {
			return
		}
		last := d.stages[len(d.stages)-1]
		for s := last; s != nil; s = s.parent {
			for i := len(s.instructions) - 1; i >= 0; i-- {
				in := s.instructions[i]
				if in.name != "USER" {
					continue
				}
				user, _, _ := strings.Cut(in.text, ":")
				if user == "root" || user == "0" {
					p.say(d.Resource, kube.Yes, in.at, "runs as root; end it with another USER")
				}
				return
			}
			if s.parent == nil {
				base, known := s.base.Text()
				switch {
				case known && base == "scratch" && builderOnly(last):
				case !known || strings.Contains(base, "$"):
					p.say(d.Resource, kube.Maybe, last.base, "names no user, and runs as root unless its base image does; end it with USER", nil)
				case knownUser(base):
				case rootOf(base) == kube.Yes:
					p.say(d.Resource, kube.Yes, last.base, "names no user, and "+base+" runs as root; end it with USER")
				default:
					p.say(d.Resource, kube.Maybe, last.base, "names no user, and runs as root unless "+base+" has another one; end it with USER")
				}
			}
		}
	},
}

// builderOnly reports whether a stage starts nothing: it only carries files, as the last one of a build that is exported.
func builderOnly(s *stage) bool {
	for _, in := range s.instructions {
		if in.name == "ENTRYPOINT" || in.name == "CMD" {
			return false
		}
	}
	return true
}

// knownUser reports whether the images of a name are known to have a user of their own.
func knownUser(base string) bool {
	return strings.Contains(base, "nonroot") || strings.Contains(base, "rootless") || strings.Contains(base, "unprivileged") ||
		strings.HasPrefix(base, "cgr.dev/chainguard/") || strings.HasPrefix(base, "bitnami/") || strings.HasPrefix(base, "docker.io/bitnami/")
}

// rootOf says what is known of the user of a base image: official images run as root, of others it is not known.
func rootOf(base string) kube.Truth {
	name := strings.TrimPrefix(strings.TrimPrefix(base, "docker.io/"), "library/")
	if strings.Contains(name, "/") && !strings.HasPrefix(base, "public.ecr.aws/docker/library/") && !strings.HasPrefix(base, "gcr.io/distroless/") {
		return kube.Maybe
	}
	return kube.Yes
}
