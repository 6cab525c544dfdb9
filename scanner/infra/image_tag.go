package infra

import (
	"strings"

	"github.com/trifecta-scanner/trifecta/inventory"
	"github.com/trifecta-scanner/trifecta/kube"
	"github.com/trifecta-scanner/trifecta/scanner"
)

var imageTag = Check{
	Rule: scanner.Rule{
		ID: "kubernetes-image-tag", Title: "Image without a tag, or with the tag latest", Severity: scanner.Medium, URL: "https://kubernetes.io/docs/concepts/containers/images/", Tags: []string{"kubernetes"},
		Help: "Nobody can say which version of the program runs, what is wrong with it, or go back to the one before. Name a version, better a digest.",
	},
	Pillar: scanner.PillarVulnerability,
	Container: func(p *Pass, w *kube.Workload, c *kube.Container) {
		latest := ask(c.Image, func(v inventory.Value) bool {
			name, ok := v.Text()
			if !ok || name == "" || strings.Contains(name, "@") {
				return false
			}
			tag, tagged := tagOf(name)
			return !tagged || tag == "latest"
		})
		if latest == kube.Maybe {
			latest = tagInParts(c.Image)
		}
		if name, _ := c.Image.Text(); p.filledIn[name] {
			return
		}
		p.report(&w.Object, latest, c.Image, "runs the image "+text(c.Image)+" of "+named(c)+" in whichever version is the latest; name a version")
	},
}

// tagOf returns the tag of the name of an image.
func tagOf(name string) (string, bool) {
	name, _, _ = strings.Cut(name, "@")
	return cutTag(name[strings.LastIndexByte(name, '/')+1:])
}

func cutTag(last string) (string, bool) {
	_, tag, ok := strings.Cut(last, ":")
	return tag, ok && tag != ""
}

// tagInParts judges the name of an image that is not known as a whole: with a colon behind the last slash it has a tag.
func tagInParts(v inventory.Value) kube.Truth {
	parts := v.Parts()
	for i := len(parts) - 1; i >= 0; i-- {
		t, ok := parts[i].Text()
		if !ok {
			continue
		}
		if at := strings.LastIndexAny(t, ":/@"); at >= 0 {
			if t[at] == '/' || strings.HasSuffix(t, ":latest") && i == len(parts)-1 {
				return kube.Maybe
			}
			return kube.No
		}
	}
	return kube.No // nothing is known of it: others say so
}
