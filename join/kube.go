package join

import (
	"strings"

	"github.com/trifecta-scanner/trifecta/inventory"
	"github.com/trifecta-scanner/trifecta/kube"
)

// KubeRunners returns the workloads of a cluster with their images. Containers that only prepare a pod run, too.
func KubeRunners(m *kube.Model) []Runner {
	runners := make([]Runner, 0, len(m.Workloads))
	for _, w := range m.Workloads {
		r := Runner{Workload: w.ID(), Root: w.Resource.Root, Location: w.Resource.Location}
		for _, c := range w.Pod.Containers {
			pattern := Pattern(c.Image, nil)
			if c.Image.IsNull() || strings.Trim(pattern, "*:/@.") == "" {
				continue
			}
			r.Images = append(r.Images, Image{inventory.ID(pattern), c.Image.Location()})
		}
		runners = append(runners, r)
	}
	return runners
}
