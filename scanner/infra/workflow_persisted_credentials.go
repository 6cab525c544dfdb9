package infra

import (
	"strings"

	"github.com/trifecta-scanner/trifecta/kube"
	"github.com/trifecta-scanner/trifecta/scanner"
)

var workflowPersistedCredentials = Check{
	Rule: scanner.Rule{
		ID: "workflow-persisted-credentials", Title: "Token of the repository in an artifact", Severity: scanner.Medium, URL: secureUse, Tags: []string{"workflow"},
		Help: "actions/checkout leaves the token in `.git/config`; an artifact of the whole folder carries it to everyone who may download it. Set `persist-credentials: false`, or upload only what was built.",
	},
	Workflow: func(p *Pass, w *workflow) {
		for _, j := range w.jobs {
			var left *step
			for _, s := range j.steps {
				switch s.action() {
				case "actions/checkout":
					if isNotFalse(s.values.Get("with", "persist-credentials")) != kube.No {
						left = s
					}
				case "actions/upload-artifact":
					where, _ := s.values.Get("with", "path").Text()
					if where = strings.TrimSpace(where); left != nil && (where == "." || where == "./" || where == "${{ github.workspace }}") {
						p.say(w.Resource, kube.Yes, s.values.Get("with", "path"), "puts the whole folder, with the token that checkout left there, into an artifact; set persist-credentials to false")
					}
				}
			}
		}
	},
}
