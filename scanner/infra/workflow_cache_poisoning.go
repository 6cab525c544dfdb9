package infra

import (
	"slices"
	"strings"

	"github.com/trifecta-scanner/trifecta/internal/lazy"
	"github.com/trifecta-scanner/trifecta/kube"
	"github.com/trifecta-scanner/trifecta/scanner"
)

// publishes are actions that give what was built to others.
var publishes = lazy.Regexp(`^(pypa/gh-action-pypi-publish|softprops/action-gh-release|goreleaser/goreleaser-action|js-devtools/npm-publish|actions/create-release|ncipollo/release-action|docker/build-push-action)$`)

var workflowCachePoisoning = Check{
	Rule: scanner.Rule{
		ID: "workflow-cache-poisoning", Title: "Release that is built from a cache", Severity: scanner.Low, URL: "https://docs.github.com/en/actions/reference/workflows-and-actions/dependency-caching", Tags: []string{"workflow"},
		Help: "Other workflows of the branch fill the same cache; one that a stranger got into changes what is released. Build releases without a cache.",
	},
	Workflow: func(p *Pass, w *workflow) {
		if !w.startedBy("release") && !onTags(w) {
			return
		}
		for _, j := range w.jobs {
			if !slices.ContainsFunc(j.steps, func(s *step) bool { return publishes().MatchString(s.action()) }) {
				continue
			}
			for _, s := range j.steps {
				if v := s.values.Get("with", "cache"); s.action() == "actions/cache" || strings.HasPrefix(s.action(), "actions/setup-") && !v.IsNull() && isOneOf(v, "false", "") == kube.No {
					p.say(w.Resource, kube.Yes, s.values.Get("uses"), "builds a release from a cache that other workflows fill; build it without one")
				}
			}
		}
	},
}

// onTags reports whether a pushed tag starts a workflow.
func onTags(w *workflow) bool {
	for _, f := range w.triggers() {
		if f.Name == "push" && !f.Value.Get("tags").IsNull() {
			return true
		}
	}
	return false
}
