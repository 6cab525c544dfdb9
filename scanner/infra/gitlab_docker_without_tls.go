package infra

import (
	"strings"

	"github.com/trifecta-scanner/trifecta/scanner"
)

var gitlabDockerWithoutTLS = Check{
	Rule: scanner.Rule{
		ID: "gitlab-docker-without-tls", Title: "Docker service of a job that asks nobody who they are", Severity: scanner.Low, URL: "https://docs.gitlab.com/ci/docker/using_docker_build/", Tags: []string{"gitlab-ci"},
		Help: "With an empty DOCKER_TLS_CERTDIR the Docker service is a privileged container that takes orders from whatever reaches its port. Set it to `/certs`, and share that folder between the service and the job.",
	},
	Pipeline: func(p *Pass, l *pipeline) {
		inDocker := false
		for _, v := range l.images() {
			name, _ := v.Text()
			inDocker = inDocker || strings.Contains(name, "dind")
		}
		if !inDocker {
			return
		}
		for _, f := range l.variables() {
			if f.Name == "DOCKER_TLS_CERTDIR" {
				p.say(l.Resource, isOneOf(f.Value, ""), f.Value, "switches off TLS between its jobs and their Docker service; set DOCKER_TLS_CERTDIR to /certs")
			}
		}
	},
}
