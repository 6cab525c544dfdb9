package infra

import (
	"github.com/trifecta-scanner/trifecta/internal/lazy"
	"github.com/trifecta-scanner/trifecta/inventory"
	"github.com/trifecta-scanner/trifecta/kube"
	"github.com/trifecta-scanner/trifecta/scanner"
)

var botActor = lazy.Regexp(`github\.(?:actor|triggering_actor)\s*==\s*'[^']*\[bot\]'|'[^']*\[bot\]'\s*==\s*github\.(?:actor|triggering_actor)`)

var workflowSpoofableActor = Check{
	Rule: scanner.Rule{
		ID: "workflow-spoofable-actor", Title: "Condition that a stranger can make true", Severity: scanner.Medium, URL: secureUse, Tags: []string{"workflow"},
		Help: "`github.actor` is who did the last thing, not who wrote the code: a bot can be brought to do it on a stranger's branch. Ask for `github.event.pull_request.user.login`, and that the branch is of this repository.",
	},
	Workflow: func(p *Pass, w *workflow) {
		if !w.startedBy("pull_request_target", "workflow_run", "issue_comment") {
			return
		}
		check := func(v inventory.Value) {
			if t, _ := v.Text(); botActor().MatchString(t) {
				p.say(w.Resource, kube.Yes, v, "trusts whoever did the last thing, which a stranger can bring a bot to do; ask who opened the pull request")
			}
		}
		for _, j := range w.jobs {
			check(j.values.Get("if"))
		}
		for _, s := range w.steps {
			check(s.values.Get("if"))
		}
	},
}
