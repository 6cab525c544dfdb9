package infra

import (
	"strings"

	"github.com/trifecta-scanner/trifecta/internal/lazy"
	"github.com/trifecta-scanner/trifecta/kube"
	"github.com/trifecta-scanner/trifecta/scanner"
)

// branches are names that branches have and versions do not.
var branches = lazy.Regexp(`^(?i:head|main|master|trunk|develop|dev|stable|release|production|latest|~latest)$`)

// inAddress is a commit in the address of a file.
var inAddress = lazy.Regexp(`/[0-9a-f]{40}/`)

var gitlabUnpinnedInclude = Check{
	Rule: scanner.Rule{
		ID: "gitlab-unpinned-include", Title: "Pipeline that includes what others can change", Severity: scanner.Medium, URL: "https://docs.gitlab.com/ci/components/#use-a-component", Tags: []string{"gitlab-ci"},
		Help: "Whoever can change the file at the address, or what the latest version of a component is, runs code with the variables and tokens of the pipeline. Give a remote file `integrity`, or its address a commit; name the version or commit of a component.",
	},
	Pillar: scanner.PillarVulnerability,
	Pipeline: func(p *Pass, l *pipeline) {
		for _, in := range l.includes() {
			if in.remote != "" && !in.checked && !inAddress().MatchString(in.remote) {
				p.say(l.Resource, kube.Yes, in.at, "includes "+in.remote+", which its owner can change at any time; add integrity")
			}
			if name, version, ok := strings.Cut(in.component, "@"); ok && branches().MatchString(version) {
				p.say(l.Resource, kube.Yes, in.at, "includes "+name+" in whichever version "+version+" is; name a version or commit")
			}
		}
	},
}
