package infra

import (
	"github.com/trifecta-scanner/trifecta/internal/lazy"
	"github.com/trifecta-scanner/trifecta/inventory"
	"github.com/trifecta-scanner/trifecta/kube"
	"github.com/trifecta-scanner/trifecta/scanner"
)

// untrusted are the parts of an event that whoever opens an issue or a pull request writes, as GitHub lists them.
var untrusted = lazy.Regexp(`\$\{\{[^}]*\b(github\.(?:event\.(?:issue\.(?:title|body)|pull_request\.(?:title|body|head\.(?:ref|label|repo\.default_branch))|comment\.body|review\.body|review_comment\.body|discussion\.(?:title|body)|pages(?:\.\*|\[\d+\])?\.page_name|commits(?:\.\*|\[\d+\])?\.(?:message|author\.(?:email|name))|head_commit\.(?:message|author\.(?:email|name))|workflow_run\.(?:head_branch|head_commit\.(?:message|author\.(?:email|name))|display_title|pull_requests\[\d+\]\.head\.ref))|head_ref))\b[^}]*\}\}`)

var workflowScriptInjection = Check{
	Rule: scanner.Rule{
		ID: "workflow-script-injection", Title: "Script into which a stranger writes", Severity: scanner.High, URL: secureUse, Tags: []string{"workflow"},
		Help: "`${{ }}` is put into a script before it runs: a title such as `$(curl ...)` becomes a command. Put the value into an environment variable, and use that in quotes.",
	},
	Step: func(p *Pass, w *workflow, s *step) {
		scripts := []inventory.Value{s.run}
		if s.action() == "actions/github-script" {
			scripts = append(scripts, s.values.Get("with", "script"))
		}
		for _, script := range scripts {
			t, _ := script.Text()
			for _, m := range untrusted().FindAllStringSubmatchIndex(t, -1) {
				p.say(w.Resource, kube.Yes, line(script, m[0]), "puts "+t[m[2]:m[3]]+", which a stranger writes, into a script; pass it through env")
			}
		}
	},
}
