package infra

import (
	"github.com/trifecta-scanner/trifecta/internal/lazy"
	"github.com/trifecta-scanner/trifecta/kube"
	"github.com/trifecta-scanner/trifecta/scanner"
)

// ofServices are variables with which the images of databases make their first user. In a pipeline they are there for the
// length of a job.
var ofServices = lazy.Regexp(`^(POSTGRES|PG|PGPASSWORD|MYSQL|MARIADB|MONGO|RABBITMQ|REDIS|MSSQL|SA|KEYCLOAK|MINIO|ELASTIC|NEO4J|CLICKHOUSE|DB|DATABASE|TEST)(_|$)`)

var gitlabSecret = Check{
	Rule: scanner.Rule{
		ID: "gitlab-secret", Title: "Secret in a pipeline, in plain text", Severity: scanner.High, URL: "https://docs.gitlab.com/ci/variables/#define-a-cicd-variable-in-the-ui", Tags: []string{"gitlab-ci"},
		Help: "Everyone who reads the repository has it, and it stays in its history. Make it a masked and protected variable of the project, or fetch it from a store with an ID token; and change it.",
	},
	Pipeline: func(p *Pass, l *pipeline) {
		for _, f := range l.variables() {
			if isSecret(f) && !ofServices().MatchString(f.Name) {
				p.say(l.Resource, kube.Yes, f.Value, "has the secret "+f.Name+" in plain text; make it a masked and protected variable, and change it")
			}
		}
	},
}
