package join

import (
	"path"
	"strings"

	"github.com/trifecta-scanner/trifecta/inventory"
)

// ComposeRunners returns the services of Compose files with their images. Where such a file is deployed, and who reaches the
// host, is not known from it; what its services are made of is.
func ComposeRunners(automation []*inventory.Resource) []Runner {
	var runners []Runner
	for _, r := range automation {
		if r.Language != inventory.Compose {
			continue
		}
		runner := Runner{Workload: r.ID, Root: r.Root, Location: r.Location}
		image := r.Get("image")
		switch pattern := Pattern(image, nil); {
		case image.IsNull() && !r.Get("build").IsNull(): // Compose calls it after the project, which is the folder, and the service
			project := path.Base(path.Dir(r.Root))
			runner.Images = []Image{{inventory.ID(strings.ToLower(project) + "-" + r.Name), r.Get("build").Location()}}
		case strings.Trim(pattern, "*:/@.") != "":
			runner.Images = []Image{{inventory.ID(pattern), image.Location()}}
		}
		runners = append(runners, runner)
	}
	return runners
}
