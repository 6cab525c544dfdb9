package infra

import (
	"github.com/trifecta-scanner/trifecta/inventory"
	"github.com/trifecta-scanner/trifecta/kube"
	"github.com/trifecta-scanner/trifecta/scanner"
)

var workflowNoPermissions = Check{
	Rule: scanner.Rule{
		ID: "workflow-no-permissions", Title: "Workflow that leaves its rights to the settings", Severity: scanner.Low, URL: secureUse, Tags: []string{"workflow"},
		Help: "Without `permissions` the token has what the repository or organisation says, in many of them the right to write everything. Begin with `permissions: {contents: read}`, and give single jobs more.",
	},
	Workflow: func(p *Pass, w *workflow) {
		if w.Language != inventory.Workflow || !w.Get("permissions").IsNull() {
			return
		}
		for _, j := range w.jobs {
			if j.values.Get("permissions").IsNull() {
				p.say(w.Resource, kube.Yes, j.at, "leaves the rights of the job "+j.name+" to the settings of the repository; add permissions")
				return // one finding for the file: one line at its top closes all
			}
		}
	},
}
