package infra

import (
	"strings"

	"github.com/trifecta-scanner/trifecta/internal/lazy"
	"github.com/trifecta-scanner/trifecta/kube"
	"github.com/trifecta-scanner/trifecta/scanner"
)

var worldWritable = lazy.Regexp(`\bchmod\s+(?:-[a-zA-Z]+\s+)*(?:0?[0-7][0-7][2367]|1?777|a\+(?:rw|w)x?|o\+(?:rw|w)x?|ugo\+(?:rw|w)x?)\s`)

var dockerfileWorldWritable = Check{
	Rule: scanner.Rule{
		ID: "dockerfile-world-writable", Title: "Files that every user of the image may change", Severity: scanner.Low, URL: dockerPractices, Tags: []string{"dockerfile"},
		Help: "A program that every process may change runs what the first one that is broken into leaves there. Give files to the user who needs them: `COPY --chown`, `chmod 755`.",
	},
	Dockerfile: func(p *Pass, d *dockerfile) {
		d.each("RUN", func(in instruction) {
			for _, found := range worldWritable().FindAllStringIndex(in.text, -1) {
				target := strings.Fields(in.text[found[1]:])
				if len(target) > 0 && !strings.HasPrefix(target[0], "/tmp") && !strings.HasPrefix(target[0], "/var/tmp") {
					p.say(d.Resource, kube.Yes, in.at, "lets every user change "+target[0]+"; give it to the user who needs it")
				}
			}
		})
	},
}
