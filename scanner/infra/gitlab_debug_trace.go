package infra

import (
	"github.com/trifecta-scanner/trifecta/scanner"
)

var gitlabDebugTrace = Check{
	Rule: scanner.Rule{
		ID: "gitlab-debug-trace", Title: "Pipeline that writes its secrets into its log", Severity: scanner.High, URL: "https://docs.gitlab.com/ci/variables/variables_troubleshooting/", Tags: []string{"gitlab-ci"},
		Help: "With CI_DEBUG_TRACE the log of a job has every variable and secret that it can see, and every command with them. Remove it; set it by hand for the one job that is looked into, and delete its log.",
	},
	Pipeline: func(p *Pass, l *pipeline) {
		for _, f := range l.variables() {
			if f.Name == "CI_DEBUG_TRACE" {
				p.say(l.Resource, isOneOf(f.Value, "true", "1", "yes"), f.Value, "writes all of its variables into its log; remove CI_DEBUG_TRACE", replace(f.Value, `"false"`, "keep variables out of the log"))
			}
		}
	},
}
