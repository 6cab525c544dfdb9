package infra

import (
	"strings"

	"github.com/trifecta-scanner/trifecta/kube"
	"github.com/trifecta-scanner/trifecta/scanner"
)

var imageDigest = Check{
	Rule: scanner.Rule{
		ID: "kubernetes-image-digest", Title: "Image without a digest", Severity: scanner.Info, URL: "https://kubernetes.io/docs/concepts/containers/images/", Tags: []string{"kubernetes"},
		Help: "A tag can be moved to another image by whoever can push. A digest (`name:tag@sha256:...`) always names the same one.",
	},
	Pillar: scanner.PillarVulnerability,
	Container: func(p *Pass, w *kube.Workload, c *kube.Container) {
		name, ok := c.Image.Text()
		if !ok || name == "" || strings.Contains(name, "@sha256:") {
			return
		}
		if tag, tagged := tagOf(name); !tagged || tag == "latest" {
			return // another rule says more
		}
		p.report(&w.Object, kube.Yes, c.Image, "runs "+name+", whose tag may be moved to another image; add its digest")
	},
}
