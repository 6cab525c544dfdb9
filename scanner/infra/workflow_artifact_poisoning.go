package infra

import (
	"strings"

	"github.com/trifecta-scanner/trifecta/kube"
	"github.com/trifecta-scanner/trifecta/scanner"
)

var workflowArtifactPoisoning = Check{
	Rule: scanner.Rule{
		ID: "workflow-artifact-poisoning", Title: "Artifact of a stranger beside the secrets of the repository", Severity: scanner.Medium, URL: "https://securitylab.github.com/resources/github-actions-preventing-pwn-requests/", Tags: []string{"workflow"},
		Help: "The artifact of a run that a pull request started is what its author wants it to be, and `workflow_run` has the rights of the repository. Unpack it into a folder of its own (`path: ${{ runner.temp }}/artifact`), and treat what is in it as data.",
	},
	Step: func(p *Pass, w *workflow, s *step) {
		if !w.startedBy("workflow_run") {
			return
		}
		switch s.action() {
		case "actions/download-artifact", "dawidd6/action-download-artifact":
			where, _ := s.values.Get("with", "path").Text()
			if where = strings.TrimSuffix(strings.TrimSpace(where), "/"); where == "" || where == "." || where == "${{ github.workspace }}" {
				p.say(w.Resource, kube.Yes, s.values.Get("uses"), "unpacks the artifact of another run, which a stranger may have made, over the files of the repository; give it a path of its own")
			}
		}
	},
}
