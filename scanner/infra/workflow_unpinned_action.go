package infra

import (
	"strings"

	"github.com/trifecta-scanner/trifecta/internal/lazy"
	"github.com/trifecta-scanner/trifecta/inventory"
	"github.com/trifecta-scanner/trifecta/kube"
	"github.com/trifecta-scanner/trifecta/scanner"
)

var commit = lazy.Regexp(`^[0-9a-f]{40}([0-9a-f]{24})?$`)

var workflowUnpinnedAction = Check{
	Rule: scanner.Rule{
		ID: "workflow-unpinned-action", Title: "Action that is not pinned to a commit", Severity: scanner.Medium, URL: secureUse, Tags: []string{"workflow"},
		Help: "Whoever can move the tag or branch runs code with the secrets of the workflow, as in March 2025 (tj-actions/changed-files). Name the full commit, and the version in a comment; bots keep both up to date.",
	},
	Pillar: scanner.PillarVulnerability,
	Workflow: func(p *Pass, w *workflow) {
		for _, s := range w.steps {
			p.unpinned(w, s.values.Get("uses"))
		}
		for _, j := range w.jobs {
			p.unpinned(w, j.values.Get("uses"))
		}
	},
}

func (p *Pass) unpinned(w *workflow, v inventory.Value) {
	uses, ok := v.Text()
	if !ok || strings.HasPrefix(uses, "./") || strings.HasPrefix(uses, "../") {
		return
	}
	name, ref, _ := strings.Cut(uses, "@")
	switch {
	case strings.HasPrefix(uses, "docker://"):
		if !strings.Contains(uses, "@sha256:") {
			p.say(w.Resource, kube.Yes, v, "runs the image "+strings.TrimPrefix(uses, "docker://")+" without a digest; add it")
		}
	case strings.HasPrefix(name, "actions/"), strings.HasPrefix(name, "github/"): // GitHub's own: as trusted as the runner
	case !commit().MatchString(ref):
		p.say(w.Resource, kube.Yes, v, "uses "+uses+", which its owner can change at any time; name the full commit")
	}
}
