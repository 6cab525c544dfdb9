package infra

import (
	"strings"

	"github.com/trifecta-scanner/trifecta/inventory"
	"github.com/trifecta-scanner/trifecta/kube"
	"github.com/trifecta-scanner/trifecta/scanner"
)

var composeImageTag = Check{
	Rule: scanner.Rule{
		ID: "compose-image-tag", Title: "Service whose image has no tag, or the tag latest", Severity: scanner.Medium, URL: "https://docs.docker.com/build/building/best-practices/#pin-base-image-versions", Tags: []string{"compose"},
		Help: "Nobody can say which version of the program runs, what is wrong with it, or go back to the one before. Name a version, better a digest.",
	},
	Pillar: scanner.PillarVulnerability,
	Service: func(p *Pass, s *inventory.Resource) {
		v := s.Get("image")
		if s.Get("build").IsNull() && latestImage(v) { // what is built here is named here
			name, _ := v.Text()
			p.say(s, kube.Yes, v, "runs the image "+name+" in whichever version is the latest; name a version")
		}
	},
}

// latestImage reports whether the name of an image is known and says no version.
func latestImage(v inventory.Value) bool {
	name, ok := v.Text()
	if !ok || name == "" || strings.ContainsAny(name, "@*$") { // the last two: not all of it is known
		return false
	}
	tag, tagged := tagOf(name)
	return !tagged || tag == "latest"
}
