package infra

import (
	"strings"

	"github.com/trifecta-scanner/trifecta/internal/lazy"
	"github.com/trifecta-scanner/trifecta/inventory"
	"github.com/trifecta-scanner/trifecta/kube"
	"github.com/trifecta-scanner/trifecta/scanner"
)

// inProduction are environments whose name says so.
var inProduction = lazy.Regexp(`^(?i:prod|production|prd|live)([-/_].*)?$`)

var gitlabDeployFromAnywhere = Check{
	Rule: scanner.Rule{
		ID: "gitlab-deploy-from-anywhere", Title: "Job that deploys to production from every branch", Severity: scanner.Medium, URL: "https://docs.gitlab.com/ci/environments/deployment_safety/", Tags: []string{"gitlab-ci"},
		Help: "Without `rules` a job runs in the pipeline of every branch: a push to any of them is in production. Add `rules: [if: $CI_COMMIT_BRANCH == $CI_DEFAULT_BRANCH]`, and protect the environment.",
	},
	Pipeline: func(p *Pass, l *pipeline) {
		sure := kube.Yes
		if !l.Get("include").IsNull() {
			sure = kube.Maybe // what is included may say when the pipeline runs
		}
		if !l.Get("workflow", "rules").IsNull() {
			return
		}
		for _, j := range l.jobs {
			environment := j.values.Get("environment")
			action, _ := environment.Get("action").Text()
			if environment.Kind() == inventory.Map {
				environment = environment.Get("name")
			}
			name, _ := environment.Text()
			when, _ := j.values.Get("when").Text()
			if strings.HasPrefix(j.name, ".") || !inProduction().MatchString(name) || action != "" && action != "start" || when != "" && when != "on_success" && when != "always" {
				continue
			}
			decided := false
			for _, key := range []string{"rules", "only", "except", "extends", "inherit"} {
				decided = decided || !j.values.Get(key).IsNull()
			}
			if !decided {
				p.say(l.Resource, sure, environment, "deploys to "+name+" from the pipeline of every branch ("+j.name+"); add rules, and protect the environment")
			}
		}
	},
}
