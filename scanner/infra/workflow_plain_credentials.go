package infra

import (
	"strings"

	"github.com/trifecta-scanner/trifecta/inventory"
	"github.com/trifecta-scanner/trifecta/kube"
	"github.com/trifecta-scanner/trifecta/scanner"
)

var workflowPlainCredentials = Check{
	Rule: scanner.Rule{
		ID: "workflow-plain-credentials", Title: "Password of a registry in a workflow", Severity: scanner.High, URL: secureUse, Tags: []string{"workflow"},
		Help: "Everyone who reads the repository has it, and it stays in its history. Put it into a secret of the repository, and change it.",
	},
	Workflow: func(p *Pass, w *workflow) {
		for _, j := range w.jobs {
			containers := []inventory.Value{j.values.Get("container")}
			containers = append(containers, j.values.Get("services").Elements()...)
			for _, c := range containers {
				v := c.Get("credentials", "password")
				if t, ok := v.Text(); ok && t != "" && !strings.Contains(t, "${{") {
					p.say(w.Resource, kube.Yes, v, "has the password of a registry in plain text; put it into a secret, and change it")
				}
			}
		}
	},
}
