package infra

import (
	"github.com/trifecta-scanner/trifecta/kube"
	"github.com/trifecta-scanner/trifecta/scanner"
)

var gitlabIncludeWithoutRef = Check{
	Rule: scanner.Rule{
		ID: "gitlab-include-without-ref", Title: "Pipeline that includes the branch of another project", Severity: scanner.Low, URL: "https://docs.gitlab.com/ci/yaml/#includeproject", Tags: []string{"gitlab-ci"},
		Help: "Without `ref`, or with a branch, whoever can push there changes what this pipeline runs, without a change in this repository. Name a commit, or a protected tag.",
	},
	Pillar: scanner.PillarVulnerability,
	Pipeline: func(p *Pass, l *pipeline) {
		for _, in := range l.includes() {
			switch {
			case in.project == "":
			case in.ref == "":
				p.say(l.Resource, kube.Yes, in.at, "includes files of "+in.project+" from its default branch; name a commit or a protected tag as ref")
			case branches().MatchString(in.ref):
				p.say(l.Resource, kube.Yes, in.at, "includes files of "+in.project+" from its branch "+in.ref+"; name a commit or a protected tag as ref")
			}
		}
	},
}
