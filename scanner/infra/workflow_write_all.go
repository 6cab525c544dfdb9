package infra

import (
	"github.com/trifecta-scanner/trifecta/inventory"
	"github.com/trifecta-scanner/trifecta/scanner"
)

var workflowWriteAll = Check{
	Rule: scanner.Rule{
		ID: "workflow-write-all", Title: "Workflow with all rights", Severity: scanner.High, URL: secureUse, Tags: []string{"workflow"},
		Help: "`write-all` lets every step, and every action it uses, change code, releases, packages and issues. Give each job what it needs.",
	},
	Workflow: func(p *Pass, w *workflow) {
		all := []inventory.Value{w.Get("permissions")}
		for _, j := range w.jobs {
			all = append(all, j.values.Get("permissions"))
		}
		for _, v := range all {
			p.say(w.Resource, isOneOf(v, "write-all"), v, "gives its token every right; list what each job needs", replace(v, "read-all", "let the token read; give jobs that write what they need"))
		}
	},
}
