package infra

import (
	"strings"

	"github.com/trifecta-scanner/trifecta/internal/lazy"
	"github.com/trifecta-scanner/trifecta/inventory"
	"github.com/trifecta-scanner/trifecta/kube"
	"github.com/trifecta-scanner/trifecta/scanner"
)

// headOf are expressions for the code that somebody proposes.
var headOf = lazy.Regexp(`github\.(?:event\.(?:pull_request\.head\.(?:sha|ref)|pull_request\.merge_commit_sha|workflow_run\.head_(?:sha|branch|commit\.id)|workflow_run\.pull_requests|number)|head_ref)|refs/pull/`)

var (
	// branchOf is the name of a branch, which actions/checkout looks for in this repository unless another one is named.
	branchOf = lazy.Regexp(`^\$\{\{\s*github\.(?:head_ref|event\.pull_request\.head\.ref|event\.workflow_run\.head_branch)\s*\}\}$`)
	// ownBranch are conditions that let only branches of this repository, or proposals of named accounts, pass.
	ownBranch = lazy.Regexp(`head\.repo\.(?:full_name|owner\.login)\s*==|==\s*github\.event\.pull_request\.head\.repo|!github\.event\.pull_request\.head\.repo\.fork|head\.repo\.fork\s*==\s*false|user\.login\s*==|head_repository\.full_name\s*==`)
	// askedFirst are conditions that a person of the project makes true.
	askedFirst = lazy.Regexp(`author_association|labels?\.|permission`)
)

// unguarded asks whether a stranger's proposal gets as far as a step.
func (s *step) unguarded() kube.Truth {
	conditions := []inventory.Value{s.values.Get("if")}
	if s.job != nil {
		conditions = append(conditions, s.job.values.Get("if"))
	}
	answer := kube.Yes
	for _, c := range conditions {
		t, _ := c.Text()
		switch {
		case ownBranch().MatchString(t):
			return kube.No
		case askedFirst().MatchString(t):
			answer = kube.Maybe
		}
	}
	return answer
}

var workflowUntrustedCheckout = Check{
	Rule: scanner.Rule{
		ID: "workflow-untrusted-checkout", Title: "Code of a stranger beside the secrets of the repository", Severity: scanner.Critical, URL: "https://securitylab.github.com/resources/github-actions-preventing-pwn-requests/", Tags: []string{"workflow"},
		Help: "With `pull_request_target` and `workflow_run` a workflow has the secrets and rights of the repository; whatever it builds or runs of the proposed code has them, too. Use `pull_request` for that, or look at the files without running any.",
	},
	Step: func(p *Pass, w *workflow, s *step) {
		if s.action() != "actions/checkout" || !w.startedBy("pull_request_target", "workflow_run", "issue_comment") {
			return
		}
		ref, repository := s.values.Get("with", "ref"), s.values.Get("with", "repository")
		what, _ := ref.Text()
		from, _ := repository.Text()
		proposed := headOf().MatchString(what) && (from != "" || !branchOf().MatchString(what)) // a branch alone is one of this repository
		if !proposed && !strings.Contains(from, "head.repo") && !strings.Contains(from, "head_repository") {
			return
		}
		v := ref
		if !proposed {
			v = repository
		}
		p.say(w.Resource, s.unguarded(), v, "checks out what a stranger proposes, with the secrets and rights of the repository; use pull_request for what runs it")
	},
}
