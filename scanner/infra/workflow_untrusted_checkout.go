package infra

import (
	"strings"

	"github.com/trifecta-scanner/trifecta/kube"
	"github.com/trifecta-scanner/trifecta/scanner"
)

// headOf are expressions for the code that somebody proposes.
var headOf = pattern(`github\.(?:event\.(?:pull_request\.head\.(?:sha|ref)|pull_request\.merge_commit_sha|workflow_run\.head_(?:sha|branch|commit\.id)|workflow_run\.pull_requests|number)|head_ref)|refs/pull/`)

var workflowUntrustedCheckout = Check{
	Rule: scanner.Rule{
		ID: "workflow-untrusted-checkout", Title: "Code of a stranger beside the secrets of the repository", Severity: scanner.Critical, URL: "https://securitylab.github.com/resources/github-actions-preventing-pwn-requests/", Tags: []string{"workflow"},
		Help: "With `pull_request_target` and `workflow_run` a workflow has the secrets and rights of the repository; whatever it builds or runs of the proposed code has them, too. Use `pull_request` for that, or look at the files without running any.",
	},
	Step: func(p *Pass, w *workflow, s *step) {
		if s.action() != "actions/checkout" || !w.startedBy("pull_request_target", "workflow_run", "issue_comment") {
			return
		}
		for _, field := range []string{"ref", "repository"} {
			v := s.values.Get("with", field)
			t, _ := v.Text()
			if headOf().MatchString(t) || field == "repository" && strings.Contains(t, "head.repo") {
				p.say(w.Resource, kube.Yes, v, "checks out what a stranger proposes, with the secrets and rights of the repository; use pull_request for what runs it")
				return
			}
		}
	},
}
