package infra

import (
	"github.com/trifecta-scanner/trifecta/kube"
	"github.com/trifecta-scanner/trifecta/scanner"
)

var gitlabPipeToShell = Check{
	Rule: scanner.Rule{
		ID: "gitlab-pipe-to-shell", Title: "Job that runs a download unseen", Severity: scanner.Medium, URL: pipelineSecurity, Tags: []string{"gitlab-ci"},
		Help: "Whoever answers at the address, today or tomorrow, runs what they like with the variables and tokens of the job. Download a version, compare its checksum, then run it.",
	},
	Pillar: scanner.PillarVulnerability,
	Pipeline: func(p *Pass, l *pipeline) {
		for _, command := range l.commands() {
			written, _ := command.Text()
			if found := pipedToShell().FindStringIndex(written); found != nil {
				p.say(l.Resource, kube.Yes, line(command, found[0]), "runs a download as it comes; download a version, compare its checksum, then run it")
			}
		}
	},
}
