package infra

import (
	"github.com/trifecta-scanner/trifecta/kube"
	"github.com/trifecta-scanner/trifecta/scanner"
)

var gitlabImageTag = Check{
	Rule: scanner.Rule{
		ID: "gitlab-image-tag", Title: "Job whose image has no tag, or the tag latest", Severity: scanner.Low, URL: pipelineSyntax + "#image", Tags: []string{"gitlab-ci"},
		Help: "The same commit is built by another program tomorrow, and nobody can say by which. Name a version, better a digest.",
	},
	Pillar: scanner.PillarVulnerability,
	Pipeline: func(p *Pass, l *pipeline) {
		for _, v := range l.images() {
			if latestImage(v) {
				name, _ := v.Text()
				p.say(l.Resource, kube.Yes, v, "runs the image "+name+" in whichever version is the latest; name a version")
			}
		}
	},
}
