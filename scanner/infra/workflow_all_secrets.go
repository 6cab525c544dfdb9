package infra

import (
	"github.com/trifecta-scanner/trifecta/internal/lazy"
	"github.com/trifecta-scanner/trifecta/inventory"
	"github.com/trifecta-scanner/trifecta/kube"
	"github.com/trifecta-scanner/trifecta/scanner"
)

var allSecrets = lazy.Regexp(`(?i)toJSON\(\s*secrets\s*\)`)

var workflowAllSecrets = Check{
	Rule: scanner.Rule{
		ID: "workflow-all-secrets", Title: "All secrets in one value", Severity: scanner.Medium, URL: secureUse, Tags: []string{"workflow"},
		Help: "`toJSON(secrets)` gives a step every secret, and GitHub hides none of them in the log in that form. Name the one that is needed.",
	},
	Step: func(p *Pass, w *workflow, s *step) {
		check := func(v inventory.Value) {
			if t, _ := v.Text(); allSecrets().MatchString(t) {
				p.say(w.Resource, kube.Yes, v, "gives a step every secret of the repository; name the one that it needs")
			}
		}
		check(s.run)
		for _, field := range []string{"env", "with"} {
			for _, f := range s.values.Get(field).Fields() {
				check(f.Value)
			}
		}
	},
}
