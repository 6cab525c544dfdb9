package infra

import (
	"strings"

	"github.com/trifecta-scanner/trifecta/scanner"
)

var workflowSecretsInherit = Check{
	Rule: scanner.Rule{
		ID: "workflow-secrets-inherit", Title: "All secrets for a workflow that is called", Severity: scanner.Medium, URL: secureUse, Tags: []string{"workflow"},
		Help: "`secrets: inherit` hands over every secret of the repository, those of tomorrow included. Name the secrets that the called workflow needs.",
	},
	Workflow: func(p *Pass, w *workflow) {
		for _, j := range w.jobs {
			uses, _ := j.values.Get("uses").Text()
			if v := j.values.Get("secrets"); uses != "" && !strings.HasPrefix(uses, "./") {
				p.say(w.Resource, isOneOf(v, "inherit"), v, "hands every secret to "+uses+"; name those that it needs")
			}
		}
	},
}
