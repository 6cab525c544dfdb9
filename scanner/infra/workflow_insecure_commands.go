package infra

import (
	"github.com/trifecta-scanner/trifecta/inventory"
	"github.com/trifecta-scanner/trifecta/scanner"
)

var workflowInsecureCommands = Check{
	Rule: scanner.Rule{
		ID: "workflow-insecure-commands", Title: "Workflow that takes commands from its log", Severity: scanner.High, URL: "https://github.blog/changelog/2020-10-01-github-actions-deprecating-set-env-and-add-path-commands/", Tags: []string{"workflow"},
		Help: "With ACTIONS_ALLOW_UNSECURE_COMMANDS whatever is printed can set variables and the path of later steps. Remove it, and write to the files GITHUB_ENV and GITHUB_PATH.",
	},
	Workflow: func(p *Pass, w *workflow) {
		environments := []inventory.Value{w.Get("env")}
		for _, j := range w.jobs {
			environments = append(environments, j.values.Get("env"))
		}
		for _, s := range w.steps {
			environments = append(environments, s.values.Get("env"))
		}
		for _, env := range environments {
			v := env.Get("ACTIONS_ALLOW_UNSECURE_COMMANDS")
			p.say(w.Resource, isTrue(v), v, "takes commands from what its steps print; remove ACTIONS_ALLOW_UNSECURE_COMMANDS")
		}
	},
}
