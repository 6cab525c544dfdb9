package infra

import (
	"github.com/trifecta-scanner/trifecta/inventory"
	"github.com/trifecta-scanner/trifecta/kube"
	"github.com/trifecta-scanner/trifecta/scanner"
)

var workflowSelfHosted = Check{
	Rule: scanner.Rule{
		ID: "workflow-self-hosted", Title: "Machine of one's own that runs pull requests", Severity: scanner.Medium, URL: secureUse, Tags: []string{"workflow"},
		Help: "In a public repository anyone opens a pull request, and its code runs on this machine and in its network. Use GitHub's runners for pull requests, or ones that are made anew for each job.",
	},
	Workflow: func(p *Pass, w *workflow) {
		if !w.startedBy("pull_request", "pull_request_target", "issue_comment") {
			return
		}
		for _, j := range w.jobs {
			runner := j.values.Get("runs-on")
			if runner.Kind() == inventory.Map {
				runner = runner.Get("labels")
			}
			if contains(runner, "self-hosted") == kube.Yes {
				p.say(w.Resource, kube.Maybe, runner.At(runner.Location()), "runs what pull requests propose on a machine of one's own, if the repository is public; use a runner that is made anew")
			}
		}
	},
}
